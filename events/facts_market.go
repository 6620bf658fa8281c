package events

// Facts of markets beyond fees: the cards that customers and collectors scan, what
// a trader lets us see of her sales, stalls and tickets.

// CardIssued: a card with a payment code is made for a stall. Card is its serial
// number, never used again. PaysTo is a digest of where its code pays to, salted
// with a secret, so that a card can be held against it and nobody can find the
// account from it; where the account is a person's, it is personal.
type CardIssued struct {
	Dated
	MaybeOf
	Card   ID     `json:"card" holds:"opaque"`
	Stall  ID     `json:"stall"`
	PaysTo Digest `json:"pays_to"`
}

// CardPrinted: the card came to paper, so many times.
type CardPrinted struct {
	Dated
	Card   ID     `json:"card" holds:"opaque"`
	Copies *Count `json:"copies" within:"1,1000"`
}

// CardPosted: the card hangs at its stall.
type CardPosted struct {
	Dated
	Card ID `json:"card" holds:"opaque"`
}

// CardInspected: somebody looked at what hangs at a stall. Card is the serial that
// was read, where one was. What was found instead of the right code pays to an
// account that is personal.
type CardInspected struct {
	Dated
	MaybeOf
	Card   ID   `json:"card,omitzero" holds:"opaque"`
	Stall  ID   `json:"stall"`
	Result Word `json:"result" in:"right,other_account,revoked,unknown,missing,unreadable"`
}

// CardReplaced: another card of the same stall takes the card's place. By is that
// other card.
type CardReplaced struct {
	Dated
	Card   ID   `json:"card" holds:"opaque"`
	By     ID   `json:"by" holds:"opaque"`
	Reason Word `json:"reason"`
}

// CardRevoked: the card is good for nothing any more.
type CardRevoked struct {
	Dated
	Card   ID   `json:"card" holds:"opaque"`
	Reason Word `json:"reason"`
}

// AlertRaised: something about a stall or a bank line asks for a person. Kind is
// receipts_fell (fewer confirmed payments since a day, Seen, than its own history
// lets one expect, Expected), other_account (an inspection found another account)
// or foreign_account (a bank line to an account outside the registry carries a
// reference of ours). What it is about may be personal.
type AlertRaised struct {
	Dated
	MaybeOf
	Alert    ID     `json:"alert"`
	Kind     Word   `json:"kind" in:"receipts_fell,other_account,foreign_account"`
	Stall    ID     `json:"stall,omitzero"`
	Card     ID     `json:"card,omitzero" holds:"opaque"`
	Line     ID     `json:"line,omitzero"`
	Since    Date   `json:"since,omitzero"`
	Expected *Count `json:"expected,omitzero"`
	Seen     *Count `json:"seen,omitzero"`
}

func (f *AlertRaised) check() error {
	switch f.Kind {
	case "receipts_fell":
		if f.Stall == "" || f.Since == "" || f.Expected == nil || f.Seen == nil {
			return errorf(MissingField, "/data/expected", "receipts that fell need stall, since, expected and seen")
		}
	case "other_account":
		if f.Stall == "" {
			return errorf(MissingField, "/data/stall", "another account was found at a stall")
		}
	case "foreign_account":
		if f.Line == "" {
			return errorf(MissingField, "/data/line", "a foreign account stands on a bank line")
		}
	}
	return nil
}

// AlertClosed: somebody has looked into an alert, and this is what it was.
type AlertClosed struct {
	Dated
	MaybeOf
	Alert  ID   `json:"alert"`
	Reason Word `json:"reason"`
}

// SalesConnected: a trader (the person) consents that her sales are shown and kept
// in her sales book here, from the effective day until the day Until, and to whom:
// to herself, or to the market as well. Money that customers pay to her own account
// is hers to connect; the account is personal.
type SalesConnected struct {
	Dated
	Of
	Connection ID   `json:"connection" holds:"opaque"`
	Stall      ID   `json:"stall"`
	Until      Date `json:"until"`
	VisibleTo  Word `json:"visible_to" in:"trader,market"`
}

func (f *SalesConnected) check() error {
	if f.Until < f.EffectiveOn {
		return errorf(BadValue, "/data/until", "before it begins")
	}
	return nil
}

// SalesDisconnected: the consent is taken back. Nothing more is taken in through
// the connection, whatever day it is of.
type SalesDisconnected struct {
	Dated
	Connection ID   `json:"connection" holds:"opaque"`
	Reason     Word `json:"reason"`
}

// SaleReceived: a customer paid a trader (the person), by a line of her bank or
// wallet, or in cash as she wrote it down, which names none.
type SaleReceived struct {
	Dated
	Of
	Sum
	Stall      ID   `json:"stall"`
	Method     Word `json:"method" in:"bank,ewallet,cash"`
	Connection ID   `json:"connection" holds:"opaque"`
	Line       ID   `json:"line,omitzero" holds:"opaque"`
}

func (f *SaleReceived) check() error {
	if (f.Method == "cash") != (f.Line == "") {
		return errorf(BadValue, "/data/line", "a sale by bank or wallet names its line, one in cash none")
	}
	return f.Sum.check()
}

// StallDescribed: how large a stall is, in square decimetres (0.01 m²), and of
// which class it is in the tariff.
type StallDescribed struct {
	Dated
	Stall ID     `json:"stall"`
	Area  *Count `json:"area_dm2,omitzero" within:"1,100000000"`
	Class ID     `json:"class,omitzero"`
}

func (f *StallDescribed) check() error {
	if f.Area == nil && f.Class == "" {
		return errorf(MissingField, "/data/area_dm2", "expected area_dm2, class or both")
	}
	return nil
}

// StallVacated: nobody holds the stall from this day on.
type StallVacated struct {
	Dated
	Stall ID `json:"stall"`
}

// TraderAbsent: the stall stays closed from the effective day until the day Until,
// which tariffs may charge less for.
type TraderAbsent struct {
	Dated
	Stall  ID   `json:"stall"`
	Until  Date `json:"until"`
	Reason Word `json:"reason"`
}

func (f *TraderAbsent) check() error {
	if f.Until < f.EffectiveOn {
		return errorf(BadValue, "/data/until", "before it begins")
	}
	return nil
}

// TicketsHandedOut: a collector was given a range of numbered tickets, each of
// which sells at the amount.
type TicketsHandedOut struct {
	Dated
	Sum
	Range     ID     `json:"range"`
	Collector ID     `json:"collector" holds:"opaque"`
	Item      Word   `json:"item"`
	First     *Count `json:"first" within:"1,2147483647"`
	Last      *Count `json:"last" within:"1,2147483647"`
}

func (f *TicketsHandedOut) check() error {
	if *f.First > *f.Last {
		return errorf(BadValue, "/data/last", "before the first")
	}
	return f.Sum.check()
}

// TicketsSold: so many tickets of a range were sold, from the number First on where
// that is known. Cash names the collector who holds it; Line names the bank line that
// carried the money, where one is known.
type TicketsSold struct {
	Dated
	Sum
	Range     ID     `json:"range"`
	Count     *Count `json:"count" within:"1,2147483647"`
	First     *Count `json:"first,omitzero" within:"1,2147483647"`
	Method    Word   `json:"method" in:"bank,qr,card,ewallet,cash"`
	Line      ID     `json:"line,omitzero"`
	Collector ID     `json:"collector,omitzero" holds:"opaque"`
}

func (f *TicketsSold) check() error {
	if err := heldBy(f.Method, f.Collector, f.Line); err != nil {
		return err
	}
	return f.Sum.check()
}

// TicketsReturned: a collector gave so many tickets of a range back unsold.
type TicketsReturned struct {
	Dated
	Range ID     `json:"range"`
	Count *Count `json:"count" within:"1,2147483647"`
}

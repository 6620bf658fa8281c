package events

import "socho/internal/money"

// Facts of offices around bills and bank lines: tariffs, pupils, statements, and
// where money goes that no bill asked for.

// TariffSet: what an item costs from a day on, by a decision: for each pupil,
// stall, m2, day or ticket, or for each whole of a coefficient, of one class or of
// all, once or every so often, until a day or until the tariff is set again or ended.
// Name is what people call the item. WhenAbsent says whether a trader who is away
// owes it. A later fact about the same tariff replaces it from its own day on.
type TariffSet struct {
	Dated
	Sum
	Tariff      ID    `json:"tariff"`
	Item        Word  `json:"item"`
	Name        Label `json:"name,omitzero"`
	Per         Word  `json:"per" in:"pupil,stall,m2,day,ticket,coefficient"`
	Every       Word  `json:"every,omitzero" in:"once,day,month,term,year"`
	Class       ID    `json:"class,omitzero"`
	Until       Date  `json:"until,omitzero"`
	WhenAbsent  Word  `json:"when_absent,omitzero" in:"due,not_due"`
	InvoiceDuty Word  `json:"invoice_duty,omitzero" in:"invoice,receipt,none"`
	Decision    Label `json:"decision,omitzero"`
}

func (f *TariffSet) check() error {
	if f.Until != "" && f.Until < f.EffectiveOn {
		return errorf(BadValue, "/data/until", "before it begins")
	}
	return f.Sum.check()
}

// TariffEnded: the tariff is good no longer, from this day on.
type TariffEnded struct {
	Dated
	Tariff ID   `json:"tariff"`
	Reason Word `json:"reason"`
}

// PupilEnrolled: a pupil (the person) is in a class from a day on, also after
// another one. ClassName is what people call the class. Pupils of one household are
// brothers and sisters.
type PupilEnrolled struct {
	Dated
	Of
	Class     ID    `json:"class"`
	ClassName Label `json:"class_name,omitzero"`
	Household ID    `json:"household,omitzero" holds:"opaque"`
}

// PupilLeft: the pupil is in no class from this day on.
type PupilLeft struct {
	Dated
	Of
	Reason Word `json:"reason"`
}

// ReductionGranted: bills of a pupil (the person) in a currency are reduced from a day on, until
// a day or until it ends: of one item or of all, by a part in a hundred or by an
// amount.
type ReductionGranted struct {
	Dated
	Of
	Reduction ID             `json:"reduction" holds:"opaque"`
	Item      Word           `json:"item,omitzero"`
	Percent   *Count         `json:"percent,omitzero" within:"1,100"`
	Amount    Decimal        `json:"amount,omitzero"`
	Currency  money.Currency `json:"currency"`
	Until     Date           `json:"until,omitzero"`
	Reason    Word           `json:"reason"`
}

func (f *ReductionGranted) check() error {
	switch {
	case (f.Percent != nil) == (f.Amount != ""):
		return errorf(MissingField, "/data/percent", "expected either percent or amount")
	case f.Until != "" && f.Until < f.EffectiveOn:
		return errorf(BadValue, "/data/until", "before it begins")
	case f.Amount != "":
		return amount(f.Amount, f.Currency, "/data/amount")
	}
	return nil
}

// ReductionEnded: bills are reduced no longer, from this day on.
type ReductionEnded struct {
	Dated
	Reduction ID   `json:"reduction" holds:"opaque"`
	Reason    Word `json:"reason"`
}

// StatementReceived: what a bank's statement says of an account as a whole, from
// the day From to the effective day: what the account held before and after (below
// zero where it was overdrawn), where it says so, how many booked lines it shows, and
// the digest of the file.
type StatementReceived struct {
	Dated
	Account   ID             `json:"account"`
	Statement ID             `json:"statement"`
	From      Date           `json:"from"`
	Currency  money.Currency `json:"currency"`
	Opening   Balance        `json:"opening,omitzero"`
	Closing   Balance        `json:"closing,omitzero"`
	Lines     *Count         `json:"lines"`
	Digest    Digest         `json:"digest"`
}

func (f *StatementReceived) check() error {
	if f.From > f.EffectiveOn {
		return errorf(BadValue, "/data/from", "behind the end")
	}
	if (f.Opening == "") != (f.Closing == "") {
		return errorf(MissingField, "/data/opening", "expected opening and closing, or neither")
	}
	if f.Opening == "" {
		return currency(f.Currency)
	}
	if err := balance(f.Opening, f.Currency, "/data/opening"); err != nil {
		return err
	}
	return balance(f.Closing, f.Currency, "/data/closing")
}

// LinesOffset: money of a line that came in left again by a line that went out, or
// the other way round: what belonged to nobody was sent back, a payment bounced,
// or an office moved money between its own accounts. No bill or payout is touched.
type LinesOffset struct {
	Dated
	Sum
	In     ID   `json:"in"`
	Out    ID   `json:"out"`
	Reason Word `json:"reason" in:"refund,bounced,own_transfer"`
}

func (f *LinesOffset) check() error { return f.Sum.check() }

// LineNoted: somebody has looked at a line, and says how far they are with it. What
// they write is personal, as it may be of the payer (the person).
type LineNoted struct {
	Dated
	MaybeOf
	Line ID   `json:"line"`
	Mark Word `json:"mark" in:"open,waiting,done"`
}

// CreditApplied: credit of a payer, a stall or a pupil (the person), pays a bill,
// their own or another's.
type CreditApplied struct {
	Dated
	MaybeOf
	Sum
	Stall ID `json:"stall,omitzero"`
	Bill  ID `json:"bill"`
}

func (f *CreditApplied) check() error {
	if (f.Stall == "") == (f.Person == "") {
		return errorf(MissingField, "/data/stall", "expected either stall or person")
	}
	return f.Sum.check()
}

// SuspensePlaced: money that waited for what nobody knew pays a bill.
type SuspensePlaced struct {
	Dated
	Sum
	Bill ID `json:"bill"`
}

func (f *SuspensePlaced) check() error { return f.Sum.check() }

// PassedOn: what was collected for others went to them, by a line that went out.
type PassedOn struct {
	Dated
	Sum
	Item Word `json:"item"`
	Line ID   `json:"line"`
}

func (f *PassedOn) check() error { return f.Sum.check() }

// GrantReturned: what a fund has not used went back to whoever granted it, by a
// line that went out.
type GrantReturned struct {
	Dated
	Sum
	Line ID `json:"line"`
}

func (f *GrantReturned) check() error { return f.Sum.check() }

// Spent: money that went out was for an item of the organization's own: electricity,
// wages, what is handed to the treasury. It left by a bank line, or an operator of
// cards or wallets kept it of what they owe (Clearing).
type Spent struct {
	Dated
	Sum
	Item     Word `json:"item"`
	Line     ID   `json:"line,omitzero"`
	Clearing Word `json:"clearing,omitzero" in:"bank,qr,card,ewallet"`
}

func (f *Spent) check() error {
	if (f.Line == "") == (f.Clearing == "") {
		return errorf(MissingField, "/data/line", "expected either line or clearing")
	}
	return f.Sum.check()
}

// Earned: money that came in by a bank line was for an item of the organization's
// own that no bill asked for.
type Earned struct {
	Dated
	Sum
	Item Word `json:"item"`
	Line ID   `json:"line"`
}

func (f *Earned) check() error { return f.Sum.check() }

// RefundedInCash: credit of a payer, a stall or a pupil (the person), was paid back
// in cash that a collector held.
type RefundedInCash struct {
	Dated
	MaybeOf
	Sum
	Stall     ID `json:"stall,omitzero"`
	Collector ID `json:"collector" holds:"opaque"`
}

func (f *RefundedInCash) check() error {
	if (f.Stall == "") == (f.Person == "") {
		return errorf(MissingField, "/data/stall", "expected either stall or person")
	}
	return f.Sum.check()
}

// Recovered: a person gave back what had left beyond what they were owed for a
// month, by a bank line or at a pay point.
type Recovered struct {
	Dated
	Of
	Sum
	Programme Word   `json:"programme"`
	Period    Period `json:"period"`
	Line      ID     `json:"line,omitzero"`
	PayPoint  ID     `json:"pay_point,omitzero"`
}

func (f *Recovered) check() error {
	if (f.Line == "") == (f.PayPoint == "") {
		return errorf(MissingField, "/data/line", "expected either line or pay_point")
	}
	return f.Sum.check()
}

// MonthClosed: the books of all months up to this one are closed. What offices
// decide about days of those is refused from here on; what happened is taken in all
// the same.
type MonthClosed struct {
	Dated
	Period Period `json:"period"`
}

// MonthReopened: the books are closed up to the month before this one only.
type MonthReopened struct {
	Dated
	Period Period `json:"period"`
	Reason Word   `json:"reason"`
}

package projections

import (
	"strings"

	"socho/events"
	"socho/internal/money"
)

// States of a bank line.
const (
	LineExpected = "expected" // a fact names it, and no statement has shown it yet
	LineOpen     = "open"     // some of its money is not said the use of
	LinePlaced   = "placed"   // all of it is
	LineOver     = "over"     // facts place more of it than came
	LineBank     = "bank"     // the bank's own charge or interest
	LineReversed = "reversed" // the line was taken back
)

// BankLine is a line of a bank account with its sums, in minor units of its
// currency. Its words are those of the first sighting. As a change, the sums are
// what to add, and may be negative; empty words say nothing.
type BankLine struct {
	Organization string
	Line         string
	Direction    string // in or out
	Currency     money.Currency
	Account      string // the organization's own name of the bank account; empty until it is seen
	Kind         string // payment, charge or interest; likewise
	Person       string // whoever paid or was paid; empty where not known
	On           events.Date
	Amount       int64 // what moved the bank account
	Placed       int64 // of that, what facts say the use of
	Sightings    int64 // facts that show it, and were not taken back
	Seen         Position
	Last         Position // of the latest record that touched it
	// Renewed is of a change: what showed the line before was taken back, so that
	// the change's words, where it has any, are the line's.
	Renewed bool
}

// Left is what nothing says the use of, in minor units.
func (l *BankLine) Left() int64 { return l.Amount - l.Placed }

// State says in one word where the line stands.
func (l *BankLine) State() string {
	switch {
	case l.Amount == 0 && l.Placed != 0:
		return LineExpected
	case l.Amount == 0: // nothing shows it and nothing names it any more
		return LineReversed
	case l.Kind != "payment":
		return LineBank
	case l.Left() > 0:
		return LineOpen
	case l.Left() < 0:
		return LineOver
	}
	return LinePlaced
}

// LineUse is what a line's money was placed on, by the path of the account on the
// other side. As a change, the amount is what to add.
type LineUse struct {
	Organization string
	Line         string
	Direction    string
	Currency     money.Currency
	Against      string
	Amount       int64
	Last         Position
}

// FoldLines keeps a row for each bank line and for each use of its money. What a
// line moved and what of it is placed is read from the transfers of its own
// account, so that a reversal undoes exactly what it reverses. Only a line's own
// fact moves a bank, and only its reversal moves it back.
func FoldLines(c *Changes, a *Accepted) {
	at := Position{a.Shard, a.Offset}
	if f, ok := a.Event.Fact.(*events.LineReceived); ok {
		l := c.line(a, string(f.Line), string(f.Direction), f.Currency)
		if l.Kind == "" {
			l.Account, l.Kind, l.On, l.Seen = string(f.Account), string(f.Kind), f.EffectiveOn, at
		}
		if l.Person == "" {
			l.Person = string(f.Person)
		}
		l.Sightings++
	}
	for i := range a.Transfers {
		t := &a.Transfers[i]
		c.through(a, t.Debit, t.Credit, t.Amount, "out")
		c.through(a, t.Credit, t.Debit, t.Amount, "in")
	}
}

// through books what a transfer did to a line's own account at one of its ends,
// which is the end that adds to a line of that direction.
func (c *Changes) through(a *Accepted, path, against string, amount money.Amount, adds string) {
	if !strings.HasPrefix(path, "unallocated:") {
		return
	}
	s, n := steps(path)
	if n < 3 {
		return
	}
	l, minor := c.line(a, s[2], s[1], amount.Currency()), amount.Minor()
	if s[1] != adds {
		minor = -minor
	}
	if strings.HasPrefix(against, "bank:") {
		l.Amount += minor
		if minor < 0 { // the fact that showed it was taken back
			l.Account, l.Kind, l.Person, l.On, l.Seen = "", "", "", "", Position{}
			l.Sightings, l.Renewed = l.Sightings-1, true
		}
		return
	}
	l.Placed -= minor
	c.use(a, l, against).Amount -= minor
}

// line returns the change to a line within this batch.
func (c *Changes) line(a *Accepted, id, direction string, currency money.Currency) *BankLine {
	if c.lines == nil {
		c.lines = map[BankLine]int{}
	}
	key := BankLine{Organization: a.Event.Subject, Line: id, Direction: direction, Currency: currency}
	i, ok := c.lines[key]
	if !ok {
		i = len(c.Lines)
		c.lines[key] = i
		c.Lines = append(c.Lines, key)
	}
	c.Lines[i].Last = Position{a.Shard, a.Offset}
	return &c.Lines[i]
}

// use returns the change to one use of a line within this batch.
func (c *Changes) use(a *Accepted, l *BankLine, against string) *LineUse {
	if c.uses == nil {
		c.uses = map[LineUse]int{}
	}
	key := LineUse{Organization: l.Organization, Line: l.Line, Direction: l.Direction, Currency: l.Currency, Against: against}
	i, ok := c.uses[key]
	if !ok {
		i = len(c.Uses)
		c.uses[key] = i
		c.Uses = append(c.Uses, key)
	}
	c.Uses[i].Last = Position{a.Shard, a.Offset}
	return &c.Uses[i]
}

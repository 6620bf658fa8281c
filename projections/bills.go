package projections

import (
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// FoldBills keeps a row for each bill. Words come from the event that issued
// it, sums from the transfers that touch its receivable: what stands against
// income, money held for others or opening equity was issued, what stands
// against waivers was waived, everything else was paid. The sign is the
// transfer's side, so a reversal undoes exactly what it reverses.
func FoldBills(c *Changes, a *Accepted) {
	switch f := a.Event.Fact.(type) {
	case *events.FeeAssessed:
		b := c.bill(a, string(f.Bill))
		b.Kind, b.Holder, b.Stall, b.Person = "market", "stall:"+string(f.Stall), string(f.Stall), string(f.Person)
		b.issued(a, f.Period, f.Reference, f.DueOn, f.Currency)
	case *events.BillIssued:
		b := c.bill(a, string(f.Bill))
		b.Kind, b.Holder, b.Class, b.Person = "school", "pupil:"+string(f.Person), string(f.Class), string(f.Person)
		b.issued(a, f.Period, f.Reference, f.DueOn, f.Currency)
	}
	for i := range a.Transfers {
		t := &a.Transfers[i]
		if holder, bill, ok := receivable(t.Debit); ok {
			c.bill(a, bill).move(a, t, holder, t.Credit, t.Amount.Minor())
		}
		if holder, bill, ok := receivable(t.Credit); ok {
			c.bill(a, bill).move(a, t, holder, t.Debit, -t.Amount.Minor())
		}
	}
}

// bill returns the change to a bill within this batch.
func (c *Changes) bill(a *Accepted, id string) *Bill {
	if c.bills == nil {
		c.bills = map[[2]string]int{}
	}
	key := [2]string{a.Event.Subject, id}
	at := Position{a.Shard, a.Offset}
	i, ok := c.bills[key]
	if !ok {
		i = len(c.Bills)
		c.bills[key] = i
		c.Bills = append(c.Bills, Bill{Organization: a.Event.Subject, Bill: id, First: at})
	}
	c.Bills[i].Last = at
	return &c.Bills[i]
}

func (b *Bill) issued(a *Accepted, period events.Period, reference events.Reference, due events.Date, currency money.Currency) {
	b.Period, b.Reference, b.DueOn, b.Currency = string(period), string(reference), due, currency
	b.IssuedOn = a.Event.Fact.Effective()
}

// move books what a transfer did to the bill's receivable: a debit adds to
// what is owed, a credit (below zero) takes off.
func (b *Bill) move(a *Accepted, t *ledger.Transfer, holder, against string, debit int64) {
	b.Currency = t.Amount.Currency()
	if b.Holder == "" {
		b.Holder = holder
	}
	switch account, _, _ := strings.Cut(against, ":"); account {
	case "income", "held", "equity":
		b.Issued += debit
		if debit < 0 {
			b.Reversed = true
		} else if account == "equity" { // an opening balance is a bill from before
			b.Kind, b.Stall, b.Person = ofHolder(holder)
			b.IssuedOn, b.Period = t.EffectiveOn, monthOf(t.EffectiveOn)
		}
	case "waivers":
		b.Waived -= debit
	default:
		b.Paid -= debit
	}
}

func ofHolder(holder string) (kind, stall, person string) {
	if id, ok := strings.CutPrefix(holder, "stall:"); ok {
		return "market", id, ""
	}
	return "school", "", strings.TrimPrefix(holder, "pupil:")
}

// receivable takes the path of a receivable apart: stall:A12:receivable:b1, or
// pupil:p1:receivable:b1, with the currency behind it where it is not đồng.
func receivable(path string) (holder, bill string, ok bool) {
	s, n := steps(path)
	if (n == 4 || n == 5) && s[2] == "receivable" && (s[0] == "stall" || s[0] == "pupil") {
		return path[:len(s[0])+1+len(s[1])], s[3], true
	}
	return "", "", false
}

// steps takes a path apart, as far as any path has steps that are looked at. n
// is how many there are, or 6 where there are more.
func steps(path string) (s [6]string, n int) {
	for more := true; more && n < len(s); n++ {
		s[n], path, more = strings.Cut(path, ":")
	}
	return s, n
}

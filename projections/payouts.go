package projections

import (
	"socho/events"
	"socho/ledger"
)

// FoldPayouts keeps a row for each payout, and what persons are entitled to.
// A payout's sums come from the transfers on its three accounts, told apart by
// the account on the other side, so that a reversal undoes what it reverses.
// Money that left beyond what was owed passes through them on its way to what
// is recoverable of the person's month, and is seen on both sides.
func FoldPayouts(c *Changes, a *Accepted) {
	on := a.Event.Fact.Effective()
	at := Position{a.Shard, a.Offset}
	switch f := a.Event.Fact.(type) {
	case *events.PersonEntitled:
		c.Entitlements = append(c.Entitlements, Entitlement{a.Event.Subject, string(f.Person), string(f.Programme), string(f.Period),
			string(f.Unit), f.Currency, f.Money().Minor(), at, string(a.Event.Source), string(a.Event.ID)})
	case *events.PersonStopped:
		c.Stops = append(c.Stops, Stop{a.Event.Subject, string(f.Person), string(f.Programme), string(f.FromPeriod), string(f.Reason), on, at, string(a.Event.Source), string(a.Event.ID), false})
	case *events.PersonResumed:
		c.Stops = append(c.Stops, Stop{a.Event.Subject, string(f.Person), string(f.Programme), string(f.FromPeriod), string(f.Reason), on, at, string(a.Event.Source), string(a.Event.ID), true})
	case *events.Reversed:
		if a.Outcome.Status == ledger.Recorded { // no transfers: a stop or an entitlement
			c.Withdrawn = append(c.Withdrawn, Withdrawn{a.Event.Subject, string(f.ReversesSource), string(f.Reverses)})
		}
	case *events.PayoutOrdered:
		p := c.payout(a, string(f.Payout))
		p.Person, p.Programme, p.Period, p.Unit = string(f.Person), string(f.Programme), string(f.Period), string(f.Unit)
		p.Method, p.Currency, p.OrderedOn = string(f.Method), f.Currency, on
	case *events.PayoutSent:
		c.payout(a, string(f.Payout)).SentOn = on
	case *events.PayoutBatched:
		c.payout(a, string(f.Payout)).SentOn = on
	case *events.PayoutSettled:
		c.payout(a, string(f.Payout)).SettledOn = on
	case *events.PayoutReturned:
		p := c.payout(a, string(f.Payout))
		p.ReturnedOn, p.Reason = on, string(f.Reason)
	case *events.PaidInCash:
		c.payout(a, string(f.Payout)).CashOn = on
	}
	for i := range a.Transfers {
		t := &a.Transfers[i]
		if person, stage, payout, ok := stageOf(t.Debit); ok {
			c.payout(a, payout).move(t, person, stage, t.Credit, -t.Amount.Minor())
		}
		if person, stage, payout, ok := stageOf(t.Credit); ok {
			c.payout(a, payout).move(t, person, stage, t.Debit, t.Amount.Minor())
		}
	}
}

// payout returns the change to a payout within this batch.
func (c *Changes) payout(a *Accepted, id string) *Payout {
	if c.payouts == nil {
		c.payouts = map[[2]string]int{}
	}
	key := [2]string{a.Event.Subject, id}
	at := Position{a.Shard, a.Offset}
	i, ok := c.payouts[key]
	if !ok {
		i = len(c.Payouts)
		c.payouts[key] = i
		c.Payouts = append(c.Payouts, Payout{Organization: a.Event.Subject, Payout: id, First: at})
	}
	c.Payouts[i].Last = at
	return &c.Payouts[i]
}

// move books what a transfer did to one of the payout's accounts: a credit
// adds to what is owed at that stage, a debit (below zero) takes off.
func (p *Payout) move(t *ledger.Transfer, person, stage, against string, credit int64) {
	p.Currency = t.Amount.Currency()
	if p.Person == "" {
		p.Person = person
	}
	if t.Code == "reversal" {
		p.back(stage, against, credit > 0)
	}
	switch stage {
	case "payable":
		p.Payable += credit
	case "clearing":
		p.Clearing += credit
	case "returned":
		p.Returned += credit
	}
	switch account, n := steps(against); {
	case n > 2 && account[0] == "person" && account[2] == "granted":
		p.Ordered += credit
	case n > 1 && account[0] == "unallocated" && account[1] == "out":
		p.Settled -= credit
	case n > 1 && account[0] == "unallocated" && account[1] == "in":
		p.CameBack += credit
	case account[0] == "cash":
		p.PaidCash -= credit
	case n > 2 && account[0] == "person" && account[2] == "recoverable":
		p.Recoverable += credit
	}
}

// back books which step a reversal takes back, by the account that gets the money
// (credited) or gives it back, and the one on the other side.
func (p *Payout) back(stage, against string, credited bool) {
	account, n := steps(against)
	between := ""
	if n > 3 && account[0] == "person" {
		between = account[2]
	}
	switch {
	case stage == "clearing" && !credited && (between == "payable" || between == "returned"):
		p.undo(StepSent)
	case stage == "returned" && !credited && (between == "clearing" || n > 1 && account[0] == "unallocated" && account[1] == "in"):
		p.undo(StepReturned)
	case credited && n > 1 && account[0] == "unallocated" && account[1] == "out":
		p.undo(StepSettled)
	case credited && account[0] == "cash":
		p.undo(StepCash)
	}
}

// stageOf takes the path of a payout's account apart: person:p1:payable:o1,
// with the currency behind it where it is not đồng.
func stageOf(path string) (person, stage, payout string, ok bool) {
	s, n := steps(path)
	if (n == 4 || n == 5) && s[0] == "person" && (s[2] == "payable" || s[2] == "clearing" || s[2] == "returned") {
		return s[1], s[2], s[3], true
	}
	return "", "", "", false
}

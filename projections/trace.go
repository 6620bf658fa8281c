package projections

import (
	"socho/events"
	"socho/internal/money"
)

// FoldTrace keeps what the ledger's tables do not say of an accepted record:
// the subjects that it is about and that no account of its transfers belongs to,
// and the amount that it speaks of where its transfers come to another one. The
// rest of a trace is read from outcomes, transfers and accounts, so that an
// ordinary payment leaves nothing here.
func FoldTrace(c *Changes, a *Accepted) {
	at := Position{a.Shard, a.Offset}
	said, in := amountOf(a)
	if moved, of := movedBy(a); said != moved || in != of {
		t := TracedAmount{Position: at, Currency: in}
		if in != "" {
			t.Amount = said.Format(in)
		}
		c.Amounts = append(c.Amounts, t)
	}

	var linked [8]Link // one record is about a few subjects, each linked once
	n := 0
	link := func(kind string, ids ...string) {
		for _, id := range ids {
			l := Link{a.Event.Subject, kind, id, at}
			known := id == "" || a.Names(kind, id)
			for i := range n {
				known = known || linked[i] == l
			}
			if !known && n < len(linked) {
				linked[n] = l
				n++
			}
		}
	}
	link(SubjectEvent, string(a.Event.Resubmits))
	switch f := a.Event.Fact.(type) {
	case *events.StallLet:
		link(SubjectStall, string(f.Stall))
		link(SubjectPerson, string(f.Person))
	case *events.FeeAssessed:
		link(SubjectBill, string(f.Bill))
		link(SubjectStall, string(f.Stall))
		link(SubjectPerson, string(f.Person))
	case *events.BillIssued:
		link(SubjectBill, string(f.Bill))
		link(SubjectPerson, string(f.Person))
	case *events.PaymentReceived:
		linkPayment(link, &f.Payment)
	case *events.BillPaid:
		linkPayment(link, &f.Payment)
	case *events.CashBanked:
		link(SubjectCollector, string(f.Collector))
		link(SubjectPayPoint, string(f.PayPoint))
		link(SubjectLine, string(f.Line))
	case *events.FeeWaived:
		link(SubjectBill, string(f.Bill))
	case *events.BillExempted:
		link(SubjectBill, string(f.Bill))
	case *events.Refunded:
		link(SubjectLine, string(f.Line))
		link(SubjectStall, string(f.Stall))
		link(SubjectPerson, string(f.Person))
	case *events.PersonEntitled:
		link(SubjectPerson, string(f.Person))
	case *events.Funded:
		link(SubjectLine, string(f.Line))
	case *events.PayoutOrdered:
		link(SubjectPayout, string(f.Payout))
		link(SubjectPerson, string(f.Person))
	case *events.PayoutSent:
		link(SubjectPayout, string(f.Payout))
	case *events.PayoutSettled:
		link(SubjectPayout, string(f.Payout))
		link(SubjectLine, string(f.Line))
	case *events.PayoutReturned:
		link(SubjectPayout, string(f.Payout))
		link(SubjectLine, string(f.Line))
	case *events.CashDrawn:
		link(SubjectPayPoint, string(f.PayPoint))
		link(SubjectLine, string(f.Line))
	case *events.PaidInCash:
		link(SubjectPayout, string(f.Payout))
		link(SubjectPayPoint, string(f.PayPoint))
		link(SubjectPerson, string(f.Person))
	case *events.PersonStopped:
		link(SubjectPerson, string(f.Person))
	case *events.PersonResumed:
		link(SubjectPerson, string(f.Person))
	case *events.ListOpened:
		link(SubjectList, string(f.List))
	case *events.ListEntryAdded:
		link(SubjectList, string(f.List))
		link(SubjectPayout, string(f.Payout))
		link(SubjectPerson, string(f.Person))
	case *events.ListEntryRemoved:
		link(SubjectList, string(f.List))
		link(SubjectPayout, string(f.Payout))
	case *events.ListProposed:
		link(SubjectList, string(f.List))
	case *events.ListApproved:
		link(SubjectList, string(f.List))
	case *events.ListWithdrawn:
		link(SubjectList, string(f.List))
	case *events.BatchOpened:
		link(SubjectBatch, string(f.Batch))
	case *events.PayoutBatched:
		link(SubjectBatch, string(f.Batch))
		link(SubjectPayout, string(f.Payout))
	case *events.BatchClosed:
		link(SubjectBatch, string(f.Batch))
	case *events.BatchExported:
		link(SubjectBatch, string(f.Batch))
	case *events.BatchSubmitted:
		link(SubjectBatch, string(f.Batch))
	case *events.BatchCancelled:
		link(SubjectBatch, string(f.Batch))
	case *events.LineReceived:
		link(SubjectLine, string(f.Line))
		link(SubjectPerson, string(f.Person))
	case *events.LineNoted:
		link(SubjectLine, string(f.Line))
		link(SubjectPerson, string(f.Person))
	case *events.LineAllocated:
		link(SubjectLine, string(f.Line))
		link(SubjectBill, string(f.Bill))
	case *events.Reversed:
		link(SubjectEvent, string(f.Reverses))
	case *events.InstitutionReported:
		link(SubjectUnit, string(f.Unit))
	case *events.FigureReported:
		link(SubjectUnit, string(f.Unit))
	case *events.Erased:
		link(SubjectPerson, string(f.Person))
	}
	c.Links = append(c.Links, linked[:n]...)
}

func linkPayment(link func(string, ...string), p *events.Payment) {
	link(SubjectBill, string(p.Bill))
	link(SubjectLine, string(p.Line))
	link(SubjectCollector, string(p.Collector))
	link(SubjectPerson, string(p.Person))
}

// Names reports whether an account of the record's transfers is a subject's.
func (a *Accepted) Names(kind, id string) bool {
	for i := range a.Transfers {
		if t := &a.Transfers[i]; names(t.Debit, kind, id) || names(t.Credit, kind, id) {
			return true
		}
	}
	return false
}

// amountOf is the fact's own amount: its sum or, for a bill, that of its items.
func amountOf(a *Accepted) (money.Total, money.Currency) {
	switch f := a.Event.Fact.(type) {
	case interface{ Money() money.Amount }: // every fact that embeds events.Sum
		m := f.Money()
		return money.Total{}.Plus(m.Minor()), m.Currency()
	case *events.FeeAssessed:
		return itemsOf(f.Items, f.Currency), f.Currency
	case *events.BillIssued:
		return itemsOf(f.Items, f.Currency), f.Currency
	}
	return money.Total{}, ""
}

func itemsOf(items []events.Item, c money.Currency) (total money.Total) {
	for _, it := range items {
		total = total.Plus(events.Money(it.Amount, c).Minor())
	}
	return total
}

// movedBy sums the record's transfers, which are of one currency.
func movedBy(a *Accepted) (total money.Total, c money.Currency) {
	for i := range a.Transfers {
		total, c = total.Plus(a.Transfers[i].Amount.Minor()), a.Transfers[i].Amount.Currency()
	}
	return total, c
}

package projections

import (
	"socho/events"
	"socho/internal/money"
)

// FoldTrace keeps every accepted record of an organization with the subjects
// that it is about, so that whatever a page shows leads to the events behind
// it.
func FoldTrace(c *Changes, a *Accepted) {
	e := TracedEvent{
		Position: Position{a.Shard, a.Offset}, Organization: a.Event.Subject,
		Source: string(a.Event.Source), EventID: string(a.Event.ID), Type: a.Event.Type,
		Status: a.Outcome.Status.String(), Code: a.Outcome.Code,
		EffectiveOn: a.Event.Fact.Effective(), RecordedAt: a.RecordedAt,
	}
	e.Amount, e.Currency = amountOf(a)
	c.Events = append(c.Events, e)

	var linked [8]Link // one record is about a few subjects, each linked once
	n := 0
	link := func(kind string, ids ...string) {
		for _, id := range ids {
			l := Link{a.Event.Subject, kind, id, e.Position}
			known := id == ""
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
	case *events.LineReceived:
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
	// The accounts say more than the fact: a settlement is about the person it
	// paid, a payment about the bill it settles, a reversal about all that it
	// undoes. Whose bill it is, stall or pupil, the bill says: whoever traces a
	// stall or a person looks at their bills as well.
	for i := range a.Transfers {
		for _, path := range [2]string{a.Transfers[i].Debit, a.Transfers[i].Credit} {
			if person, _, payout, ok := stageOf(path); ok {
				link(SubjectPerson, person)
				link(SubjectPayout, payout)
			} else if _, bill, ok := receivable(path); ok {
				link(SubjectBill, bill)
			}
		}
	}
	c.Links = append(c.Links, linked[:n]...)
}

func linkPayment(link func(string, ...string), p *events.Payment) {
	link(SubjectBill, string(p.Bill))
	link(SubjectLine, string(p.Line))
	link(SubjectCollector, string(p.Collector))
	link(SubjectPerson, string(p.Person))
}

// amountOf is the fact's own amount: its sum or, for a bill, that of its items.
func amountOf(a *Accepted) (string, money.Currency) {
	switch f := a.Event.Fact.(type) {
	case interface{ Money() money.Amount }: // every fact that embeds events.Sum
		m := f.Money()
		return m.String(), m.Currency()
	case *events.FeeAssessed:
		return itemsOf(f.Items, f.Currency), f.Currency
	case *events.BillIssued:
		return itemsOf(f.Items, f.Currency), f.Currency
	}
	return "", ""
}

func itemsOf(items []events.Item, c money.Currency) string {
	var total money.Total
	for _, it := range items {
		total = total.Plus(events.Money(it.Amount, c).Minor())
	}
	return total.Format(c)
}

package projections

import (
	"socho/events"
	"socho/internal/money"
)

// FoldAdoption adds the fact that an event is for published figures, if it is
// one. It judges nothing: what counts is decided by Evaluate, which sees
// reversals and returns together with what they undo.
func FoldAdoption(c *Changes, a *Accepted) {
	f := Fact{
		Position: Position{a.Shard, a.Offset}, EffectiveOn: a.Event.Fact.Effective(),
		Organization: a.Event.Subject, Source: string(a.Event.Source), EventID: string(a.Event.ID),
		RecordedAt: a.RecordedAt, RecordHash: a.Outcome.RecordHash,
	}
	sum := func(s events.Sum) {
		f.Amount, f.Currency = s.Money().Minor(), s.Currency
	}
	switch e := a.Event.Fact.(type) {
	case *events.PersonEntitled:
		f.Domain, f.Kind = Benefits, FactEntitled
		f.Period, f.Unit, f.Subject, f.Person = string(e.Period), string(e.Unit), string(e.Person), string(e.Person)
		sum(e.Sum)
	case *events.PayoutOrdered:
		f.Domain, f.Kind = Benefits, FactOrdered
		f.Period, f.Unit, f.Subject, f.Person = string(e.Period), string(e.Unit), string(e.Payout), string(e.Person)
		f.Method = string(e.Method)
		sum(e.Sum)
	case *events.PayoutSettled:
		f.Domain, f.Kind, f.Subject = Benefits, FactSettled, string(e.Payout)
		sum(e.Sum)
	case *events.PayoutReturned:
		f.Domain, f.Kind, f.Subject = Benefits, FactReturned, string(e.Payout)
		sum(e.Sum)
	case *events.PaidInCash:
		f.Domain, f.Kind, f.Subject = Benefits, FactPaidCash, string(e.Payout)
		sum(e.Sum)
	case *events.PaymentReceived:
		f.payment(&e.Payment)
	case *events.BillPaid:
		f.payment(&e.Payment)
	case *events.InstitutionReported:
		f.Domain, f.Kind = string(e.Domain), FactInstitution
		f.Unit, f.Subject, f.Method = string(e.Unit), string(e.Institution), string(e.Status)
	case *events.FigureReported:
		f.Domain, f.Kind = string(e.Domain), FactFigure
		f.Unit, f.Subject = string(e.Unit), string(e.Unit)
		f.Amount, f.Denominator = int64(*e.Numerator), int64(*e.Denominator)
	case *events.OrganizationRegistered:
		f.Kind, f.Unit, f.Subject = FactOrganization, string(e.Unit), a.Event.Subject
	case *events.Reversed:
		f.Kind, f.TargetSource, f.TargetID = FactReversed, string(e.ReversesSource), string(e.Reverses)
	default:
		return
	}
	c.Facts = append(c.Facts, f)
}

// payment: the month of a payment is that of the day it is effective on.
func (f *Fact) payment(p *events.Payment) {
	f.Domain, f.Kind = Fees, FactPayment
	f.Period, f.Subject, f.Person, f.Method = monthOf(f.EffectiveOn), string(p.Bill), string(p.Person), string(p.Method)
	f.Amount, f.Currency = p.Money().Minor(), p.Currency
}

// value is the amount of a fact that enters a figure by value: đồng only.
// Adding up currencies would need a rate of exchange, which is no fact.
func (f *Fact) value() int64 {
	if f.Currency != money.VND {
		return 0
	}
	return f.Amount
}

package web

import (
	"fmt"

	"socho/events"
)

// officeSentence gives the key's ending and the values of what offices say around
// bills, lines and stalls.
func (l *language) officeSentence(fact events.Fact) (ending string, v []any) {
	add := func(pairs ...any) { v = append(v, pairs...) }
	sum := func(s events.Sum) { add("amount", l.decimal(string(s.Amount), s.Currency)) }
	switch f := fact.(type) {
	case *events.TariffSet:
		add("item", l.word("item", string(f.Item)), "per", l.word("tariff_per", string(f.Per)))
		sum(f.Sum)
		if f.Class != "" {
			ending = ".class"
			add("class", f.Class)
		}
	case *events.TariffEnded:
		add("tariff", f.Tariff, "reason", l.word("why", string(f.Reason)))
	case *events.Spent:
		add("item", l.word("item", string(f.Item)))
		if ending = ".line"; f.Line == "" {
			ending = ".clearing"
			add("method", l.word("method", string(f.Clearing)))
		} else {
			add("line", f.Line)
		}
		sum(f.Sum)
	case *events.Earned:
		add("item", l.word("item", string(f.Item)), "line", f.Line)
		sum(f.Sum)
	case *events.RefundedInCash:
		add("holder", l.holder(holderOf(f.Stall, f.Person)), "collector", f.Collector)
		sum(f.Sum)
	case *events.MonthClosed:
		add("month", month(string(f.Period)))
	case *events.MonthReopened:
		add("month", month(string(f.Period)), "reason", l.word("why", string(f.Reason)))
	case *events.Recovered:
		add("person", f.Person, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.Period)))
		if ending = ".line"; f.Line == "" {
			ending = ".pay_point"
			add("point", f.PayPoint)
		} else {
			add("line", f.Line)
		}
		sum(f.Sum)
	case *events.TicketsReturned:
		add("count", l.number(int64(*f.Count)), "range", f.Range)
	case *events.CreditApplied:
		add("holder", l.holder(holderOf(f.Stall, f.Person)), "bill", f.Bill)
		sum(f.Sum)
	case *events.SuspensePlaced:
		add("bill", f.Bill)
		sum(f.Sum)
	case *events.PassedOn:
		add("item", l.word("item", string(f.Item)), "line", f.Line)
		sum(f.Sum)
	case *events.GrantReturned:
		add("line", f.Line)
		sum(f.Sum)
	case *events.StatementReceived:
		add("account", f.Account, "statement", f.Statement, "from", date(f.From), "lines", l.number(int64(*f.Lines)),
			"opening", l.balance(f.Opening, f), "closing", l.balance(f.Closing, f))
		if f.Closing == "" {
			ending = ".bare"
		}
	case *events.LinesOffset:
		add("in", f.In, "out", f.Out, "reason", l.word("offset", string(f.Reason)))
		sum(f.Sum)
	case *events.LineNoted:
		add("line", f.Line, "mark", l.word("mark", string(f.Mark)))
	case *events.StallDescribed:
		add("stall", f.Stall)
		if f.Area != nil {
			ending = ".area"
			add("area", fmt.Sprintf("%d%s%02d", *f.Area/100, l.point, *f.Area%100))
		}
		if f.Class != "" {
			ending += ".class"
			add("class", f.Class)
		}
	case *events.StallVacated:
		add("stall", f.Stall)
	case *events.TraderAbsent:
		add("stall", f.Stall, "until", date(f.Until), "reason", l.word("why", string(f.Reason)))
	case *events.TicketsHandedOut:
		add("collector", f.Collector, "first", l.number(int64(*f.First)), "last", l.number(int64(*f.Last)), "range", f.Range)
		sum(f.Sum)
	case *events.TicketsSold:
		add("count", l.number(int64(*f.Count)), "range", f.Range, "method", l.word("method", string(f.Method)))
		if f.Method == "cash" {
			ending = ".cash"
			add("collector", f.Collector)
		}
		sum(f.Sum)
	case *events.CardIssued:
		add("card", f.Card, "stall", f.Stall)
	case *events.CardPrinted:
		add("card", f.Card, "copies", l.number(int64(*f.Copies)))
	case *events.CardPosted:
		add("card", f.Card)
	case *events.CardInspected:
		add("stall", f.Stall, "result", l.word("inspection", string(f.Result)))
		if f.Card != "" {
			ending = ".card"
			add("card", f.Card)
		}
	case *events.CardReplaced:
		add("card", f.Card, "by", f.By, "reason", l.word("why", string(f.Reason)))
	case *events.CardRevoked:
		add("card", f.Card, "reason", l.word("why", string(f.Reason)))
	case *events.AlertRaised:
		ending = "." + string(f.Kind)
		switch f.Kind {
		case "receipts_fell":
			add("stall", f.Stall, "since", date(f.Since), "expected", l.number(int64(*f.Expected)), "seen", l.number(int64(*f.Seen)))
		case "other_account":
			add("stall", f.Stall)
		case "foreign_account":
			add("line", f.Line)
		}
	case *events.AlertClosed:
		add("alert", f.Alert, "reason", l.word("why", string(f.Reason)))
	case *events.SalesConnected:
		ending = "." + string(f.VisibleTo)
		add("person", f.Person, "stall", f.Stall, "until", date(f.Until))
	case *events.SalesDisconnected:
		add("connection", f.Connection, "reason", l.word("why", string(f.Reason)))
	case *events.SaleReceived:
		ending = "." + string(f.Method)
		add("person", f.Person, "stall", f.Stall)
		sum(f.Sum)
	case *events.PupilEnrolled:
		add("person", f.Person, "class", f.Class)
	case *events.PupilLeft:
		add("person", f.Person, "reason", l.word("why", string(f.Reason)))
	case *events.ReductionGranted:
		add("person", f.Person, "reason", l.word("why", string(f.Reason)))
		if f.Percent != nil {
			ending = ".percent"
			add("percent", l.number(int64(*f.Percent)))
		} else {
			add("amount", l.decimal(string(f.Amount), f.Currency))
		}
		if f.Item != "" {
			ending += ".item"
			add("item", l.word("item", string(f.Item)))
		}
	case *events.ReductionEnded:
		add("reduction", f.Reduction, "reason", l.word("why", string(f.Reason)))
	}
	return ending, v
}

// balance says what an account held, with a sign where it was overdrawn.
func (l *language) balance(b events.Balance, f *events.StatementReceived) string {
	if b == "" {
		return ""
	}
	minor := b.Minor(f.Currency)
	if minor < 0 {
		return "−" + l.minor(-minor, f.Currency)
	}
	return l.minor(minor, f.Currency)
}

// holderOf names whose credit it is.
func holderOf(stall, person events.ID) string {
	if person != "" {
		return "pupil:" + string(person)
	}
	return "stall:" + string(stall)
}

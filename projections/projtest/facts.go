package projtest

import "socho/events"

func on(d events.Date) events.Dated        { return events.Dated{EffectiveOn: d} }
func vnd(amount events.Decimal) events.Sum { return events.Sum{Amount: amount, Currency: "VND"} }
func of(person events.ID) events.Of        { return events.Of{Person: person} }

// Fund registers a fund and grants it a hundred billion đồng.
func (l *Log) Fund(organization string, unit events.Unit, day events.Date) {
	l.t.Helper()
	l.Must(organization, "organization.registered", &events.OrganizationRegistered{Dated: on(day), Kind: "fund", Name: "Quỹ " + events.Label(organization), Unit: unit})
	l.lineIn(organization, "grant", day, "100000000000")
	l.Must(organization, "benefit.funded", &events.Funded{Dated: on(day), Sum: vnd("100000000000"), Line: "grant"})
}

// lineIn says that money came in on a bank line.
func (l *Log) lineIn(organization string, line events.ID, day events.Date, amount events.Decimal) {
	l.t.Helper()
	l.Must(organization, "bank.line_received", &events.LineReceived{Dated: on(day), Sum: vnd(amount), Line: line, Account: "main", Direction: "in", Kind: "payment"})
}

// Entitle lets a person receive an amount of programme "social" for a month.
func (l *Log) Entitle(organization string, person events.ID, period events.Period, unit events.Unit, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "benefit.person_entitled", &events.PersonEntitled{Dated: on(events.Date(period) + "-01"), Of: of(person), Sum: vnd(amount),
		Programme: "social", Period: period, Unit: unit})
}

// Order orders a payout of programme "social".
func (l *Log) Order(organization string, payout events.PayoutID, person events.ID, period events.Period, unit events.Unit, method events.Word, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "benefit.payout_ordered", &events.PayoutOrdered{Dated: on(events.Date(period) + "-05"), Of: of(person), Sum: vnd(amount),
		Payout: payout, Programme: "social", Period: period, Unit: unit, Method: method})
}

// Send hands a payout to the bank.
func (l *Log) Send(organization string, payout events.PayoutID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "benefit.payout_sent", &events.PayoutSent{Dated: on(day), Sum: vnd(amount), Payout: payout})
}

// Settle says that the bank carried a payout out.
func (l *Log) Settle(organization string, payout events.PayoutID, line events.ID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "benefit.payout_settled", &events.PayoutSettled{Dated: on(day), Sum: vnd(amount), Payout: payout, Line: line})
}

// Return says that a payout came back, or was rejected where line is empty.
func (l *Log) Return(organization string, payout events.PayoutID, line events.ID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	if line != "" {
		l.lineIn(organization, line, day, amount)
	}
	return l.Must(organization, "benefit.payout_returned", &events.PayoutReturned{Dated: on(day), Sum: vnd(amount), Payout: payout, Line: line, Reason: "account_closed"})
}

// PayCash hands a payout over at pay point "pp".
func (l *Log) PayCash(organization string, payout events.PayoutID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "benefit.paid_in_cash", &events.PaidInCash{Dated: on(day), Sum: vnd(amount), Payout: payout, PayPoint: "pp"})
}

// Market registers a market.
func (l *Log) Market(organization string, unit events.Unit, day events.Date) {
	l.t.Helper()
	l.Must(organization, "organization.registered", &events.OrganizationRegistered{Dated: on(day), Kind: "market", Name: "Chợ " + events.Label(organization), Unit: unit,
		BankBIN: "970436", Account: "0011001"})
}

// Fee bills a stall 61000 đồng for September 2026; the trader is t-<stall>.
func (l *Log) Fee(organization string, bill, stall events.ID) events.EventID {
	l.t.Helper()
	return l.Must(organization, "market.fee_assessed", &events.FeeAssessed{Dated: on("2026-09-01"), Of: of("t-" + stall), Bill: bill, Stall: stall, Period: "2026-09",
		DueOn: "2026-09-15", Currency: "VND", Items: []events.Item{{Item: "management", Amount: "26000"}, {Item: "security", Amount: "35000"}}})
}

// Pay pays a market bill; cash is held by collector "c1".
func (l *Log) Pay(organization string, bill events.ID, day events.Date, method events.Word, amount events.Decimal) events.EventID {
	l.t.Helper()
	p := events.Payment{Dated: on(day), Sum: vnd(amount), Bill: bill, Method: method}
	if method == "cash" {
		p.Collector = "c1"
	}
	return l.Must(organization, "market.payment_received", &events.PaymentReceived{Payment: p})
}

// PayByLine pays a market bill by a bank line that brought as much.
func (l *Log) PayByLine(organization string, bill, line events.ID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	l.lineIn(organization, line, day, amount)
	return l.Must(organization, "market.payment_received", &events.PaymentReceived{Payment: events.Payment{Dated: on(day), Sum: vnd(amount), Bill: bill, Method: "bank", Line: line}})
}

// Waive takes a part off a market bill.
func (l *Log) Waive(organization string, bill events.ID, day events.Date, amount events.Decimal) events.EventID {
	l.t.Helper()
	return l.Must(organization, "market.fee_waived", &events.FeeWaived{Reduction: events.Reduction{Dated: on(day), Sum: vnd(amount), Bill: bill, Reason: "absent"}})
}

package ledger_test

import (
	"reflect"
	"strings"
	"testing"

	"socho/events"
)

// officeNames are the types of rule set 3.
var officeNames = map[reflect.Type]string{
	reflect.TypeFor[*events.TariffEnded]():       "organization.tariff_ended",
	reflect.TypeFor[*events.Spent]():             "organization.spent",
	reflect.TypeFor[*events.Earned]():            "organization.earned",
	reflect.TypeFor[*events.RefundedInCash]():    "organization.refunded_in_cash",
	reflect.TypeFor[*events.MonthClosed]():       "organization.month_closed",
	reflect.TypeFor[*events.MonthReopened]():     "organization.month_reopened",
	reflect.TypeFor[*events.TicketsReturned]():   "market.tickets_returned",
	reflect.TypeFor[*events.Recovered]():         "benefit.recovered",
	reflect.TypeFor[*events.TariffSet]():         "organization.tariff_set",
	reflect.TypeFor[*events.CreditApplied]():     "organization.credit_applied",
	reflect.TypeFor[*events.SuspensePlaced]():    "organization.suspense_placed",
	reflect.TypeFor[*events.PassedOn]():          "organization.passed_on",
	reflect.TypeFor[*events.StallDescribed]():    "market.stall_described",
	reflect.TypeFor[*events.StallVacated]():      "market.stall_vacated",
	reflect.TypeFor[*events.TraderAbsent]():      "market.trader_absent",
	reflect.TypeFor[*events.TicketsHandedOut]():  "market.tickets_handed_out",
	reflect.TypeFor[*events.TicketsSold]():       "market.tickets_sold",
	reflect.TypeFor[*events.CardIssued]():        "market.card_issued",
	reflect.TypeFor[*events.CardPrinted]():       "market.card_printed",
	reflect.TypeFor[*events.CardPosted]():        "market.card_posted",
	reflect.TypeFor[*events.CardInspected]():     "market.card_inspected",
	reflect.TypeFor[*events.CardReplaced]():      "market.card_replaced",
	reflect.TypeFor[*events.CardRevoked]():       "market.card_revoked",
	reflect.TypeFor[*events.AlertRaised]():       "market.alert_raised",
	reflect.TypeFor[*events.AlertClosed]():       "market.alert_closed",
	reflect.TypeFor[*events.SalesConnected]():    "market.sales_connected",
	reflect.TypeFor[*events.SalesDisconnected](): "market.sales_disconnected",
	reflect.TypeFor[*events.SaleReceived]():      "market.sale_received",
	reflect.TypeFor[*events.PupilEnrolled]():     "school.pupil_enrolled",
	reflect.TypeFor[*events.PupilLeft]():         "school.pupil_left",
	reflect.TypeFor[*events.ReductionGranted]():  "school.reduction_granted",
	reflect.TypeFor[*events.ReductionEnded]():    "school.reduction_ended",
	reflect.TypeFor[*events.GrantReturned]():     "benefit.grant_returned",
	reflect.TypeFor[*events.StatementReceived](): "bank.statement_received",
	reflect.TypeFor[*events.LinesOffset]():       "bank.lines_offset",
	reflect.TypeFor[*events.LineNoted]():         "bank.line_noted",
}

func paidBy(f events.Fact, person string) events.Fact {
	switch f := f.(type) {
	case *events.CreditApplied:
		f.Person = events.ID(person)
	case *events.SaleReceived:
		f.Person = events.ID(person)
	case *events.SalesConnected:
		f.Person = events.ID(person)
	case *events.RefundedInCash:
		f.Person = events.ID(person)
	case *events.Recovered:
		f.Person = events.ID(person)
	case *events.LineNoted:
		f.Person = events.ID(person)
	}
	return f
}

func offset(in, out, amount string) events.Fact {
	return &events.LinesOffset{Dated: on, Sum: dong(amount), In: events.ID(in), Out: events.ID(out), Reason: "refund"}
}

func applied(stall, bill, amount string) events.Fact {
	return &events.CreditApplied{Dated: on, Sum: dong(amount), Stall: events.ID(stall), Bill: events.ID(bill)}
}

func statement(id, from, until, opening, closing string) events.Fact {
	return &events.StatementReceived{Dated: events.Dated{EffectiveOn: events.Date(until)}, Account: "main", Statement: events.ID(id), From: events.Date(from),
		Currency: "VND", Opening: events.Balance(opening), Closing: events.Balance(closing), Lines: number(1), Digest: events.Digest(strings.Repeat("a", 64))}
}

func issued(card, stall string) events.Fact {
	return &events.CardIssued{Dated: on, Card: events.ID(card), Stall: events.ID(stall), PaysTo: events.Digest(strings.Repeat("b", 64))}
}

func inspected(card, stall, result string) events.Fact {
	return &events.CardInspected{Dated: on, Card: events.ID(card), Stall: events.ID(stall), Result: events.Word(result)}
}

func sale(line, amount, day string) *events.SaleReceived {
	f := &events.SaleReceived{Dated: events.Dated{EffectiveOn: events.Date(day)}, Sum: dong(amount), Stall: "A1", Method: "bank", Connection: "k1", Line: events.ID(line)}
	f.Person = "p1"
	return f
}

func saleBy(connection, line, amount string) events.Fact {
	f := sale(line, amount, "2026-09-02")
	f.Connection = events.ID(connection)
	return f
}

func cashSale(connection, amount string) events.Fact {
	return paidBy(&events.SaleReceived{Dated: on, Sum: dong(amount), Stall: "A1", Method: "cash", Connection: events.ID(connection)}, "p1")
}

func soldBy(method, line, amount string, count events.Count) events.Fact {
	return &events.TicketsSold{Dated: on, Sum: dong(amount), Range: "r1", Method: events.Word(method), Line: events.ID(line), Count: number(count)}
}

func spent(line, clearing, amount string) events.Fact {
	return &events.Spent{Dated: on, Sum: dong(amount), Item: "electricity", Line: events.ID(line), Clearing: events.Word(clearing)}
}

func earned(line, amount string) events.Fact {
	return &events.Earned{Dated: on, Sum: dong(amount), Item: "parking", Line: events.ID(line)}
}

func recoveredBy(line, point, amount string) events.Fact {
	return paidBy(&events.Recovered{Dated: on, Sum: dong(amount), Programme: "elderly", Period: "2026-09", Line: events.ID(line), PayPoint: events.ID(point)}, "p1")
}

func monthClosed(day, period string) events.Fact {
	return &events.MonthClosed{Dated: events.Dated{EffectiveOn: events.Date(day)}, Period: events.Period(period)}
}

func connected(until string) events.Fact {
	return paidBy(&events.SalesConnected{Dated: on, Connection: "k1", Stall: "A1", Until: events.Date(until), VisibleTo: "trader"}, "p1")
}

func sold(count events.Count, amount, collector string) events.Fact {
	return &events.TicketsSold{Dated: on, Sum: dong(amount), Range: "r1", Method: "cash", Collector: events.ID(collector), Count: number(count)}
}

func TestOffices(t *testing.T) {
	overpaid := []step{{fee("b1", "100"), "posted"}, {fee("b2", "50"), "posted"}, {lineIn("l1", "160"), "posted"}, {allocated("l1", "b1", "130"), "posted overpaid"}}
	after := func(steps []step, more ...step) []step { return append(append([]step{}, steps...), more...) }
	collected := &events.BillIssued{Dated: on, Bill: "m1", Class: "1A", Period: "2026-09", DueOn: "2026-09-30", Currency: "VND", Items: []events.Item{{Item: "insurance", Amount: "100"}}}
	collected.Person = "p1"
	passed := func(amount string) events.Fact {
		return &events.PassedOn{Dated: on, Sum: dong(amount), Item: "insurance", Line: "o1"}
	}
	placed := func(bill, amount string) events.Fact {
		return &events.SuspensePlaced{Dated: on, Sum: dong(amount), Bill: events.ID(bill)}
	}
	handedOut := &events.TicketsHandedOut{Dated: on, Sum: dong("5"), Range: "r1", Collector: "c1", Item: "ticket", First: number(11), Last: number(20)}
	for name, steps := range map[string][]step{
		"credit pays another bill": after(overpaid, step{applied("A1", "b2", "31"), "refused more_than_credit"}, step{applied("A1", "b9", "1"), "refused bill_unknown"},
			step{applied("A2", "b2", "1"), "refused more_than_credit"}, step{applied("A1", "b1", "1"), "refused more_than_owed"}, step{applied("A1", "b2", "30"), "posted"},
			step{reverse("e3"), "refused limit_exceeded"}, step{reverse("e8"), "posted"}, step{reverse("e3"), "posted"},
			holds("stall:A1:credit", 0), holds("stall:A1:receivable:b2", 50), holds("unallocated:in:l1", -160)),
		"what waits pays a bill, and never becomes credit": {
			{paid("b9", "", "100"), "posted bill_unknown"}, {fee("b1", "60"), "posted"}, {placed("b1", "61"), "refused more_than_owed"}, {placed("b8", "1"), "refused bill_unknown"},
			{placed("b1", "60"), "posted"}, {fee("b2", "60"), "posted"}, {placed("b2", "41"), "refused more_than_suspense"}, {placed("b2", "40"), "posted"}, {reverse("e0"), "refused more_than_suspense"},
			{reverse("e7"), "posted"}, {reverse("e4"), "posted"}, {reverse("e0"), "posted"}, holds("suspense:in", 0), holds("stall:A1:receivable:b1", 60),
		},
		"what was collected for others goes to them": {
			{collected, "posted"}, {lineOut("o1", "150"), "posted"}, {passed("101"), "refused more_than_billed"}, {passed("100"), "posted"}, {passed("1"), "refused more_than_billed"},
			{reverse("e3"), "posted"}, {passed("60"), "posted"}, holds("held:insurance", -40), holds("unallocated:out:o1", 90),
		},
		"passing on needs the bank's line": {{collected, "posted"}, {passed("100"), "refused line_unknown"}, {lineOut("o1", "90"), "posted"}, {passed("100"), "refused more_than_line"}},
		"a grant goes back": {
			{lineIn("g1", "500"), "posted"}, {funded("g1", "500"), "posted"}, {lineOut("o1", "700"), "posted"},
			{&events.GrantReturned{Dated: on, Sum: dong("501"), Line: "o1"}, "refused fund_exhausted"}, {&events.GrantReturned{Dated: on, Sum: dong("500"), Line: "o1"}, "posted"},
			{&events.GrantReturned{Dated: on, Sum: dong("1"), Line: "o2"}, "refused line_unknown"}, holds("grants:received", 0),
		},
		"two lines explain each other once": {
			{lineIn("l1", "100"), "posted"}, {lineOut("o1", "80"), "posted"}, {offset("l1", "o1", "81"), "refused more_than_line"}, {offset("l9", "o1", "1"), "refused line_unknown"},
			{offset("l1", "o9", "1"), "refused line_unknown"}, {offset("l1", "o1", "80"), "posted"}, {offset("l1", "o1", "1"), "refused more_than_line"}, {fee("b1", "100"), "posted"},
			{allocated("l1", "b1", "21"), "refused more_than_line"}, {allocated("l1", "b1", "20"), "posted"}, {reverse("e5"), "posted"}, {allocated("l1", "b1", "80"), "posted"},
			holds("unallocated:out:o1", 80),
		},
		"a line in use explains nothing else": {
			{lineIn("l1", "100"), "posted"}, {fee("b1", "100"), "posted"}, {allocated("l1", "b1", "100"), "posted"}, {lineOut("o1", "100"), "posted"}, {offset("l1", "o1", "100"), "refused more_than_line"},
		},
		"statements make a chain": {
			{statement("s1", "2026-09-01", "2026-09-10", "0", "-500"), "recorded"}, {statement("s1", "2026-09-01", "2026-09-10", "0", "-500"), "recorded statement_known"},
			{statement("s1", "2026-09-01", "2026-09-10", "0", "500"), "recorded statement_differs"}, {statement("s2", "2026-09-11", "2026-09-20", "-500", "70"), "recorded"},
			{statement("s4", "2026-10-01", "2026-10-10", "71", "0"), "recorded statement_gap"}, {statement("s3", "2026-09-21", "2026-09-30", "70", "71"), "recorded"},
			{statement("month", "2026-10-01", "2026-10-31", "71", "9"), "recorded"}, {statement("next", "2026-11-01", "2026-11-30", "9", "9"), "recorded"},
		},
		"statements of one day follow each other": {
			{statement("a", "2026-09-01", "2026-09-01", "0", "5"), "recorded"}, {statement("b", "2026-09-01", "2026-09-01", "5", "9"), "recorded"},
			{statement("c", "2026-09-02", "2026-09-02", "9", "9"), "recorded"}, {statement("d", "2026-09-03", "2026-09-03", "8", "8"), "recorded statement_gap"},
		},
		"a statement of a wrong year is taken back": {
			{statement("a", "2026-09-01", "2026-09-01", "0", "5"), "recorded"}, {statement("b", "2062-09-02", "2062-09-02", "5", "7"), "recorded"}, {statement("c", "2026-09-03", "2026-09-03", "8", "8"), "recorded"},
			{reverse("e1"), "recorded"}, {reverse("e1"), "refused already_reversed"}, {statement("d", "2026-09-04", "2026-09-04", "8", "8"), "recorded statement_gap"}, {statement("b", "2026-09-05", "2026-09-05", "8", "7"), "recorded"},
		},
		"the only statement is taken back": {
			{statement("a", "2026-09-01", "2026-09-01", "0", "5"), "recorded"}, {reverse("e0"), "recorded"}, {statement("b", "2026-09-02", "2026-09-02", "7", "7"), "recorded"}, {statement("a", "2026-09-01", "2026-09-01", "0", "6"), "recorded"},
		},
		"the first month of all": {{monthClosed("2000-02-01", "2000-01"), "recorded"}, {&events.MonthReopened{Dated: on, Period: "2000-01", Reason: "late"}, "recorded"}, {monthClosed("2000-02-01", "2000-01"), "recorded"}},
		"a statement without balances": {
			{statement("a", "2026-09-01", "2026-09-01", "", ""), "recorded"}, {statement("b", "2026-09-02", "2026-09-02", "5", "7"), "recorded"}, {statement("c", "2026-09-03", "2026-09-03", "", ""), "recorded"},
			{statement("d", "2026-09-04", "2026-09-04", "7", "7"), "recorded"}, {reverse("e0"), "recorded"}, {reverse("e1"), "recorded"},
		},
		"notes on lines": {
			{paidBy(&events.LineNoted{Dated: on, Line: "l1", Mark: "waiting"}, "x"), "recorded line_unknown"}, {lineIn("l1", "1"), "posted"},
			{paidBy(&events.LineNoted{Dated: on, Line: "l1", Mark: "done"}, "x"), "recorded"}, {reverse("e2"), "refused nothing_to_reverse"},
		},
		"a card's life": {
			{issued("c1", "A1"), "recorded"}, {issued("c1", "A2"), "refused card_exists"}, {&events.CardPrinted{Dated: on, Card: "c9", Copies: number(1)}, "recorded card_unknown"},
			{&events.CardPrinted{Dated: on, Card: "c1", Copies: number(1)}, "recorded"}, {&events.CardPosted{Dated: on, Card: "c1"}, "recorded"}, {inspected("c1", "A1", "right"), "recorded"},
			{inspected("c1", "A2", "right"), "recorded card_elsewhere"}, {inspected("", "A1", "missing"), "recorded"}, {inspected("c7", "A1", "unknown"), "recorded"}, {inspected("c1", "A1", "revoked"), "recorded card_known"}, {inspected("c1", "A2", "unknown"), "recorded"},
			{inspected("c7", "A1", "right"), "recorded card_unknown"}, {issued("c2", "A2"), "recorded"}, {issued("c3", "A1"), "recorded"},
			{&events.CardReplaced{Dated: on, Card: "c1", By: "c2", Reason: "worn"}, "refused card_elsewhere"}, {&events.CardReplaced{Dated: on, Card: "c1", By: "c1", Reason: "worn"}, "refused card_same"},
			{&events.CardReplaced{Dated: on, Card: "c1", By: "c9", Reason: "worn"}, "refused card_unknown"}, {&events.CardReplaced{Dated: on, Card: "c1", By: "c3", Reason: "worn"}, "recorded"},
			{inspected("c1", "A1", "right"), "recorded card_replaced"}, {&events.CardPosted{Dated: on, Card: "c1"}, "recorded card_replaced"},
			{&events.CardRevoked{Dated: on, Card: "c3", Reason: "stolen"}, "recorded"}, {&events.CardRevoked{Dated: on, Card: "c3", Reason: "stolen"}, "refused card_revoked"},
			{&events.CardReplaced{Dated: on, Card: "c3", By: "c2", Reason: "worn"}, "refused card_revoked"}, {inspected("c3", "A1", "revoked"), "recorded"}, {&events.CardRevoked{Dated: on, Card: "c1", Reason: "lost"}, "recorded"},
		},
		"alerts are looked into once": {
			{&events.AlertRaised{Dated: on, Alert: "a1", Kind: "other_account", Stall: "A1"}, "recorded"}, {&events.AlertRaised{Dated: on, Alert: "a1", Kind: "foreign_account", Line: "l1"}, "refused alert_exists"},
			{&events.AlertClosed{Dated: on, Alert: "a2", Reason: "x"}, "refused alert_unknown"}, {&events.AlertClosed{Dated: on, Alert: "a1", Reason: "x"}, "recorded"}, {&events.AlertClosed{Dated: on, Alert: "a1", Reason: "x"}, "refused alert_closed"},
		},
		"a trader's sales are kept with her consent alone": {
			{sale("x1", "5", "2026-09-02"), "refused connection_unknown"}, {connected("2026-09-30"), "recorded"}, {connected("2026-12-31"), "refused connection_exists"},
			{sale("x1", "5", "2026-09-02"), "posted"}, {sale("x1", "5", "2026-09-03"), "recorded sale_known"}, {sale("x1", "6", "2026-09-03"), "recorded line_differs"},
			{sale("x2", "5", "2026-08-31"), "refused not_connected"}, {sale("x2", "5", "2026-10-01"), "refused not_connected"}, {paidBy(sale("x2", "5", "2026-09-02"), "p2"), "refused not_connected"},
			{reverse("e3"), "posted"}, {sale("x1", "6", "2026-09-03"), "posted"}, {reverse("e3"), "refused already_reversed"}, {sale("x1", "6", "2026-09-03"), "recorded sale_known"},
			{&events.SalesDisconnected{Dated: on, Connection: "k9", Reason: "asked"}, "recorded connection_unknown"}, {&events.SalesDisconnected{Dated: on, Connection: "k1", Reason: "asked"}, "recorded"},
			{&events.SalesDisconnected{Dated: on, Connection: "k1", Reason: "asked"}, "refused disconnected"}, {sale("x3", "5", "2026-09-02"), "refused disconnected"},
			{cashSale("k1", "7"), "refused disconnected"}, {paidBy(&events.SalesConnected{Dated: on, Connection: "k2", Stall: "A1", Until: "2026-09-30", VisibleTo: "market"}, "p1"), "recorded"},
			{cashSale("k2", "7"), "posted"}, {cashSale("k9", "7"), "refused disconnected"}, {cashSale("k8", "7"), "refused connection_unknown"}, {saleBy("k2", "x1", "6"), "recorded sale_known"}, {saleBy("k2", "x9", "1"), "posted"},
			holds("trader:p1:bank:k1", 6), holds("trader:p1:bank:k2", 1), holds("trader:p1:cash:A1", 7), holds("trader:p1:sales:A1", -14),
		},
		"tickets": {
			{sold(3, "15", "c1"), "posted range_unknown"}, {handedOut, "recorded"}, {handedOut, "refused range_exists"},
			{sold(8, "40", "c1"), "posted"}, {sold(2, "11", "c2"), "posted other_collector"}, {sold(1, "5", "c1"), "posted more_than_range"}, {reverse("e3"), "posted"}, {sold(8, "40", "c1"), "posted more_than_range"},
			{sold(7, "30", "c1"), "posted more_than_range"}, {sold(2147483647, "1", "c1"), "posted more_than_range"},
			holds("income:ticket", -(11 + 5 + 40 + 30 + 1)), holds("cash:collector:c1", 15+5+40+30+1), holds("suspense:in", -15),
		},
		"tickets by bank": {
			{handedOut, "recorded"}, {soldBy("qr", "", "10", 2), "posted"}, {soldBy("bank", "l1", "5", 1), "posted line_unknown"}, {lineIn("l1", "5"), "posted"}, {soldBy("bank", "l1", "5", 1), "posted more_than_line"},
			holds("clearing:qr", 10), holds("unallocated:in:l1", 5), holds("income:ticket", -20),
		},
		"tickets come back": {
			{&events.TicketsReturned{Dated: on, Range: "r1", Count: number(1)}, "refused range_unknown"}, {handedOut, "recorded"}, {sold(4, "20", "c1"), "posted"}, {reverse("e1"), "refused range_in_use"},
			{&events.TicketsReturned{Dated: on, Range: "r1", Count: number(7)}, "refused more_than_range"}, {&events.TicketsReturned{Dated: on, Range: "r1", Count: number(6)}, "recorded"},
			{sold(1, "5", "c1"), "posted more_than_range"}, {reverse("e6"), "posted"}, {reverse("e5"), "recorded"}, {sold(6, "30", "c1"), "posted"},
		},
		"tickets handed out at a wrong price": {{handedOut, "recorded"}, {reverse("e0"), "recorded"}, {sold(1, "5", "c1"), "posted range_unknown"}, {handedOut, "recorded"}, {sold(1, "5", "c1"), "posted"}},
		"what an office spends and takes": {
			{lineOut("o1", "100"), "posted"}, {spent("o1", "", "101"), "refused more_than_line"}, {spent("o9", "", "1"), "refused line_unknown"}, {spent("o1", "", "100"), "posted"}, {spent("o1", "", "1"), "refused more_than_line"},
			{lineIn("l1", "90"), "posted"}, {earned("l1", "91"), "refused more_than_line"}, {earned("l1", "90"), "posted"}, {earned("l9", "1"), "refused line_unknown"},
			{fee("b1", "50"), "posted"}, {paid("b1", "", "50"), "posted"}, {spent("", "bank", "51"), "refused more_than_clearing"}, {spent("", "bank", "2"), "posted"},
			holds("expense:electricity", 102), holds("income:parking", -90), holds("clearing:bank", 48),
		},
		"credit is paid back in cash": after(overpaid, step{&events.RefundedInCash{Dated: on, Sum: dong("31"), Stall: "A1", Collector: "c1"}, "refused more_than_credit"},
			step{&events.RefundedInCash{Dated: on, Sum: dong("30"), Stall: "A1", Collector: "c1"}, "posted more_than_held"}, holds("cash:collector:c1", -30), holds("stall:A1:credit", 0)),
		"what is to be recovered comes back": {
			{lineIn("g1", "900"), "posted"}, {funded("g1", "900"), "posted"}, {entitled("500"), "recorded"}, {lineOut("out1", "900"), "posted"}, {ordered("o1", "500"), "posted"}, {sent("o1", "500"), "posted"},
			{settled("o1", "700"), "posted recoverable"}, {recoveredBy("r1", "", "50"), "posted line_unknown"}, holds("suspense:in", -50-10), {lineIn("r2", "150"), "posted"}, {recoveredBy("r2", "", "150"), "posted"},
			{recoveredBy("", "k1", "60"), "posted more_than_recoverable"}, holds("person:p1:recoverable:elderly:2026-09", 0), holds("cash:paypoint:k1", 60),
		},
		"a closed month is decided about no more": {
			{fee("b1", "50"), "posted"}, {monthClosed("2026-09-30", "2026-09"), "refused month_not_over"}, {monthClosed("2026-10-01", "2026-09"), "recorded"}, {monthClosed("2026-10-01", "2026-09"), "refused month_closed"},
			{fee("b2", "50"), "refused month_closed"}, {reverse("e0"), "refused month_closed"}, {lineIn("l1", "50"), "posted"}, {paid("b1", "l1", "50"), "posted"}, {earned("l1", "1"), "refused month_closed"},
			{opening("bank:main", "debit", dong("5")), "refused month_closed"}, {&events.MonthReopened{Dated: on, Period: "2026-10", Reason: "late"}, "refused month_open"},
			{&events.MonthReopened{Dated: on, Period: "2026-09", Reason: "late"}, "recorded"}, {fee("b2", "50"), "posted"},
		},
		"suspense is not opened below zero": {{opening("suspense:in", "debit", dong("1")), "refused limit_exceeded"}, {opening("suspense:in", "credit", dong("1")), "posted"}},
		"what is noted of stalls, pupils and tariffs": {
			{&events.TariffSet{Dated: on, Sum: dong("5"), Tariff: "t1", Item: "ticket", Per: "ticket"}, "recorded"}, {&events.StallVacated{Dated: on, Stall: "A1"}, "recorded"},
			{&events.ReductionEnded{Dated: on, Reduction: "r1", Reason: "over"}, "recorded"}, {reverse("e1"), "recorded"}, {reverse("e1"), "refused already_reversed"}, {reverse("e3"), "refused reversal_of_reversal"},
			{&events.TraderAbsent{Dated: on, Stall: "A1", Until: "2026-12-01", Reason: "harvest"}, "recorded"}, {reverse("e6"), "recorded"}, {&events.TariffEnded{Dated: on, Tariff: "t1", Reason: "over"}, "recorded"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, 3, steps) })
	}
}

// TestExplains: where approvals are required, whoever draws lists up explains no
// money that came or went without a payout.
func TestExplains(t *testing.T) {
	steps := []step{
		{lineIn("g1", "900"), "posted"}, {funded("g1", "900"), "posted"}, {grantedRight("hoa", "approve_payouts", admin), "recorded"}, {grantedRight("lan", "propose_payouts", admin), "recorded"},
		{lineIn("r1", "500"), "posted"}, {lineOut("x1", "500"), "posted"}, {by{offset("r1", "x1", "100"), "token:office"}, "posted"}, {approvals(1, "1000", admin), "recorded"},
	}
	for _, actor := range []string{"token:office", "cli", lan} {
		for _, f := range []events.Fact{offset("r1", "x1", "10"), spent("x1", "", "10"), earned("r1", "10"), &events.GrantReturned{Dated: on, Sum: dong("10"), Line: "x1"}} {
			steps = append(steps, step{by{f, actor}, "refused right_missing"})
		}
	}
	for _, f := range []events.Fact{offset("r1", "x1", "10"), spent("x1", "", "10"), earned("r1", "10"), &events.GrantReturned{Dated: on, Sum: dong("10"), Line: "x1"}} {
		steps = append(steps, step{by{f, hoa}, "posted"})
	}
	play(t, 3, steps)
}

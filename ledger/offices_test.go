package ledger_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"socho/events"
	"socho/ledger"
)

// drawOfOffices draws a fact of rule set 3.
func drawOfOffices(t *rapid.T, name string, ids int, sum events.Sum) events.Fact {
	pick := func(name string, most int) events.ID {
		return events.ID(fmt.Sprintf("%s%d", name, rapid.IntRange(0, most).Draw(t, name)))
	}
	one := func(of string, from ...string) string { return rapid.SampledFrom(from).Draw(t, of) }
	day := events.Dated{EffectiveOn: events.Date(one("day", "2026-09-01", "2026-09-02", "2026-10-01"))}
	bill, line := pick("b", ids), pick("l", ids)
	switch name {
	case "organization.credit_applied":
		f := &events.CreditApplied{Dated: on, Sum: sum, Stall: "A1", Bill: bill}
		if rapid.Bool().Draw(t, "pupil") {
			f.Stall, f.Person = "", "p0"
		}
		return f
	case "organization.suspense_placed":
		return &events.SuspensePlaced{Dated: on, Sum: sum, Bill: bill}
	case "organization.passed_on":
		return &events.PassedOn{Dated: on, Sum: sum, Item: "meals", Line: line}
	case "organization.spent":
		if rapid.Bool().Draw(t, "operator") {
			return &events.Spent{Dated: on, Sum: sum, Item: "fees", Clearing: "qr"}
		}
		return &events.Spent{Dated: on, Sum: sum, Item: "water", Line: line}
	case "organization.earned":
		return &events.Earned{Dated: on, Sum: sum, Item: "parking", Line: line}
	case "organization.refunded_in_cash":
		return &events.RefundedInCash{Dated: on, Sum: sum, Stall: "A1", Collector: "c1"}
	case "organization.month_closed":
		return &events.MonthClosed{Dated: events.Dated{EffectiveOn: "2026-12-01"}, Period: events.Period(one("period", "2026-08", "2026-09"))}
	case "organization.month_reopened":
		return &events.MonthReopened{Dated: on, Period: events.Period(one("period", "2026-08", "2026-09")), Reason: "late"}
	case "market.tickets_returned":
		return &events.TicketsReturned{Dated: on, Range: pick("r", 1), Count: number(events.Count(rapid.IntRange(1, 9).Draw(t, "count")))}
	case "benefit.grant_returned":
		return &events.GrantReturned{Dated: on, Sum: sum, Line: line}
	case "bank.lines_offset":
		return &events.LinesOffset{Dated: on, Sum: sum, In: line, Out: pick("l", ids), Reason: "refund"}
	case "bank.line_noted":
		return paidBy(&events.LineNoted{Dated: on, Line: line, Mark: "done"}, "p0")
	case "bank.statement_received":
		f := statement(one("statement", "s1", "s2"), "2026-09-01", string(day.EffectiveOn), one("opening", "0", "-5"), one("closing", "0", "7"))
		return f
	case "market.tickets_handed_out":
		return &events.TicketsHandedOut{Dated: on, Sum: sum, Range: pick("r", 1), Collector: "c1", Item: "ticket", First: number(1), Last: number(10)}
	case "market.tickets_sold":
		return &events.TicketsSold{Dated: on, Sum: sum, Range: pick("r", 1), Method: "cash", Collector: pick("c", 1), Count: number(events.Count(rapid.IntRange(1, 9).Draw(t, "count")))}
	case "market.sales_connected":
		return paidBy(&events.SalesConnected{Dated: day, Connection: pick("k", 1), Stall: "A1", Until: "2026-10-01", VisibleTo: "trader"}, string(pick("p", 1)))
	case "market.sales_disconnected":
		return &events.SalesDisconnected{Dated: day, Connection: pick("k", 1), Reason: "asked"}
	case "market.sale_received":
		f := &events.SaleReceived{Dated: day, Sum: sum, Stall: "A1", Method: "bank", Connection: pick("k", 1), Line: line}
		if rapid.IntRange(0, 3).Draw(t, "cash") == 0 {
			f.Method, f.Line = "cash", ""
		}
		return paidBy(f, string(pick("p", 1)))
	case "market.card_issued":
		return issued(string(pick("x", 2)), string(pick("A", 1)))
	case "market.card_posted":
		return &events.CardPosted{Dated: on, Card: pick("x", 2)}
	case "market.card_inspected":
		return inspected(string(pick("x", 2)), string(pick("A", 1)), one("result", "right", "unknown"))
	case "market.card_replaced":
		return &events.CardReplaced{Dated: on, Card: pick("x", 2), By: pick("x", 2), Reason: "worn"}
	case "market.card_revoked":
		return &events.CardRevoked{Dated: on, Card: pick("x", 2), Reason: "lost"}
	case "market.alert_raised":
		return &events.AlertRaised{Dated: on, Alert: pick("a", 1), Kind: "other_account", Stall: "A1"}
	case "market.alert_closed":
		return &events.AlertClosed{Dated: on, Alert: pick("a", 1), Reason: "looked"}
	}
	panic("no such fact: " + name)
}

// ofOffices: what waits is placed once, a line that went out explains no more than
// it moved, and a trader's money stays apart from the market's.
func (l *laws) ofOffices(said string, transfers []ledger.Transfer) {
	if waits := -l.balances["suspense:in"]; waits < 0 {
		l.Errorf("%s: %d waits", said, waits)
	}
	for _, t := range transfers {
		switch t.Code {
		case "offset", "passed_on", "grant_returned", "spent":
			if left := l.balances[t.Credit]; left < 0 {
				l.Errorf("%s: %s explains %d more than it moved", said, t.Credit, -left)
			}
		case "suspense_placed":
			if !strings.Contains(t.Credit, ":receivable:") {
				l.Errorf("%s: what waits went to %s", said, t.Credit)
			}
		}
		if strings.HasPrefix(t.Debit, "trader:") != strings.HasPrefix(t.Credit, "trader:") {
			l.Errorf("%s: a trader's money meets the market's", said)
		}
	}
	traders, sold := int64(0), map[string]int64{}
	for path, left := range l.balances {
		if s := strings.Split(path, ":"); s[0] == "trader" {
			traders += left
			if s[2] == "sales" {
				sold[s[1]] -= left
			}
		}
	}
	for person, n := range sold {
		if n < 0 {
			l.Errorf("%s: %s has sold for %d", said, person, n)
		}
	}
	if traders != 0 {
		l.Errorf("%s: traders' accounts differ by %d", said, traders)
	}
}

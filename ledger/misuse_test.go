package ledger_test

import (
	"testing"

	"socho/events"
)

func at(day string) events.Dated { return events.Dated{EffectiveOn: events.Date(day)} }

func spentOn(clearing, amount, actor string) events.Fact {
	return by{&events.Spent{Dated: on, Sum: dong(amount), Item: "operator", Clearing: events.Word(clearing)}, actor}
}

func underApprovals(steps ...step) []step {
	return append([]step{{grantedRight("hoa", "approve_payouts", admin), "recorded"}, {grantedRight("lan", "propose_payouts", admin), "recorded"},
		{approvals(1, "1000", admin), "recorded"}}, steps...)
}

// A payment by QR that never was settles a bill; the operator's debt that stands for
// it is then written off by whoever said so, without an approver and without a line.
func TestClearingWrittenOffWithoutApprover(t *testing.T) {
	paidQR := &events.PaymentReceived{Payment: events.Payment{Dated: on, Sum: dong("100"), Bill: "b1", Method: "qr"}}
	play(t, 3, underApprovals(step{fee("b1", "100"), "posted"}, step{by{paidQR, "token:office"}, "posted"},
		step{spentOn("qr", "100", "token:office"), "refused right_missing"}, holds("clearing:qr", 100)))
}

// A payout's line is explained away by one who may not explain: out of credit that
// she opened herself; as cash drawn; and by taking the bank's line back.
func TestPayoutLineExplainedAwayByOpenedCredit(t *testing.T) {
	play(t, 3, underApprovals(step{lineOut("x1", "500"), "posted"}, step{by{spent("x1", "", "500"), lan}, "refused right_missing"},
		step{by{opening("stall:A1:credit", "credit", dong("500")), lan}, "refused right_missing"},
		step{by{refund("500", "x1"), lan}, "refused more_than_credit"}, holds("unallocated:out:x1", 500)))
}

// What an approver opened only an approver takes back; a bank's account is opened by
// whoever hands its first statement in.
func TestOpeningsWhereApprovalsAreRequired(t *testing.T) {
	play(t, 3, underApprovals(step{by{opening("bank:main", "debit", dong("70")), lan}, "posted"}, holds("bank:main", 70),
		step{by{opening("stall:A1:credit", "credit", dong("500")), hoa}, "posted"}, step{by{reverse("e4"), lan}, "refused right_missing"},
		step{by{reverse("e4"), hoa}, "posted"}))
}

func TestPayoutLineTakenBack(t *testing.T) {
	play(t, 3, underApprovals(step{lineOut("x1", "500"), "posted"}, step{by{reverse("e3"), lan}, "refused right_missing"}, holds("bank:main", -500)))
}

// The whole of it: approved once, paid twice, and nothing is left to explain.
func TestPaidTwiceNothingLeft(t *testing.T) {
	play(t, 3, []step{
		{lineIn("g1", "2000"), "posted"}, {funded("g1", "2000"), "posted"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"},
		{grantedRight("hoa", "approve_payouts", admin), "recorded"}, {grantedRight("lan", "propose_payouts", admin), "recorded"}, {approvals(1, "1000", admin), "recorded"},
		{by{sent("o1", "500"), lan}, "posted"}, {lineOut("x1", "500"), "posted"},
		{by{returned("o1", "", "500"), lan}, "posted"}, {by{sent("o1", "500"), lan}, "posted"}, {lineOut("out1", "500"), "posted"}, {by{settled("o1", "500"), lan}, "posted"},
		{by{opening("stall:Z:credit", "credit", dong("500")), lan}, "refused right_missing"},
		{by{&events.Refunded{Dated: on, Sum: dong("500"), Stall: "Z", Line: "x1"}, lan}, "refused more_than_credit"},
		holds("unallocated:out:x1", 500),
	})
}

// What came in for a payout that returned becomes income of tickets, by anybody.
func TestReturnExplainedAwayAsTickets(t *testing.T) {
	out := &events.TicketsHandedOut{Dated: on, Sum: dong("500"), Range: "r1", Collector: "c1", Item: "ticket", First: number(1), Last: number(1)}
	play(t, 3, underApprovals(step{lineIn("r1", "500"), "posted"}, step{by{earned("r1", "500"), lan}, "refused right_missing"},
		step{by{out, lan}, "recorded"}, step{by{soldBy("bank", "r1", "500", 1), lan}, "refused right_missing"}, holds("income:ticket", 0)))
}

// Cash that was handed back is an observation.
func TestCashHandedBackIsRefused(t *testing.T) {
	back := func(day, amount string) events.Fact {
		return &events.RefundedInCash{Dated: at(day), Sum: dong(amount), Stall: "A1", Collector: "c1"}
	}
	play(t, 3, []step{
		{fee("b1", "100"), "posted"}, {paidCash("b1", "130"), "posted overpaid"}, {monthClosed("2026-10-01", "2026-09"), "recorded"},
		{back("2026-09-30", "30"), "posted"}, holds("cash:collector:c1", 100),
	})
}

// An order, and what a batch sends, are an office's decisions about a day of its books.
func TestPayoutOrderedInClosedMonth(t *testing.T) {
	play(t, 3, []step{
		{lineIn("g1", "900"), "posted"}, {funded("g1", "900"), "posted"}, {entitled("500"), "recorded"}, {monthClosed("2026-10-01", "2026-09"), "recorded"},
		{ordered("o1", "500"), "refused month_closed"}, holds("grants:used", 0),
	})
}

// A month is closed when it is over by the clock, whatever day the fact names.
func TestMonthsClosedThatAreNotOver(t *testing.T) {
	play(t, 3, []step{{by{monthClosed("2199-12-31", "2199-11"), lan + " @2026-09-30T16:59:59.000000Z"}, "refused month_not_over"}, {fee("b1", "50"), "posted"},
		{by{monthClosed("2026-10-01", "2026-09"), lan + " @2026-09-30T17:00:00.000000Z"}, "recorded"}})
}

// Two statements of a wrong year are taken back in the order in which they were
// said: the first is the latest one again, for good, and gaps are seen no more.
func TestStatementTakenBackIsTheLatestAgain(t *testing.T) {
	play(t, 3, []step{
		{statement("a", "2026-09-01", "2026-09-01", "0", "5"), "recorded"},
		{statement("b", "2062-09-02", "2062-09-02", "5", "7"), "recorded"}, {statement("c", "2062-09-03", "2062-09-03", "7", "9"), "recorded"},
		{reverse("e1"), "recorded"}, {reverse("e2"), "recorded"},
		{statement("d", "2026-09-02", "2026-09-02", "99", "100"), "recorded statement_gap"},
		{statement("e", "2026-09-03", "2026-09-03", "55", "56"), "recorded statement_gap"}, {reverse("e1"), "refused already_reversed"},
	})
}

// Two statements that say the same under two ids: taking the older one back
// forgets the newer one, which stands.
func TestEqualStatements(t *testing.T) {
	play(t, 3, []step{
		{statement("a", "2026-09-01", "2026-09-01", "5", "5"), "recorded"}, {statement("b", "2026-09-01", "2026-09-01", "5", "5"), "recorded"}, {reverse("e0"), "recorded"},
		{statement("c", "2026-09-02", "2026-09-02", "9", "9"), "recorded statement_gap"},
	})
}

// A return is taken back after its range was handed out anew: the new range has
// tickets that nobody was given.
func TestReturnedTicketsGrow(t *testing.T) {
	handedOut := func(c string) events.Fact {
		return &events.TicketsHandedOut{Dated: on, Sum: dong("5"), Range: "r1", Collector: events.ID(c), Item: "ticket", First: number(1), Last: number(10)}
	}
	play(t, 3, []step{
		{handedOut("c1"), "recorded"}, {&events.TicketsReturned{Dated: on, Range: "r1", Count: number(6)}, "recorded"}, {reverse("e0"), "recorded"},
		{handedOut("c2"), "recorded"}, {reverse("e1"), "recorded"}, {sold(16, "80", "c2"), "posted more_than_range"},
	})
}

// A consent is taken back before its giving is heard of: it stands for ever.
func TestConsentTakenBackFirst(t *testing.T) {
	play(t, 3, []step{
		{&events.SalesDisconnected{Dated: on, Connection: "k1", Reason: "asked"}, "recorded connection_unknown"}, {connected("2026-09-30"), "refused disconnected"},
		{sale("x1", "5", "2026-09-02"), "refused disconnected"},
	})
}

// What an approver explained is taken back by whoever may not explain: the line that
// came in then stands for a return of a payout that was paid, which goes out again.
func TestApproversWordTakenBack(t *testing.T) {
	play(t, 3, []step{
		{lineIn("g1", "500"), "posted"}, {funded("g1", "500"), "posted"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"}, {sent("o1", "500"), "posted"},
		{lineOut("out1", "500"), "posted"}, {settled("o1", "500"), "posted"}, {lineIn("r1", "500"), "posted"}, {lineOut("x1", "500"), "posted"},
		{grantedRight("hoa", "approve_payouts", admin), "recorded"}, {grantedRight("lan", "propose_payouts", admin), "recorded"}, {approvals(1, "1000", admin), "recorded"},
		{by{offset("r1", "x1", "500"), hoa}, "posted"}, {by{reverse("e12"), lan}, "refused right_missing"},
		{by{returned("o1", "r1", "500"), lan}, "posted more_than_line"}, {by{sent("o1", "500"), lan}, "refused more_than_payable"},
	})
}

// A grant that went back is in the fund again by a reversal of one who may not say
// that it went: the fund pays out what the bank no longer holds.
func TestGrantThatWentBackIsThereAgain(t *testing.T) {
	play(t, 3, underApprovals(step{lineIn("g1", "500"), "posted"}, step{funded("g1", "500"), "posted"}, step{lineOut("x1", "500"), "posted"},
		step{by{&events.GrantReturned{Dated: on, Sum: dong("500"), Line: "x1"}, hoa}, "posted"}, step{by{reverse("e6"), lan}, "refused right_missing"},
		holds("grants:received", 0)))
}

// A closed month is opened, written in and closed again by any program.
func TestMonthOpenedByAnybody(t *testing.T) {
	play(t, 3, underApprovals(step{fee("b1", "50"), "posted"}, step{by{monthClosed("2026-10-01", "2026-09"), hoa}, "recorded"},
		step{by{&events.MonthReopened{Dated: on, Period: "2026-09", Reason: "late"}, "token:office"}, "refused right_missing"},
		step{by{fee("b2", "50"), "token:office"}, "refused month_closed"}))
}

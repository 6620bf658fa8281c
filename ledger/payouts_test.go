package ledger_test

import (
	"slices"
	"testing"

	"socho/events"
)

func paidOut(payout, amount string) events.Fact {
	return &events.PaidInCash{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout), PayPoint: "k1"}
}

func drawn(line, amount string) events.Fact {
	return &events.CashDrawn{Dated: on, Sum: dong(amount), PayPoint: "k1", Line: events.ID(line)}
}

func settledOn(line, payout, amount string) events.Fact {
	return &events.PayoutSettled{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout), Line: events.ID(line)}
}

func orderedIn(payout string, sum events.Sum) events.Fact {
	f := &events.PayoutOrdered{Dated: on, Sum: sum, Payout: events.PayoutID(payout), Programme: "elderly", Period: "2026-09", Unit: "00688", Method: "account"}
	f.Person = "p1"
	return f
}

func entitledIn(sum events.Sum) events.Fact {
	f := entitled("1").(*events.PersonEntitled)
	f.Sum = sum
	return f
}

// Where the money of p1's September lies.
const (
	granted     = "person:p1:granted:elderly:2026-09"
	recoverable = "person:p1:recoverable:elderly:2026-09"
	payable     = "person:p1:payable:o1"
	clearing    = "person:p1:clearing:o1"
	back        = "person:p1:returned:o1"
)

// TestPayouts: whatever the bank and the pay points report, and whatever is
// taken back, nobody is paid twice by a decision.
func TestPayouts(t *testing.T) {
	// A fund of 5000, a line that left with 5000, an entitlement of 500, ordered
	// by e4.
	fund := []step{
		{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {lineOut("out1", "5000"), "posted"},
		{entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"},
	}
	after := func(more ...step) []step { return append(slices.Clip(fund), more...) }
	toSend := step{sent("o1", "500"), "posted"}
	tooMuch := step{sent("o1", "500"), "refused more_than_payable"}
	for name, steps := range map[string][]step{
		"a grant counts as far as its line": {
			{funded("ghost", "1000"), "posted line_unknown"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "refused fund_exhausted"},
			{lineIn("ghost", "1000"), "posted"}, {reverse("e0"), "posted"}, {funded("ghost", "1000"), "posted"}, {ordered("o1", "500"), "posted"},
		},
		"nobody is paid above the entitlement": after(
			step{ordered("o2", "1"), "refused over_entitlement"}, step{ordered("o1", "1"), "refused payout_exists"}),
		"a return without a line gives back what was on its way, once": after(toSend,
			step{returned("o1", "", "600"), "posted more_than_sent"}, step{returned("o1", "", "500"), "recorded nothing_sent"},
			toSend, step{settled("o1", "500"), "posted"},
			step{returned("o1", "", "500"), "recorded nothing_sent"}, tooMuch),
		"an unproved return cannot be paid out": after(toSend,
			step{settled("o1", "500"), "posted"}, step{returned("o1", "ghost", "999999"), "posted line_unknown"}, tooMuch,
			step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted"}, toSend,
			step{sent("o1", "1"), "refused more_than_payable"}),

		"paid in cash and by transfer, and the transfer comes back": after(toSend,
			step{drawn("out1", "900"), "posted"}, step{paidOut("o1", "500"), "posted in_clearing"}, step{settled("o1", "500"), "posted recoverable"},
			step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted"}, tooMuch,
			holds(recoverable, 0), holds(back, 0), holds("cash:paypoint:k1", 400)),
		"paid by transfer, then in cash, and the transfer comes back": after(toSend,
			step{settled("o1", "500"), "posted"}, step{drawn("out1", "900"), "posted"}, step{paidOut("o1", "500"), "posted recoverable"},
			step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted"}, tooMuch),
		"what came back beyond a double payment is owed again": after(
			step{settled("o1", "500"), "posted not_sent"}, step{settled("o1", "500"), "posted recoverable"},
			step{lineIn("r1", "1000"), "posted"}, step{returned("o1", "r1", "1000"), "posted"},
			toSend, tooMuch, holds(recoverable, 0), holds(clearing, -500)),
		"paid twice counts against what is ordered next": after(
			step{settled("o1", "500"), "posted not_sent"}, step{settled("o1", "500"), "posted recoverable"}, step{entitled("1200"), "recorded"},
			step{ordered("o2", "201"), "refused over_entitlement"}, step{ordered("o2", "200"), "posted"},
			step{sent("o2", "200"), "refused more_than_payable"}),

		"cash is not taken back under what came back": after(
			step{drawn("out1", "900"), "posted"}, step{paidOut("o1", "500"), "posted"}, step{lineIn("r1", "500"), "posted"},
			step{returned("o1", "r1", "500"), "posted"}, step{reverse("e6"), "refused more_than_ordered"},
			step{sent("o1", "1000"), "refused more_than_payable"}, step{reverse("e8"), "posted"}, step{reverse("e6"), "posted"},
			holds(payable, -500)),
		"settled twice, the first taken back": after(toSend,
			step{settled("o1", "500"), "posted"}, step{settled("o1", "500"), "posted recoverable"}, step{reverse("e6"), "posted"},
			tooMuch, step{returned("o1", "", "500"), "posted"}, tooMuch, holds(recoverable, 500)),
		"an order taken back and carried out": after(step{reverse("e4"), "posted"},
			step{sent("o1", "1"), "refused payout_reversed"}, step{settled("o1", "500"), "posted payout_reversed"},
			step{ordered("o2", "500"), "refused over_entitlement"}, step{lineIn("r1", "500"), "posted"},
			step{returned("o1", "r1", "500"), "posted payout_reversed"}, step{ordered("o2", "500"), "posted"},
			holds(recoverable, 0), holds(granted, 500)),
		"a payout's id stays with its person's month": after(step{reverse("e4"), "posted"},
			step{entitledTo("p2", "500"), "recorded"}, step{orderedFor("p2", "o1", "500"), "refused payout_exists"},
			step{orderedFor("p2", "o2", "500"), "posted"}, step{ordered("o1", "400"), "posted"}),
		"paid out before it was ordered": after(
			step{settled("o2", "200"), "posted payout_unknown"}, step{entitled("700"), "recorded"}, step{ordered("o2", "200"), "refused payout_left"},
			step{reverse("e5"), "posted"}, step{ordered("o2", "200"), "posted"}, step{settled("o2", "200"), "posted not_sent"},
			holds("suspense:out:o2", 0)),
		"known, settled, and handed over from an empty till": after(
			step{settled("o1", "500"), "posted not_sent"}, step{paidOut("o1", "500"), "posted recoverable"}, holds("cash:paypoint:k1", -500)),
		"unknown, and handed over from a till with too little": after(
			step{drawn("out1", "200"), "posted"}, step{paidOut("o9", "500"), "posted payout_unknown"},
			holds("suspense:out:o9", 500), holds("cash:paypoint:k1", -300)),
		"a return before the settlement": after(toSend,
			step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted more_than_paid"},
			step{settled("o1", "500"), "posted"}, holds("suspense:in", -500)),
		"money that left on a line it did not leave on": {
			{lineIn("in1", "5000"), "posted"}, {funded("in1", "5000"), "posted"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"},
			{settledOn("in1", "o1", "100"), "posted not_sent"}, {lineOut("out1", "150"), "posted"}, {settled("o1", "100"), "posted not_sent"},
			{settled("o1", "100"), "posted not_sent"}, {drawn("ghost", "10"), "posted line_unknown"}, {drawn("out1", "1"), "posted more_than_line"},
		},

		"a stop closes months, and what was ordered for them": after(
			step{stop("2026-09"), "recorded"}, step{stop("2027-01"), "recorded"}, step{sent("o1", "500"), "refused person_stopped"},
			step{ordered("o2", "1"), "refused person_stopped"}, step{reverse("e4"), "posted"}, holds(granted, 0), holds("grants:received", -5000)),
		"a stop leaves the months before it": after(step{stop("2026-10"), "recorded"}, toSend),
		"a stop said by mistake is taken back": after(
			step{stop("2026-11"), "recorded"}, step{stop("2026-09"), "recorded"}, step{reverse("e6"), "recorded"},
			step{reverse("e6"), "refused already_reversed"}, toSend, step{stop("2026-09"), "recorded"}, step{reverse("e5"), "recorded"},
			step{sent("o1", "1"), "refused person_stopped"}),
		"what came back from the dead goes to the fund": after(toSend, step{returned("o1", "", "500"), "posted"},
			step{stop("2026-09"), "recorded"}, step{sent("o1", "500"), "refused person_stopped"}, step{reverse("e4"), "posted"},
			holds("grants:received", -5000), holds(back, 0), holds(granted, 0)),
		"an order on its way is not taken back": after(toSend, step{reverse("e4"), "refused limit_exceeded"}),

		"an entitlement said by mistake is taken back": {
			{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {entitled("500"), "recorded"}, {entitled("5000"), "recorded"},
			{reverse("e3"), "recorded"}, {ordered("o1", "501"), "refused over_entitlement"}, {ordered("o1", "500"), "posted"},
			{reverse("e2"), "refused entitlement_in_use"}, {entitled("600"), "recorded"}, {reverse("e2"), "recorded"},
			{reverse("e8"), "refused entitlement_in_use"}, {reverse("e6"), "posted"}, {reverse("e8"), "recorded"}, {ordered("o1", "1"), "refused not_entitled"},
		},
		"an entitlement lowered below its orders": after(
			step{entitled("300"), "recorded"}, step{sent("o1", "300"), "refused over_entitlement"}, step{reverse("e4"), "posted"},
			step{ordered("o1", "300"), "posted"}, step{sent("o1", "300"), "posted"}),
		"an entitlement keeps its currency while granted": after(
			step{entitledIn(usd("9.00")), "refused other_currency"}, step{reverse("e4"), "posted"}, step{entitledIn(usd("9.00")), "recorded"},
			step{ordered("o1", "1"), "refused not_entitled"}, step{reverse("e7"), "recorded"}, step{ordered("o1", "500"), "posted"}),
		"an entitlement keeps its currency while to be recovered": {
			{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {lineOut("out1", "5000"), "posted"},
			{entitledIn(usd("9.00")), "recorded"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"}, {reverse("e5"), "posted"},
			{settled("o1", "500"), "posted payout_reversed"}, {entitledIn(usd("9.00")), "refused other_currency"},
			{reverse("e4"), "refused entitlement_in_use"}, {reverse("e3"), "recorded"}, {reverse("e4"), "recorded"},
		},
		"what left in another currency bars the rest": after(
			step{reverse("e4"), "posted"}, step{entitledIn(usd("9.00")), "recorded"}, step{settled("o1", "500"), "posted payout_reversed"},
			step{orderedIn("o2", usd("1.00")), "refused other_currency"}),
		"a return matched wrongly, after its order was taken back": after(toSend,
			step{settled("o1", "500"), "posted"}, step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted"},
			step{reverse("e4"), "posted"}, step{reverse("e8"), "posted"}, holds("person:p1:returned:o1", 0),
			holds("person:p1:recoverable:elderly:2026-09", 500), holds("unallocated:in:r1", -500),
			step{ordered("o1", "500"), "refused over_entitlement"}),
		"paid out after a stop": after(toSend,
			step{stop("2026-09"), "recorded"}, step{settled("o1", "500"), "posted person_stopped"}),
		"too many changes": append(slices.Repeat([]step{{entitled("500"), "recorded"}}, 16),
			step{entitled("500"), "refused too_many_changes"}, step{reverse("e3"), "recorded"}, step{entitled("500"), "recorded"}),
	} {
		t.Run(name, func(t *testing.T) { playAll(t, steps) })
	}
}

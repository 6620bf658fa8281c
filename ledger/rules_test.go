package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"socho/events"
	"socho/ledger"
)

// A scenario is a list of facts and what becomes of each: "status" or "status
// code". Ids are given by position: e0, e1, …
type step struct {
	fact events.Fact
	want string
}

var on = events.Dated{EffectiveOn: "2026-09-01"}

func dong(n string) events.Sum { return events.Sum{Amount: events.Decimal(n), Currency: "VND"} }

func lineIn(line, amount string) events.Fact {
	return &events.LineReceived{Dated: on, Sum: dong(amount), Line: events.ID(line), Account: "main", Direction: "in", Kind: "payment"}
}

func fee(bill, amount string) events.Fact {
	f := &events.FeeAssessed{Dated: on, Bill: events.ID(bill), Stall: "A1", Period: "2026-09", DueOn: "2026-09-30", Currency: "VND",
		Items: []events.Item{{Item: "management", Amount: events.Decimal(amount)}}}
	f.Person = "p1"
	return f
}

func paid(bill, line, amount string) events.Fact {
	return &events.PaymentReceived{Payment: events.Payment{Dated: on, Sum: dong(amount), Bill: events.ID(bill), Method: "bank", Line: events.ID(line)}}
}

func reverse(event string) events.Fact {
	return &events.Reversed{Dated: on, Reverses: events.EventID(event), ReversesSource: "urn:test", Reason: "typo"}
}

func opening(path, side string, sum events.Sum) events.Fact {
	return &events.OpeningBalance{Dated: on, Sum: sum, Path: events.Path(path), Side: events.Word(side)}
}

func entitled(amount string) events.Fact {
	f := &events.PersonEntitled{Dated: on, Sum: dong(amount), Programme: "elderly", Period: "2026-09", Unit: "00688"}
	f.Person = "p1"
	return f
}

func ordered(payout, amount string) events.Fact {
	f := &events.PayoutOrdered{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout), Programme: "elderly", Period: "2026-09", Unit: "00688", Method: "account"}
	f.Person = "p1"
	return f
}

func funded(line, amount string) events.Fact {
	return &events.Funded{Dated: on, Sum: dong(amount), Line: events.ID(line)}
}
func sent(payout, amount string) events.Fact {
	return &events.PayoutSent{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout)}
}
func settled(payout, amount string) events.Fact {
	return &events.PayoutSettled{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout), Line: "out1"}
}
func returned(payout, line, amount string) events.Fact {
	return &events.PayoutReturned{Dated: on, Sum: dong(amount), Payout: events.PayoutID(payout), Line: events.ID(line), Reason: "closed"}
}

func TestRules(t *testing.T) {
	fund := []step{{lineIn("g1", "1000"), "posted"}, {funded("g1", "1000"), "posted"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "posted"}, {sent("o1", "500"), "posted"}}
	for name, steps := range map[string][]step{
		"a line's money is placed once": {
			{lineIn("l1", "100"), "posted"}, {fee("b1", "100"), "posted"}, {fee("b2", "100"), "posted"},
			{paid("b1", "l1", "100"), "posted"}, {paid("b2", "l1", "100"), "posted more_than_line"},
			{&events.LineAllocated{Dated: on, Sum: dong("1"), Line: "l1", Bill: "b2"}, "refused more_than_line"},
		},
		"a payment may come before its line": {
			{fee("b1", "100"), "posted"}, {paid("b1", "l1", "100"), "posted line_unknown"}, {lineIn("l1", "100"), "posted"},
		},
		"a grant counts as far as its line": {
			{funded("ghost", "1000"), "posted line_unknown"}, {entitled("500"), "recorded"}, {ordered("o1", "500"), "refused fund_exhausted"},
			{lineIn("ghost", "1000"), "posted"}, {reverse("e0"), "posted"}, {funded("ghost", "1000"), "posted"}, {ordered("o1", "500"), "posted"},
		},
		"nobody is paid above the entitlement": append(fund[:5:5],
			step{ordered("o2", "1"), "refused over_entitlement"}, step{ordered("o1", "1"), "refused payout_exists"}),
		"a return without a line gives back what was on its way, once": append(fund[:5:5],
			step{returned("o1", "", "500"), "posted"}, step{returned("o1", "", "500"), "recorded nothing_sent"},
			step{sent("o1", "500"), "posted"}, step{settled("o1", "500"), "posted"},
			step{returned("o1", "", "500"), "recorded nothing_sent"}, step{sent("o1", "500"), "refused more_than_payable"}),
		"an unproved return cannot be paid out": append(fund[:5:5],
			step{settled("o1", "500"), "posted"}, step{returned("o1", "ghost", "999999"), "posted line_unknown"},
			step{sent("o1", "500"), "refused more_than_payable"},
			step{lineIn("r1", "500"), "posted"}, step{returned("o1", "r1", "500"), "posted"}, step{sent("o1", "500"), "posted"},
			step{sent("o1", "1"), "refused more_than_payable"}),
		"a stop closes months for good": append(fund[:3:3],
			step{stop("2026-09"), "recorded"}, step{stop("2027-01"), "recorded"}, step{ordered("o1", "500"), "refused person_stopped"}),
		"a bill entered wrong is reversed and entered again": {
			{fee("b1", "100"), "posted"}, {fee("b1", "90"), "refused bill_exists"}, {reverse("e0"), "posted"}, {reverse("e0"), "refused already_reversed"},
			{fee("b1", "90"), "posted"}, {lineIn("l1", "90"), "posted"}, {paid("b1", "l1", "90"), "posted"}, {reverse("e4"), "refused limit_exceeded"},
		},
		"a line in use is not taken back": {
			{lineIn("l1", "100"), "posted"}, {fee("b1", "100"), "posted"}, {paid("b1", "l1", "100"), "posted"}, {reverse("e0"), "refused line_in_use"},
			{reverse("e2"), "posted"}, {reverse("e0"), "posted"}, {lineIn("l1", "110"), "posted"},
		},
		"a line under a taken id still moves the bank": {
			{lineIn("l1", "100"), "posted"}, {lineIn("l1", "100"), "recorded line_known"}, {lineIn("l1", "70"), "posted line_differs"},
		},
		"what an office may bring along": {
			{opening("bank:main", "debit", dong("5000")), "posted"}, {opening("stall:A1:receivable:old", "debit", dong("70")), "posted"},
			{lineIn("l1", "70"), "posted"}, {paid("old", "l1", "70"), "posted"},
			{opening("stall:A1:receivable:old", "debit", dong("70")), "refused bill_exists"},
			{opening("bank:x:USD", "debit", events.Sum{Amount: "1.00", Currency: "USD"}), "refused account_unknown"},
			{opening("bank:x:USD", "debit", dong("1")), "refused account_unknown"},
			{opening("bank:x", "debit", events.Sum{Amount: "1.00", Currency: "USD"}), "posted"},
			{opening("person:p1:granted:elderly:2026-09", "credit", dong("300")), "refused account_unknown"},
			{opening("person:p1:payable:o1", "credit", dong("300")), "refused account_unknown"},
			{opening("stall:A1:credit", "debit", dong("1")), "refused limit_exceeded"},
			{opening("equity:opening", "debit", dong("1")), "refused account_unknown"},
		},
		"a refund is of a payer's credit": append(fund[:4:4],
			step{&events.Refunded{Dated: on, Sum: dong("1"), Stall: "A1", Line: "l9"}, "refused more_than_credit"},
			step{paidBefore(), "posted overpaid"}),
		"reversals of reversals and of nothing": {
			{entitled("500"), "recorded"}, {reverse("e0"), "refused nothing_to_reverse"}, {reverse("nobody"), "refused event_unknown"},
			{lineIn("l1", "5"), "posted"}, {reverse("e3"), "posted"}, {reverse("e4"), "refused reversal_of_reversal"},
		},
		"a charge is taken back with its line": {
			{&events.LineReceived{Dated: on, Sum: dong("11"), Line: "c1", Account: "main", Direction: "out", Kind: "charge"}, "posted"},
			{reverse("e0"), "posted"},
			{&events.LineReceived{Dated: on, Sum: dong("12"), Line: "c1", Account: "main", Direction: "out", Kind: "charge"}, "posted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			records := []events.Record{
				write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
				write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(1)}),
			}
			if name == "a refund is of a payer's credit" {
				steps = append([]step{{fee("b1", "100"), "posted"}}, steps...)
			}
			for i, s := range steps {
				records = append(records, write(t, int64(i+2), org, nameOf(s.fact), fmt.Sprint("e", i), s.fact))
			}
			book := ledger.NewBook(1)
			batch, err := ledger.Decide(t.Context(), book.Head(0), records, book)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range steps {
				o := batch.Outcomes[i+2]
				if got := strings.TrimSpace(o.Status.String() + " " + o.Code); got != s.want {
					t.Errorf("step %d, %s: %s (%s), want %s", i, nameOf(s.fact), got, o.Detail, s.want)
				}
				if o.Code != "" && ledger.Reason(&o) == strings.ReplaceAll(o.Code, "_", " ") {
					t.Errorf("code %s has no sentence", o.Code)
				}
			}
		})
	}
}

func stop(from string) events.Fact {
	f := &events.PersonStopped{Dated: on, Programme: "elderly", FromPeriod: events.Period(from), Reason: "moved"}
	f.Person = "p1"
	return f
}

func paidBefore() events.Fact {
	return &events.PaymentReceived{Payment: events.Payment{Dated: on, Sum: dong("150"), Bill: "b1", Method: "cash", Collector: "c1"}}
}

func nameOf(f events.Fact) string {
	switch f.(type) {
	case *events.LineReceived:
		return "bank.line_received"
	case *events.LineAllocated:
		return "bank.line_allocated"
	case *events.FeeAssessed:
		return "market.fee_assessed"
	case *events.PaymentReceived:
		return "market.payment_received"
	case *events.Reversed:
		return "ledger.reversed"
	case *events.OpeningBalance:
		return "organization.opening_balance"
	case *events.PersonEntitled:
		return "benefit.person_entitled"
	case *events.PersonStopped:
		return "benefit.person_stopped"
	case *events.Funded:
		return "benefit.funded"
	case *events.PayoutOrdered:
		return "benefit.payout_ordered"
	case *events.PayoutSent:
		return "benefit.payout_sent"
	case *events.PayoutSettled:
		return "benefit.payout_settled"
	case *events.PayoutReturned:
		return "benefit.payout_returned"
	case *events.Refunded:
		return "school.refunded"
	}
	panic(fmt.Sprintf("no name for %T", f))
}

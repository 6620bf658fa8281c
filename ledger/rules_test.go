package ledger_test

import (
	"bytes"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"socho/events"
	"socho/ledger"
)

// A scenario is a list of facts and what becomes of each: "status" or "status
// code". Ids are given by position: e0, e1, … A step without a fact wants an
// account to hold debits less credits at the end: "bank:main 500".
type step struct {
	fact events.Fact
	want string
}

// by is a fact as somebody hands it in: "cli", "person:ID" or "token:ID"; with
// "own " before it, this ledger's own processes hand it in for them.
type by struct {
	events.Fact
	actor string
}

func holds(path string, amount int) step { return step{nil, fmt.Sprint(path, " ", amount)} }

var on = events.Dated{EffectiveOn: "2026-09-01"}

func dong(n string) events.Sum { return events.Sum{Amount: events.Decimal(n), Currency: "VND"} }

func usd(n string) events.Sum { return events.Sum{Amount: events.Decimal(n), Currency: "USD"} }

func line(id, account, direction, kind string, sum events.Sum) events.Fact {
	return &events.LineReceived{Dated: on, Sum: sum, Line: events.ID(id), Account: events.ID(account), Direction: events.Word(direction), Kind: events.Word(kind)}
}

func lineIn(id, amount string) events.Fact  { return line(id, "main", "in", "payment", dong(amount)) }
func lineOut(id, amount string) events.Fact { return line(id, "main", "out", "payment", dong(amount)) }

func manyLines(n int) (steps []step) {
	for i := range n {
		want := "posted line_differs"
		if i == 0 {
			want = "posted"
		}
		steps = append(steps, step{lineIn("l1", fmt.Sprint(i+1)), want})
	}
	return steps
}

func allocated(line, bill, amount string) events.Fact {
	return &events.LineAllocated{Dated: on, Sum: dong(amount), Line: events.ID(line), Bill: events.ID(bill)}
}

func banked(line, amount string) events.Fact {
	return &events.CashBanked{Dated: on, Sum: dong(amount), Collector: "c1", Line: events.ID(line)}
}

func refund(amount, line string) events.Fact {
	return &events.Refunded{Dated: on, Sum: dong(amount), Stall: "A1", Line: events.ID(line)}
}

func pupilBill(bill, pupil string) events.Fact {
	f := &events.BillIssued{Dated: on, Bill: events.ID(bill), Class: "1A", Period: "2026-09", DueOn: "2026-09-30", Currency: "VND",
		Reference: "HP2526YK2Y6", Items: []events.Item{{Item: "meals", Amount: "100"}}}
	f.Person = events.ID(pupil)
	return f
}

func fee(bill, amount string) events.Fact { return feeIn(bill, dong(amount)) }

func feeIn(bill string, sum events.Sum) events.Fact {
	f := &events.FeeAssessed{Dated: on, Bill: events.ID(bill), Stall: "A1", Period: "2026-09", DueOn: "2026-09-30", Currency: sum.Currency,
		Items: []events.Item{{Item: "management", Amount: sum.Amount}}}
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
	for name, steps := range map[string][]step{
		"a line's money is placed once": {
			{lineIn("l1", "100"), "posted"}, {fee("b1", "100"), "posted"}, {fee("b2", "100"), "posted"},
			{paid("b1", "l1", "100"), "posted"}, {paid("b2", "l1", "100"), "posted more_than_line"},
			{allocated("l1", "b2", "1"), "refused more_than_line"},
		},
		"a payment may come before its line": {
			{fee("b1", "100"), "posted"}, {paid("b1", "l1", "100"), "posted line_unknown"}, {lineIn("l1", "100"), "posted"},
		},
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
			{lineIn("l1", "100"), "recorded line_known"}, {lineIn("l1", "70"), "recorded line_known"}, holds("bank:main", 170),
		},
		"an entry taken back leaves the others known": {
			{lineIn("l1", "100"), "posted"}, {lineIn("l1", "70"), "posted line_differs"}, {reverse("e1"), "posted"},
			{lineIn("l1", "100"), "recorded line_known"}, {fee("b1", "100"), "posted"}, {allocated("l1", "b1", "100"), "posted"},
			{lineIn("l1", "70"), "posted line_differs"}, holds("bank:main", 170),
		},
		"the first entry taken back leaves the others known": {
			{lineIn("l1", "100"), "posted"}, {lineIn("l1", "70"), "posted line_differs"}, {reverse("e0"), "posted"},
			{lineIn("l1", "70"), "recorded line_known"}, {lineIn("l1", "100"), "posted line_differs"}, holds("bank:main", 170),
		},
		"an id that two entries claim proves nothing": {
			{lineIn("l1", "100"), "posted"}, {line("l1", "other", "in", "payment", dong("100")), "posted line_differs"}, {fee("b1", "60"), "posted"},
			{allocated("l1", "b1", "60"), "refused line_differs"}, {paid("b1", "l1", "100"), "posted line_differs"},
			holds("stall:A1:receivable:b1", 0), {reverse("e4"), "posted"}, {reverse("e1"), "posted"},
			{paid("b1", "l1", "100"), "posted overpaid"}, holds("stall:A1:credit", -40), holds("bank:other", 0),
		},
		"what a line is for moves no bank": {
			{line("c1", "main", "out", "payment", dong("11")), "posted"}, {line("c1", "main", "out", "charge", dong("11")), "recorded line_differs"},
			holds("bank:main", -11),
		},
		"an id with too many entries": append(manyLines(18), holds("bank:main", 18*19/2),
			step{fee("b1", "1"), "posted"}, step{allocated("l1", "b1", "1"), "refused line_differs"},
			step{lineIn("l1", "18"), "recorded line_known"}, step{lineIn("l1", "3"), "recorded line_known"}, step{reverse("e17"), "posted"},
			step{lineIn("l1", "18"), "posted line_differs"}, step{lineIn("l1", "18"), "recorded line_known"}),
		"a refund needs money that is there": {
			{fee("b1", "100"), "posted"}, {lineIn("l1", "100"), "posted"}, {paid("b1", "l1", "100"), "posted"},
			{paid("b1", "l1", "100"), "posted more_than_line"}, {refund("100", "out9"), "refused more_than_credit"},
			{paid("b1", "ghost", "9000000"), "posted line_unknown"}, {refund("1", "out9"), "refused more_than_credit"},
			{paid("b1", "", "500"), "posted overpaid_unproved"}, {refund("1", "out9"), "refused more_than_credit"}, holds("suspense:in", -9000610),
			{lineIn("l2", "120"), "posted"}, {fee("b2", "100"), "posted"}, {paid("b2", "l2", "130"), "posted more_than_line"},
			{refund("20", "out9"), "posted line_unknown"},
			{line("out9", "main", "out", "payment", dong("20")), "posted"}, holds("unallocated:out:out9", 0),
		},
		"cash is banked and collected in any order": {
			{lineIn("l1", "100"), "posted"}, {banked("l1", "100"), "posted more_than_held"}, {fee("b1", "100"), "posted"},
			{paidCash("b1", "100"), "posted"}, holds("cash:collector:c1", 0), holds("stall:A1:receivable:b1", 0),
		},
		"a bill that nobody knows comes first": {
			{paid("b9", "ghost", "10"), "posted bill_unknown"}, holds("suspense:in", -10),
		},
		"an account is opened once": {
			{lineIn("l1", "5"), "posted"}, {opening("bank:main", "debit", dong("5000")), "posted"},
			{opening("bank:main", "debit", dong("5000")), "refused already_opened"}, {opening("bank:main", "credit", dong("1")), "refused already_opened"},
			{opening("bank:main", "debit", usd("1.00")), "posted"}, {reverse("e1"), "posted"},
			{opening("bank:main", "debit", dong("4000")), "posted"}, {opening("bank:main", "debit", dong("1")), "refused already_opened"}, holds("bank:main", 4005),
		},
		"bills of another currency are freed too": {
			{feeIn("b1", usd("1.00")), "posted"}, {reverse("e0"), "posted"}, {feeIn("b1", usd("2.00")), "posted"},
			{opening("stall:A1:receivable:old", "debit", usd("1.00")), "posted"}, {reverse("e3"), "posted"},
			{opening("stall:A1:receivable:old", "debit", usd("3.00")), "posted"}, holds("stall:A1:receivable:b1:USD", 200),
		},
		"a reference code stays with its holder": {
			{pupilBill("b1", "p1"), "posted"}, {reverse("e0"), "posted"}, {pupilBill("b2", "p2"), "refused reference_used"},
			{pupilBill("b2", "p1"), "refused reference_used"}, {pupilBill("b1", "p1"), "posted"},
		},
		"a bill's id stays with its holder": {
			{pupilBill("b1", "p1"), "posted"}, {reverse("e0"), "posted"}, {pupilBill("b1", "p2"), "refused bill_exists"},
			{fee("b1", "1"), "refused bill_exists"}, {opening("stall:A1:receivable:b1", "debit", dong("1")), "refused bill_exists"},
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
		"reversals of reversals and of nothing": {
			{lineIn("l1", "5"), "posted"}, {lineIn("l1", "5"), "recorded line_known"}, {reverse("e1"), "refused nothing_to_reverse"},
			{reverse("nobody"), "refused event_unknown"}, {reverse("e0"), "posted"}, {reverse("e4"), "refused reversal_of_reversal"},
			{entitled("500"), "recorded"}, {reverse("e6"), "recorded"}, {reverse("e7"), "refused reversal_of_reversal"},
		},
		"a charge is taken back with its line": {
			{&events.LineReceived{Dated: on, Sum: dong("11"), Line: "c1", Account: "main", Direction: "out", Kind: "charge"}, "posted"},
			{reverse("e0"), "posted"},
			{&events.LineReceived{Dated: on, Sum: dong("12"), Line: "c1", Account: "main", Direction: "out", Kind: "charge"}, "posted"},
		},
	} {
		t.Run(name, func(t *testing.T) { playAll(t, steps) })
	}
}

// playAll plays what is decided alike by every rule set.
func playAll(t *testing.T, steps []step) {
	t.Helper()
	for set := 1; set <= ledger.LatestRuleSet; set++ {
		play(t, set, steps)
	}
}

// play decides a scenario by a rule set and holds every step, and every balance
// at the end, against what is wanted of it.
func play(t *testing.T, set int, steps []step) {
	t.Helper()
	records := []events.Record{
		write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(events.Count(set))}),
	}
	for _, s := range steps {
		if s.fact != nil {
			i := len(records) - 2
			records = append(records, handed(t, int64(i+2), fmt.Sprint("e", i), s.fact))
		}
	}
	book := ledger.NewBook(1)
	batch, err := ledger.Decide(t.Context(), book.Head(0), records, book)
	if err != nil {
		t.Fatal(err)
	}
	book.Apply(batch)
	balances := map[string]*big.Int{}
	for _, a := range book.Balances() {
		balances[a.Path] = new(big.Int).Sub(a.Debits.Big(), a.Credits.Big())
	}
	i := 2
	for _, s := range steps {
		if s.fact == nil {
			path, want, _ := strings.Cut(s.want, " ")
			if got := balances[path]; got == nil && want != "0" || got != nil && got.String() != want {
				t.Errorf("%s holds %v, want %s", path, got, want)
			}
			continue
		}
		o := batch.Outcomes[i]
		if got := strings.TrimSpace(o.Status.String() + " " + o.Code); got != s.want {
			t.Errorf("set %d, e%d, %s: %s (%s), want %s", set, i-2, nameOf(s.fact), got, o.Detail, s.want)
		}
		if o.Code != "" && ledger.Reason(&o) == strings.ReplaceAll(o.Code, "_", " ") {
			t.Errorf("code %s has no sentence", o.Code)
		}
		i++
	}
}

// handed is a fact as a record, with the stamp of whoever hands it in.
func handed(t interface{ Fatal(...any) }, offset int64, id string, fact events.Fact) events.Record {
	b, ok := fact.(by)
	if !ok {
		return write(t, offset, org, nameOf(fact), id, fact)
	}
	stamp, at, stamped := strings.Cut(b.actor, " @")
	actor, own := strings.CutPrefix(stamp, "own ")
	r := write(t, offset, org, nameOf(b.Fact), id, b.Fact)
	if own {
		r.Value = bytes.Replace(r.Value, []byte(`"source":"urn:test"`), []byte(`"source":"urn:socho:identity"`), 1)
	}
	r.Headers = []events.Header{{Name: events.HeaderActor, Value: []byte(actor)}}
	if stamped {
		r.Headers = append(r.Headers, events.Header{Name: events.HeaderRecordedAt, Value: []byte(at)})
	}
	return r
}

func stop(from string) events.Fact {
	f := &events.PersonStopped{Dated: on, Programme: "elderly", FromPeriod: events.Period(from), Reason: "moved"}
	f.Person = "p1"
	return f
}

func paidCash(bill, amount string) events.Fact {
	return &events.PaymentReceived{Payment: events.Payment{Dated: on, Sum: dong(amount), Bill: events.ID(bill), Method: "cash", Collector: "c1"}}
}

func nameOf(f events.Fact) string {
	switch f := f.(type) {
	case by:
		return nameOf(f.Fact)
	case *events.RightGranted:
		return "organization.right_granted"
	case *events.RightRevoked:
		return "organization.right_revoked"
	case *events.ApprovalsRequired:
		return "organization.approvals_required"
	case *events.PersonResumed:
		return "benefit.person_resumed"
	case *events.ListOpened:
		return "benefit.list_opened"
	case *events.ListEntryAdded:
		return "benefit.list_entry_added"
	case *events.ListEntryRemoved:
		return "benefit.list_entry_removed"
	case *events.ListProposed:
		return "benefit.list_proposed"
	case *events.ListApproved:
		return "benefit.list_approved"
	case *events.ListWithdrawn:
		return "benefit.list_withdrawn"
	case *events.LineReceived:
		return "bank.line_received"
	case *events.LineAllocated:
		return "bank.line_allocated"
	case *events.FeeAssessed:
		return "market.fee_assessed"
	case *events.BillIssued:
		return "school.bill_issued"
	case *events.CashBanked:
		return "market.cash_banked"
	case *events.CashDrawn:
		return "benefit.cash_drawn"
	case *events.PaidInCash:
		return "benefit.paid_in_cash"
	case *events.PaymentReceived:
		return "market.payment_received"
	case *events.Reversed:
		return "ledger.reversed"
	case *events.OpeningBalance:
		return "organization.opening_balance"
	case *events.BatchOpened:
		return "benefit.batch_opened"
	case *events.PayoutBatched:
		return "benefit.payout_batched"
	case *events.BatchClosed:
		return "benefit.batch_closed"
	case *events.BatchExported:
		return "benefit.batch_exported"
	case *events.BatchSubmitted:
		return "benefit.batch_submitted"
	case *events.BatchCancelled:
		return "benefit.batch_cancelled"
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
	if name := officeNames[reflect.TypeOf(f)]; name != "" {
		return name
	}
	panic(fmt.Sprintf("no name for %T", f))
}

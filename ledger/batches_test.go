package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/ledger"
)

// digestOfBatch is that of a batch.
func digestOfBatch(t *testing.T, batch events.PayoutID, steps []step) (digest string) {
	t.Helper()
	for i, s := range steps {
		if s.fact == nil {
			continue
		}
		value := ledger.Hash(events.ValueHash(handed(t, 0, fmt.Sprint("e", i), s.fact).Value))
		b, _ := s.fact.(by)
		switch f := b.Fact.(type) {
		case *events.BatchOpened:
			if f.Batch == batch && s.want == "recorded" {
				digest = fmt.Sprintf("%x", value)
			}
		case *events.PayoutBatched:
			if f.Batch == batch && s.want == "posted" {
				digest = string(ledger.RunningDigest(events.Digest(digest), value))
			}
		}
	}
	return digest
}

// TestBatches: a payout is in one file at a time that the bank could still carry
// out, and files are what was exported.
func TestBatches(t *testing.T) {
	opened := func(batch string) events.Fact {
		return by{&events.BatchOpened{Dated: on, Batch: events.PayoutID(batch), Account: "main", Method: "account", Currency: "VND", ExecuteOn: "2026-09-05"}, "cli"}
	}
	batched := func(batch, payout, amount string) events.Fact {
		return by{&events.PayoutBatched{Dated: on, Sum: dong(amount), Batch: events.PayoutID(batch), Payout: events.PayoutID(payout)}, "cli"}
	}
	closed := func(batch, sum string, count events.Count, digest string) events.Fact {
		return by{&events.BatchClosed{Dated: on, Sum: dong(sum), Batch: events.PayoutID(batch), Count: number(count), Digest: events.Digest(digest)}, "cli"}
	}
	exported := func(batch, format, digest string) events.Fact {
		return by{&events.BatchExported{Dated: on, Batch: events.PayoutID(batch), Format: events.Word(format), Digest: events.Digest(digest)}, "cli"}
	}
	submitted := func(batch, digest string) events.Fact {
		return by{&events.BatchSubmitted{Dated: on, Batch: events.PayoutID(batch), Digest: events.Digest(digest)}, "cli"}
	}
	cancelled := func(batch string) events.Fact {
		return by{&events.BatchCancelled{Dated: on, Batch: events.PayoutID(batch), Reason: "wrong_day"}, "cli"}
	}
	fileA, fileB := strings.Repeat("a", 64), strings.Repeat("b", 64)

	base := []step{
		{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {lineOut("out1", "5000"), "posted"}, {entitled("900"), "recorded"},
		{ordered("o1", "500"), "posted"}, {ordered("o2", "400"), "posted"}, {opened("f1"), "recorded"}, {batched("f1", "o1", "500"), "posted"},
	}
	after := func(steps []step, more ...step) []step { return append(slices.Clip(steps), more...) }
	two := after(base, step{batched("f1", "o2", "400"), "posted"})
	digest := digestOfBatch(t, "f1", two)
	made := after(two, step{closed("f1", "900", 2, digest), "recorded"}, step{exported("f1", "pain", fileA), "recorded"})
	given := after(made, step{submitted("f1", fileA), "recorded"})

	for name, steps := range map[string][]step{
		"in a batch it is on its way": after(base, holds(clearing, -500), holds(payable, 0)),
		"once in a batch": after(base, step{batched("f1", "o1", "500"), "refused in_batch"}, step{sent("o1", "500"), "refused in_batch"},
			step{opened("f1"), "refused batch_exists"}, step{opened("f2"), "recorded"}, step{batched("f2", "o1", "500"), "refused in_batch"},
			step{batched("f3", "o2", "400"), "refused batch_unknown"}, step{batched("f2", "o2", "401"), "refused more_than_payable"}, step{batched("f2", "o2", "400"), "posted"}),
		"a batch is closed as it is": after(two, step{closed("f1", "901", 2, digest), "refused list_differs"}, step{closed("f1", "900", 1, digest), "refused list_differs"},
			step{closed("f1", "900", 2, fileA), "refused list_differs"}, step{exported("f1", "pain", fileA), "refused batch_open"}, step{closed("f1", "900", 2, digest), "recorded"},
			step{batched("f1", "o2", "1"), "refused batch_closed"}, step{closed("f1", "900", 2, digest), "refused batch_closed"}),
		"a batch is one file in each format": after(made, step{exported("f1", "pain", fileA), "recorded file_known"}, step{exported("f1", "pain", fileB), "refused file_differs"},
			step{exported("f1", "xlsx", fileB), "recorded"}, step{submitted("f1", strings.Repeat("c", 64)), "refused file_differs"}, step{submitted("f1", fileB), "recorded"},
			step{submitted("f1", fileA), "refused batch_submitted"}, step{exported("f1", "pain", fileA), "recorded file_known"}),
		"not again while a file could pay it": after(made, step{returned("o1", "", "500"), "posted"}, step{sent("o1", "500"), "refused in_batch"},
			step{opened("f2"), "recorded"}, step{batched("f2", "o1", "500"), "refused in_batch"}, step{submitted("f1", fileA), "recorded"},
			step{batched("f2", "o1", "500"), "posted"}),
		"again once the bank had it and sent it back": after(given, step{settled("o1", "500"), "posted"}, step{lineIn("r1", "500"), "posted"},
			step{returned("o1", "r1", "500"), "posted"}, step{opened("f2"), "recorded"}, step{batched("f2", "o1", "500"), "posted"}),
		"again once the batch was cancelled": after(made, step{cancelled("f1"), "recorded"}, step{submitted("f1", fileA), "refused batch_cancelled"},
			step{sent("o1", "500"), "refused more_than_payable"}, step{returned("o1", "", "500"), "posted"}, step{sent("o1", "500"), "posted"}, step{cancelled("f1"), "refused batch_cancelled"}),
		"what the bank has is not cancelled":            after(given, step{cancelled("f1"), "refused batch_submitted"}),
		"nor is a payout taken out of it by a reversal": after(base, step{reverse("e7"), "refused in_batch"}, step{reverse("e4"), "refused in_batch"}),
		"nor is its order taken back while the file could pay it": after(made, step{returned("o1", "", "500"), "posted"}, step{reverse("e4"), "refused in_batch"},
			step{cancelled("f1"), "recorded"}, step{reverse("e4"), "posted"}),
		"a payout goes as a whole": after(base, step{batched("f1", "o2", "300"), "refused part_of_payout"}, step{batched("f1", "o2", "400"), "posted"}),
		"a batch pays one way": after(base, step{func() events.Fact {
			f := *ordered("o3", "0").(*events.PayoutOrdered)
			f.Method, f.Sum = "cash", dong("1")
			return &f
		}(), "refused over_entitlement"}, step{func() events.Fact {
			f := *entitled("1000").(*events.PersonEntitled)
			return &f
		}(), "recorded"}, step{func() events.Fact {
			f := *ordered("o3", "1").(*events.PayoutOrdered)
			f.Method = "cash"
			return &f
		}(), "posted"}, step{batched("f1", "o3", "1"), "refused other_method"}, step{sent("o3", "1"), "posted"}),
		"where approvals are asked for, persons answer for what goes to the bank": after(made, step{grantedRight("lan", "propose_payouts", admin), "recorded"},
			step{approvals(1, "1000", admin), "recorded"}, step{by{submitted("f1", fileA).(by).Fact, "token:evil"}, "refused right_missing"},
			step{by{exported("f1", "xlsx", fileB).(by).Fact, "token:evil"}, "refused right_missing"}, step{by{cancelled("f1").(by).Fact, "token:evil"}, "refused right_missing"},
			step{by{submitted("f1", fileA).(by).Fact, ""}, "refused actor_unknown"}, step{by{submitted("f1", fileA).(by).Fact, lan}, "recorded"}),
		"a batch is in one currency": after(base, step{by{&events.PayoutBatched{Dated: on, Sum: usd("5.00"), Batch: "f1", Payout: "o2"}, "cli"}, "refused other_currency"}),
	} {
		t.Run(name, func(t *testing.T) { play(t, 2, steps) })
	}
}

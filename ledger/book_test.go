package ledger_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// A shard's worth of random facts about few bills, lines and payouts, so that
// they meet: payments before bills, lines after payments, reversals of
// anything, ids used twice. A theme keeps to some of them, so that they go deep.

const org = "hg-truong-mau"

func number(n events.Count) *events.Count { return &n }

func write(t interface{ Fatal(...any) }, offset int64, subject, name, id string, fact events.Fact) events.Record {
	value, err := events.New(events.Envelope{ID: events.EventID(id), Source: "urn:test", Type: events.Type(name), Subject: subject, Time: "2026-09-01T00:00:00Z"}, fact)
	if err != nil {
		t.Fatal(name, err)
	}
	return events.Record{Offset: offset, Key: []byte(subject), Value: value}
}

func drawRecords(t *rapid.T) []events.Record {
	theme := rapid.SampledFrom(themes).Draw(t, "theme")
	records := []events.Record{
		write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(events.Count(rapid.IntRange(max(1, theme.set), ledger.LatestRuleSet).Draw(t, "set")))}),
	}
	on := events.Dated{EffectiveOn: "2026-09-01"}
	for i, fact := range theme.first {
		records = append(records, write(t, int64(i+2), org, nameOf(fact), fmt.Sprint("first", i), fact))
	}
	n := rapid.IntRange(1, 60).Draw(t, "events")
	for i := range n {
		pick := func(name string, most int) string {
			return fmt.Sprintf("%s%d", name, rapid.IntRange(0, most).Draw(t, name))
		}
		sum := events.Sum{Amount: events.Decimal(fmt.Sprint(rapid.SampledFrom([]int{1000, 2000, 3000, 5000}).Draw(t, "amount"))), Currency: "VND"}
		bill, line, payout := events.ID(pick("b", theme.ids)), events.ID(pick("l", theme.ids)), events.PayoutID(pick("o", theme.ids))
		person := events.Of{Person: events.ID(pick("p", 1))}
		items := []events.Item{{Item: "meals", Amount: sum.Amount}}
		var fact events.Fact
		name := rapid.SampledFrom(theme.facts).Draw(t, "fact")
		switch name {
		case "market.fee_assessed":
			fact = &events.FeeAssessed{Dated: on, Of: person, Bill: bill, Stall: "A1", Period: "2026-09", DueOn: "2026-09-30", Currency: "VND", Items: items}
		case "school.bill_issued":
			fact = &events.BillIssued{Dated: on, Of: person, Bill: bill, Class: "1A", Period: "2026-09", DueOn: "2026-09-30", Currency: "VND", Items: items}
		case "market.payment_received":
			p := events.Payment{Dated: on, Sum: sum, Bill: bill, Method: "qr", Line: line}
			if rapid.Bool().Draw(t, "cash") {
				p.Method, p.Line, p.Collector = "cash", "", "c1"
			}
			fact = &events.PaymentReceived{Payment: p}
		case "market.cash_banked":
			fact = &events.CashBanked{Dated: on, Sum: sum, Collector: "c1", Line: line}
		case "market.fee_waived":
			fact = &events.FeeWaived{Reduction: events.Reduction{Dated: on, Sum: sum, Bill: bill, Reason: "absent"}}
		case "school.refunded":
			f := &events.Refunded{Dated: on, Sum: sum, Stall: "A1", Line: line}
			if rapid.Bool().Draw(t, "pupil") {
				f.Stall, f.Person = "", "p0"
			}
			fact = f
		case "benefit.person_entitled":
			fact = &events.PersonEntitled{Dated: on, Of: person, Sum: sum, Programme: "elderly", Period: "2026-09", Unit: "00688"}
		case "benefit.funded":
			fact = &events.Funded{Dated: on, Sum: sum, Line: line}
		case "benefit.payout_ordered":
			fact = &events.PayoutOrdered{Dated: on, Of: person, Sum: sum, Payout: payout, Programme: "elderly", Period: "2026-09", Unit: "00688", Method: "account"}
		case "benefit.payout_sent":
			fact = &events.PayoutSent{Dated: on, Sum: sum, Payout: payout}
		case "benefit.payout_settled":
			fact = &events.PayoutSettled{Dated: on, Sum: sum, Payout: payout, Line: line}
		case "benefit.payout_returned":
			f := &events.PayoutReturned{Dated: on, Sum: sum, Payout: payout, Line: line, Reason: "closed"}
			if rapid.Bool().Draw(t, "rejected") {
				f.Line = ""
			}
			fact = f
		case "benefit.cash_drawn":
			fact = &events.CashDrawn{Dated: on, Sum: sum, PayPoint: "k1", Line: line}
		case "benefit.paid_in_cash":
			fact = &events.PaidInCash{Dated: on, Sum: sum, Payout: payout, PayPoint: "k1"}
		case "benefit.person_stopped":
			fact = &events.PersonStopped{Dated: on, Of: person, Programme: "elderly", FromPeriod: events.Period(rapid.SampledFrom([]string{"2026-09", "2026-10"}).Draw(t, "from")), Reason: "moved"}
		case "bank.line_received":
			fact = &events.LineReceived{Dated: on, Sum: sum, Line: line, Account: events.ID(rapid.SampledFrom([]string{"main", "other"}).Draw(t, "account")),
				Direction: events.Word(rapid.SampledFrom([]string{"in", "out"}).Draw(t, "direction")),
				Kind:      events.Word(rapid.SampledFrom([]string{"payment", "charge", "interest"}).Draw(t, "kind"))}
		case "bank.line_allocated":
			fact = &events.LineAllocated{Dated: on, Sum: sum, Line: line, Bill: bill}
		case "ledger.reversed":
			fact = &events.Reversed{Dated: on, Reverses: events.EventID(pick("e", n)), ReversesSource: "urn:test", Reason: "typo"}
		case "organization.opening_balance":
			fact = &events.OpeningBalance{Dated: on, Sum: sum, Side: "debit",
				Path: events.Path(rapid.SampledFrom([]string{"bank:main", "stall:A1:receivable:b9", "income:meals", "nothing:x"}).Draw(t, "path"))}
		default:
			fact = drawOfOffices(t, name, theme.ids, sum)
		}
		id := fmt.Sprint("e", i)
		if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
			id = pick("e", n)
		}
		records = append(records, write(t, int64(len(records)), org, name, id, fact))
	}
	return records
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		whole := ledger.NewBook(1)
		batch, err := ledger.Decide(t.Context(), whole.Head(0), records, whole)
		if err != nil {
			t.Fatal(err)
		}
		whole.Apply(batch)

		// One outcome each, and every one within the laws.
		if len(batch.Outcomes) != len(records) {
			t.Fatalf("%d outcomes of %d records", len(batch.Outcomes), len(records))
		}
		laws := newLaws(t)
		for i := range batch.Outcomes {
			laws.hold(&records[i], &batch.Outcomes[i], batch.Transfers[i])
		}

		// Debits equal credits; limits hold; balances are the sum of transfers.
		sum := new(big.Int)
		for _, a := range whole.Balances() {
			sum.Add(sum, a.Debits.Big()).Sub(sum, a.Credits.Big())
			switch {
			case a.Limit == ledger.CreditsAtMost && a.Credits.Compare(a.Debits) > 0,
				a.Limit == ledger.DebitsAtMost && a.Debits.Compare(a.Credits) > 0:
				t.Errorf("%s is beyond its limit: debits %s, credits %s", a.Path, a.Debits, a.Credits)
			}
			if left := new(big.Int).Sub(a.Debits.Big(), a.Credits.Big()); left.Cmp(big.NewInt(laws.balances[a.Path])) != 0 {
				t.Errorf("%s: %s − %s is not %d, the sum of its transfers", a.Path, a.Debits, a.Credits, laws.balances[a.Path])
			}
			if a.Currency != money.VND {
				t.Errorf("%s is in %s", a.Path, a.Currency)
			}
		}
		if sum.Sign() != 0 {
			t.Errorf("debits and credits differ by %s", sum)
		}

		// Cut into any batches, the log comes to the same root and balances.
		pieces := ledger.NewBook(1)
		for rest := records; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			b, err := ledger.Decide(t.Context(), pieces.Head(0), rest[:n], pieces)
			if err != nil {
				t.Fatal(err)
			}
			pieces.Apply(b)
			rest = rest[n:]
		}
		a, b := whole.Head(0), pieces.Head(0)
		if a.Frontier.Root() != b.Frontier.Root() || a.NextAccount != b.NextAccount || !slices.Equal(whole.Balances(), pieces.Balances()) {
			t.Error("the same records in other batches came to another ledger")
		}

		// Everything again: nothing moves.
		again := slices.Clone(records[2:])
		for i := range again {
			again[i].Offset = int64(len(records) + i)
		}
		twice, err := ledger.Decide(t.Context(), whole.Head(0), again, whole)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range twice.Outcomes {
			if first := batch.Outcomes[i+2].Status; first != ledger.Conflict && o.Status != ledger.Duplicate || len(twice.Transfers[i]) > 0 {
				t.Errorf("offset %d (%s at first) is %s the second time", o.Offset, first, o.Status)
			}
		}
	})
}

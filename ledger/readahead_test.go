package ledger_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"socho/events"
	"socho/ledger"
)

// asked counts how often a store is asked.
type asked struct {
	*ledger.Book
	times int
}

func (a *asked) Claims(ctx context.Context, shard int, claims []ledger.Claim) (map[ledger.Claim]ledger.Claimed, error) {
	a.times++
	return a.Book.Claims(ctx, shard, claims)
}

func (a *asked) Accounts(ctx context.Context, shard int, names []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
	a.times++
	return a.Book.Accounts(ctx, shard, names)
}

func (a *asked) State(ctx context.Context, shard int, keys []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
	a.times++
	return a.Book.State(ctx, shard, keys)
}

// TestReadAhead: a batch of any size asks the store as often as a small one,
// whatever its facts look at.
func TestReadAhead(t *testing.T) {
	const n = 40
	book := &asked{Book: ledger.NewBook(1)}
	next := int64(0)
	decide := func(what string, records []events.Record) {
		t.Helper()
		book.times = 0
		batch, err := ledger.Decide(t.Context(), book.Head(0), records, book)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range batch.Outcomes {
			if !o.Status.Accepted() || o.Code != "" {
				t.Fatalf("%s: %s %s (%s)", what, o.Status, o.Code, o.Detail)
			}
		}
		if book.times > 6 {
			t.Errorf("%s: %d records asked the store %d times", what, len(records), book.times)
		}
		book.Apply(batch)
		next += int64(len(records))
	}
	each := func(what string, facts ...func(i int) events.Fact) {
		t.Helper()
		var records []events.Record
		for i := range n {
			for j, fact := range facts {
				f := fact(i)
				records = append(records, write(t, next+int64(len(records)), org, nameOf(f), fmt.Sprint(what, j, "-", i), f))
			}
		}
		decide(what, records)
	}
	id := func(kind string, i int) string { return fmt.Sprint(kind, i) }
	decide("open", []events.Record{
		write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(1)}),
	})
	each("lines", func(i int) events.Fact { return lineIn(id("in", i), "1000") }, func(i int) events.Fact { return lineOut(id("out", i), "1000") })
	each("rights", func(i int) events.Fact { return entitledTo(id("p", i), "500") }, func(i int) events.Fact { return fee(id("b", i), "300") })
	each("grants", func(i int) events.Fact { return funded(id("in", i), "600") })
	each("orders", func(i int) events.Fact { return orderedFor(id("p", i), id("o", i), "500") })
	each("sent", func(i int) events.Fact { return sent(id("o", i), "500") })
	each("settled", func(i int) events.Fact { return settledOn(id("out", i), id("o", i), "500") })
	each("back", func(i int) events.Fact { return returned(id("o", i), id("in", i), "100") })
	each("paid", func(i int) events.Fact { return paid(id("b", i), id("in", i), "100") })
	each("placed", func(i int) events.Fact { return allocated(id("in", i), id("b", i), "100") })
	each("cash", func(i int) events.Fact { return paidCash(id("b", i), "100") }, func(i int) events.Fact { return drawn(id("out", i), "100") })
	each("banked", func(i int) events.Fact { return banked(id("in", i), "100") })
}

// TestReadAheadOfLists: nor does the store hear of each payout where a list is
// approved, or a batch opened, in the batch that orders or sends its payouts.
func TestReadAheadOfLists(t *testing.T) {
	const n = 200
	book := &asked{Book: ledger.NewBook(1)}
	next := int64(0)
	decide := func(what string, records []events.Record) {
		t.Helper()
		book.times = 0
		batch, err := ledger.Decide(t.Context(), book.Head(0), records, book)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range batch.Outcomes {
			if !o.Status.Accepted() || o.Code != "" {
				t.Fatalf("%s: %s %s (%s)", what, o.Status, o.Code, o.Detail)
			}
		}
		if book.times > 12 {
			t.Errorf("%s: %d records asked the store %d times", what, len(records), book.times)
		}
		book.Apply(batch)
		next += int64(len(records))
	}
	id := func(kind string, i int) string { return fmt.Sprint(kind, i) }
	run := func(what string, facts ...events.Fact) (digest events.Digest) {
		t.Helper()
		records := make([]events.Record, len(facts))
		for i, f := range facts {
			records[i] = handed(t, next+int64(i), fmt.Sprint(what, i), f)
			hash := ledger.Hash(events.ValueHash(records[i].Value))
			if digest = ledger.RunningDigest(digest, hash); i == 0 {
				digest = ledger.FirstDigest(hash)
			}
		}
		decide(what, records)
		return digest
	}
	decide("open", []events.Record{
		write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(2)}),
	})
	run("fund", lineIn("g1", "90000"), funded("g1", "90000"), grantedRight("hoa", "approve_payouts", admin))
	var rights, orders []events.Fact
	list := []events.Fact{listOpened("d1", "cli")}
	batch := []events.Fact{by{&events.BatchOpened{Dated: on, Batch: "f1", Account: "main", Method: "account", Currency: "VND", ExecuteOn: "2026-09-05"}, "cli"}}
	for i := range n {
		rights = append(rights, entitledTo(id("p", i), "100"))
		list = append(list, entryWith(func(f *events.ListEntryAdded) {
			f.Person, f.Payout, f.Amount = events.ID(id("p", i)), events.PayoutID(id("o", i)), "100"
		}, "cli"))
		orders = append(orders, orderedFor(id("p", i), id("o", i), "100"))
		batch = append(batch, by{&events.PayoutBatched{Dated: on, Sum: dong("100"), Batch: "f1", Payout: events.PayoutID(id("o", i))}, "cli"})
	}
	run("rights", rights...)
	digest := run("list", list...)
	sum := fmt.Sprint(100 * n)
	run("orders", append([]events.Fact{proposed("d1", sum, n, string(digest), "cli"), approved("d1", sum, n, string(digest), hoa)}, orders...)...)
	run("batch", batch...)
}

// TestEventsOfBatch: whoever folds a batch finds its events as it would read
// them from the log.
func TestEventsOfBatch(t *testing.T) {
	book := ledger.NewBook(1)
	records := []events.Record{
		write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(1)}),
		write(t, 2, org, "market.fee_assessed", "f", fee("b", "300")),
		{Offset: 3, Key: []byte(org), Value: []byte("no event")},
		write(t, 4, org, "market.payment_received", "p", paidCash("b", "100")),
	}
	for len(records) > 0 {
		batch, err := ledger.Decide(t.Context(), book.Head(0), records, book)
		if err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) != len(batch.Outcomes) {
			t.Fatalf("%d events of %d records", len(batch.Events), len(batch.Outcomes))
		}
		for i, got := range batch.Events {
			if want, _ := events.Decode(records[i].Value); !reflect.DeepEqual(got, want) {
				t.Errorf("record %d: %+v, want %+v", records[i].Offset, got, want)
			}
		}
		book.Apply(batch)
		records = records[len(batch.Outcomes):]
	}
}

package postgres_test

import (
	"fmt"
	"testing"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
	"socho/ledger"
)

// BenchmarkWrite decides and writes batches of 4,000 payments of 1,000 bills;
// an op is one payment. The test's cluster syncs nothing to disk.
func BenchmarkWrite(b *testing.B) {
	const bills, batch = 1000, 4000
	db, err := postgres.Open(b.Context(), testdb.Database(b, "ledger", migrate), "ledger")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	head, epoch, err := db.Acquire(b.Context(), 0, shards)
	if err != nil {
		b.Fatal(err)
	}
	on := events.Dated{EffectiveOn: "2026-09-01"}
	var records []events.Record
	add := func(subject, name, id string, fact events.Fact) {
		value, err := events.New(events.Envelope{ID: events.EventID(id), Source: "urn:test", Type: events.Type(name), Subject: subject, Time: "2026-09-01T00:00:00Z"}, fact)
		if err != nil {
			b.Fatal(err)
		}
		records = append(records, events.Record{Offset: head.NextOffset + int64(len(records)), Key: []byte(subject), Value: value})
	}
	post := func() {
		decided, err := db.Write(b.Context(), 0, epoch, func(s ledger.Store) (*ledger.Batch, error) {
			return ledger.Decide(b.Context(), head, records, s)
		})
		if err != nil {
			b.Fatal(err)
		}
		head, records = decided.Head, records[:0]
	}
	add("shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: count(1), Shard: count(0), Shards: count(shards)})
	add("shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: count(1)})
	for i := range bills {
		fee := &events.FeeAssessed{Dated: on, Bill: events.ID(fmt.Sprint("b", i)), Stall: events.ID(fmt.Sprint("A", i)), Period: "2026-09", DueOn: "2026-09-30",
			Currency: "VND", Items: []events.Item{{Item: "rent", Amount: "900000000"}}}
		fee.Person = "p1"
		add(market, "market.fee_assessed", fmt.Sprint("f", i), fee)
	}
	post()
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		b.StopTimer()
		for i := range min(batch, b.N-done) {
			paid := events.Payment{Dated: on, Sum: events.Sum{Amount: "1000", Currency: "VND"}, Bill: events.ID(fmt.Sprint("b", i*7%bills)), Method: "qr"}
			if i%2 == 0 {
				paid.Method, paid.Collector = "cash", "c1"
			}
			add(market, "market.payment_received", fmt.Sprintf("e%09d", done+i), &events.PaymentReceived{Payment: paid})
		}
		b.StartTimer()
		post()
	}
}

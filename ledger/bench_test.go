package ledger_test

import (
	"fmt"
	"testing"

	"socho/events"
	"socho/ledger"
)

// BenchmarkDecide decides batches of 4,000 payments of 1,000 bills; an op is
// one payment.
func BenchmarkDecide(b *testing.B) {
	const bills, batch = 1000, 4000
	on := events.Dated{EffectiveOn: "2026-09-01"}
	records := []events.Record{
		write(b, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}),
		write(b, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(1)}),
	}
	for i := range bills {
		fee := &events.FeeAssessed{Dated: on, Bill: events.ID(fmt.Sprint("b", i)), Stall: events.ID(fmt.Sprint("A", i)), Period: "2026-09", DueOn: "2026-09-30",
			Currency: "VND", Items: []events.Item{{Item: "rent", Amount: "900000000"}}}
		fee.Person = "p1"
		records = append(records, write(b, int64(len(records)), org, "market.fee_assessed", fmt.Sprint("f", i), fee))
	}
	book := ledger.NewBook(1)
	opened, err := ledger.Decide(b.Context(), book.Head(0), records, book)
	if err != nil {
		b.Fatal(err)
	}
	book.Apply(opened)
	head := book.Head(0)
	payments := make([]events.Record, batch)
	for i := range payments {
		paid := events.Payment{Dated: on, Sum: events.Sum{Amount: "26000", Currency: "VND"}, Bill: events.ID(fmt.Sprint("b", i*7%bills)), Method: "qr"}
		if i%2 == 0 {
			paid.Method, paid.Collector = "cash", "c1"
		}
		payments[i] = write(b, head.NextOffset+int64(i), org, "market.payment_received", fmt.Sprint("e", i), &events.PaymentReceived{Payment: paid})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		n := min(batch, b.N-done)
		decided, err := ledger.Decide(b.Context(), head, payments[:n], book)
		if err != nil || decided.Outcomes[n-1].Status != ledger.Posted {
			b.Fatal(err, decided.Outcomes[n-1])
		}
	}
}

package readmodel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/projections/projtest"
)

// BenchmarkPayments tells what PostgreSQL spends on a payment, projection by
// projection: the processor time of the one backend that writes it. Run it with
// -benchtime=1x, on a system that has /proc.
func BenchmarkPayments(b *testing.B) {
	const bills, batches, batch = 5000, 10, 4096
	log := projtest.New(b, 1)
	log.Market("cho", "08001", "2026-01-01")
	add := func(n int, name string, fact func(i int) events.Fact) {
		names, facts := make([]string, n), make([]events.Fact, n)
		for i := range n {
			names[i], facts[i] = name, fact(i)
		}
		log.AddAll("cho", names, facts)
	}
	add(bills, "market.fee_assessed", func(i int) events.Fact {
		return &events.FeeAssessed{Dated: events.Dated{EffectiveOn: "2026-09-01"}, Of: events.Of{Person: events.ID(fmt.Sprint("t-", i))},
			Bill: events.ID(fmt.Sprint("bill-2026-09-", i)), Stall: events.ID(fmt.Sprint("A", i)), Period: "2026-09", DueOn: "2026-09-15",
			Currency: "VND", Items: []events.Item{{Item: "management", Amount: "9000000"}}}
	})
	heads, _ := log.Heads(b.Context())
	issued := heads[0]
	for k := range batches { // a quarter of the bills each, as they come
		add(batch, "market.payment_received", func(i int) events.Fact {
			p := events.Payment{Dated: events.Dated{EffectiveOn: "2026-09-02"}, Sum: events.Sum{Amount: "1000", Currency: "VND"},
				Bill: events.ID(fmt.Sprint("bill-2026-09-", (k*1250+(i%1250)*7919)%bills)), Method: "qr"}
			if i%2 == 0 {
				p.Method, p.Collector = "cash", events.ID(fmt.Sprint("c", i%8))
			}
			return &events.PaymentReceived{Payment: p}
		})
	}
	accepted := log.Accepted(0)
	for _, p := range projections.All() {
		b.Run(p.Name, func(b *testing.B) {
			var spent time.Duration
			for b.Loop() {
				_, url := open(b)
				db, err := readmodel.Open(b.Context(), url+"&pool_max_conns=1")
				if err != nil {
					b.Fatal(err)
				}
				fold := func(from, to int64) {
					step := projections.NewStep(p.Name, from)
					step.Fold(p, accepted[:to], to)
					if err := db.Apply(b.Context(), 0, []projections.Step{step}); err != nil {
						b.Fatal(err)
					}
					projections.Free([]projections.Step{step})
				}
				fold(0, issued)
				spent -= processorTime(b, url)
				for from := issued; from < issued+batches*batch; from += batch {
					fold(from, from+batch)
				}
				spent += processorTime(b, url)
				db.Close()
			}
			b.ReportMetric(spent.Seconds()*1e6/float64(b.N*batches*batch), "backend-µs/payment")
		})
	}
}

// processorTime is what the backend of the one connection has used so far.
func processorTime(b *testing.B, url string) time.Duration {
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	var pid int
	if err := conn.QueryRow(b.Context(), `
		SELECT pid FROM pg_stat_activity WHERE application_name = 'socho projections' AND datname = current_database()
		ORDER BY backend_start DESC LIMIT 1`).Scan(&pid); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		b.Skip(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // clock ticks, a hundred a second
}

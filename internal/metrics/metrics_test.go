package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

func source() Source {
	return Source{
		Shards: func(context.Context) ([]service.ShardStatus, error) {
			return []service.ShardStatus{{Shard: 0, NextOffset: 90, End: 100, Waiting: 1500 * time.Millisecond}, {Shard: 1, NextOffset: 5, End: 5, Stopped: true, Code: "log_behind_ledger"}}, nil
		},
		Folded: func(context.Context) (map[string]map[int]int64, error) {
			return map[string]map[int]int64{"bills": {0: 80}}, nil
		},
		Published:    func() (map[int]int64, error) { return map[int]int64{0: 88}, nil },
		Leases:       func(context.Context) (map[string]postgres.Process, error) { return nil, errors.New("away") },
		KafkaRetries: func() int64 { return 7 },
	}
}

func TestScrape(t *testing.T) {
	m := New()
	m.Watch(source())
	fee := ledger.Outcome{Status: ledger.Posted, Type: "vn.socho.market.fee_assessed.v1"}
	refused := ledger.Outcome{Status: ledger.Refused, Type: "vn.socho.market.fee_waived.v1", Code: "more_than_owed"}
	m.posted.add([]int64{1000, 1000, 1040, 1040, 99}, &ledger.Batch{Outcomes: []ledger.Outcome{fee, fee, refused, fee}}, 1050)
	m.Request("GET /api/v1/bills", "GET", 200, 20*time.Millisecond, false)
	m.Request("", "BREW", 404, time.Millisecond, false)
	m.Limited("address")
	m.PassedOver("sepay", 3)
	text := scrape(t, m)
	for _, line := range []string{
		`socho_outcomes_total{status="posted",type="market.fee_assessed"} 3`,
		`socho_outcomes_total{status="refused",type="market.fee_waived"} 1`,
		`socho_refusals_total{code="more_than_owed",status="refused"} 1`,
		`socho_posting_latency_seconds_bucket{le="0.01"} 2`,
		`socho_posting_latency_seconds_bucket{le="0.05"} 4`,
		`socho_posting_latency_seconds_count 4`,
		`socho_batch_records_bucket{le="4"} 1`,
		`socho_shard_lag_records{shard="0"} 10`,
		`socho_shard_lag_seconds{shard="0"} 1.5`,
		`socho_shard_stopped{code="log_behind_ledger",shard="1"} 1`,
		`socho_projection_lag_records{projection="bills"} 15`,
		`socho_published_lag_records{shard="0"} 2`,
		`socho_kafka_retries_total 7`,
		`socho_scrape_failed{question="leases"} 1`,
		`socho_http_requests_total{method="GET",route="GET /api/v1/bills",status="200"} 1`,
		`socho_http_requests_total{method="other",route="other",status="404"} 1`,
		`socho_http_limited_total{by="address"} 1`,
		`socho_hook_passed_over_total{provider="sepay"} 3`,
		`go_goroutines`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

// However many codes and types there are, labels stay few.
func TestKindsAreBounded(t *testing.T) {
	p := newPosted()
	for i := range 2 * maxKinds {
		o := ledger.Outcome{Status: ledger.Malformed, Code: strings.Repeat("x", i+1)}
		p.add([]int64{0}, &ledger.Batch{Outcomes: []ledger.Outcome{o}}, 0)
	}
	if len(p.refusals) > maxKinds+len(ledger.Statuses()) || p.refusals[kind{ledger.Malformed, other}] != maxKinds {
		t.Error(len(p.refusals), p.refusals[kind{ledger.Malformed, other}])
	}
}

// What counting costs for each record of a batch of mixed events.
func BenchmarkCommitted(b *testing.B) {
	batch := &ledger.Batch{Outcomes: make([]ledger.Outcome, 8192)}
	times := make([]int64, len(batch.Outcomes))
	for i := range batch.Outcomes {
		batch.Outcomes[i] = ledger.Outcome{Status: ledger.Posted, Type: []string{"vn.socho.market.fee_assessed.v1", "vn.socho.market.payment_received.v1"}[i/3%2]}
		times[i] = int64(i / 500)
	}
	m := New()
	for b.Loop() {
		m.Committed(times, batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(times)), "ns/record")
}

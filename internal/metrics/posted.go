package metrics

import (
	"sort"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"socho/events"
	"socho/internal/service"
	"socho/ledger"
)

var _ service.Observer = (*Metrics)(nil)

// Committed implements service.Observer. Each kind of outcome is added once, and
// records that the broker took in together are one addition.
func (m *Metrics) Committed(times []int64, batch *ledger.Batch) {
	m.posted.add(times, batch, time.Now().UnixMilli())
}

// latencyBounds are in seconds, batchBounds in records.
var (
	latencyBounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600}
	batchBounds   = []float64{1, 4, 16, 64, 256, 1024, 4096, 8192, 16384, 32768}
)

var (
	outcomesDesc = prometheus.NewDesc("socho_outcomes_total", "Records decided by this process, by outcome and type of event.", []string{"status", "type"}, nil)
	refusalsDesc = prometheus.NewDesc("socho_refusals_total", "Records decided by this process that were not accepted, by the reason's code.", []string{"status", "code"}, nil)
	latencyDesc  = prometheus.NewDesc("socho_posting_latency_seconds", "From the broker's time of a record to the commit of its outcome.", nil, nil)
	batchDesc    = prometheus.NewDesc("socho_batch_records", "Records decided and committed together.", nil, nil)
)

// maxKinds bounds the label values that come from records.
const maxKinds = 256

// other stands for the kinds beyond that.
const other = "other"

type kind struct {
	status ledger.Status
	name   string // type of event, or code
}

// posted is what is known of committed batches.
type posted struct {
	mu       sync.Mutex
	outcomes map[kind]int64
	refusals map[kind]int64
	latency  histogram
	batches  histogram
}

func newPosted() *posted {
	return &posted{outcomes: map[kind]int64{}, refusals: map[kind]int64{}, latency: newHistogram(latencyBounds), batches: newHistogram(batchBounds)}
}

func (p *posted) add(times []int64, batch *ledger.Batch, now int64) {
	outcomes := batch.Outcomes
	times = times[:len(outcomes)]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batches.add(float64(len(outcomes)), 1)
	for i := 0; i < len(times); {
		from := i
		for i < len(times) && times[i] == times[from] {
			i++
		}
		p.latency.add(float64(max(now-times[from], 0))/1000, uint64(i-from))
	}
	var few [16]tally
	for _, t := range tallied(few[:0], outcomes) {
		count(p.outcomes, kind{t.status, events.Name(t.event)}, t.n)
		if t.code != "" && !t.status.Accepted() {
			count(p.refusals, kind{t.status, t.code}, t.n)
		}
	}
}

// tally is how many records of a batch had the same outcome.
type tally struct {
	status      ledger.Status
	event, code string
	n           int64
}

// tallied counts the outcomes of a batch. There are few kinds in one, so looking
// through them is quicker than a map; of the first ones, that is: a batch of very
// many kinds has some of them twice.
func tallied(into []tally, outcomes []ledger.Outcome) []tally {
next:
	for i := range outcomes {
		o := &outcomes[i]
		for j := range into[:min(len(into), 16)] {
			if t := &into[j]; t.status == o.Status && t.event == o.Type && t.code == o.Code {
				t.n++
				continue next
			}
		}
		into = append(into, tally{o.Status, o.Type, o.Code, 1})
	}
	return into
}

func count(counts map[kind]int64, k kind, n int64) {
	if _, known := counts[k]; !known && len(counts) >= maxKinds {
		k.name = other
	}
	counts[k] += n
}

// Describe implements prometheus.Collector.
func (p *posted) Describe(into chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{outcomesDesc, refusalsDesc, latencyDesc, batchDesc} {
		into <- d
	}
}

// Collect implements prometheus.Collector.
func (p *posted) Collect(into chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, n := range p.outcomes {
		into <- prometheus.MustNewConstMetric(outcomesDesc, prometheus.CounterValue, float64(n), k.status.String(), k.name)
	}
	for k, n := range p.refusals {
		into <- prometheus.MustNewConstMetric(refusalsDesc, prometheus.CounterValue, float64(n), k.status.String(), k.name)
	}
	into <- p.latency.metric(latencyDesc)
	into <- p.batches.metric(batchDesc)
}

// histogram counts many equal values at once, which Prometheus' own does not.
type histogram struct {
	bounds []float64
	counts []uint64 // of values at most each bound and above the one before
	n      uint64
	sum    float64
}

func newHistogram(bounds []float64) histogram {
	return histogram{bounds: bounds, counts: make([]uint64, len(bounds))}
}

func (h *histogram) add(value float64, n uint64) {
	if i := sort.SearchFloat64s(h.bounds, value); i < len(h.counts) {
		h.counts[i] += n
	}
	h.n += n
	h.sum += value * float64(n)
}

func (h *histogram) metric(desc *prometheus.Desc) prometheus.Metric {
	buckets, total := make(map[float64]uint64, len(h.bounds)), uint64(0)
	for i, bound := range h.bounds {
		total += h.counts[i]
		buckets[bound] = total
	}
	return prometheus.MustNewConstHistogram(desc, h.n, h.sum, buckets)
}

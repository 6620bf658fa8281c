package metrics

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"socho/internal/postgres"
	"socho/internal/service"
)

// Source answers what is asked when somebody scrapes. What it cannot answer is
// left out of that scrape, and counted.
type Source struct {
	Shards       func(context.Context) ([]service.ShardStatus, error)
	Folded       func(context.Context) (map[string]map[int]int64, error) // next offset by projection and shard
	Published    func() (map[int]int64, error)                           // size of the signed log by shard
	Leases       func(context.Context) (map[string]postgres.Process, error)
	KafkaRetries func() int64
}

// Of asks a service, and the log that it publishes.
func Of(s *service.Service, at service.Proof) Source {
	return Source{Shards: s.Shards, Folded: s.Read.Positions, Leases: s.Leases, KafkaRetries: s.KafkaRetries,
		Published: func() (map[int]int64, error) {
			signed, err := s.Checkpoints(at)
			sizes := make(map[int]int64, len(signed))
			for shard, checkpoint := range signed {
				sizes[shard] = checkpoint.Size
			}
			return sizes, err
		}}
}

// Bounds of what a scrape may cost: how long it may take, and for how long an
// answer serves those who ask again.
const (
	scrapeTime = 5 * time.Second
	scrapeKept = time.Second
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	lagRecordsDesc   = gauge("socho_shard_lag_records", "Records on the log that the ledger has not decided.", "shard")
	lagSecondsDesc   = gauge("socho_shard_lag_seconds", "For how long the next record to decide has been waiting.", "shard")
	nextOffsetDesc   = gauge("socho_shard_next_offset", "The offset up to which the ledger has decided.", "shard")
	stoppedDesc      = gauge("socho_shard_stopped", "1 where the shard stands still, and its code; see docs/operations.md.", "shard", "code")
	projectionDesc   = gauge("socho_projection_lag_records", "Records decided that the projection has not folded, all shards together.", "projection")
	publishedDesc    = gauge("socho_published_lag_records", "Records decided that no signed checkpoint covers.", "shard")
	leaseDesc        = gauge("socho_lease_held", "1 for each task that some process works on.", "task")
	processesDesc    = gauge("socho_processes", "Processes that hold a lease.")
	retriesDesc      = gauge("socho_kafka_retries_total", "Calls to the brokers that this process has tried again.")
	scrapeFailedDesc = gauge("socho_scrape_failed", "1 for each question that could not be answered for this scrape.", "question")
)

// Watch asks the source at every scrape from now on. Call it once.
func (m *Metrics) Watch(source Source) { m.registry.MustRegister(&watched{source: source}) }

type watched struct {
	source Source
	mu     sync.Mutex
	at     time.Time
	last   []prometheus.Metric
}

// Describe implements prometheus.Collector.
func (w *watched) Describe(into chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagRecordsDesc, lagSecondsDesc, nextOffsetDesc, stoppedDesc, projectionDesc, publishedDesc,
		leaseDesc, processesDesc, retriesDesc, scrapeFailedDesc} {
		into <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watched) Collect(into chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > scrapeKept {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
		w.last = w.ask(ctx)
		cancel()
		w.at = time.Now()
	}
	for _, m := range w.last {
		into <- m
	}
}

func (w *watched) ask(ctx context.Context) (all []prometheus.Metric) {
	set := func(d *prometheus.Desc, value float64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...))
	}
	failed := func(question string, err error) bool {
		if err != nil {
			set(scrapeFailedDesc, 1, question)
		}
		return err != nil
	}
	all = append(all, prometheus.MustNewConstMetric(retriesDesc, prometheus.CounterValue, float64(w.source.KafkaRetries())))
	if leases, err := w.source.Leases(ctx); !failed("leases", err) {
		processes := map[string]bool{}
		for task, process := range leases {
			processes[process.ID] = true
			set(leaseDesc, 1, task)
		}
		set(processesDesc, float64(len(processes)))
	}
	shards, err := w.source.Shards(ctx)
	if failed("shards", err) {
		return all
	}
	for _, s := range shards {
		shard := strconv.Itoa(s.Shard)
		set(lagRecordsDesc, float64(max(s.End-s.NextOffset, 0)), shard)
		set(lagSecondsDesc, s.Waiting.Seconds(), shard)
		set(nextOffsetDesc, float64(s.NextOffset), shard)
		if s.Stopped {
			set(stoppedDesc, 1, shard, s.Code)
		}
	}
	if folded, err := w.source.Folded(ctx); !failed("projections", err) {
		for projection, at := range folded {
			var behind int64
			for _, s := range shards {
				behind += max(s.NextOffset-at[s.Shard], 0)
			}
			set(projectionDesc, float64(behind), projection)
		}
	}
	if published, err := w.source.Published(); !failed("published", err) {
		for _, s := range shards {
			if size, ok := published[s.Shard]; ok {
				set(publishedDesc, float64(max(s.NextOffset-size, 0)), strconv.Itoa(s.Shard))
			}
		}
	}
	return all
}

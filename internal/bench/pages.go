package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// PagesOptions say who looks at what, beside which payments.
type PagesOptions struct {
	People    int           // at least PeopleLeast
	Rate      int           // payments a second; 0: none
	For       time.Duration // how long is measured
	Think     time.Duration // mean time between an answer and the next request of one person
	Listeners int           // live streams kept open
	Seed      uint64        // of what people do
	Profile   string        // folder for a CPU profile of the service; empty: none
	Patterns  []string      // of the routes that are served, by which requests are told apart

	// Service makes the process that runs the service with its pages and the sample
	// on a data folder; Publisher and Visits those that run Publish and Visit.
	Service   func(dir string) *exec.Cmd
	Publisher func() *exec.Cmd
	Visits    func() *exec.Cmd
	Progress  io.Writer // told, a line each, what is being done; may be nil
}

// PagesReport is what a run found. A field is null where this machine gives no
// answer. Times are in milliseconds.
type PagesReport struct {
	People    int         `json:"people"`
	Seconds   float64     `json:"seconds"`
	Requests  int         `json:"requests"`
	RequestsS *float64    `json:"requests_per_s"`
	Failed    int         `json:"failed"`
	Failures  []string    `json:"failures"` // the first of them
	AllMS     Spread      `json:"all_ms"`
	Routes    []RouteSaid `json:"routes"` // the slowest first, by p99
	Streams   Streams     `json:"streams"`
	Payments  Paid        `json:"payments"`
	Cores     Cores       `json:"cores"`
	RSSMB     *float64    `json:"rss_mb"` // most that the service (with the embedded broker) held resident, MiB
	LoadBegan string      `json:"load_average_before"`
	LoadEnded string      `json:"load_average_after"`
}

// RouteSaid is one route: how often it was asked for, how many bytes came over
// the wire for an answer, its head included, and how long it took.
type RouteSaid struct {
	Route  string   `json:"route"`
	Count  int      `json:"count"`
	Bytes  *float64 `json:"bytes"` // mean
	MS     Spread   `json:"ms"`
	Errors int      `json:"errors"`
}

// Spread is percentiles, each null where there are too few for it.
type Spread struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
	P99 *float64 `json:"p99"`
	Max *float64 `json:"max"`
}

// Paid is what became of the payments meanwhile: how long after the broker's
// acknowledgement they were seen committed, and by how many records the
// projections were behind the ledger, at most.
type Paid struct {
	Payments  int      `json:"payments"`
	RateS     *float64 `json:"per_s"`
	LatencyMS Spread   `json:"latency_ms"`
	Behind    int64    `json:"projections_behind_records"`
	LagS      *float64 `json:"projection_lag_s"` // when the last payment was posted
}

// Cores is processor time over the time that passed: how many cores each used.
type Cores struct {
	Service   *float64 `json:"service"` // with the embedded broker
	Postgres  *float64 `json:"postgres"`
	Publisher *float64 `json:"publisher"`
	Visits    *float64 `json:"visits"`
}

// Pages loads the sample, lets people go about in it while payments are posted,
// and returns what they met with. A failed request is in the report and no
// error. Errors: options out of their bounds, a process that fails, a payment
// that was published but not posted.
func Pages(ctx context.Context, o PagesOptions) (_ *PagesReport, err error) {
	if o.People < PeopleLeast || o.Rate < 0 || o.For <= 0 || o.Listeners < 0 {
		return nil, fmt.Errorf("pages: expected at least %d people, a rate of 0 or more, and some time", PeopleLeast)
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	dir, err := os.MkdirTemp("", "socho-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	payments := max(int(o.For.Seconds()*float64(o.Rate)), 1)
	r := &pagesRun{PagesOptions: o, run: run{dir: dir, payments: map[int]int64{}, Options: Options{Events: payments, Accounts: 10_000,
		Service: func(dir, _ string) *exec.Cmd { return o.Service(dir) }, Publisher: o.Publisher, Progress: o.Progress}}}
	defer func() { err = errors.Join(err, r.end()) }()
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	return r.measured(ctx)
}

// pagesRun is one call of Pages.
type pagesRun struct {
	PagesOptions
	run
	visits *process
}

func (r *pagesRun) end() error {
	var err error
	if r.visits != nil {
		err = r.visits.end()
	}
	return errors.Join(err, r.run.close())
}

// begin brings everything up and lets everybody in.
func (r *pagesRun) begin(ctx context.Context) error {
	if err := r.join(ctx); err != nil {
		return err
	}
	r.run.say("making %d people", r.People)
	people, err := r.people(ctx)
	if err != nil {
		return err
	}
	rows, err := r.pool.Query(ctx, `SELECT event_id FROM ledger.outcomes TABLESAMPLE BERNOULLI (1) WHERE claims LIMIT 500`)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if err := r.openBooks(ctx); err != nil {
		return err
	}
	if r.visits, err = launch(r.Visits(), r.run.Progress); err != nil {
		return fmt.Errorf("the visitors: %w", err)
	}
	r.run.say("signing everybody in")
	err = r.visits.tell(visits{Address: r.address, Seed: r.Seed, Think: int64(r.Think), People: people, Events: ids, Listeners: r.Listeners, Patterns: r.Patterns})
	if err == nil {
		_, err = r.visit(ctx, visitTask{})
	}
	return err
}

func (r *pagesRun) visit(ctx context.Context, t visitTask) (done visited, err error) {
	if err = r.visits.tell(t); err == nil {
		err = r.visits.answer(ctx, &done)
	}
	if err == nil && done.Error != "" {
		err = errors.New(done.Error)
	}
	if err != nil {
		err = fmt.Errorf("the visitors: %w", err)
	}
	return done, err
}

// pagesLook is the time between looks at the ledger; latencies are so exact.
const pagesLook = 10 * time.Millisecond

// measured runs visitors and payments side by side.
func (r *pagesRun) measured(ctx context.Context) (*PagesReport, error) {
	r.run.say("%d people for %s, %d payments a second", r.People, r.For, r.Rate)
	report := &PagesReport{People: r.People, LoadBegan: loadAverage()}
	if r.PagesOptions.Profile != "" {
		if err := os.MkdirAll(r.PagesOptions.Profile, 0o755); err != nil {
			return nil, err
		}
		if err := r.service.tell(Order{Profile: filepath.Join(r.PagesOptions.Profile, "pages.pprof")}); err != nil {
			return nil, err
		}
	}
	before, err := r.used(ctx)
	if err != nil {
		return nil, err
	}
	var done visited
	var paid answer
	var looks []seen
	var wrong, unpaid error
	began := time.Now()
	err = r.remember(func() error {
		watched, stop := context.WithCancel(ctx)
		defer stop()
		var all, watching sync.WaitGroup
		watching.Go(func() { looks = r.watch(watched, &report.Payments) })
		all.Go(func() { done, wrong = r.visit(ctx, visitTask{For: int64(r.For)}) })
		if r.Rate > 0 {
			all.Go(func() { paid, unpaid = r.publish(ctx, task{Payments: r.Events, Rate: r.Rate, Shared: true}) })
		}
		all.Wait()
		defer watching.Wait()
		defer stop()
		return errors.Join(wrong, unpaid)
	})
	took := time.Since(began)
	if err != nil {
		return nil, err
	}
	after, err := r.used(ctx)
	if err != nil {
		return nil, err
	}
	report.LoadEnded = loadAverage()
	if r.PagesOptions.Profile != "" {
		if err := r.service.tell(Order{Stop: true}); err != nil {
			return nil, err
		}
	}
	r.expect(paid)
	at, err := r.posted(ctx, func(s seen) { looks = append(looks, s) })
	if err != nil {
		return nil, err
	}
	if err := projections.CaughtUp(ctx, r.read, r.run.payments, projections.All()...); err != nil {
		return nil, err
	}
	report.Payments.Payments, report.Payments.LagS = paid.Records, rounded(max(0, time.Since(at).Seconds()), 3)
	report.Payments.RateS = rounded(perSecond(int64(paid.Records), time.Duration(paid.TookNS)), 0)
	report.Payments.LatencyMS = spread(latencies(paid.Acks, looks))
	cores := func(of func(used) float64) *float64 { return rounded((of(after)-of(before))/1e6/took.Seconds(), 2) }
	report.Cores = Cores{Service: cores(func(u used) float64 { return u.service }), Postgres: cores(func(u used) float64 { return u.postgres }),
		Publisher: cores(func(u used) float64 { return u.publisher }), Visits: cores(func(u used) float64 { return u.visits })}
	report.Seconds = *rounded(took.Seconds(), 1)
	if r.rss > 0 {
		report.RSSMB = rounded(r.rss, 1)
	}
	report.add(done, took)
	return report, nil
}

// used is processor time in µs.
type used struct {
	spent
	visits float64
}

func (r *pagesRun) used(ctx context.Context) (u used, err error) {
	u.spent, err = r.spent(ctx)
	u.visits, _ = processor(r.visits.pid(), false)
	return u, err
}

// watch looks at ledger and projections until the context ends.
func (r *pagesRun) watch(ctx context.Context, paid *Paid) (looks []seen) {
	for n := 0; ; n++ {
		s, err := r.look(ctx)
		if err != nil {
			return looks
		}
		looks = append(looks, s)
		if n%100 == 0 {
			all, err := r.read.Positions(ctx)
			if err != nil {
				return looks
			}
			for _, at := range all {
				behind := int64(0)
				for shard, next := range s.next {
					behind += max(next-at[shard], 0)
				}
				paid.Behind = max(paid.Behind, behind)
			}
		}
		if sleep(ctx, pagesLook) != nil {
			return looks
		}
	}
}

// add puts what visitors met with into the report.
func (p *PagesReport) add(done visited, took time.Duration) {
	var all []time.Duration
	for _, r := range done.Routes {
		slices.Sort(r.Took)
		all = append(all, r.Took...)
		p.Routes = append(p.Routes, RouteSaid{Route: r.Route, Count: len(r.Took), Bytes: rounded(float64(r.Bytes)/float64(len(r.Took)), 0), MS: spread(r.Took), Errors: r.Errors})
		p.Failed += r.Errors
	}
	slices.Sort(all)
	p.Failed += done.Streams.Cut
	p.Requests, p.RequestsS, p.AllMS, p.Failures, p.Streams = len(all), rounded(perSecond(int64(len(all)), took), 1), spread(all), done.Failures, done.Streams
	slices.SortFunc(p.Routes, func(a, b RouteSaid) int {
		return cmp.Or(-cmp.Compare(*cmp.Or(a.MS.P99, a.MS.Max), *cmp.Or(b.MS.P99, b.MS.Max)), strings.Compare(a.Route, b.Route))
	})
}

// spread tells the percentiles of sorted durations.
func spread(sorted []time.Duration) Spread {
	s := Spread{P50: percentile(sorted, 50), P95: percentile(sorted, 95), P99: percentile(sorted, 99)}
	if n := len(sorted); n > 0 {
		s.Max = rounded(float64(sorted[n-1])/float64(time.Millisecond), 2)
		if s.P50 == nil { // too few for more
			s.P50 = rounded(float64(sorted[n/2])/float64(time.Millisecond), 2)
		}
	}
	return s
}

// loadAverage is that of one minute, empty where it is not told.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	one, _, _ := strings.Cut(string(text), " ")
	if _, err := strconv.ParseFloat(one, 64); err != nil {
		return ""
	}
	return one
}

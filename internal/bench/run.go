package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/devstack"
	"socho/internal/devstack/cluster"
	"socho/internal/readmodel"
	"socho/projections"
)

const (
	roundsMost      = 5
	roundLeast      = 20_000                  // payments, before there is a second round
	yardstickLength = 1500 * time.Millisecond // each way, each round
	look            = time.Millisecond        // between looks at the positions
	watchMemory     = 50 * time.Millisecond   // between looks at the service's size
	latencyMost     = 8 * LatencyRate         // payments of the phase that measures latency
	latencyLeast    = LatencyRate / 10
	stall           = 2 * time.Minute // without any progress, the run is given up
)

// Run measures and returns what it found. It leaves nothing behind: stack,
// processes and folder are its own and end with it. Errors: options out of
// their bounds, a process or the stack that fails, and a payment that was
// published but not posted.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	dir, err := os.MkdirTemp("", "socho-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	apart(ctx, dir)
	r := &run{Options: o, dir: dir, payments: make(map[int]int64)}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	return r.measure(ctx)
}

// apart asks the file system to lay what is in a folder out apart from what
// surrounds it. For minutes after files were deleted, ext4 passes over their
// inodes one by one for each file that it makes in their neighbourhood: a run
// would pay some 0.6 ms a file for the run before it, whose folder was removed.
// Where this cannot be asked for, nothing is done.
func apart(ctx context.Context, dir string) {
	_ = exec.CommandContext(ctx, "chattr", "+T", dir).Run() //nolint:gosec // our own folder
}

// run is one call of Run.
type run struct {
	Options
	dir       string
	server    *cluster.Server // nil with the embedded default, which has its own
	service   *process
	address   string // of its pages
	database  string // its URL
	publisher *process
	pool      *pgxpool.Pool
	read      *readmodel.DB
	postgres  int // pid of the postmaster; 0 where it could not be made out
	shards    int
	base      map[int]int64 // offsets before the first payment
	payments  map[int]int64 // next offset of each shard, once what was published is posted
	published int           // payments
	rss       float64
	yardstick *yardstick
	floor     *floor
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Progress, "bench: "+format+"\n", args...)
}

// start brings the three processes up and opens the books.
func (r *run) start(ctx context.Context) error {
	if r.Profile != "" {
		if err := os.MkdirAll(r.Profile, 0o755); err != nil {
			return err
		}
	}
	err := r.join(ctx)
	if err != nil {
		return err
	}
	if r.yardstick, err = newYardstick(ctx, r.pool); err != nil {
		return err
	}
	if err := r.openBooks(ctx); err != nil {
		return err
	}
	r.floor, err = newFloor(ctx, r.database, r.load())
	if err == nil {
		r.floor.skip(r.History)
	}
	return err
}

// join brings service and publisher up and connects to what they work on.
func (r *run) join(ctx context.Context) error {
	database, brokers, err := r.stack(ctx)
	if err != nil {
		return err
	}
	r.database = database
	if r.pool, err = pgxpool.New(ctx, database); err != nil {
		return err
	}
	if r.read, err = readmodel.Open(ctx, database); err != nil {
		return err
	}
	if err := r.pool.QueryRow(ctx, `SELECT count(*) FROM ledger.positions`).Scan(&r.shards); err != nil {
		return err
	}
	r.postgres = r.postmaster(ctx)
	if r.publisher, err = launch(r.Publisher(), r.Progress); err != nil {
		return fmt.Errorf("the publisher: %w", err)
	}
	return r.publisher.tell(setup{brokers, r.load()})
}

// stack brings the service up, with the embedded default or beside the Kafka that
// is given, and returns the database and the brokers that it works on.
func (r *run) stack(ctx context.Context) (database string, brokers []string, err error) {
	if len(r.Kafka) > 0 {
		if r.server, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(r.dir, "postgres")}); err != nil {
			return "", nil, err
		}
		if err := r.server.EnsureDatabase(ctx, databaseName); err != nil {
			return "", nil, err
		}
		database, brokers = r.server.URL(databaseName), r.Kafka
	}
	r.say("starting the service in %s", r.dir)
	if r.service, err = launch(r.Service(r.dir, database), r.Progress); err != nil {
		return "", nil, fmt.Errorf("the service: %w", err)
	}
	if r.address, err = r.service.ready(ctx); err != nil {
		return "", nil, fmt.Errorf("the service: %w", err)
	}
	if r.server != nil {
		if said, err := r.Key(r.dir, database).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("the signing key: %w: %s", err, said)
		}
		return database, brokers, nil
	}
	stack, err := devstack.Attach(ctx, r.dir)
	if err != nil {
		return "", nil, err
	}
	return stack.DatabaseURL(), stack.KafkaBrokers(), nil
}

// databaseName is that of the server that a run beside Apache Kafka starts.
const databaseName = "bench"

func (r *run) load() Load {
	return Load{Shards: r.shards, Accounts: r.Accounts, Payments: r.History + r.Events + latencyMost, Hot: r.Hot, RandomIDs: r.RandomIDs,
		Began: time.Date(2026, 9, 2, 0, 0, 0, 0, time.UTC).UnixMilli()}
}

// postmaster is the process that all of PostgreSQL's others come from, 0 where
// it cannot be made out.
func (r *run) postmaster(ctx context.Context) int {
	var pid string
	if r.pool.QueryRow(ctx, `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)`).Scan(&pid) != nil {
		return 0
	}
	n, err := strconv.Atoi(pid)
	if err != nil {
		return 0
	}
	return n
}

// openBooks publishes what comes before the measured rounds, and waits for it.
func (r *run) openBooks(ctx context.Context) error {
	r.say("opening the books: %d bills", r.Accounts)
	if err := r.settled(ctx, task{Opening: true}); err != nil {
		return err
	}
	if r.History > 0 {
		r.say("history: %d payments", r.History)
		if err := r.settled(ctx, task{Payments: r.History}); err != nil {
			return err
		}
		r.published += r.History
	}
	return nil
}

// settled publishes and waits until all of it is posted and projected.
func (r *run) settled(ctx context.Context, t task) error {
	a, err := r.publish(ctx, t)
	if err != nil {
		return err
	}
	r.expect(a)
	if _, err := r.posted(ctx, nil); err != nil {
		return err
	}
	return projections.CaughtUp(ctx, r.read, r.payments, projections.All()...)
}

func (r *run) expect(a answer) {
	for shard, end := range a.Ends {
		r.payments[shard] = end
	}
}

func (r *run) publish(ctx context.Context, t task) (a answer, err error) {
	if err := r.publisher.tell(t); err != nil {
		return a, fmt.Errorf("the publisher: %w", err)
	}
	if err := r.publisher.answer(ctx, &a); err != nil {
		return a, fmt.Errorf("the publisher: %w", err)
	}
	if a.Error != "" {
		return a, errors.New("the publisher: " + a.Error)
	}
	return a, nil
}

// posted waits until the ledger has committed everything that is expected, and
// returns when that was first seen. each, if not nil, is told of every look.
func (r *run) posted(ctx context.Context, each func(seen)) (time.Time, error) {
	var before int64 = -1
	since := time.Now()
	for {
		s, err := r.look(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if each != nil {
			each(s)
		}
		missing, done := int64(0), int64(0)
		for shard, end := range r.payments {
			missing += max(end-s.next[shard], 0)
			done += s.next[shard]
		}
		if missing == 0 {
			return time.Unix(0, s.at), nil
		}
		if done > before {
			before, since = done, time.Now()
		}
		if time.Since(since) > stall {
			return time.Time{}, fmt.Errorf("%d records are not decided and nothing has moved for %s", missing, stall)
		}
		// Looking costs the machine something, so a long wait looks less often.
		pause := 10 * look
		if each != nil || missing < 2000 {
			pause = look
		}
		if err := sleep(ctx, pause); err != nil {
			return time.Time{}, err
		}
	}
}

func (r *run) look(ctx context.Context) (seen, error) {
	s := seen{next: make([]int64, r.shards)}
	rows, err := r.pool.Query(ctx, `SELECT shard, next_offset FROM ledger.positions`)
	if err != nil {
		return s, err
	}
	var shard int
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&shard, &next}, func() error {
		s.next[shard] = next
		return nil
	})
	s.at = time.Now().UnixNano()
	return s, err
}

// remember keeps the most that the service held resident while f ran.
func (r *run) remember(f func() error) error {
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			if mb, ok := resident(r.service.pid()); ok {
				r.rss = max(r.rss, mb)
			}
			select {
			case <-stop:
				return
			case <-time.After(watchMemory):
			}
		}
	})
	err := f()
	close(stop)
	watching.Wait()
	return err
}

// round is what one round of the service came to.
type round struct {
	payments          int
	took, lag         time.Duration
	service, postgres float64 // processor time, µs; NaN where unknown
	publisher         float64
	wal               float64
	bytes             int64
	batch             float64
}

// measure goes the rounds and works the report out.
func (r *run) measure(ctx context.Context) (*Report, error) {
	count := min(max(r.Events/roundLeast, 1), roundsMost)
	r.base = make(map[int]int64, len(r.payments))
	for shard, next := range r.payments {
		r.base[shard] = next
	}
	var rounds []round
	for i := range count {
		n := r.Events * (i + 1) / count
		n -= r.Events * i / count
		if err := r.yardstick.run(ctx, yardstickLength); err != nil {
			return nil, fmt.Errorf("yardstick: %w", err)
		}
		one, err := r.round(ctx, i, n)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, one)
		if err := r.floor.run(ctx, min(n, floorMost), max(1, int(one.batch))); err != nil {
			return nil, err
		}
		r.say("round %d of %d: %d payments, %.0f/s, projected %.2f s later; yardstick %.0f rows/s, floor %.0f/s so far",
			i+1, count, n, perSecond(int64(n), one.took), one.lag.Seconds(), r.yardstick.ordinary.rate(), r.floor.rate())
	}
	report := r.report(rounds)
	if err := r.latency(ctx, report); err != nil {
		return nil, err
	}
	if r.rss > 0 {
		report.RSSMB = rounded(r.rss, 1)
	}
	return report, r.check(ctx)
}

func (r *run) round(ctx context.Context, i, n int) (one round, err error) {
	one.payments = n
	if r.Profile != "" {
		if err := r.service.tell(Order{Profile: filepath.Join(r.Profile, fmt.Sprintf("service-%d.pprof", i+1))}); err != nil {
			return one, err
		}
	}
	before, err := r.spent(ctx)
	if err != nil {
		return one, err
	}
	from, err := r.look(ctx)
	if err != nil {
		return one, err
	}
	err = r.remember(func() error {
		began := time.Now()
		a, err := r.publish(ctx, task{Payments: n})
		if err != nil {
			return err
		}
		r.expect(a)
		one.bytes = a.Bytes
		at, err := r.posted(ctx, nil)
		if err != nil {
			return err
		}
		one.took = at.Sub(began)
		if err := projections.CaughtUp(ctx, r.read, r.payments, projections.All()...); err != nil {
			return err
		}
		one.lag = max(0, time.Since(at))
		return nil
	})
	if err != nil {
		return one, err
	}
	after, err := r.spent(ctx)
	if err != nil {
		return one, err
	}
	if r.Profile != "" {
		if err := r.service.tell(Order{Stop: true}); err != nil {
			return one, err
		}
	}
	r.published += n
	one.service, one.postgres = after.service-before.service, after.postgres-before.postgres
	one.publisher, one.wal = after.publisher-before.publisher, after.wal-before.wal
	one.batch, err = r.batch(ctx, from)
	return one, err
}

// spent is what the processes have used by now.
type spent struct{ service, postgres, publisher, wal float64 }

func (r *run) spent(ctx context.Context) (s spent, err error) {
	known := func(us float64, ok bool) float64 {
		if !ok {
			return math.NaN()
		}
		return us
	}
	s.service = known(processor(r.service.pid(), false))
	s.publisher = known(processor(r.publisher.pid(), false))
	s.postgres = math.NaN()
	if r.postgres > 0 {
		s.postgres = known(family(r.postgres))
	}
	return s, r.pool.QueryRow(ctx, `SELECT pg_current_wal_lsn() - '0/0'::pg_lsn`).Scan(&s.wal)
}

// batch is the mean of records in one of the service's transactions since a
// look: every transaction leaves its number on the rows it wrote.
func (r *run) batch(ctx context.Context, from seen) (float64, error) {
	shards, offsets := make([]int16, r.shards), from.next
	for i := range shards {
		shards[i] = int16(i)
	}
	var records, transactions float64
	err := r.pool.QueryRow(ctx, `
		SELECT count(*), count(DISTINCT (o.shard, o.xmin::text)) FROM unnest($1::smallint[], $2::bigint[]) AS x(s, f)
		JOIN ledger.outcomes o ON o.shard = x.s AND o.log_offset >= x.f`, shards, offsets).Scan(&records, &transactions)
	if err != nil || transactions == 0 {
		return 0, err
	}
	return records / transactions, nil
}

// close ends the processes and what connects to them.
func (r *run) close() error {
	if r.floor != nil {
		r.floor.db.Close()
	}
	if r.read != nil {
		r.read.Close()
	}
	if r.pool != nil {
		r.pool.Close()
	}
	var errs []error
	for _, p := range slices.DeleteFunc([]*process{r.publisher, r.service}, func(p *process) bool { return p == nil }) {
		errs = append(errs, p.end())
	}
	if r.server != nil {
		ending, cancel := context.WithTimeout(context.Background(), endWait)
		defer cancel()
		errs = append(errs, r.server.Stop(ending))
	}
	return errors.Join(errs...)
}

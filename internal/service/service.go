package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing/fstest"
	"time"

	"socho/events"
	"socho/internal/devstack"
	"socho/internal/kafka"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/vault"
	"socho/ledger"
	"socho/projections"
)

// Options say which log and ledger to work on. With neither Database nor Kafka
// the embedded default in Data is used.
type Options struct {
	Data     string
	Database string   // URL
	Kafka    []string // broker addresses
	// How to come in to those brokers; TLS nil and User empty where they ask
	// for neither.
	KafkaTLS                 *tls.Config
	KafkaUser, KafkaPassword string
	// Own asks for the data directory itself: where another process holds it,
	// Open fails and says who.
	Own bool
	Log *slog.Logger
	// Observer, where there is one, hears of every batch.
	Observer Observer

	// What simulations set. Clock stamps what is published, DialKafka opens the
	// connections to the brokers; nil where the machine's own will do.
	// FirstRules is the rule set that a new log begins with; 0: the newest.
	Clock      func() time.Time
	FirstRules int
	DialKafka  func(ctx context.Context, network, address string) (net.Conn, error)
	Tempo      Tempo
}

// Tempo is how patient a service is. Zero fields take their defaults.
type Tempo struct {
	Lease     time.Duration // of silence, after which a process counts as dead; 2 s
	Fault     time.Duration // before anything is tried again, at first; 100 ms
	FaultMost time.Duration // what that doubles up to, and how long the fenced wait; 5 s
}

func (t Tempo) orDefault() Tempo {
	return Tempo{
		Lease: cmp.Or(t.Lease, 2*time.Second),
		Fault: cmp.Or(t.Fault, 100*time.Millisecond), FaultMost: cmp.Or(t.FaultMost, 5*time.Second),
	}
}

// Service is the joined parts. Close it.
type Service struct {
	DB     *postgres.DB // with the service's role
	Owner  *postgres.DB // with the role of the URL: keys, replay, audit
	Log    *Log
	Read   *readmodel.DB // what projections keep
	Vault  *vault.Vault
	URL    string // of the database
	stack  *devstack.Stack
	client *kafka.Client
	slog   *slog.Logger
	works  bool
	clock  func() time.Time
	tempo  Tempo
	feed   *feed
	ahead  *ahead
	told   Observer

	inbox int // its partitions; 0 where there is none

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Open joins the parts: embedded stack (our own, or that of a running socho),
// migrations, keys, topic. Errors say what to do.
func Open(ctx context.Context, o Options) (_ *Service, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Service{slog: o.Log, URL: o.Database, clock: o.Clock, tempo: o.Tempo.orDefault(), feed: newFeed(), told: o.Observer, cancel: func() {}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	brokers, replication := o.Kafka, 3
	switch {
	case o.Database == "" && len(o.Kafka) == 0:
		s.stack, err = devstack.Open(ctx, devstack.Options{Dir: o.Data, Log: o.Log})
		if errors.Is(err, devstack.ErrHeld) && !o.Own {
			s.stack, err = devstack.Attach(ctx, o.Data)
		}
		if err != nil {
			return nil, err
		}
		brokers, replication = s.stack.KafkaBrokers(), 1
		s.URL = s.stack.DatabaseURL()
		s.works = s.stack.Owned()
	case o.Database == "" || len(o.Kafka) == 0:
		return nil, errors.New("give both --database and --kafka, or neither for the embedded default")
	default:
		s.works = o.Own
	}
	if s.Owner, err = postgres.OpenMaintenance(ctx, s.URL, "ledger"); err != nil {
		return nil, err
	}
	if s.stack == nil || s.stack.Owned() {
		if complete, err := postgres.UpToDate(ctx, s.Owner.Pool, schemas()...); err != nil {
			return nil, err
		} else if !complete {
			if err := Migrate(ctx, s.URL); err != nil {
				return nil, err
			}
		}
	}
	if s.DB, err = postgres.Open(ctx, s.URL, "ledger"); err != nil {
		return nil, err
	}
	if s.Read, err = readmodel.Open(ctx, s.URL); err != nil {
		return nil, err
	}
	s.ahead = newAhead(s.Read.Write)
	master, err := vault.LoadMaster(filepath.Join(o.Data, "master.key"))
	if err != nil {
		return nil, err
	}
	if s.Vault, err = vault.Open(ctx, s.Owner.Pool, master); err != nil {
		return nil, err
	}
	s.client = kafka.New(brokers, kafka.Options{
		Log: o.Log, MinInSync: min(replication, 2), TLS: o.KafkaTLS, User: o.KafkaUser, Password: o.KafkaPassword, Dial: o.DialKafka})
	if err := notOverArchive(ctx, s.client, s.DB, o.Data); err != nil {
		return nil, err
	}
	if s.Log, err = provision(ctx, s.client, s.DB, replication, cmp.Or(o.FirstRules, ledger.LatestRuleSet), s.clock); err != nil {
		return nil, err
	}
	if s.works {
		s.provisionInbox(ctx)
	}
	return s, nil
}

// Migrate brings every schema up to date.
func Migrate(ctx context.Context, url string) error {
	return postgres.MigrateAll(ctx, url, schemas()...)
}

func schemas() []postgres.Part {
	return []postgres.Part{
		{Schema: "ledger", Files: postgres.LedgerMigrations()},
		{Schema: "app", Files: postgres.AppMigrations()},
		{Schema: readmodel.Schema, Files: readmodel.Migrations()},
		{Schema: "private", Files: fstest.MapFS{
			"00001_keys.sql":     {Data: []byte("-- +goose Up\n-- +goose StatementBegin\n" + vault.Migration + "\n-- +goose StatementEnd\n")},
			"00002_names.sql":    {Data: []byte("-- +goose Up\n" + vault.MigrationNames)},
			"00003_accounts.sql": {Data: []byte("-- +goose Up\n" + vault.MigrationAccounts)},
			"00004_names.sql":    {Data: []byte("-- +goose Up\n" + vault.MigrationNameSets)}}},
	}
}

// Start takes up this process's share of the work, where it is one to work: it
// owns the embedded stack, or runs as a server. It returns at once. What an
// earlier process said of a shard's standstill is forgotten when the shard is
// taken: its worker proves the log anew.
func (s *Service) Start(ctx context.Context) error {
	if !s.works {
		return nil
	}
	if s.stack != nil { // it is ours alone, so whoever held leases is dead
		if err := s.DB.ForgetProcesses(ctx); err != nil {
			return err
		}
	}
	wake := make(chan struct{}, 1)
	var tasks []task
	turns := newTurns(s.Log.shards)
	moved := func(records []events.Record, times []int64, batch *ledger.Batch) {
		s.feed.put(records, times, batch)
		s.ahead.put(records, batch)
		nudge(wake)
		if s.told != nil {
			s.told.Committed(times, batch)
		}
	}
	for shard := range s.Log.shards {
		w := &worker{shard: shard, log: s.Log, db: s.DB, slog: s.slog, tempo: s.tempo, turns: turns, room: s.ahead.room, moved: moved}
		forget := func(ctx context.Context) error { return s.DB.SetShard(ctx, postgres.ShardState{Shard: shard}) }
		tasks = append(tasks, task{shardTask(shard), forget, w.run})
	}
	nothing := func(context.Context) error { return nil }
	tasks = append(tasks, task{"projections", nothing, func(ctx context.Context) { s.project(ctx, wake) }})
	tasks = append(tasks, task{"history", nothing, s.sumHistory})
	tasks = append(tasks, task{"rights", nothing, s.bringRights})
	tasks = append(tasks, task{"orders", nothing, s.orderApproved})
	tasks = append(tasks, task{"alerts", nothing, s.raiseAlerts})
	if s.inbox > 0 {
		tasks = append(tasks, task{"inbox", nothing, s.takeIn})
	}
	crew := newCrew(s.DB, s.slog, s.tempo.Lease, tasks)
	if err := crew.beat(ctx); err != nil {
		return err
	}
	ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(func() { crew.run(ctx) })
	return nil
}

// shardTask names the task of deciding a shard.
func shardTask(shard int) string { return fmt.Sprintf("shard:%d", shard) }

// sumHistory sums up what was decided, stretch by stretch, so that questions
// about the past need not read it all.
func (s *Service) sumHistory(ctx context.Context) {
	for ctx.Err() == nil {
		moved, err := s.DB.SumHistory(ctx, postgres.HistoryStretch)
		if err != nil && ctx.Err() == nil {
			s.slog.Warn("history tries again", "reason", err)
		}
		if !moved {
			pause(ctx, 10*s.tempo.Fault)
		}
	}
}

// nudge wakes whoever listens, if it is not awake already.
func nudge(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// project folds what the ledger accepts until the context ends.
func (s *Service) project(ctx context.Context, wake <-chan struct{}) {
	s.ahead.begin()
	defer s.ahead.end()
	runner := &projections.Runner{Source: folded{source{s.Log, s.DB}, s.ahead}, Store: s.Read, Pause: 10 * s.tempo.Fault, Fault: func(err error) {
		s.slog.Warn("projections try again", "reason", err)
	}}
	runner.Start(ctx)
	defer runner.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			runner.Wake()
		}
	}
}

// Close stops the workers between two batches, then the connections, then the
// embedded stack if it is ours.
func (s *Service) Close() error {
	s.cancel()
	s.running.Wait()
	if s.Read != nil {
		s.Read.Close()
	}
	var errs []error
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	for _, db := range []*postgres.DB{s.DB, s.Owner} {
		if db != nil {
			db.Close()
		}
	}
	if s.stack != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		errs = append(errs, s.stack.Close(ctx))
	}
	return errors.Join(errs...)
}

// StoppedError says that a shard stands still, so that what was asked for
// cannot be answered.
type StoppedError struct{ postgres.ShardState }

func (e *StoppedError) Error() string {
	return fmt.Sprintf("shard %d stands still: %s", e.Shard, e.Reason)
}

// WaitForLedger waits until the ledger has decided everything that is on the
// log at the moment of the call. Errors: *StoppedError; no progress for a
// minute.
func (s *Service) WaitForLedger(ctx context.Context) error {
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return err
	}
	return s.WaitFor(ctx, ends)
}

// stall is how long a wait goes on without any shard moving.
const stall = time.Minute

// WaitFor waits until every shard has come to its offset.
func (s *Service) WaitFor(ctx context.Context, ends map[int]int64) error {
	var before int64 = -1
	since := time.Now()
	for {
		heads, err := s.DB.Heads(ctx)
		if err != nil {
			return err
		}
		missing, done := int64(0), int64(0)
		for shard, end := range ends {
			missing += max(end-heads[shard].NextOffset, 0)
			done += heads[shard].NextOffset
		}
		if missing == 0 {
			return nil
		}
		stopped, err := s.DB.StoppedShards(ctx)
		if err != nil {
			return err
		}
		for _, state := range stopped {
			if heads[state.Shard].NextOffset < ends[state.Shard] {
				return &StoppedError{state}
			}
		}
		if done > before {
			before, since = done, time.Now()
		}
		if time.Since(since) > stall {
			return fmt.Errorf("the ledger is %d records behind the log and has not moved for %s; is socho run up?", missing, stall)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// Heads returns where every shard of the ledger stands.
func (s *Service) Heads(ctx context.Context) (map[int]ledger.Head, error) { return s.DB.Heads(ctx) }

// Stack returns the embedded stack, or nil where none is used.
func (s *Service) Stack() *devstack.Stack { return s.stack }

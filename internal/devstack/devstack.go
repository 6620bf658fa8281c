// Package devstack is the embedded default: what `socho run` uses when it is given neither a database nor a Kafka.
// One folder holds it all; one process owns it; others may use it while that process runs.
//
//	s, err := devstack.Open(ctx, devstack.Options{Dir: "./data", Log: log})
//	if errors.Is(err, devstack.ErrHeld) {            // somebody's `socho run` is up: use that one
//		s, err = devstack.Attach(ctx, "./data")
//	}
//	if err != nil { … }                              // says what happened and what to do
//	defer s.Close(context.Background())
//	client := kafka.New(s.KafkaBrokers(), kafka.Options{})
//	pool, err := pgxpool.New(ctx, s.DatabaseURL())
//
// # What it is worth
//
// PostgreSQL is a real one, installed on the machine or fetched, in a private cluster with full durability.
//
// The broker is a test double grown up (franz-go's kfake, with a data folder and a sync after every batch). Killing
// the process at any moment loses nothing that was acknowledged. Losing power, or a flipped bit on the disk, can lose
// acknowledged records: the broker cuts a damaged segment at the first batch that it cannot read, goes on from there,
// and gives the offsets behind it to new records. The ledger notices: before it reads, it proves that the log still
// continues what it has recorded, and stops with log_behind_ledger otherwise; the published entry bundles bring the
// log back. This package keeps a copy of what the broker is about to cut. For money of consequence, run Apache Kafka
// with three replicas.
//
// # The folder
//
//	Dir/lock             held with flock for as long as the owner lives; says who that is
//	Dir/stack.json       where everything can be reached, while it can; written atomically, removed at the end
//	Dir/broker/          the broker's topics and segments
//	Dir/broker-damaged/  copies of segments with damage, made before the broker cut them
//	Dir/postgres/ …      see package cluster
//
// Files are for the owner alone (0600, folders 0700), apart from what PostgreSQL's own account needs when we are
// root. Addresses are on 127.0.0.1 with a port that is free at the moment, or on a private socket: nothing collides.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"socho/internal/devstack/cluster"
)

// Database is the name of the database inside the private cluster.
const Database = "socho"

// Options say where the stack lives.
type Options struct {
	// Dir is the data folder. Required; created if need be.
	Dir string
	// Log is told of starts, stops, restarts and damage. It never sees events, statements or values.
	Log *slog.Logger
	// PostgresBin names the folder of the PostgreSQL programs instead of looking for them.
	PostgresBin string
}

// Stack is a running broker and PostgreSQL: our own, or those of another process that we are attached to.
type Stack struct {
	dir   string
	log   *slog.Logger
	owned bool

	lock     *os.File
	broker   *broker
	postgres *cluster.Server

	mu    sync.Mutex
	state state
	once  sync.Once
	err   error
}

// Open starts the stack in Options.Dir and owns it until Close. Nothing else is needed: folders, cluster and database
// are created, leftovers of a killed process are cleared up.
//
// A crash at any point leaves a folder that the next Open continues with.
//
// Errors: a *HeldError (ErrHeld) at once when another live process owns the folder; else an *Error: folder_closed,
// broker_failed, and those of package cluster.
func Open(ctx context.Context, opts Options) (_ *Stack, err error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil || opts.Dir == "" {
		return nil, &Error{Code: "folder_closed", Message: "no data folder was named; choose one with --data", Err: err}
	}
	if err := cluster.MakeDir(dir); err != nil {
		return nil, err
	}
	s := &Stack{dir: dir, log: opts.Log, owned: true}
	if s.lock, err = takeLock(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
			defer cancel()
			err = errors.Join(err, s.Close(stop))
		}
	}()
	// Whatever an earlier owner wrote there is no longer true.
	if err := os.Remove(s.statePath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &Error{Code: "folder_closed", Message: "the data folder " + dir + " cannot be written", Err: err}
	}

	// Each of the two takes its time; they know nothing of each other.
	brokerDone := make(chan error, 1)
	go func() {
		var err error
		s.broker, err = startBroker(filepath.Join(dir, "broker"), filepath.Join(dir, "broker-damaged"), opts.Log)
		brokerDone <- err
	}()
	s.postgres, err = cluster.Start(ctx, cluster.Options{Dir: dir, Log: opts.Log, BinDir: opts.PostgresBin})
	if err == nil {
		err = s.postgres.EnsureDatabase(ctx, Database)
	}
	if err = errors.Join(err, <-brokerDone); err != nil {
		return nil, err
	}
	s.state = state{
		Version: stateVersion, PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second),
		Kafka: s.broker.addrs(), Database: s.postgres.URL(Database),
	}
	// A crash after this leaves a stack.json without a lock: nobody believes it, and the next Open replaces it.
	if err := s.state.write(s.statePath()); err != nil {
		return nil, err
	}
	return s, nil
}

// Attach finds the stack that another process runs in dir and checks that both of its parts answer. While that
// process is still starting, Attach waits for it, up to 30 s or the context's end.
//
// Errors: ErrNotRunning when no process owns the folder or its stack does not answer; folder_closed when the folder is
// another user's; the context's.
func Attach(ctx context.Context, dir string) (*Stack, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, notRunning(dir, err)
	}
	s := &Stack{dir: dir, log: slog.New(slog.DiscardHandler)}
	giveUp := time.Now().Add(30 * time.Second)
	for {
		holder, held, err := lookAtLock(dir)
		if err != nil {
			return nil, err
		}
		if !held {
			return nil, notRunning(dir, nil)
		}
		// Only the state that the present owner wrote counts; before that, it is still starting.
		if s.state, err = readState(s.statePath()); err == nil && s.state.PID == holder.PID {
			if err = s.state.answers(ctx); err == nil {
				return s, nil
			}
		}
		if time.Now().After(giveUp) {
			return nil, notRunning(dir, fmt.Errorf("process %d owns the folder but its stack does not answer: %w", holder.PID, err))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("devstack: attaching to %s: %w", dir, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// KafkaBrokers are the addresses (host:port) of the broker.
func (s *Stack) KafkaBrokers() []string { return slices.Clone(s.state.Kafka) }

// DatabaseURL is the address of the database for its superuser, through the private socket.
func (s *Stack) DatabaseURL() string { return s.state.Database }

// Owned tells whether this process runs the stack, rather than using that of another.
func (s *Stack) Owned() bool { return s.owned }

// Dir is the data folder, as an absolute path.
func (s *Stack) Dir() string { return s.dir }

// Web is the address of the owner's pages, if it has said so with SetWeb.
func (s *Stack) Web() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Web
}

// SetWeb records where the owner's pages are, for other processes to say. Only the owner may.
func (s *Stack) SetWeb(addr string) error {
	if !s.owned {
		return errors.New("devstack: only the process that runs the stack can record its web address")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	next.Web = addr
	// A crash before the rename inside leaves the state as it was.
	if err := next.write(s.statePath()); err != nil {
		return err
	}
	s.state = next
	return nil
}

// Close stops what Open started: PostgreSQL first, in order, then the broker; then the folder is free for the next.
// When ctx ends earlier, PostgreSQL is stopped at once. Nothing committed or acknowledged is lost in either case.
// An attached stack is left alone. Closing twice is fine.
func (s *Stack) Close(ctx context.Context) error {
	if !s.owned {
		return nil
	}
	s.once.Do(func() {
		if s.postgres != nil {
			s.err = errors.Join(s.err, s.postgres.Stop(ctx))
		}
		if s.broker != nil {
			s.err = errors.Join(s.err, s.broker.close(ctx))
		}
		if s.state.PID != 0 {
			if err := os.Remove(s.statePath()); err != nil && !errors.Is(err, os.ErrNotExist) {
				s.err = errors.Join(s.err, fmt.Errorf("devstack: %w", err))
			}
		}
		// A crash before this changes nothing: the kernel lets go of the lock with the process.
		s.err = errors.Join(s.err, releaseLock(s.lock))
	})
	return s.err
}

func (s *Stack) statePath() string { return filepath.Join(s.dir, "stack.json") }

package service

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"slices"
	"time"

	"socho/internal/postgres"
)

// A process that dies is noticed when its leases have run out, and its tasks are
// taken at the next beat of another: so often does each beat within a lease.
const beatsPerLease = 5

// task is work that one process does at a time: a shard, the projections.
type task struct {
	name  string
	taken func(context.Context) error // before it runs
	run   func(context.Context)       // until the context ends, or nothing is left to do
}

// crew does the tasks that this process holds the lease of. Every process on
// the same ledger has the same tasks and takes its share of them; as processes
// come and go the shares are dealt again. That two of them believe to hold one
// task for a moment is possible and does no harm: each write is fenced by the
// epoch and position that it starts from.
type crew struct {
	db      *postgres.DB
	process postgres.Process
	tasks   []task
	slog    *slog.Logger
	lease   time.Duration
	running map[string]*job
}

type job struct {
	stop context.CancelFunc
	done chan struct{}
}

func newCrew(db *postgres.DB, log *slog.Logger, lease time.Duration, tasks []task) *crew {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &crew{db: db, slog: log, lease: lease, tasks: tasks, running: map[string]*job{},
		process: postgres.Process{ID: rand.Text(), Host: host, PID: os.Getpid()}}
}

// share is what falls to this process: the tasks are dealt out in turn.
func (c *crew) share(living []string) []string {
	me := slices.Index(living, c.process.ID)
	var mine []string
	for i, t := range c.tasks {
		if i%len(living) == me {
			mine = append(mine, t.name)
		}
	}
	return mine
}

// beat renews the leases and brings what runs into line with them.
func (c *crew) beat(ctx context.Context) error {
	var share []string
	held, err := c.db.Beat(ctx, c.process, c.lease, func(living []string) []string {
		share = c.share(living)
		return share
	})
	if err != nil {
		return err
	}
	for _, t := range c.tasks {
		j := c.running[t.name]
		switch {
		case held[t.name] && slices.Contains(share, t.name):
			if j == nil {
				if err := t.taken(ctx); err != nil {
					return err
				}
				c.start(ctx, t)
			}
		case held[t.name]: // another process has come, this is its share
			c.finish(t.name)
			if err := c.db.Release(ctx, c.process, t.name); err != nil {
				return err
			}
		case j != nil: // lost: we were away for too long
			c.slog.Warn("task lost to another process", "task", t.name)
			c.finish(t.name)
		}
	}
	return nil
}

func (c *crew) start(ctx context.Context, t task) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	j := &job{stop, make(chan struct{})}
	c.running[t.name] = j
	c.slog.Info("task taken", "task", t.name)
	go func() {
		defer close(j.done)
		t.run(ctx)
	}()
}

// finish stops a task between two of its steps.
func (c *crew) finish(name string) {
	if j := c.running[name]; j != nil {
		j.stop()
		<-j.done
		delete(c.running, name)
	}
}

// run beats until the context ends, then hands everything over.
func (c *crew) run(ctx context.Context) {
	for pause(ctx, c.lease/beatsPerLease) {
		one, cancel := context.WithTimeout(ctx, c.lease)
		if err := c.beat(one); err != nil && ctx.Err() == nil {
			c.slog.Warn("leases cannot be renewed; trying again", "reason", err)
		}
		cancel()
	}
	for _, j := range c.running {
		j.stop()
	}
	for name := range c.running {
		c.finish(name)
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.lease)
	defer cancel()
	if err := c.db.Leave(leaving, c.process); err != nil {
		c.slog.Warn("leases stay until they expire", "reason", err)
	}
}

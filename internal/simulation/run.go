package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socho/internal/service"
)

// Bounds of a run.
const (
	MinEvents = 1
	MaxEvents = 20_000
	longest   = 3 * time.Minute // that a run may take; beyond it, something waits for ever
)

// Options say what to simulate.
type Options struct {
	Seed     uint64
	Events   int // lines published once each, MinEvents to MaxEvents
	Faults   []Fault
	Binary   string    // of socho, for kills
	Progress io.Writer // told what is going on, a line each; may be nil
}

// Result is what a run found.
type Result struct {
	Seed     uint64         `json:"seed"`
	Events   int            `json:"events"`
	Faults   map[string]int `json:"faults"` // how often each enabled fault has struck
	OK       bool           `json:"ok"`
	Problems []string       `json:"problems"`
}

// run is one seed on its way.
type run struct {
	Options
	host     *Host
	rng      *rand.Rand
	load     *workload
	dir      string // of this run
	data     string // of the service: its master key
	database string
	broker   *broker
	node     *node
	opening  func(*node)  // called of each instance before it opens; may be nil
	clock    atomic.Int64 // how far the service's clock is off, in nanoseconds

	strays       int        // records written past intake
	sent         []*line    // decided at least once
	lock         sync.Mutex // over acknowledged
	acknowledged []acknowledgement
	result       Result
}

// Run plays one seed: load, and every fault at least once, in an order of the
// seed's own. What it finds is in the result; an error means that the
// simulation itself could not go on.
//
// The same seed gives the same lines and the same plan of faults. In which of
// its messages a fault then strikes depends on how goroutines and processes
// take turns, so one seed may have to be played more than once.
func Run(ctx context.Context, host *Host, o Options) (_ *Result, err error) {
	r := &run{Options: o, host: host, rng: rand.New(rand.NewPCG(o.Seed, 0x50c40)),
		result: Result{Seed: o.Seed, Faults: map[string]int{}, Problems: []string{}}}
	for _, f := range o.Faults {
		r.result.Faults[f.Name] = 0
	}
	r.load = generate(o.Seed, o.Events)
	r.result.Events = len(r.load.lines)
	if r.dir, err = os.MkdirTemp(host.dir, "run-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("the run has not come to its end within %s", longest))
	defer cancel()
	if err := r.play(ctx); err != nil {
		var p *problem
		switch {
		case errors.As(err, &p):
			r.problem("%s", p.text)
		case context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), context.Canceled):
			r.problem("%v: %v", context.Cause(ctx), err)
		default:
			return nil, err
		}
	}
	r.result.OK = len(r.result.Problems) == 0
	return &r.result, nil
}

// problem is something that the product did wrong.
type problem struct{ text string }

func (p *problem) Error() string { return p.text }

func wrong(format string, args ...any) error { return &problem{fmt.Sprintf(format, args...)} }

func (r *run) problem(format string, args ...any) {
	r.result.Problems = append(r.result.Problems, fmt.Sprintf(format, args...))
}

func (r *run) struck(name string) { r.result.Faults[name]++ }

func (r *run) tell(format string, args ...any) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, "seed %d: %s\n", r.Seed, fmt.Sprintf(format, args...))
	}
}

// play brings the stack up, goes through the plan and examines what is left.
func (r *run) play(ctx context.Context) (err error) {
	var inProcess []Fault
	for _, f := range r.Faults {
		if !f.Kill {
			inProcess = append(inProcess, f)
		}
	}
	if len(inProcess) < len(r.Faults) {
		all := r.load.lines
		if err := r.kills(ctx); err != nil {
			return err
		}
		r.load.lines, r.acknowledged = all, nil
	}
	if len(inProcess) == 0 {
		return nil
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	for i, s := range r.plan(inProcess) {
		r.tell("%d of %d lines, %s", len(r.sent), len(r.load.lines), s.name())
		if err := r.stray(ctx); err != nil {
			return fmt.Errorf("stray records: %w", err)
		}
		if err := s.play(r, ctx); err != nil {
			return fmt.Errorf("scene %d, %s: %w", i+1, s.name(), err)
		}
	}
	r.tell("examining")
	return r.examine(ctx, r.node.Service, r.broker.addresses())
}

// begin makes a ledger of the run's own.
func (r *run) begin(ctx context.Context) (err error) {
	if r.database, err = r.host.database(ctx, template); err != nil {
		return err
	}
	r.data = filepath.Join(r.dir, "data")
	r.broker = &broker{dir: filepath.Join(r.dir, "broker")}
	if err := r.broker.start(); err != nil {
		return err
	}
	if err := r.broker.topic(ctx); err != nil {
		return err
	}
	r.node, err = r.open(ctx)
	return err
}

func (r *run) end() error {
	if r.node != nil {
		r.node.crash()
	}
	if r.broker != nil {
		r.broker.stop()
	}
	return r.host.drop(context.Background(), r.database)
}

// scene is a part of the plan: a fault, and the lines published meanwhile.
type scene struct {
	fault Fault
	lines []*line
}

func (s scene) name() string { return strings.ReplaceAll(s.fault.Name, "_", " ") }

func (s scene) play(r *run, ctx context.Context) error { return s.fault.play(r, ctx, s.lines) }

// plan deals the lines out over scenes: every fault in turn, in a random order,
// and for long runs over again.
func (r *run) plan(of []Fault) []scene {
	const most = 60 // lines a scene
	rounds := max(1, len(r.load.lines)/(most*len(of)))
	var scenes []scene
	for range rounds {
		for _, i := range r.rng.Perm(len(of)) {
			scenes = append(scenes, scene{fault: of[i]})
		}
	}
	for i, l := range r.load.lines {
		at := i * len(scenes) / len(r.load.lines)
		scenes[at].lines = append(scenes[at].lines, l)
	}
	return scenes
}

// attempts bounds how often lines are published until they are through.
const attempts = 30

// deliver publishes lines until all of them are acknowledged and decided, as a
// publisher does that cannot know how far it got. An instance that has lost its
// connections for good is replaced.
func (r *run) deliver(ctx context.Context, lines []*line) error {
	if len(lines) == 0 {
		return nil
	}
	var err error
	for range attempts {
		if r.node.dead() {
			if err := r.restart(ctx); err != nil {
				return err
			}
		}
		if err = r.publish(ctx, r.node, lines); err == nil {
			r.sent = append(r.sent, lines...)
			return nil
		}
		var stopped *service.StoppedError
		if errors.As(err, &stopped) {
			return wrong("a shard stands still without a reason to: %v", err)
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return wrong("lines cannot be published: %v", err)
}

// restart replaces an instance that was cut off.
func (r *run) restart(ctx context.Context) error {
	r.node.crash()
	var err error
	if r.node, err = r.open(ctx); err != nil {
		return err
	}
	// What was said of a shard is said until the shard is taken again.
	return r.until(ctx, "every shard runs again", func() bool {
		stopped, err := r.node.DB.StoppedShards(ctx)
		return err == nil && len(stopped) == 0
	})
}

// some returns lines that were published before, or else the given ones.
func (r *run) some(n int, or []*line) []*line {
	if len(r.sent) == 0 {
		return or
	}
	var chosen []*line
	for range n {
		chosen = append(chosen, r.sent[r.rng.IntN(len(r.sent))])
	}
	return chosen
}

// meet publishes until a rule has met its moment.
func (r *run) meet(ctx context.Context, rule *rule, lines []*line) error {
	if err := r.deliver(ctx, lines); err != nil {
		return err
	}
	for end := time.Now().Add(patience); !rule.acted() && ctx.Err() == nil; pause(ctx, 5*time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("the fault at %q has not met its moment within %s", rule.at.step, patience)
		}
		if err := r.deliver(ctx, r.some(3, r.load.lines[:1])); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// patience is how long anything may take that must come about.
const patience = 20 * time.Second

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// until waits for something that must come.
func (r *run) until(ctx context.Context, what string, holds func() bool) error {
	for end := time.Now().Add(patience); !holds(); pause(ctx, 5*time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(end) {
			return wrong("within %s it has not come about that %s", patience, what)
		}
	}
	return nil
}

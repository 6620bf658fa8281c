package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Source gives what the ledger accepted, never ahead of it.
type Source interface {
	// Heads returns the next offset of each shard that the ledger has decided
	// up to.
	Heads(ctx context.Context) (map[int]int64, error)
	// Next returns the accepted records with from ≤ offset < next in offset
	// order, having looked at no more than most records of the log. next is
	// from where nothing is decided beyond it.
	Next(ctx context.Context, shard int, from int64, most int) (accepted []Accepted, next int64, err error)
}

// Ahead is a Source that may have folded already what comes next: all
// projections from one and the same offset on.
type Ahead interface {
	Source
	// Folded returns what was folded from exactly that offset on, nil where
	// that has still to be done. Whoever takes it writes it.
	Folded(shard int, from int64) Folded
}

// Folded is the steps of All() over one stretch of a shard, ready to be written.
type Folded interface {
	To() int64
	// Write is Store.Apply with the same errors. It may be called once.
	Write(ctx context.Context) error
}

// ErrMoved is returned by a Store where a projection is not at the position
// that a step starts from: another runner was there first, or a rebuilt one
// was switched in. Nothing was written.
var ErrMoved = errors.New("projection has moved")

// Store keeps what projections give.
type Store interface {
	// Positions returns the next offset by projection and shard; a shard that
	// was never folded is at 0 and may be missing.
	Positions(ctx context.Context) (map[string]map[int]int64, error)
	// Apply writes the steps of one shard in one transaction together with
	// their positions, and keeps nothing of them. Errors: ErrMoved.
	Apply(ctx context.Context, shard int, steps []Step) error
}

// Limits of a runner.
const (
	BatchRecords  = 8192                   // of the log in one step
	foldedAtOnce  = 2                      // shards
	defaultPoll   = 50 * time.Millisecond  // between looks for new records
	defaultPause  = time.Second            // before a source or store is asked again
	defaultRest   = 150 * time.Millisecond // from the beginning of one round to that of the next
	plenty        = 4096                   // records in a round, after which there is no rest
	pollElsewhere = 20 * time.Millisecond  // for a runner in another process
)

// Runner folds what the ledger accepts into a store, all projections from one
// read of the log. Any number of runners may share a store; each step is
// written by one of them.
type Runner struct {
	Source      Source
	Store       Store
	Projections []Projection  // All() unless said otherwise
	Batch       int           // records of the log in a step; BatchRecords unless said otherwise
	Poll        time.Duration // pause while there is nothing new; 50 ms unless said otherwise
	Pause       time.Duration // after a fault; 1 s unless said otherwise
	Rest        time.Duration // between rounds that find little to fold; 150 ms unless said otherwise
	Fault       func(error)   // told of faults that the runner goes on after; may be nil

	mu      sync.Mutex
	at      map[string]map[int]int64 // last known positions
	changed chan struct{}            // closed and replaced when positions move
	wake    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}
}

func (r *Runner) prepare() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed != nil {
		return
	}
	if r.Projections == nil {
		r.Projections = All()
	}
	if r.Batch == 0 {
		r.Batch = BatchRecords
	}
	if r.Poll == 0 {
		r.Poll = defaultPoll
	}
	if r.Pause == 0 {
		r.Pause = defaultPause
	}
	if r.Rest == 0 {
		r.Rest = defaultRest
	}
	r.at, r.changed, r.wake = map[string]map[int]int64{}, make(chan struct{}), make(chan struct{}, 1)
}

// Start folds in the background until Stop, or until the context ends. Faults
// of source and store are reported and tried again. It may be started once.
func (r *Runner) Start(ctx context.Context) {
	r.prepare()
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	r.cancel, r.done = cancel, make(chan struct{})
	done := r.done
	r.mu.Unlock()
	go func() {
		defer close(done)
		r.run(ctx)
	}()
}

// Stop ends the runner and waits until its last step is written or given up.
// A crash instead of Stop leaves whole steps only.
func (r *Runner) Stop() {
	r.mu.Lock()
	cancel, done := r.cancel, r.done
	r.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

// Wake says that there is something new, so that it need not wait for Poll.
func (r *Runner) Wake() {
	r.prepare()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Runner) run(ctx context.Context) {
	for ctx.Err() == nil {
		rest := time.After(r.Rest)
		moved, err := r.round(ctx)
		if err != nil && ctx.Err() == nil && r.Fault != nil {
			r.Fault(err)
		}
		pause := r.Poll
		switch {
		case err != nil:
			pause = r.Pause
		case moved >= plenty:
			continue
		case moved > 0:
			// A step costs the same whether it folds one record or hundreds, and
			// whoever decides the next ones needs the processors too.
			select {
			case <-ctx.Done():
			case <-rest:
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-time.After(pause):
		}
	}
}

// Fold folds up to where the ledger stands when it looks and finds nothing
// new, then returns.
func (r *Runner) Fold(ctx context.Context) error {
	r.prepare()
	for {
		moved, err := r.round(ctx)
		if err != nil || moved == 0 {
			return err
		}
	}
}

// round takes every shard as far as the ledger stood at its beginning, and says
// by how many records they moved: 1 at least where any did.
func (r *Runner) round(ctx context.Context) (moved int64, err error) {
	var some atomic.Int64
	heads, err := r.Source.Heads(ctx)
	if err != nil {
		return 0, fmt.Errorf("projections: where the ledger stands: %w", err)
	}
	at, err := r.Store.Positions(ctx)
	if err != nil {
		return 0, fmt.Errorf("projections: where the projections stand: %w", err)
	}
	r.moved(at)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(foldedAtOnce)
	for _, shard := range slices.Sorted(maps.Keys(heads)) {
		from := map[string]int64{}
		for _, p := range r.Projections {
			if at[p.Name][shard] < heads[shard] {
				from[p.Name] = at[p.Name][shard]
			}
		}
		if len(from) == 0 {
			continue
		}
		group.Go(func() error {
			// A shard goes on by itself for as long as it is behind the head that
			// was read, so that its reads and another shard's writes overlap.
			for {
				before := slices.Min(slices.Collect(maps.Values(from)))
				next, err := r.step(ctx, shard, from)
				switch {
				case errors.Is(err, ErrMoved):
					some.Add(1)
				case next > 0:
					some.Add(max(next-before, 1))
				}
				switch {
				case errors.Is(err, ErrMoved):
					return nil // the next round reads the positions again
				case err != nil:
					return fmt.Errorf("projections: shard %d: %w", shard, err)
				case next == 0 || next >= heads[shard]:
					return nil
				}
			}
		})
	}
	err = group.Wait()
	return some.Load(), err
}

// step reads from the hindmost projection of a shard and folds each one from
// where it stands. It returns where that ends, 0 where nothing was to be read,
// and sets from to it.
func (r *Runner) step(ctx context.Context, shard int, from map[string]int64) (next int64, err error) {
	hindmost, foremost := slices.Min(slices.Collect(maps.Values(from))), slices.Max(slices.Collect(maps.Values(from)))
	if source, ok := r.Source.(Ahead); ok && len(from) == len(r.Projections) && hindmost == foremost {
		if folded := source.Folded(shard, hindmost); folded != nil {
			if err := folded.Write(ctx); err != nil {
				return 0, err
			}
			r.arrived(shard, from, folded.To())
			return folded.To(), nil
		}
	}
	accepted, next, err := r.Source.Next(ctx, shard, hindmost, r.Batch)
	if err != nil || next <= hindmost {
		return 0, err
	}
	var steps []Step
	defer func() { Free(steps) }()
	for _, p := range r.Projections {
		start, behind := from[p.Name]
		if !behind || start >= next {
			continue
		}
		s := NewStep(p.Name, start)
		s.Fold(p, accepted, next)
		steps = append(steps, s)
	}
	if err := r.Store.Apply(ctx, shard, steps); err != nil {
		return 0, err
	}
	r.arrived(shard, from, next)
	return next, nil
}

// arrived notes that the projections in from, as far as they were behind, stand
// at an offset.
func (r *Runner) arrived(shard int, from map[string]int64, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range from {
		if r.at[name] == nil {
			r.at[name] = map[int]int64{}
		}
		from[name] = max(from[name], at)
		r.at[name][shard] = from[name]
	}
	r.announce()
}

func (r *Runner) moved(at map[string]map[int]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, shards := range at {
		r.at[name] = maps.Clone(shards)
	}
	r.announce()
}

// announce wakes whoever waits; r.mu is held.
func (r *Runner) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// CaughtUp waits until every projection of the runner has folded each shard up
// to the given next offset. Errors: the context's.
func (r *Runner) CaughtUp(ctx context.Context, positions map[int]int64) error {
	r.prepare()
	for {
		r.mu.Lock()
		there, changed := reached(r.at, r.Projections, positions), r.changed
		r.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// CaughtUp waits until the named projections of a store have folded each shard
// up to the given next offset, whoever runs them. Errors: the context's and
// the store's.
func CaughtUp(ctx context.Context, store Store, positions map[int]int64, of ...Projection) error {
	for {
		at, err := store.Positions(ctx)
		if err != nil {
			return err
		}
		if reached(at, of, positions) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollElsewhere):
		}
	}
}

func reached(at map[string]map[int]int64, of []Projection, positions map[int]int64) bool {
	for _, p := range of {
		for shard, next := range positions {
			if at[p.Name][shard] < next {
				return false
			}
		}
	}
	return true
}

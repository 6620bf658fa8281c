package service

import (
	"context"
	"maps"
	"sync"
	"time"

	"socho/events"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// Bounds on what is folded and not written yet, all shards together.
const (
	aheadRecords = 4096     // in one stretch
	aheadBytes   = 40 << 20 // about
	aheadWait    = time.Second
)

// ahead folds what this process decides at once, while it is at hand, so that
// projections find rows instead of reading everything back from the log and the
// tables. It holds what was committed only, and nothing rests on it: what it does
// not have is read.
type ahead struct {
	mu     sync.Mutex
	on     bool // projections are written by this process
	lines  map[int]*stretches
	held   int // bytes of what is prepared
	writes func(context.Context, *readmodel.Prepared) error
}

// stretches are what is folded of one shard, the oldest first, each beginning
// where the one before it ends.
type stretches struct {
	mu  sync.Mutex
	all []*stretch
}

// stretch is a run of records folded into the steps of all projections. The last
// one of a shard may still be open; the others are prepared, and their steps
// forgotten.
type stretch struct {
	*ahead
	shard    int
	from, to int64
	steps    []projections.Step
	prepared *readmodel.Prepared
	size     int
}

func newAhead(writes func(context.Context, *readmodel.Prepared) error) *ahead {
	return &ahead{lines: map[int]*stretches{}, writes: writes}
}

// begin says that projections are written here from now on, until end.
func (a *ahead) begin() { a.set(true) }

func (a *ahead) end() {
	a.set(false)
	a.mu.Lock()
	lines := maps.Clone(a.lines)
	a.mu.Unlock()
	for _, l := range lines {
		l.mu.Lock()
		a.drop(l, len(l.all))
		l.mu.Unlock()
	}
}

func (a *ahead) set(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.on = on
}

// line is where a shard's stretches are; nil where nobody asks for them.
func (a *ahead) line(shard int) *stretches {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.on {
		return nil
	}
	if a.lines[shard] == nil {
		a.lines[shard] = &stretches{}
	}
	return a.lines[shard]
}

// put folds a batch that has been committed.
func (a *ahead) put(records []events.Record, batch *ledger.Batch) {
	shard, from, to := batch.Head.Shard, batch.From.NextOffset, batch.Head.NextOffset
	l := a.line(shard)
	if l == nil {
		return
	}
	accepted, err := projections.Accept(records[:len(batch.Outcomes)], batch)
	if err != nil {
		return // whoever reads it back meets the same, and says so
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.all); n > 0 && l.all[n-1].to != from {
		a.drop(l, n) // somebody else was at work in between
	}
	var s *stretch
	if n := len(l.all); n > 0 && l.all[n-1].prepared == nil && to-l.all[n-1].from <= aheadRecords {
		s = l.all[n-1]
	} else {
		if n > 0 {
			l.all[n-1].prepare()
		}
		s = &stretch{ahead: a, shard: shard, from: from}
		for _, p := range projections.All() {
			s.steps = append(s.steps, projections.NewStep(p.Name, from))
		}
		l.all = append(l.all, s)
	}
	for i, p := range projections.All() {
		s.steps[i].Fold(p, accepted, to)
	}
	if s.to = to; to-s.from >= aheadRecords/2 {
		s.prepare()
	}
	for a.full() && len(l.all) > 1 {
		a.drop(l, 1)
	}
}

// room waits a while where too much waits to be written. A ledger that runs away
// from its projections has them read everything back, which takes more from both
// than the wait.
func (a *ahead) room(ctx context.Context) {
	for until := time.Now().Add(aheadWait); a.full() && time.Now().Before(until) && pause(ctx, aheadWait/200); {
	}
}

func (a *ahead) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held > aheadBytes
}

// prepare ends a stretch.
func (s *stretch) prepare() {
	if s.prepared != nil {
		return
	}
	s.prepared = readmodel.Prepare(s.shard, s.steps)
	projections.Free(s.steps)
	s.steps, s.size = nil, s.prepared.Size()
	s.hold(s.size)
}

func (a *ahead) hold(bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held += bytes
}

// free gives back the room of a stretch.
func (s *stretch) free() {
	if s.prepared == nil {
		projections.Free(s.steps)
		return
	}
	s.prepared.Free()
	s.hold(-s.size)
}

// drop forgets the oldest stretches of a shard.
func (a *ahead) drop(l *stretches, n int) {
	for _, s := range l.all[:n] {
		s.free()
	}
	l.all = append(l.all[:0], l.all[n:]...)
}

// take hands out the stretch that begins at an offset; nil where there is none.
// It forgets what lies before. until is where what is held begins, 0 where
// nothing lies beyond the offset.
func (a *ahead) take(shard int, from int64) (found *stretch, until int64) {
	l := a.line(shard)
	if l == nil {
		return nil, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := 0
	for gone < len(l.all) && l.all[gone].from < from {
		gone++
	}
	a.drop(l, gone)
	if len(l.all) == 0 {
		return nil, 0
	}
	if l.all[0].from > from {
		return nil, l.all[0].from
	}
	found = l.all[0]
	l.all = append(l.all[:0], l.all[1:]...)
	return found, 0
}

// To implements projections.Folded.
func (s *stretch) To() int64 { return s.to }

// Write implements projections.Folded.
func (s *stretch) Write(ctx context.Context) error {
	s.prepare()
	defer s.free()
	return s.writes(ctx, s.prepared)
}

// folded is a source that knows what was folded ahead.
type folded struct {
	source
	ahead *ahead
}

var _ projections.Ahead = folded{}

// Folded implements projections.Ahead.
func (f folded) Folded(shard int, from int64) projections.Folded {
	if s, _ := f.ahead.take(shard, from); s != nil {
		return s
	}
	return nil
}

// Next implements projections.Source. It reads no further than to where what was
// folded ahead begins.
func (f folded) Next(ctx context.Context, shard int, from int64, most int) ([]projections.Accepted, int64, error) {
	if s, until := f.ahead.take(shard, from); s != nil {
		s.free() // some projection stands elsewhere, so it has to be read again
	} else if until > 0 {
		most = int(min(int64(most), until-from))
	}
	return f.source.Next(ctx, shard, from, most)
}

package intake

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"socho/events"
)

// StampFormat is how events.HeaderRecordedAt is written, always in UTC.
const StampFormat = "2006-01-02T15:04:05.000000Z"

// run is one Publish.
type run struct {
	*Intake
	options Options
	shards  int
	dead    Code          // why nothing can be sealed any more; empty while it can
	stopped map[int]bool  // partitions with a failed batch
	first   *Error        // by line
	out     Report        // unsorted; without tail
	tail    map[int]Range // the last range of each shard, still growing
}

func newRun(in *Intake, o Options) *run {
	return &run{Intake: in, options: o, shards: in.log.Partitions(), stopped: map[int]bool{}, tail: map[int]Range{}}
}

// stage seals and sends a run of lines, and returns when each of them is
// acknowledged or refused.
func (r *run) stage(ctx context.Context, s *stage) {
	items := s.items
	for _, it := range items {
		it.shard = events.ShardOf([]byte(it.salvage.Organization), r.shards)
	}
	release, items := r.seal(ctx, r.readable(items))
	var erasure *item
	if n := len(items); n > 0 && items[n-1].erasure != nil {
		items, erasure = items[:n-1], items[n-1]
	}
	r.send(ctx, items)
	release() // before the erasure, which would wait for it
	if erasure != nil {
		r.destroy(ctx, erasure)
	}
	if s.fault != nil {
		r.fault(InputFailed, s.line, -1, s.fault)
	}
}

// readable leaves out the lines that would be malformed in their shard though they
// are facts. No key is made for them, or destroyed.
func (r *run) readable(items []*item) []*item {
	if r.options.Reads == nil {
		return items
	}
	return slices.DeleteFunc(items, func(it *item) bool {
		if it.fact == nil {
			return false
		}
		err := r.options.Reads(it.shard, it.fact.Event.Type)
		if err == nil {
			return false
		}
		if r.out.Unread == nil {
			r.out.Unread = err
		}
		r.refuse(RulesTooOld, it)
		return true
	})
}

// seal makes the lines' bytes, and returns the lines that are to be sent. Until
// release is called, none of the keys used is destroyed.
func (r *run) seal(ctx context.Context, items []*item) (release func(), sent []*item) {
	release = func() {}
	if r.dead != "" {
		r.refuse(r.dead, items...)
		return release, nil
	}
	var refs []Ref
	for _, it := range items {
		if ref, ok := it.ref(); ok {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 { // facts about nobody
		return release, r.write(ctx, nil, items)
	}
	// The keys are durable before anything sealed under them is sent. A crash
	// here leaves keys that the next attempt uses.
	held, err := r.hold(ctx)
	if err != nil {
		r.fail(ctx, items, err)
		return release, nil
	}
	keys, err := r.sealer(ctx, refs)
	if err != nil {
		r.fail(ctx, items, err)
		return held, nil
	}
	sent = make([]*item, 0, len(items))
	for _, it := range items {
		if ref, ok := it.ref(); ok && ref.Person != "" && it.erased(keys) {
			r.refuse(PersonErased, it)
			continue
		}
		sent = append(sent, it)
	}
	// A crash behind this leaves names of persons whose facts do not follow; the
	// next attempt brings them.
	if names := namesOf(sent); len(names) > 0 {
		if err := r.recall(ctx, names); err != nil {
			r.fail(ctx, items, err)
			return held, nil
		}
	}
	return held, r.write(ctx, keys, sent)
}

// namesOf lists what the lines' persons are called.
func namesOf(items []*item) (names []Name) {
	for _, it := range items {
		if it.fact == nil {
			continue
		}
		for _, field := range NameFields {
			if text := it.fact.Personal[field]; text != "" {
				names = append(names, Name{it.salvage.Organization, string(it.salvage.Person), text})
			}
		}
	}
	return names
}

// write works out the value of each line.
func (r *run) write(ctx context.Context, keys Keys, items []*item) []*item {
	sent := items[:0]
	for i, it := range items {
		err := it.seal(keys)
		if errors.Is(err, errErased) {
			r.refuse(PersonErased, it)
			continue
		}
		if err != nil {
			r.fail(ctx, append(sent, items[i:]...), err)
			return nil
		}
		sent = append(sent, it)
	}
	return sent
}

// destroy destroys a person's keys and then publishes that it was done.
//
// The order is the promise: whoever reads the event may rely on the keys being
// gone. A crash between the two leaves them destroyed and the log not yet
// saying so; publishing the event again completes it. Where the event could
// not follow, since its partition has stopped, nothing is destroyed either:
// lines before it may still have to be sealed.
func (r *run) destroy(ctx context.Context, it *item) {
	line := []*item{it}
	if !r.options.MayErase {
		r.refuse(EraseRefused, it)
		return
	}
	if !r.stopped[it.shard] {
		e := it.erasure
		if err := r.erase(ctx, it.salvage.Organization, string(e.Person), string(e.Scope)); err != nil {
			r.fail(ctx, line, err)
			return
		}
	}
	r.send(ctx, line)
}

// fail gives the lines up, and all that follow them: nothing can be sealed any
// more.
func (r *run) fail(ctx context.Context, items []*item, err error) {
	r.dead = VaultFailed
	if ctx.Err() != nil {
		r.dead = Cancelled
	}
	r.fault(r.dead, items[0].line, -1, err)
	r.refuse(r.dead, items...)
}

// send publishes the lines: the partitions side by side, each in order with
// one batch under way.
func (r *run) send(ctx context.Context, items []*item) {
	byShard := map[int][]*item{}
	for _, it := range items {
		if r.stopped[it.shard] {
			r.refuse(NotSent, it)
			continue
		}
		byShard[it.shard] = append(byShard[it.shard], it)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // over r
	for shard, items := range byShard {
		wg.Go(func() {
			for len(items) > 0 {
				n := batchOf(items)
				base, err := r.produce(ctx, shard, items[:n])
				mu.Lock()
				if err != nil {
					// Whether this batch is on the log is not known; that
					// nothing behind it is, is: order is kept.
					code := LogFailed
					if ctx.Err() != nil {
						code = Cancelled
					}
					r.stopped[shard] = true
					r.fault(code, items[0].line, shard, err)
					r.refuse(code, items[:n]...)
					r.refuse(NotSent, items[n:]...)
					mu.Unlock()
					return
				}
				r.acknowledge(shard, base, items[:n])
				mu.Unlock()
				items = items[n:]
			}
		})
	}
	wg.Wait()
}

// batchOf is how many of the lines go into one request, at least one.
func batchOf(items []*item) int {
	bytes := 0
	for n, it := range items {
		// 256 covers the key, the headers' names and the record's own frame.
		bytes += len(it.value) + 256 + maxActor
		if n == BatchRecords || (n > 0 && bytes > BatchBytes) {
			return n
		}
	}
	return len(items)
}

func (r *run) produce(ctx context.Context, shard int, items []*item) (base int64, err error) {
	headers := []events.Header{
		{Name: events.HeaderContentType, Value: []byte(events.ContentType)},
		{Name: events.HeaderRecordedAt, Value: []byte(r.clock().UTC().Format(StampFormat))},
		{Name: events.HeaderActor, Value: []byte(r.options.Actor)},
	}
	records := make([]events.Record, len(items))
	for i, it := range items {
		records[i] = events.Record{Key: []byte(it.salvage.Organization), Value: it.value, Headers: headers}
	}
	return r.log.Produce(ctx, shard, records)
}

func (r *run) acknowledge(shard int, base int64, items []*item) {
	next := base + int64(len(items))
	t, open := r.tail[shard]
	switch {
	case !open:
		t = Range{shard, base, next}
	case t.Next == base:
		t.Next = next
	default: // somebody else wrote in between
		r.out.Ranges = append(r.out.Ranges, t)
		t = Range{shard, base, next}
	}
	r.tail[shard] = t
	r.out.Published += len(items)
	for _, it := range items {
		if it.wrapped {
			r.out.Undecodable++
			if len(r.out.Faults) < MaxNamed {
				r.out.Faults = append(r.out.Faults, Fault{it.line, it.reason})
			}
		}
		if it.cut && len(r.out.Cut) < MaxNamed {
			r.out.Cut = append(r.out.Cut, it.line)
		}
	}
}

// refuse counts lines as not published and names them.
func (r *run) refuse(code Code, items ...*item) {
	for _, it := range items {
		e := LineError{Line: it.line, Shard: it.shard, Code: code}
		r.out.NotPublished++
		r.out.Refusals = append(r.out.Refusals, e)
		if r.options.Refused != nil {
			r.options.Refused(e)
		}
	}
	// Lines come nearly in order; keeping the first of twice as many is enough.
	if len(r.out.Refusals) > 2*MaxNamed {
		r.sortRefusals()
	}
}

func (r *run) sortRefusals() {
	slices.SortFunc(r.out.Refusals, func(a, b LineError) int { return cmp.Compare(a.Line, b.Line) })
	r.out.Refusals = r.out.Refusals[:min(len(r.out.Refusals), MaxNamed)]
}

// fault keeps the first fault by line.
func (r *run) fault(code Code, line, shard int, err error) {
	if r.first != nil && (line == 0 || r.first.Line <= line) {
		return
	}
	r.first = &Error{Code: code, Line: line, Shard: shard, Err: err}
}

func (r *run) report() (Report, error) {
	for _, t := range r.tail {
		r.out.Ranges = append(r.out.Ranges, t)
	}
	slices.SortFunc(r.out.Ranges, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.First, b.First))
	})
	slices.Sort(r.out.Cut)
	slices.SortFunc(r.out.Faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	r.sortRefusals()
	if r.first == nil {
		return r.out, nil
	}
	return r.out, r.first
}

package service

import (
	"context"
	"sync"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/ledger"
	"socho/ledger/proof"
)

// feedRecords bounds how many decided records are kept for the publisher, all
// shards together. It is told before that is full.
const (
	feedRecords = 24 << 10
	feedAhead   = 4 << 10
)

// feed keeps what was decided lately in this process, so that the publisher, who
// is close behind the ledger, need not read it all back from the log and the
// tables. It holds committed batches only, and nothing rests on it: what it does
// not have is read.
type feed struct {
	mu     sync.Mutex
	on     bool // somebody publishes
	shards map[int][]published
	held   int           // records
	since  int           // records put since the publisher was last told
	tell   chan struct{} // wakes the publisher
}

// published is one batch as the publisher takes it.
type published struct {
	from    int64
	entries []logpublisher.Entry
}

func (p *published) to() int64 { return p.from + int64(len(p.entries)) }

func newFeed() *feed { return &feed{shards: map[int][]published{}, tell: make(chan struct{}, 1)} }

// follow says that somebody publishes from then on.
func (f *feed) follow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = true
}

func (f *feed) followed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on
}

// put takes in a batch that has been committed, with the broker's times of its
// records in milliseconds since 1970.
func (f *feed) put(records []events.Record, times []int64, batch *ledger.Batch) {
	if !f.followed() {
		return
	}
	shard, next := batch.Head.Shard, published{batch.From.NextOffset, make([]logpublisher.Entry, len(batch.Outcomes))}
	for i := range next.entries {
		next.entries[i] = entryOf(&records[i], times[i], &batch.Outcomes[i], batch.Hashes[i])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := f.shards[shard]; len(all) > 0 && all[len(all)-1].to() != next.from {
		f.drop(shard, len(all)) // somebody else was at work in between
	}
	f.shards[shard] = append(f.shards[shard], next)
	f.held += len(next.entries)
	for f.held > feedRecords && len(f.shards[shard]) > 0 {
		f.drop(shard, 1)
	}
	if f.since += len(next.entries); f.since >= feedAhead {
		f.since = 0
		nudge(f.tell)
	}
}

func entryOf(r *events.Record, time int64, o *ledger.Outcome, transfers ledger.Hash) logpublisher.Entry {
	e := logpublisher.Entry{Leaf: leafOf(o, transfers), Record: proof.Archived{Time: time, Key: r.Key, Headers: r.Headers, Value: r.Value}}
	if r.Key == nil && r.Value == nil && len(r.Headers) == 0 {
		e.Record = proof.Archived{Void: true}
	}
	return e
}

// drop forgets a shard's oldest batches.
func (f *feed) drop(shard, n int) {
	all := f.shards[shard]
	for i := range n {
		f.held -= len(all[i].entries)
		all[i] = published{}
	}
	f.shards[shard] = all[n:]
}

// next gives the entries from an offset on that one batch holds, at most so
// many; none where it does not have that offset. It forgets what lies before.
func (f *feed) next(shard int, from int64, most int) []logpublisher.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := 0
	for all := f.shards[shard]; gone < len(all) && all[gone].to() <= from; {
		gone++
	}
	f.drop(shard, gone)
	all := f.shards[shard]
	if len(all) == 0 || all[0].from > from {
		return nil
	}
	entries := all[0].entries[from-all[0].from:]
	return entries[:min(most, len(entries))]
}

// fedDecided gives the publisher what was decided, from the feed as long as it
// is there. That the leaves are the ledger's, the publisher makes sure of before
// it signs: their root must be the one that the position holds. Whether the
// tables still say the same is for socho verify to find out.
type fedDecided struct {
	decided
	feed *feed
}

// Entries implements logpublisher.Ledger.
func (d fedDecided) Entries(ctx context.Context, shard int, from, to int64) ([]logpublisher.Entry, error) {
	if entries := d.feed.next(shard, from, int(to-from)); len(entries) > 0 {
		return entries, nil
	}
	return d.decided.Entries(ctx, shard, from, to)
}

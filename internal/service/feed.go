package service

import (
	"context"
	"sync"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/ledger"
	"socho/ledger/proof"
	"socho/projections"
)

// feedRecords bounds how many decided records are kept for those who follow the
// ledger, all shards together. Some followers are told before it is full.
const (
	feedRecords = 24 << 10
	feedAhead   = 4 << 10
)

// Who follows the ledger through the feed.
const (
	projecting = iota
	publishing
	followers
)

// feed keeps what was decided lately in this process, so that whoever is close
// behind the ledger, projections and publisher, need not read it all back from
// the log and the tables. It holds committed batches only, and nothing rests on
// it: what it does not have is read.
type feed struct {
	mu      sync.Mutex
	shards  map[int]*line
	held    int             // records
	follows [followers]bool // who has to be waited for
	since   int             // records put since the publisher was last told
	tell    chan struct{}   // wakes the publisher
}

// line is what is held of one shard: batches that follow each other, the oldest
// first.
type line struct {
	batches []serving
	done    [followers]int64 // up to which offset each follower is through
}

// serving is one batch with the records it was decided from.
type serving struct {
	records []events.Record
	times   []int64 // the broker's, of each record, in milliseconds since 1970
	batch   *ledger.Batch
}

func (d *serving) from() int64 { return d.batch.From.NextOffset }
func (d *serving) to() int64   { return d.batch.Head.NextOffset }

func newFeed() *feed { return &feed{shards: map[int]*line{}, tell: make(chan struct{}, 1)} }

// follow says that somebody follows, who is waited for from then on.
func (f *feed) follow(who int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.follows[who] = true
}

// put takes in a batch that has been committed.
func (f *feed) put(records []events.Record, times []int64, batch *ledger.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.line(batch.Head.Shard)
	if n := len(l.batches); n > 0 && l.batches[n-1].to() != batch.From.NextOffset {
		f.drop(l, n) // somebody else was at work in between
	}
	n := len(batch.Outcomes)
	l.batches = append(l.batches, serving{records[:n], times[:n], batch})
	f.held += n
	for f.held > feedRecords && len(l.batches) > 0 {
		f.drop(f.spared(l), 1)
	}
	if f.since += n; f.since >= feedAhead && f.follows[publishing] {
		f.since = 0
		nudge(f.tell)
	}
}

func (f *feed) line(shard int) *line {
	l := f.shards[shard]
	if l == nil {
		l = &line{}
		f.shards[shard] = l
	}
	return l
}

// spared is the shard that goes without its oldest batch where there is no room:
// one whose oldest only the publisher still waits for, which people do not look
// at; else the one that was just served.
func (f *feed) spared(served *line) *line {
	for _, l := range f.shards {
		if len(l.batches) > 0 && l.batches[0].to() <= l.done[projecting] {
			return l
		}
	}
	return served
}

func (f *feed) drop(l *line, n int) {
	for i := range n {
		f.held -= len(l.batches[i].records)
		l.batches[i] = serving{}
	}
	l.batches = l.batches[n:]
}

// next gives a follower the batches from an offset on that follow each other, up
// to about so many records; none where it does not have that offset. It forgets
// what every follower is through with: whoever asks is done with what lies
// before.
func (f *feed) next(who, shard int, from int64, most int) (found serving) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.line(shard)
	l.done[who] = from
	through := from
	for other, follows := range f.follows {
		if follows {
			through = min(through, l.done[other])
		}
	}
	gone := 0
	for gone < len(l.batches) && l.batches[gone].to() <= through {
		gone++
	}
	f.drop(l, gone)
	batches := l.batches
	for len(batches) > 0 && batches[0].to() <= from {
		batches = batches[1:]
	}
	if len(batches) == 0 || batches[0].from() > from {
		return serving{}
	}
	several, n := 0, int(batches[0].from()-from) // what lies before from counts for nothing
	for several < len(batches) && (several == 0 || n+len(batches[several].records) <= most) {
		n += len(batches[several].records)
		several++
	}
	batches = batches[:several]
	if several == 1 {
		d := &batches[0]
		skip := from - d.from()
		to := min(skip+int64(most), int64(len(d.records)))
		return serving{d.records[skip:to], d.times[skip:to], &ledger.Batch{
			Outcomes: d.batch.Outcomes[skip:to], Transfers: d.batch.Transfers[skip:to], Events: d.batch.Events[skip:to]}}
	}
	found = serving{make([]events.Record, 0, n), make([]int64, 0, n), &ledger.Batch{
		Outcomes: make([]ledger.Outcome, 0, n), Transfers: make([][]ledger.Transfer, 0, n), Events: make([]*events.Event, 0, n)}}
	for i := range batches {
		d := &batches[i]
		skip := max(from-d.from(), 0)
		found.records = append(found.records, d.records[skip:]...)
		found.times = append(found.times, d.times[skip:]...)
		found.batch.Outcomes = append(found.batch.Outcomes, d.batch.Outcomes[skip:]...)
		found.batch.Transfers = append(found.batch.Transfers, d.batch.Transfers[skip:]...)
		found.batch.Events = append(found.batch.Events, d.batch.Events[skip:]...)
	}
	return found
}

// fed is a source that looks into the feed first.
type fed struct {
	source
	feed *feed
}

// Next implements projections.Source.
func (s fed) Next(ctx context.Context, shard int, from int64, most int) ([]projections.Accepted, int64, error) {
	found := s.feed.next(projecting, shard, from, most)
	if len(found.records) == 0 {
		return s.source.Next(ctx, shard, from, most)
	}
	accepted, err := projections.Accept(found.records, found.batch)
	return accepted, from + int64(len(found.records)), err
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
	found := d.feed.next(publishing, shard, from, int(to-from))
	if len(found.records) == 0 {
		return d.decided.Entries(ctx, shard, from, to)
	}
	entries := make([]logpublisher.Entry, len(found.records))
	for i := range entries {
		r := &found.records[i]
		entries[i].Leaf = leafOf(&found.batch.Outcomes[i], found.batch.Transfers[i])
		entries[i].Record = proof.Archived{Time: found.times[i], Key: r.Key, Headers: r.Headers, Value: r.Value}
		if r.Key == nil && r.Value == nil && len(r.Headers) == 0 {
			entries[i].Record = proof.Archived{Void: true}
		}
	}
	return entries, nil
}

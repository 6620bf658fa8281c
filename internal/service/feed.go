package service

import (
	"context"
	"sync"

	"socho/events"
	"socho/ledger"
	"socho/projections"
)

// feedRecords bounds how many decided records are kept for the projections, all
// shards together.
const feedRecords = 24 << 10

// feed keeps what was decided lately in this process, so that projections close
// behind the ledger need not read it all back from the log and the tables. It
// holds committed batches only, and nothing rests on it: what it does not have
// is read.
type feed struct {
	mu     sync.Mutex
	shards map[int][]serving // batches that follow each other, the oldest first
	held   int               // records
}

type serving struct {
	records []events.Record
	batch   *ledger.Batch
}

func (d *serving) from() int64 { return d.batch.From.NextOffset }
func (d *serving) to() int64   { return d.batch.Head.NextOffset }

// put takes in a batch that has been committed.
func (f *feed) put(records []events.Record, batch *ledger.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shards == nil {
		f.shards = map[int][]serving{}
	}
	shard := batch.Head.Shard
	line := f.shards[shard]
	if n := len(line); n > 0 && line[n-1].to() != batch.From.NextOffset {
		line = f.drop(line, n) // somebody else was at work in between
	}
	line = append(line, serving{records[:len(batch.Outcomes)], batch})
	f.held += len(batch.Outcomes)
	f.shards[shard] = line
	// Where there is no room, the shard that was just served goes without its
	// oldest.
	for f.held > feedRecords && len(line) > 0 {
		line = f.drop(line, 1)
		f.shards[shard] = line
	}
}

func (f *feed) drop(line []serving, n int) []serving {
	for i := range n {
		f.held -= len(line[i].records)
		line[i] = serving{}
	}
	return line[n:]
}

// next returns the batches from an offset on that follow each other, up to
// about so many records, and forgets what lies before them: whoever asks is
// done with it.
func (f *feed) next(shard int, from int64, most int) (records []events.Record, batch *ledger.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := f.shards[shard]
	gone := 0
	for gone < len(line) && line[gone].to() <= from {
		gone++
	}
	line = f.drop(line, gone)
	if f.shards != nil {
		f.shards[shard] = line
	}
	if len(line) == 0 || line[0].from() > from {
		return nil, nil
	}
	batch = &ledger.Batch{}
	for i := range line {
		d := &line[i]
		skip := max(from-d.from(), 0)
		if len(records) > 0 && len(records)+len(d.records) > most {
			break
		}
		records = append(records, d.records[skip:]...)
		batch.Outcomes = append(batch.Outcomes, d.batch.Outcomes[skip:]...)
		batch.Transfers = append(batch.Transfers, d.batch.Transfers[skip:]...)
	}
	if len(records) > most {
		records, batch.Outcomes, batch.Transfers = records[:most], batch.Outcomes[:most], batch.Transfers[:most]
	}
	return records, batch
}

// fed is a source that looks into the feed first.
type fed struct {
	source
	feed *feed
}

// Next implements projections.Source.
func (s fed) Next(ctx context.Context, shard int, from int64, most int) ([]projections.Accepted, int64, error) {
	records, batch := s.feed.next(shard, from, most)
	if len(records) == 0 {
		return s.source.Next(ctx, shard, from, most)
	}
	accepted, err := projections.Accept(records, batch)
	return accepted, from + int64(len(records)), err
}

package service

import (
	"testing"

	"socho/events"
	"socho/ledger"
)

// stretchOf is a batch that decided so many records without content.
func stretchOf(shard int, from, to int64) (records []events.Record, times []int64, batch *ledger.Batch) {
	batch = &ledger.Batch{From: ledger.Head{Shard: shard, NextOffset: from}, Head: ledger.Head{Shard: shard, NextOffset: to}}
	for o := from; o < to; o++ {
		records, times = append(records, events.Record{Shard: shard, Offset: o}), append(times, o)
		batch.Outcomes = append(batch.Outcomes, ledger.Outcome{Shard: shard, Offset: o, Status: ledger.Malformed})
		batch.Transfers, batch.Hashes, batch.Events = append(batch.Transfers, nil), append(batch.Hashes, ledger.Hash{}), append(batch.Events, nil)
	}
	return records, times, batch
}

// TestFeed: what was put comes out in order from any offset, a batch at a time,
// and what does not follow is not there.
func TestFeed(t *testing.T) {
	f := newFeed()
	put := func(shard int, from, to int64) { f.put(stretchOf(shard, from, to)) }
	check := func(shard int, from int64, most int, want int64) {
		t.Helper()
		found := f.next(shard, from, most)
		if int64(len(found)) != want {
			t.Fatalf("%d:%d: %d records, want %d", shard, from, len(found), want)
		}
		for i := range found {
			if found[i].Leaf.Offset != from+int64(i) || found[i].Leaf.Shard != shard {
				t.Fatalf("%d:%d: entry %d is of offset %d", shard, from, i, found[i].Leaf.Offset)
			}
		}
	}
	put(0, 0, 5)
	check(0, 0, 10, 0) // nobody follows
	f.follow()
	check(0, 0, 10, 0)
	put(0, 5, 10)
	put(0, 10, 13)
	put(1, 0, 4)
	check(0, 0, 100, 0) // the beginning is not there
	check(0, 5, 100, 5) // one batch
	check(0, 7, 2, 2)
	check(0, 7, 100, 3)
	check(0, 11, 100, 2)
	check(0, 5, 100, 0) // forgotten
	check(0, 13, 100, 0)
	check(1, 0, 100, 4)
	put(0, 20, 22) // a gap
	check(0, 10, 100, 0)
	check(0, 20, 100, 2)
	end := int64(22)
	for ; end < 2*feedRecords; end += 1000 {
		put(0, end, end+1000)
	}
	if f.held > feedRecords || f.held < feedRecords-2000 {
		t.Errorf("%d records are held", f.held)
	}
	if len(f.tell) != 1 {
		t.Error("the publisher was not told")
	}
	check(0, 22, 100, 0)
	check(0, end, 1000, 0)
	if f.held > 4 {
		t.Errorf("%d records are held when all was taken", f.held)
	}
}

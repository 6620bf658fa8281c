package service

import (
	"testing"

	"socho/events"
	"socho/ledger"
)

// TestFeed: what was put comes out in order from any offset, up to a bound, and
// what does not follow is not there.
func TestFeed(t *testing.T) {
	f := newFeed()
	f.follow(projecting)
	put := func(shard int, from, to int64) {
		b := &ledger.Batch{From: ledger.Head{Shard: shard, NextOffset: from}, Head: ledger.Head{Shard: shard, NextOffset: to}}
		var records []events.Record
		for o := from; o < to; o++ {
			records = append(records, events.Record{Shard: shard, Offset: o})
			b.Outcomes = append(b.Outcomes, ledger.Outcome{Shard: shard, Offset: o})
			b.Transfers, b.Events = append(b.Transfers, nil), append(b.Events, nil)
		}
		f.put(records, make([]int64, len(records)), b)
	}
	check := func(shard int, from int64, most int, want int64) {
		t.Helper()
		found := f.next(projecting, shard, from, most)
		records, batch := found.records, found.batch
		if int64(len(records)) != want {
			t.Fatalf("%d:%d: %d records, want %d", shard, from, len(records), want)
		}
		for i, r := range records {
			if r.Offset != from+int64(i) || batch.Outcomes[i].Offset != r.Offset || len(batch.Transfers) != len(records) || len(batch.Events) != len(records) || len(found.times) != len(records) {
				t.Fatalf("%d:%d: record %d is of offset %d", shard, from, i, r.Offset)
			}
		}
	}
	check(0, 0, 10, 0)
	put(0, 5, 10)
	put(0, 10, 13)
	put(1, 0, 4)
	check(0, 0, 100, 0) // the beginning is not there
	check(0, 5, 100, 8)
	check(0, 5, 6, 5) // whole batches
	check(0, 7, 2, 2)
	check(0, 7, 100, 6)
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
	check(0, 22, 100, 0)
	check(0, end, 1000, 0)
	if f.held > 4 {
		t.Errorf("%d records are held when all was taken", f.held)
	}
	// What another follower is not through with stays, up to the bound.
	f.follow(publishing)
	put(2, 0, 2000)
	put(2, 2000, 3000)
	if got := f.next(publishing, 2, 2000, 5000); len(got.records) != 1000 {
		t.Errorf("%d records for who is ahead", len(got.records))
	}
	check(2, 0, 5000, 3000)
	check(2, 3000, 5000, 0)
	if f.held < 1000 {
		t.Errorf("%d records are held that one follower has not asked for", f.held)
	}
	f.next(publishing, 2, 3000, 1)
	if f.held > 4 {
		t.Errorf("%d records are held when all was taken", f.held)
	}
	select {
	case <-f.tell:
	default:
		put(2, 3000, 3000+feedAhead)
		if len(f.tell) != 1 {
			t.Error("the publisher was not told")
		}
	}
	// Where there is no room, what only the publisher waits for goes first.
	f = newFeed()
	f.follow(projecting)
	f.follow(publishing)
	put(0, 0, 1000)
	put(1, 0, feedRecords-1000)
	check(1, feedRecords-1000, 1, 0) // projected
	put(2, 0, 1000)
	check(0, 0, 5000, 1000)
	check(2, 0, 5000, 1000)
}

package service

import (
	"context"
	"testing"

	"socho/internal/readmodel"
)

// TestAhead: what was put is handed out once, from where it begins, several
// batches together; reading back ends where it begins; and whatever does not
// follow, or is too much, is dropped.
func TestAhead(t *testing.T) {
	wrote := 0
	a := newAhead(func(context.Context, *readmodel.Prepared) error { wrote++; return nil })
	put := func(shard int, from, to int64) {
		records, _, batch := stretchOf(shard, from, to)
		a.put(records, batch)
	}
	check := func(shard int, from, wantTo, wantUntil int64) {
		t.Helper()
		found, until := a.take(shard, from)
		var to int64
		if found != nil {
			to = found.To()
			before := wrote
			if err := found.Write(t.Context()); err != nil || wrote != before+1 {
				t.Fatalf("%d:%d: written %d times: %v", shard, from, wrote-before, err)
			}
		}
		if to != wantTo || until != wantUntil {
			t.Fatalf("%d:%d: up to %d and %d, want %d and %d", shard, from, to, until, wantTo, wantUntil)
		}
	}
	put(0, 0, 10)
	check(0, 0, 0, 0) // nobody writes projections here
	a.begin()
	put(0, 10, 20)
	put(0, 20, 25)
	check(0, 0, 0, 10)
	check(0, 10, 25, 0)
	check(0, 10, 0, 0) // handed out
	put(0, 25, 30)
	put(0, 40, 50) // a gap
	check(0, 25, 0, 40)
	check(0, 45, 0, 0) // in the middle: dropped
	check(0, 40, 0, 0)

	// A full stretch is prepared and the next one begins.
	put(1, 0, aheadRecords/2)
	put(1, aheadRecords/2, aheadRecords)
	check(1, 0, aheadRecords/2, 0)
	check(1, aheadRecords/2, aheadRecords, 0)
	if a.held != 0 {
		t.Errorf("%d bytes are held when all was taken", a.held)
	}

	// What is too much goes, the oldest first, but for the last.
	put(2, 0, aheadRecords)
	put(2, aheadRecords, 2*aheadRecords)
	a.hold(aheadBytes)
	put(2, 2*aheadRecords, 3*aheadRecords)
	check(2, 0, 0, 2*aheadRecords)
	check(2, 2*aheadRecords, 3*aheadRecords, 0)

	// Who decides waits for room, but not for ever.
	given := make(chan struct{})
	go func() { a.room(t.Context()); close(given) }()
	a.hold(-1)
	<-given
	a.hold(1)
	a.room(t.Context())

	put(3, 0, 10)
	a.end()
	a.hold(-aheadBytes)
	if found, until := a.take(3, 0); found != nil || until != 0 || a.held != 0 {
		t.Errorf("after the end something is left: %v, %d, %d bytes", found, until, a.held)
	}
}

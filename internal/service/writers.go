package service

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// writers is how many shards are decided and written at once where there is much
// to do. More would only share out the same processors and hold more batches in
// memory; what a shard reads while it waits its turn makes its next batch larger.
// Small batches mostly wait, for PostgreSQL and the disk, and go beside each
// other.
const (
	writers   = 2
	leastTurn = readRecords / 4
)

// Writers returns from how many connections at once the workers of so many
// shards write the ledger under load.
func Writers(shards int) int { return min(shards, writers) }

// turns let so many records at a time through. Nil turns let everybody through.
type turns struct{ *semaphore.Weighted }

func newTurns(shards int) turns {
	return turns{semaphore.NewWeighted(int64(Writers(shards) * readRecords))}
}

// take waits for the turn of a batch of so many records, which give hands back.
// ok is false where the context ended first.
func (t turns) take(ctx context.Context, records int) (give func(), ok bool) {
	if t.Weighted == nil {
		return func() {}, true
	}
	n := int64(min(max(records, leastTurn), readRecords))
	if t.Acquire(ctx, n) != nil {
		return nil, false
	}
	return func() { t.Release(n) }, true
}

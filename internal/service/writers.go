package service

import "context"

// writers is how many shards are decided and written at once. More would only
// share out the same processors and hold more batches in memory; what a shard
// reads while it waits its turn makes its next batch larger.
const writers = 2

// Writers returns from how many connections at once the workers of so many
// shards write the ledger.
func Writers(shards int) int { return min(shards, writers) }

// turns let so many at a time through. Nil turns let everybody through.
type turns chan struct{}

func newTurns(shards int) turns { return make(turns, Writers(shards)) }

// take waits for a turn, which give hands back. ok is false where the context
// ended first.
func (t turns) take(ctx context.Context) (give func(), ok bool) {
	if t == nil {
		return func() {}, true
	}
	select {
	case t <- struct{}{}:
		return func() { <-t }, true
	case <-ctx.Done():
		return nil, false
	}
}

package vault

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// sealLock is held shared while sealed text is on its way to the log, and
// exclusively while keys are destroyed.
const sealLock = `hashtextextended('socho.seal', 0)`

// holdAge is how long a hold may be joined. After it the next batch waits for a
// new one, so that an erasure that waits gets its turn.
const holdAge = time.Second

// holdMost is for how long a batch may keep an erasure waiting, and an unfinished
// writing of keys everybody else. None that is still on its way takes as long; one
// whose process has frozen would keep them waiting until it wakes.
const holdMost = time.Minute

// most is HoldMost as PostgreSQL's settings want it.
func (v *Vault) most() string { return strconv.FormatInt(v.HoldMost.Milliseconds(), 10) }

// hold is the one shared lock of this process, on one connection, whatever
// the number of batches under way.
type hold struct {
	mu      sync.Mutex
	tx      pgx.Tx
	batches int
	since   time.Time
	drained chan struct{} // closed when the last batch has ended
}

// Hold keeps every Erase, in whichever process, waiting until release is
// called: what is sealed in between is on the log before keys are destroyed,
// never after. Call it before Sealer, and release once the batch is
// acknowledged; a process must release before it calls Erase. A lost connection
// lets the lock go early, and so does Vault.HoldMost. The DB needs a second
// connection for anything else.
//
// Errors: those of the database or the context.
func (v *Vault) Hold(ctx context.Context) (release func(), err error) {
	h := &v.hold
	h.mu.Lock()
	for h.batches > 0 && time.Since(h.since) > holdAge {
		drained := h.drained
		h.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		h.mu.Lock()
	}
	defer h.mu.Unlock()
	if h.batches == 0 {
		tx, err := v.db.Begin(ctx)
		if err != nil {
			return nil, fmt.Errorf("vault: holding keys: %w", err)
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $1, true), pg_advisory_xact_lock_shared(`+sealLock+`)`, v.most()); err != nil {
			letGo(ctx, tx)
			return nil, fmt.Errorf("vault: holding keys: %w", err)
		}
		h.tx, h.since, h.drained = tx, time.Now(), make(chan struct{})
	}
	h.batches++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.batches--; h.batches == 0 {
			letGo(ctx, h.tx) // it only held the lock
			close(h.drained)
		}
	}), nil
}

// letGo ends a transaction that is done with, also for a caller who has given up
// already. A database that does not answer keeps nobody: the connection is then
// closed, which ends the transaction as well.
func letGo(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx)
}

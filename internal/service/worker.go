package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"socho/events"
	"socho/internal/postgres"
	"socho/ledger"
)

// worker decides one shard's records, in order and alone. All it remembers
// between two batches is the head that the last transaction committed; on any
// doubt it takes the shard over anew and reads the head back.
type worker struct {
	shard int
	log   *Log
	db    *postgres.DB
	slog  *slog.Logger
	tempo Tempo
	turns turns                                         // to decide and write; zero: no waiting
	room  func(context.Context)                         // waited for before each batch; may be nil
	moved func([]events.Record, []int64, *ledger.Batch) // told after each commit
}

// run works until the context ends or the shard must stand still. A shard that
// stands still has said why in app.shards.
func (w *worker) run(ctx context.Context) {
	wait, faults := w.tempo.Fault, 0
	for ctx.Err() == nil {
		worked, err := w.hold(ctx, faults == 0)
		if ctx.Err() != nil {
			return
		}
		if worked {
			wait = w.tempo.Fault
		}
		if code, fatal := fatalCode(err); fatal {
			w.slog.Error("shard stopped", "shard", w.shard, "code", code, "reason", err.Error())
			state := postgres.ShardState{Shard: w.shard, Stopped: true, Code: code, Reason: err.Error()}
			for w.db.SetShard(ctx, state) != nil && pause(ctx, wait) {
				wait = min(2*wait, w.tempo.FaultMost)
			}
			return
		}
		w.slog.Warn("shard takes itself over again", "shard", w.shard, "reason", err)
		if errors.Is(err, postgres.ErrFenced) {
			wait = w.tempo.FaultMost // somebody else has it and is at work
		}
		if faults++; worked {
			faults = 0
		}
		if faults == faultsSaid {
			state := postgres.ShardState{Shard: w.shard, Stopped: true, Code: faultCode, Reason: err.Error()}
			if err := w.db.SetShard(ctx, state); err != nil {
				w.slog.Warn("shard's state cannot be told", "shard", w.shard, "reason", err)
			}
		}
		pause(ctx, wait)
		wait = min(2*wait, w.tempo.FaultMost)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// errPanic stops a shard whose record the program cannot cope with. The other
// shards go on.
var errPanic = errors.New("internal_error")

// faultCode is said of a shard that has failed so often at one place that a
// person should look; it goes on trying.
const (
	faultCode  = "fault"
	faultsSaid = 20
)

// fatalCode tells what no retry can mend.
func fatalCode(err error) (code string, fatal bool) {
	var behind *BehindError
	switch {
	case errors.As(err, &behind):
		return CodeBehind, true
	case errors.Is(err, ledger.ErrRuleSetUnknown):
		return ledger.ErrRuleSetUnknown.Error(), true
	case errors.Is(err, ledger.ErrForeignLog):
		return ledger.ErrForeignLog.Error(), true
	case errors.Is(err, errPanic):
		return errPanic.Error(), true
	}
	return "", false
}

// hold takes the shard, proves the log against it and works it until something
// fails. worked reports whether any batch was committed; sound is false after
// faults, when the shard is not called running before it has moved.
func (w *worker) hold(ctx context.Context, sound bool) (worked bool, err error) {
	head, epoch, err := w.db.Acquire(ctx, w.shard, w.log.shards)
	if err != nil {
		return false, err
	}
	proved, err := w.log.Session(ctx, w.shard)
	if err != nil {
		return false, err
	}
	if err := w.log.Prove(ctx, w.db, head); err != nil {
		return false, err
	}
	said := false
	for {
		if !said && (sound || worked) {
			if err := w.db.SetShard(ctx, postgres.ShardState{Shard: w.shard}); err != nil {
				return worked, err
			}
			said = true
		}
		records, times, err := w.log.read(ctx, w.shard, head.NextOffset, readWait)
		if lost(err) {
			// The log ended or broke under us: the proof says how.
			if proof := w.log.Prove(ctx, w.db, head); proof != nil {
				return worked, proof
			}
			return worked, &BehindError{w.shard, err.Error()}
		}
		if err != nil {
			return worked, err
		}
		session, err := w.log.Session(ctx, w.shard)
		if err != nil {
			return worked, err
		}
		if session != proved {
			// The client has come back to the broker, or to another one: what
			// it has read counts only if the log is still ours. That nothing came
			// counts no more: another log may be just as long.
			if err := w.log.Prove(ctx, w.db, head); err != nil {
				return worked, err
			}
			proved = session
			continue
		}
		if len(records) == 0 {
			continue
		}
		if w.room != nil {
			w.room(ctx)
		}
		give, ok := w.turns.take(ctx, len(records))
		if !ok {
			return worked, ctx.Err()
		}
		batch, err := w.post(ctx, head, epoch, records)
		give()
		if err != nil {
			return worked, err
		}
		head, worked = batch.Head, true
		w.moved(records, times, batch)
	}
}

func (w *worker) post(ctx context.Context, head ledger.Head, epoch int64, records []events.Record) (batch *ledger.Batch, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: shard %d, a record from offset %d on: %v", errPanic, w.shard, head.NextOffset, r)
		}
	}()
	return w.db.Write(ctx, w.shard, epoch, func(s ledger.Store) (*ledger.Batch, error) {
		return ledger.Decide(ctx, head, records, s)
	})
}

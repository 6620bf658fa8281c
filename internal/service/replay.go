package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/postgres"
	"socho/ledger"
)

// Progress is told how many of how many records are done. It is called from
// one goroutine at a time.
type Progress func(done, of int64)

// Verify examines the stored ledger; with the log it also compares every record
// with what was decided of it, and with replay it rebuilds the ledger beside
// itself and compares every table.
func (s *Service) Verify(ctx context.Context, databaseOnly, replay bool, progress Progress) (*postgres.Audit, error) {
	var check postgres.RecordCheck
	if !databaseOnly {
		check = s.againstLog()
	}
	if replay {
		return s.verifyByReplay(ctx, check, progress)
	}
	if check == nil || progress == nil {
		return s.Owner.Verify(ctx, check)
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	var done, of int64
	for _, head := range heads {
		of += head.NextOffset
	}
	return s.Owner.Verify(ctx, func(ctx context.Context, o *ledger.Outcome) (string, error) {
		if done++; done%256 == 0 || done == of {
			progress(min(done, of), of) // more may have been decided meanwhile
		}
		return check(ctx, o)
	})
}

// againstLog compares each outcome with its record, reading ahead.
func (s *Service) againstLog() postgres.RecordCheck {
	shard, ahead, gone := -1, []events.Record(nil), false
	return func(ctx context.Context, o *ledger.Outcome) (string, error) {
		if o.Shard != shard {
			shard, ahead, gone = o.Shard, nil, false
		}
		if gone {
			return "", nil // said once, of the first record that is missing
		}
		if len(ahead) == 0 || ahead[0].Offset != o.Offset {
			var err error
			ahead, err = s.Log.Read(ctx, o.Shard, o.Offset, time.Second)
			if lost(err) || (err == nil && (len(ahead) == 0 || ahead[0].Offset != o.Offset)) {
				gone = true
				return "the log does not hold this record any more, nor what follows it", nil
			}
			if err != nil {
				return "", err
			}
		}
		r := ahead[0]
		ahead = ahead[1:]
		if r.Hash() != o.RecordHash || events.ValueHash(r.Value) != o.ValueHash {
			return "the record on the log is not the one that was decided", nil
		}
		if o.Status == ledger.Malformed && o.Code == "no_event" {
			if o.Organization+o.Source+o.EventID+o.Type+string(o.EffectiveOn) != "" {
				return "it names an event where the record is none", nil
			}
			return "", nil
		}
		event, err := events.Decode(r.Value)
		if err != nil {
			return "the record on the log cannot be decoded", nil
		}
		if event.Subject != o.Organization || string(event.Source) != o.Source || string(event.ID) != o.EventID ||
			event.Type != o.Type || event.Fact.Effective() != o.EffectiveOn {
			return "organization, source, id, type or date are not those of the record", nil
		}
		return "", nil
	}
}

func (s *Service) verifyByReplay(ctx context.Context, check postgres.RecordCheck, progress Progress) (audit *postgres.Audit, err error) {
	beside, drop, err := s.beside(ctx, "ledger_verify")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if audit, err = s.Owner.Capture(ctx, beside.Schema, check); err != nil || len(audit.Position) == 0 {
		return audit, err
	}
	if err := s.replay(ctx, beside, audit.Position, progress); err != nil {
		var behind *BehindError
		if errors.As(err, &behind) || lost(err) {
			audit.OK = false
			audit.Problems = append(audit.Problems, "replay: "+err.Error())
			return audit, nil
		}
		return audit, err
	}
	return audit, s.Owner.Compare(ctx, beside.Schema, audit)
}

// beside makes an empty ledger in a schema of its own. drop removes it.
func (s *Service) beside(ctx context.Context, prefix string) (db *postgres.DB, drop func() error, err error) {
	schema := fmt.Sprintf("%s_%d", prefix, time.Now().UnixNano())
	if err := postgres.Migrate(ctx, s.URL, schema, postgres.LedgerMigrations()); err != nil {
		return nil, nil, err
	}
	db, err = postgres.OpenMaintenance(ctx, s.URL, schema)
	if err != nil {
		return nil, nil, err
	}
	return db, func() error {
		db.Close()
		_, err := s.Owner.Exec(context.WithoutCancel(ctx), `DROP SCHEMA IF EXISTS `+pgx.Identifier{schema}.Sanitize()+` CASCADE`)
		return err
	}, nil
}

// replay decides the log up to the given ends into another schema, the shards
// side by side.
func (s *Service) replay(ctx context.Context, into *postgres.DB, ends map[int]int64, progress Progress) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var of, done int64
	for _, end := range ends {
		of += end
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	var errs []error
	for shard, end := range ends {
		group.Go(func() {
			err := s.replayShard(ctx, into, shard, end, func(n int64) {
				lock.Lock()
				defer lock.Unlock()
				done += n
				if progress != nil {
					progress(done, of)
				}
			})
			if err != nil {
				lock.Lock()
				defer lock.Unlock()
				errs = append(errs, err)
				cancel()
			}
		})
	}
	group.Wait()
	if len(errs) > 0 {
		return errs[0] // the others follow from it
	}
	return nil
}

func (s *Service) replayShard(ctx context.Context, into *postgres.DB, shard int, end int64, moved func(int64)) error {
	head, epoch, err := into.Acquire(ctx, shard, s.Log.shards)
	if err != nil {
		return err
	}
	w := &worker{shard: shard, log: s.Log, db: into}
	for head.NextOffset < end {
		records, err := s.Log.Read(ctx, shard, head.NextOffset, time.Second)
		if lost(err) || (err == nil && len(records) == 0) {
			return &BehindError{shard, fmt.Sprintf("offset %d cannot be read, the ledger has recorded up to %d", head.NextOffset, end)}
		}
		if err != nil {
			return err
		}
		if over := head.NextOffset + int64(len(records)) - end; over > 0 {
			records = records[:int64(len(records))-over]
		}
		batch, err := w.post(ctx, head, epoch, records)
		if err != nil {
			return err
		}
		moved(batch.Head.NextOffset - head.NextOffset)
		head = batch.Head
	}
	return nil
}

// ReplayToEmpty rebuilds the ledger's tables from the log in a new schema and
// switches to them, the old ones serving until then.
//
// The switch is one transaction: it locks the old positions, so that no worker
// moves, decides what came since, and renames. A crash before it leaves the old
// ledger untouched and a schema ledger_replay_… that the next replay removes; a
// crash after it leaves the new ledger in force. Workers are fenced off by the
// epoch and take over anew.
func (s *Service) ReplayToEmpty(ctx context.Context, progress Progress) (err error) {
	beside, drop, err := s.beside(ctx, "ledger_replay")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return err
	}
	if err := s.replay(ctx, beside, endsOf(heads), progress); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.Owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockLedger); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT shard, next_offset, epoch FROM ledger.positions`)
		if err != nil {
			return err
		}
		ends, epochs := map[int]int64{}, map[int]int64{}
		var shard int
		var next, epoch int64
		if _, err := pgx.ForEachRow(rows, []any{&shard, &next, &epoch}, func() error {
			ends[shard], epochs[shard] = next, epoch
			return nil
		}); err != nil {
			return err
		}
		if err := s.replay(ctx, beside, ends, nil); err != nil {
			return err
		}
		schema := pgx.Identifier{beside.Schema}.Sanitize()
		for shard, epoch := range epochs {
			if _, err := tx.Exec(ctx, `UPDATE `+schema+`.positions SET epoch = $1 WHERE shard = $2`, epoch+1, shard); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `
			DROP SCHEMA ledger CASCADE;
			ALTER SCHEMA `+schema+` RENAME TO ledger;`)
		return err
	})
}

// lockLedger waits for batches on their way. Outcomes come first: a batch
// touches them before any other table, so it holds them all or waits for all.
const lockLedger = `LOCK TABLE ledger.outcomes, ledger.rule_state, ledger.accounts, ledger.balances, ledger.transfers, ledger.positions IN ACCESS EXCLUSIVE MODE`

func endsOf(heads map[int]ledger.Head) map[int]int64 {
	ends := make(map[int]int64, len(heads))
	for shard, head := range heads {
		ends[shard] = head.NextOffset
	}
	return ends
}

package postgres

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/ledger"
)

//go:embed app/*.sql
var appMigrations embed.FS

// AppMigrations builds schema app: what is true of the running service and
// follows from no log.
func AppMigrations() fs.FS {
	sub, err := fs.Sub(appMigrations, "app")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// ShardState is what a shard's worker last said of itself.
type ShardState struct {
	Shard        int
	Stopped      bool
	Code, Reason string
}

// SetShard records that a shard runs, or why it stands still.
func (db *DB) SetShard(ctx context.Context, s ShardState) error {
	state := "running"
	if s.Stopped {
		state = "stopped"
	}
	_, err := db.Exec(ctx, `
		INSERT INTO app.shards (shard, state, code, reason) VALUES ($1, $2, $3, $4)
		ON CONFLICT (shard) DO UPDATE SET state = EXCLUDED.state, code = EXCLUDED.code, reason = EXCLUDED.reason, since = now()
		WHERE (shards.state, shards.code, shards.reason) <> (EXCLUDED.state, EXCLUDED.code, EXCLUDED.reason)`,
		s.Shard, state, s.Code, s.Reason)
	return err
}

// StoppedShards lists the shards that stand still.
func (db *DB) StoppedShards(ctx context.Context) ([]ShardState, error) {
	rows, err := db.Query(ctx, `SELECT shard, code, reason FROM app.shards WHERE state = 'stopped' ORDER BY shard`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ShardState, err error) {
		s.Stopped = true
		return s, row.Scan(&s.Shard, &s.Code, &s.Reason)
	})
}

const selectOutcomes = `
	SELECT shard, log_offset, recorded_at, coalesce(organization, ''), coalesce(source, ''), coalesce(event_id, ''),
		coalesce(type, ''), coalesce(effective_on::text, ''), status, code, detail, rule_set, value_hash, record_hash, leaf_hash, claims
	FROM outcomes `

func eachOutcome(rows pgx.Rows, each func(*ledger.Outcome) error) error {
	var o ledger.Outcome
	var status int16
	var effective string
	var value, record, leaf []byte
	_, err := pgx.ForEachRow(rows, []any{&o.Shard, &o.Offset, &o.RecordedAt, &o.Organization, &o.Source, &o.EventID, &o.Type,
		&effective, &status, &o.Code, &o.Detail, &o.RuleSet, &value, &record, &leaf, &o.Claims}, func() error {
		one := o
		one.RecordedAt = o.RecordedAt.UTC()
		one.EffectiveOn, one.Status = events.Date(effective), ledger.Status(status)
		copy(one.ValueHash[:], value)
		copy(one.RecordHash[:], record)
		copy(one.LeafHash[:], leaf)
		return each(&one)
	})
	return err
}

// Outcomes calls each for the outcomes of one shard from an offset up to,
// without, another, in order.
func (db *DB) Outcomes(ctx context.Context, shard int, from, to int64, each func(*ledger.Outcome) error) error {
	rows, err := db.Query(ctx, selectOutcomes+`WHERE shard = $1 AND log_offset >= $2 AND log_offset < $3 ORDER BY log_offset`, shard, from, to)
	if err != nil {
		return err
	}
	return eachOutcome(rows, each)
}

// OutcomeAt returns one record's outcome and transfers; found is false where
// the record is not decided yet.
func (db *DB) OutcomeAt(ctx context.Context, shard int, offset int64) (o *ledger.Outcome, transfers []ledger.Transfer, found bool, err error) {
	err = db.Outcomes(ctx, shard, offset, offset+1, func(one *ledger.Outcome) error {
		o = one
		return nil
	})
	if err != nil || o == nil {
		return nil, nil, false, err
	}
	transfers, err = store{db}.TransfersAt(ctx, shard, offset)
	return o, transfers, true, err
}

// Transfers calls each for the transfers of one shard's records in a range of
// offsets, in order.
func (db *DB) Transfers(ctx context.Context, shard int, from, to int64, each func(offset int64, t ledger.Transfer) error) error {
	rows, err := db.Query(ctx, selectTransfers+`WHERE t.shard = $1 AND t.log_offset >= $2 AND t.log_offset < $3 ORDER BY t.log_offset, t.line`, shard, from, to)
	if err != nil {
		return err
	}
	return eachTransfer(rows, func(_ int, offset int64, t ledger.Transfer) error { return each(offset, t) })
}

// LockOnce takes a lock that only one process of this database can hold, and
// returns how to let go of it. A process that dies lets go by dying.
func (db *DB) LockOnce(ctx context.Context, name string) (release func(), err error) {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		conn.Release()
		return nil, err
	}
	return func() {
		// A connection whose unlock fails is closed, which unlocks as well. One that
		// does not answer keeps nobody.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, name); err != nil {
			conn.Conn().Close(ctx) //nolint:errcheck // it is being thrown away
		}
		conn.Release()
	}, nil
}

// Done reports whether a task that is done once has been done.
func (db *DB) Done(ctx context.Context, task string) (done bool, err error) {
	return done, db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM app.done WHERE task = $1)`, task).Scan(&done)
}

// SetDone records that a task has been done.
func (db *DB) SetDone(ctx context.Context, task string) error {
	_, err := db.Exec(ctx, `INSERT INTO app.done (task) VALUES ($1) ON CONFLICT DO NOTHING`, task)
	return err
}

// Right is a row of rule state about a right that rules ask for.
type Right struct {
	Organization string
	Key          string // right:<right>:<holder>
	Held         bool
	Offset       int64 // of the record that set it
}

// Rights lists every right that was ever given on the log.
func (db *DB) Rights(ctx context.Context) ([]Right, error) {
	rows, err := db.Pool.Query(ctx, `SELECT organization, key, (value::jsonb->>'held')::boolean, log_offset
		FROM rule_state WHERE key >= 'right:' AND key < 'right;' ORDER BY organization, key`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Right])
}

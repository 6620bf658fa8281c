package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// HistoryStretch is how many records of a shard are summed up together, once
// they are decided: enough that sums are far fewer than transfers, few enough
// that reading a part of one is quick.
const HistoryStretch = 1 << 16

// SumHistory sums up the oldest stretch of any shard that is decided and not
// summed up yet, and reports whether there was one. A crash leaves it to the
// next call; of two processes that sum up the same stretch, one does.
func (db *DB) SumHistory(ctx context.Context, stretch int64) (moved bool, err error) {
	rows, err := db.Query(ctx, `
		SELECT p.shard, coalesce(max(h.next_offset), 0) FROM positions p LEFT JOIN projections.history h USING (shard)
		GROUP BY p.shard, p.next_offset HAVING p.next_offset - coalesce(max(h.next_offset), 0) >= $1 ORDER BY 2 LIMIT 1`, stretch)
	if err != nil {
		return false, err
	}
	var shard int
	var from int64
	if _, err := pgx.ForEachRow(rows, []any{&shard, &from}, func() error { moved = true; return nil }); err != nil || !moved {
		return false, err
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO projections.history VALUES ($1, $2)`, shard, from+stretch); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO projections.account_history
			SELECT $1, account, $3, effective_on, sum(debits), sum(credits), max(place)
			FROM (
				SELECT debit AS account, effective_on, amount AS debits, 0 AS credits, log_offset * 1024 + line AS place
				FROM transfers WHERE shard = $1 AND log_offset >= $2 AND log_offset < $3
				UNION ALL
				SELECT credit, effective_on, 0, amount, log_offset * 1024 + line
				FROM transfers WHERE shard = $1 AND log_offset >= $2 AND log_offset < $3) sides
			GROUP BY account, effective_on ORDER BY account, effective_on`, shard, from, from+stretch)
		return err
	})
	var already *pgconn.PgError
	if errors.As(err, &already) && already.Code == "23505" { // unique_violation
		return true, nil
	}
	return err == nil, err
}

// limits turns a question about the past into offsets: of each shard the records
// before upto count, of which those before summed are summed up.
func (db *DB) limits(ctx context.Context, as AsOf) (shards []int16, upto, summed []int64, err error) {
	heads, err := db.Heads(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for shard, head := range heads {
		next := head.NextOffset
		if at, ok := as.Position[shard]; ok {
			next = min(next, max(at, 0))
		}
		if !as.Time.IsZero() {
			known, err := db.knownAt(ctx, shard, head.NextOffset, as.Time)
			if err != nil {
				return nil, nil, nil, err
			}
			next = min(next, known)
		}
		var done int64
		if err := db.QueryRow(ctx, `SELECT coalesce(max(next_offset), 0) FROM projections.history WHERE shard = $1 AND next_offset <= $2`,
			shard, next).Scan(&done); err != nil {
			return nil, nil, nil, err
		}
		shards, upto, summed = append(shards, int16(shard)), append(upto, next), append(summed, done)
	}
	return shards, upto, summed, nil
}

// knownAt is the offset of a shard's first record that was recorded after a
// time. A shard's times never go back, so it is found by halving.
func (db *DB) knownAt(ctx context.Context, shard int, end int64, at time.Time) (int64, error) {
	low, high := int64(0), end // every record before low is known, none from high on
	for low < high {
		middle := low + (high-low)/2
		var recorded time.Time
		if err := db.QueryRow(ctx, `SELECT recorded_at FROM outcomes WHERE shard = $1 AND log_offset = $2`, shard, middle).Scan(&recorded); err != nil {
			return 0, err
		}
		if recorded.After(at) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, nil
}

// lastTransfer is the place of an account's last transfer before an offset; 0
// where there is none.
func (db *DB) lastTransfer(ctx context.Context, shard int, account, upto, summed int64) (place int64, err error) {
	err = db.QueryRow(ctx, `
		SELECT coalesce(
			(SELECT max(log_offset * 1024 + line) FROM transfers WHERE shard = $1 AND log_offset >= $4 AND log_offset < $3 AND $2 IN (debit, credit)),
			(SELECT last_transfer FROM projections.account_history WHERE shard = $1 AND account = $2 AND next_offset <= $4
			 ORDER BY next_offset DESC, last_transfer DESC LIMIT 1), 0)`, shard, account, upto, summed).Scan(&place)
	return place, err
}

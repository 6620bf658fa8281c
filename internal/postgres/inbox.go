package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// InboxPosition is the offset of the first record of an inbox partition that
// was not handed to intake yet.
func (db *DB) InboxPosition(ctx context.Context, partition int) (next int64, err error) {
	err = db.QueryRow(ctx, `SELECT next_offset FROM app.inbox WHERE partition = $1`, partition).Scan(&next)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return next, err
}

// MoveInbox records that a partition was handed over from one offset up to,
// without, another, and which of its records intake refused for good, by offset
// with the code. Errors: ErrFenced where another process has moved it.
func (db *DB) MoveInbox(ctx context.Context, partition int, from, to int64, refused map[int64]string) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO app.inbox VALUES ($1, 0) ON CONFLICT DO NOTHING`, partition); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE app.inbox SET next_offset = $3 WHERE partition = $1 AND next_offset = $2`, partition, from, to)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return ErrFenced
		}
		for offset, code := range refused {
			if _, err := tx.Exec(ctx, `INSERT INTO app.inbox_refused (partition, log_offset, code) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, partition, offset, code); err != nil {
				return err
			}
		}
		return nil
	})
}

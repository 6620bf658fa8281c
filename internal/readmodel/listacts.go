package readmodel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/ledger"
	"socho/projections"
)

// ListAct is a record that is about a list as a whole.
type ListAct struct {
	At         projections.Position
	Status     ledger.Status
	Code       string
	RecordedAt time.Time
}

// ListActs finds the accepted records of some types that are about a list, and the
// last of an organization's that were refused, at most limit of each, in the order
// of the log: what a refused one is about stands in its record alone.
func (db *DB) ListActs(ctx context.Context, organization, list string, types []string, limit int) ([]ListAct, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT shard, log_offset, status, code, recorded_at FROM (
			(SELECT o.shard, o.log_offset, o.status, o.code, o.recorded_at
				FROM links l JOIN ledger.outcomes o USING (shard, log_offset)
				WHERE l.kind = 'list' AND l.subject = $2 AND l.organization = $1 AND o.type = ANY ($3)
				ORDER BY o.log_offset DESC LIMIT $4)
			UNION ALL
			(SELECT shard, log_offset, status, code, recorded_at FROM ledger.outcomes
				WHERE status >= 3 AND organization = $1 AND type = ANY ($3)
				ORDER BY log_offset DESC LIMIT $4)) AS acts
		ORDER BY shard, log_offset`, organization, list, types, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a ListAct, err error) {
		err = row.Scan(&a.At.Shard, &a.At.Offset, &a.Status, &a.Code, &a.RecordedAt)
		return a, err
	})
}

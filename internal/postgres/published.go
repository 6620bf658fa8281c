package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"socho/ledger"
)

// Claimants lists the records that own an event's id, of which there is one for
// each organization and source; both may be empty for any. At most 10.
func (db *DB) Claimants(ctx context.Context, eventID, organization, source string) ([]*ledger.Outcome, error) {
	rows, err := db.Query(ctx, selectOutcomes+`
		WHERE event_id = $1 AND claims AND ($2 = '' OR organization = $2) AND ($3 = '' OR source = $3)
		ORDER BY shard, log_offset LIMIT 10`, eventID, organization, source)
	if err != nil {
		return nil, err
	}
	var found []*ledger.Outcome
	err = eachOutcome(rows, func(o *ledger.Outcome) error { found = append(found, o); return nil })
	return found, err
}

// LeafHashes returns the leaf hashes of one shard's outcomes from an offset up
// to, without, another, in order; fewer where rows are missing at the end.
func (db *DB) LeafHashes(ctx context.Context, shard int, from, to int64) ([]tlog.Hash, error) {
	rows, err := db.Query(ctx, `
		SELECT leaf_hash FROM outcomes WHERE shard = $1 AND log_offset >= $2 AND log_offset < $3 ORDER BY log_offset`, shard, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h tlog.Hash, err error) {
		var b []byte
		err = row.Scan(&b)
		copy(h[:], b)
		return h, err
	})
}

package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"socho/ledger"
)

// Claims finds what was decided of events of one source, by id; ids that nobody
// has claimed are absent.
func (db *DB) Claims(ctx context.Context, organization, source string, ids []string) (map[string]*ledger.Outcome, error) {
	rows, err := db.Query(ctx, selectOutcomes+`WHERE event_id = ANY ($1) AND source = $2 AND organization = $3 AND claims`, ids, source, organization)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*ledger.Outcome, len(ids))
	err = eachOutcome(rows, func(o *ledger.Outcome) error {
		found[o.EventID] = o
		return nil
	})
	return found, err
}

// RuleState returns one row of what rules remember of an organization, as
// canonical JSON; found is false where there is none.
func (db *DB) RuleState(ctx context.Context, organization, key string) (value string, found bool, err error) {
	err = db.QueryRow(ctx, `SELECT value FROM rule_state WHERE organization = $1 AND key = $2`, organization, key).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, err
}

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/ledger"
)

// AppState is what schema app knows that follows from no log and must outlive
// the database: tasks that are done once, and how far the inbox was handed over.
func (db *DB) AppState(ctx context.Context) (done []string, inbox map[int]int64, err error) {
	rows, err := db.Query(ctx, `SELECT task FROM app.done ORDER BY task COLLATE "C"`)
	if err != nil {
		return nil, nil, err
	}
	if done, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, nil, err
	}
	if rows, err = db.Query(ctx, `SELECT partition, next_offset FROM app.inbox`); err != nil {
		return nil, nil, err
	}
	inbox = map[int]int64{}
	var partition int
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&partition, &next}, func() error {
		inbox[partition] = next
		return nil
	})
	return done, inbox, err
}

// OutcomesOfType calls each for the accepted records of one event type, in the
// order of shards and offsets. It looks at every outcome.
func (db *DB) OutcomesOfType(ctx context.Context, eventType string, each func(*ledger.Outcome) error) error {
	rows, err := db.Query(ctx, selectOutcomes+`WHERE type = $1 AND status IN ($2, $3) ORDER BY shard, log_offset`,
		eventType, int16(ledger.Posted), int16(ledger.Recorded))
	if err != nil {
		return err
	}
	return eachOutcome(rows, each)
}

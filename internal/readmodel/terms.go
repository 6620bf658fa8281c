package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

func addTerms(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(9)
	defer rows.Free()
	var days days
	for i := range c.Terms {
		e := &c.Terms[i]
		rows.Row()
		rows.Text(e.Organization)
		rows.Text(e.Type)
		rows.Text(e.Subject)
		rows.Date(days.of(e.EffectiveOn))
		rows.Text(e.Source)
		rows.Text(e.EventID)
		rows.Text(e.Data)
		rows.Int16(int16(e.At.Shard))
		rows.Int64(e.At.Offset)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "terms", `organization, type, subject, effective_on, source, event_id, data, shard, log_offset`)
	return err
}

// withdrawTerms comes after addTerms: one batch may hold both.
func withdrawTerms(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Withdrawn
	r := c.TermsWithdrawn
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE terms t SET withdrawn = true
		FROM unnest($1::text[], $2::text[], $3::text[]) AS x(o, s, e)
		WHERE t.organization = x.o AND t.event_id = x.e AND t.source = x.s`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Source }),
		column(r, func(e *row) string { return e.EventID }))
	return err
}

// Terms lists the facts of an organization that bills are made from, in the order
// of the log, all of one moment, without those that were taken back: of the types
// given, or of all. at says which records are folded into them.
func (db *DB) Terms(ctx context.Context, organization string, types ...string) (terms []projections.Term, at map[int]int64, err error) {
	if types == nil {
		types = []string{}
	}
	err = db.reading(ctx, func(tx pgx.Tx) error {
		all, err := positions(ctx, tx)
		if err != nil {
			return err
		}
		at = all["terms"]
		rows, err := tx.Query(ctx, `
			SELECT organization, type, subject, effective_on::text, source, event_id, data, shard, log_offset
			FROM terms WHERE organization = $1 AND NOT withdrawn AND (cardinality($2::text[]) = 0 OR type = ANY($2))
			ORDER BY log_offset`, organization, types)
		if err != nil {
			return err
		}
		terms, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t projections.Term, err error) {
			err = row.Scan(&t.Organization, &t.Type, &t.Subject, &t.EffectiveOn, &t.Source, &t.EventID, &t.Data, &t.At.Shard, &t.At.Offset)
			return t, err
		})
		return err
	})
	return terms, at, err
}

// References returns the reference codes that begin so and that the receiving
// account has ever seen: of the organization itself, and of every other that is paid
// into the same account.
func (db *DB) References(ctx context.Context, organization, bin, account, prefix string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT reference FROM bills WHERE reference ^@ $4 AND reference <> ''
			AND (organization = $1 OR organization IN (SELECT organization FROM organizations WHERE bank_bin = $2 AND account = $3 AND account <> ''))`,
		organization, bin, account, prefix)
	if err != nil {
		return nil, err
	}
	codes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	taken := make(map[string]bool, len(codes))
	for _, c := range codes {
		taken[c] = true
	}
	return taken, err
}

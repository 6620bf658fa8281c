package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// addLines adds the sums of a batch to the bank lines, and fills in the words of
// a line that no statement shows yet, or any more.
func addLines(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.BankLine
	r := c.Lines
	if len(r) == 0 {
		return nil
	}
	for i := range r {
		// What the same batch took back and showed anew has no other words left.
		if e := &r[i]; e.Renewed && e.Kind != "" {
			if _, err := tx.Exec(ctx, `UPDATE bank_lines SET kind = '' WHERE organization = $1 AND line = $2 AND direction = $3 AND currency = $4`,
				e.Organization, e.Line, e.Direction, string(e.Currency)); err != nil {
				return err
			}
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO bank_lines AS t (organization, line, direction, currency, account, kind, person, booked_on, amount, placed, sightings,
			shard, seen_offset, last_offset)
		SELECT o, l, d, c, ac, k, p, NULLIF(b, '')::date, am, pl, n, s, f, la
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
			$11::bigint[], $12::smallint[], $13::bigint[], $14::bigint[]) AS x(o, l, d, c, ac, k, p, b, am, pl, n, s, f, la)
		ON CONFLICT (organization, line, direction, currency) DO UPDATE SET
			account     = CASE WHEN t.kind <> '' AND t.amount <> 0 THEN t.account ELSE EXCLUDED.account END,
			kind        = CASE WHEN t.kind <> '' AND t.amount <> 0 THEN t.kind ELSE EXCLUDED.kind END,
			booked_on   = CASE WHEN t.kind <> '' AND t.amount <> 0 THEN t.booked_on ELSE EXCLUDED.booked_on END,
			seen_offset = CASE WHEN t.kind <> '' AND t.amount <> 0 THEN t.seen_offset ELSE EXCLUDED.seen_offset END,
			person      = CASE WHEN t.kind <> '' AND t.amount <> 0 AND t.person <> '' THEN t.person ELSE EXCLUDED.person END,
			amount      = t.amount + EXCLUDED.amount,
			placed      = t.placed + EXCLUDED.placed,
			sightings   = t.sightings + EXCLUDED.sightings,
			last_offset = EXCLUDED.last_offset`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Line }),
		column(r, func(e *row) string { return e.Direction }), column(r, func(e *row) string { return string(e.Currency) }),
		column(r, func(e *row) string { return e.Account }), column(r, func(e *row) string { return e.Kind }),
		column(r, func(e *row) string { return e.Person }), column(r, func(e *row) string { return string(e.On) }),
		column(r, func(e *row) int64 { return e.Amount }), column(r, func(e *row) int64 { return e.Placed }),
		column(r, func(e *row) int64 { return e.Sightings }), column(r, func(e *row) int16 { return int16(e.Last.Shard) }),
		column(r, func(e *row) int64 { return e.Seen.Offset }), column(r, func(e *row) int64 { return e.Last.Offset }))
	return err
}

// addUses adds to what lines' money was placed on. What was taken back stays as a
// use of nothing.
func addUses(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.LineUse
	r := c.Uses
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO line_uses AS t (organization, line, direction, currency, against, amount, shard, last_offset)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::smallint[], $8::bigint[])
		ON CONFLICT (organization, line, direction, currency, against) DO UPDATE SET
			amount = t.amount + EXCLUDED.amount, last_offset = EXCLUDED.last_offset`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Line }),
		column(r, func(e *row) string { return e.Direction }), column(r, func(e *row) string { return string(e.Currency) }),
		column(r, func(e *row) string { return e.Against }), column(r, func(e *row) int64 { return e.Amount }),
		column(r, func(e *row) int16 { return int16(e.Last.Shard) }), column(r, func(e *row) int64 { return e.Last.Offset }))
	return err
}

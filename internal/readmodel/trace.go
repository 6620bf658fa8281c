package readmodel

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// Trace lists the events behind a subject in log order; those behind a stall or
// a pupil are those of their bills as well. The organization may
// be left empty for an event or a unit, which are then looked for everywhere.
// An event leads to itself and to those that reverse it or take it up again.
// Errors: ErrCursor.
func (db *DB) Trace(ctx context.Context, s Subject, p Page) ([]projections.TracedEvent, string, error) {
	page, err := p.read("trace", 2)
	if err != nil {
		return nil, "", err
	}
	shard, offset := int64(-1), int64(-1)
	if page.after != nil {
		var bad1, bad2 error
		shard, bad1 = strconv.ParseInt(page.after[0], 10, 16)
		offset, bad2 = strconv.ParseInt(page.after[1], 10, 64)
		if bad1 != nil || bad2 != nil {
			return nil, "", ErrCursor
		}
	}
	rows, err := db.pool.Query(ctx, `
		WITH at AS (
			SELECT shard, log_offset FROM links
			WHERE subject = $1 AND kind = $2 AND ($3 = '' OR organization = $3)
			UNION
			SELECT l.shard, l.log_offset FROM bills b JOIN links l ON l.subject = b.bill AND l.kind = 'bill' AND l.organization = b.organization
			WHERE b.holder = CASE $2 WHEN 'stall' THEN 'stall:' WHEN 'person' THEN 'pupil:' END || $1 AND ($3 = '' OR b.organization = $3)
			UNION
			SELECT shard, log_offset FROM traced_events
			WHERE $2 = 'event' AND event_id = $1 AND ($3 = '' OR organization = $3)
		)
		SELECT e.shard, e.log_offset, e.organization, e.source, e.event_id, e.type, e.status, e.code, COALESCE(e.effective_on::text, ''),
			e.recorded_at, e.currency, e.amount
		FROM at JOIN traced_events e USING (shard, log_offset)
		WHERE (e.shard, e.log_offset) > ($4, $5)
		ORDER BY e.shard, e.log_offset LIMIT $6`, s.ID, s.Kind, s.Organization, shard, offset, page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, scanTraced)
	all, next := cut(all, page.limit, "trace", func(e *projections.TracedEvent) []string {
		return []string{strconv.Itoa(e.Shard), strconv.FormatInt(e.Offset, 10)}
	})
	return all, next, err
}

// Events returns the accepted events at positions of the log, in log order:
// those behind a figure, a page of them at a time. At most MaxLimit are
// looked up; what was not accepted is not among them.
func (db *DB) Events(ctx context.Context, at []projections.Position) ([]projections.TracedEvent, error) {
	at = at[:min(len(at), MaxLimit)]
	rows, err := db.pool.Query(ctx, `
		SELECT e.shard, e.log_offset, e.organization, e.source, e.event_id, e.type, e.status, e.code, COALESCE(e.effective_on::text, ''),
			e.recorded_at, e.currency, e.amount
		FROM unnest($1::smallint[], $2::bigint[]) AS x(s, f) JOIN traced_events e ON e.shard = x.s AND e.log_offset = x.f
		ORDER BY e.shard, e.log_offset`,
		column(at, func(p *projections.Position) int16 { return int16(p.Shard) }), column(at, func(p *projections.Position) int64 { return p.Offset }))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanTraced)
}

func scanTraced(row pgx.CollectableRow) (e projections.TracedEvent, err error) {
	err = row.Scan(&e.Shard, &e.Offset, &e.Organization, &e.Source, &e.EventID, &e.Type, &e.Status, &e.Code, &e.EffectiveOn,
		&e.RecordedAt, &e.Currency, &e.Amount)
	e.RecordedAt = e.RecordedAt.UTC()
	return e, err
}

package readmodel

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/internal/money"
	"socho/ledger"
	"socho/projections"
)

// Trace lists the events behind a subject in log order: those that moved an
// account of it, and those that are linked to it; behind a stall or a pupil, also
// those that are linked to their bills. The organization may be left empty for
// an event or a unit, which are then looked for everywhere. An event leads to
// itself and to those that reverse it or take it up again.
// Errors: ErrCursor.
func (db *DB) Trace(ctx context.Context, s Subject, p Page) ([]projections.TracedEvent, string, error) {
	page, err := p.read("trace", 2)
	if err != nil {
		return nil, "", err
	}
	after := projections.Position{Shard: -1, Offset: -1}
	if page.after != nil {
		shard, bad1 := strconv.ParseInt(page.after[0], 10, 16)
		offset, bad2 := strconv.ParseInt(page.after[1], 10, 64)
		if bad1 != nil || bad2 != nil {
			return nil, "", ErrCursor
		}
		after = projections.Position{Shard: int(shard), Offset: offset}
	}
	var all []projections.TracedEvent
	err = db.reading(ctx, func(tx pgx.Tx) error {
		at, err := linked(ctx, tx, s, after, page.limit+1)
		if err != nil {
			return err
		}
		moved, err := chained(ctx, tx, s, after, page.limit+1)
		if err != nil {
			return err
		}
		at = append(at, moved...)
		slices.SortFunc(at, func(a, b projections.Position) int { return cmp.Or(a.Shard-b.Shard, cmp.Compare(a.Offset, b.Offset)) })
		at = slices.Compact(at)
		all, err = traced(ctx, tx, at[:min(len(at), page.limit+1)])
		return err
	})
	all, next := cut(all, page.limit, "trace", func(e *projections.TracedEvent) []string {
		return []string{strconv.Itoa(e.Shard), strconv.FormatInt(e.Offset, 10)}
	})
	return all, next, err
}

// linked lists the first records behind a position that are linked to a subject,
// or to a bill of that stall or pupil, or that are the event itself.
func linked(ctx context.Context, tx pgx.Tx, s Subject, after projections.Position, most int) ([]projections.Position, error) {
	rows, err := tx.Query(ctx, `
		(SELECT shard, log_offset FROM links
			WHERE subject = $1 AND kind = $2 AND ($3 = '' OR organization = $3) AND (shard, log_offset) > ($4, $5)
			ORDER BY shard, log_offset LIMIT $6)
		UNION ALL
		(SELECT l.shard, l.log_offset FROM bills b JOIN links l ON l.subject = b.bill AND l.kind = 'bill' AND l.organization = b.organization
			WHERE b.holder = CASE $2 WHEN 'stall' THEN 'stall:' WHEN 'person' THEN 'pupil:' END || $1 AND ($3 = '' OR b.organization = $3)
			AND (l.shard, l.log_offset) > ($4, $5)
			ORDER BY l.shard, l.log_offset LIMIT $6)
		UNION ALL
		(SELECT shard, log_offset FROM ledger.outcomes
			WHERE $2 = 'event' AND event_id = $1 AND claims AND ($3 = '' OR organization = $3) AND (shard, log_offset) > ($4, $5)
			ORDER BY shard, log_offset LIMIT $6)`, s.ID, s.Kind, s.Organization, after.Shard, after.Offset, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[projections.Position])
}

// Events returns the accepted events at positions of the log, in log order:
// those behind a figure, a page of them at a time. At most MaxLimit are
// looked up; what was not accepted is not among them.
func (db *DB) Events(ctx context.Context, at []projections.Position) ([]projections.TracedEvent, error) {
	return traced(ctx, db.pool, at[:min(len(at), MaxLimit)])
}

// traced reads accepted events, as far as the trace is folded: what they are
// from their outcomes, their amounts from what is kept of them or else their
// transfers.
func traced(ctx context.Context, q querier, at []projections.Position) ([]projections.TracedEvent, error) {
	rows, err := q.Query(ctx, `
		SELECT o.shard, o.log_offset, o.organization, o.source, o.event_id, o.type, o.status, o.code, COALESCE(o.effective_on::text, ''),
			o.recorded_at, COALESCE(said.currency, moved.currency, ''), said.amount, moved.amount
		FROM unnest($1::smallint[], $2::bigint[]) AS x(shard, log_offset) JOIN ledger.outcomes o USING (shard, log_offset)
		JOIN positions p ON p.projection = 'trace' AND p.shard = o.shard AND o.log_offset < p.next_offset
		LEFT JOIN traced_amounts said ON said.shard = o.shard AND said.log_offset = o.log_offset
		LEFT JOIN LATERAL (
			SELECT min(a.currency) AS currency, sum(t.amount) AS amount
			FROM ledger.transfers t JOIN ledger.accounts a ON a.shard = t.shard AND a.account = t.debit
			WHERE t.shard = o.shard AND t.log_offset = o.log_offset) moved ON true
		WHERE o.status <= 2 -- accepted
		ORDER BY o.shard, o.log_offset`,
		column(at, func(p *projections.Position) int16 { return int16(p.Shard) }), column(at, func(p *projections.Position) int64 { return p.Offset }))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanTraced)
}

func scanTraced(row pgx.CollectableRow) (e projections.TracedEvent, err error) {
	var status ledger.Status
	var said *string
	var moved pgtype.Numeric
	if err := row.Scan(&e.Shard, &e.Offset, &e.Organization, &e.Source, &e.EventID, &e.Type, &status, &e.Code, &e.EffectiveOn,
		&e.RecordedAt, &e.Currency, &said, &moved); err != nil {
		return e, err
	}
	e.Status, e.RecordedAt = status.String(), e.RecordedAt.UTC()
	if said != nil {
		e.Amount = *said
		return e, nil
	}
	var total money.Total
	if err := totals([]pgtype.Numeric{moved}, &total); err != nil || e.Currency == "" {
		return e, err
	}
	e.Amount = total.Format(e.Currency)
	return e, nil
}

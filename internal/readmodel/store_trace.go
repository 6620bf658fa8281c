package readmodel

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

// What tracedRows writes.
const (
	tracedColumns = 12
	tracedNames   = `shard, log_offset, organization, source, event_id, type, status, code, effective_on, recorded_at, currency, amount`
)

func tracedRows(rows *pgcopy.Rows, traced []projections.TracedEvent) {
	var days days
	for i := range traced {
		e := &traced[i]
		rows.Row()
		rows.Int16(int16(e.Shard))
		rows.Int64(e.Offset)
		rows.Text(e.Organization)
		rows.Text(e.Source)
		rows.Text(e.EventID)
		rows.Text(e.Type)
		rows.Text(e.Status)
		rows.Text(e.Code)
		if e.EffectiveOn == "" {
			rows.Null()
		} else {
			rows.Date(days.of(e.EffectiveOn))
		}
		rows.Time(e.RecordedAt)
		rows.Text(string(e.Currency))
		rows.Text(e.Amount)
	}
}

// addLinks writes the links in the order of their key, which they are found by
// and nothing else: neighbours then go to the same page of the index, at half
// the cost of going about in it at random.
func addLinks(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	order := make([]int32, len(c.Links))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &c.Links[i], &c.Links[j]
		return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Organization, b.Organization),
			cmp.Compare(a.Offset, b.Offset))
	})
	rows := pgcopy.New(5)
	defer rows.Free()
	for _, i := range order {
		l := &c.Links[i]
		rows.Row()
		rows.Text(l.Subject)
		rows.Text(l.Kind)
		rows.Text(l.Organization)
		rows.Int16(int16(l.Shard))
		rows.Int64(l.Offset)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "links", "subject, kind, organization, shard, log_offset")
	return err
}

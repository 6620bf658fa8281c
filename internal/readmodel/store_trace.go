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
	tracedColumns = 4
	tracedNames   = `shard, log_offset, currency, amount`
)

func tracedRows(rows *pgcopy.Rows, amounts []projections.TracedAmount) {
	for i := range amounts {
		a := &amounts[i]
		rows.Row()
		rows.Int16(int16(a.Shard))
		rows.Int64(a.Offset)
		rows.Text(string(a.Currency))
		rows.Text(a.Amount)
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

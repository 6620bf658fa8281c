package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

// setConnections writes consents down, and which have ended. There are few.
func setConnections(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for i := range c.Connections {
		n := &c.Connections[i]
		var err error
		if n.From != "" {
			_, err = tx.Exec(ctx, `INSERT INTO sale_connections (organization, connection, trader, stall, from_on, until_on, connected_at, shard, log_offset)
				VALUES ($1, $2, $3, $4, $5::date, $6::date, $7, $8, $9)`,
				n.Organization, n.Connection, n.Trader, n.Stall, string(n.From), string(n.Until), n.ConnectedAt, n.At.Shard, n.At.Offset)
		} else {
			_, err = tx.Exec(ctx, `UPDATE sale_connections SET ended_on = $3::date, ended_at = $4, reason = $5 WHERE organization = $1 AND connection = $2`,
				n.Organization, n.Connection, string(n.EndedOn), n.EndedAt, n.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func addSales(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(13)
	defer rows.Free()
	var days days
	for i := range c.Sales {
		s := &c.Sales[i]
		rows.Row()
		rows.Text(s.Organization)
		rows.Text(s.Trader)
		rows.Text(s.Stall)
		rows.Date(days.of(s.EffectiveOn))
		rows.Time(s.SaidAt)
		rows.Text(s.Method)
		rows.Text(s.Connection)
		rows.Text(string(s.Currency))
		rows.Int64(s.Amount)
		rows.Text(s.Source)
		rows.Text(s.EventID)
		rows.Int16(int16(s.At.Shard))
		rows.Int64(s.At.Offset)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "sales", `organization, trader, stall, effective_on, said_at, method, connection, currency, amount,
		source, event_id, shard, log_offset`)
	return err
}

// undoSales comes after addSales: one batch may hold both.
func undoSales(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for _, u := range c.Undone {
		if _, err := tx.Exec(ctx, `UPDATE sales SET undone_on = $4::date, undone_offset = $5 WHERE organization = $1 AND source = $2 AND event_id = $3`,
			u.Organization, u.Source, u.EventID, string(u.On), u.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

package readmodel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

// setLists fills in what facts say of lists, in their order. There are few.
func setLists(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for i := range c.Lists {
		l := &c.Lists[i]
		if _, err := tx.Exec(ctx, `
			INSERT INTO payout_lists AS t (organization, list, programme, period, currency, state, approval, approval_source,
				approved_on, approved_at, shard, log_offset)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, '')::date, $10, $11, $12)
			ON CONFLICT (organization, list) DO UPDATE SET state = EXCLUDED.state,
				approval = CASE WHEN EXCLUDED.approval <> '' THEN EXCLUDED.approval ELSE t.approval END,
				approval_source = CASE WHEN EXCLUDED.approval <> '' THEN EXCLUDED.approval_source ELSE t.approval_source END,
				approved_on = coalesce(EXCLUDED.approved_on, t.approved_on), approved_at = coalesce(EXCLUDED.approved_at, t.approved_at),
				log_offset = EXCLUDED.log_offset`,
			l.Organization, l.List, l.Programme, l.Period, string(l.Currency), l.State, l.Approval, l.ApprovalSource,
			string(l.ApprovedOn), orNull(l.ApprovedAt), l.At.Shard, l.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func addListEntries(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(13)
	defer rows.Free()
	for i := range c.ListEntries {
		e := &c.ListEntries[i]
		rows.Row()
		rows.Text(e.Organization)
		rows.Text(e.List)
		rows.Text(e.Payout)
		rows.Text(e.Person)
		rows.Text(e.Programme)
		rows.Text(e.Period)
		rows.Text(e.Unit)
		rows.Text(e.Method)
		rows.Text(e.Kind)
		rows.Text(string(e.Currency))
		rows.Int64(e.Amount)
		rows.Int16(int16(e.At.Shard))
		rows.Int64(e.At.Offset)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "list_entries", `organization, list, payout, person, programme, period, unit, method, kind, currency, amount, shard, log_offset`)
	return err
}

// removeEntries comes after addListEntries: what was put on again stays.
func removeEntries(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for _, r := range c.Removed {
		if _, err := tx.Exec(ctx, `UPDATE list_entries SET removed = true WHERE organization = $1 AND list = $2 AND payout = $3 AND log_offset < $4`,
			r.Organization, r.List, r.Payout, r.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

// setBatches fills in what facts say of batches, likewise.
func setBatches(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for i := range c.Batches {
		b := &c.Batches[i]
		if _, err := tx.Exec(ctx, `
			INSERT INTO batches AS t (organization, batch, account, method, currency, execute_on, opened_on, opened_at, state, shard, log_offset)
			VALUES ($1, $2, $3, $4, $5, nullif($6, '')::date, nullif($7, '')::date, $8, $9, $10, $11)
			ON CONFLICT (organization, batch) DO UPDATE SET state = EXCLUDED.state, log_offset = EXCLUDED.log_offset`,
			b.Organization, b.Batch, b.Account, b.Method, string(b.Currency), string(b.ExecuteOn), string(b.OpenedOn), orNull(b.OpenedAt),
			b.State, b.At.Shard, b.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

func addFiles(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for _, f := range c.Files {
		if _, err := tx.Exec(ctx, `INSERT INTO batch_files (organization, batch, format, digest) VALUES ($1, $2, $3, $4)`,
			f.Organization, f.Batch, f.Format, f.Digest); err != nil {
			return err
		}
	}
	return nil
}

func addMoves(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(10)
	defer rows.Free()
	for i := range c.Moves {
		m := &c.Moves[i]
		rows.Row()
		rows.Text(m.Organization)
		rows.Text(m.Payout)
		rows.Text(m.Kind)
		rows.Text(m.Batch)
		rows.Text(m.Line)
		rows.Int64(m.Amount)
		rows.Int16(int16(m.At.Shard))
		rows.Int64(m.At.Offset)
		rows.Text(m.Source)
		rows.Text(m.EventID)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "payout_moves", `organization, payout, kind, batch, line, amount, shard, log_offset, source, event_id`)
	return err
}

// withdrawMoves comes after addMoves: one batch may hold both.
func withdrawMoves(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for _, w := range c.MovesWithdrawn {
		if _, err := tx.Exec(ctx, `DELETE FROM payout_moves WHERE organization = $1 AND payout = $2 AND source = $3 AND event_id = $4`,
			w.Organization, w.Payout, w.Source, w.EventID); err != nil {
			return err
		}
	}
	return nil
}

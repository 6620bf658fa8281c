package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// setCards fills in what facts say of cards, in their order, in one round trip. A
// card that the log has not issued (somebody printed or posted a serial that
// nobody knows) has no row and gets none.
func setCards(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	if len(c.Cards) == 0 {
		return nil
	}
	var batch pgx.Batch
	for i := range c.Cards {
		r := &c.Cards[i]
		if r.State == projections.CardIssued {
			batch.Queue(`
				INSERT INTO stall_cards (organization, card, stall, person, pays_to, state, issued_on, issued_by, copies, printed_by, posted_by, ended_by,
					reason, replaced_by, shard, log_offset, last_offset)
				VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8, 0, '', '', '', '', '', $9, $10, $10)`,
				r.Organization, r.Card, r.Stall, r.Person, r.PaysTo, r.State, string(r.IssuedOn), r.IssuedBy, r.First.Shard, r.First.Offset)
			continue
		}
		batch.Queue(`
			UPDATE stall_cards SET state = coalesce(nullif($3, ''), state), copies = copies + $4,
				printed_on = coalesce(nullif($5, '')::date, printed_on), printed_at = coalesce($6, printed_at), printed_by = coalesce(nullif($7, ''), printed_by),
				posted_on = coalesce(nullif($8, '')::date, posted_on), posted_by = coalesce(nullif($9, ''), posted_by),
				ended_on = coalesce(nullif($10, '')::date, ended_on), ended_by = coalesce(nullif($11, ''), ended_by),
				reason = coalesce(nullif($12, ''), reason), replaced_by = coalesce(nullif($13, ''), replaced_by), last_offset = $14
			WHERE organization = $1 AND card = $2`,
			r.Organization, r.Card, r.State, r.Copies, string(r.PrintedOn), orNull(r.PrintedAt), r.PrintedBy, string(r.PostedOn), r.PostedBy,
			string(r.EndedOn), r.EndedBy, r.Reason, r.ReplacedBy, r.Last.Offset)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

func addInspections(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for i := range c.Inspections {
		r := &c.Inspections[i]
		if _, err := tx.Exec(ctx, `
			INSERT INTO card_inspections (organization, stall, card, result, code, person, inspected_on, recorded_at, inspected_by, event_id, source, shard, log_offset)
			VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8, $9, $10, $11, $12, $13)`,
			r.Organization, r.Stall, r.Card, r.Result, r.Code, r.Person, string(r.On), r.RecordedAt, r.By, r.EventID, r.Source, r.At.Shard, r.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

func setAlerts(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for i := range c.Alerts {
		r := &c.Alerts[i]
		if r.Kind == "" { // it was closed
			if _, err := tx.Exec(ctx, `UPDATE alerts SET closed_on = $3::text::date, closed_by = $4, reason = $5, closed_offset = $6 WHERE organization = $1 AND alert = $2`,
				r.Organization, r.Alert, string(r.ClosedOn), r.ClosedBy, r.Reason, r.At.Offset); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO alerts (organization, alert, kind, stall, card, line, since, expected, seen, raised_on, closed_by, reason, shard, log_offset)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, '')::date, $8, $9, $10::text::date, '', '', $11, $12)`,
			r.Organization, r.Alert, r.Kind, r.Stall, r.Card, r.Line, string(r.Since), r.Expected, r.Seen, string(r.RaisedOn), r.At.Shard, r.At.Offset); err != nil {
			return err
		}
	}
	return nil
}

func addReceipts(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.WeekReceipts
	r := c.Receipts
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO stall_receipts AS t (organization, stall, connection, week, payments)
		SELECT o, s, k, w::date, sum(n) FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS x(o, s, k, w, n) GROUP BY 1, 2, 3, 4
		ON CONFLICT (organization, stall, connection, week) DO UPDATE SET payments = t.payments + EXCLUDED.payments`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Stall }),
		column(r, func(e *row) string { return e.Connection }), column(r, func(e *row) string { return string(e.Week) }), column(r, func(e *row) int64 { return e.Count }))
	return err
}

// setConsents keeps which connections the market may see; what was taken back is
// forgotten. There are few.
func setConsents(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	for _, r := range c.Consents {
		if r.Until == "" {
			if _, err := tx.Exec(ctx, `DELETE FROM market_consents WHERE organization = $1 AND connection = $2`, r.Organization, r.Connection); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO market_consents (organization, connection, until_on) VALUES ($1, $2, $3::text::date)
			ON CONFLICT (organization, connection) DO UPDATE SET until_on = EXCLUDED.until_on`, r.Organization, r.Connection, string(r.Until)); err != nil {
			return err
		}
	}
	return nil
}

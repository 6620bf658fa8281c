package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// addBills adds the sums of a batch to the bills. Most are there and are only
// paid: those are updated, which costs half of an insert that finds its row
// taken. Which of them were not there is known then, and they are opened like
// those that the batch issued. Nobody writes a shard's bills in between: the
// position that this transaction has moved keeps every other writer waiting.
func addBills(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	var issued, paid []projections.Bill
	for _, b := range c.Bills {
		if b.Kind == "" { // an event that only pays or waives has no words
			paid = append(paid, b)
		} else {
			issued = append(issued, b)
		}
	}
	missing, err := payBills(ctx, tx, paid)
	if err != nil {
		return err
	}
	return openBills(ctx, tx, append(issued, missing...))
}

// payBills adds sums to bills and returns those that are not there.
func payBills(ctx context.Context, tx pgx.Tx, r []projections.Bill) (missing []projections.Bill, err error) {
	type row = projections.Bill
	if len(r) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		UPDATE bills t SET currency = x.c, issued = t.issued + x.si, paid = t.paid + x.sp, waived = t.waived + x.sw,
			reversed = t.reversed OR x.rv, last_offset = x.l
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[], $8::bigint[])
			WITH ORDINALITY AS x(o, b, c, si, sp, sw, rv, l, i)
		WHERE t.organization = x.o AND t.bill = x.b RETURNING x.i`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Bill }),
		column(r, func(e *row) string { return string(e.Currency) }), column(r, func(e *row) int64 { return e.Issued }),
		column(r, func(e *row) int64 { return e.Paid }), column(r, func(e *row) int64 { return e.Waived }),
		column(r, func(e *row) bool { return e.Reversed }), column(r, func(e *row) int64 { return e.Last.Offset }))
	if err != nil {
		return nil, err
	}
	there := make([]bool, len(r))
	var i int
	if _, err := pgx.ForEachRow(rows, []any{&i}, func() error { there[i-1] = true; return nil }); err != nil {
		return nil, err
	}
	for i := range r {
		if !there[i] {
			missing = append(missing, r[i])
		}
	}
	return missing, nil
}

// openBills adds bills, or their sums to those that are there, and fills in
// words. An event without words must not wipe those there are.
func openBills(ctx context.Context, tx pgx.Tx, r []projections.Bill) error {
	type row = projections.Bill
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO bills AS t (organization, bill, kind, holder, person, stall, class, period, reference, due_on, issued_on,
			currency, issued, paid, waived, reversed, shard, first_offset, last_offset)
		SELECT o, b, k, h, p, st, cl, m, r, NULLIF(d, '')::date, NULLIF(i, '')::date, c, si, sp, sw, rv, s, f, l
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
			$11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::boolean[], $17::smallint[], $18::bigint[], $19::bigint[])
			AS x(o, b, k, h, p, st, cl, m, r, d, i, c, si, sp, sw, rv, s, f, l)
		ON CONFLICT (organization, bill) DO UPDATE SET
			kind      = COALESCE(NULLIF(EXCLUDED.kind, ''), t.kind),
			holder    = COALESCE(NULLIF(EXCLUDED.holder, ''), t.holder),
			person    = COALESCE(NULLIF(EXCLUDED.person, ''), t.person),
			stall     = COALESCE(NULLIF(EXCLUDED.stall, ''), t.stall),
			class     = COALESCE(NULLIF(EXCLUDED.class, ''), t.class),
			period    = COALESCE(NULLIF(EXCLUDED.period, ''), t.period),
			reference = COALESCE(NULLIF(EXCLUDED.reference, ''), t.reference),
			due_on    = COALESCE(EXCLUDED.due_on, t.due_on),
			issued_on = COALESCE(EXCLUDED.issued_on, t.issued_on),
			currency  = EXCLUDED.currency,
			issued    = t.issued + EXCLUDED.issued,
			paid      = t.paid + EXCLUDED.paid,
			waived    = t.waived + EXCLUDED.waived,
			reversed  = t.reversed OR EXCLUDED.reversed,
			last_offset = EXCLUDED.last_offset`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Bill }),
		column(r, func(e *row) string { return e.Kind }), column(r, func(e *row) string { return e.Holder }),
		column(r, func(e *row) string { return e.Person }), column(r, func(e *row) string { return e.Stall }),
		column(r, func(e *row) string { return e.Class }), column(r, func(e *row) string { return e.Period }),
		column(r, func(e *row) string { return e.Reference }), column(r, func(e *row) string { return string(e.DueOn) }),
		column(r, func(e *row) string { return string(e.IssuedOn) }), column(r, func(e *row) string { return string(e.Currency) }),
		column(r, func(e *row) int64 { return e.Issued }), column(r, func(e *row) int64 { return e.Paid }),
		column(r, func(e *row) int64 { return e.Waived }), column(r, func(e *row) bool { return e.Reversed }),
		column(r, func(e *row) int16 { return int16(e.First.Shard) }), column(r, func(e *row) int64 { return e.First.Offset }),
		column(r, func(e *row) int64 { return e.Last.Offset }))
	return err
}

// addPayouts adds the sums of a batch to the payouts and fills in words, likewise.
func addPayouts(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Payout
	r := c.Payouts
	if len(r) == 0 {
		return nil
	}
	if err := forgetDays(ctx, tx, r); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO payouts AS t (organization, payout, person, programme, period, unit, method, currency, ordered, payable, clearing, returned,
			settled, came_back, paid_cash, recoverable, reason, ordered_on, sent_on, settled_on, returned_on, cash_on, shard, first_offset, last_offset)
		SELECT o, i, p, g, m, u, w, c, a1, a2, a3, a4, a5, a6, a7, a8, re, NULLIF(d1, '')::date, NULLIF(d2, '')::date, NULLIF(d3, '')::date,
			NULLIF(d4, '')::date, NULLIF(d5, '')::date, s, f, l
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
			$11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[], $18::text[], $19::text[],
			$20::text[], $21::text[], $22::text[], $23::smallint[], $24::bigint[], $25::bigint[])
			AS x(o, i, p, g, m, u, w, c, a1, a2, a3, a4, a5, a6, a7, a8, re, d1, d2, d3, d4, d5, s, f, l)
		ON CONFLICT (organization, payout) DO UPDATE SET
			person      = COALESCE(NULLIF(EXCLUDED.person, ''), t.person),
			programme   = COALESCE(NULLIF(EXCLUDED.programme, ''), t.programme),
			period      = COALESCE(NULLIF(EXCLUDED.period, ''), t.period),
			unit        = COALESCE(NULLIF(EXCLUDED.unit, ''), t.unit),
			method      = COALESCE(NULLIF(EXCLUDED.method, ''), t.method),
			currency    = COALESCE(NULLIF(EXCLUDED.currency, ''), t.currency),
			ordered     = t.ordered + EXCLUDED.ordered,
			payable     = t.payable + EXCLUDED.payable,
			clearing    = t.clearing + EXCLUDED.clearing,
			returned    = t.returned + EXCLUDED.returned,
			settled     = t.settled + EXCLUDED.settled,
			came_back   = t.came_back + EXCLUDED.came_back,
			paid_cash   = t.paid_cash + EXCLUDED.paid_cash,
			recoverable = t.recoverable + EXCLUDED.recoverable,
			reason      = COALESCE(NULLIF(EXCLUDED.reason, ''), t.reason),
			ordered_on  = COALESCE(EXCLUDED.ordered_on, t.ordered_on),
			sent_on     = COALESCE(EXCLUDED.sent_on, t.sent_on),
			settled_on  = COALESCE(EXCLUDED.settled_on, t.settled_on),
			returned_on = COALESCE(EXCLUDED.returned_on, t.returned_on),
			cash_on     = COALESCE(EXCLUDED.cash_on, t.cash_on),
			last_offset = EXCLUDED.last_offset`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Payout }),
		column(r, func(e *row) string { return e.Person }), column(r, func(e *row) string { return e.Programme }),
		column(r, func(e *row) string { return e.Period }), column(r, func(e *row) string { return e.Unit }),
		column(r, func(e *row) string { return e.Method }), column(r, func(e *row) string { return string(e.Currency) }),
		column(r, func(e *row) int64 { return e.Ordered }), column(r, func(e *row) int64 { return e.Payable }),
		column(r, func(e *row) int64 { return e.Clearing }), column(r, func(e *row) int64 { return e.Returned }),
		column(r, func(e *row) int64 { return e.Settled }), column(r, func(e *row) int64 { return e.CameBack }),
		column(r, func(e *row) int64 { return e.PaidCash }), column(r, func(e *row) int64 { return e.Recoverable }),
		column(r, func(e *row) string { return e.Reason }),
		column(r, func(e *row) string { return string(e.OrderedOn) }), column(r, func(e *row) string { return string(e.SentOn) }),
		column(r, func(e *row) string { return string(e.SettledOn) }), column(r, func(e *row) string { return string(e.ReturnedOn) }),
		column(r, func(e *row) string { return string(e.CashOn) }),
		column(r, func(e *row) int16 { return int16(e.First.Shard) }), column(r, func(e *row) int64 { return e.First.Offset }),
		column(r, func(e *row) int64 { return e.Last.Offset }))
	return err
}

// forgetDays wipes the days of steps that were taken back, before those of the same
// batch are filled in.
func forgetDays(ctx context.Context, tx pgx.Tx, r []projections.Payout) error {
	for i := range r {
		p := &r[i]
		if p.Undone == 0 {
			continue
		}
		undone := func(step projections.PayoutSteps) bool { return p.Undone&step != 0 }
		if _, err := tx.Exec(ctx, `
			UPDATE payouts SET sent_on = CASE WHEN $3 THEN NULL ELSE sent_on END, settled_on = CASE WHEN $4 THEN NULL ELSE settled_on END,
				returned_on = CASE WHEN $5 THEN NULL ELSE returned_on END, reason = CASE WHEN $5 THEN '' ELSE reason END,
				cash_on = CASE WHEN $6 THEN NULL ELSE cash_on END
			WHERE organization = $1 AND payout = $2`, p.Organization, p.Payout, undone(projections.StepSent), undone(projections.StepSettled),
			undone(projections.StepReturned), undone(projections.StepCash)); err != nil {
			return err
		}
	}
	return nil
}

package readmodel

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

// Positions implements projections.Store.
func (db *DB) Positions(ctx context.Context) (map[string]map[int]int64, error) {
	return positions(ctx, db.pool)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func positions(ctx context.Context, q querier) (map[string]map[int]int64, error) {
	rows, err := q.Query(ctx, `SELECT projection, shard, next_offset FROM positions`)
	if err != nil {
		return nil, err
	}
	at := map[string]map[int]int64{}
	var name string
	var shard int
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&name, &shard, &next}, func() error {
		if at[name] == nil {
			at[name] = map[int]int64{}
		}
		at[name][shard] = next
		return nil
	})
	return at, err
}

// Apply implements projections.Store.
func (db *DB) Apply(ctx context.Context, shard int, steps []projections.Step) error {
	p := Prepare(shard, steps)
	defer p.Free()
	return db.Write(ctx, p)
}

func advance(ctx context.Context, tx pgx.Tx, shard int, steps []projections.Step) error {
	names, from, to := make([]string, len(steps)), make([]int64, len(steps)), make([]int64, len(steps))
	for i, s := range steps {
		names[i], from[i], to[i] = s.Projection, s.From, s.To
	}
	if slices.Contains(from, 0) {
		if _, err := tx.Exec(ctx, `
			INSERT INTO positions (projection, shard, next_offset) SELECT p, $1, 0 FROM unnest($2::text[]) AS p
			ON CONFLICT DO NOTHING`, shard, names); err != nil {
			return err
		}
	}
	tag, err := tx.Exec(ctx, `
		UPDATE positions SET next_offset = x.t
		FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS x(p, f, t)
		WHERE projection = x.p AND shard = $1 AND next_offset = x.f`, shard, names, from, to)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(len(steps)) {
		return fmt.Errorf("shard %d: %w", shard, projections.ErrMoved)
	}
	return nil
}

func write(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	if c == nil {
		return nil
	}
	for _, w := range []func(context.Context, pgx.Tx, *projections.Changes) error{
		addLinks, addBills, addPayouts, addEntitlements, addStops, withdraw, setOrganizations, setStalls, addHoldings,
		setLists, addListEntries, removeEntries, setBatches, addFiles, addMoves, withdrawMoves, addLines, addUses, addTerms, withdrawTerms,
		setConnections, addSales, undoSales,
		setCards, addInspections, setAlerts, addReceipts, setConsents,
	} {
		if err := w(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// column gathers one field of many rows, as unnest wants it.
func column[R, V any](rows []R, value func(*R) V) []V {
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

// What factRows writes.
const (
	factColumns = 20
	factNames   = `shard, log_offset, domain, kind, effective_on, period, unit, organization, subject, person, method,
		currency, amount, denominator, source, event_id, target_source, target_id, recorded_at, record_hash`
)

func factRows(rows *pgcopy.Rows, facts []projections.Fact) {
	var days days
	for i := range facts {
		f := &facts[i]
		rows.Row()
		rows.Int16(int16(f.Shard))
		rows.Int64(f.Offset)
		rows.Text(f.Domain)
		rows.Text(f.Kind)
		rows.Date(days.of(f.EffectiveOn))
		rows.Text(f.Period)
		rows.Text(f.Unit)
		rows.Text(f.Organization)
		rows.Text(f.Subject)
		rows.Text(f.Person)
		rows.Text(f.Method)
		rows.Text(string(f.Currency))
		rows.Int64(f.Amount)
		rows.Int64(f.Denominator)
		rows.Text(f.Source)
		rows.Text(f.EventID)
		rows.Text(f.TargetSource)
		rows.Text(f.TargetID)
		rows.Time(f.RecordedAt)
		rows.Bytes(f.RecordHash[:])
	}
}

func addEntitlements(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(11)
	defer rows.Free()
	for i := range c.Entitlements {
		e := &c.Entitlements[i]
		rows.Row()
		rows.Text(e.Organization)
		rows.Text(e.Period)
		rows.Text(e.Person)
		rows.Text(e.Programme)
		rows.Text(e.Unit)
		rows.Text(string(e.Currency))
		rows.Int64(e.Amount)
		rows.Int16(int16(e.At.Shard))
		rows.Int64(e.At.Offset)
		rows.Text(e.Source)
		rows.Text(e.EventID)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "entitlements", `organization, period, person, programme, unit, currency, amount,
		shard, log_offset, source, event_id`)
	return err
}

func addStops(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	rows := pgcopy.New(11)
	defer rows.Free()
	var days days
	for i := range c.Stops {
		e := &c.Stops[i]
		rows.Row()
		rows.Text(e.Organization)
		rows.Text(e.Person)
		rows.Text(e.Programme)
		rows.Text(e.FromPeriod)
		rows.Text(e.Reason)
		rows.Date(days.of(e.EffectiveOn))
		rows.Int16(int16(e.At.Shard))
		rows.Int64(e.At.Offset)
		rows.Text(e.Source)
		rows.Text(e.EventID)
		rows.Bool(e.Resumed)
	}
	_, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "stops", `organization, person, programme, from_period, reason, effective_on,
		shard, log_offset, source, event_id, resumed`)
	return err
}

// withdraw marks entitlements and stops that were taken back. It comes after
// them: one batch may hold both.
func withdraw(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Withdrawn
	r := c.Withdrawn
	if len(r) == 0 {
		return nil
	}
	for _, table := range []string{"entitlements", "stops"} {
		if _, err := tx.Exec(ctx, `
			UPDATE `+table+` t SET withdrawn = true
			FROM unnest($1::text[], $2::text[], $3::text[]) AS x(o, s, e)
			WHERE t.organization = x.o AND t.event_id = x.e AND t.source = x.s`,
			column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Source }),
			column(r, func(e *row) string { return e.EventID })); err != nil {
			return err
		}
	}
	return nil
}

func setOrganizations(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Organization
	r := c.Organizations
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO organizations AS t (organization, kind, name, unit, bank_bin, account, since, shard, log_offset)
		SELECT DISTINCT ON (o) o, k, n, u, b, a, d::date, s, f
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::bigint[])
			AS x(o, k, n, u, b, a, d, s, f)
		ORDER BY o, f DESC
		ON CONFLICT (organization) DO UPDATE
		SET kind = EXCLUDED.kind, name = EXCLUDED.name, unit = EXCLUDED.unit, bank_bin = EXCLUDED.bank_bin, account = EXCLUDED.account,
			since = EXCLUDED.since, shard = EXCLUDED.shard, log_offset = EXCLUDED.log_offset
		WHERE EXCLUDED.log_offset >= t.log_offset`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Kind }),
		column(r, func(e *row) string { return e.Name }), column(r, func(e *row) string { return e.Unit }),
		column(r, func(e *row) string { return e.BankBIN }), column(r, func(e *row) string { return e.Account }),
		column(r, func(e *row) string { return string(e.Since) }),
		column(r, func(e *row) int16 { return int16(e.At.Shard) }), column(r, func(e *row) int64 { return e.At.Offset }))
	return err
}

func setStalls(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Stall
	r := c.Stalls
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO stalls AS t (organization, stall, person, since, shard, log_offset)
		SELECT DISTINCT ON (o, i) o, i, p, d::date, s, f
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[]) AS x(o, i, p, d, s, f)
		ORDER BY o, i, d DESC, f DESC
		ON CONFLICT (organization, stall) DO UPDATE
		SET person = EXCLUDED.person, since = EXCLUDED.since, shard = EXCLUDED.shard, log_offset = EXCLUDED.log_offset
		WHERE (EXCLUDED.since, EXCLUDED.log_offset) >= (t.since, t.log_offset)`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Stall }),
		column(r, func(e *row) string { return e.Person }), column(r, func(e *row) string { return string(e.Since) }),
		column(r, func(e *row) int16 { return int16(e.At.Shard) }), column(r, func(e *row) int64 { return e.At.Offset }))
	return err
}

func addHoldings(ctx context.Context, tx pgx.Tx, c *projections.Changes) error {
	type row = projections.Holding
	r := c.Holdings
	if len(r) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO holdings AS t (organization, kind, holder, currency, amount)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
		ON CONFLICT (organization, kind, holder, currency) DO UPDATE SET amount = t.amount + EXCLUDED.amount`,
		column(r, func(e *row) string { return e.Organization }), column(r, func(e *row) string { return e.Kind }),
		column(r, func(e *row) string { return e.Holder }), column(r, func(e *row) string { return string(e.Currency) }),
		column(r, func(e *row) int64 { return e.Amount }))
	return err
}

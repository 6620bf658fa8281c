package readmodel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/projections"
)

// Figures answers a query: one figure for each kind of rate that it asks for,
// with the events behind it. Errors: projections.ErrQuery,
// projections.ErrPeriod.
func (db *DB) Figures(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	return db.evaluate(ctx, q, projections.Evaluate)
}

// Breakdown answers a query unit by unit, sorted by unit; Unit and Units of
// the query narrow which are listed. Events are left out. Errors: those of
// Figures.
func (db *DB) Breakdown(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	figures, err := db.evaluate(ctx, q, projections.EvaluateUnits)
	for i := range figures {
		figures[i].Events = nil
	}
	return figures, err
}

// Trend gives a figure for each of so many months (1 to MaxMonths), the oldest
// first. Period is the last month, or empty for the latest complete one. Where
// By is empty, each month has one figure for each kind of rate. Events are
// left out. Errors: those of Figures.
func (db *DB) Trend(ctx context.Context, q projections.Query, months int) ([]projections.Figure, error) {
	var figures []projections.Figure
	err := db.reading(ctx, func(tx pgx.Tx) error {
		figures = nil
		at, err := positions(ctx, tx)
		if err != nil {
			return err
		}
		last, err := period(ctx, tx, q)
		if err != nil || last == "" {
			return err
		}
		all, err := projections.Months(last)
		if err != nil {
			return err
		}
		for _, month := range projections.MonthsBefore(all[len(all)-1], min(max(months, 1), MaxMonths)) {
			q.Period = month
			some, err := evaluate(ctx, tx, q, at["adoption"], projections.Evaluate)
			if err != nil {
				return err
			}
			for i := range some {
				some[i].Events = nil
			}
			figures = append(figures, some...)
		}
		return nil
	})
	return figures, err
}

// LatestPeriod is the latest complete month of a domain: the last that ends on
// or before the greatest day that its accepted facts are effective on. Errors:
// ErrNotFound where the domain has no fact yet.
func (db *DB) LatestPeriod(ctx context.Context, domain string) (string, error) {
	var month string
	err := db.reading(ctx, func(tx pgx.Tx) error {
		var err error
		month, err = period(ctx, tx, projections.Query{Domain: domain})
		return err
	})
	if err == nil && month == "" {
		err = ErrNotFound
	}
	return month, err
}

type evaluation func([]projections.Fact, projections.Query) ([]projections.Figure, error)

func (db *DB) evaluate(ctx context.Context, q projections.Query, f evaluation) ([]projections.Figure, error) {
	var figures []projections.Figure
	err := db.reading(ctx, func(tx pgx.Tx) error {
		at, err := positions(ctx, tx)
		if err != nil {
			return err
		}
		if q.Period, err = period(ctx, tx, q); err != nil {
			return err
		}
		figures, err = evaluate(ctx, tx, q, at["adoption"], f)
		return err
	})
	return figures, err
}

func evaluate(ctx context.Context, tx pgx.Tx, q projections.Query, at map[int]int64, f evaluation) ([]projections.Figure, error) {
	rows, err := facts(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	figures, err := f(rows, q)
	for i := range figures {
		figures[i].Position = q.AsOf.Within(at)
	}
	return figures, err
}

// period is the one that the query names, or the latest complete month as of
// what the query may know; empty where there is no fact at all. A run has a
// payment that may be known where its first one may.
func period(ctx context.Context, tx pgx.Tx, q projections.Query) (string, error) {
	if q.Period != "" {
		return q.Period, nil
	}
	var greatest string
	shards, nexts := bounds(q.AsOf)
	err := tx.QueryRow(ctx, `
		SELECT COALESCE(max(f.effective_on)::text, '')
		FROM (
			SELECT shard, log_offset, effective_on, recorded_at FROM adoption_facts WHERE domain = $1
			UNION ALL
			SELECT shard, log_offset, effective_on, recorded_at FROM payment_runs WHERE $1 = 'fees'
		) f LEFT JOIN unnest($2::int[], $3::bigint[]) AS b(s, n) ON b.s = f.shard
		WHERE (b.n IS NULL OR f.log_offset < b.n) AND ($4::timestamptz IS NULL OR f.recorded_at <= $4)`,
		q.Domain, shards, nexts, moment(q.AsOf)).Scan(&greatest)
	return projections.LatestComplete(events.Date(greatest)), err
}

func bounds(a projections.AsOf) (shards []int, nexts []int64) {
	shards, nexts = make([]int, 0, len(a.Next)), make([]int64, 0, len(a.Next))
	for s, n := range a.Next {
		shards, nexts = append(shards, s), append(nexts, n)
	}
	return shards, nexts
}

func moment(a projections.AsOf) *time.Time {
	if a.RecordedAt.IsZero() {
		return nil
	}
	return &a.RecordedAt
}

// facts loads what Evaluate needs to answer a query and little more: the facts
// of the period, what later became of its payouts, reversals of any of these,
// and the units of organizations where payments are counted.
func facts(ctx context.Context, tx pgx.Tx, q projections.Query) ([]projections.Fact, error) {
	if q.Period == "" {
		return nil, nil
	}
	months, err := projections.Months(q.Period)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH core AS MATERIALIZED (
			SELECT * FROM adoption_facts WHERE domain = $1 AND period = ANY($2)
			UNION ALL
			`+payments+`$1 = 'fees' AND r.period = ANY($2)
			UNION ALL
			SELECT * FROM adoption_facts WHERE domain = $1 AND $1 NOT IN ('benefits', 'fees') AND kind IN ('institution', 'figure') AND effective_on <= $3::date
		), mine AS MATERIALIZED (
			SELECT * FROM core
			UNION ALL
			SELECT s.* FROM core o JOIN adoption_facts s ON s.organization = o.organization AND s.subject = o.subject
				AND s.kind IN ('settled', 'returned', 'paid_cash')
			WHERE o.kind = 'ordered'
		), behind AS (
			SELECT * FROM mine
			UNION ALL
			SELECT * FROM adoption_facts r WHERE r.kind = 'reversed' AND $1 IN ('benefits', 'fees') AND EXISTS (
				SELECT FROM mine m WHERE m.organization = r.organization AND m.source = r.target_source AND m.event_id = r.target_id)
			UNION ALL
			SELECT * FROM adoption_facts WHERE kind = 'organization' AND $1 = 'fees'
		)
		SELECT shard, log_offset, domain, kind, effective_on::text, period, unit, organization, subject, person, method, currency,
			amount, denominator, source, event_id, target_source, target_id, recorded_at, record_hash
		FROM behind ORDER BY shard, log_offset`, q.Domain, months, string(projections.LastDay(months[len(months)-1])))
	if err != nil {
		return nil, err
	}
	var all []projections.Fact
	var f projections.Fact
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&f.Shard, &f.Offset, &f.Domain, &f.Kind, &f.EffectiveOn, &f.Period, &f.Unit, &f.Organization, &f.Subject,
		&f.Person, &f.Method, &f.Currency, &f.Amount, &f.Denominator, &f.Source, &f.EventID, &f.TargetSource, &f.TargetID, &f.RecordedAt, &hash},
		func() error {
			copy(f.RecordHash[:], hash)
			f.RecordedAt = f.RecordedAt.UTC()
			all = append(all, f)
			return nil
		})
	return all, err
}

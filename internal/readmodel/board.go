package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

const selectOrganizations = `
	SELECT organization, kind, name, unit, bank_bin, account, since::text, shard, log_offset FROM organizations `

func scanOrganization(row pgx.CollectableRow) (o projections.Organization, err error) {
	err = row.Scan(&o.Organization, &o.Kind, &o.Name, &o.Unit, &o.BankBIN, &o.Account, &o.Since, &o.At.Shard, &o.At.Offset)
	return o, err
}

// Organizations lists organizations by their identifier. Errors: ErrCursor.
func (db *DB) Organizations(ctx context.Context, f OrganizationFilter, p Page) ([]projections.Organization, string, error) {
	page, err := p.read("organizations", 1)
	if err != nil {
		return nil, "", err
	}
	units := f.Units
	if units == nil {
		units = []string{}
	}
	rows, err := db.pool.Query(ctx, selectOrganizations+`
		WHERE organization > $1 AND ($2 = '' OR kind = $2) AND (cardinality($3::text[]) = 0 OR unit = ANY($3))
		ORDER BY organization LIMIT $4`, page.key(0), f.Kind, units, page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, scanOrganization)
	all, next := cut(all, page.limit, "organizations", func(o *projections.Organization) []string { return []string{o.Organization} })
	return all, next, err
}

// Organization returns one. Errors: ErrNotFound.
func (db *DB) Organization(ctx context.Context, organization string) (projections.Organization, error) {
	rows, err := db.pool.Query(ctx, selectOrganizations+`WHERE organization = $1`, organization)
	return only(rows, err, scanOrganization)
}

// Stalls lists a market's stalls with their bills of a period; with no period,
// of all time. A stall that was billed but never let is listed without a
// person. Errors: ErrCursor.
func (db *DB) Stalls(ctx context.Context, organization, period string, p Page) ([]StallRow, string, error) {
	page, err := p.read("stalls", 1)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.pool.Query(ctx, `
		WITH billed AS (
			SELECT stall, count(*) AS bills, sum(issued)::bigint AS assessed, sum(paid)::bigint AS paid,
				sum(waived)::bigint AS waived, sum(owed)::bigint AS owed
			FROM bills
			WHERE organization = $1 AND stall > $3 AND currency = 'VND' AND status <> 'reversed' AND ($2 = '' OR period = $2)
			GROUP BY stall
		), let AS (SELECT * FROM stalls WHERE organization = $1 AND stall > $3)
		SELECT stall, COALESCE(l.person, ''), COALESCE(l.since::text, ''), COALESCE(l.shard, 0), COALESCE(l.log_offset, 0),
			COALESCE(b.bills, 0), COALESCE(b.assessed, 0), COALESCE(b.paid, 0), COALESCE(b.waived, 0), COALESCE(b.owed, 0),
			CASE WHEN b.bills IS NULL THEN 'none'
				WHEN b.owed <= 0 AND b.waived > 0 AND b.paid = 0 THEN 'waived'
				WHEN b.owed <= 0 THEN 'paid'
				WHEN b.paid > 0 THEN 'part_paid'
				ELSE 'open' END
		FROM let l FULL JOIN billed b USING (stall)
		ORDER BY stall LIMIT $4`, organization, period, page.key(0), page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s StallRow, err error) {
		s.Organization = organization
		err = row.Scan(&s.Stall.Stall, &s.Person, &s.Since, &s.At.Shard, &s.At.Offset, &s.Bills, &s.Assessed, &s.Paid, &s.Waived, &s.Owed, &s.Status)
		return s, err
	})
	all, next := cut(all, page.limit, "stalls", func(s *StallRow) []string { return []string{s.Stall.Stall} })
	return all, next, err
}

// Holdings lists money on its way: of the kind projections.HoldingCollector,
// HoldingPayPoint or HoldingCredit, or of all kinds. What is empty is left
// out. Errors: ErrCursor.
func (db *DB) Holdings(ctx context.Context, organization, kind string, p Page) ([]projections.Holding, string, error) {
	page, err := p.read("holdings", 3)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.pool.Query(ctx, `
		SELECT organization, kind, holder, currency, amount FROM holdings
		WHERE organization = $1 AND ($2 = '' OR kind = $2) AND amount <> 0 AND (kind, holder, currency) > ($3, $4, $5)
		ORDER BY kind, holder, currency LIMIT $6`, organization, kind, page.key(0), page.key(1), page.key(2), page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h projections.Holding, err error) {
		err = row.Scan(&h.Organization, &h.Kind, &h.Holder, &h.Currency, &h.Amount)
		return h, err
	})
	all, next := cut(all, page.limit, "holdings", func(h *projections.Holding) []string { return []string{h.Kind, h.Holder, string(h.Currency)} })
	return all, next, err
}

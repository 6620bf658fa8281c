package readmodel

import (
	"context"
	"math/big"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/projections"
)

const selectPayouts = `
	SELECT organization, payout, person, programme, period, unit, method, currency, ordered, payable, clearing, returned, settled, came_back,
		paid_cash, recoverable, reason, COALESCE(ordered_on::text, ''), COALESCE(sent_on::text, ''), COALESCE(settled_on::text, ''),
		COALESCE(returned_on::text, ''), COALESCE(cash_on::text, ''), shard, first_offset, last_offset
	FROM payouts `

func scanPayout(row pgx.CollectableRow) (p projections.Payout, err error) {
	err = row.Scan(&p.Organization, &p.Payout, &p.Person, &p.Programme, &p.Period, &p.Unit, &p.Method, &p.Currency, &p.Ordered, &p.Payable, &p.Clearing,
		&p.Returned, &p.Settled, &p.CameBack, &p.PaidCash, &p.Recoverable, &p.Reason, &p.OrderedOn, &p.SentOn, &p.SettledOn, &p.ReturnedOn, &p.CashOn,
		&p.First.Shard, &p.First.Offset, &p.Last.Offset)
	p.Last.Shard = p.First.Shard
	return p, err
}

// Payouts lists a fund's payouts, by period, person and payout. Errors:
// ErrCursor.
func (db *DB) Payouts(ctx context.Context, organization string, f PayoutFilter, p Page) ([]projections.Payout, string, error) {
	page, err := p.read("payouts", 3)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.pool.Query(ctx, selectPayouts+`
		WHERE organization = $1 AND ordered_on IS NOT NULL AND ($2 = '' OR period = $2) AND ($3 = '' OR status = $3)
			AND ($4 = '' OR unit = $4) AND ($5 = '' OR person = $5) AND ($6 = '' OR method = $6)
			AND (period, person, payout) > ($7, $8, $9)
		ORDER BY period, person, payout LIMIT $10`,
		organization, f.Period, f.Status, f.Unit, f.Person, f.Method, page.key(0), page.key(1), page.key(2), page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, scanPayout)
	all, next := cut(all, page.limit, "payouts", func(o *projections.Payout) []string { return []string{o.Period, o.Person, o.Payout} })
	return all, next, err
}

// Payout returns one payout. Errors: ErrNotFound, also where there are only
// facts about a payout that nobody has ordered.
func (db *DB) Payout(ctx context.Context, organization, payout string) (projections.Payout, error) {
	rows, err := db.pool.Query(ctx, selectPayouts+`WHERE organization = $1 AND payout = $2 AND ordered_on IS NOT NULL`, organization, payout)
	return only(rows, err, scanPayout)
}

// PayoutPeriods lists the months for which a fund has entitlements, the latest
// first, at most MaxMonths.
func (db *DB) PayoutPeriods(ctx context.Context, organization string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT DISTINCT period FROM entitlements WHERE organization = $1 AND NOT withdrawn ORDER BY period DESC LIMIT $2`, organization, MaxMonths)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// standing is what counts of a fund's ($1) entitlements for a month ($2).
const standing = `(SELECT DISTINCT ON (person, programme) * FROM entitlements
	WHERE organization = $1 AND period = $2 AND NOT withdrawn ORDER BY person, programme, log_offset DESC) AS entitled`

// Entitlements lists who may receive what in a period, by person and
// programme. Errors: ErrCursor.
func (db *DB) Entitlements(ctx context.Context, organization, period string, p Page) ([]projections.Entitlement, string, error) {
	page, err := p.read("entitlements", 2)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.pool.Query(ctx, `
		SELECT organization, person, programme, period, unit, currency, amount, shard, log_offset, source, event_id FROM `+standing+`
		WHERE (person, programme) > ($3, $4) ORDER BY person, programme LIMIT $5`, organization, period, page.key(0), page.key(1), page.limit+1)
	if err != nil {
		return nil, "", err
	}
	all, err := pgx.CollectRows(rows, scanEntitlement)
	all, next := cut(all, page.limit, "entitlements", func(e *projections.Entitlement) []string { return []string{e.Person, e.Programme} })
	return all, next, err
}

func scanEntitlement(row pgx.CollectableRow) (e projections.Entitlement, err error) {
	err = row.Scan(&e.Organization, &e.Person, &e.Programme, &e.Period, &e.Unit, &e.Currency, &e.Amount, &e.At.Shard, &e.At.Offset, &e.Source, &e.EventID)
	return e, err
}

// PayoutSummary says where a fund's month stands. A period without anything
// gives zeros.
func (db *DB) PayoutSummary(ctx context.Context, organization, period string) (PayoutSummary, error) {
	s := PayoutSummary{Period: period, Payouts: map[string]int64{}}
	err := db.reading(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `
			SELECT count(*), count(*) FILTER (WHERE bank), count(*) FILTER (WHERE cash), count(*) FILTER (WHERE back),
				count(*) FILTER (WHERE NOT bank AND NOT cash)
			FROM (
				SELECT bool_or(entitled) AS entitled, bool_or(bank) AS bank, bool_or(cash) AS cash, bool_or(back) AS back
				FROM (
					SELECT person, true AS entitled, false AS bank, false AS cash, false AS back
					FROM entitlements WHERE organization = $1 AND period = $2 AND NOT withdrawn
					UNION ALL
					SELECT person, false, settled > came_back AND returned = 0, paid_cash > 0, returned > 0
					FROM payouts WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL
				) AS said GROUP BY person
			) AS persons WHERE entitled`,
			organization, period).Scan(&s.Entitled, &s.PaidAccount, &s.PaidCash, &s.Returned, &s.CarriedForward); err != nil {
			return err
		}
		s.Rate = projections.Rate(big.NewInt(s.PaidAccount), big.NewInt(s.Entitled))
		var entitled, account, cash, back pgtype.Numeric
		if err := tx.QueryRow(ctx, `
			SELECT (SELECT sum(amount) FROM `+standing+` WHERE currency = 'VND'),
				sum(settled - came_back) FILTER (WHERE settled > came_back AND returned = 0), sum(paid_cash), sum(returned)
			FROM payouts WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL AND currency = 'VND'`,
			organization, period).Scan(&entitled, &account, &cash, &back); err != nil {
			return err
		}
		if err := totals([]pgtype.Numeric{entitled, account, cash, back}, &s.EntitledSum, &s.PaidAccountSum, &s.PaidCashSum, &s.ReturnedSum); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT status, count(*) FROM payouts WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL GROUP BY status`, organization, period)
		if err != nil {
			return err
		}
		var status string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
			s.Payouts[status] = n
			return nil
		})
		return err
	})
	return s, err
}

// PersonMonth is one person's month of a programme.
type PersonMonth struct{ Person, Programme, Period string }

// BeyondDue lists for which persons and months more has left than was due, the
// latest month first, at most limit of them; also where it was paid back since.
func (db *DB) BeyondDue(ctx context.Context, organization string, limit int) ([]PersonMonth, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT person, programme, period FROM payouts WHERE organization = $1 AND recoverable > 0
		GROUP BY period, person, programme ORDER BY period DESC, person, programme LIMIT $2`, organization, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PersonMonth])
}

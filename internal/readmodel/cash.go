package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/internal/money"
	"socho/projections"
)

// CashPayout is a payout that is, was or may be handed over in cash: ordered so,
// or come back from the bank. Naming are the records that may say whose it is, in
// clear under seal, the likeliest first.
type CashPayout struct {
	projections.Payout
	Naming []projections.Position
}

// CashPayouts lists the cash payouts of a fund's month, by payout, from behind one
// on, at most limit of them; unit empty for all.
func (db *DB) CashPayouts(ctx context.Context, organization, period, unit, after string, limit int) ([]CashPayout, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT p.organization, p.payout, p.person, p.programme, p.period, p.unit, p.method, p.currency, p.ordered, p.payable, p.clearing, p.returned,
			p.settled, p.came_back, p.paid_cash, p.recoverable, p.reason, COALESCE(p.ordered_on::text, ''), COALESCE(p.sent_on::text, ''),
			COALESCE(p.settled_on::text, ''), COALESCE(p.returned_on::text, ''), COALESCE(p.cash_on::text, ''), p.shard, p.first_offset, p.last_offset,
			ARRAY(
				SELECT said.log_offset FROM (
					(SELECT 1 AS rank, log_offset FROM entitlements e WHERE e.organization = p.organization AND e.period = p.period AND e.person = p.person
						ORDER BY log_offset DESC LIMIT 1)
					UNION ALL (SELECT 2, log_offset FROM list_entries l WHERE l.organization = p.organization AND l.payout = p.payout ORDER BY log_offset DESC LIMIT 1)
					UNION ALL (SELECT 3, p.first_offset)
					UNION ALL (SELECT 4, log_offset FROM entitlements e WHERE e.organization = p.organization AND e.person = p.person
						ORDER BY log_offset LIMIT 1)
				) AS said ORDER BY said.rank)
		FROM payouts p
		WHERE p.organization = $1 AND p.period = $2 AND ($3 = '' OR p.unit = $3) AND p.payout > $4 AND p.ordered_on IS NOT NULL
			AND p.status <> 'reversed' AND (p.method = 'cash' OR p.returned > 0 OR p.paid_cash > 0)
		ORDER BY p.payout LIMIT $5`, organization, period, unit, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CashPayout, err error) {
		p, naming := &c.Payout, []int64(nil)
		err = row.Scan(&p.Organization, &p.Payout, &p.Person, &p.Programme, &p.Period, &p.Unit, &p.Method, &p.Currency, &p.Ordered, &p.Payable, &p.Clearing,
			&p.Returned, &p.Settled, &p.CameBack, &p.PaidCash, &p.Recoverable, &p.Reason, &p.OrderedOn, &p.SentOn, &p.SettledOn, &p.ReturnedOn, &p.CashOn,
			&p.First.Shard, &p.First.Offset, &p.Last.Offset, &naming)
		p.Last.Shard = p.First.Shard
		for _, offset := range naming {
			c.Naming = append(c.Naming, projections.Position{Shard: p.First.Shard, Offset: offset})
		}
		return c, err
	})
}

// CashUnits lists the communes that have cash payouts in a fund's month.
func (db *DB) CashUnits(ctx context.Context, organization, period string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT DISTINCT unit FROM payouts WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL
			AND status <> 'reversed' AND (method = 'cash' OR returned > 0 OR paid_cash > 0) ORDER BY unit`, organization, period)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// PayoutUnit is where a fund's month stands in one commune. A person belongs to
// the commune of what they were last said to be entitled to, so that communes add
// up to PayoutSummary. HasAccount are those with a payout by account or e-wallet.
type PayoutUnit struct {
	Unit                                                              string
	Entitled, HasAccount, PaidAccount, PaidCash, Returned, Carried    int64
	EntitledSum, PaidAccountSum, PaidCashSum, ReturnedSum, AccountSum money.Total
}

// PayoutUnits says where a fund's month stands, commune by commune. Persons who
// are paid and not entitled are left out, as in PayoutSummary; their money is in
// the row with no unit.
func (db *DB) PayoutUnits(ctx context.Context, organization, period string) ([]PayoutUnit, error) {
	rows, err := db.pool.Query(ctx, `
		WITH home AS (
			SELECT DISTINCT ON (person) person, unit FROM entitlements
			WHERE organization = $1 AND period = $2 AND NOT withdrawn ORDER BY person, log_offset DESC
		), due AS (
			SELECT person, sum(amount) AS entitled FROM `+standing+` WHERE currency = 'VND' GROUP BY person
		), paid AS (
			SELECT person, bool_or(method IN ('account', 'ewallet')) AS account, bool_or(settled > came_back AND returned = 0) AS bank, bool_or(paid_cash > 0) AS cash,
				bool_or(returned > 0) AS back,
				sum(settled - came_back) FILTER (WHERE settled > came_back AND returned = 0 AND currency = 'VND') AS bank_sum,
				sum(paid_cash) FILTER (WHERE currency = 'VND') AS cash_sum, sum(returned) FILTER (WHERE currency = 'VND') AS back_sum,
				sum(ordered) FILTER (WHERE method IN ('account', 'ewallet') AND currency = 'VND') AS account_sum
			FROM payouts WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL GROUP BY person
		)
		SELECT COALESCE(h.unit, ''), count(h.person), count(h.person) FILTER (WHERE p.account), count(h.person) FILTER (WHERE p.bank), count(h.person) FILTER (WHERE p.cash),
			count(h.person) FILTER (WHERE p.back), count(h.person) FILTER (WHERE p.bank IS NOT TRUE AND p.cash IS NOT TRUE),
			sum(d.entitled), sum(p.bank_sum), sum(p.cash_sum), sum(p.back_sum), sum(p.account_sum)
		FROM home h LEFT JOIN due d USING (person) FULL JOIN paid p USING (person)
		GROUP BY COALESCE(h.unit, '') ORDER BY 1`, organization, period)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u PayoutUnit, err error) {
		var sums [5]pgtype.Numeric
		if err = row.Scan(&u.Unit, &u.Entitled, &u.HasAccount, &u.PaidAccount, &u.PaidCash, &u.Returned, &u.Carried, &sums[0], &sums[1], &sums[2], &sums[3], &sums[4]); err != nil {
			return u, err
		}
		return u, totals(sums[:], &u.EntitledSum, &u.PaidAccountSum, &u.PaidCashSum, &u.ReturnedSum, &u.AccountSum)
	})
}

package readmodel

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// chained lists the first records behind a position that moved an account of a
// subject, in log order, at most so many. All accounts of an organization lie in
// one shard. Without an organization there are none.
//
// The ledger chains an account's transfers from the last one back, while a trace
// goes forward. So the walk begins at the end of the first stretch of the log
// that is summed up (table account_history) and in which one of the accounts
// moved, and ends at the position; where that does not fill the page, it goes on
// with the next stretches, twice as many each time, and at last with what is not
// summed up yet. However long the chain, a page so reads what moved the accounts
// within one stretch, or about twice of what it shows.
func chained(ctx context.Context, tx pgx.Tx, s Subject, after projections.Position, most int) ([]projections.Position, error) {
	shard, accounts, err := accountsOf(ctx, tx, s)
	if err != nil || len(accounts) == 0 || shard < after.Shard {
		return nil, err
	}
	from := int64(0)
	if shard == after.Shard {
		from = after.Offset + 1
	}
	var at []projections.Position
	for stretches := 1; len(at) < most; stretches *= 2 {
		rows, err := tx.Query(ctx, `
			SELECT DISTINCT next_offset FROM account_history
			WHERE shard = $1 AND account = ANY($2) AND next_offset > $3 AND last_transfer >= $3 * 1024 ORDER BY next_offset LIMIT $4`,
			shard, accounts, from, stretches)
		if err != nil {
			return nil, err
		}
		ends, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, err
		}
		var upto *int64 // nil: to the end
		if len(ends) == stretches {
			upto = &ends[stretches-1]
		}
		some, err := walk(ctx, tx, shard, accounts, from, upto, most-len(at))
		if err != nil {
			return nil, err
		}
		for _, offset := range some {
			at = append(at, projections.Position{Shard: shard, Offset: offset})
		}
		if upto == nil {
			break
		}
		from = *upto
	}
	return at, nil
}

// accountsOf finds the accounts of a subject by their paths.
func accountsOf(ctx context.Context, tx pgx.Tx, s Subject) (shard int, accounts []int64, err error) {
	if s.Organization == "" {
		return 0, nil, nil
	}
	var of string
	switch s.Kind {
	case projections.SubjectBill:
		err = tx.QueryRow(ctx, `SELECT holder FROM bills WHERE organization = $1 AND bill = $2`, s.Organization, s.ID).Scan(&of)
	case projections.SubjectPayout:
		err = tx.QueryRow(ctx, `SELECT person FROM payouts WHERE organization = $1 AND payout = $2`, s.Organization, s.ID).Scan(&of)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, nil, err
	}
	rows, err := tx.Query(ctx, `
		SELECT a.shard, a.account FROM unnest($2::text[]) AS p(path) CROSS JOIN LATERAL (
			SELECT shard, account FROM ledger.accounts WHERE organization = $1 AND path = p.path
			UNION ALL
			SELECT shard, account FROM ledger.accounts WHERE organization = $1 AND path > p.path || ':' AND path < p.path || ';') a`,
		s.Organization, projections.AccountsOf(s.Kind, s.ID, of))
	if err != nil {
		return 0, nil, err
	}
	var account int64
	_, err = pgx.ForEachRow(rows, []any{&shard, &account}, func() error {
		accounts = append(accounts, account)
		return nil
	})
	return shard, accounts, err
}

// walk follows the chains of accounts back from their last transfers before an
// offset, or of all, to the one that they are to reach, and returns the first of
// the records met.
func walk(ctx context.Context, tx pgx.Tx, shard int, accounts []int64, from int64, upto *int64, most int) ([]int64, error) {
	rows, err := tx.Query(ctx, `
		WITH RECURSIVE chain(account, place) AS (
			(SELECT account, last_transfer FROM ledger.balances WHERE $4::bigint IS NULL AND shard = $1 AND account = ANY($2)
			UNION ALL
			SELECT account, max(last_transfer) FROM account_history
			WHERE shard = $1 AND account = ANY($2) AND next_offset > $3 AND next_offset <= $4 GROUP BY account)
			UNION ALL
			SELECT account, CASE WHEN t.debit = account THEN t.debit_before ELSE t.credit_before END
			FROM chain JOIN ledger.transfers t ON t.shard = $1 AND t.log_offset = place / 1024 AND t.line = (place % 1024)::smallint
			WHERE place >= $3 * 1024)
		SELECT DISTINCT place / 1024 AS log_offset FROM chain WHERE place > 0 AND place >= $3 * 1024 ORDER BY log_offset LIMIT $5`,
		shard, accounts, from, upto, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

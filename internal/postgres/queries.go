package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// AsOf limits a question to what was known at a position or at a time, and to
// what was true on a day. The zero value asks for everything.
type AsOf struct {
	Position  map[int]int64 // records before these offsets; shards not named are not limited
	Time      time.Time     // records recorded at or before
	Effective events.Date   // transfers effective on or before
}

// IsZero reports whether nothing is limited.
func (a AsOf) IsZero() bool {
	return len(a.Position) == 0 && a.Time.IsZero() && a.Effective == ""
}

// Balance is one account's sums, in the currency's decimals.
type Balance struct {
	Account  string         `json:"account"`
	Kind     ledger.Kind    `json:"kind"`
	Currency money.Currency `json:"currency"`
	Debits   string         `json:"debits"`
	Credits  string         `json:"credits"`
	Balance  string         `json:"balance"` // debits − credits, always
}

// Balances calls each for the accounts whose full name begins with a prefix,
// sorted by name. Accounts that had no transfer as of then are left out. A
// question about the past adds up sums of whole stretches of the log, and reads
// transfers of the last stretch alone.
func (db *DB) Balances(ctx context.Context, prefix string, as AsOf, each func(Balance) error) error {
	organization, path, exact := strings.Cut(prefix, ":")
	const named = `(CASE WHEN $3 THEN organization = $1 AND path ^@ $2 ELSE organization ^@ $1 END)`
	if as.IsZero() {
		rows, err := db.Query(ctx, `
			SELECT organization || ':' || path AS name, kind, currency, debits, credits
			FROM accounts JOIN balances USING (shard, account)
			WHERE `+named+`
			ORDER BY organization || ':' || path COLLATE "C"`, organization, path, exact)
		return eachBalance(rows, err, each)
	}
	shards, upto, summed, err := db.limits(ctx, as)
	if err != nil {
		return err
	}
	rows, err := db.Query(ctx, `
		WITH named AS MATERIALIZED (
			SELECT shard, account, organization || ':' || path AS name, kind, currency FROM accounts WHERE `+named+`),
		limits AS (
			SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::bigint[]) AS l(shard, upto, summed)),
		sums AS (
			SELECT h.shard, h.account, h.debits, h.credits
			FROM named n JOIN limits l USING (shard) JOIN projections.account_history h USING (shard, account)
			WHERE h.next_offset <= l.summed AND ($7::date IS NULL OR h.effective_on <= $7)
			UNION ALL
			SELECT t.shard, side.account, side.debits, side.credits
			FROM limits l JOIN transfers t ON t.shard = l.shard AND t.log_offset >= l.summed AND t.log_offset < l.upto
			CROSS JOIN LATERAL (VALUES (t.debit, t.amount, 0), (t.credit, 0, t.amount)) AS side(account, debits, credits)
			WHERE ($7::date IS NULL OR t.effective_on <= $7))
		SELECT n.name, n.kind, n.currency, sum(s.debits), sum(s.credits)
		FROM named n JOIN sums s USING (shard, account)
		GROUP BY n.name, n.kind, n.currency
		ORDER BY n.name COLLATE "C"`, organization, path, exact, shards, upto, summed, day(as.Effective))
	return eachBalance(rows, err, each)
}

func eachBalance(rows pgx.Rows, err error, each func(Balance) error) error {
	if err != nil {
		return err
	}
	var b Balance
	var debits, credits pgtype.Numeric
	_, err = pgx.ForEachRow(rows, []any{&b.Account, &b.Kind, &b.Currency, &debits, &credits}, func() error {
		dr, err := total(debits)
		if err != nil {
			return err
		}
		cr, err := total(credits)
		if err != nil {
			return err
		}
		b.Debits, b.Credits = dr.Format(b.Currency), cr.Format(b.Currency)
		difference := dr.Big()
		b.Balance = money.FormatSigned(difference.Sub(difference, cr.Big()), b.Currency)
		return each(b)
	})
	return err
}

func (a AsOf) positions() (shards []int16, offsets []int64) {
	for shard, offset := range a.Position {
		shards, offsets = append(shards, int16(shard)), append(offsets, offset)
	}
	return shards, offsets
}

// Posting is one transfer as an account sees it.
type Posting struct {
	Shard       int            `json:"shard"`
	Offset      int64          `json:"offset"`
	Line        int            `json:"line"`
	Debit       string         `json:"debit"`
	Credit      string         `json:"credit"`
	Amount      string         `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Code        string         `json:"code"`
	EffectiveOn events.Date    `json:"effective_on"`
	EventID     string         `json:"event_id"`
}

// ErrNoAccount is returned for an account that was never used.
var ErrNoAccount = fmt.Errorf("no such account")

// Postings calls each for one account's transfers, in the order of the log. It
// follows the account's chain from its last transfer as of then back.
// Errors: ErrNoAccount.
func (db *DB) Postings(ctx context.Context, account string, as AsOf, each func(Posting) error) error {
	organization, path, _ := strings.Cut(account, ":")
	var shard int
	var number int64
	if err := db.QueryRow(ctx, `SELECT shard, account FROM accounts WHERE organization = $1 AND path = $2`, organization, path).Scan(&shard, &number); err != nil {
		if err == pgx.ErrNoRows {
			return ErrNoAccount
		}
		return err
	}
	var last *int64 // of all; known by the balance
	if len(as.Position) > 0 || !as.Time.IsZero() {
		shards, upto, summed, err := db.limits(ctx, as)
		if err != nil {
			return err
		}
		last = new(int64)
		if i := slices.Index(shards, int16(shard)); i >= 0 {
			if *last, err = db.lastTransfer(ctx, shard, number, upto[i], summed[i]); err != nil {
				return err
			}
		}
	}
	rows, err := db.Query(ctx, `
		WITH RECURSIVE chain(place) AS (
			SELECT coalesce($3, last_transfer) FROM balances WHERE shard = $1 AND account = $2
			UNION ALL
			SELECT CASE WHEN t.debit = $2 THEN t.debit_before ELSE t.credit_before END
			FROM chain JOIN transfers t ON t.shard = $1 AND t.log_offset = place / 1024 AND t.line = (place % 1024)::smallint
			WHERE place > 0)
		SELECT t.shard, t.log_offset, t.line, d.organization || ':' || d.path, c.organization || ':' || c.path,
			t.amount::bigint, d.currency, t.code, t.effective_on::text, o.event_id
		FROM chain JOIN transfers t ON t.shard = $1 AND t.log_offset = place / 1024 AND t.line = (place % 1024)::smallint
		JOIN accounts d ON d.shard = t.shard AND d.account = t.debit
		JOIN accounts c ON c.shard = t.shard AND c.account = t.credit
		JOIN outcomes o ON o.shard = t.shard AND o.log_offset = t.log_offset
		WHERE $4::date IS NULL OR t.effective_on <= $4
		ORDER BY t.log_offset, t.line`, shard, number, last, day(as.Effective))
	if err != nil {
		return err
	}
	var p Posting
	var minor int64
	_, err = pgx.ForEachRow(rows, []any{&p.Shard, &p.Offset, &p.Line, &p.Debit, &p.Credit, &minor, &p.Currency, &p.Code, &p.EffectiveOn, &p.EventID}, func() error {
		amount, err := money.New(minor, p.Currency)
		if err != nil {
			return err
		}
		p.Amount = amount.String()
		return each(p)
	})
	return err
}

// ListOutcomes calls each for the outcomes of the given statuses (all, where
// none is named) from a position on: shards in order, offsets in order.
func (db *DB) ListOutcomes(ctx context.Context, statuses []ledger.Status, since map[int]int64, each func(*ledger.Outcome) error) error {
	numbers := make([]int16, len(statuses))
	for i, s := range statuses {
		numbers[i] = int16(s)
	}
	shards, offsets := AsOf{Position: since}.positions()
	rows, err := db.Query(ctx, selectOutcomes+`
		LEFT JOIN unnest($2::smallint[], $3::bigint[]) AS p(shard, since) USING (shard)
		WHERE (cardinality($1::smallint[]) = 0 OR status = ANY($1)) AND log_offset >= coalesce(p.since, 0)
		ORDER BY shard, log_offset`, numbers, shards, offsets)
	if err != nil {
		return err
	}
	return eachOutcome(rows, each)
}

// RecentOutcomes lists the outcomes of the given statuses, the latest recorded
// first, from behind one of them on; nil asks for the latest of all.
// The statuses are unusual ones (ledger.Duplicate and above): those have an
// index. Within a shard time never runs back, so each gives its own latest.
// Organizations nil means all of them; empty, none.
func (db *DB) RecentOutcomes(ctx context.Context, statuses []ledger.Status, organizations []string, behind *ledger.Outcome, limit int) ([]*ledger.Outcome, error) {
	numbers := make([]int16, len(statuses))
	for i, s := range statuses {
		numbers[i] = int16(s)
	}
	if behind == nil {
		behind = &ledger.Outcome{RecordedAt: endOfTime}
	}
	rows, err := db.Query(ctx, `
		SELECT latest.* FROM positions p CROSS JOIN LATERAL (`+selectOutcomes+` o
			WHERE o.shard = p.shard AND status >= 3 AND status = ANY($1) AND ($2::text[] IS NULL OR organization = ANY($2))
				AND (recorded_at, shard, log_offset) < ($3, $4, $5)
			ORDER BY log_offset DESC LIMIT $6) latest
		ORDER BY latest.recorded_at DESC, latest.shard DESC, latest.log_offset DESC LIMIT $6`,
		numbers, organizations, behind.RecordedAt, behind.Shard, behind.Offset, limit)
	if err != nil {
		return nil, err
	}
	var all []*ledger.Outcome
	err = eachOutcome(rows, func(o *ledger.Outcome) error {
		all = append(all, o)
		return nil
	})
	return all, err
}

// endOfTime is later than any record.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// CountOutcomes counts the outcomes in ranges of offsets, [from, to) of a shard.
func (db *DB) CountOutcomes(ctx context.Context, ranges []OffsetRange, counts map[ledger.Status]int64) error {
	shards, from, to := make([]int16, len(ranges)), make([]int64, len(ranges)), make([]int64, len(ranges))
	for i, r := range ranges {
		shards[i], from[i], to[i] = int16(r.Shard), r.From, r.To
	}
	rows, err := db.Query(ctx, `
		SELECT o.status, count(*) FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS x(s, f, t)
		JOIN outcomes o ON o.shard = x.s AND o.log_offset >= x.f AND o.log_offset < x.t
		GROUP BY o.status`, shards, from, to)
	if err != nil {
		return err
	}
	var status int16
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
		counts[ledger.Status(status)] += n
		return nil
	})
	return err
}

// OffsetRange is a run of records of one shard: From ≤ offset < To.
type OffsetRange struct {
	Shard    int
	From, To int64
}

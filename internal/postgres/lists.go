package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"socho/internal/money"
	"socho/ledger"
)

// What is asked for page by page. Each call returns at most limit rows, and
// fewer only where there are no more, whatever the filter. Organizations nil
// means all of them; empty, none.

// OutcomeFilter narrows a list of outcomes; empty fields do not.
type OutcomeFilter struct {
	Statuses      []ledger.Status
	Organizations []string
	Type          string        // vn.socho.….v1
	Since         map[int]int64 // records from these offsets on; shards not named are not limited
}

// OutcomePage lists outcomes by shard and offset, from behind a record on; the
// first page is behind (-1, 0).
func (db *DB) OutcomePage(ctx context.Context, f OutcomeFilter, shard int, offset int64, limit int) ([]*ledger.Outcome, error) {
	numbers := make([]int16, len(f.Statuses))
	for i, s := range f.Statuses {
		numbers[i] = int16(s)
	}
	shards, since := AsOf{Position: f.Since}.positions()
	rows, err := db.Query(ctx, selectOutcomes+`
		LEFT JOIN unnest($6::smallint[], $7::bigint[]) AS p(shard, since) USING (shard)
		WHERE (shard, log_offset) > ($1, $2) AND log_offset >= coalesce(p.since, 0)
			AND (cardinality($3::smallint[]) = 0 OR status = ANY($3))
			AND ($4::text[] IS NULL OR organization = ANY($4))
			AND ($5 = '' OR type = $5)
		ORDER BY shard, log_offset LIMIT $8`, shard, offset, numbers, f.Organizations, f.Type, shards, since, limit)
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

// BalanceFilter narrows a list of balances; empty fields do not.
type BalanceFilter struct {
	Organizations      []string
	OrganizationPrefix string
	Path               string // the beginning of it
}

// BalancePage lists balances as Balances does, by organization and path, from
// behind an account on.
func (db *DB) BalancePage(ctx context.Context, f BalanceFilter, as AsOf, after ledger.AccountName, limit int) ([]Balance, error) {
	const named = `(($1::text[] IS NULL OR organization = ANY($1)) AND organization ^@ $2 AND path ^@ $3 AND (organization, path) > ($4, $5))`
	all := make([]Balance, 0, limit)
	each := func(b Balance) error {
		all = append(all, b)
		return nil
	}
	if as.IsZero() {
		rows, err := db.Query(ctx, `
			SELECT organization || ':' || path, kind, currency, debits, credits
			FROM accounts JOIN balances USING (shard, account)
			WHERE `+named+` ORDER BY organization, path LIMIT $6`,
			f.Organizations, f.OrganizationPrefix, f.Path, after.Organization, after.Path, limit)
		err = eachBalance(rows, err, each)
		return all, err
	}
	shards, upto, summed, err := db.limits(ctx, as)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, `
		WITH named AS MATERIALIZED (
			SELECT shard, account, organization, path, kind, currency FROM accounts WHERE `+named+`),
		limits AS (
			SELECT * FROM unnest($7::smallint[], $8::bigint[], $9::bigint[]) AS l(shard, upto, summed)),
		sums AS (
			SELECT h.shard, h.account, h.debits, h.credits
			FROM named n JOIN limits l USING (shard) JOIN projections.account_history h USING (shard, account)
			WHERE h.next_offset <= l.summed AND ($10::date IS NULL OR h.effective_on <= $10)
			UNION ALL
			SELECT t.shard, side.account, side.debits, side.credits
			FROM limits l JOIN transfers t ON t.shard = l.shard AND t.log_offset >= l.summed AND t.log_offset < l.upto
			CROSS JOIN LATERAL (VALUES (t.debit, t.amount, 0), (t.credit, 0, t.amount)) AS side(account, debits, credits)
			WHERE ($10::date IS NULL OR t.effective_on <= $10))
		SELECT n.organization || ':' || n.path, n.kind, n.currency, sum(s.debits), sum(s.credits)
		FROM named n JOIN sums s USING (shard, account)
		GROUP BY n.organization, n.path, n.kind, n.currency
		ORDER BY n.organization, n.path LIMIT $6`,
		f.Organizations, f.OrganizationPrefix, f.Path, after.Organization, after.Path, limit, shards, upto, summed, day(as.Effective))
	err = eachBalance(rows, err, each)
	return all, err
}

// PostingPage lists an account's transfers, the latest first, and the place that
// the next page begins at; 0 where there is none. A place of 0 asks for the
// first page. It follows the account's chain and reads no more than it returns,
// but for transfers that are not effective yet. Errors: ErrNoAccount.
func (db *DB) PostingPage(ctx context.Context, account ledger.AccountName, as AsOf, place int64, limit int) ([]Posting, int64, error) {
	var shard int
	var number, last int64
	err := db.QueryRow(ctx, `SELECT shard, account, last_transfer FROM accounts JOIN balances USING (shard, account) WHERE organization = $1 AND path = $2`,
		account.Organization, account.Path).Scan(&shard, &number, &last)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, ErrNoAccount
	}
	if err == nil && place == 0 && (len(as.Position) > 0 || !as.Time.IsZero()) {
		last, err = db.lastAsOf(ctx, shard, number, as)
	}
	if err != nil {
		return nil, 0, err
	}
	if place != 0 {
		last = place
	}
	rows, err := db.Query(ctx, `
		WITH RECURSIVE chain AS (
			SELECT t.*, ($4::date IS NULL OR t.effective_on <= $4)::int AS counts, ($4::date IS NULL OR t.effective_on <= $4)::int AS found
			FROM transfers t WHERE t.shard = $1 AND t.log_offset = $3::bigint / 1024 AND t.line = ($3::bigint % 1024)::smallint AND $2 IN (t.debit, t.credit)
			UNION ALL
			SELECT t.*, counted.n, c.found + counted.n
			FROM (
				-- Apart, since before the rules of rows no place that is worked out may be looked for by index.
				SELECT found, before / 1024 AS log_offset, (before % 1024)::smallint AS line
				FROM (SELECT found, CASE WHEN debit = $2 THEN debit_before ELSE credit_before END AS before FROM chain) b
				WHERE before > 0 AND found <= $5 OFFSET 0) c
			JOIN transfers t ON t.shard = $1 AND t.log_offset = c.log_offset AND t.line = c.line
			CROSS JOIN LATERAL (SELECT ($4::date IS NULL OR t.effective_on <= $4)::int AS n) counted)
		SELECT t.shard, t.log_offset, t.line, d.organization || ':' || d.path, c.organization || ':' || c.path,
			t.amount::bigint, d.currency, t.code, t.effective_on::text, o.event_id
		FROM chain t
		JOIN accounts d ON d.shard = t.shard AND d.account = t.debit
		JOIN accounts c ON c.shard = t.shard AND c.account = t.credit
		JOIN outcomes o ON o.shard = t.shard AND o.log_offset = t.log_offset
		WHERE t.counts = 1
		ORDER BY t.log_offset DESC, t.line DESC LIMIT $5 + 1`, shard, number, last, day(as.Effective), limit)
	if err != nil {
		return nil, 0, err
	}
	all, err := pgx.CollectRows(rows, scanPosting)
	if err != nil || len(all) <= limit {
		return all, 0, err
	}
	next := all[limit]
	return all[:limit], next.Offset*1024 + int64(next.Line), nil
}

func scanPosting(row pgx.CollectableRow) (p Posting, err error) {
	var minor int64
	if err := row.Scan(&p.Shard, &p.Offset, &p.Line, &p.Debit, &p.Credit, &minor, &p.Currency, &p.Code, &p.EffectiveOn, &p.EventID); err != nil {
		return p, err
	}
	amount, err := money.New(minor, p.Currency)
	p.Amount = amount.String()
	return p, err
}

// lastAsOf is the place of an account's last transfer as of then; 0 where there
// is none.
func (db *DB) lastAsOf(ctx context.Context, shard int, account int64, as AsOf) (int64, error) {
	shards, upto, summed, err := db.limits(ctx, as)
	if err != nil {
		return 0, err
	}
	i := slices.Index(shards, int16(shard))
	if i < 0 {
		return 0, nil
	}
	return db.lastTransfer(ctx, shard, account, upto[i], summed[i])
}

// PostingsOf writes a record's transfers as accounts see them.
func PostingsOf(o *ledger.Outcome, transfers []ledger.Transfer) []Posting {
	all := make([]Posting, len(transfers))
	for i, t := range transfers {
		all[i] = Posting{Shard: o.Shard, Offset: o.Offset, Line: t.Line, Debit: t.Organization + ":" + t.Debit, Credit: t.Organization + ":" + t.Credit,
			Amount: t.Amount.String(), Currency: t.Amount.Currency(), Code: t.Code, EffectiveOn: t.EffectiveOn, EventID: o.EventID}
	}
	return all
}

// Trial lets a batch be decided as of one moment and writes nothing: decide is
// given where the shard stands, and a store that reads that very state.
func (db *DB) Trial(ctx context.Context, shard int, decide func(ledger.Head, ledger.Store) error) error {
	return pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		heads, err := heads(ctx, tx)
		if err != nil {
			return err
		}
		head, ok := heads[shard]
		if !ok {
			return fmt.Errorf("shard %d has decided nothing yet", shard)
		}
		return decide(head, store{tx})
	})
}

// OpenBill is a bill by its reference code, with what is owed on it.
type OpenBill struct {
	Reference string
	Bill      string
	Due       int64 // minor units of đồng; 0 where nothing is owed
}

// BillsByReference finds an organization's bills in đồng, as the ledger has them
// at this moment.
func (db *DB) BillsByReference(ctx context.Context, organization string, codes []string) ([]OpenBill, error) {
	rows, err := db.Query(ctx, `
		SELECT code, r.value::jsonb->>'bill', (b.debits - b.credits)::bigint
		FROM unnest($2::text[]) AS code
		JOIN rule_state r ON r.organization = $1 AND r.key = 'reference:' || code
		JOIN accounts a ON a.organization = $1 AND a.path = (r.value::jsonb->>'holder') || ':receivable:' || (r.value::jsonb->>'bill')
		JOIN balances b ON (b.shard, b.account) = (a.shard, a.account)`, organization, codes)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenBill])
}

// Unplaced says what is left of bank lines in đồng: money in that no fact says
// the use of, or money out. Lines of which nothing is left are absent.
func (db *DB) Unplaced(ctx context.Context, organization string, lines []string) (map[string]int64, error) {
	rows, err := db.Query(ctx, `
		SELECT line, abs(b.debits - b.credits)::bigint
		FROM unnest($2::text[]) AS line CROSS JOIN unnest(ARRAY['in', 'out']) AS direction
		JOIN accounts a ON a.organization = $1 AND a.path = 'unallocated:' || direction || ':' || line
		JOIN balances b USING (shard, account)
		WHERE b.debits <> b.credits`, organization, lines)
	if err != nil {
		return nil, err
	}
	left := map[string]int64{}
	var line string
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&line, &amount}, func() error {
		left[line] += amount
		return nil
	})
	return left, err
}

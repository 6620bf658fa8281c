package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// store is what deciding a batch reads, within the batch's own transaction.
type store struct{ q querier }

var _ ledger.Store = store{}

// Claims implements ledger.Store. Each claim is a look into the index: joined
// any other way, the planner would sooner or later read the whole table.
func (s store) Claims(ctx context.Context, shard int, claims []ledger.Claim) (map[ledger.Claim]ledger.Claimed, error) {
	ids, sources, organizations := make([]string, len(claims)), make([]string, len(claims)), make([]string, len(claims))
	for i, c := range claims {
		ids[i], sources[i], organizations[i] = c.EventID, c.Source, c.Organization
	}
	rows, err := s.q.Query(ctx, `
		SELECT o.organization, o.source, o.event_id, o.log_offset, o.value_hash, o.status, o.type
		FROM unnest($1::text[], $2::text[], $3::text[]) AS x(i, s, g)
		CROSS JOIN LATERAL (
			SELECT * FROM outcomes
			WHERE event_id = x.i AND source = x.s AND organization = x.g AND claims LIMIT 1) o`, ids, sources, organizations)
	if err != nil {
		return nil, err
	}
	found := map[ledger.Claim]ledger.Claimed{}
	var c ledger.Claim
	var held ledger.Claimed
	var hash []byte
	var status int16
	_, err = pgx.ForEachRow(rows, []any{&c.Organization, &c.Source, &c.EventID, &held.Offset, &hash, &status, &held.Type}, func() error {
		copy(held.ValueHash[:], hash)
		held.Status = ledger.Status(status)
		found[c] = held
		return nil
	})
	return found, err
}

// Accounts implements ledger.Store.
func (s store) Accounts(ctx context.Context, shard int, names []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
	organizations, paths := make([]string, len(names)), make([]string, len(names))
	for i, n := range names {
		organizations[i], paths[i] = n.Organization, n.Path
	}
	rows, err := s.q.Query(ctx, `
		SELECT a.account, a.organization, a.path, a.kind, a.currency, a.bound, b.debits, b.credits, b.last_transfer
		FROM unnest($1::text[], $2::text[]) AS x(o, p)
		CROSS JOIN LATERAL (SELECT * FROM accounts WHERE organization = x.o AND path = x.p LIMIT 1) a
		CROSS JOIN LATERAL (SELECT * FROM balances WHERE shard = a.shard AND account = a.account LIMIT 1) b`, organizations, paths)
	if err != nil {
		return nil, err
	}
	found := make(map[ledger.AccountName]ledger.Account, len(names))
	err = eachAccount(rows, func(a ledger.Account) error {
		found[ledger.AccountName{Organization: a.Organization, Path: a.Path}] = a
		return nil
	})
	return found, err
}

func eachAccount(rows pgx.Rows, each func(ledger.Account) error) error {
	var a ledger.Account
	var debits, credits pgtype.Numeric
	_, err := pgx.ForEachRow(rows, []any{&a.Number, &a.Organization, &a.Path, &a.Kind, &a.Currency, &a.Limit, &debits, &credits, &a.Last}, func() error {
		var err error
		if a.Debits, err = total(debits); err != nil {
			return err
		}
		if a.Credits, err = total(credits); err != nil {
			return err
		}
		return each(a)
	})
	return err
}

// State implements ledger.Store.
func (s store) State(ctx context.Context, shard int, keys []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
	organizations, names := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		organizations[i], names[i] = k.Organization, k.Key
	}
	rows, err := s.q.Query(ctx, `
		SELECT r.organization, r.key, r.value
		FROM unnest($1::text[], $2::text[]) AS x(o, k)
		CROSS JOIN LATERAL (SELECT * FROM rule_state WHERE organization = x.o AND key = x.k LIMIT 1) r`, organizations, names)
	if err != nil {
		return nil, err
	}
	found := make(map[ledger.StateKey][]byte, len(keys))
	var k ledger.StateKey
	var value string
	_, err = pgx.ForEachRow(rows, []any{&k.Organization, &k.Key, &value}, func() error {
		found[k] = []byte(value)
		return nil
	})
	return found, err
}

const selectTransfers = `
	SELECT t.shard, t.log_offset, t.line, d.organization, d.path, c.path, d.currency, t.amount::bigint, t.code, t.effective_on::text
	FROM transfers t
	JOIN accounts d ON d.shard = t.shard AND d.account = t.debit
	JOIN accounts c ON c.shard = t.shard AND c.account = t.credit `

// TransfersAt implements ledger.Store.
func (s store) TransfersAt(ctx context.Context, shard int, offset int64) ([]ledger.Transfer, error) {
	rows, err := s.q.Query(ctx, selectTransfers+`WHERE t.shard = $1 AND t.log_offset = $2 ORDER BY t.line`, shard, offset)
	if err != nil {
		return nil, err
	}
	var found []ledger.Transfer
	err = eachTransfer(rows, func(_ int, _ int64, t ledger.Transfer) error {
		found = append(found, t)
		return nil
	})
	return found, err
}

func eachTransfer(rows pgx.Rows, each func(shard int, offset int64, t ledger.Transfer) error) error {
	var shard int
	var offset, minor int64
	var t ledger.Transfer
	var currency money.Currency
	var on string
	_, err := pgx.ForEachRow(rows, []any{&shard, &offset, &t.Line, &t.Organization, &t.Debit, &t.Credit, &currency, &minor, &t.Code, &on}, func() error {
		var err error
		if t.Amount, err = money.New(minor, currency); err != nil {
			return err
		}
		t.EffectiveOn = events.Date(on)
		return each(shard, offset, t)
	})
	return err
}

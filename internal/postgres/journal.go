package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/money"
)

// Journal calls each for an organization's transfers of a currency that are
// effective from a day to a day, both included where given, in the order of the log.
func (db *DB) Journal(ctx context.Context, organization string, c money.Currency, from, to events.Date, as AsOf, each func(Posting, int64) error) error {
	shards, offsets := as.positions()
	return pgx.BeginTxFunc(ctx, db, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// Transfers have no index by account (decision 10). Where tables are not analyzed
		// yet, the shard would be read through once for each account.
		if _, err := tx.Exec(ctx, `SET LOCAL enable_nestloop = off`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT t.shard, t.log_offset, t.line, d.path, c.path, t.amount::bigint, d.currency, t.code, t.effective_on::text, o.event_id
			FROM accounts d
			JOIN transfers t ON t.shard = d.shard AND t.debit = d.account
			JOIN accounts c ON c.shard = t.shard AND c.account = t.credit
			JOIN outcomes o ON o.shard = t.shard AND o.log_offset = t.log_offset
			LEFT JOIN unnest($5::smallint[], $6::bigint[]) AS b(shard, upto) ON b.shard = t.shard
			WHERE d.organization = $1 AND d.currency = $2
				AND ($3::date IS NULL OR t.effective_on >= $3) AND ($4::date IS NULL OR t.effective_on <= $4)
				AND (b.upto IS NULL OR t.log_offset < b.upto)
			ORDER BY t.shard, t.log_offset, t.line`, organization, string(c), day(from), day(to), shards, offsets)
		if err != nil {
			return err
		}
		var p Posting
		var minor int64
		_, err = pgx.ForEachRow(rows, []any{&p.Shard, &p.Offset, &p.Line, &p.Debit, &p.Credit, &minor, &p.Currency, &p.Code, &p.EffectiveOn, &p.EventID}, func() error {
			return each(p, minor)
		})
		return err
	})
}

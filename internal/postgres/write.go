package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"socho/events"
	"socho/internal/pgcopy"
	"socho/ledger"
)

// A batch touches outcomes before any other table, so that whoever locks that
// table first has them all or waits for all.
const beginWrite = `BEGIN; LOCK TABLE outcomes IN ROW EXCLUSIVE MODE`

// Write decides and writes one batch in one transaction. decide may be called
// twice, and must then decide anew.
//
// The first time it is called, the store presumes that no record's claim is
// taken: nearly all are new, and the index that keeps claims apart says so
// where one is not. Then nothing has been written, and the batch is decided
// again with every claim looked up.
//
// What the shard's accounts and state hold is remembered from one batch to the
// next, as far as there is room. It is thrown away when anything fails, and
// used only by the holder of the same epoch at the position where it was left,
// so nobody can have written in between.
//
// A crash before the commit leaves nothing; a crash after it leaves everything,
// and the worker that comes next reads the new position. Where the commit's
// answer is lost, the caller must Acquire again and look.
// Errors: ErrFenced; whatever decide returns; faults of the database.
func (db *DB) Write(ctx context.Context, shard int, epoch int64, decide func(ledger.Store) (*ledger.Batch, error)) (*ledger.Batch, error) {
	memory := db.memories.take(shard, epoch)
	batch, err := db.write(ctx, epoch, memory, memory.careful == 0, decide)
	if claimTaken(err) || errors.Is(err, errForgotten) {
		memory = newMemory(epoch)
		memory.careful = carefulBatches
		batch, err = db.write(ctx, epoch, memory, false, decide)
	}
	if err != nil {
		return batch, err
	}
	memory.remember(batch)
	db.memories.keep(shard, memory)
	return batch, nil
}

// errForgotten: what was remembered is of another position than the batch.
var errForgotten = errors.New("the memory is of another position")

// claimTaken reports whether a claim that was presumed to be new was not.
func claimTaken(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" && e.ConstraintName == "outcomes_claim"
}

func (db *DB) write(ctx context.Context, epoch int64, m *memory, presume bool, decide func(ledger.Store) (*ledger.Batch, error)) (*ledger.Batch, error) {
	var batch *ledger.Batch
	err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{BeginQuery: beginWrite}, func(tx pgx.Tx) error {
		var err error
		if batch, err = decide(&batchStore{store{tx}, m, presume}); err != nil {
			return err
		}
		if m.used && m.next != batch.From.NextOffset {
			return errForgotten
		}
		return write(ctx, tx, epoch, batch)
	})
	return batch, err
}

func write(ctx context.Context, tx pgx.Tx, epoch int64, b *ledger.Batch) error {
	if err := assertBalanced(b); err != nil {
		return err
	}
	conn := tx.Conn().PgConn()
	if err := copyOutcomes(ctx, conn, b); err != nil {
		return err
	}
	if err := copyOpened(ctx, conn, b); err != nil {
		return err
	}
	if err := copyTransfers(ctx, conn, b); err != nil {
		return err
	}
	return last(ctx, tx, epoch, b)
}

// assertBalanced holds the batch to the second law before PostgreSQL does.
func assertBalanced(b *ledger.Batch) error {
	for i, transfers := range b.Transfers {
		for j := range transfers {
			if t := &transfers[j]; t.Amount.Minor() <= 0 || t.Debit == t.Credit || t.Organization != b.Outcomes[i].Organization {
				return fmt.Errorf("shard %d offset %d line %d: a transfer that is none", b.Head.Shard, b.Outcomes[i].Offset, t.Line)
			}
		}
	}
	return nil
}

func copyOutcomes(ctx context.Context, conn *pgconn.PgConn, b *ledger.Batch) error {
	rows := pgcopy.New(16)
	defer rows.Free()
	var days days
	for i := range b.Outcomes {
		o := &b.Outcomes[i]
		rows.Row()
		rows.Int16(int16(o.Shard))
		rows.Int64(o.Offset)
		rows.Time(o.RecordedAt)
		rows.TextOrNull(o.Organization)
		rows.TextOrNull(o.Source)
		rows.TextOrNull(o.EventID)
		rows.TextOrNull(o.Type)
		if o.EffectiveOn == "" {
			rows.Null()
		} else {
			rows.Date(days.of(o.EffectiveOn))
		}
		rows.Int16(int16(o.Status))
		rows.Text(o.Code)
		rows.Text(o.Detail)
		rows.Int32(int32(o.RuleSet))
		rows.Bytes(o.ValueHash[:])
		rows.Bytes(o.RecordHash[:])
		rows.Bytes(o.LeafHash[:])
		rows.Bool(o.Claims)
	}
	_, err := rows.CopyTo(ctx, conn, "outcomes", `shard, log_offset, recorded_at, organization, source, event_id, type, effective_on,
		status, code, detail, rule_set, value_hash, record_hash, leaf_hash, claims`)
	return err
}

// copyOpened adds the accounts that the batch opened, each with a balance of
// nothing: their sums come with everybody else's, and are checked with them.
func copyOpened(ctx context.Context, conn *pgconn.PgConn, b *ledger.Batch) error {
	accounts, balances := pgcopy.New(7), pgcopy.New(5)
	defer accounts.Free()
	defer balances.Free()
	for i := range b.Accounts {
		a := &b.Accounts[i]
		if a.Number < b.From.NextAccount {
			continue
		}
		accounts.Row()
		accounts.Int16(int16(b.Head.Shard))
		accounts.Int64(a.Number)
		accounts.Text(a.Organization)
		accounts.Text(a.Path)
		accounts.Text(string(a.Kind))
		accounts.Text(string(a.Currency))
		accounts.Text(string(a.Limit))
		balances.Row()
		balances.Int16(int16(b.Head.Shard))
		balances.Int64(a.Number)
		balances.Text(string(a.Limit))
		balances.Whole(0, 0)
		balances.Whole(0, 0)
	}
	if _, err := accounts.CopyTo(ctx, conn, "accounts", "shard, account, organization, path, kind, currency, bound"); err != nil {
		return err
	}
	_, err := balances.CopyTo(ctx, conn, "balances", "shard, account, bound, debits, credits")
	return err
}

// place numbers a transfer within its shard, for the chains of accounts: above
// 0, since record 0 moves no money. Lines are below ledger.MaxTransfers.
func place(offset int64, line int) int64 { return offset*1024 + int64(line) }

// copyTransfers adds the transfers, each chained to the one before it on either
// account, and leaves the end of each account's chain in b.Accounts.
func copyTransfers(ctx context.Context, conn *pgconn.PgConn, b *ledger.Batch) error {
	accounts := make(map[ledger.AccountName]*ledger.Account, len(b.Accounts))
	for i := range b.Accounts {
		a := &b.Accounts[i]
		accounts[ledger.AccountName{Organization: a.Organization, Path: a.Path}] = a
	}
	rows := pgcopy.New(10)
	defer rows.Free()
	var days days
	for i, transfers := range b.Transfers {
		for j := range transfers {
			t := &transfers[j]
			debit := accounts[ledger.AccountName{Organization: t.Organization, Path: t.Debit}]
			credit := accounts[ledger.AccountName{Organization: t.Organization, Path: t.Credit}]
			if debit == nil || credit == nil {
				return fmt.Errorf("shard %d offset %d line %d: an account that the batch does not have", b.Head.Shard, b.Outcomes[i].Offset, t.Line)
			}
			rows.Row()
			rows.Int16(int16(b.Head.Shard))
			rows.Int64(b.Outcomes[i].Offset)
			rows.Int16(int16(t.Line))
			rows.Int64(debit.Number)
			rows.Int64(credit.Number)
			rows.Whole(0, uint64(t.Amount.Minor()))
			rows.Text(t.Code)
			rows.Date(days.of(t.EffectiveOn))
			rows.Int64(debit.Last)
			rows.Int64(credit.Last)
			at := place(b.Outcomes[i].Offset, t.Line)
			debit.Last, credit.Last = at, at
		}
	}
	_, err := rows.CopyTo(ctx, conn, "transfers", "shard, log_offset, line, debit, credit, amount, code, effective_on, debit_before, credit_before")
	return err
}

const (
	// New rows are counted: a row that is deleted is missed.
	upsertState = `
		WITH written AS (
			INSERT INTO rule_state (organization, key, shard, log_offset, value, digest)
			SELECT o, k, $1, f, v, d FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[]) AS x(o, k, f, v, d)
			ON CONFLICT (organization, key) DO UPDATE SET log_offset = EXCLUDED.log_offset, value = EXCLUDED.value, digest = EXCLUDED.digest
			RETURNING xmax = 0 AS new)
		UPDATE positions SET state_rows = state_rows + (SELECT count(*) FROM written WHERE new) WHERE shard = $1`
	// The sums of every touched account, in account order and in one statement,
	// last: the rows that two batches could contend for are locked shortly.
	updateBalances = `
		UPDATE balances b SET debits = x.d, credits = x.c, last_transfer = x.l
		FROM unnest($2::bigint[], $3::numeric[], $4::numeric[], $5::bigint[]) AS x(a, d, c, l)
		WHERE b.shard = $1 AND b.account = x.a`
	advancePosition = `
		UPDATE positions SET next_offset = $1, next_account = $2, recorded_at = $3, rule_set = $4,
			last_leaf = $5, frontier = $6, ledger = $7, genesis = $8, digest = $9
		WHERE shard = $10 AND next_offset = $11 AND epoch = $12`
)

// last sends what is left in one go: rule state, balances and the position,
// which fences off whoever is not the shard's writer.
func last(ctx context.Context, tx pgx.Tx, epoch int64, b *ledger.Batch) error {
	shard := b.Head.Shard
	all := &pgx.Batch{}
	if n := len(b.Changes); n > 0 {
		organizations, keys, offsets, values := make([]string, n), make([]string, n), make([]int64, n), make([]string, n)
		digests := make([][]byte, n)
		for i := range b.Changes {
			c := &b.Changes[i]
			organizations[i], keys[i], offsets[i], values[i] = c.Organization, c.Key, c.Offset, string(c.Value)
			digests[i] = stateDigest(shard, c.Organization, c.Key, c.Offset, c.Value)
		}
		all.Queue(upsertState, shard, organizations, keys, offsets, values, digests)
	}
	if n := len(b.Accounts); n > 0 {
		numbers, lasts := make([]int64, n), make([]int64, n)
		debits, credits := make(totals, n), make(totals, n)
		for i := range b.Accounts {
			a := &b.Accounts[i]
			numbers[i], lasts[i], debits[i], credits[i] = a.Number, a.Last, a.Debits, a.Credits
		}
		all.Queue(updateBalances, shard, numbers, debits.numerics(), credits.numerics(), lasts)
	}
	h := &b.Head
	all.Queue(advancePosition, h.NextOffset, h.NextAccount, h.RecordedAt, h.RuleSet, h.LastLeaf[:], h.Frontier.Bytes(), h.Ledger, h.Genesis[:],
		positionDigest(h), shard, b.From.NextOffset, epoch)
	sent := tx.SendBatch(ctx, all)
	defer sent.Close() //nolint:errcheck // the error below is that of the same connection
	for range all.Len() - 1 {
		if _, err := sent.Exec(); err != nil {
			return err
		}
	}
	tag, err := sent.Exec()
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("shard %d: %w", shard, ErrFenced)
	}
	return sent.Close()
}

// days turns dates into days, most of which are that of the row before.
type days struct {
	date events.Date
	day  time.Time
}

func (d *days) of(date events.Date) time.Time {
	if d.date != date {
		d.date, d.day = date, *day(date)
	}
	return d.day
}

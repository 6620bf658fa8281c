package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// DB is a pool of connections to one ledger's schema.
type DB struct {
	*pgxpool.Pool
	Schema string
}

// ErrFenced is returned where another worker has taken the shard over, or the
// position is not where this one left it. Nothing was written.
var ErrFenced = errors.New("fenced")

// Open connects with the service's role: it can add, and change only what can
// be rebuilt.
func Open(ctx context.Context, url, schema string) (*DB, error) {
	return open(ctx, url, schema, "SET ROLE socho_service")
}

// OpenMaintenance connects with the role of the URL itself: for migrations,
// replay and the audit.
func OpenMaintenance(ctx context.Context, url, schema string) (*DB, error) {
	return open(ctx, url, schema, "")
}

func open(ctx context.Context, url, schema, role string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	config.MaxConns = max(config.MaxConns, 16)
	config.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["datestyle"] = "ISO, YMD" // dates are read as text, and enter the leaf
	// A plan kept from when the tables were small would read them whole.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	config.ConnConfig.RuntimeParams["application_name"] = "socho"
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if role == "" {
			return nil
		}
		_, err := conn.Exec(ctx, role)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database does not answer: %w", err)
	}
	return &DB{pool, schema}, nil
}

// Acquire takes a shard over: whoever held it before is fenced off by the new
// epoch. A shard that was never read starts at offset 0.
func (db *DB) Acquire(ctx context.Context, shard, shards int) (ledger.Head, int64, error) {
	_, err := db.Exec(ctx, `
		INSERT INTO positions (shard, shards, ledger, genesis, next_offset, next_account, recorded_at, rule_set, last_leaf, frontier)
		VALUES ($1, $2, '', '', 0, 0, 'epoch', 0, '', '') ON CONFLICT (shard) DO NOTHING`, shard, shards)
	if err != nil {
		return ledger.Head{}, 0, err
	}
	var epoch int64
	if err := db.QueryRow(ctx, `UPDATE positions SET epoch = epoch + 1 WHERE shard = $1 RETURNING epoch`, shard).Scan(&epoch); err != nil {
		return ledger.Head{}, 0, err
	}
	heads, err := db.Heads(ctx)
	if err != nil {
		return ledger.Head{}, 0, err
	}
	head := heads[shard]
	if head.Shards != shards {
		return ledger.Head{}, 0, fmt.Errorf("shard %d: the ledger was built for %d shards, the topic has %d; a topic's partition count is for life", shard, head.Shards, shards)
	}
	return head, epoch, nil
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Heads returns where every shard stands.
func (db *DB) Heads(ctx context.Context) (map[int]ledger.Head, error) { return heads(ctx, db) }

func heads(ctx context.Context, q querier) (map[int]ledger.Head, error) {
	rows, err := q.Query(ctx, `
		SELECT shard, shards, ledger, genesis, next_offset, next_account, recorded_at, rule_set, last_leaf, frontier
		FROM positions ORDER BY shard`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[int]ledger.Head{}
	for rows.Next() {
		var h ledger.Head
		var genesis, leaf, frontier []byte
		if err := rows.Scan(&h.Shard, &h.Shards, &h.Ledger, &genesis, &h.NextOffset, &h.NextAccount, &h.RecordedAt, &h.RuleSet, &leaf, &frontier); err != nil {
			return nil, err
		}
		copy(h.Genesis[:], genesis)
		copy(h.LastLeaf[:], leaf)
		h.RecordedAt = h.RecordedAt.UTC()
		var ok bool
		if h.Frontier, ok = ledger.FrontierFrom(h.NextOffset, frontier); !ok {
			return nil, fmt.Errorf("position of shard %d is damaged: frontier does not fit offset %d; run: socho verify", h.Shard, h.NextOffset)
		}
		found[h.Shard] = h
	}
	return found, rows.Err()
}

// Write decides and writes one batch in one transaction.
//
// A crash before the commit leaves nothing; a crash after it leaves everything,
// and the worker that comes next reads the new position. Where the commit's
// answer is lost, the caller must Acquire again and look.
// Errors: ErrFenced; whatever decide returns; faults of the database.
func (db *DB) Write(ctx context.Context, shard int, epoch int64, decide func(ledger.Store) (*ledger.Batch, error)) (*ledger.Batch, error) {
	var batch *ledger.Batch
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var err error
		if batch, err = decide(store{tx}); err != nil {
			return err
		}
		return write(ctx, tx, epoch, batch)
	})
	return batch, err
}

func write(ctx context.Context, tx pgx.Tx, epoch int64, b *ledger.Batch) error {
	shard := b.Head.Shard
	numbers := make(map[string]int64, len(b.Accounts)) // organization:path → number
	var opened []ledger.Account
	for _, a := range b.Accounts {
		numbers[a.Organization+":"+a.Path] = a.Number
		if a.Number >= b.From.NextAccount {
			opened = append(opened, a)
		}
	}
	if err := assertBalanced(b); err != nil {
		return err
	}
	if len(opened) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"accounts"},
			[]string{"shard", "account", "organization", "path", "kind", "currency", "bound"},
			pgx.CopyFromSlice(len(opened), func(i int) ([]any, error) {
				a := &opened[i]
				return []any{shard, a.Number, a.Organization, a.Path, string(a.Kind), string(a.Currency), string(a.Limit)}, nil
			})); err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"balances"},
			[]string{"shard", "account", "bound", "debits", "credits"},
			pgx.CopyFromSlice(len(opened), func(i int) ([]any, error) {
				return []any{shard, opened[i].Number, string(opened[i].Limit), int64(0), int64(0)}, nil
			})); err != nil {
			return err
		}
	}
	if err := copyOutcomes(ctx, tx, b); err != nil {
		return err
	}
	if err := copyTransfers(ctx, tx, b, numbers); err != nil {
		return err
	}
	if err := writeState(ctx, tx, b); err != nil {
		return err
	}
	if err := writeBalances(ctx, tx, b); err != nil {
		return err
	}
	h := &b.Head
	tag, err := tx.Exec(ctx, `
		UPDATE positions SET next_offset = $1, next_account = $2, recorded_at = $3, rule_set = $4,
			last_leaf = $5, frontier = $6, ledger = $7, genesis = $8
		WHERE shard = $9 AND next_offset = $10 AND epoch = $11`,
		h.NextOffset, h.NextAccount, h.RecordedAt, h.RuleSet, h.LastLeaf[:], h.Frontier.Bytes(), h.Ledger, h.Genesis[:],
		shard, b.From.NextOffset, epoch)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("shard %d: %w", shard, ErrFenced)
	}
	return nil
}

// assertBalanced holds the batch to the second law before PostgreSQL does.
func assertBalanced(b *ledger.Batch) error {
	for i, transfers := range b.Transfers {
		for _, t := range transfers {
			if t.Amount.Minor() <= 0 || t.Debit == t.Credit || t.Organization != b.Outcomes[i].Organization {
				return fmt.Errorf("shard %d offset %d line %d: a transfer that is none", b.Head.Shard, b.Outcomes[i].Offset, t.Line)
			}
		}
	}
	return nil
}

func copyOutcomes(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"outcomes"},
		[]string{"shard", "log_offset", "recorded_at", "organization", "source", "event_id", "type", "effective_on",
			"status", "code", "detail", "rule_set", "value_hash", "record_hash", "leaf_hash", "claims"},
		pgx.CopyFromSlice(len(b.Outcomes), func(i int) ([]any, error) {
			o := &b.Outcomes[i]
			return []any{o.Shard, o.Offset, o.RecordedAt, text(o.Organization), text(o.Source), text(o.EventID), text(o.Type),
				day(o.EffectiveOn), int16(o.Status), o.Code, o.Detail, o.RuleSet, o.ValueHash[:], o.RecordHash[:], o.LeafHash[:], o.Claims}, nil
		}))
	return err
}

func copyTransfers(ctx context.Context, tx pgx.Tx, b *ledger.Batch, numbers map[string]int64) error {
	type row struct {
		offset int64
		t      *ledger.Transfer
	}
	var rows []row
	for i := range b.Transfers {
		for j := range b.Transfers[i] {
			rows = append(rows, row{b.Outcomes[i].Offset, &b.Transfers[i][j]})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"transfers"},
		[]string{"shard", "log_offset", "line", "debit", "credit", "amount", "code", "effective_on"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			t := rows[i].t
			return []any{b.Head.Shard, rows[i].offset, t.Line, numbers[t.Organization+":"+t.Debit], numbers[t.Organization+":"+t.Credit],
				t.Amount.Minor(), t.Code, day(t.EffectiveOn)}, nil
		}))
	return err
}

func writeState(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	if len(b.Changes) == 0 {
		return nil
	}
	organizations, keys := make([]string, len(b.Changes)), make([]string, len(b.Changes))
	offsets, values := make([]int64, len(b.Changes)), make([]string, len(b.Changes))
	for i, c := range b.Changes {
		organizations[i], keys[i], offsets[i], values[i] = c.Organization, c.Key, c.Offset, string(c.Value)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO rule_state (organization, key, shard, log_offset, value)
		SELECT o, k, $1, f, v FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS x(o, k, f, v)
		ON CONFLICT (organization, key) DO UPDATE SET log_offset = EXCLUDED.log_offset, value = EXCLUDED.value`,
		b.Head.Shard, organizations, keys, offsets, values)
	return err
}

// writeBalances sets the sums of every touched account, in account order and in
// one statement, last: the rows that two batches could contend for are locked
// shortly.
func writeBalances(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	if len(b.Accounts) == 0 {
		return nil
	}
	numbers := make([]int64, len(b.Accounts))
	debits, credits := make([]pgtype.Numeric, len(b.Accounts)), make([]pgtype.Numeric, len(b.Accounts))
	for i, a := range b.Accounts {
		numbers[i], debits[i], credits[i] = a.Number, numeric(a.Debits), numeric(a.Credits)
	}
	_, err := tx.Exec(ctx, `
		UPDATE balances b SET debits = x.d, credits = x.c
		FROM unnest($2::bigint[], $3::numeric[], $4::numeric[]) AS x(a, d, c)
		WHERE b.shard = $1 AND b.account = x.a`, b.Head.Shard, numbers, debits, credits)
	return err
}

func numeric(t money.Total) pgtype.Numeric { return pgtype.Numeric{Int: t.Big(), Valid: true} }

func total(n pgtype.Numeric) (money.Total, error) {
	whole := new(big.Int)
	if n.Int != nil {
		whole.Set(n.Int)
	}
	if n.Exp > 0 {
		whole.Mul(whole, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.Exp)), nil))
	}
	return money.TotalFromBig(whole)
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func day(d events.Date) *time.Time {
	if d == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		panic("postgres: a date that was not checked: " + string(d))
	}
	return &t
}

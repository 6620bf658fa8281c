package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
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
	Schema   string
	memories memories
}

// ErrFenced is returned where another worker has taken the shard over, or the
// position is not where this one left it. Nothing was written.
var ErrFenced = errors.New("fenced")

// Open connects with the service's role: it can add, and change only what can
// be rebuilt.
func Open(ctx context.Context, url, schema string) (*DB, error) {
	return open(ctx, url, schema, "SET ROLE socho_service", nil)
}

// OpenReader connects with the role that sees the rows of some organizations
// alone. scope says which, on a connection each time one is taken for a query:
// identity.ScopeConn does, by the principal of the query's context.
func OpenReader(ctx context.Context, url, schema string, scope func(context.Context, *pgx.Conn) error) (*DB, error) {
	return open(ctx, url, schema, "SET ROLE socho_reader", scope)
}

// OpenMaintenance connects with the role of the URL itself: for migrations,
// replay and the audit.
func OpenMaintenance(ctx context.Context, url, schema string) (*DB, error) {
	return open(ctx, url, schema, "", nil)
}

// idleTimeout bounds how long PostgreSQL lets a transaction of the service wait
// for its next statement. A process that has frozen in the middle of one would
// else keep its locks, and whoever is to take over waiting, until it wakes.
const idleTimeout = "idle_in_transaction_session_timeout"

func open(ctx context.Context, url, schema, role string, scope func(context.Context, *pgx.Conn) error) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") { // else whoever runs this knows better
		config.MaxConns = max(config.MaxConns, 16)
	}
	config.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["datestyle"] = "ISO, YMD" // dates are read as text, and enter the leaf
	// A plan kept from when the tables were small would read them whole; where they
	// stay small, the address may ask for one.
	if config.ConnConfig.RuntimeParams["plan_cache_mode"] == "" {
		config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	}
	config.ConnConfig.RuntimeParams["application_name"] = "socho"
	if _, given := config.ConnConfig.RuntimeParams[idleTimeout]; role == "" {
		delete(config.ConnConfig.RuntimeParams, idleTimeout) // the audit's snapshot waits for the log
	} else if !given {
		config.ConnConfig.RuntimeParams[idleTimeout] = "10s"
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if role == "" {
			return nil
		}
		_, err := conn.Exec(ctx, role)
		return err
	}
	if scope != nil {
		config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
			err := scope(ctx, conn)
			return err == nil, err
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database does not answer: %w", err)
	}
	return &DB{Pool: pool, Schema: schema}, nil
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

// totals are sums on their way into a numeric[].
type totals []money.Total

func (t totals) numerics() []pgtype.Numeric {
	all := make([]pgtype.Numeric, len(t))
	for i := range t {
		all[i] = pgtype.Numeric{Int: t[i].Big(), Valid: true}
	}
	return all
}

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

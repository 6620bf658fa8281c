package readmodel

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/events"
	"socho/projections"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations builds the tables; apply them with postgres.Migrate to Schema.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// DB is a pool of connections to the tables of the projections. It is a
// projections.Store and, opened for maintenance, a projections.Rebuilder.
type DB struct {
	pool   *pgxpool.Pool
	url    string
	schema string
	part   *DB // the rebuild that Begin opened, if any
}

var (
	_ projections.Store     = (*DB)(nil)
	_ projections.Rebuilder = (*DB)(nil)
)

// Open connects with the service's role, which may change rows and no tables.
func Open(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, Schema, "SET ROLE socho_service", nil)
}

// OpenReader connects with the role that sees the rows of some organizations
// alone. scope says which, on a connection each time one is taken for a query:
// identity.ScopeConn does, by the principal of the query's context.
func OpenReader(ctx context.Context, url string, scope func(context.Context, *pgx.Conn) error) (*DB, error) {
	return open(ctx, url, Schema, "SET ROLE socho_reader", scope)
}

// OpenMaintenance connects with the role of the URL itself, for a rebuild.
func OpenMaintenance(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, Schema, "", nil)
}

func open(ctx context.Context, url, schema, role string, scope func(context.Context, *pgx.Conn) error) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") { // else whoever runs this knows better
		config.MaxConns = max(config.MaxConns, 8)
	}
	p := config.ConnConfig.RuntimeParams
	p["search_path"] = pgx.Identifier{schema}.Sanitize()
	p["timezone"] = "UTC"
	p["application_name"] = "socho projections"
	// A filter that is not set must not shape the plan of one that is.
	if p["plan_cache_mode"] == "" {
		p["plan_cache_mode"] = "force_custom_plan"
	}
	p["jit"] = "off"
	// A runner that has frozen in the middle of a step must not keep its rows from
	// the one that takes over.
	if _, given := p["idle_in_transaction_session_timeout"]; role != "" && !given {
		p["idle_in_transaction_session_timeout"] = "10s"
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
	return &DB{pool: pool, url: url, schema: schema}, nil
}

// Close closes every connection.
func (db *DB) Close() {
	if db.part != nil {
		db.part.Close()
	}
	db.pool.Close()
}

// reading runs queries that see one state of the tables.
func (db *DB) reading(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// page is a Page with its bounds applied and its cursor read.
type page struct {
	limit int
	after []string // nil on the first page
}

// read checks a page against the list it is for: a cursor holds the key of the
// last row, fields of them.
func (p Page) read(list string, fields int) (page, error) {
	out := page{limit: p.Limit}
	if out.limit <= 0 {
		out.limit = DefaultLimit
	}
	out.limit = min(out.limit, MaxLimit)
	if p.Cursor == "" {
		out.after = nil
		return out, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	var parts []string
	if err != nil || json.Unmarshal(b, &parts) != nil || len(parts) != fields+1 || parts[0] != list {
		return page{}, ErrCursor
	}
	out.after = parts[1:]
	return out, nil
}

// key returns a field of the last row before the page, "" on the first one.
// Every key that is paged by is above "" in each field that matters.
func (p page) key(i int) string {
	if p.after == nil {
		return ""
	}
	return p.after[i]
}

func cursor(list string, key ...string) string {
	b, err := json.Marshal(append([]string{list}, key...))
	if err != nil {
		panic(err) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// cut takes the row away that was read to see whether there is a next page.
func cut[T any](rows []T, limit int, list string, key func(*T) []string) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, cursor(list, key(&rows[limit-1])...)
}

// days turns dates into days, most of which are that of the row before.
type days struct {
	date events.Date
	day  time.Time
}

func (d *days) of(date events.Date) time.Time {
	if d.date == date {
		return d.day
	}
	t, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		panic("readmodel: a date that was not checked: " + string(date))
	}
	d.date, d.day = date, t
	return t
}

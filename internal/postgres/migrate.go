// Package postgres keeps the ledger's tables: migrations, the transaction that
// writes a decided batch, the queries that read it, and the audit of what is
// stored. SQL stands beside the Go that runs it. It knows no broker.
//
//	db, err := postgres.Open(ctx, url, "ledger")
//	head, epoch, err := db.Acquire(ctx, shard, shards)
//	err = db.Write(ctx, epoch, func(store ledger.Store) (*ledger.Batch, error) {
//		return ledger.Decide(ctx, head, records, store)
//	})
package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// LedgerMigrations builds the tables of a ledger in any schema.
func LedgerMigrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// ErrDrift is returned where the database was built by other migrations than
// this program carries.
var ErrDrift = errors.New("schema_drift")

// roles must be there before grants name them. They belong to the cluster, so
// another database may have made them already, even this very moment. The
// service writes for every organization, and PostgreSQL takes no COPY where
// rows are kept from whoever copies; the reader sees those it was let see.
const roles = `
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'socho_service') THEN
        CREATE ROLE socho_service NOLOGIN BYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'socho_reader') THEN
        CREATE ROLE socho_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'socho_service') THEN
        ALTER ROLE socho_service BYPASSRLS;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'rows would be kept from socho_service, which must write them; as a superuser, run: ALTER ROLE socho_service BYPASSRLS';
END $$;`

// Part is a schema and the migrations that build it.
type Part struct {
	Schema string
	Files  fs.FS
}

// Migrate brings one schema up to date, making it where it is missing. Each
// migration runs in a transaction of its own; a crash between two leaves the
// earlier ones in place, and the next start goes on. Errors: ErrDrift.
func Migrate(ctx context.Context, url, schema string, files fs.FS) error {
	return MigrateAll(ctx, url, Part{schema, files})
}

// MigrateAll is Migrate of several schemas, one after the other, over one
// connection where all of them are up to date.
func MigrateAll(ctx context.Context, url string, parts ...Part) error {
	pool, err := pgxpool.ParseConfig(url) // which knows the pool's settings from the server's
	if err != nil {
		return fmt.Errorf("database address: %w", err)
	}
	config := pool.ConnConfig
	config.RuntimeParams["client_min_messages"] = "warning"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0" // a slow machine is no client that has died
	db := stdlib.OpenDB(*config)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer conn.Close()
	for _, part := range parts {
		if err := migrate(ctx, conn, config, part); err != nil {
			return err
		}
	}
	return nil
}

// UpToDate says that there is nothing for MigrateAll to do, which nearly every
// start finds; it takes no lock and no connection beside the pool's. Errors: ErrDrift.
func UpToDate(ctx context.Context, pool *pgxpool.Pool, parts ...Part) (bool, error) {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("database: %w", err)
	}
	defer conn.Close()
	var tables []string
	for _, part := range parts {
		tables = append(tables, pgx.Identifier{part.Schema}.Sanitize()+".migration_digests")
	}
	var there bool
	if err := conn.QueryRowContext(ctx, `
		SELECT (SELECT count(*) FROM pg_roles WHERE rolname = 'socho_service' AND rolbypassrls OR rolname = 'socho_reader') = 2
			AND NOT EXISTS (SELECT FROM unnest($1::text[]) AS t WHERE to_regclass(t) IS NULL)`, tables).Scan(&there); err != nil || !there {
		return false, err
	}
	for _, part := range parts {
		provider, err := goose.NewProvider(goose.DialectPostgres, db, part.Files, goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return false, err
		}
		if complete, err := checkDrift(ctx, conn, provider, part.Files, part.Schema); err != nil || !complete {
			return false, err
		}
	}
	return true, nil
}

func migrate(ctx context.Context, lock *sql.Conn, config *pgx.ConnConfig, part Part) error {
	// Two programs starting at once migrate one after the other.
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext('socho.migrate.' || $1))`, part.Schema); err != nil {
		return err
	}
	defer lock.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(hashtext('socho.migrate.' || $1))`, part.Schema) //nolint:errcheck // closing the connection unlocks as well
	name := pgx.Identifier{part.Schema}.Sanitize()
	if _, err := lock.ExecContext(ctx, roles+`
CREATE SCHEMA IF NOT EXISTS `+name+`;
GRANT USAGE ON SCHEMA `+name+` TO socho_service;
CREATE TABLE IF NOT EXISTS `+name+`.migration_digests (version bigint PRIMARY KEY, digest bytea NOT NULL);`); err != nil {
		return fmt.Errorf("schema %s: %w", part.Schema, err)
	}
	within := config.Copy()
	within.RuntimeParams["search_path"] = part.Schema
	db := stdlib.OpenDB(*within) // which connects when there is something to build
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, part.Files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if complete, err := checkDrift(ctx, lock, provider, part.Files, part.Schema); err != nil || complete {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema %s: %w", part.Schema, err)
	}
	return keepDigests(ctx, lock, provider, part.Files, name)
}

func digestOf(files fs.FS, source *goose.Source) ([]byte, error) {
	text, err := fs.ReadFile(files, source.Path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// checkDrift compares the migrations that the schema was built by with ours;
// complete says that they are all of them. Errors: ErrDrift.
func checkDrift(ctx context.Context, conn *sql.Conn, provider *goose.Provider, files fs.FS, schema string) (complete bool, err error) {
	known := map[int64][]byte{}
	for _, source := range provider.ListSources() {
		digest, err := digestOf(files, source)
		if err != nil {
			return false, err
		}
		known[source.Version] = digest
	}
	rows, err := conn.QueryContext(ctx, `SELECT version, digest FROM `+pgx.Identifier{schema}.Sanitize()+`.migration_digests`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	built := 0
	for ; rows.Next(); built++ {
		var version int64
		var digest []byte
		if err := rows.Scan(&version, &digest); err != nil {
			return false, err
		}
		if string(known[version]) != string(digest) {
			return false, fmt.Errorf("%w: migration %d of schema %s is another one than this program carries; use the release that built the database, or a newer one", ErrDrift, version, schema)
		}
	}
	return built == len(known), rows.Err()
}

func keepDigests(ctx context.Context, conn *sql.Conn, provider *goose.Provider, files fs.FS, name string) error {
	for _, source := range provider.ListSources() {
		digest, err := digestOf(files, source)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `INSERT INTO `+name+`.migration_digests VALUES ($1, $2) ON CONFLICT DO NOTHING`, source.Version, digest); err != nil {
			return err
		}
	}
	return nil
}

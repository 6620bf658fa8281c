package postgres_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
)

// A database that is not a superuser's is enough, once the roles are there.
func TestMigrateWithoutSuperuser(t *testing.T) {
	at := testdb.Database(t, "empty", func(context.Context, string) error { return nil })
	// Another database of the cluster has made the roles.
	if err := postgres.Migrate(t.Context(), testdb.Database(t, "other", nil), "app", postgres.AppMigrations()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	name := conn.Config().Database
	if _, err := conn.Exec(t.Context(), `CREATE ROLE office LOGIN; GRANT socho_service, socho_reader TO office; ALTER DATABASE `+name+` OWNER TO office`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), `ALTER DATABASE `+name+` OWNER TO CURRENT_USER; DROP OWNED BY office CASCADE; DROP ROLE office`); err != nil {
			t.Error(err)
		}
	})
	own, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	own.User = url.User("office")
	if q := own.Query(); q.Has("user") {
		q.Set("user", "office")
		own.RawQuery = q.Encode()
	}
	if err := postgres.Migrate(t.Context(), own.String(), "ledger", postgres.LedgerMigrations()); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), own.String(), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.CopyFrom(t.Context(), pgx.Identifier{"accounts"}, []string{"shard", "account", "organization", "path", "kind", "currency", "bound"},
		pgx.CopyFromRows([][]any{{0, 1, "hg-cho", "bank:1", "asset", "VND", ""}})); err != nil {
		t.Error(err)
	}
	var n int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM accounts`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

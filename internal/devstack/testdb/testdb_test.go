package testdb_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack/testdb"
)

var migrated atomic.Int32

func migrate(ctx context.Context, url string) error {
	migrated.Add(1)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	// Left open on purpose: a template must be usable whatever its migration leaves behind.
	_, err = conn.Exec(ctx, `CREATE TABLE stalls (name text PRIMARY KEY); INSERT INTO stalls VALUES ('A12')`)
	return err
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	for _, name := range []string{"a", "b", "c", "d"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.Connect(t.Context(), testdb.Database(t, "stalls", migrate))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), `INSERT INTO stalls VALUES ($1)`, name); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM stalls`).Scan(&n); err != nil || n != 2 {
				t.Fatalf("%d rows, %v", n, err)
			}
		})
	}
	t.Cleanup(func() {
		if n := migrated.Load(); n != 1 {
			t.Errorf("migrated %d times", n)
		}
	})
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		testdb.Database(b, "stalls", migrate)
	}
}

package postgres_test

import (
	"slices"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
)

// Whoever beats is among the living, even where its own beat was so slow that its
// leases have run out in the middle of it.
func TestSlowBeat(t *testing.T) {
	url := testdb.Database(t, "empty", nil)
	if err := migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), url, "app", postgres.AppMigrations()); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), url, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, id := range []string{"first", "second"} {
		var living []string
		const none = time.Duration(0)
		if _, err := db.Beat(t.Context(), postgres.Process{ID: id, Host: "here", PID: 1}, none, func(l []string) []string {
			living = slices.Clone(l)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(living, []string{id}) {
			t.Errorf("%s sees %v", id, living)
		}
	}
}

package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/vault"
)

// An erasure in another process waits for the batches that are on their way.
func TestEraseWaitsForBatches(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	v, err := vault.Open(t.Context(), pool, master(t))
	if err != nil {
		t.Fatal(err)
	}
	first, err := v.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sealer(t, v, person)
	other, _ := open(t, url)
	done := make(chan error, 1)
	go func() { done <- other.Erase(context.Background(), "hg-cho", "p-1", vault.ScopeContact) }()
	first()
	first() // twice is once
	select {
	case err := <-done:
		t.Fatalf("erased while a batch is on its way: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if yes, err := v.Erased(t.Context(), "hg-cho", "p-1", events.Contact); yes || err != nil {
		t.Fatalf("%v, %v", yes, err)
	}
	second()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	third, err := v.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer third()
	if !sealer(t, v, person).Erased("hg-cho", "p-1", events.Contact) {
		t.Error("the next batch does not see the erasure")
	}
}

// A batch whose process has frozen keeps an erasure waiting for so long only.
func TestEraseWaitsNotForEver(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	v, err := vault.Open(t.Context(), pool, master(t))
	if err != nil {
		t.Fatal(err)
	}
	v.HoldMost = 50 * time.Millisecond
	release, err := v.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	other, _ := open(t, url)
	if err := other.Erase(t.Context(), "hg-cho", "p-1", vault.ScopeContact); err != nil {
		t.Fatal(err)
	}
}

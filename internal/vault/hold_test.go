package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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

// freezing is a database whose commits are not on their way before it wakes.
type freezing struct {
	*pgxpool.Pool
	freezes, wakes chan struct{}
}

type frozen struct {
	pgx.Tx
	in freezing
}

func (f freezing) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := f.Pool.Begin(ctx)
	return frozen{tx, f}, err
}

func (f frozen) Commit(ctx context.Context) error {
	close(f.in.freezes)
	<-f.in.wakes
	return f.Tx.Commit(ctx)
}

// An erasure, or the making of keys, whose process has frozen right before its
// commit keeps the others waiting for so long only. It has come to nothing then,
// and says so.
func TestFrozenKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*vault.Vault) error{
		"erasure": func(v *vault.Vault) error { return v.Erase(context.Background(), "hg-cho", "p-1", vault.ScopeContact) },
		"keys": func(v *vault.Vault) error {
			_, err := v.Sealer(context.Background(), []vault.Ref{person})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := testdb.Database(t, "vault", migrate)
			pool, err := pgxpool.New(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			sleeper := freezing{pool, make(chan struct{}), make(chan struct{})}
			v, err := vault.Open(t.Context(), sleeper, master(t))
			if err != nil {
				t.Fatal(err)
			}
			v.HoldMost = 100 * time.Millisecond
			done := make(chan error, 1)
			go func() { done <- do(v) }()
			<-sleeper.freezes
			others, err := pgxpool.New(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer others.Close()
			other, err := vault.Open(t.Context(), others, master(t))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			release, err := other.Hold(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			k, err := other.Sealer(ctx, []vault.Ref{person})
			if err != nil {
				t.Fatal(err)
			}
			if k.Erased("hg-cho", "p-1", events.Contact) {
				t.Error("erased by what was never committed")
			}
			close(sleeper.wakes)
			if err := <-done; err == nil {
				t.Error("it is told to be done, and was not")
			}
		})
	}
}

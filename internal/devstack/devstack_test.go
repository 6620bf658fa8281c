package devstack_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack"
)

func open(t testing.TB, dir string) *devstack.Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	s, err := devstack.Open(ctx, devstack.Options{Dir: dir, Log: testLog(t)})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { closeStack(t, s) })
	return s
}

func closeStack(t testing.TB, s *devstack.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func query[T any](t testing.TB, url, sql string) (v T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func exec(t testing.TB, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestOpenCloseOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	if !s.Owned() || len(s.KafkaBrokers()) != 1 {
		t.Errorf("owned %v, brokers %v", s.Owned(), s.KafkaBrokers())
	}
	exec(t, s.DatabaseURL(), `CREATE TABLE stalls (name text); INSERT INTO stalls VALUES ('A12')`)
	closeStack(t, s)
	if _, err := os.Stat(filepath.Join(dir, "stack.json")); !os.IsNotExist(err) {
		t.Errorf("stack.json after Close: %v", err)
	}
	began := time.Now()
	s = open(t, dir)
	t.Logf("second start: %v", time.Since(began))
	if n := query[int](t, s.DatabaseURL(), `SELECT count(*) FROM stalls`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

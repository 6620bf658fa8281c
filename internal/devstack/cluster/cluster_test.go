package cluster

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Fetching needs the network; run with SOCHO_TEST_NETWORK=1.
func TestFetch(t *testing.T) {
	if os.Getenv("SOCHO_TEST_NETWORK") == "" {
		t.Skip("needs the network; set SOCHO_TEST_NETWORK=1")
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // the account of the server runs the programs
	}
	opts := Options{Dir: dir, Throwaway: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	b, err := fetch(ctx, opts, filepath.Join(dir, "pgsql"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "pgsql", "fetch-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	s, err := Start(ctx, opts) // finds what was fetched before what is installed
	if err != nil {
		t.Fatal(err)
	}
	if s.Version() != b.major {
		t.Errorf("runs %d, fetched %d", s.Version(), b.major)
	}
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func TestFetchOfAnUnknownVersion(t *testing.T) {
	t.Parallel()
	_, err := fetch(t.Context(), Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}, filepath.Join(t.TempDir(), "pgsql"), 9)
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL 9") {
		t.Error(err)
	}
}

func TestFailingServerIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true, Settings: map[string]string{"shared_buffers": "a lot"}})
	if !errors.Is(err, ErrPostgresFailed) || !strings.Contains(err.Error(), "shared_buffers") {
		t.Errorf("%v", err)
	}
}

func TestStartIsAbandoned(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	dir := t.TempDir()
	if _, err := Start(ctx, Options{Dir: dir, Throwaway: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); !os.IsNotExist(err) {
		t.Errorf("half a cluster took the place of a whole one: %v", err)
	}
	s, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureDatabase(t.Context(), `odd "name`); err != nil {
		t.Error(err)
	}
	if err := s.EnsureDatabase(t.Context(), `odd "name`); err != nil {
		t.Error(err)
	}
	// No time left to stop in order: it is stopped at once, and starts again.
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(done); err != nil {
		t.Error(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err = Start(t.Context(), Options{Dir: dir, Throwaway: true}); err != nil {
		t.Fatal(err)
	}
	_ = s.Stop(t.Context())
}

func TestBar(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b", "c")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := root; d != "/"; d = filepath.Dir(d) {
		if st, err := os.Stat(d); err == nil && st.Mode().Perm()&1 == 0 {
			_ = os.Chmod(d, 0o755)
		}
	}
	a := account{uid: 12345, gid: 12345, name: "nobody", other: true}
	if got := a.bar(dir); got != "" {
		t.Errorf("barred by %s", got)
	}
	_ = os.Chmod(filepath.Join(root, "a", "b"), 0o750)
	if got := a.bar(dir); got != filepath.Join(root, "a", "b") {
		t.Errorf("barred by %q", got)
	}
}

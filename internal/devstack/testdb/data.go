package testdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"socho/internal/devstack"
	"socho/internal/devstack/cluster"
)

// stocks are the data directories that Data copies, by name.
var stocks struct {
	sync.Mutex
	named map[string]*stock
}

type stock struct {
	once     sync.Once
	dir      string
	err      error
	watchdog io.Closer // held open for as long as we live; kept here so that it is not collected
}

// Data is a data directory like Dir for package devstack, whose PostgreSQL is there already, with a database that
// migrate has prepared: a copy of one made once in this test binary, which takes a tenth of what it takes each test to
// make its own. A test that is about beginning with nothing takes Dir.
//
// The name stands for what migrate does, as with Database.
func Data(t testing.TB, name string, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	stocks.Lock()
	if stocks.named == nil {
		stocks.named = map[string]*stock{}
	}
	s := stocks.named[name]
	if s == nil {
		s = &stock{}
		stocks.named[name] = s
	}
	stocks.Unlock()
	s.once.Do(func() { s.err = s.fill(migrate) })
	if s.err != nil {
		t.Fatalf("testdb: preparing data %q: %v", name, s.err)
	}
	dir := Dir(t)
	// With their owner: as root, the cluster belongs to PostgreSQL's account.
	if out, err := exec.Command("cp", "-Rp", filepath.Join(s.dir, "postgres"), dir).CombinedOutput(); err != nil {
		t.Fatalf("testdb: copying data %q: %v: %s", name, err, out)
	}
	return dir
}

// fill makes the directory that is copied, and stops its PostgreSQL in order.
func (s *stock) fill(migrate func(ctx context.Context, url string) error) (err error) {
	if s.dir, err = os.MkdirTemp(tempRoot(), "socho-testdb-"); err != nil {
		return err
	}
	// The watchdog comes first: from here on nothing can be left behind.
	if s.watchdog, err = startWatchdog(s.dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	server, err := cluster.Start(ctx, cluster.Options{Dir: s.dir, Throwaway: true})
	if err != nil {
		return err
	}
	if err = server.EnsureDatabase(ctx, devstack.Database); err == nil {
		err = migrate(ctx, server.URL(devstack.Database))
	}
	if stopped := server.Stop(ctx); stopped != nil {
		err = errors.Join(err, fmt.Errorf("stopping it: %w", stopped))
	}
	return err
}

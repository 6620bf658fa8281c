package testdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack"
	"socho/internal/devstack/testdb"
)

var migrated atomic.Int32

func migrate(ctx context.Context, url string) error {
	migrated.Add(1)
	return stalls(ctx, url)
}

func stalls(ctx context.Context, url string) error {
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

// Each data directory is a stack's own: what one adds, the other does not have.
func TestEachTestHasItsOwnData(t *testing.T) {
	t.Parallel()
	var migrations atomic.Int32
	for range 2 {
		stack, err := devstack.Open(t.Context(), devstack.Options{Dir: testdb.Data(t, "stalls", func(ctx context.Context, url string) error {
			migrations.Add(1)
			return stalls(ctx, url)
		})})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), stack.DatabaseURL())
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(t.Context(), `WITH new AS (INSERT INTO stalls VALUES ('B1')) SELECT count(*) FROM stalls`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		if err := errors.Join(conn.Close(t.Context()), stack.Close(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if n := migrations.Load(); n != 1 {
		t.Errorf("migrated %d times", n)
	}
}

func BenchmarkDatabase(b *testing.B) {
	testdb.Database(b, "stalls", migrate)
	for b.Loop() {
		testdb.Database(b, "stalls", migrate)
	}
}

func TestBroker(t *testing.T) {
	t.Parallel()
	a, b := testdb.Broker(t), testdb.Broker(t)
	if len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("%v, %v", a, b)
	}
}

// Killing the test binary leaves neither PostgreSQL nor its folder behind.
func TestNothingIsLeftBehind(t *testing.T) {
	if os.Getenv("SOCHO_TEST_HANG") != "" {
		fmt.Println(testdb.Database(t, "stalls", migrate))
		select {}
	}
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	cmd := exec.Command(exe, "-test.run", "^TestNothingIsLeftBehind$")
	cmd.Env = append(os.Environ(), "SOCHO_TEST_HANG=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "postgres://") {
		t.Errorf("the hanging test says %q", lines.Text())
	}
	b, err := os.ReadFile(firstMatch(t, filepath.Join(temp, "socho-testdb-*", "postgres", "postmaster.pid")))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	_, _ = fmt.Sscan(string(b), &pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, _ := filepath.Glob(filepath.Join(temp, "*"))
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		gone := err != nil || strings.Contains(string(state), ") Z ")
		if len(left) == 0 && gone {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left behind: %v, PostgreSQL %d gone: %v", left, pid, gone)
		}
	}
}

func firstMatch(t *testing.T, pattern string) string {
	t.Helper()
	found, _ := filepath.Glob(pattern)
	if len(found) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	return found[0]
}

// Package testdb gives tests a real PostgreSQL and a real Kafka protocol, quickly and without leaving anything behind.
//
// Each test binary gets one private cluster, started by the first test that asks and shared by all (syncing nothing
// to disk). Each test gets a database of its own, cloned from a template that was migrated once:
//
//	func TestPosting(t *testing.T) {
//		t.Parallel()
//		url := testdb.Database(t, "ledger", postgres.Migrate) // func(ctx context.Context, url string) error
//		brokers := testdb.Broker(t)
//		…
//	}
//
// No TestMain is needed. The cluster ends with the test binary, also when that is killed: the kernel tells PostgreSQL,
// and a small watchdog process removes the folder.
package testdb

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kfake"

	"socho/internal/devstack/cluster"
)

// server is the one cluster of this test binary.
var server struct {
	once      sync.Once
	s         *cluster.Server
	err       error
	watchdog  io.Closer // held open for as long as we live; kept here so that it is not collected
	mu        sync.Mutex
	templates map[string]*template
	next      int
}

type template struct {
	once sync.Once
	name string
	err  error
}

// Database returns the URL of a new database for this test alone. It is a copy of the template of that name, which
// migrate has prepared once in this test binary; with a nil migrate it is empty. The database is dropped when the test
// ends, whoever is still connected. A test that cannot have one fails.
//
// The name of a template stands for what migrate does: two different functions need two names.
func Database(t testing.TB, name string, migrate func(ctx context.Context, url string) error) (url string) {
	t.Helper()
	ctx := context.Background()
	s := start(t)

	server.mu.Lock()
	tp := server.templates[name]
	if tp == nil {
		tp = &template{name: fmt.Sprintf("template_%d", len(server.templates))}
		server.templates[name] = tp
	}
	server.next++
	db := fmt.Sprintf("test_%d", server.next)
	server.mu.Unlock()

	tp.once.Do(func() { tp.err = prepare(ctx, s, tp.name, migrate) })
	if tp.err != nil {
		t.Fatalf("testdb: preparing template %q: %v", name, tp.err)
	}
	how := ""
	if s.Version() >= 15 {
		how = " STRATEGY FILE_COPY" // with nothing synced a tenth of the time of the default, which goes through the log
	}
	if err := execute(ctx, s, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s%s`, db, tp.name, how)); err != nil {
		t.Fatalf("testdb: creating a database from template %q: %v", name, err)
	}
	t.Cleanup(func() {
		if err := execute(ctx, s, fmt.Sprintf(`DROP DATABASE IF EXISTS %s WITH (FORCE)`, db)); err != nil {
			t.Errorf("testdb: %v", err)
		}
	})
	return s.URL(db)
}

// prepare makes a template: a database that migrate has filled and that nobody may connect to any more, since
// PostgreSQL copies only databases that are not in use.
func prepare(ctx context.Context, s *cluster.Server, name string, migrate func(context.Context, string) error) error {
	if err := execute(ctx, s, "CREATE DATABASE "+name); err != nil {
		return err
	}
	if migrate != nil {
		if err := migrate(ctx, s.URL(name)); err != nil {
			return err
		}
	}
	return execute(ctx, s,
		"ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'",
	)
}

func execute(ctx context.Context, s *cluster.Server, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, q := range statements {
		if _, err := conn.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// Broker returns the address of a Kafka broker for this test alone. It keeps everything in memory and creates topics
// on request only.
func Broker(t testing.TB) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}))
	if err != nil {
		t.Fatalf("testdb: starting a broker: %v", err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

// Dir is a temporary folder like t.TempDir, for tests that write much: in memory where this machine has room for that.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := Folder()
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("testdb: %v", err)
		}
	})
	return dir
}

// Folder is one like Dir that outlives a test: whoever asks for it removes it.
func Folder() (string, error) { return os.MkdirTemp(tempRoot(), "socho-test-") }

// tempRoot is where temporary folders go: wherever TMPDIR says, else into memory if 4 GB are free there, else "",
// which is the system's default.
func tempRoot() string {
	const memory = "/dev/shm"
	if os.Getenv("TMPDIR") != "" {
		return ""
	}
	free, err := freeBytes(memory)
	if err != nil || free < 4<<30 {
		return ""
	}
	probe, err := os.MkdirTemp(memory, "socho-test-")
	if err != nil {
		return ""
	}
	_ = os.Remove(probe)
	return memory
}

func start(t testing.TB) *cluster.Server {
	t.Helper()
	server.once.Do(func() {
		server.templates = make(map[string]*template)
		server.s, server.err = startServer()
	})
	if server.err != nil {
		t.Fatalf("testdb: %v", server.err)
	}
	return server.s
}

func startServer() (*cluster.Server, error) {
	dir, err := os.MkdirTemp(tempRoot(), "socho-testdb-")
	if err != nil {
		return nil, err
	}
	// The watchdog comes first: from here on nothing can be left behind.
	if server.watchdog, err = startWatchdog(dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return cluster.Start(ctx, cluster.Options{Dir: dir, Throwaway: true})
}

// watchdogScript waits until the test binary is gone, which it sees by the end of its input, then makes sure that
// PostgreSQL is gone too and removes the folder and, where there is one, the folder of the socket.
const watchdogScript = `
dir=$1
read -r line
pid=$(head -n 1 "$dir/postgres/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	n=0
	while kill -0 "$pid" 2>/dev/null && [ -e "$dir/postgres/postmaster.pid" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
	[ $n -lt 50 ] || kill -KILL "$pid" 2>/dev/null
fi
socket=$(cat "$dir/socket-folder" 2>/dev/null)
case "$socket" in */socho-pg-*) rm -rf "$socket" ;; esac
rm -rf "$dir"
`

// startWatchdog starts it in a process group of its own, so that Ctrl-C does not reach it before its work is done.
func startWatchdog(dir string) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog of %s: %w", strings.TrimSpace(dir), err)
	}
	return in, nil
}

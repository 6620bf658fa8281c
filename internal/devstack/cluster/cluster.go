// Package cluster runs a private PostgreSQL server: one cluster of files, one supervised server process, reachable
// over a Unix socket that nobody else can open. It knows nothing of ledgers or of Kafka; devstack uses it for the
// embedded default, testdb for tests.
//
//	s, err := cluster.Start(ctx, cluster.Options{Dir: "/srv/socho/data"})
//	if err != nil { … }                       // *cluster.Error: what happened and what to do
//	defer s.Stop(context.Background())
//	err = s.EnsureDatabase(ctx, "socho")
//	conn, err := pgx.Connect(ctx, s.URL("socho"))
//
// # Files
//
//	Dir/postgres/            the cluster (0700, belongs to the account that the server runs under)
//	Dir/postgres.new/        a cluster being created; a left-over is removed and created anew
//	Dir/postgres.incomplete-TIME/  a folder found at Dir/postgres that was never a finished cluster, moved aside
//	Dir/postgres.log         the server's log, without statements and values (0600)
//	Dir/run/                 the socket (0700), unless its path would be too long: then a private temporary folder
//	Dir/pgsql/               PostgreSQL itself, only where none was installed and one was fetched
//
// # The account
//
// PostgreSQL refuses to run as root. Started by root, the server runs under the account that owns the cluster, and a
// new cluster belongs to "postgres" or else "nobody". Where that account cannot enter Dir (a folder of root, 0700),
// the server is handed its folder already opened instead of a path, so that nobody's folders need other permissions.
//
// # Processes
//
// The server runs in its own process group, so Ctrl-C in a terminal reaches us first. When it dies it is started
// again. When we die, the kernel tells it to shut down; one that is still there at the next start is stopped first.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say where a cluster lives and how it runs.
type Options struct {
	// Dir is the folder described in the package comment. Required; created if need be.
	Dir string
	// Throwaway trades all safety for speed: nothing is synced to disk. For tests.
	Throwaway bool
	// Settings are added to the server's own, and win over them.
	Settings map[string]string
	// Log is told of starts, stops and restarts. Default: nothing is logged.
	Log *slog.Logger
	// BinDir names the folder of the PostgreSQL programs instead of looking for them.
	BinDir string
}

// Server is a running PostgreSQL server.
type Server struct {
	opts      Options
	bin       binaries
	acct      account
	dataDir   string
	socketDir string
	tempDir   string // the socket's folder, where it is a temporary one: removed at the end
	closed    bool   // the account cannot enter Dir: see package comment
	log       *slog.Logger

	mu       sync.Mutex
	process  *os.Process
	stopping bool
	stop     chan struct{} // closed when Stop is asked for
	done     chan struct{} // closed when the supervisor has ended
	failure  chan error    // the supervisor gave up before the server was ever ready
	ready    chan struct{} // closed when the server has answered for the first time
}

// Start finds PostgreSQL, creates the cluster unless it is there, stops an orphan of an earlier process, starts the
// server and waits until it answers. The caller must make sure that no other process does the same with this folder.
//
// A crash during Start leaves either no cluster (and a postgres.new, which the next Start removes) or a finished one.
//
// Errors are *Error: no_postgres, folder_closed, cluster_damaged, cluster_version, cluster_foreign, cluster_busy,
// postgres_failed.
func Start(ctx context.Context, opts Options) (_ *Server, err error) {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("cluster: data folder %s: %w", opts.Dir, err)
	}
	opts.Dir = dir
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if err := MakeDir(dir); err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, dataDir: filepath.Join(dir, "postgres"), log: opts.Log,
		stop: make(chan struct{}), done: make(chan struct{}), failure: make(chan error, 1), ready: make(chan struct{}),
	}
	if err := s.setAside(); err != nil {
		return nil, err
	}
	if s.acct, err = accountFor(s.dataDir); err != nil {
		return nil, err
	}
	if s.closed, err = s.acct.lockedOut(dir); err != nil {
		return nil, err
	}
	major, err := clusterVersion(s.dataDir)
	if err != nil {
		return nil, err
	}
	if s.bin, err = findBinaries(ctx, opts, s.closed, major); err != nil {
		return nil, err
	}
	if major == 0 {
		if err := s.create(ctx); err != nil {
			return nil, err
		}
	} else if err := s.stopOrphan(ctx); err != nil {
		return nil, err
	}
	if err := s.makeSocketDir(); err != nil {
		return nil, err
	}
	logFile, err := s.openLog()
	if err != nil {
		s.removeTempDir()
		return nil, err
	}
	go s.supervise(logFile)
	if err := s.awaitReady(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopCtx))
	}
	return s, nil
}

// MakeDir creates a data folder unless it exists. It belongs to us alone, but as root the account of PostgreSQL must
// be able to pass through it. An existing folder is left as it is.
func MakeDir(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return &Error{Code: "folder_closed", Err: err, Message: "cannot create the data folder " + dir + "; choose another with --data"}
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return &Error{Code: "folder_closed", Err: err, Message: "cannot create the data folder " + dir + "; choose another with --data"}
	}
	return nil
}

// URL is the address of one of the cluster's databases for its superuser, over the socket. It stays the same as long
// as the Server runs, also when PostgreSQL is started again in between.
func (s *Server) URL(database string) string { return socketURL(s.socketDir, database) }

func socketURL(socketDir, database string) string {
	q := url.Values{"host": {socketDir}, "port": {"5432"}, "user": {"postgres"}, "sslmode": {"disable"}}
	return "postgres:///" + url.PathEscape(database) + "?" + q.Encode()
}

// Version is PostgreSQL's major version.
func (s *Server) Version() int { return s.bin.major }

// SocketDir is the folder of the socket.
func (s *Server) SocketDir() string { return s.socketDir }

// PID is the server's process id at this moment, 0 while it is being started again.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// EnsureDatabase creates a database unless it exists. A crash before the commit leaves none.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("cluster: connecting to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil {
		return fmt.Errorf("cluster: looking for database %s: %w", name, err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("cluster: creating database %s: %w", name, err)
	}
	return nil
}

// Stop shuts the server down: connections are ended, everything is written, the next start needs no recovery. When
// ctx ends before that, the server is told to stop at once, and the next start recovers from its log; committed work
// is safe either way. Stopping twice is fine.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.stop)
	}
	p := s.process
	s.mu.Unlock()
	defer s.removeTempDir()

	if p != nil {
		_ = p.Signal(fastShutdown)
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	// Too slow, or the caller has no time left: immediate shutdown, then the hard way.
	for _, sig := range []os.Signal{immediateShutdown, os.Kill} {
		if p != nil {
			_ = p.Signal(sig)
		}
		select {
		case <-s.done:
			s.log.Warn("PostgreSQL did not stop in time and was stopped at once; its next start recovers from its log")
			return nil
		case <-time.After(5 * time.Second):
		}
	}
	return &Error{Code: "cluster_busy", Message: fmt.Sprintf("PostgreSQL (process %d) does not stop; end it by hand: kill -9 %d", s.PID(), s.PID())}
}

// run executes one of PostgreSQL's programs to its end, under the right account. What it printed is part of the error.
func (s *Server) run(ctx context.Context, dataDir string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin.dir, name))
	release, pgdata, err := s.enter(cmd, dataDir)
	if err != nil {
		return err
	}
	defer release()
	cmd.Args = append(cmd.Args, "-D", pgdata)
	cmd.Args = append(cmd.Args, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", name, context.Cause(ctx))
		}
		return fmt.Errorf("%s: %w: %s", name, err, lastLines(string(out), 3))
	}
	return nil
}

// enter makes cmd run under the server's account, inside dataDir. It returns the path under which the program is to
// know its data folder, and a function to call once the program has started (or failed to).
func (s *Server) enter(cmd *exec.Cmd, dataDir string) (release func(), pgdata string, err error) {
	cmd.Env = environment()
	cmd.Dir = "/" // wherever we were started may be closed to the account
	s.acct.apply(cmd)
	if !s.closed {
		return func() {}, dataDir, nil
	}
	// The account cannot walk to the folder by its path, but we can. We open it and hand it down as descriptor 3;
	// /proc/self/fd/3 is then a path to it that works for the program and for each of its own children.
	f, err := os.Open(dataDir)
	if err != nil {
		return nil, "", fmt.Errorf("cluster: opening %s: %w", dataDir, err)
	}
	cmd.ExtraFiles = []*os.File{f}
	return func() { _ = f.Close() }, "/proc/self/fd/3", nil
}

// environment is what PostgreSQL's programs get to see of ours: nothing that could change where they look for data.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

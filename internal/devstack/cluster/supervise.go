package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	fastShutdown      = syscall.SIGINT  // end connections, checkpoint, stop
	immediateShutdown = syscall.SIGQUIT // stop now, recover at the next start
)

// attempts is how often in a row a server that never answered may end before Start gives up.
const attempts = 5

// settings are given on the command line at each start, so that they hold whatever the cluster's own files say.
func (s *Server) settings() []string {
	set := map[string]string{
		// Reachable through the socket only, and that stands in a folder that only we may enter.
		"listen_addresses":        "",
		"unix_socket_directories": s.socketDir,
		"unix_socket_permissions": "0700",
		"port":                    "5432",
		// What is committed is on disk.
		"fsync":              "on",
		"synchronous_commit": "on",
		"full_page_writes":   "on",
		// One machine, one application.
		"shared_buffers":       "256MB",
		"max_connections":      "100",
		"wal_compression":      "on",
		"max_wal_size":         "2GB",
		"checkpoint_timeout":   "15min",
		"jit":                  "off",
		"timezone":             "UTC",
		"log_timezone":         "UTC",
		"dynamic_library_path": "$libdir",
		// No statement, value or row ever reaches the log: a failed statement goes to the client alone.
		"logging_collector":                 "off",
		"log_destination":                   "stderr",
		"log_line_prefix":                   "%m [%p] ",
		"log_statement":                     "none",
		"log_min_messages":                  "log",
		"log_min_error_statement":           "panic",
		"log_error_verbosity":               "terse",
		"log_min_duration_statement":        "-1",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
		"log_checkpoints":                   "off",
		"log_autovacuum_min_duration":       "-1",
		"cluster_name":                      "socho",
	}
	if s.opts.Throwaway {
		maps.Copy(set, map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB",
			"max_connections": "200", "max_wal_size": "512MB", "autovacuum": "off"})
	}
	maps.Copy(set, s.opts.Settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

// openLog opens the server's log for appending. One that has grown large is put aside first, at a start only.
func (s *Server) openLog() (*os.File, error) {
	path := filepath.Join(s.opts.Dir, "postgres.log")
	if st, err := os.Stat(path); err == nil && st.Size() > 16<<20 {
		_ = os.Rename(path, path+".1")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &Error{Code: ErrFolderClosed.Code, Err: err, Message: "cannot write PostgreSQL's log in " + s.opts.Dir}
	}
	return f, nil
}

// supervise starts the server, and starts it again whenever it ends without having been asked to.
//
// The goroutine keeps its operating-system thread to the end: the kernel's promise to signal a child when its parent
// dies is in truth about the thread that started it.
func (s *Server) supervise(logFile *os.File) {
	runtime.LockOSThread()
	defer close(s.done)
	defer logFile.Close()

	const longest = 5 * time.Second
	pause := 100 * time.Millisecond
	for failures := 1; ; failures++ {
		began := time.Now()
		mark, _ := logFile.Seek(0, io.SeekEnd)
		err := s.runOnce(logFile)
		s.mu.Lock()
		s.process = nil
		stopping := s.stopping
		s.mu.Unlock()
		if stopping {
			return
		}
		select {
		case <-s.ready:
			if time.Since(began) > 10*time.Second {
				pause, failures = 100*time.Millisecond, 1
			}
			s.log.Warn("PostgreSQL ended by itself; starting it again", "how", err, "after", time.Since(began).Round(time.Millisecond),
				"pause", pause, "log", logFile.Name())
		default:
			if failures >= attempts {
				s.failure <- fmt.Errorf("%w; the end of %s: %s", err, logFile.Name(), tail(logFile, mark))
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-s.stop:
			return
		}
		pause = min(2*pause, longest)
		s.removeStale()
	}
}

// runOnce runs the server to its end and says how it ended.
func (s *Server) runOnce(logFile *os.File) error {
	cmd := exec.Command(filepath.Join(s.bin.dir, "postgres"))
	release, pgdata, err := s.enter(cmd, s.dataDir)
	if err != nil {
		return err
	}
	defer release()
	cmd.Args = append(cmd.Args, "-D", pgdata)
	cmd.Args = append(cmd.Args, s.settings()...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr.Setpgid = true // Ctrl-C in a terminal is for us; we then stop the server in order
	s.dieWithParent(cmd)

	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil
	}
	err = cmd.Start()
	if err == nil {
		s.process = cmd.Process
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// awaitReady waits until the server answers. Recovery after a crash can take its time; a server that ends again and
// again is an error.
func (s *Server) awaitReady(ctx context.Context) error {
	cfg, err := pgx.ParseConfig(s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	cfg.ConnectTimeout = 5 * time.Second
	began := time.Now()
	for {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err == nil {
			_ = conn.Close(ctx)
			close(s.ready)
			s.log.Info("PostgreSQL is up", "version", s.bin.major, "pid", s.PID(), "user", s.acct.name, "took", time.Since(began).Round(time.Millisecond))
			return nil
		}
		select {
		case err := <-s.failure:
			return &Error{Code: ErrPostgresFailed.Code, Err: err, Message: "PostgreSQL does not start in " + s.dataDir}
		case <-ctx.Done():
			return fmt.Errorf("cluster: waiting for PostgreSQL: %w", context.Cause(ctx))
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// tail is the end of what was logged since mark.
func tail(f *os.File, mark int64) string {
	st, err := f.Stat()
	if err != nil {
		return ""
	}
	mark = max(mark, st.Size()-4096)
	b, _ := io.ReadAll(io.NewSectionReader(f, mark, st.Size()-mark))
	return lastLines(string(b), 4)
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmaster is the process id in the cluster's postmaster.pid, if that file is there and can be read. Whether that
// process is a PostgreSQL, and ours, is another question: ids are used again.
func (s *Server) postmaster() (pid int, ok bool) {
	b, err := os.ReadFile(filepath.Join(s.dataDir, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	return pid, err == nil && pid > 1
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isOurs tells whether pid is a running PostgreSQL that works in our cluster.
func (s *Server) isOurs(pid int) bool { return alive(pid) && isPostgresIn(pid, s.dataDir) }

// removeStale removes a postmaster.pid whose process id has been given to another program: PostgreSQL would take that
// for a running server and refuse to start. One whose process is simply gone it removes by itself. Either way it
// still checks that no process uses the cluster's shared memory.
func (s *Server) removeStale() {
	if pid, ok := s.postmaster(); ok && alive(pid) && !s.isOurs(pid) {
		_ = os.Remove(filepath.Join(s.dataDir, "postmaster.pid"))
		_ = os.Remove(filepath.Join(s.socketDir, socketName+".lock"))
	}
}

// stopOrphan ends a server that an earlier, killed process of ours left running, so that it can be started again
// with our settings and under our eyes. The caller holds the lock of the data folder, so whoever runs in this
// cluster has no owner any more. Errors: cluster_busy.
func (s *Server) stopOrphan(ctx context.Context) error {
	pid, ok := s.postmaster()
	if !ok {
		return nil
	}
	if !s.isOurs(pid) {
		s.removeStale()
		return nil
	}
	s.log.Info("a PostgreSQL of an earlier run is still there; stopping it", "pid", pid)
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{fastShutdown, 30 * time.Second}, {immediateShutdown, 10 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return &Error{Code: ErrClusterBusy.Code, Err: err, Message: fmt.Sprintf(
				"a PostgreSQL of an earlier run (process %d) uses %s and cannot be stopped; end it by hand: kill -INT %d", pid, s.dataDir, pid)}
		}
		for end := time.Now().Add(step.wait); time.Now().Before(end); {
			if !s.isOurs(pid) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("cluster: waiting for PostgreSQL of an earlier run (process %d) to stop: %w", pid, context.Cause(ctx))
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return &Error{Code: ErrClusterBusy.Code, Message: fmt.Sprintf(
		"a PostgreSQL of an earlier run (process %d) uses %s and does not stop; end it by hand: kill -9 %d", pid, s.dataDir, pid)}
}

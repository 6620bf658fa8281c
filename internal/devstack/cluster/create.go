package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// marker is the file inside a cluster which says that initdb once came to its end. It tells a folder that was never
// finished from a cluster that has been damaged since: the one may be replaced, the other never.
const marker = "SOCHO_CLUSTER"

// clusterVersion is the major version of the cluster at dataDir, 0 when there is none. Errors: cluster_damaged.
func clusterVersion(dataDir string) (int, error) {
	if _, err := os.Stat(dataDir); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	damaged := func(err error) (int, error) {
		return 0, &Error{Code: ErrClusterDamaged.Code, Err: err, Message: fmt.Sprintf(
			"the PostgreSQL cluster %s is damaged; restore it from a backup, or move the folder away: the ledger is then rebuilt from the log, "+
				"but keys and sign-ins are lost", dataDir)}
	}
	b, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION"))
	if err != nil {
		return damaged(err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return damaged(fmt.Errorf("PG_VERSION: %w", err))
	}
	if _, err := os.Stat(filepath.Join(dataDir, "global", "pg_control")); err != nil {
		return damaged(err)
	}
	return major, nil
}

// setAside clears the way for a new cluster: what an interrupted initdb left behind is removed, and a folder in the
// cluster's place that was never a finished cluster is renamed, not removed, since we did not put it there.
func (s *Server) setAside() error {
	if err := os.RemoveAll(s.dataDir + ".new"); err != nil {
		return fmt.Errorf("cluster: removing the rest of an interrupted start: %w", err)
	}
	if _, err := os.Lstat(s.dataDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(s.dataDir, marker)); err == nil {
		return nil
	} else if errors.Is(err, os.ErrPermission) {
		return nil // someone else's: accountFor says so
	}
	if _, err := os.Stat(filepath.Join(s.dataDir, "global", "pg_control")); err == nil {
		if _, err := clusterVersion(s.dataDir); err == nil {
			return nil // a cluster made by other means; take it as it is
		}
	}
	aside := s.dataDir + ".incomplete-" + time.Now().UTC().Format("20060102T150405.000")
	// A crash after the rename leaves no cluster; the next start creates one.
	if err := os.Rename(s.dataDir, aside); err != nil {
		return fmt.Errorf("cluster: moving an unfinished cluster aside: %w", err)
	}
	s.log.Warn("the PostgreSQL folder was never finished; it is moved aside and created anew", "moved_to", aside)
	return nil
}

// create makes the cluster, beside its final place, and moves it there once it is complete and on disk.
func (s *Server) create(ctx context.Context) error {
	began := time.Now()
	fresh := s.dataDir + ".new"
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if err := s.acct.own(fresh); err != nil {
		return err
	}
	args := []string{"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"}
	if s.opts.Throwaway {
		args = append(args, "--no-sync")
	}
	// A crash until the rename leaves postgres.new, which the next start removes.
	if err := s.run(ctx, fresh, "initdb", args...); err != nil {
		_ = os.RemoveAll(fresh)
		return &Error{Code: ErrPostgresFailed.Code, Err: err, Message: "the PostgreSQL cluster could not be created in " + s.opts.Dir}
	}
	mark := filepath.Join(fresh, marker)
	if err := writeSynced(mark, []byte("Created whole by socho. Do not remove: see internal/devstack/cluster.\n")); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if err := s.acct.own(mark); err != nil {
		return err
	}
	if err := errors.Join(syncDir(fresh), os.Rename(fresh, s.dataDir), syncDir(s.opts.Dir)); err != nil {
		return fmt.Errorf("cluster: putting the new cluster in its place: %w", err)
	}
	// A crash from here on leaves a finished, empty cluster.
	s.log.Info("PostgreSQL cluster created", "folder", s.dataDir, "version", s.bin.major, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func freePort() (uint32, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return uint32(l.Addr().(*net.TCPAddr).Port), nil
}

// maxSocketPath is what fits into the address of a Unix socket (sun_path), less its final zero.
const maxSocketPath = 107

const socketName = ".s.PGSQL.5432"

// makeSocketDir prepares the folder of the socket: Dir/run, or a temporary one where that path is too long or closed
// to the server's account. What an earlier server left in it is removed: we hold the cluster, so nobody listens there.
func (s *Server) makeSocketDir() error {
	dir := filepath.Join(s.opts.Dir, "run")
	s.forgetTempDir()
	if !s.closed && len(filepath.Join(dir, socketName)) <= maxSocketPath {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("cluster: creating the socket's folder: %w", err)
		}
		left, _ := filepath.Glob(filepath.Join(dir, socketName+"*"))
		for _, f := range left {
			_ = os.Remove(f)
		}
		s.socketDir = dir
		return s.acct.own(dir)
	}
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if s.acct.other && !s.acct.canEnter(base) {
			continue
		}
		temp, err := os.MkdirTemp(base, "socho-pg-")
		if err != nil {
			continue
		}
		if len(filepath.Join(temp, socketName)) > maxSocketPath {
			_ = os.Remove(temp)
			continue
		}
		// A crash after this leaves an empty folder, or one with a dead socket; its name is noted, so that the next
		// start removes it.
		if err := errors.Join(s.acct.own(temp), writeSynced(s.tempNote(), []byte(temp))); err != nil {
			_ = os.Remove(temp)
			return fmt.Errorf("cluster: preparing the socket's folder: %w", err)
		}
		s.socketDir, s.tempDir = temp, temp
		return nil
	}
	return &Error{Code: ErrFolderClosed.Code, Message: fmt.Sprintf(
		"no folder for PostgreSQL's socket: the path of %s is too long for one (%d bytes at most) or closed to user %s, and so are the temporary folders; choose a shorter --data or set TMPDIR",
		dir, maxSocketPath-len(socketName)-1, s.acct.name)}
}

func (s *Server) tempNote() string { return filepath.Join(s.opts.Dir, "socket-folder") }

// forgetTempDir removes the temporary socket folder of a process that could not do so itself.
func (s *Server) forgetTempDir() {
	b, err := os.ReadFile(s.tempNote())
	if err != nil {
		return
	}
	old := strings.TrimSpace(string(b))
	if filepath.IsAbs(old) && strings.HasPrefix(filepath.Base(old), "socho-pg-") {
		removeSocketDir(old)
	}
	_ = os.Remove(s.tempNote())
}

func (s *Server) removeTempDir() {
	if s.tempDir == "" {
		return
	}
	removeSocketDir(s.tempDir)
	_ = os.Remove(s.tempNote())
}

// removeSocketDir removes the socket, its lock file and the then empty folder; never anything else.
func removeSocketDir(dir string) {
	_ = os.Remove(filepath.Join(dir, socketName))
	_ = os.Remove(filepath.Join(dir, socketName+".lock"))
	_ = os.Remove(dir)
}

package simulation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack/cluster"
	"socho/internal/service"
)

// Host is what the runs of one process share: a temporary folder and a
// PostgreSQL of their own, which syncs nothing to disk. Its files are gone when
// it is closed.
type Host struct {
	dir       string
	cluster   *cluster.Server
	databases atomic.Int64
	sockets   atomic.Int64
}

const (
	template   = "simulation_template"
	serverPort = 5432 // of the socket that PostgreSQL itself listens on
)

// NewHost starts one. Errors: those of cluster.Start.
func NewHost(ctx context.Context) (_ *Host, err error) {
	h := &Host{}
	if h.dir, err = os.MkdirTemp(scratch(), "socho-simulate-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	h.cluster, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(h.dir, "cluster"), Throwaway: true,
		Settings: map[string]string{"max_connections": "600", "max_wal_size": "1GB",
			// Its write-ahead log is for nobody: kills are played on another PostgreSQL.
			"wal_level": "minimal", "max_wal_senders": "0", "wal_compression": "off",
			"update_process_title": "off", "bgwriter_lru_maxpages": "0"}})
	if err != nil {
		return nil, err
	}
	if err := h.cluster.EnsureDatabase(ctx, template); err != nil {
		return nil, err
	}
	if err := service.Migrate(ctx, h.cluster.URL(template)); err != nil {
		return nil, err
	}
	return h, h.execute(ctx, `ALTER DATABASE `+template+` WITH ALLOW_CONNECTIONS false`, quiet(template))
}

// Close ends PostgreSQL and removes the folder.
func (h *Host) Close() (err error) {
	if h.cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = h.cluster.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}

func (h *Host) execute(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, h.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to be said
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// quiet ends whatever is still connected to a database, since PostgreSQL copies
// only what is not in use.
func quiet(database string) string {
	return `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '` + database + `'`
}

// database makes a new one as a copy of another, and returns its name.
func (h *Host) database(ctx context.Context, from string) (string, error) {
	name := "simulation_" + strconv.FormatInt(h.databases.Add(1), 10)
	how := ""
	if h.cluster.Version() >= 15 {
		how = ` STRATEGY FILE_COPY` // nothing is synced, so files are faster than the log
	}
	return name, h.execute(ctx, quiet(from), `CREATE DATABASE `+name+` TEMPLATE `+from+how)
}

func (h *Host) drop(ctx context.Context, names ...string) error {
	var statements []string
	for _, name := range names {
		statements = append(statements, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
	}
	return h.execute(ctx, statements...)
}

// socket opens a way into PostgreSQL beside its own, in the same folder under
// another port, and returns how to name it in an address.
func (h *Host) socket() (net.Listener, string, error) {
	port := serverPort + h.sockets.Add(1)
	listener, err := net.Listen("unix", h.path(port))
	if err != nil {
		return nil, "", err
	}
	return listener, "host=" + h.cluster.SocketDir() + "&port=" + strconv.FormatInt(port, 10), nil
}

// path is the file of a port's socket.
func (h *Host) path(port int64) string {
	return filepath.Join(h.cluster.SocketDir(), ".s.PGSQL."+strconv.FormatInt(port, 10))
}

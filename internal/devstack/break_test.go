package devstack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack"
	"socho/internal/devstack/cluster"
	"socho/internal/devstack/testdb"
)

func TestSecondOwnerIsToldWhoTheFirstIs(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	o := startOwner(t, dir)

	began := time.Now()
	_, err := devstack.Open(t.Context(), devstack.Options{Dir: dir})
	var held *devstack.HeldError
	if !errors.Is(err, devstack.ErrHeld) || !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	if held.PID != o.pid() || time.Since(held.Since) > time.Minute || held.Web != "http://127.0.0.1:8080" {
		t.Errorf("%+v", held)
	}
	if !strings.Contains(err.Error(), strconv.Itoa(o.pid())) || !strings.Contains(err.Error(), held.Web) {
		t.Error(err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("took %v", d)
	}

	a, err := devstack.Attach(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if a.Owned() || a.Web() != held.Web || len(a.KafkaBrokers()) != 1 {
		t.Errorf("attached: %+v", a)
	}
	if v := query[int](t, a.DatabaseURL(), "SELECT 1"); v != 1 {
		t.Error(v)
	}
	if err := a.SetWeb("x"); err == nil {
		t.Error("an attached process changed the web address")
	}
	closeStack(t, a)
	if v := query[int](t, a.DatabaseURL(), "SELECT 1"); v != 1 { // still there
		t.Error(v)
	}

	// A clean end of the owner: the folder is free, nothing runs any more.
	pg := postmasterPID(t, dir)
	_ = o.in.Close()
	if err := o.cmd.Wait(); err != nil {
		t.Errorf("owner: %v", err)
	}
	if running(pg) {
		t.Error("PostgreSQL outlived a clean stop")
	}
	if _, err := devstack.Attach(t.Context(), dir); !errors.Is(err, devstack.ErrNotRunning) {
		t.Errorf("attach after the end: %v", err)
	}
}

func TestAttachToNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"nothing": "", "garbage": "{\"pid\": 1, \x00", "stale": `{"version":1,"pid":1,"kafka":["127.0.0.1:1"],"database":"postgres:///x"}`} {
		if content != "" {
			_ = os.WriteFile(filepath.Join(dir, "stack.json"), []byte(content), 0o600)
			_ = os.WriteFile(filepath.Join(dir, "lock"), []byte(`{"pid":1}`), 0o600)
		}
		if _, err := devstack.Attach(t.Context(), dir); !errors.Is(err, devstack.ErrNotRunning) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := devstack.Attach(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, devstack.ErrNotRunning) {
		t.Errorf("no folder: %v", err)
	}
}

func TestGarbageInStateIsReplaced(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	for _, f := range []string{"stack.json", "lock", "socket-folder"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("\x00{]garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	if got := readJSON(t, filepath.Join(dir, "stack.json")); got["pid"] != float64(os.Getpid()) || got["database"] != s.DatabaseURL() {
		t.Errorf("%v", got)
	}
	// While it runs, somebody overwrites it: attaching does not find its way, but does not believe it either.
	if err := os.WriteFile(filepath.Join(dir, "stack.json"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := devstack.Attach(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("attach: %v", err)
	}
	if err := s.SetWeb("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if a, err := devstack.Attach(t.Context(), dir); err != nil || a.Web() != "http://127.0.0.1:1" {
		t.Errorf("attach after SetWeb: %v", err)
	}
}

func TestOwnerKilled(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	o := startOwner(t, dir)
	a, err := devstack.Attach(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, a.DatabaseURL(), `CREATE TABLE stalls (name text); INSERT INTO stalls VALUES ('A12')`)
	pg := postmasterPID(t, dir)
	if pgid, _ := syscall.Getpgid(pg); pgid != pg {
		t.Errorf("PostgreSQL shares a process group: Ctrl-C would reach it")
	}
	o.kill()
	// At once, while the old PostgreSQL may still be there.
	s := open(t, dir)
	if n := query[int](t, s.DatabaseURL(), `SELECT count(*) FROM stalls`); n != 1 {
		t.Errorf("%d rows", n)
	}
	if running(pg) {
		t.Error("the old PostgreSQL is still there")
	}
}

// Without the kernel's help (or on another system) an orphan goes on running; the next owner stops it.
func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	pg := startPostgres(t, dir)
	s := open(t, dir)
	if running(pg) {
		t.Error("the orphan is still there")
	}
	if v := query[int](t, s.DatabaseURL(), "SELECT 1"); v != 1 {
		t.Error(v)
	}
}

// startPostgres runs a server in dir that no stack knows of.
func startPostgres(t testing.TB, dir string) int {
	t.Helper()
	data := filepath.Join(dir, "postgres")
	st, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	sys := st.Sys().(*syscall.Stat_t)
	bin, err := osexec.LookPath("postgres")
	if err != nil {
		t.Skip("no postgres in PATH")
	}
	folder, err := os.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	sockets, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	if os.Geteuid() == 0 {
		_ = os.Chown(sockets, int(sys.Uid), int(sys.Gid))
	}
	cmd := osexec.Command(bin, "-D", "/proc/self/fd/3", "-c", "listen_addresses=", "-c", "unix_socket_directories="+sockets)
	cmd.ExtraFiles = []*os.File{folder}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: sys.Uid, Gid: sys.Gid}
	}
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGQUIT); <-ended })
	eventually(t, "a server of its own", func() bool {
		b, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return strings.Contains(string(b), "ready")
	})
	return cmd.Process.Pid
}

// The number in postmaster.pid was given to another program of the same user in the meantime.
func TestReusedProcessID(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	st, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	sys := st.Sys().(*syscall.Stat_t)
	other := osexec.Command("sleep", "60")
	other.Dir = "/"
	if os.Geteuid() == 0 {
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: sys.Uid, Gid: sys.Gid}}
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	for _, pid := range []int{other.Process.Pid, 1, 4194300} {
		stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n  1 2\nready\n", pid, filepath.Join(dir, "postgres"), filepath.Join(dir, "run"))
		path := filepath.Join(dir, "postgres", "postmaster.pid")
		if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			_ = os.Chown(path, int(sys.Uid), int(sys.Gid))
		}
		s := open(t, dir)
		closeStack(t, s)
	}
	if !running(other.Process.Pid) {
		t.Error("a stranger's process was killed")
	}
}

func TestInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, half := range []string{"postgres.new", "postgres"} {
		if err := os.MkdirAll(filepath.Join(dir, half, "base", "1"), 0o700); err != nil {
			t.Fatal(err)
		}
		_ = os.WriteFile(filepath.Join(dir, half, "PG_VERSION"), []byte("15\n"), 0o600)
	}
	s := open(t, dir)
	for setting, want := range map[string]string{
		"data_checksums": "on", "server_encoding": "UTF8", "lc_collate": "C", "fsync": "on", "synchronous_commit": "on",
		"listen_addresses": "", "shared_buffers": "256MB", "max_connections": "100", "log_parameter_max_length": "0",
	} {
		sql := "SELECT current_setting('" + setting + "')"
		if setting == "lc_collate" {
			sql = "SELECT datcollate::text FROM pg_database WHERE datname = current_database()"
		}
		if got := query[string](t, s.DatabaseURL(), sql); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres.new")); !os.IsNotExist(err) {
		t.Errorf("postgres.new: %v", err)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "postgres.incomplete-*")); len(aside) != 1 {
		t.Errorf("moved aside: %v", aside)
	}
}

// A cluster that was once whole is never replaced by an empty one.
func TestDamagedClusterIsNotReplaced(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"PG_VERSION", "global/pg_control"} {
		dir := dataDir(t)
		if err := os.Remove(filepath.Join(dir, "postgres", victim)); err != nil {
			t.Fatal(err)
		}
		_, err := devstack.Open(t.Context(), devstack.Options{Dir: dir})
		if !errors.Is(err, cluster.ErrClusterDamaged) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("without %s: %v", victim, err)
		}
		if all, _ := filepath.Glob(filepath.Join(dir, "postgres*")); len(all) != 1 {
			t.Errorf("without %s: %v", victim, all)
		}
	}
}

func TestAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.Open(t.Context(), devstack.Options{Dir: dir})
	if !errors.Is(err, cluster.ErrClusterVersion) || !strings.Contains(err.Error(), "PostgreSQL 9") {
		t.Error(err)
	}
}

func TestNoPostgres(t *testing.T) {
	t.Parallel()
	_, err := devstack.Open(t.Context(), devstack.Options{Dir: t.TempDir(), PostgresBin: t.TempDir()})
	if !errors.Is(err, cluster.ErrNoPostgres) || !strings.Contains(err.Error(), "apt install postgresql") {
		t.Error(err)
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(testdb.Dir(t), strings.Repeat("đường-dài-", 12), "data")
	copyBase(t, dir)
	s := open(t, dir)
	if v := query[int](t, s.DatabaseURL(), "SELECT 1"); v != 1 {
		t.Error(v)
	}
	note, err := os.ReadFile(filepath.Join(dir, "socket-folder"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(string(note))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v", note, st, err)
	}
	closeStack(t, s)
	if _, err := os.Stat(string(note)); !os.IsNotExist(err) {
		t.Errorf("temporary folder after Close: %v", err)
	}
}

func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	var log bytes.Buffer
	s, err := devstack.Open(t.Context(), devstack.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStack(t, s)
	exec(t, s.DatabaseURL(), `CREATE TABLE stalls (name text); INSERT INTO stalls VALUES ('A12')`)
	answers := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.DatabaseURL())
		if err != nil {
			return false
		}
		defer conn.Close(ctx)
		var n int
		return conn.QueryRow(ctx, `SELECT count(*) FROM stalls`).Scan(&n) == nil && n == 1
	}
	for range 2 {
		pg := postmasterPID(t, dir)
		if err := syscall.Kill(pg, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "PostgreSQL to end", func() bool { return !running(pg) })
		eventually(t, "PostgreSQL to be back", answers)
		if postmasterPID(t, dir) == pg {
			t.Error("same process")
		}
	}
	// A killed backend: PostgreSQL recovers by itself.
	pg := postmasterPID(t, dir)
	conn, err := pgx.Connect(t.Context(), s.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(int(conn.PgConn().PID()), syscall.SIGKILL)
	eventually(t, "PostgreSQL to recover", answers)
	if postmasterPID(t, dir) != pg {
		t.Error("the server was replaced")
	}
	closeStack(t, s)
	if n := strings.Count(log.String(), "starting it again"); n != 2 {
		t.Errorf("%d restarts in the log:\n%s", n, log.String())
	}
}

func TestNoDataInTheLog(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	conn, err := pgx.Connect(t.Context(), s.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	const secret = "Giàng-A-Páo"
	exec(t, s.DatabaseURL(), `CREATE TABLE persons (name text PRIMARY KEY, age int)`)
	for _, sql := range []string{
		`INSERT INTO persons VALUES ('` + secret + `', 1), ('` + secret + `', 2)`,
		`SELECT '` + secret + `'::int`, `SELEKT '` + secret + `'`,
		`DO $$ BEGIN RAISE WARNING '` + secret + `'; END $$`,
	} {
		_, _ = conn.Exec(t.Context(), sql)
	}
	_, _ = conn.Exec(t.Context(), `INSERT INTO persons (age) VALUES ($1::text::int)`, secret)
	closeStack(t, s)
	b, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil || len(b) == 0 {
		t.Fatalf("postgres.log: %d bytes, %v", len(b), err)
	}
	if bytes.Contains(b, []byte(secret)) {
		t.Errorf("postgres.log holds personal data:\n%s", b)
	}
}

func TestPrivateFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	s := open(t, dir)
	defer closeStack(t, s)
	for name, want := range map[string]os.FileMode{
		"lock": 0o600, "stack.json": 0o600, "postgres.log": 0o600, "postgres": 0o700, "broker": 0o700,
	} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, st.Mode(), err, want)
		}
	}
	want := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		want = 0o711
	}
	if st, _ := os.Stat(dir); st.Mode().Perm() != want {
		t.Errorf("folder: %v", st.Mode())
	}
}

// As root, in a folder that PostgreSQL's account can walk to: then the socket is inside it.
func TestOpenFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs PostgreSQL as someone else")
	}
	dir, err := os.MkdirTemp("", "socho-open-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	_ = os.Chmod(dir, 0o755)
	copyBase(t, dir)
	s := open(t, dir)
	defer closeStack(t, s)
	if !strings.Contains(s.DatabaseURL(), "host="+strings.ReplaceAll(dir, "/", "%2F")+"%2Frun") {
		t.Error(s.DatabaseURL())
	}
	if v := query[int](t, s.DatabaseURL(), "SELECT 1"); v != 1 {
		t.Error(v)
	}
}

// The same tests once more as a user with no rights at all.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("already an ordinary user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	dir, err := os.MkdirTemp("", "socho-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "devstack.test")
	if err := errors.Join(os.WriteFile(bin, b, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Chown(home, uid, gid)); err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(bin, "-test.run",
		"TestOpenCloseOpen|TestOwnerKilled|TestPostgresKilled|TestReusedProcessID|TestLongPath|TestOrphanIsStopped")
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "HOME=" + home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

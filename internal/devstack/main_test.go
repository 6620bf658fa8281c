package devstack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"socho/internal/devstack"
	"socho/internal/devstack/testdb"
)

// The test binary is also the program that owns a stack and is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SOCHO_TEST_OWNER"); dir != "" {
		if err := own(dir, os.Getenv("SOCHO_TEST_PRODUCE") != ""); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if base.dir != "" {
		_ = os.RemoveAll(base.dir)
	}
	os.Exit(code)
}

// own opens a stack, says so, and holds it until its input ends. With produce it writes records and reports each one
// once it is acknowledged.
func own(dir string, produce bool) error {
	ctx := context.Background()
	s, err := devstack.Open(ctx, devstack.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	if err := s.SetWeb("http://127.0.0.1:8080"); err != nil {
		return err
	}
	fmt.Println("ready")
	if produce {
		c, err := kgo.NewClient(kgo.SeedBrokers(s.KafkaBrokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			return err
		}
		for i := 0; ; i++ {
			r, err := c.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 300))}).First()
			if err != nil {
				return err
			}
			fmt.Println("acknowledged", r.Offset, i)
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Close(ctx)
}

// owner is another process that owns a stack.
type owner struct {
	cmd   *osexec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startOwner(t testing.TB, dir string, env ...string) *owner {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(exe)
	cmd.Env = append(append(os.Environ(), "SOCHO_TEST_OWNER="+dir), env...)
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &owner{cmd: cmd, in: in, lines: bufio.NewScanner(out)}
	t.Cleanup(o.kill)
	if !o.lines.Scan() || o.lines.Text() != "ready" {
		t.Fatalf("the owner says %q", o.lines.Text())
	}
	return o
}

func (o *owner) kill() {
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

func (o *owner) pid() int { return o.cmd.Process.Pid }

// base is a data folder with a finished cluster, to copy from: creating one anew takes a second and a half.
var base struct {
	once sync.Once
	dir  string
	err  error
}

// dataDir is a data folder for this test, with a cluster in it.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(testdb.Dir(t), "data")
	copyBase(t, dir)
	return dir
}

func copyBase(t testing.TB, dir string) {
	t.Helper()
	base.once.Do(func() {
		if base.dir, base.err = os.MkdirTemp(filepath.Dir(testdb.Dir(t)), "socho-devstack-"); base.err != nil {
			return
		}
		var s *devstack.Stack
		if s, base.err = devstack.Open(context.Background(), devstack.Options{Dir: base.dir}); base.err == nil {
			base.err = s.Close(context.Background())
		}
	})
	if base.err != nil {
		t.Fatal(base.err)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	if out, err := osexec.Command("cp", "-a", filepath.Join(base.dir, "postgres"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func postmasterPID(t testing.TB, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	_, _ = fmt.Sscan(string(b), &pid)
	if pid < 2 {
		t.Fatalf("postmaster.pid: %q", b)
	}
	return pid
}

// running tells whether a process is there and not merely waiting for its parent to notice its end.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func readJSON(t testing.TB, path string) (m map[string]any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
)

// TestKilledWhilePublishing kills socho run, and apart from it its PostgreSQL,
// with signal 9 while a file is being published. Afterwards the file is
// published once more: every event has exactly one outcome that moved money,
// and the ledger is what a replay makes of the log.
func TestKilledWhilePublishing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	data := testdb.Dir(t)
	const bills = 6000
	file := filepath.Join(t.TempDir(), "facts.jsonl")
	if err := os.WriteFile(file, []byte(feesAndPayments(bills)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startServer(t, data)
	for round, kill := range []string{"socho", "postgres", "socho"} {
		publishing := exec.Command("socho", "--data", data, "publish", file)
		if err := publishing.Start(); err != nil {
			t.Fatal(err)
		}
		// Between nothing and everything; the exact moment does not matter.
		time.Sleep(time.Duration(150*(round+1)) * time.Millisecond)
		if kill == "socho" {
			server.Process.Kill() //nolint:errcheck // it may be gone already
			server.Wait()         //nolint:errcheck // killed
		} else if err := syscall.Kill(postmaster(t, data), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		publishing.Wait() //nolint:errcheck // it may have failed, that is the point
		if kill == "socho" {
			server = startServer(t, data)
		}
	}
	var published struct {
		Published    int            `json:"published"`
		NotPublished int            `json:"not_published"`
		Outcomes     map[string]int `json:"outcomes"`
	}
	read(t, &published, "--data", data, "--json", "publish", "--wait", file)
	if published.Published != 2*bills || published.Outcomes["posted"]+published.Outcomes["duplicate"] != 2*bills {
		t.Errorf("published: %+v", published)
	}
	var audit struct {
		OK        bool     `json:"ok"`
		Transfers int      `json:"transfers"`
		Problems  []string `json:"problems"`
	}
	read(t, &audit, "--data", data, "--json", "verify", "--replay")
	if !audit.OK || audit.Transfers != 2*bills {
		t.Errorf("verify: %+v", audit)
	}
	server.Process.Signal(os.Interrupt) //nolint:errcheck // the wait tells
	if err := server.Wait(); err != nil {
		t.Errorf("socho run did not end well: %v", err)
	}
}

func feesAndPayments(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"f%d","source":"urn:test","type":"vn.socho.market.fee_assessed.v1","subject":"hg-cho-%d","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p%d","bill":"b%d","stall":"A1","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}]}}`+"\n", i, i%9, i%50, i)
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"p%d","source":"urn:test","type":"vn.socho.market.payment_received.v1","subject":"hg-cho-%d","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-02","bill":"b%d","amount":"26000","currency":"VND","method":"qr"}}`+"\n", i, i%9, i)
	}
	return b.String()
}

func startServer(t *testing.T, data string, more ...string) *exec.Cmd {
	t.Helper()
	server := exec.Command("socho", append([]string{"--data", data, "run", "--addr", "127.0.0.1:0"}, more...)...)
	var log bytes.Buffer
	server.Stderr = &log
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if testing.Verbose() {
			t.Logf("process %d:\n%s", server.Process.Pid, log.String())
		}
		server.Process.Kill() //nolint:errcheck // it has ended where the test went well
		server.Wait()         //nolint:errcheck // as above
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready http://127.0.0.1:") {
		server.Wait() //nolint:errcheck // the log tells
		t.Fatalf("socho run said %q, %v\n%s", line, err, &log)
	}
	out.Close() //nolint:errcheck // as scripts do; whatever it has to say now must not end it
	return server
}

func postmaster(t *testing.T, data string) int {
	t.Helper()
	var pid int
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "postmaster.pid" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil {
			first, _, _ := strings.Cut(string(b), "\n")
			pid, err = strconv.Atoi(first)
		}
		return err
	})
	if err != nil || pid < 2 {
		t.Fatalf("no running PostgreSQL found: %v", err)
	}
	return pid
}

func read(t *testing.T, into any, args ...string) {
	t.Helper()
	command := exec.Command("socho", args...)
	var log bytes.Buffer
	command.Stderr = &log
	out, err := command.Output()
	if err != nil {
		t.Errorf("%v: %v\n%s", args, err, &log)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%v: %q is no JSON: %v", args, out, err)
	}
}

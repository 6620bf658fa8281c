package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
)

// TestKilledWhileImporting kills socho bank import, and then socho run beneath
// another one, with signal 9 in the middle of a statement. The same file once more:
// each line is there once, and the bank's account is what the statement closes with.
func TestKilledWhileImporting(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	const binary = "socho" // TestMain puts it on the path
	data := testdb.Dir(t)
	const lines, org = 9000, "hg-truong"
	var statement bytes.Buffer
	statement.WriteString("Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Số dư,Diễn giải\n")
	for i := range lines {
		fmt.Fprintf(&statement, "%02d/09/2026,FT26%012d,,1000,%d,nop tien %d\n", 1+i/320, i, 1000*(i+1), i)
	}
	file := filepath.Join(t.TempDir(), "thang9.csv")
	if err := os.WriteFile(file, statement.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startServer(t, data)
	held := func() string {
		out, err := exec.Command(binary, "--data", data, "--json", "balances", "--account", org+":bank:main").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(out), `"balance":"`)
		balance, _, _ := strings.Cut(after, `"`)
		return balance
	}
	for _, kill := range []string{"import", "run"} {
		before := held()
		importing := exec.Command(binary, "--data", data, "bank", "import", file, "--org", org)
		if err := importing.Start(); err != nil {
			t.Fatal(err)
		}
		for until := time.Now().Add(time.Minute); held() == before && time.Now().Before(until); {
			time.Sleep(20 * time.Millisecond)
		}
		if kill == "run" {
			server.Process.Kill() //nolint:errcheck // it may be gone already
			server.Wait()         //nolint:errcheck // killed
		}
		importing.Process.Kill() //nolint:errcheck // it may have ended
		importing.Wait()         //nolint:errcheck // it may have failed, that is the point
		if kill == "run" {
			server = startServer(t, data)
		}
		if now := held(); now == before || now == fmt.Sprint(1000*lines) {
			t.Logf("the %s was not killed in the middle: %q", kill, now)
		}
	}
	var report struct {
		New          int `json:"new"`
		AlreadyKnown int `json:"already_known"`
		Accounts     []struct {
			Agrees bool `json:"agrees"`
		} `json:"accounts"`
	}
	for _, fresh := range []bool{true, false} {
		read(t, &report, "--data", data, "--json", "bank", "import", file, "--org", org)
		if report.New+report.AlreadyKnown != lines || report.AlreadyKnown == 0 || !fresh && report.New != 0 || len(report.Accounts) != 1 || !report.Accounts[0].Agrees {
			t.Errorf("%+v", report)
		}
	}
	if got := held(); got != fmt.Sprint(1000*lines) {
		t.Errorf("the bank holds %s", got)
	}
}

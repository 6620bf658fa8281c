package payouts_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"socho/internal/payouts"
)

// TestLarge takes a list of a whole country's size through import, approval and
// export, and says how long each takes and how much memory the process held.
func TestLarge(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SOCHO_TEST_LARGE"))
	if err != nil {
		t.Skip("takes a large month from list to file: set SOCHO_TEST_LARGE=200000")
	}
	o := openOffice(t)
	o.grant(int64(n) * 500_000)
	var peak uint64
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
	}()
	step := func(what string, f func()) {
		t.Helper()
		peak = 0
		begin := time.Now()
		f()
		t.Logf("%-8s %6.1f s, heap at most %d MB", what, time.Since(begin).Seconds(), peak>>20)
	}
	var f *payouts.File
	text := listOf(0, n, 500_000)
	step("read", func() { f = o.read(text, payouts.Month{}) })
	step("preview", func() {
		_, err := o.as("lan").Preview(t.Context(), f)
		o.must(err)
	})
	step("import", func() {
		done, err := o.as("lan").Import(t.Context(), f)
		o.must(err)
		if done.Entries != n {
			t.Fatalf("%+v", done)
		}
	})
	f = nil
	shown, err := o.as("lan").Show(t.Context(), fund, "monthly-"+month)
	o.must(err)
	o.must(o.as("lan").Propose(t.Context(), fund, shown))
	step("approve", func() {
		_, err := o.as("hoa").Approve(t.Context(), fund, shown)
		o.must(err)
		o.caughtUp()
	})
	path := filepath.Join(t.TempDir(), "out.xml")
	for _, format := range []string{"pain.001", "pain.001", "xlsx"} {
		step("export", func() {
			done, err := o.as("cli").Export(t.Context(), payouts.Export{Organization: fund, Period: month, Format: format}, path)
			o.must(err)
			if done.Count != int64(n)*9/10 {
				t.Fatalf("%+v", done)
			}
		})
	}
	step("status", func() {
		if s := o.status(); s.Entitled != int64(n) {
			t.Errorf("%+v", s)
		}
	})
}

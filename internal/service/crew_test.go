package service_test

import (
	"fmt"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/service"
	"socho/ledger"
)

// holders counts the tasks that each process holds.
func holders(t *testing.T, s *service.Service) map[string]int {
	t.Helper()
	leases, err := s.DB.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, p := range leases {
		counts[p.ID]++
	}
	return counts
}

func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// Two processes share the shards; one that stops hands its share over at once,
// one that dies is followed when its leases have run out. All the while facts
// come in, and each is decided once.
func TestProcessesShareTheShards(t *testing.T) {
	_, port := broker(t, t.TempDir(), 0)
	data, database := t.TempDir(), testdb.Database(t, "service", service.Migrate)
	start := func() *service.Service {
		s, err := external(t, data, port, database)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := start()
	posted := 0
	more := func(s *service.Service) {
		t.Helper()
		for range 10 {
			lines := ""
			for i := range 8 {
				lines += fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"urn:test","type":"vn.socho.market.fee_assessed.v1","subject":"cho-%d","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p1","bill":"b%d","stall":"A1","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}]}}`+"\n", posted+i, i, posted+i)
			}
			if got := publish(t, s, lines); got[ledger.Posted] != 8 {
				t.Fatalf("%v", got)
			}
			posted += 8
		}
	}
	more(first)
	if n := len(holders(t, first)); n != 1 {
		t.Fatalf("%d processes hold tasks", n)
	}
	second := start()
	more(first)
	waitUntil(t, "both hold a share", func() bool {
		counts := holders(t, first)
		least, most := 99, 0
		for _, n := range counts {
			least, most = min(least, n), max(most, n)
		}
		return len(counts) == 2 && least >= 4 && most-least <= 1
	})
	more(second)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	more(second)
	if n := len(holders(t, second)); n != 1 {
		t.Errorf("%d processes hold tasks after one has left", n)
	}
	audit := verify(t, second, true)
	if !audit.OK || audit.Transfers != int64(posted) {
		t.Errorf("%+v", audit)
	}
}

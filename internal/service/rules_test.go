package service_test

import (
	"strings"
	"testing"

	"socho/internal/service"
	"socho/ledger"
)

// TestActivateRules: a log that began with set 1 goes over to a newer one, which
// takes what the older could not read, and replays to the same ledger.
func TestActivateRules(t *testing.T) {
	s, err := service.Open(t.Context(), service.Options{Data: t.TempDir(), Own: true, FirstRules: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := strings.ReplaceAll(`{"specversion":"1.0","id":"list-1","source":"urn:test","type":"vn.socho.benefit.list_opened.v1","subject":"MARKET","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","list":"d1","programme":"elderly","period":"2026-09","currency":"VND"}}`, "MARKET", market)
	if got := publish(t, s, fees(0, 20)+list); got[ledger.Posted] != 20 || got[ledger.Malformed] != 1 {
		t.Fatalf("under set 1: %v", got)
	}
	for again, want := range []int{service.EmbeddedPartitions, 0} {
		if n, err := s.ActivateRules(t.Context(), 2); err != nil || n != want {
			t.Fatalf("time %d: %d switched, %v", again, n, err)
		}
	}
	if _, err := s.ActivateRules(t.Context(), ledger.LatestRuleSet+1); err == nil {
		t.Error("a set that nobody has was activated")
	}
	if got := publish(t, s, fees(20, 5)+list); got[ledger.Posted] != 5 || got[ledger.Recorded] != 1 {
		t.Fatalf("under set 2: %v", got)
	}
	audit, err := s.Verify(t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Fatalf("%v %+v", err, audit)
	}
}

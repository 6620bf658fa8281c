package service_test

import (
	"errors"
	"testing"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/service"
	"socho/ledger"
)

// What is said twice is decided once; other contents under the same id are told
// apart, and a trial leaves nothing.
func TestSay(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	draft := func(id, stall string) events.Draft {
		return events.Draft{
			Envelope: events.Envelope{ID: events.EventID(id), Source: "urn:socho:pages", Type: events.Type("market.stall_let"), Subject: "cho-mau", Time: "2026-09-01T08:00:00+07:00"},
			Fact:     &events.StallLet{Dated: events.Dated{EffectiveOn: "2026-09-01"}, Of: events.Of{Person: "p1"}, Stall: events.ID(stall)},
			Personal: map[string]string{"name": "Nguyễn Văn Mẫu"},
		}
	}
	var first int64
	for range 2 {
		said, err := s.Say(t.Context(), "person:x", []events.Draft{draft("a", "A1"), draft("b", "A2")})
		if err != nil || len(said) != 2 || said[0].Status != ledger.Recorded || said[1].EventID != "b" {
			t.Fatalf("%+v, %v", said, err)
		}
		if first = max(first, said[0].Offset); said[0].Offset != first {
			t.Errorf("decided at %d, and again at %d", said[0].Offset, first)
		}
	}
	tried, err := s.TrySay(t.Context(), "person:x", []events.Draft{draft("c", "A3"), draft("a", "A1")})
	if err != nil || len(tried) != 2 || tried[0].Status != ledger.Recorded || tried[1].Status != ledger.Duplicate {
		t.Fatalf("%+v, %v", tried, err)
	}
	if _, err := s.Say(t.Context(), "person:x", []events.Draft{draft("a", "A9")}); !errors.Is(err, service.ErrConflict) {
		t.Errorf("other contents under the same id: %v", err)
	}
	if _, err := s.Say(t.Context(), "person:x", []events.Draft{{Envelope: draft("c", "A1").Envelope, Fact: &events.StallLet{}}}); err == nil {
		t.Error("said a fact that is none")
	}
}

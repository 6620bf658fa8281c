package service_test

import (
	"context"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/kafka"
	"socho/internal/service"
	"socho/ledger"
)

// Partners write to the inbox in both modes of CloudEvents; what they write is
// sealed and decided like everything else, once, whoever hands it in again.
func TestInbox(t *testing.T) {
	_, port := broker(t, t.TempDir(), 0)
	data, database := t.TempDir(), testdb.Database(t, "service", service.Migrate)
	s, err := external(t, data, port, database)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(fees(0, 3), "\n")[:3]
	from := strings.Index(lines[1], `"data":`) + len(`"data":`)
	binary := strings.TrimSuffix(lines[1][from:], "}\n")
	partner := kafka.New([]string{address(port)}, kafka.Options{})
	defer partner.Close() //nolint:errcheck // it holds nothing
	_, err = partner.Produce(t.Context(), service.Inbox, 3, []kafka.Message{
		{Key: []byte(market), Value: []byte(strings.ReplaceAll(lines[0], `,"`, ",\n\"")), Headers: []kafka.Header{{Name: "content-type", Value: []byte(events.ContentType)}}},
		{Key: []byte(market), Value: []byte(binary), Headers: []kafka.Header{
			{Name: "ce_specversion", Value: []byte("1.0")}, {Name: "ce_id", Value: []byte("e1")}, {Name: "ce_source", Value: []byte("urn:test")},
			{Name: "ce_type", Value: []byte("vn.socho.market.fee_assessed.v1")}, {Name: "ce_subject", Value: []byte(market)}, {Name: "ce_time", Value: []byte("2026-09-01T08:00:00+07:00")}}},
		{Key: []byte(market), Value: []byte("0912000001 no event")},
		{Key: []byte("Not a key"), Value: []byte("no event either")},
		{},
		{Key: []byte(market), Value: []byte(lines[2])},
	})
	if err != nil {
		t.Fatal(err)
	}
	taken := func() int64 {
		next, err := s.DB.InboxPosition(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	waitUntil(t, "the inbox is handed over", func() bool { return taken() == 6 })
	if err := s.WaitForLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := publish(t, s, fees(0, 3)); got[ledger.Duplicate] != 3 {
		t.Errorf("the same facts as lines: %v", got)
	}
	audit := verify(t, s, true)
	if !audit.OK || audit.Transfers != 3 {
		t.Errorf("%+v", audit)
	}
	malformed := map[string]int{}
	for shard, head := range mustHeads(t, s) {
		if err := s.DB.Outcomes(t.Context(), shard, 0, head.NextOffset, func(o *ledger.Outcome) error {
			if o.Status == ledger.Malformed {
				malformed[o.Organization]++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if malformed[market] != 1 || malformed[intake.Unrouted] != 1 || len(malformed) != 2 {
		t.Errorf("malformed: %v", malformed)
	}

	// What concerns an erased person stays in the inbox, and is noted.
	if err := s.Vault.Erase(t.Context(), market, "p7", "all"); err != nil {
		t.Fatal(err)
	}
	if _, err := partner.Produce(t.Context(), service.Inbox, 3, []kafka.Message{{Key: []byte(market), Value: []byte(fees(7, 1))}, {Key: []byte(market), Value: []byte(fees(8, 1))}}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the inbox is handed over", func() bool { return taken() == 8 })
	var offset int64
	var code string
	if err := s.Owner.QueryRow(t.Context(), `SELECT log_offset, code FROM app.inbox_refused`).Scan(&offset, &code); err != nil || offset != 6 || code != "person_erased" {
		t.Errorf("refused: %d %s, %v", offset, code, err)
	}
}

func mustHeads(t *testing.T, s *service.Service) map[int]ledger.Head {
	t.Helper()
	heads, err := s.Heads(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return heads
}

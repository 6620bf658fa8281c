package service_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"socho/internal/devstack/testdb"
	"socho/internal/logpublisher"
	"socho/internal/service"
	"socho/ledger/proof"
)

// published waits until everything decided is in a signed checkpoint.
func published(t *testing.T, s *service.Service, at service.Proof) map[int]*proof.Signed {
	t.Helper()
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed := map[int]*proof.Signed{}
	for shard, head := range heads {
		if signed[shard], err = s.WaitForPublished(t.Context(), at, shard, head.NextOffset-1); err != nil {
			t.Fatal(err)
		}
	}
	return signed
}

func verifyAll(t *testing.T, s *service.Service, at service.Proof) []string {
	t.Helper()
	audit := verify(t, s, false)
	if err := s.VerifyPublished(t.Context(), at, audit); err != nil {
		t.Fatal(err)
	}
	if audit.OK != (len(audit.Problems) == 0) {
		t.Errorf("ok=%v with %v", audit.OK, audit.Problems)
	}
	return audit.Problems
}

// TestEverythingLostButTheBundles: all tables dropped, the topic gone. The
// published log brings the topic back, the topic the tables, with the same roots
// and balances.
func TestEverythingLostButTheBundles(t *testing.T) {
	data := testdb.Data(t, "service", service.Migrate)
	at := service.ProofIn(data, "")
	s := open(t, data)
	s.StartPublishing(at)
	publish(t, s, fees(0, 700)+"no event\n"+fees(3, 2))
	before := verify(t, s, true)
	signed := published(t, s, at)
	if problems := verifyAll(t, s, at); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	records := make(map[int64]string)
	for offset := range before.Position[1] {
		r, err := s.Log.At(t.Context(), 1, offset)
		if err != nil {
			t.Fatal(err)
		}
		records[offset] = string(r.Key) + string(r.Value)
		for _, h := range r.Headers {
			records[offset] += h.Name + string(h.Value)
		}
	}
	superuser(t, s, `DROP SCHEMA ledger CASCADE; DROP SCHEMA projections CASCADE; DROP SCHEMA app CASCADE`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, "broker")); err != nil {
		t.Fatal(err)
	}
	// A new ledger is not begun over it.
	if s, err := service.Open(t.Context(), service.Options{Data: data, Own: true}); err == nil || !strings.Contains(err.Error(), "socho log restore --from") {
		if err == nil {
			s.Close() //nolint:errcheck // it should not be there
		}
		t.Fatalf("a new ledger over the published log of another: %v", err)
	}
	keys, err := at.Keys.Known()
	if err != nil {
		t.Fatal(err)
	}
	// Nothing is restored from a damaged log.
	bundle := filepath.Join(at.Log, "1", "records", "001")
	whole, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, bundle, len(whole)/2)
	if _, err := service.Restore(t.Context(), service.Options{Data: data}, at.Log, keys, nil); err == nil || !strings.Contains(err.Error(), "records/001") {
		t.Fatalf("restored from a damaged bundle: %v", err)
	}
	flip(t, bundle, len(whole)/2)

	report, err := service.Restore(t.Context(), service.Options{Data: data}, at.Log, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(report.Shards, before.Position) {
		t.Errorf("restored %v, there were %v", report.Shards, before.Position)
	}
	if _, err := service.Restore(t.Context(), service.Options{Data: data}, at.Log, keys, nil); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Fatalf("restored over records: %v", err)
	}
	s = open(t, data)
	s.StartPublishing(at)
	if err := s.WaitForLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	for offset, want := range records {
		r, err := s.Log.At(t.Context(), 1, offset)
		if err != nil {
			t.Fatal(err)
		}
		got := string(r.Key) + string(r.Value)
		for _, h := range r.Headers {
			got += h.Name + string(h.Value)
		}
		if got != want {
			t.Fatalf("record 1:%d is another one", offset)
		}
	}
	after := verify(t, s, true)
	if !after.OK || !maps.Equal(after.Roots, before.Roots) || after.Transfers != before.Transfers || !maps.Equal(after.Sum, before.Sum) {
		t.Errorf("another ledger: %+v, was %+v", after, before)
	}
	if err := s.ReplayToEmpty(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// It goes on where it was: the same checkpoints, then more.
	again := published(t, s, at)
	for shard := range signed {
		if again[shard].Checkpoint != signed[shard].Checkpoint {
			t.Errorf("shard %d: another checkpoint", shard)
		}
	}
	publish(t, s, fees(1000, 300))
	published(t, s, at)
	if problems := verifyAll(t, s, at); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

func flip(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 4
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFlippedByteIsNamed alters one byte of each file of a shard in turn.
func TestFlippedByteIsNamed(t *testing.T) {
	data := testdb.Data(t, "service", service.Migrate)
	at := service.ProofIn(data, "")
	s := open(t, data)
	s.StartPublishing(at)
	publish(t, s, fees(0, 300))
	published(t, s, at)
	publish(t, s, fees(300, 10))
	published(t, s, at)
	files, err := logpublisher.List(at.Log, 1)
	if err != nil || len(files) < 8 {
		t.Fatalf("%v, %v", files, err)
	}
	audit := verify(t, s, false)
	for _, path := range files {
		file := filepath.Join(at.Log, "1", path)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range []int{0, int(info.Size() / 2), int(info.Size()) - 1} {
			flip(t, file, place)
			found := *audit
			found.Problems = nil
			if err := s.VerifyPublished(t.Context(), at, &found); err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(found.Problems, "\n"); found.OK || !strings.Contains(text, "log/1/"+path) {
				t.Errorf("%s at %d: ok=%v %s", path, place, found.OK, text)
			}
			flip(t, file, place)
		}
	}
	if problems := verifyAll(t, s, at); len(problems) > 0 {
		t.Errorf("undone, and still: %v", problems)
	}
}

func TestFind(t *testing.T) {
	data := testdb.Data(t, "service", service.Migrate)
	s := open(t, data)
	publish(t, s, fees(0, 3)+strings.ReplaceAll(fees(1, 1), "urn:test", "urn:other"))
	if o, err := s.Find(t.Context(), "e0", "", ""); err != nil || o.EventID != "e0" || o.Organization != market {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := s.Find(t.Context(), "e1", "", ""); err == nil || !strings.Contains(err.Error(), "--source urn:other") {
		t.Errorf("two of them: %v", err)
	}
	if o, err := s.Find(t.Context(), "e1", market, "urn:other"); err != nil || o.Source != "urn:other" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := s.Find(t.Context(), "e9", "", ""); err == nil {
		t.Error("found what is not there")
	}
}

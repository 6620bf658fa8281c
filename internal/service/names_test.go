package service_test

import (
	"errors"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/service"
	"socho/internal/vault"
	"socho/ledger"
)

func let(id, person, name string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"urn:test","type":"vn.socho.market.stall_let.v1","subject":"` + market +
		`","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"` + person + `","personal":{"name":"` + name + `","phone":"0912345678"},"stall":"A12"}}` + "\n"
}

// Whoever is published under a name is found by it, until she is erased: then
// neither a search finds her, nor does anything open, nor do names read anew from
// the log bring her back.
func TestNamesFollowTheLog(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	if got := publish(t, s, let("n1", "p-dao", "Giàng Thị Đào")+let("n2", "p-my", "Vàng Thị Mỷ")); got[ledger.Recorded] != 2 {
		t.Fatalf("%v", got)
	}
	find := func(when, text, want string) {
		t.Helper()
		found, err := s.Vault.Find(t.Context(), market, text, 10)
		if err != nil || strings.Join(found, " ") != want {
			t.Errorf("%s, %q: %v, %v; want %q", when, text, found, err, want)
		}
	}
	find("published", "thi", "p-dao p-my")
	find("published", "giang dao", "p-dao")
	again := func(names, erased int64) {
		t.Helper()
		got, err := s.IndexNames(t.Context(), nil)
		if err != nil || got.Names != names || got.Erased != erased || got.Missing != 0 || got.Records < 2 {
			t.Errorf("read anew: %+v, %v", got, err)
		}
	}
	again(2, 0)
	find("read anew", "thi", "p-dao p-my")

	erase := `{"specversion":"1.0","id":"er","source":"urn:test","type":"vn.socho.person.erased.v1","subject":"` + market +
		`","time":"2026-09-03T08:00:00+07:00","data":{"effective_on":"2026-09-03","person":"p-dao","scope":"all"}}` + "\n"
	if got := publish(t, s, erase); got[ledger.Recorded] != 1 {
		t.Fatalf("%v", got)
	}
	find("erased", "giang dao", "")
	find("erased", "thi", "p-my")
	again(1, 1)
	find("erased and read anew", "thi", "p-my")
	found, err := s.Find(t.Context(), "n1", market, "")
	if err != nil {
		t.Fatal(err)
	}
	record, err := s.Log.At(t.Context(), found.Shard, found.Offset)
	if err != nil {
		t.Fatal(err)
	}
	_, sealed, _ := strings.Cut(string(record.Value), `"name":"`)
	sealed, _, _ = strings.Cut(sealed, `"`)
	_, err = s.Vault.Unseal(t.Context(), events.Place{Organization: market, Source: "urn:test", ID: "n1", Field: "name"}, "p-dao", sealed)
	if !errors.Is(err, vault.ErrErased) {
		t.Errorf("it opens: %v", err)
	}
}

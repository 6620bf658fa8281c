package service_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/reconcile"
	"socho/internal/service"
	"socho/internal/vault"
	"socho/ledger"
)

// The drill: back up, go on, back up again into the same folder, lose the whole
// machine but the master key, restore, and find the same ledger with the same
// keys. Whoever was erased after the keys were copied stays erased.
func TestBackupAndRestore(t *testing.T) {
	data, kept := testdb.Data(t, "service", service.Migrate), testdb.Dir(t)
	s := open(t, data)
	at := service.ProofIn(data, "")
	s.StartPublishing(at)
	backup := func() *service.Manifest {
		t.Helper()
		if err := s.WaitForLedger(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, err := s.Backup(t.Context(), at, kept, filepath.Join(data, "master.key"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	publish(t, s, fees(0, 600)+"no event\n")
	first := backup()
	publish(t, s, fees(600, 300))
	if err := s.DB.SetDone(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec(t.Context(), `INSERT INTO app.people (person, name) VALUES ('u-abcdefghijklmnopqrstuvwxyz', 'lan')`); err != nil {
		t.Fatal(err)
	}
	// Who may approve is on the log as the directory has it, and is not said once more
	// by a restored one.
	if _, err := s.DB.Exec(t.Context(), `INSERT INTO app.grants (person, role, organization, granted_by) VALUES ('u-abcdefghijklmnopqrstuvwxyz', 'approver', $1, 'cli')`, market); err != nil {
		t.Fatal(err)
	}
	for said := false; !said; time.Sleep(20 * time.Millisecond) {
		rights, err := s.DB.Rights(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said = len(rights) == 1
	}
	// What is not on the log, and what an office would miss: a trader is found by the
	// account that she has proved to be hers, a bank's messages are taken on, and none
	// of its movements twice.
	trader := vault.AccountRef{Organization: market, Person: "p7", Object: "k-1"}
	if err := s.Vault.RememberAccount(t.Context(), trader, "0011001234567"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vault.ProveAccount(t.Context(), market, "k-1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Vault.RememberAccount(t.Context(), vault.AccountRef{Organization: market, Person: "p5", Object: "k-5"}, "0022007654321"); err != nil {
		t.Fatal(err)
	}
	const secret = "a secret of this market"
	hear := func(s *service.Service, data, id string) (status int) {
		t.Helper()
		key, err := vault.LoadMaster(filepath.Join(data, "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		hooks, err := reconcile.NewHooks(s.DB.Pool, key.Derive, func(context.Context, string) (*reconcile.Importer, error) {
			return &reconcile.Importer{Ledger: s, Books: s.DB, Organization: market, Actor: "cli", Pseudonym: []byte("a key of this test")}, nil
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if id == "" {
			if err := hooks.Connect(t.Context(), market, "sepay", "main", secret, "cli"); err != nil {
				t.Fatal(err)
			}
			return 0
		}
		// Equal movements of one day, told apart by the bank's ids alone.
		body := `{"id":` + id + `,"gateway":"VCB","transactionDate":"2026-09-05 08:15:00","accountNumber":"0011000000001","content":"phi cho","transferType":"in","transferAmount":26000,"accumulated":0,"referenceCode":""}`
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "." + body))
		r := httptest.NewRequest("POST", "/hooks/sepay/"+market, strings.NewReader(body))
		r.SetPathValue("provider", "sepay")
		r.SetPathValue("organization", market)
		r.Header.Set("X-SePay-Timestamp", stamp)
		r.Header.Set("X-SePay-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		hooks.ServeHTTP(w, r)
		return w.Code
	}
	hear(s, data, "")
	if status := hear(s, data, "1"); status != 200 {
		t.Fatalf("a bank's message: %d", status)
	}
	second := backup()
	if second.Kept < 3 || second.Published != first.Published+302 {
		t.Errorf("the second backup: %+v after %+v", second, first)
	}
	audit := verify(t, s, false)
	// Erased after the last copy of the keys, and said on the log that is backed
	// up: as if the keys' copy had failed.
	erase := `{"specversion":"1.0","id":"er","source":"urn:test","type":"vn.socho.person.erased.v1","subject":"` + market + `","time":"2026-09-03T08:00:00+07:00","data":{"effective_on":"2026-09-03","person":"p5","scope":"all"}}` + "\n"
	if got := publish(t, s, erase); got[ledger.Recorded] != 1 {
		t.Fatalf("%v", got)
	}
	older, err := os.ReadFile(filepath.Join(kept, "keys", second.Keys))
	if err != nil {
		t.Fatal(err)
	}
	third := backup()
	if err := os.WriteFile(filepath.Join(kept, "keys", third.Keys), older, 0o600); err != nil {
		t.Fatal(err)
	}
	master, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	fresh := testdb.Dir(t)
	if _, err := service.RestoreBackup(t.Context(), service.Options{Data: fresh}, kept, nil); err == nil || !strings.Contains(err.Error(), "master.key") {
		t.Errorf("without the master key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(fresh, "master.key"), master, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := service.RestoreBackup(t.Context(), service.Options{Data: fresh}, kept, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Ledger != first.Ledger || m.Published != third.Published {
		t.Errorf("restored: %+v", m)
	}
	s = open(t, fresh)
	if got := publish(t, s, fees(0, 5)); got[ledger.Duplicate] != 5 && got[ledger.Duplicate] != 4 {
		t.Errorf("the same facts again: %v", got) // p5's are refused, the others are the same bytes
	}
	again := verify(t, s, true)
	if !again.OK || again.Transfers != audit.Transfers || again.Sum["VND"] != "0" {
		t.Errorf("%+v", again)
	}
	if done, err := s.DB.Done(t.Context(), "sample"); err != nil || !done {
		t.Errorf("what is done once would be done again: %v", err)
	}
	var name string
	if err := s.DB.QueryRow(t.Context(), `SELECT name FROM app.people`).Scan(&name); err != nil || name != "lan" {
		t.Errorf("people: %q, %v", name, err)
	}
	if ref, ok, err := s.Vault.FindAccount(t.Context(), market, "0011001234567"); err != nil || !ok || !ref.Proved || ref.Person != "p7" || ref.Object != "k-1" {
		t.Errorf("the trader's account: %+v %v %v", ref, ok, err)
	}
	if ref, ok, err := s.Vault.AccountOf(t.Context(), market, "k-5"); err != nil || ok {
		t.Errorf("the account of an erased person came back: %+v, %v", ref, err)
	}
	for _, m := range []struct{ id, bank string }{{"1", "26000"}, {"2", "52000"}} { // sent again, and another one that is equal
		if status := hear(s, fresh, m.id); status != 200 {
			t.Errorf("message %s after the restore: %d", m.id, status)
		}
		held := ""
		if err := s.DB.Balances(t.Context(), market+":bank:main", postgres.AsOf{}, func(b postgres.Balance) error {
			held = b.Balance
			return nil
		}); err != nil || held != m.bank {
			t.Errorf("after message %s the bank holds %s, want %s (%v)", m.id, held, m.bank, err)
		}
	}
	open := func(person, id string) error {
		t.Helper()
		for shard, head := range mustHeads(t, s) {
			for offset := range head.NextOffset {
				r, err := s.Log.At(t.Context(), shard, offset)
				if err != nil {
					t.Fatal(err)
				}
				e, err := events.Decode(r.Value)
				if err != nil {
					t.Fatal(err)
				}
				if fee, ok := e.Fact.(*events.FeeAssessed); ok && string(e.ID) == id {
					at := events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: "name"}
					_, err := s.Vault.Unseal(t.Context(), at, person, fee.Sealed["name"])
					return err
				}
			}
		}
		return errors.New("not found")
	}
	if err := open("p4", "e4"); err != nil {
		t.Errorf("a name does not open after the restore: %v", err)
	}
	if err := open("p5", "e5"); !errors.Is(err, vault.ErrErased) {
		t.Errorf("an erased person came back out of the backup: %v", err)
	}
	if _, err := s.Publish(t.Context(), strings.NewReader(fees(5, 1)), intake.Options{Actor: "test"}); err != nil {
		t.Error(err)
	}
}

// A backup whose files were altered is not restored, and says which.
func TestDamagedBackupIsRefused(t *testing.T) {
	data, kept := testdb.Data(t, "service", service.Migrate), testdb.Dir(t)
	s := open(t, data)
	at := service.ProofIn(data, "")
	s.StartPublishing(at)
	publish(t, s, fees(0, 20))
	if err := s.WaitForLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := s.Backup(t.Context(), at, kept, filepath.Join(data, "master.key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	master, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close() //nolint:errcheck // nothing more is asked of it
	damage := func(path string) {
		t.Helper()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		broken := append([]byte(nil), whole...)
		broken[len(broken)/2] ^= 1
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		fresh := t.TempDir()
		if err := os.WriteFile(filepath.Join(fresh, "master.key"), master, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := service.RestoreBackup(t.Context(), service.Options{Data: fresh}, kept, nil); err == nil {
			t.Errorf("%s: restored all the same", path)
		} else if !strings.Contains(err.Error(), filepath.Base(path)) && !strings.Contains(err.Error(), "records") {
			t.Errorf("%s is not named: %v", path, err)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(filepath.Join(kept, "keys", m.Keys))
	records, err := filepath.Glob(filepath.Join(kept, "log", "1", "records", "*", "*"))
	if err != nil || len(records) == 0 {
		t.Fatalf("no records in the backup: %v", err)
	}
	slices.SortFunc(records, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	damage(records[len(records)-1]) // a narrower one may be left over from before
	fresh := t.TempDir()
	if err := os.WriteFile(filepath.Join(fresh, "master.key"), make([]byte, len(master)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := service.RestoreBackup(t.Context(), service.Options{Data: fresh}, kept, nil); !errors.Is(err, vault.ErrWrongMaster) {
		t.Errorf("with another master key: %v", err)
	}
}

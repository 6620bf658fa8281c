package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/vault"
)

func place(organization, id, field string) events.Place {
	return events.Place{Organization: organization, Source: "urn:test", ID: events.EventID(id), Field: field}
}

func migrate(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, vault.Migration+vault.MigrationNames+vault.MigrationNameSets+vault.MigrationAccounts)
	return err
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func master(t *testing.T) vault.Key {
	t.Helper()
	k, err := vault.MasterFrom([]byte(strings.Repeat("k", vault.MasterBytes)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open makes a vault with a connection of its own, as another process has.
func open(t *testing.T, url string) (*vault.Vault, *pgx.Conn) {
	t.Helper()
	conn := connect(t, url)
	v, err := vault.Open(t.Context(), conn, master(t))
	if err != nil {
		t.Fatal(err)
	}
	return v, conn
}

func sealer(t *testing.T, v *vault.Vault, refs ...vault.Ref) *vault.Keys {
	t.Helper()
	k, err := v.Sealer(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t *testing.T, k *vault.Keys, class events.KeyClass, field, clear string) string {
	t.Helper()
	s, err := k.Seal(place("hg-cho", "e|1", field), "p-1", class, clear)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var person = vault.Ref{Organization: "hg-cho", Person: "p-1"}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	v, _ := open(t, url)
	k := sealer(t, v, person, person, vault.Ref{Organization: "hg-cho"})
	name := seal(t, k, events.Identity, "name", "Vàng Thị Máy")
	if !strings.HasPrefix(name, "i1.") {
		t.Errorf("text form: %s", name)
	}
	// Another process, the same bytes.
	other, _ := open(t, url)
	if again := seal(t, sealer(t, other, person), events.Identity, "name", "Vàng Thị Máy"); again != name {
		t.Errorf("sealed twice: %s and %s", name, again)
	}
	ofOrganization := seal(t, k, events.OfOrganization, "name", "{broken")
	for _, c := range []struct {
		name, organization, person, id, field, text string
		want                                        error
	}{
		{"as sealed", "hg-cho", "p-1", "e|1", "name", name, nil},
		{"organization's, whoever is named", "hg-cho", "p-1", "e|1", "name", ofOrganization, nil},
		{"organization's, nobody named", "hg-cho", "", "e|1", "name", ofOrganization, nil},
		{"another field", "hg-cho", "p-1", "e|1", "phone", name, vault.ErrTampered},
		{"another event", "hg-cho", "p-1", "e|2", "name", name, vault.ErrTampered},
		{"another split of the place", "hg-cho", "p-1", "e", "1|name", name, nil}, // the same bytes; no field has a bar
		{"another person", "hg-cho", "p-2", "e|1", "name", name, vault.ErrNoKey},
		{"another organization", "hg-truong", "p-1", "e|1", "name", name, vault.ErrNoKey},
		{"another class", "hg-cho", "p-1", "e|1", "name", "c" + name[1:], vault.ErrTampered},
		{"another version", "hg-cho", "p-1", "e|1", "name", "i2" + name[2:], vault.ErrTampered},
		{"a line break inside", "hg-cho", "p-1", "e|1", "name", name[:9] + "\n" + name[9:], vault.ErrTampered},
		{"cut", "hg-cho", "p-1", "e|1", "name", name[:10], vault.ErrTampered},
		{"empty", "hg-cho", "p-1", "e|1", "name", "", vault.ErrTampered},
		{"no organization's name", "HG", "p-1", "e|1", "name", name, vault.ErrBadRef},
	} {
		clear, err := v.Unseal(t.Context(), place(c.organization, c.id, c.field), c.person, c.text)
		if !errors.Is(err, c.want) || (err == nil && clear == "") {
			t.Errorf("%s: got %q, %v, want %v", c.name, clear, err, c.want)
		}
	}
	for i := range name {
		b := []byte(name)
		b[i] ^= 1
		if clear, err := v.Unseal(t.Context(), place("hg-cho", "e|1", "name"), "p-1", string(b)); err == nil {
			t.Fatalf("altered at %d it opens: %q", i, clear)
		}
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	v, conn := open(t, url)
	other, _ := open(t, url)
	k := sealer(t, v, person)
	phone, name := seal(t, k, events.Contact, "phone", "0912000001"), seal(t, k, events.Identity, "name", "Vàng Thị Máy")
	unseal := func(field, text string) error {
		_, err := other.Unseal(t.Context(), place("hg-cho", "e|1", field), "p-1", text)
		return err
	}
	erase := func(person, scope string) {
		t.Helper()
		for range 2 { // asking twice is asking once
			if err := v.Erase(t.Context(), "hg-cho", person, scope); err != nil {
				t.Fatal(err)
			}
		}
	}
	erase("p-1", vault.ScopeContact)
	if err := unseal("phone", phone); !errors.Is(err, vault.ErrErased) {
		t.Errorf("contact after its erasure: %v", err)
	}
	if err := unseal("name", name); err != nil {
		t.Errorf("identity after erasing contact: %v", err)
	}
	k = sealer(t, other, person, vault.Ref{Organization: "hg-cho", Person: "p-2"})
	if !k.Erased("hg-cho", "p-1", events.Contact) || k.Erased("hg-cho", "p-1", events.Identity) || k.Erased("hg-cho", "p-2", events.Contact) {
		t.Error("who is erased was not seen by another process")
	}
	if again := seal(t, k, events.Identity, "name", "Vàng Thị Máy"); again != name {
		t.Errorf("the identity key changed when contact was erased: %s", again)
	}
	if _, err := k.Seal(place("hg-cho", "e", "phone"), "p-1", events.Contact, "x"); !errors.Is(err, vault.ErrErased) {
		t.Errorf("sealing for an erased person: %v", err)
	}
	erase("p-1", vault.ScopeAll)
	if err := unseal("name", name); !errors.Is(err, vault.ErrErased) {
		t.Errorf("identity after erasing all: %v", err)
	}

	erase("p-never-seen", vault.ScopeContact)
	k = sealer(t, other, vault.Ref{Organization: "hg-cho", Person: "p-never-seen"})
	if !k.Erased("hg-cho", "p-never-seen", events.Contact) {
		t.Error("a person unknown before the erasure got a contact key")
	}
	if _, err := k.Seal(place("hg-cho", "e", "name"), "p-never-seen", events.Identity, "x"); err != nil {
		t.Errorf("no identity key beside a destroyed contact key: %v", err)
	}
	if yes, err := v.Erased(t.Context(), "hg-cho", "p-never-seen", events.Contact); !yes || err != nil {
		t.Errorf("Erased: %v, %v", yes, err)
	}
	for _, bad := range [][3]string{{"hg-cho", "", "all"}, {"hg-cho", "p", "some"}, {"HG", "p", "all"}} {
		if err := v.Erase(t.Context(), bad[0], bad[1], bad[2]); !errors.Is(err, vault.ErrBadRef) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	// What Erase does best-effort must at least be a statement PostgreSQL takes.
	if _, err := conn.Exec(t.Context(), `VACUUM (TRUNCATE false) private.person_keys`); err != nil {
		t.Error(err)
	}
	// The database itself holds to it.
	for _, q := range []string{
		`UPDATE private.person_keys SET wrapped = decode(repeat('00', 80), 'hex'), destroyed_at = NULL WHERE destroyed_at IS NOT NULL`,
		`DELETE FROM private.person_keys`,
		`UPDATE private.person_keys SET wrapped = NULL WHERE destroyed_at IS NULL`,
	} {
		if _, err := conn.Exec(t.Context(), q); err == nil {
			t.Errorf("allowed: %s", q)
		}
	}
}

// Several processes meet the same new persons at once, in different order,
// while one of them is being erased.
func TestConcurrentBatches(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	const people = 200
	texts := make([]map[string]string, 3)
	var wg sync.WaitGroup
	for n := range texts {
		v, _ := open(t, url)
		wg.Go(func() {
			texts[n] = map[string]string{}
			var refs []vault.Ref
			for i := range people {
				refs = append(refs, vault.Ref{Organization: "hg-cho", Person: "p-" + string(rune('a'+(i*(n+1)+n)%26)) + string(rune('a'+i%26))})
			}
			k, err := v.Sealer(t.Context(), refs)
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range refs {
				if s, err := k.Seal(place("hg-cho", "e", "phone"), r.Person, events.Contact, "1"); err == nil {
					texts[n][r.Person] = s
				} else if !errors.Is(err, vault.ErrErased) || r.Person != "p-aa" {
					t.Errorf("%s: %v", r.Person, err)
				}
			}
		})
	}
	eraser, _ := open(t, url)
	if err := eraser.Erase(t.Context(), "hg-cho", "p-aa", vault.ScopeContact); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for p, s := range texts[0] {
		for _, other := range texts[1:] {
			if o, ok := other[p]; ok && o != s {
				t.Errorf("two keys for %s", p)
			}
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	v, _ := open(t, testdb.Database(t, "vault", migrate))
	k := sealer(t, v, person)
	rapid.Check(t, func(t *rapid.T) {
		id, field := rapid.StringN(1, 20, 64).Draw(t, "id"), rapid.StringMatching(`[a-z_]{1,12}`).Draw(t, "field")
		clear := string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "clear"))
		s, err := k.Seal(place("hg-cho", id, field), "p-1", events.ClassOf(field), clear)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := k.Open(place("hg-cho", id, field), "p-1", s); err != nil || back != clear {
			t.Fatalf("%v", err)
		}
		if len(clear) > 8 && strings.Contains(s, clear) {
			t.Fatal("clear text in the sealed text")
		}
		if again, _ := k.Seal(place("hg-cho", id, field), "p-1", events.ClassOf(field), clear); again != s {
			t.Fatal("not deterministic")
		}
	})
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "vault", migrate)
	path := filepath.Join(t.TempDir(), "new", "master.key")
	first, err := vault.LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != vault.MasterBytes {
		t.Fatalf("%v, %v", info, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
	conn := connect(t, url)
	v, err := vault.Open(t.Context(), conn, first)
	if err != nil {
		t.Fatal(err)
	}
	text := seal(t, sealer(t, v, person), events.Contact, "phone", "0912000001")
	again, err := vault.LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = vault.Open(t.Context(), conn, again); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unseal(t.Context(), place("hg-cho", "e|1", "phone"), "p-1", text); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	// Lost, and made anew by the next start.
	if err := os.Rename(path, path+".lost"); err != nil {
		t.Fatal(err)
	}
	fresh, err := vault.LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), conn, fresh); !errors.Is(err, vault.ErrWrongMaster) || !strings.Contains(err.Error(), path) {
		t.Errorf("a new master key over old keys: %v", err)
	}
	if _, err := conn.Exec(t.Context(), `DELETE FROM private.vault_check`); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), conn, fresh); !errors.Is(err, vault.ErrWrongMaster) {
		t.Errorf("without the check row: %v", err)
	}
	for _, c := range []struct {
		name string
		body string
		mode os.FileMode
	}{{"short", "k", 0o600}, {"open to everybody", strings.Repeat("k", 32), 0o644}} {
		p := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(p, []byte(c.body), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.LoadMaster(p); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

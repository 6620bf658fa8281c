package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"socho/internal/devstack/testdb"
	"socho/internal/vault"
)

// A person is found by an account that they gave, in their own organization, until
// they take it back or their identity key is destroyed.
func TestAccounts(t *testing.T) {
	t.Parallel()
	v, conn := open(t, testdb.Database(t, "vault", migrate))
	her := vault.AccountRef{Organization: "hg-cho", Person: "p-1", Object: "k-1"}
	find := func(organization, number string, want vault.AccountRef, there bool) {
		t.Helper()
		want.Organization = organization
		got, ok, err := v.FindAccount(t.Context(), organization, number)
		if err != nil || ok != there || ok && got != want {
			t.Errorf("%s of %s: %+v %v %v", number, organization, got, ok, err)
		}
	}
	for range 2 {
		if err := v.RememberAccount(t.Context(), her, "0011001234567"); err != nil {
			t.Fatal(err)
		}
	}
	find("hg-cho", "0011001234567", her, true)
	find("hg-khac", "0011001234567", her, false)
	find("hg-cho", "0011001234568", her, false)
	for _, other := range []vault.AccountRef{{Organization: "hg-cho", Person: "p-2", Object: "k-2"}, {Organization: "hg-cho", Person: "p-1", Object: "k-3"}} {
		if err := v.RememberAccount(t.Context(), other, "0011001234567"); !errors.Is(err, vault.ErrAccountTaken) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	if found, err := v.ProveAccount(t.Context(), "hg-cho", "k-1"); err != nil || !found {
		t.Error(found, err)
	}
	if found, err := v.ProveAccount(t.Context(), "hg-cho", "k-9"); err != nil || found {
		t.Error(found, err)
	}
	if ref, ok, err := v.AccountOf(t.Context(), "hg-cho", "k-1"); err != nil || !ok || !ref.Proved || ref.Person != "p-1" {
		t.Error(ref, ok, err)
	}
	var all []byte
	if err := conn.QueryRow(t.Context(), `SELECT string_agg(token, '') FROM private.accounts`).Scan(&all); err != nil || len(all) != 32 || bytes.Contains(all, []byte("1234567")) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	if err := v.ForgetAccount(t.Context(), "hg-cho", "k-1"); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "0011001234567", her, false)
	if err := v.RememberAccount(t.Context(), her, "0011001234567"); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "0011001234567", her, true) // and not proved any more
	if err := v.Erase(t.Context(), "hg-cho", "p-1", vault.ScopeContact); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "0011001234567", her, true)
	if err := v.Erase(t.Context(), "hg-cho", "p-1", vault.ScopeAll); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "0011001234567", her, false)
	if err := v.RememberAccount(t.Context(), her, "0011001234567"); !errors.Is(err, vault.ErrErased) {
		t.Error(err)
	}
	for _, bad := range []vault.AccountRef{{Organization: "hg-cho", Object: "k"}, {Organization: "hg-cho", Person: "p", Object: "a b"}} {
		if err := v.RememberAccount(t.Context(), bad, "1"); !errors.Is(err, vault.ErrBadRef) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

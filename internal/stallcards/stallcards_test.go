package stallcards_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/print"
	"socho/internal/service"
	"socho/internal/stallcards"
	"socho/projections"
	"socho/qr"
)

const market = "hg-cho-dong-van"

func open(t *testing.T) (*service.Service, func(lines ...string)) {
	t.Helper()
	s, err := service.Open(t.Context(), service.Options{Data: testdb.Data(t, "service", service.Migrate), Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // at the end
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, func(lines ...string) {
		t.Helper()
		if _, err := s.Publish(t.Context(), strings.NewReader(strings.Join(lines, "\n")), intake.Options{Actor: "test"}); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitForProjections(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func fact(id, name, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01",%s}}`, id, name, market, data)
}

func registered(id, account string) string {
	return fact(id, "organization.registered", `"kind":"market","name":"Chợ Đồng Văn","unit":"00721","bank_bin":"970436","account":"`+account+`"`)
}

// A card's serial is for life, whoever prints it and how often; a new one takes its
// place where the account has changed, and every small code is signed over what
// the log says.
func TestSerialsForLife(t *testing.T) {
	s, publish := open(t)
	ctx := t.Context()
	publish(registered("m1", "0011000000001"), fact("l1", "market.stall_let", `"person":"p-1","stall":"A12"`), fact("l2", "market.stall_let", `"person":"p-2","stall":"B7"`))
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := map[string][]byte{}
	trail := 0
	press := &stallcards.Press{Read: s.Read, Say: s, Key: bytes.Repeat([]byte{1}, 32), Public: "https://cho.example", Now: time.Now,
		Sign: func(text []byte) ([]byte, error) {
			signed[string(text)] = ed25519.Sign(private, text)
			return signed[string(text)], nil
		},
		Account: stallcards.Opener{Records: s.Log, Vault: s.Vault, Trail: func(context.Context, identity.Entry) error { trail++; return nil }}.Account}
	n := 0
	printed := func(o stallcards.Order) stallcards.Report {
		t.Helper()
		n++
		o.Organization, o.Actor, o.ID = market, "person:u-1", fmt.Sprint("print-", n)
		document, report, err := press.Print(ctx, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(document, []byte("%PDF")) || report.Bytes != len(document) {
			t.Errorf("%+v", report)
		}
		return report
	}
	cards := func() map[string]projections.StallCard {
		t.Helper()
		all, err := s.Read.StallCards(ctx, market, "")
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]projections.StallCard{}
		for _, c := range all {
			by[c.Card] = c
		}
		return by
	}
	if r := printed(stallcards.Order{}); r.Cards != 2 || r.Issued != 2 {
		t.Errorf("%+v", r)
	}
	if r := printed(stallcards.Order{Layout: print.FourOnA4}); r.Cards != 2 || r.Issued != 0 {
		t.Errorf("printed again: %+v", r)
	}
	a12 := qr.ShortName(market) + "-A12-"
	first := cards()[a12+"1"]
	if first.Copies != 2 || first.State != "issued" || first.IssuedBy != "person:u-1" || first.Person != "" {
		t.Errorf("%+v", first)
	}
	if want := qr.PaysTo(first.Card, "A12", "970436", "0011000000001", stallcards.Salt(press.Key, first.Card)); first.PaysTo != want {
		t.Errorf("pays to %s, want %s", first.PaysTo, want)
	}
	mark := qr.CardMark{Serial: first.Card, Stall: "A12", PaysTo: first.PaysTo}
	if !ed25519.Verify(public, mark.Signed(), signed[string(mark.Signed())]) {
		t.Error("the card was not signed over what the log says")
	}
	// A new card on request; then another account, which makes new ones of all.
	if r := printed(stallcards.Order{Stalls: []string{"A12"}, Anew: true, Why: "damaged"}); r.Issued != 1 {
		t.Errorf("%+v", r)
	}
	publish(registered("m2", "0011000000002"))
	if r := printed(stallcards.Order{}); r.Issued != 2 {
		t.Errorf("after another account: %+v", r)
	}
	now := cards()
	if c := now[a12+"1"]; c.State != "replaced" || c.ReplacedBy != a12+"2" || c.Reason != "damaged" {
		t.Errorf("%+v", c)
	}
	if c := now[a12+"2"]; c.State != "replaced" || c.ReplacedBy != a12+"3" || c.Reason != "account_changed" {
		t.Errorf("%+v", c)
	}
	// Her own card beside it, printed again from what is sealed.
	if r := printed(stallcards.Order{Stalls: []string{"A12"}, Sales: true, Own: stallcards.Account{BIN: "970422", Number: "0904881234"}}); r.Issued != 1 {
		t.Errorf("%+v", r)
	}
	own := cards()[a12+"4"]
	if own.Person != "p-1" || own.State != "issued" || trail != 0 {
		t.Errorf("%+v, %d openings", own, trail)
	}
	if r := printed(stallcards.Order{Stalls: []string{"A12"}, Sales: true}); r.Issued != 0 || trail != 1 {
		t.Errorf("%+v, %d openings", r, trail)
	}
	if c := cards()[a12+"3"]; c.State != "issued" {
		t.Errorf("the card for fees: %+v", c)
	}
	for name, c := range map[string]struct {
		order stallcards.Order
		want  error
	}{
		"another market":          {stallcards.Order{Organization: "hg-khong"}, stallcards.ErrMarket},
		"no such stall":           {stallcards.Order{Organization: market, Stalls: []string{"Z9"}}, stallcards.ErrStall},
		"sales of all":            {stallcards.Order{Organization: market, Sales: true}, stallcards.ErrOwn},
		"no account of hers":      {stallcards.Order{Organization: market, Stalls: []string{"B7"}, Sales: true}, stallcards.ErrOwn},
		"an account that is none": {stallcards.Order{Organization: market, Stalls: []string{"B7"}, Sales: true, Own: stallcards.Account{BIN: "97", Number: "x y"}}, nil},
	} {
		_, _, err := press.Print(ctx, c.order, nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "x y") {
			t.Errorf("%s: the account is repeated", name)
		}
	}
}

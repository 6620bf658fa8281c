package identity_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socho/internal/identity"
)

var everywhere = []string{identity.Everywhere}

// grant is role@organization as a Grant.
func grant(t *testing.T, text string) identity.Grant {
	t.Helper()
	g, err := identity.ParseGrant(text)
	must(t, err)
	return g
}

// as runs f as somebody who has just stepped up, with grants as the pages read
// them.
func (h *house) as(t *testing.T, id string, grants ...string) context.Context {
	t.Helper()
	p := &identity.Principal{ID: id, Kind: identity.Person}
	h.mu.Lock()
	p.SteppedUpAt = h.now
	h.mu.Unlock()
	for _, text := range grants {
		p.Grants = append(p.Grants, grant(t, text))
	}
	return identity.With(t.Context(), p)
}

func TestGrants(t *testing.T) {
	t.Parallel()
	h := open(t)
	lan := h.person(t, "lan", "market_manager@hg-cho")
	admin := h.as(t, h.person(t, "board", "administrator@hg-cho"), "administrator@hg-cho")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	if p := b.who(t); !p.May(identity.SeeBills, "hg-cho") || p.May(identity.SeeBills, "hg-khac") {
		t.Errorf("%+v", p)
	}
	must(t, h.Grant(admin, lan, grant(t, "auditor@hg-cho")))
	must(t, h.Grant(admin, lan, grant(t, "auditor@hg-cho")))
	if p := b.who(t); !p.May(identity.Verify, "hg-cho") {
		t.Error("a grant holds from the next request on")
	}
	must(t, h.Grant(admin, lan, grant(t, "proposer@hg-cho")))
	wants(t, "four eyes", h.Grant(admin, lan, grant(t, "approver@hg-cho")), identity.ErrFourEyes)
	wants(t, "elsewhere", h.Grant(admin, lan, grant(t, "auditor@hg-khac")), identity.ErrDenied)
	wants(t, "everywhere", h.Grant(admin, lan, grant(t, "auditor@*")), identity.ErrDenied)
	wants(t, "to oneself", h.Grant(admin, identity.From(admin).ID, grant(t, "auditor@hg-cho")), identity.ErrDenied)
	wants(t, "nobody", h.Grant(admin, "u-nobody", grant(t, "auditor@hg-cho")), identity.ErrNotFound)
	wants(t, "without the right", h.Grant(h.as(t, lan, "auditor@hg-cho"), lan, grant(t, "auditor@hg-cho")), identity.ErrDenied)
	wants(t, "signed out", h.Grant(t.Context(), lan, grant(t, "auditor@hg-cho")), identity.ErrNotSignedIn)
	stale := *identity.From(admin)
	stale.SteppedUpAt = stale.SteppedUpAt.Add(-time.Hour)
	wants(t, "not stepped up", h.Grant(identity.With(t.Context(), &stale), lan, grant(t, "auditor@hg-cho")), identity.ErrStepUp)

	must(t, h.Revoke(admin, lan, grant(t, "auditor@hg-cho")))
	if b.who(t) != nil {
		t.Error("revoking signs out")
	}
	wants(t, "twice", h.Revoke(admin, lan, grant(t, "auditor@hg-cho")), identity.ErrNotFound)

	// The administrator of a market has no power over that of the province.
	chief := h.person(t, "chief", "administrator@*", "auditor@hg-cho")
	for what, err := range map[string]error{
		"lock": h.Lock(admin, chief), "unlock": h.Unlock(admin, chief), "sign out": h.EndSessions(admin, chief),
		"link a login": h.LinkLogin(admin, chief, "https://id.example", "me"),
	} {
		wants(t, what, err, identity.ErrDenied)
	}
	_, err := h.Reset(admin, chief)
	wants(t, "reset", err, identity.ErrDenied)
	_, err = h.SessionsOf(admin, chief)
	wants(t, "sessions", err, identity.ErrDenied)

	// Nor does it see whom other organizations employ, but for finding one by name.
	h.person(t, "elsewhere", "auditor@hg-khac")
	people, err := h.People(admin)
	must(t, err)
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"board", "chief", "lan"}) {
		t.Errorf("the board sees %v", names)
	}
	card, _, _, err := h.IssueCard(cli(t), "hg-khac", "A12", "p-17")
	must(t, err)
	wants(t, "a card elsewhere", h.EndSessions(admin, card.ID), identity.ErrDenied)
	namesake := identity.With(t.Context(), &identity.Principal{ID: "t-x", Name: "lan", Kind: identity.Token})
	_, err = h.Staff(namesake, "lan")
	wants(t, "a token that is called as she is", err, identity.ErrDenied)

	got, err := h.Staff(admin, "lan")
	must(t, err)
	want := []identity.Grant{grant(t, "market_manager@hg-cho"), grant(t, "proposer@hg-cho")}
	if d := cmp.Diff(want, got.Grants); d != "" {
		t.Error(d)
	}
}

func TestParseGrant(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"auditor@*": true, "trader@hg-cho/A12": true, "collector@hg-cho": true, "clerk@hg-quy/diem-1": true,
		"auditor": false, "king@*": false, "auditor@": false, "auditor@HG": false, "trader@hg-cho": false, "trader@*/A12": false,
		"@hg-cho": false, "see.bills@hg-cho": false, "auditor@hg-cho,hg-khac": false, "": false,
	} {
		if _, err := identity.ParseGrant(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, ok := range map[string]bool{
		"see.bills@hg-cho": true, "publish.events@*": true,
		"approve.payouts@hg-cho": false, "unseal.contact@*": false, "manage.tokens@*": false, "auditor@*": false, "see.bills": false,
	} {
		if _, err := identity.ParseScope(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	h := open(t)
	admin := h.as(t, h.person(t, "board", "administrator@hg-cho"), "administrator@hg-cho")
	scope := []identity.Grant{{Right: identity.SeeBills, Organization: "hg-cho"}}
	made, secret, err := h.CreateToken(admin, "phần mềm kế toán", scope, 24*time.Hour)
	must(t, err)
	p, err := h.ByToken(t.Context(), secret)
	must(t, err)
	if !p.May(identity.SeeBills, "hg-cho") || p.May(identity.SeeBills, "hg-khac") || p.May(identity.SeeBoard, "hg-cho") || p.ID != made.ID || p.Kind != identity.Token {
		t.Errorf("%+v", p)
	}
	for what, text := range map[string]string{"no prefix": secret[1:], "another end": secret[:48] + "x", "cut off": secret[:40], "nothing": ""} {
		_, err := h.ByToken(t.Context(), text)
		wants(t, what, err, identity.ErrSignIn)
	}
	used := func() *time.Time {
		all, err := h.Tokens(admin)
		must(t, err)
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		return all[0].UsedAt
	}
	first := used()
	h.pass(59 * time.Second)
	_, err = h.ByToken(t.Context(), secret)
	must(t, err)
	if !used().Equal(*first) {
		t.Error("use is written down more than once a minute")
	}
	h.pass(time.Second)
	_, err = h.ByToken(t.Context(), secret)
	must(t, err)
	if used().Equal(*first) {
		t.Error("use is not written down")
	}

	for what, err := range map[string]error{
		"elsewhere":      second(h.CreateToken(admin, "x", []identity.Grant{{Right: identity.SeeBills, Organization: "hg-khac"}}, time.Hour)),
		"everywhere":     second(h.CreateToken(admin, "x", []identity.Grant{{Right: identity.SeeBills, Organization: "*"}}, time.Hour)),
		"revoke a token": h.RevokeToken(h.as(t, "u-other", "administrator@hg-khac"), made.ID),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	wants(t, "a right that needs a person", second(h.CreateToken(admin, "x", []identity.Grant{{Right: identity.UnsealContact, Organization: "hg-cho"}}, time.Hour)), identity.ErrGrant)
	wants(t, "for ever", second(h.CreateToken(admin, "x", scope, 10*identity.TokenMost)), identity.ErrGrant)

	_, short, err := h.CreateToken(admin, "short", scope, time.Hour)
	must(t, err)
	h.pass(time.Hour)
	_, err = h.ByToken(t.Context(), short)
	wants(t, "expired", err, identity.ErrSignIn)
	must(t, h.RevokeToken(identity.With(t.Context(), identity.CLI()), made.ID))
	_, err = h.ByToken(t.Context(), secret)
	wants(t, "revoked", err, identity.ErrSignIn)

	var rows string
	must(t, h.pool.QueryRow(t.Context(), `SELECT string_agg(t::text, ' ') FROM app.tokens t`).Scan(&rows))
	if strings.Contains(rows, secret[10:20]) {
		t.Error("the token stands in the database")
	}
}

func second[A, B any](_ A, _ B, err error) error { return err }

func TestCards(t *testing.T) {
	t.Parallel()
	h := open(t)
	board := h.as(t, h.person(t, "board", "administrator@hg-cho"), "administrator@hg-cho")
	card, token, pin, err := h.IssueCard(board, "hg-cho", "A12", "p-17")
	must(t, err)
	_, _, _, err = h.IssueCard(board, "hg-khac", "A12", "p-17")
	wants(t, "another market", err, identity.ErrDenied)

	signIn := func(b *browser, token, pin string) (choose bool, err error) {
		err = b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
			choose, err = s.SignInByCard(ctx, token, pin)
			return err
		})
		return choose, err
	}
	b := h.browser("192.0.2.1")
	_, err = signIn(b, "", pin)
	wants(t, "no card", err, identity.ErrSignIn)
	_, err = signIn(b, token, "000000")
	wants(t, "a wrong PIN", err, identity.ErrSignIn)
	if choose, err := signIn(b, token, pin); err != nil || !choose {
		t.Fatalf("%v, %v", choose, err)
	}
	p := b.who(t)
	if !p.May(identity.SeeBills, "hg-cho", "A12") || p.May(identity.SeeBills, "hg-cho", "A13") || p.May(identity.SeeBills, "hg-cho") || p.Name != "A12" {
		t.Errorf("%+v", p)
	}

	// Her own PIN; the telephone remembered.
	var device string
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		wants(t, "an easy PIN", h.ChangePIN(ctx, pin, "123456"), identity.ErrPIN)
		if err := h.ChangePIN(ctx, pin, "270915"); err != nil {
			return err
		}
		device, err = h.RememberDevice(ctx, "Điện thoại "+strings.Repeat("x", 100))
		return err
	}))
	_, err = signIn(h.browser("192.0.2.1"), token, pin)
	wants(t, "the PIN before", err, identity.ErrSignIn)
	if choose, err := signIn(h.browser("192.0.2.1"), token, "270915"); err != nil || choose {
		t.Errorf("%v, %v", choose, err)
	}
	phone := h.browser("192.0.2.1")
	byDevice := func(token string) error {
		return phone.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SignInByDevice(ctx, token) })
	}
	wants(t, "no device", byDevice("nothing"), identity.ErrSignIn)
	must(t, byDevice(device))
	must(t, phone.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		if identity.From(ctx).SteppedUp(time.Now()) {
			t.Error("a remembered device has stepped up")
		}
		_, err := h.RememberDevice(ctx, "another")
		wants(t, "another device without the PIN", err, identity.ErrStepUp)
		return s.StepUp(ctx, "270915")
	}))
	must(t, phone.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		if !identity.From(ctx).SteppedUp(h.now) {
			t.Error("the PIN steps up")
		}
		devices, err := h.Devices(ctx)
		must(t, err)
		if len(devices) != 1 || len(devices[0].Name) > 80 {
			t.Fatalf("%+v", devices)
		}
		return h.ForgetDevice(ctx, devices[0].ID)
	}))
	wants(t, "a forgotten device", byDevice(device), identity.ErrSignIn)

	// The PIN is locked soon, whoever tries it from wherever.
	tried := 0
	for ; tried < 9; tried++ {
		if _, err := signIn(h.browser("203.0.113.9"), token, "111222"); waits(err) {
			break
		}
	}
	if tried != 3 {
		t.Errorf("%d PINs were tried", tried)
	}
	pin, err = h.ResetPIN(board, card.ID)
	must(t, err)
	if choose, err := signIn(phone, token, pin); err != nil || !choose {
		t.Errorf("after the reset: %v, %v", choose, err)
	}
	wants(t, "another board", h.RevokeCard(h.as(t, "u-x", "administrator@hg-khac"), card.ID), identity.ErrDenied)
	must(t, h.RevokeCard(board, card.ID))
	if phone.who(t) != nil {
		t.Error("a revoked card is still signed in")
	}
	_, err = signIn(phone, token, pin)
	wants(t, "a revoked card", err, identity.ErrSignIn)
	cards, err := h.Cards(board, "hg-cho")
	if err != nil || len(cards) != 1 || cards[0].RevokedAt == nil {
		t.Errorf("%+v, %v", cards, err)
	}
}

func TestCheckPIN(t *testing.T) {
	t.Parallel()
	for pin, ok := range map[string]bool{
		"270915": true, "100000": true, "112233": true,
		"123456": false, "654321": false, "890123": false, "000000": false, "123123": false, "121212": false,
		"12345": false, "1234567": false, "27091a": false, "": false, "٢٧٠٩١٥": false,
	} {
		if err := identity.CheckPIN(pin); (err == nil) != ok {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestTrail(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan", "market_manager@hg-cho")
	b := h.browser("203.0.113.77")
	must(t, b.signIn(t, "lan", good))
	must(t, b.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		wants(t, "refused", h.Require(ctx, identity.SeePayouts, "hg-quy"), identity.ErrDenied)
		return h.Record(ctx, identity.Entry{Action: identity.Exported, Organization: "hg-cho", Object: "bills", Outcome: identity.OK})
	}))
	entries, _, err := h.Trail(t.Context(), identity.TrailFilter{Actor: id, Organizations: everywhere}, 2, "")
	must(t, err)
	if len(entries) != 2 || entries[0].Action != identity.Exported || entries[1].Action != identity.Denied || entries[1].Object != "see.payouts" ||
		entries[0].Network != "203.0.113.0/24" || len(entries[0].Session) != 16 {
		t.Errorf("%+v", entries)
	}
	// Page by page it is the same as at once.
	all, next, err := h.Trail(t.Context(), identity.TrailFilter{Organizations: everywhere}, 500, "")
	if err != nil || next != "" || len(all) < 5 {
		t.Fatalf("%d, %q, %v", len(all), next, err)
	}
	var paged []identity.Entry
	for cursor, more := "", true; more; more = cursor != "" {
		var page []identity.Entry
		page, cursor, err = h.Trail(t.Context(), identity.TrailFilter{Organizations: everywhere}, 2, cursor)
		must(t, err)
		paged = append(paged, page...)
	}
	if d := cmp.Diff(all, paged); d != "" {
		t.Error(d)
	}
	_, _, err = h.Trail(t.Context(), identity.TrailFilter{Organizations: everywhere}, 2, "nonsense!")
	wants(t, "a cursor", err, identity.ErrCursor)
	mine, _, err := h.Trail(t.Context(), identity.TrailFilter{Organizations: []string{"hg-cho"}}, 0, "")
	if err != nil || slices.ContainsFunc(mine, func(e identity.Entry) bool { return e.Organization != "hg-cho" }) || len(mine) == 0 {
		t.Errorf("%+v, %v", mine, err)
	}
	if none, _, err := h.Trail(t.Context(), identity.TrailFilter{}, 0, ""); err != nil || len(none) != 0 {
		t.Errorf("whoever may see no organization sees %d entries, %v", len(none), err)
	}
	for _, sql := range []string{`DELETE FROM app.trail`, `UPDATE app.trail SET actor = ''`, `TRUNCATE app.trail`} {
		if _, err := h.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("the service may %s", sql)
		}
		if _, err := h.owner(t).Exec(t.Context(), sql); err == nil {
			t.Errorf("the owner may %s", sql)
		}
	}
}

package identity_test

import (
	"context"
	"testing"
	"time"

	"socho/internal/identity"
)

const idp = "https://id.example"

// A person links a login herself after a step-up, and cannot saw off the branch
// she sits on.
func TestOwnLogins(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan", "auditor@*")
	h.person(t, "hoa")
	b, elsewhere, hoa := h.browser("192.0.2.1"), h.browser("192.0.2.2"), h.browser("192.0.2.3")
	for name, where := range map[string]*browser{"lan": b, "hoa": hoa} {
		must(t, where.signIn(t, name, good))
	}
	must(t, elsewhere.signIn(t, "lan", good))
	link := func(b *browser, subject string) error {
		return b.visit(t, func(ctx context.Context, _ *identity.Sessions) error { return h.LinkOwnLogin(ctx, idp, subject) })
	}
	unlink := func(id string) error {
		return b.visit(t, func(ctx context.Context, _ *identity.Sessions) error { return h.UnlinkOwnLogin(ctx, id) })
	}
	wants(t, "nobody", h.LinkOwnLogin(t.Context(), idp, "lan"), identity.ErrNotSignedIn)
	must(t, link(b, "lan"))
	if elsewhere.who(t) != nil {
		t.Error("a new way in leaves other sessions open")
	}
	wants(t, "her login for another", link(hoa, "lan"), identity.ErrTaken)
	staff, err := h.Staff(cli(t), "lan")
	must(t, err)
	h.pass(identity.StepUpFor)
	wants(t, "unlink without a step-up", unlink(staff.Logins[0].ID), identity.ErrStepUp)
	wants(t, "link without a step-up", link(b, "lan2"), identity.ErrStepUp)
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.StepUpByLogin(ctx, idp, "lan") }))
	wants(t, "another's", unlink("0011223344556677"), identity.ErrNotFound)
	_, err = h.pool.Exec(t.Context(), `UPDATE app.people SET password = '' WHERE name = 'lan'`)
	must(t, err)
	wants(t, "the only way in", unlink(staff.Logins[0].ID), identity.ErrOnlyWay)
	must(t, link(b, "lan2"))
	must(t, unlink(staff.Logins[0].ID))

	if n, at, err := h.LoginsInUse(t.Context()); err != nil || n != 1 || !at.IsZero() {
		t.Errorf("nobody has come in by it: %d, %v, %v", n, at, err)
	}
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		_, err := s.SignInByLogin(ctx, idp, "lan2")
		return err
	}))
	if _, at, err := h.LoginsInUse(t.Context()); err != nil || at.IsZero() {
		t.Errorf("somebody has: %v, %v", at, err)
	}
	entries, _, err := h.Trail(t.Context(), identity.TrailFilter{Actor: staff.ID, Organizations: []string{identity.Everywhere}}, 0, "")
	must(t, err)
	seen := map[string]int{}
	for _, e := range entries {
		seen[e.Action+" "+e.Outcome]++
	}
	for _, want := range []string{"login_link ok", "login_unlink ok", "sign_in_openid ok", "step_up_openid ok"} {
		if seen[want] == 0 {
			t.Errorf("the trail does not say %s: %v", want, seen)
		}
	}
}

// A link may be used up at the provider instead of with a password, once.
func TestInvitedByLogin(t *testing.T) {
	t.Parallel()
	h := open(t)
	id, token, err := h.Add(cli(t), "lan", "vi")
	must(t, err)
	b := h.browser("192.0.2.1")
	hold := func(token string) error {
		return b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.HoldInvitation(ctx, token) })
	}
	redeem := func(b *browser) error {
		return b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
			_, err := s.RedeemByLogin(ctx, idp, "lan")
			return err
		})
	}
	wants(t, "no link", hold("none"), identity.ErrLink)
	wants(t, "nothing held", redeem(b), identity.ErrLink)
	must(t, hold(token))
	wants(t, "another browser", redeem(h.browser("192.0.2.2")), identity.ErrLink)
	must(t, redeem(b))
	if p := b.who(t); p == nil || p.ID != id || p.SteppedUp(time.Now()) || !p.Second {
		t.Errorf("%+v", p)
	}
	wants(t, "used up", hold(token), identity.ErrLink)
	_, err = h.Redeem(t.Context(), token, "", good)
	wants(t, "used up, for a password too", err, identity.ErrLink)

	// A link that ran out meanwhile links nothing, nor does one for the first
	// administrator, who sets a password.
	token, err = h.Reset(cli(t), id)
	must(t, err)
	must(t, hold(token))
	h.pass(identity.InvitationLife)
	wants(t, "too late", redeem(b), identity.ErrLink)
	token, err = h.SetUp(t.Context())
	must(t, err)
	must(t, hold(token))
	wants(t, "the first administrator", redeem(b), identity.ErrLink)
	if _, err := h.Invitation(t.Context(), token); err != nil {
		t.Errorf("it is used up: %v", err)
	}
}

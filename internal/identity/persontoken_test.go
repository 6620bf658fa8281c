package identity_test

import (
	"strings"
	"testing"
	"time"

	"socho/internal/identity"
)

// A person's token for commands is the person: with their rights of that moment,
// freshly proved for as long as any proof holds, for an hour, until it is revoked
// or whatever ends their sessions.
func TestPersonTokens(t *testing.T) {
	t.Parallel()
	h := open(t)
	lan := h.person(t, "lan", "approver@hg-quy")
	hoa := h.person(t, "hoa")
	make := func() (identity.PersonToken, string) {
		t.Helper()
		made, secret, err := h.CreatePersonToken(cli(t), lan)
		must(t, err)
		return made, secret
	}
	_, secret := make()
	p, err := h.ByPersonToken(t.Context(), secret)
	must(t, err)
	if p.ID != lan || p.Kind != identity.Person || !p.May(identity.ApprovePayouts, "hg-quy") {
		t.Errorf("%+v", p)
	}
	ctx := identity.With(t.Context(), p)
	wants(t, "at once", h.Require(ctx, identity.ApprovePayouts, "hg-quy"), nil)
	h.pass(identity.StepUpFor)
	wants(t, "five minutes later", h.Require(ctx, identity.ApprovePayouts, "hg-quy"), identity.ErrStepUp)
	_, err = h.ByPersonToken(t.Context(), secret)
	wants(t, "the token", err, nil)
	h.pass(identity.PersonTokenLife - identity.StepUpFor)
	_, err = h.ByPersonToken(t.Context(), secret)
	wants(t, "an hour later", err, identity.ErrSignIn)

	// One's own alone, freshly proved.
	own := identity.With(t.Context(), &identity.Principal{ID: lan, Kind: identity.Person, SteppedUpAt: h.now})
	_, _, err = h.CreatePersonToken(own, lan)
	wants(t, "one's own", err, nil)
	_, _, err = h.CreatePersonToken(own, hoa)
	wants(t, "another's", err, identity.ErrDenied)
	_, _, err = h.CreatePersonToken(identity.With(t.Context(), &identity.Principal{ID: lan, Kind: identity.Person}), lan)
	wants(t, "without a step-up", err, identity.ErrStepUp)
	_, _, err = h.CreatePersonToken(t.Context(), lan)
	wants(t, "a visitor", err, identity.ErrNotSignedIn)
	_, err = h.PersonTokens(own, hoa)
	wants(t, "another's list", err, identity.ErrDenied)
	if open, err := h.PersonTokens(own, lan); err != nil || len(open) != 1 {
		t.Errorf("%v %v", open, err)
	}

	for what, end := range map[string]func(made identity.PersonToken) error{
		"revoked":    func(made identity.PersonToken) error { return h.RevokePersonToken(own, lan, made.ID) },
		"signed out": func(identity.PersonToken) error { return h.EndSessions(cli(t), lan) },
		"a role taken": func(identity.PersonToken) error {
			return h.Revoke(cli(t), lan, identity.Grant{Role: identity.Approver, Organization: "hg-quy"})
		},
		"locked, at the end": func(identity.PersonToken) error { return h.Lock(cli(t), lan) },
	} {
		must(t, h.Unlock(cli(t), lan))
		must(t, h.Grant(cli(t), lan, identity.Grant{Role: identity.Approver, Organization: "hg-quy"}))
		made, secret := make()
		must(t, end(made))
		_, err := h.ByPersonToken(t.Context(), secret)
		wants(t, what, err, identity.ErrSignIn)
	}
	wants(t, "another's token", h.RevokePersonToken(identity.With(t.Context(), &identity.Principal{ID: hoa, Kind: identity.Person}), lan, "k-x"), identity.ErrDenied)
	h.pass(time.Hour)
	if open, err := h.PersonTokens(cli(t), ""); err != nil || len(open) != 0 {
		t.Errorf("%v %v", open, err)
	}

	// No secret is stored, and no other door takes it.
	_, secret = func() (identity.PersonToken, string) { must(t, h.Unlock(cli(t), lan)); return make() }()
	_, err = h.ByToken(t.Context(), secret)
	wants(t, "as a program's", err, identity.ErrSignIn)
	var rows string
	must(t, h.pool.QueryRow(t.Context(), `SELECT string_agg(t::text, ' ') FROM app.person_tokens t`).Scan(&rows))
	if len(rows) == 0 || strings.Contains(rows, secret) {
		t.Error("a secret is stored")
	}
}

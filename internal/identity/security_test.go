package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"socho/internal/identity"
)

// Whoever has a market's people in hand cannot take over an account that the
// province has made and not yet given its work.
func TestSecurityNewcomers(t *testing.T) {
	t.Parallel()
	h := open(t)
	market := h.as(t, h.person(t, "cho", "administrator@hg-cho-a"), "administrator@hg-cho-a")
	id, _, err := h.Add(cli(t), "lan", "vi")
	must(t, err)
	_, err = h.Reset(market, id)
	wants(t, "a link to another's newcomer", err, identity.ErrDenied)
	wants(t, "a login for another's newcomer", h.LinkLogin(market, id, "https://id.example", "cho"), identity.ErrDenied)
	wants(t, "a role for another's newcomer", h.Grant(market, id, identity.Grant{Role: identity.Collector, Organization: "hg-cho-a"}), identity.ErrDenied)

	own, _, err := h.Add(market, "hoa", "vi")
	must(t, err)
	must(t, h.Grant(market, own, identity.Grant{Role: identity.Collector, Organization: "hg-cho-a"}))
	_, err = h.Reset(market, own)
	wants(t, "one's own", err, nil)

	// Somebody who works elsewhere may be given work here, and stays out of reach.
	must(t, h.Grant(cli(t), id, identity.Grant{Role: identity.Auditor, Organization: "hg-cho-b"}))
	must(t, h.Grant(market, id, identity.Grant{Role: identity.Collector, Organization: "hg-cho-a"}))
	_, err = h.Reset(market, id)
	wants(t, "somebody of two markets", err, identity.ErrDenied)
	wants(t, "their sessions", h.EndSessions(market, id), identity.ErrDenied)
}

// A telephone that was stolen opens nothing once its owner, or the board, has
// ended whatever is signed in by the card.
func TestSecurityDevices(t *testing.T) {
	t.Parallel()
	h := open(t)
	card, token, pin, err := h.IssueCard(cli(t), "hg-cho-a", "A12", "p1")
	must(t, err)
	remembered := func() (device string) {
		b := h.browser("192.0.2.1")
		must(t, b.card(t, token, pin))
		must(t, b.visit(t, func(ctx context.Context, _ *identity.Sessions) (err error) {
			device, err = h.RememberDevice(ctx, "telephone")
			return err
		}))
		return device
	}
	opens := func(device string) error {
		return h.browser("198.51.100.1").visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SignInByDevice(ctx, device) })
	}
	for what, end := range map[string]func() error{
		"signing out everywhere": func() error { return h.EndSessions(cli(t), card.ID) },
		"a new PIN":              func() (err error) { pin, err = h.ResetPIN(cli(t), card.ID); return err },
	} {
		device := remembered()
		must(t, opens(device))
		must(t, end())
		wants(t, what, opens(device), identity.ErrSignIn)
	}
	first, second := remembered(), remembered()
	must(t, h.LeaveDevice(t.Context(), first))
	must(t, h.LeaveDevice(t.Context(), first))
	must(t, h.LeaveDevice(t.Context(), "none"))
	wants(t, "one that was left", opens(first), identity.ErrSignIn)
	wants(t, "another", opens(second), nil)
}

// A device, and a provider that may have asked hours ago, prove nothing anew.
func TestSecurityStepUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan", "approver@hg-quy")
	must(t, h.LinkLogin(cli(t), id, "https://id.example", "lan"))
	b := h.browser("192.0.2.1")
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		_, err := s.SignInByLogin(ctx, "https://id.example", "lan")
		return err
	}))
	must(t, b.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		wants(t, "a login", h.Require(ctx, identity.ApprovePayouts, "hg-quy"), identity.ErrStepUp)
		return nil
	}))
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		return s.StepUpByLogin(ctx, "https://id.example", "lan")
	}))
	must(t, b.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		wants(t, "asked anew", h.Require(ctx, identity.ApprovePayouts, "hg-quy"), nil)
		return nil
	}))
}

// Guesses at the second factor wait wherever they come from, and what was begun
// before somebody was locked out ends nowhere.
func TestSecuritySecondFactor(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	secret, _ := b.enrol(t)
	h.pass(time.Minute)
	guesses := 0
	for i := range 40 {
		thief := h.browser("198.51." + string(rune('0'+i%10)) + ".1") // who knows the password
		if err := thief.signIn(t, "lan", good); waits(err) {
			break
		}
		if err := thief.second(t, "000000"); waits(err) {
			break
		}
		guesses++
	}
	if guesses == 0 || guesses > 5 {
		t.Errorf("%d guesses without a wait", guesses)
	}
	h.pass(20 * time.Minute)
	wants(t, "the password", b.signIn(t, "lan", good), errSecond)
	must(t, h.Lock(cli(t), id))
	code, err := totp.GenerateCode(secret, h.now)
	must(t, err)
	wants(t, "somebody locked meanwhile", b.second(t, code), identity.ErrSignIn)
}

// A token is given no right that takes a person, nor one beyond those whose
// tokens its maker manages.
func TestSecurityTokenScope(t *testing.T) {
	t.Parallel()
	h := open(t)
	maker := h.as(t, h.person(t, "cho", "administrator@hg-cho-a"), "administrator@hg-cho-a")
	for text, want := range map[string]error{
		"see.bills@hg-cho-a":       nil,
		"see.bills@hg-cho-b":       identity.ErrDenied,
		"see.bills@*":              identity.ErrDenied,
		"manage.people@hg-cho-a":   identity.ErrGrant,
		"approve.payouts@hg-cho-a": identity.ErrGrant,
		"see.bills@hg-cho-a,*":     identity.ErrGrant,
		"administrator@hg-cho-a":   identity.ErrGrant,
	} {
		g, err := identity.ParseScope(text)
		if err == nil {
			_, _, err = h.CreateToken(maker, "x", []identity.Grant{g}, time.Hour)
		}
		wants(t, text, err, want)
	}
	_, _, err := h.CreateToken(maker, "x", []identity.Grant{{Role: identity.Auditor, Organization: "hg-cho-a"}}, time.Hour)
	wants(t, "a role", err, identity.ErrGrant)
}

// Whoever keeps guessing elsewhere keeps nobody out where they work, and gains
// no guesses by it.
func TestSecurityLockOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan")
	office := func() *browser { return h.browser("192.0.2.1") }
	must(t, office().signIn(t, "lan", good))
	guesses := func(from string) (n int) {
		for ; n < 20; n++ {
			if waits(h.browser(from).signIn(t, "lan", "sai mật khẩu rồi")) {
				break
			}
		}
		return n
	}
	if n := guesses("198.51.100.1") + guesses("203.0.113.1"); n != 5 {
		t.Errorf("%d guesses from elsewhere", n)
	}
	must(t, office().signIn(t, "lan", good))
	if err := h.browser("198.51.100.9").signIn(t, "lan", good); !waits(err) {
		t.Errorf("coming in at the office ends the wait elsewhere: %v", err)
	}
	if n := guesses("192.0.2.7"); n != 5 {
		t.Errorf("%d guesses from the office", n)
	}
	must(t, h.Unlock(cli(t), id))
	must(t, office().signIn(t, "lan", good))
	h.pass(31 * 24 * time.Hour)
	if n := guesses("192.0.2.1") + guesses("198.51.100.1"); n != 5 {
		t.Errorf("%d guesses where nobody came in for a month", n)
	}
}

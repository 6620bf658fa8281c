package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/identity"
)

func (h *house) owner(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.url)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

const cookie = "__Host-socho"

// A cookie that somebody planted before the sign-in, or took before a step-up,
// is worth nothing after it.
func TestFixation(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error { s.Put(ctx, "flash", "chào"); return nil }))
	thief := h.browser("198.51.100.1")
	steal := func() { thief.cookies[cookie] = b.cookies[cookie] }
	steal()
	must(t, b.signIn(t, "lan", good))
	if b.cookies[cookie] == thief.cookies[cookie] || thief.who(t) != nil {
		t.Error("the cookie planted before is signed in")
	}
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		if s.GetString(ctx, "flash") != "" {
			t.Error("what was there before the sign-in is still there")
		}
		return nil
	}))
	steal()
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.StepUp(ctx, good) }))
	if thief.who(t) != nil || b.who(t) == nil {
		t.Error("the cookie taken before the step-up is good")
	}
	steal()
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SignOut(ctx) }))
	if thief.who(t) != nil {
		t.Error("the session goes on after the sign-out")
	}
}

// A request that runs while its session is ended does not write it back.
func TestEndedStaysEnded(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		s.Put(ctx, "flash", "chào")
		return h.EndSessions(cli(t), id)
	}))
	if b.who(t) != nil {
		t.Error("the session came back")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan")
	here, there := h.browser("192.0.2.1"), h.browser("198.51.100.1")
	must(t, here.signIn(t, "lan", good))
	must(t, there.signIn(t, "lan", good))
	must(t, here.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		found, err := h.SessionsOf(ctx, id)
		must(t, err)
		if len(found) != 2 || found[0].This == found[1].This {
			t.Fatalf("%+v", found)
		}
		for _, s := range found {
			if !s.This {
				if s.Network != "198.51.100.0/24" {
					t.Errorf("%+v", s)
				}
				must(t, h.EndSession(ctx, s.ID))
				wants(t, "twice", h.EndSession(ctx, s.ID), identity.ErrNotFound)
			}
		}
		return nil
	}))
	if here.who(t) == nil || there.who(t) != nil {
		t.Error("the wrong one ended")
	}

	// A new password ends the others.
	must(t, there.signIn(t, "lan", good))
	const other = "một mật khẩu hoàn toàn khác"
	must(t, here.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		wants(t, "without the one before", h.ChangePassword(ctx, "sai mật khẩu rồi", other), identity.ErrSignIn)
		return h.ChangePassword(ctx, good, other)
	}))
	if here.who(t) == nil || there.who(t) != nil {
		t.Error("the wrong one ended")
	}
	must(t, there.signIn(t, "lan", other))

	h.pass(identity.SessionIdle + time.Minute)
	if here.who(t) != nil {
		t.Error("no limit to idleness")
	}
	h.pass(-identity.SessionIdle - time.Minute)
	must(t, h.Lock(cli(t), id))
	if there.who(t) != nil {
		t.Error("a locked person is signed in")
	}
	must(t, h.Unlock(cli(t), id))
	if there.who(t) != nil {
		t.Error("unlocking brought a session back")
	}
}

// However busy, a session ends after SessionMost.
func TestAbsoluteLimit(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	_, err := h.pool.Exec(t.Context(), `UPDATE app.sessions SET data = jsonb_set(data, '{deadline}', to_jsonb(to_char(now() - interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))`)
	must(t, err)
	h.pass(time.Minute)
	b.who(t) // this one may still be answered; it puts the limit into the row
	if b.who(t) != nil {
		t.Error("no absolute limit")
	}
}

func TestSteppingUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan", "approver@hg-quy")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	approve := func() error {
		return b.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
			return h.Require(ctx, identity.ApprovePayouts, "hg-quy")
		})
	}
	must(t, approve()) // just signed in
	h.pass(identity.StepUpFor)
	wants(t, "five minutes later", approve(), identity.ErrStepUp)
	stepUp := func(secret string) error {
		return b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.StepUp(ctx, secret) })
	}
	wants(t, "a wrong password", stepUp("sai mật khẩu rồi"), identity.ErrSignIn)
	must(t, stepUp(good))
	must(t, approve())
	secret, _ := b.enrol(t)
	h.pass(identity.StepUpFor)
	wants(t, "the password where there is a second factor", stepUp(good), identity.ErrSignIn)
	must(t, stepUp(h.code(t, secret)))
	must(t, approve())
	wants(t, "nobody", h.browser("192.0.2.1").visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.StepUp(ctx, good) }), identity.ErrNotSignedIn)

	// An OpenID provider may vouch for the person instead.
	must(t, h.LinkLogin(cli(t), id, "https://id.example", "lan"))
	wants(t, "linked twice", h.LinkLogin(cli(t), id, "https://id.example", "lan"), identity.ErrTaken)
	other := h.browser("192.0.2.5")
	login := func(subject string) error {
		return other.visit(t, func(ctx context.Context, s *identity.Sessions) error {
			second, err := s.SignInByLogin(ctx, "https://id.example", subject)
			if second {
				return errSecond
			}
			return err
		})
	}
	wants(t, "somebody else's login", login("hoa"), identity.ErrSignIn)
	// The second factor that she has set up here is asked for all the same.
	wants(t, "the provider alone", login("lan"), errSecond)
	if other.who(t) != nil {
		t.Error("the provider's word was enough")
	}
	h.pass(time.Minute)
	must(t, other.second(t, h.code(t, secret)))
	if p := other.who(t); p == nil || p.ID != id {
		t.Errorf("%+v", p)
	}
	staff, err := h.Staff(cli(t), id)
	must(t, err)
	if len(staff.Logins) != 1 || staff.Logins[0].Issuer != "https://id.example" {
		t.Fatalf("%+v", staff.Logins)
	}
	wants(t, "another login", h.UnlinkLogin(cli(t), id, "0011223344556677"), identity.ErrNotFound)
	must(t, h.UnlinkLogin(cli(t), id, staff.Logins[0].ID))
	if other.who(t) != nil {
		t.Error("unlinking leaves the session open")
	}
	wants(t, "unlinked", login("lan"), identity.ErrSignIn)
}

package identity

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
)

// How long a session lasts: without a request, and at all.
const (
	SessionIdle = 30 * time.Minute
	SessionMost = 12 * time.Hour
)

// secondWithin is how long a second factor may follow the password.
const secondWithin = 5 * time.Minute

// What a session knows. Every value is text.
const (
	keyPrincipal = "principal"
	keySteppedUp = "stepped_up_at"
	keyProvider  = "provider" // yes: a provider has vouched for them
	keyPending   = "pending"  // whose password was right, the second factor being due
	keyPendingAt = "pending_at"
)

// Sessions are the browser's side of the directory: a cookie whose token is
// stored as a hash. Pages may keep texts of their own in it (Put, PopString);
// other types do not survive. Whatever signs in or out renews the token, so that
// a cookie planted before is worth nothing after.
type Sessions struct {
	*scs.SessionManager
	d       *Directory
	address func(*http.Request) netip.Addr
	fault   http.HandlerFunc // what a visitor is shown where sessions cannot be read or written
}

// Sessions returns sessions whose cookie is sent over HTTPS alone where secure
// is set, as it must be wherever pages leave the machine. address says where a
// request comes from; nil takes the connection's other end, which is right
// where no proxy stands between. log is told why a session could not be read or
// written; the visitor gets a 503; see OnFault.
func (d *Directory) Sessions(secure bool, address func(*http.Request) netip.Addr, log *slog.Logger) *Sessions {
	if address == nil {
		address = RemoteAddress
	}
	m := scs.New()
	m.IdleTimeout, m.Lifetime = SessionIdle, SessionMost
	m.Store, m.Codec = sessionStore{d}, jsonCodec{}
	m.Cookie.Name, m.Cookie.Secure, m.Cookie.Persist = "socho", secure, false
	if secure {
		m.Cookie.Name = "__Host-socho"
	}
	m.Cookie.HttpOnly, m.Cookie.Path, m.Cookie.SameSite = true, "/", http.SameSiteLaxMode
	s := &Sessions{m, d, address, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "sessions are not available", http.StatusServiceUnavailable)
	}}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		log.ErrorContext(r.Context(), "sessions cannot be read or written", "error", err)
		s.fault(w, r)
	}
	return s
}

// OnFault says what a visitor is shown where sessions cannot be read or written;
// call it before the sessions are used. It must ask nothing of the database.
func (s *Sessions) OnFault(show http.HandlerFunc) { s.fault = show }

// RemoteAddress is the other end of the connection.
func RemoteAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// Handler reads the session of each request and puts the principal, as they are
// now, into its context, where From finds them.
func (s *Sessions) Handler(next http.Handler) http.Handler {
	inner := s.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := s.resume(r.Context())
		if err != nil {
			s.ErrorFunc(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(WithVisit(r.Context(), s.address(r))))
	})
}

// resume finds the session's principal.
func (s *Sessions) resume(ctx context.Context) (context.Context, error) {
	if token := s.Token(ctx); token != "" {
		v := visitOf(ctx)
		v.session = hashOf(token)
		ctx = context.WithValue(ctx, visitKey{}, v)
	}
	id := s.GetString(ctx, keyPrincipal)
	if id == "" {
		return ctx, nil
	}
	p, err := s.d.principal(ctx, id)
	if err != nil || p == nil {
		return ctx, err
	}
	p.Second = p.Second || s.GetString(ctx, keyProvider) != ""
	p.SteppedUpAt, _ = time.Parse(time.RFC3339, s.GetString(ctx, keySteppedUp)) // none: never
	return With(ctx, p), nil
}

// SignIn checks name and password. With second set they were right, and the
// session waits for SecondFactor; else the person is in.
// Errors: ErrSignIn, *WaitError.
func (s *Sessions) SignIn(ctx context.Context, name, password string) (second bool, err error) {
	person, second, err := s.d.checkPassword(ctx, name, password)
	if err != nil {
		return false, err
	}
	if !second {
		return false, s.enter(ctx, person, true)
	}
	return true, s.await(ctx, person)
}

// await makes the session one that waits for a person's second factor.
func (s *Sessions) await(ctx context.Context, person string) error {
	if err := s.RenewToken(ctx); err != nil {
		return err
	}
	s.forget(ctx)
	s.Put(ctx, keyPending, person)
	s.Put(ctx, keyPendingAt, s.d.now().Format(time.RFC3339))
	return nil
}

// SecondFactor takes the code of the app or a recovery code, within five
// minutes of the password. Errors: ErrNotSignedIn where no password was given
// before, ErrSignIn, *WaitError.
func (s *Sessions) SecondFactor(ctx context.Context, code string) error {
	person := s.GetString(ctx, keyPending)
	at, err := time.Parse(time.RFC3339, s.GetString(ctx, keyPendingAt))
	if person == "" || err != nil || s.d.now().Sub(at) > secondWithin {
		return ErrNotSignedIn
	}
	if err := s.d.checkSecond(ctx, "second_factor", person, code); err != nil {
		return err
	}
	return s.enter(ctx, person, true)
}

// SignInByLogin lets a person in whom an OpenID provider has vouched for, with
// whatever factors it asks for; see package oidc. They have not stepped up: the
// provider may have asked them hours ago. With second set, they have a second
// factor here, and the session waits for SecondFactor.
// Errors: ErrSignIn where no person is linked, *WaitError.
func (s *Sessions) SignInByLogin(ctx context.Context, issuer, subject string) (second bool, err error) {
	person, second, err := s.d.personOf(ctx, "sign_in_openid", issuer, subject)
	if err != nil {
		return false, err
	}
	if second {
		return true, s.await(ctx, person)
	}
	err = s.enter(ctx, person, false)
	s.Put(ctx, keyProvider, "yes")
	return false, err
}

// SignInByCard lets a trader in by the token of her card's QR code and her PIN.
// choosePIN says that the PIN is the one that came with the card: let her
// choose her own. Errors: ErrSignIn, *WaitError.
func (s *Sessions) SignInByCard(ctx context.Context, token, pin string) (choosePIN bool, err error) {
	card, own, err := s.d.cardOf(ctx, token)
	if err != nil {
		return false, err
	}
	if err := s.d.checkPIN(ctx, "sign_in_card", card, pin); err != nil {
		return false, err
	}
	return !own, s.enter(ctx, card, true)
}

// SignInByDevice lets a trader in by the token of a remembered device. She has
// not stepped up. Errors: ErrSignIn, *WaitError.
func (s *Sessions) SignInByDevice(ctx context.Context, token string) error {
	card, err := s.d.cardOnDevice(ctx, token)
	if err != nil {
		return err
	}
	return s.enter(ctx, card, false)
}

// enter makes the session the principal's, under a new token.
func (s *Sessions) enter(ctx context.Context, principal string, proved bool) error {
	if err := s.RenewToken(ctx); err != nil {
		return err
	}
	s.forget(ctx)
	s.Put(ctx, keyPrincipal, principal)
	if proved {
		s.Put(ctx, keySteppedUp, s.d.now().Format(time.RFC3339))
	}
	return s.d.sweep(ctx)
}

// forget empties the session of whoever had it before.
func (s *Sessions) forget(ctx context.Context) {
	for _, key := range s.Keys(ctx) {
		s.Remove(ctx, key)
	}
}

// StepUp takes the second factor of whoever is signed in, or the password where
// none is set up, or the PIN, and holds for StepUpFor from the next request on.
// Errors: ErrNotSignedIn, ErrSignIn, *WaitError.
func (s *Sessions) StepUp(ctx context.Context, secret string) error {
	p := From(ctx)
	if p == nil || p.Kind != Person {
		return ErrNotSignedIn
	}
	if err := s.d.prove(ctx, p, secret); err != nil {
		return err
	}
	return s.steppedUp(ctx)
}

// StepUpByLogin is StepUp for a person whom their OpenID provider has just
// asked again. Whoever has set a second factor up here gives that instead: the
// provider's word may rest on a password alone.
// Errors: ErrNotSignedIn, ErrSignIn where the login is not theirs or a second
// factor is due, *WaitError.
func (s *Sessions) StepUpByLogin(ctx context.Context, issuer, subject string) error {
	p, err := staffOf(ctx)
	if err != nil {
		return err
	}
	person, second, err := s.d.personOf(ctx, "step_up_openid", issuer, subject)
	if err != nil {
		return err
	}
	if person != p.ID || second {
		return ErrSignIn
	}
	return s.steppedUp(ctx)
}

func (s *Sessions) steppedUp(ctx context.Context) error {
	if err := s.RenewToken(ctx); err != nil {
		return err
	}
	s.Put(ctx, keySteppedUp, s.d.now().Format(time.RFC3339))
	return nil
}

// SignOut ends this session. Nobody being signed in is no error.
func (s *Sessions) SignOut(ctx context.Context) error {
	if From(ctx) != nil {
		if err := s.d.record(ctx, s.d.pool, Entry{Action: "sign_out", Outcome: OK}); err != nil {
			return err
		}
	}
	return s.Destroy(ctx)
}

// Session is one place where somebody is signed in.
type Session struct {
	ID        string    `json:"id"` // the beginning of the hash, as in the trail
	Network   string    `json:"network"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"` // to the minute
	ExpiresAt time.Time `json:"expires_at"`
	This      bool      `json:"this"` // the one that asks
}

// SessionsOf lists where a person is signed in, the last seen first: one's own
// sessions, or those of a person whom the principal has power over.
// Errors: those of Require.
func (d *Directory) SessionsOf(ctx context.Context, principal string) (found []Session, err error) {
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if p := From(ctx); p == nil || p.ID != principal {
			if err := d.overPerson(ctx, tx, principal); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, `SELECT substring(hash FROM 1 FOR 8), address, created_at, seen_at, expires_at, hash = $2 FROM app.sessions
			WHERE principal = $1 AND ended_at IS NULL AND expires_at > $3 ORDER BY seen_at DESC`, principal, visitOf(ctx).session, d.now())
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Session, err error) {
			var id []byte
			var this *bool
			err = row.Scan(&id, &s.Network, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt, &this)
			s.ID, s.This = hex.EncodeToString(id), this != nil && *this
			return s, err
		})
		return err
	})
	return found, err
}

// EndSession signs one's own session out, by its id. Errors: ErrNotSignedIn,
// ErrNotFound.
func (d *Directory) EndSession(ctx context.Context, id string) error {
	p := From(ctx)
	if p == nil {
		return ErrNotSignedIn
	}
	start, err := hex.DecodeString(id)
	if err != nil || len(start) != 8 {
		return ErrNotFound
	}
	return one(d.pool.Exec(ctx, `UPDATE app.sessions SET ended_at = $3 WHERE principal = $1 AND substring(hash FROM 1 FOR 8) = $2 AND ended_at IS NULL`,
		p.ID, start, d.now()))
}

// EndSessions signs a person out everywhere, also on devices that are remembered:
// oneself, or a person whom the principal has power over.
// Errors: those of Require.
func (d *Directory) EndSessions(ctx context.Context, principal string) error {
	return d.change(ctx, func(tx pgx.Tx) error {
		if p := From(ctx); p == nil || p.ID != principal {
			if err := d.overPerson(ctx, tx, principal); err != nil {
				return err
			}
		}
		if err := d.forgetDevices(ctx, tx, principal); err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, principal, nil); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "sign_out_everywhere", Object: principal, Outcome: OK})
	})
}

// endSessions ends every session of a principal but the one kept, and the tokens
// for commands.
func (d *Directory) endSessions(ctx context.Context, tx pgx.Tx, principal string, kept []byte) error {
	if err := d.endPersonTokens(ctx, tx, principal); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE app.sessions SET ended_at = $2 WHERE principal = $1 AND ended_at IS NULL AND hash IS DISTINCT FROM $3`, principal, d.now(), kept)
	return err
}

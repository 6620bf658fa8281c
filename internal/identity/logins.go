package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Login is an account at an OpenID provider that a person comes in by. The
// provider's name for them is not handed out: some providers take an e-mail
// address for it.
type Login struct {
	ID       string    `json:"id"` // the beginning of a hash of issuer and subject
	Issuer   string    `json:"issuer"`
	LinkedAt time.Time `json:"linked_at"`
}

// loginID is Login.ID in SQL.
const loginID = `encode(substring(sha256(convert_to(issuer || chr(10) || subject, 'UTF8')) FOR 8), 'hex')`

// LinkLogin lets a person come in by an account at an OpenID provider: issuer
// and subject as its ID tokens name them. Needs power over the person.
// Errors: ErrTaken, ErrNotFound; those of Require.
func (d *Directory) LinkLogin(ctx context.Context, person, issuer, subject string) error {
	return d.onPerson(ctx, person, "login_link", func(tx pgx.Tx) error { return d.link(ctx, tx, person, issuer, subject) })
}

func (d *Directory) link(ctx context.Context, tx pgx.Tx, person, issuer, subject string) error {
	return taken(one(tx.Exec(ctx, `INSERT INTO app.logins (issuer, subject, person, linked_at) SELECT $1, $2, person, $4 FROM app.people WHERE person = $3`,
		issuer, subject, person, d.now())))
}

// LinkOwnLogin links a login to the signed-in staff, who has stepped up and whom
// the provider has just asked; it ends their other sessions.
// Errors: ErrNotSignedIn, ErrStepUp, ErrTaken.
func (d *Directory) LinkOwnLogin(ctx context.Context, issuer, subject string) error {
	p, err := d.provedStaff(ctx)
	if err != nil {
		return err
	}
	return d.change(ctx, func(tx pgx.Tx) error {
		if err := d.link(ctx, tx, p.ID, issuer, subject); err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, p.ID, visitOf(ctx).session); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "login_link", Object: p.ID, Outcome: OK})
	})
}

// UnlinkLogin takes a login away, by its id, and ends the person's sessions.
// Errors: ErrNotFound, ErrLastAdministrator; those of Require.
func (d *Directory) UnlinkLogin(ctx context.Context, person, id string) error {
	return d.onPerson(ctx, person, "login_unlink", func(tx pgx.Tx) error {
		if err := keepingOne(ctx, tx, func() error { return unlink(ctx, tx, person, id) }); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, person, nil)
	})
}

func unlink(ctx context.Context, tx pgx.Tx, person, id string) error {
	return one(tx.Exec(ctx, `DELETE FROM app.logins WHERE person = $1 AND `+loginID+` = $2`, person, id))
}

// UnlinkOwnLogin takes a login of the signed-in staff away, and ends their other
// sessions. Errors: ErrNotSignedIn, ErrStepUp, ErrNotFound, ErrOnlyWay.
func (d *Directory) UnlinkOwnLogin(ctx context.Context, id string) error {
	p, err := d.provedStaff(ctx)
	if err != nil {
		return err
	}
	return d.change(ctx, func(tx pgx.Tx) error {
		if err := unlink(ctx, tx, p.ID, id); err != nil {
			return err
		}
		var left bool
		if err := tx.QueryRow(ctx, `SELECT password <> '' OR EXISTS (SELECT FROM app.logins l WHERE l.person = p.person) FROM app.people p WHERE person = $1`, p.ID).Scan(&left); err != nil {
			return missing(err)
		}
		if !left {
			return ErrOnlyWay
		}
		if err := d.endSessions(ctx, tx, p.ID, visitOf(ctx).session); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "login_unlink", Object: p.ID, Outcome: OK})
	})
}

// LoginsInUse is how many people may come in by a provider, and when one last
// did; the zero time for never. It is for whoever manages connections.
func (d *Directory) LoginsInUse(ctx context.Context) (people int64, last time.Time, err error) {
	var at *time.Time
	err = d.pool.QueryRow(ctx, `SELECT (SELECT count(DISTINCT person) FROM app.logins),
		(SELECT at FROM app.trail WHERE action = 'sign_in_openid' AND outcome = 'ok' ORDER BY id DESC LIMIT 1)`).Scan(&people, &at)
	if at != nil {
		last = *at
	}
	return people, last, err
}

// provedStaff is the signed-in staff, who has stepped up.
// Errors: ErrNotSignedIn, ErrStepUp.
func (d *Directory) provedStaff(ctx context.Context) (*Principal, error) {
	p, err := staffOf(ctx)
	if err == nil && !p.SteppedUp(d.now()) {
		err = ErrStepUp
	}
	return p, err
}

// personOf finds whose login it is, and whether a second factor of ours is due.
// Errors: ErrSignIn, *WaitError.
func (d *Directory) personOf(ctx context.Context, action, issuer, subject string) (person string, needsTOTP bool, err error) {
	a, err := d.begin(ctx, action, nil, ofAccount)
	if err != nil {
		return "", false, err
	}
	err = d.pool.QueryRow(ctx, `SELECT person, totp IS NOT NULL FROM app.logins JOIN app.people USING (person) WHERE issuer = $1 AND subject = $2 AND locked_at IS NULL`,
		issuer, subject).Scan(&person, &needsTOTP)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, a.fail(ctx, "")
	}
	if err != nil {
		return "", false, err
	}
	return person, needsTOTP, a.succeed(ctx, person)
}

// keyInvitation is where a session keeps which link led to the provider: its
// hash, which opens nothing.
const keyInvitation = "invitation"

// HoldInvitation remembers a link while its owner is at their provider.
// Errors: those of Invitation.
func (s *Sessions) HoldInvitation(ctx context.Context, token string) error {
	if _, err := s.d.Invitation(ctx, token); err != nil {
		return err
	}
	s.Put(ctx, keyInvitation, hex.EncodeToString(hashOf(token)))
	return nil
}

// RedeemByLogin uses the held link up by linking a login to its person instead
// of setting a password, and lets them in. A second factor and a password that
// were set up before stay. The set-up of the first administrator takes a
// password.
// Errors: ErrLink, ErrTaken, *WaitError.
func (s *Sessions) RedeemByLogin(ctx context.Context, issuer, subject string) (second bool, err error) {
	hash, err := hex.DecodeString(s.PopString(ctx, keyInvitation))
	if err != nil || len(hash) == 0 {
		return false, ErrLink
	}
	d := s.d
	err = d.change(ctx, func(tx pgx.Tx) error {
		var person string
		if err := tx.QueryRow(ctx, `DELETE FROM app.invitations WHERE hash = $1 AND expires_at > $2 AND person IS NOT NULL RETURNING person`, hash, d.now()).Scan(&person); err != nil {
			if missing(err) == ErrNotFound {
				return ErrLink
			}
			return err
		}
		if err := d.link(ctx, tx, person, issuer, subject); err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, person, nil); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Actor: person, Action: "login_link", Object: person, Outcome: OK})
	})
	if err != nil {
		return false, err
	}
	return s.SignInByLogin(ctx, issuer, subject)
}

package identity

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long a link is good, where it has not been used before.
const (
	SetUpLife      = time.Hour
	InvitationLife = 24 * time.Hour
)

// invite makes a link of 130 random bits; the ones before it for the same
// person are void.
func (d *Directory) invite(ctx context.Context, tx pgx.Tx, kind string, person *string, life time.Duration) (token string, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM app.invitations WHERE person IS NOT DISTINCT FROM $1 OR expires_at <= $2`, person, d.now()); err != nil {
		return "", err
	}
	token = rand.Text()
	_, err = tx.Exec(ctx, `INSERT INTO app.invitations (hash, kind, person, created_by, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hashOf(token), kind, person, From(ctx).Actor(), d.now().Add(life))
	return token, err
}

// SetUp returns the token of the link by which the first administrator makes
// their account, good for SetUpLife; it is empty where there is an
// administrator already. The link before it is void.
func (d *Directory) SetUp(ctx context.Context) (token string, err error) {
	err = d.change(ctx, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (`+activeAdministrators+`)`).Scan(&there); err != nil || there {
			return err
		}
		token, err = d.invite(ctx, tx, "set_up", nil, SetUpLife)
		return err
	})
	return token, err
}

// Reset makes a link by which a person sets a new password; a second factor
// stays, and is asked for as before. Until the link is used nothing changes.
// Errors: ErrNotFound; those of Require.
func (d *Directory) Reset(ctx context.Context, person string) (token string, err error) {
	return d.reset(ctx, person, "reset_link", "password")
}

// Restart is Reset for a person who has lost the second factor and the recovery
// codes too: using the link takes them away. Whoever makes it has made sure, by
// the office's own means, who asks.
// Errors: those of Reset.
func (d *Directory) Restart(ctx context.Context, person string) (token string, err error) {
	return d.reset(ctx, person, "restart_link", "anew")
}

func (d *Directory) reset(ctx context.Context, person, action, kind string) (token string, err error) {
	err = d.onPerson(ctx, person, action, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, `SELECT true FROM app.people WHERE person = $1`, person).Scan(&there); err != nil {
			return missing(err)
		}
		token, err = d.invite(ctx, tx, kind, &person, InvitationLife)
		return err
	})
	return token, err
}

// Invitation tells what a link is for, without using it: name is empty for the
// set-up of the first administrator, who chooses one.
// Errors: ErrLink, *WaitError.
func (d *Directory) Invitation(ctx context.Context, token string) (name string, err error) {
	a, err := d.begin(ctx, "link", nil, ofAccount)
	if err != nil {
		return "", err
	}
	err = d.pool.QueryRow(ctx, `SELECT coalesce(name, '') FROM app.invitations LEFT JOIN app.people USING (person) WHERE hash = $1 AND expires_at > $2`,
		hashOf(token), d.now()).Scan(&name)
	if missing(err) == ErrNotFound {
		if err := a.fail(ctx, ""); err != ErrSignIn {
			return "", err
		}
		return "", ErrLink
	}
	if err == nil {
		err = a.giveBack(ctx)
	}
	return name, err
}

// Redeem uses a link up: it sets the password, takes the second factor away where
// the link is one of Restart, and ends the person's sessions. name matters for the
// set-up of the first administrator alone. It signs nobody in.
//
// A crash before the commit leaves the link good, one after it the password
// set.
//
// Errors: ErrLink, ErrName, ErrTaken, *PasswordError; after the last three the
// link is still good.
func (d *Directory) Redeem(ctx context.Context, token, name, password string) (person string, err error) {
	known, err := d.Invitation(ctx, token)
	if err != nil {
		return "", err
	}
	if known != "" {
		name = known
	}
	if !userName.MatchString(name) {
		return "", ErrName
	}
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = d.change(ctx, func(tx pgx.Tx) error {
		var kind string
		var of *string
		if err := tx.QueryRow(ctx, `DELETE FROM app.invitations WHERE hash = $1 AND expires_at > $2 RETURNING kind, person`,
			hashOf(token), d.now()).Scan(&kind, &of); err != nil {
			if missing(err) == ErrNotFound {
				return ErrLink
			}
			return err
		}
		action := "password_link"
		if kind == "set_up" {
			action, person = "set_up", newID("u")
			if err := d.firstAdministrator(ctx, tx, person, name); err != nil {
				return err
			}
		} else {
			person = *of
		}
		if _, err := tx.Exec(ctx, `UPDATE app.people SET password = $2, totp = CASE WHEN $3 THEN NULL ELSE totp END, recovery = CASE WHEN $3 THEN '{}' ELSE recovery END WHERE person = $1`, person, hash, kind == "anew"); err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, person, nil); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Actor: person, Action: action, Object: person, Outcome: OK})
	})
	return person, err
}

func (d *Directory) firstAdministrator(ctx context.Context, tx pgx.Tx, person, name string) error {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (`+activeAdministrators+`)`).Scan(&there); err != nil {
		return err
	}
	if there {
		return ErrLink
	}
	if _, err := tx.Exec(ctx, `INSERT INTO app.people (person, name, created_at) VALUES ($1, $2, $3)`, person, name, d.now()); err != nil {
		return taken(err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO app.grants (person, role, organization, granted_by, granted_at) VALUES ($1, 'administrator', '*', 'set_up', $2)`, person, d.now())
	return err
}

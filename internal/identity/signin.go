package identity

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// checkPassword finds whose name and password these are. needsTOTP says that
// the password alone opens nothing yet. Errors: ErrSignIn, *WaitError.
func (d *Directory) checkPassword(ctx context.Context, name, password string) (person string, needsTOTP bool, err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	var hash string
	var locked bool
	err = d.pool.QueryRow(ctx, `SELECT person, password, locked_at IS NOT NULL, totp IS NOT NULL FROM app.people WHERE name = $1`, name).
		Scan(&person, &hash, &locked, &needsTOTP)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", false, err
	}
	a, err := d.beginAt(ctx, "sign_in", name, person)
	if err != nil {
		return "", false, err
	}
	ok, err := d.hasher.match(ctx, password, hash)
	if err != nil {
		return "", false, err
	}
	if !ok || locked {
		return "", false, a.fail(ctx, person)
	}
	if needsTOTP {
		return person, true, a.giveBack(ctx) // failures before are forgiven with the second factor
	}
	return person, false, a.succeed(ctx, person)
}

// checkSecond takes a TOTP code or, once, a recovery code.
// Errors: ErrSignIn, *WaitError.
func (d *Directory) checkSecond(ctx context.Context, action, person, code string) error {
	var name string
	var sealed []byte
	if err := d.pool.QueryRow(ctx, `SELECT name, totp FROM app.people WHERE person = $1 AND locked_at IS NULL`, person).Scan(&name, &sealed); err != nil {
		if missing(err) == ErrNotFound {
			return ErrSignIn
		}
		return err
	}
	a, err := d.beginAt(ctx, action, name, person)
	if err != nil {
		return err
	}
	if sealed == nil {
		return a.fail(ctx, person)
	}
	ok, err := d.useTOTP(ctx, person, sealed, code)
	if err == nil && !ok {
		if ok, err = d.useRecovery(ctx, person, code); ok {
			err = d.record(ctx, d.pool, Entry{Actor: person, Action: "recovery_code", Outcome: OK})
		}
	}
	switch {
	case err != nil:
		return err
	case !ok:
		return a.fail(ctx, person)
	}
	return a.succeed(ctx, person)
}

// ChangePassword sets the signed-in person's password, given the one before,
// and ends their sessions but this one.
// Errors: ErrNotSignedIn, ErrSignIn, *WaitError, *PasswordError.
func (d *Directory) ChangePassword(ctx context.Context, old, password string) error {
	p, err := staffOf(ctx)
	if err != nil {
		return err
	}
	if err := d.confirmPassword(ctx, "password_change", p, old); err != nil {
		return err
	}
	if err := CheckPassword(p.Name, password); err != nil {
		return err
	}
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return d.change(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE app.people SET password = $2 WHERE person = $1`, p.ID, hash); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, p.ID, visitOf(ctx).session)
	})
}

// confirmPassword checks the password of somebody who is signed in.
func (d *Directory) confirmPassword(ctx context.Context, action string, p *Principal, password string) error {
	a, err := d.beginAt(ctx, action, p.Name, p.ID)
	if err != nil {
		return err
	}
	var hash string
	if err := d.pool.QueryRow(ctx, `SELECT password FROM app.people WHERE person = $1`, p.ID).Scan(&hash); err != nil {
		return missing(err)
	}
	ok, err := d.hasher.match(ctx, password, hash)
	if err != nil {
		return err
	}
	if !ok {
		return a.fail(ctx, p.ID)
	}
	return a.succeed(ctx, p.ID)
}

// prove checks what a principal gives to step up: staff with a second factor
// its code, staff without one the password, a trader the PIN.
func (d *Directory) prove(ctx context.Context, p *Principal, secret string) error {
	if isCard(p.ID) {
		return d.checkPIN(ctx, "step_up", p.ID, secret)
	}
	var totp bool
	if err := d.pool.QueryRow(ctx, `SELECT totp IS NOT NULL FROM app.people WHERE person = $1`, p.ID).Scan(&totp); err != nil {
		return missing(err)
	}
	if totp {
		return d.checkSecond(ctx, "step_up", p.ID, secret)
	}
	return d.confirmPassword(ctx, "step_up", p, secret)
}

// staffOf returns the principal of the context where it is signed-in staff.
func staffOf(ctx context.Context) (*Principal, error) {
	p := From(ctx)
	if p == nil || p.Kind != Person || isCard(p.ID) {
		return nil, ErrNotSignedIn
	}
	return p, nil
}

func isCard(id string) bool { return strings.HasPrefix(id, "c-") }

// principal reads who a session belongs to and what they may do now; nil where
// the account is locked, the card revoked.
func (d *Directory) principal(ctx context.Context, id string) (*Principal, error) {
	p := &Principal{ID: id, Kind: Person}
	var err error
	if isCard(id) {
		g := Grant{Role: Trader}
		err = d.pool.QueryRow(ctx, `SELECT organization, stall, language, holder FROM app.cards WHERE card = $1 AND revoked_at IS NULL`, id).
			Scan(&g.Organization, &g.Object, &p.Language, &p.Holder)
		p.Name, p.Grants, p.Second = g.Object, []Grant{g}, true
	} else {
		err = d.pool.QueryRow(ctx, `SELECT name, language, totp IS NOT NULL, `+grantsOf+` FROM app.people p WHERE person = $1 AND locked_at IS NULL`, id).
			Scan(&p.Name, &p.Language, &p.Second, &p.Grants)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

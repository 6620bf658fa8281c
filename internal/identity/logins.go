package identity

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// LinkLogin lets a person come in by an account at an OpenID provider: issuer
// and subject as its ID tokens name them. Needs power over the person.
// Errors: ErrTaken, ErrNotFound; those of Require.
func (d *Directory) LinkLogin(ctx context.Context, person, issuer, subject string) error {
	return d.onPerson(ctx, person, "login_link", func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `INSERT INTO app.logins (issuer, subject, person, linked_at) SELECT $1, $2, person, $4 FROM app.people WHERE person = $3`,
			issuer, subject, person, d.now())); err != nil {
			return taken(err)
		}
		return nil
	})
}

// UnlinkLogin takes a login away and ends the person's sessions.
// Errors: ErrNotFound; those of Require.
func (d *Directory) UnlinkLogin(ctx context.Context, person, issuer, subject string) error {
	return d.onPerson(ctx, person, "login_unlink", func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `DELETE FROM app.logins WHERE issuer = $1 AND subject = $2 AND person = $3`, issuer, subject, person)); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, person, nil)
	})
}

// personOf finds whose login it is. Errors: ErrSignIn, *WaitError.
func (d *Directory) personOf(ctx context.Context, issuer, subject string) (string, error) {
	a, err := d.begin(ctx, "sign_in_openid", nil, ofAccount)
	if err != nil {
		return "", err
	}
	var person string
	err = d.pool.QueryRow(ctx, `SELECT person FROM app.logins JOIN app.people USING (person) WHERE issuer = $1 AND subject = $2 AND locked_at IS NULL`,
		issuer, subject).Scan(&person)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", a.fail(ctx, "")
	}
	if err != nil {
		return "", err
	}
	return person, a.succeed(ctx, person)
}

package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PersonTokenPrefix begins every token by which a person works with commands.
const PersonTokenPrefix = "socho_p_"

// PersonTokenLife is for how long it is good.
const PersonTokenLife = time.Hour

// PersonToken is a person's way in by commands. Whoever holds its secret is the
// person, with the rights that they have at that moment; what asks for a step-up
// is open for StepUpFor after it was made.
type PersonToken struct {
	ID        string     `json:"id"`
	Person    string     `json:"person"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // to the minute
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

const selectPersonTokens = `SELECT token, person, created_by, created_at, expires_at, used_at, revoked_at FROM app.person_tokens `

// CreatePersonToken makes a token for whoever is signed in and has just stepped
// up, or, by a local command, for any person; the trail says who did. secret is
// shown this one time.
// Errors: ErrNotSignedIn, ErrStepUp, ErrDenied for somebody else's; ErrNotFound
// where there is no such person who may come in.
func (d *Directory) CreatePersonToken(ctx context.Context, person string) (t PersonToken, secret string, err error) {
	switch p := From(ctx); {
	case p == nil:
		return t, "", ErrNotSignedIn
	case p.Kind != Command && (p.Kind != Person || p.ID != person || isCard(p.ID)):
		return t, "", ErrDenied
	case !p.SteppedUp(d.now()):
		return t, "", ErrStepUp
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
	secret = PersonTokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	now := d.now()
	t = PersonToken{ID: newID("k"), Person: person, CreatedBy: From(ctx).Actor(), CreatedAt: now, ExpiresAt: now.Add(PersonTokenLife)}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `INSERT INTO app.person_tokens (token, hash, person, created_by, created_at, expires_at)
			SELECT $1, $2, person, $4, $5, $6 FROM app.people WHERE person = $3 AND locked_at IS NULL`,
			t.ID, hashOf(secret), person, t.CreatedBy, now, t.ExpiresAt)); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "person_token_create", Object: person, Detail: t.ID, Outcome: OK})
	})
	return t, secret, err
}

// PersonTokens lists a person's tokens that are still good, newest first: one's
// own, and, by a local command, those of all where person is empty.
// Errors: ErrNotSignedIn, ErrDenied.
func (d *Directory) PersonTokens(ctx context.Context, person string) ([]PersonToken, error) {
	if err := ownTokens(From(ctx), person); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, selectPersonTokens+`WHERE ($1 = '' OR person = $1) AND revoked_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, token`,
		person, d.now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PersonToken])
}

// RevokePersonToken ends a token at once, likewise.
// Errors: ErrNotFound; those of PersonTokens.
func (d *Directory) RevokePersonToken(ctx context.Context, person, id string) error {
	if err := ownTokens(From(ctx), person); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `UPDATE app.person_tokens SET revoked_at = coalesce(revoked_at, $3) WHERE token = $1 AND ($2 = '' OR person = $2)`,
			id, person, d.now())); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "person_token_revoke", Object: id, Outcome: OK})
	})
}

func ownTokens(p *Principal, person string) error {
	switch {
	case p == nil:
		return ErrNotSignedIn
	case p.Kind != Command && (p.Kind != Person || p.ID != person):
		return ErrDenied
	}
	return nil
}

// ByPersonToken returns the person that a token stands for, as they are now, who
// stepped up when it was made. Errors: ErrSignIn, *WaitError.
func (d *Directory) ByPersonToken(ctx context.Context, secret string) (*Principal, error) {
	random, ok := strings.CutPrefix(secret, PersonTokenPrefix)
	if !ok || len(random) != tokenText {
		return nil, ErrSignIn
	}
	var person string
	var made time.Time
	err := d.pool.QueryRow(ctx, `UPDATE app.person_tokens SET used_at = date_trunc('minute', $2::timestamptz)
		WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2 RETURNING person, created_at`, hashOf(secret), d.now()).Scan(&person, &made)
	if err == nil {
		p, err := d.principal(ctx, person)
		if err != nil || p != nil {
			if p != nil {
				p.SteppedUpAt = made
			}
			return p, err
		}
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	a, err := d.begin(ctx, "token", nil, ofAddress)
	if err != nil {
		return nil, err
	}
	return nil, a.fail(ctx, "")
}

// endPersonTokens ends a person's tokens with the sessions.
func (d *Directory) endPersonTokens(ctx context.Context, tx pgx.Tx, person string) error {
	_, err := tx.Exec(ctx, `UPDATE app.person_tokens SET revoked_at = $2 WHERE person = $1 AND revoked_at IS NULL`, person, d.now())
	return err
}

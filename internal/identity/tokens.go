package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// TokenPrefix begins every token of the API, so that scanners of source code
// and logs know one when they see it.
const TokenPrefix = "socho_"

// Bounds of tokens.
const (
	TokenMost = 366 * 24 * time.Hour
	tokenText = 43 // 256 bits in base64
	nameMost  = 80 // bytes
)

// APIToken is a program's way in, as administrators see it.
type APIToken struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Grants    []Grant    `json:"grants"` // rights, no roles
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // to the minute
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

const selectTokens = `SELECT token, name, grants, created_by, created_at, expires_at, used_at, revoked_at FROM app.tokens `

// CreateToken makes a token with rights in organizations that the principal
// manages; secret is what the program sends, shown this one time. It holds for
// life, at most TokenMost.
// Errors: ErrGrant; those of Require for manage.tokens.
func (d *Directory) CreateToken(ctx context.Context, name string, grants []Grant, life time.Duration) (t APIToken, secret string, err error) {
	switch {
	case name == "" || len(name) > nameMost:
		return t, "", fmt.Errorf("%w: a token's name has 1 to %d bytes", ErrGrant, nameMost)
	case len(grants) == 0:
		return t, "", fmt.Errorf("%w: a token without rights is good for nothing", ErrGrant)
	case life <= 0 || life > TokenMost:
		return t, "", fmt.Errorf("%w: a token is good for at most %d days", ErrGrant, TokenMost/24/time.Hour)
	}
	for _, g := range grants {
		if err := g.checkScope(); err != nil {
			return t, "", err
		}
		if err := d.Require(ctx, ManageTokens, g.Organization); err != nil {
			return t, "", err
		}
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
	secret = TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	now := d.now()
	t = APIToken{ID: newID("t"), Name: name, Grants: grants, CreatedBy: From(ctx).Actor(), CreatedAt: now, ExpiresAt: now.Add(life)}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO app.tokens (token, hash, name, grants, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.ID, hashOf(secret), name, grants, t.CreatedBy, now, t.ExpiresAt); err != nil {
			return err
		}
		for _, g := range grants {
			if err := d.record(ctx, tx, Entry{Action: "token_create:" + string(g.Right), Organization: g.Organization, Object: t.ID, Outcome: OK}); err != nil {
				return err
			}
		}
		return nil
	})
	return t, secret, err
}

// Tokens lists the tokens all of whose organizations the principal manages,
// newest first. Errors: those of Require for manage.tokens.
func (d *Directory) Tokens(ctx context.Context) ([]APIToken, error) {
	if err := d.requireSomewhere(ctx, ManageTokens); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, selectTokens+`ORDER BY created_at DESC, token`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[APIToken])
	return slices.DeleteFunc(all, func(t APIToken) bool { return !overToken(From(ctx), t) }), err
}

func overToken(p *Principal, t APIToken) bool {
	return !slices.ContainsFunc(t.Grants, func(g Grant) bool { return !p.May(ManageTokens, g.Organization) })
}

// RevokeToken ends a token at once. Errors: ErrNotFound; those of Tokens.
func (d *Directory) RevokeToken(ctx context.Context, id string) error {
	mine, err := d.Tokens(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(mine, func(t APIToken) bool { return t.ID == id }) {
		return ErrNotFound
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `UPDATE app.tokens SET revoked_at = coalesce(revoked_at, $2) WHERE token = $1`, id, d.now())); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "token_revoke", Object: id, Outcome: OK})
	})
}

// ByToken returns who a token of the API is: the text after "Bearer ". Call it
// with the address in the context (WithVisit), so that guesses are slowed down.
// Errors: ErrSignIn, *WaitError.
func (d *Directory) ByToken(ctx context.Context, secret string) (*Principal, error) {
	random, ok := strings.CutPrefix(secret, TokenPrefix)
	if !ok || len(random) != tokenText {
		return nil, ErrSignIn
	}
	now := d.now()
	p := &Principal{Kind: Token}
	var used *time.Time
	err := d.pool.QueryRow(ctx, `SELECT token, name, grants, used_at FROM app.tokens WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2`,
		hashOf(secret), now).Scan(&p.ID, &p.Name, &p.Grants, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		// 256 bits are not guessed; what is charged is the row in the trail.
		a, err := d.begin(ctx, "token", nil, ofAddress)
		if err != nil {
			return nil, err
		}
		return nil, a.fail(ctx, "")
	}
	if err != nil {
		return nil, err
	}
	if used == nil || now.Sub(*used) >= time.Minute {
		if _, err := d.pool.Exec(ctx, `UPDATE app.tokens SET used_at = $2::timestamptz WHERE token = $1 AND (used_at IS NULL OR used_at <= $2::timestamptz - interval '1 minute')`, p.ID, now); err != nil {
			return nil, err
		}
	}
	return p, nil
}

package identity

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Holding is a role that an active person holds in an organization.
type Holding struct {
	Person       string
	Role         Role
	Organization string // or Everywhere
	GivenBy      string // as the trail calls them
	At           time.Time
}

// Holdings lists who holds a role, but for those whose account is locked, by
// person, organization and role.
func Holdings(ctx context.Context, pool *pgxpool.Pool, roles ...Role) ([]Holding, error) {
	rows, err := pool.Query(ctx, `SELECT person, role, organization, granted_by, granted_at
		FROM app.grants JOIN app.people USING (person) WHERE role = ANY ($1) AND locked_at IS NULL ORDER BY person, organization, role`, roles)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Holding])
}

// TakenBy says who last took a role from a person, or shut them out, and when;
// "cli" and today where the trail does not know.
func TakenBy(ctx context.Context, pool *pgxpool.Pool, person string, role Role, organization string) (actor string, at time.Time, err error) {
	err = pool.QueryRow(ctx, `SELECT actor, at FROM app.trail WHERE object = $1 AND outcome = 'ok'
			AND (action = 'revoke:' || $2 AND organization IN ($3, '*') OR action = 'person_lock')
		ORDER BY id DESC LIMIT 1`, person, string(role), organization).Scan(&actor, &at)
	if err == pgx.ErrNoRows {
		return "cli", time.Now().UTC().Truncate(24 * time.Hour), nil
	}
	return actor, at, err
}

package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"socho/events"
)

// PostgreSQL holds a second lock on every row that names an organization: who
// reads as socho_reader sees those of socho.organizations alone, whatever was
// forgotten in a query. It knows organizations, not rights or objects; those are
// asked for in Go, before the query.

// scope is the setting for a principal: the organizations of all grants.
func scope(p *Principal) string {
	if p == nil {
		return ""
	}
	var found []string
	for _, g := range p.Grants {
		switch {
		case g.Organization == Everywhere:
			return Everywhere
		case events.ValidOrganization(g.Organization): // and so without a comma
			found = append(found, g.Organization)
		}
	}
	if p.Kind == Command {
		return Everywhere
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), ",")
}

// Scope lets the rest of a transaction read what the principal may see, and
// write nothing; a nil principal sees no row of any organization.
func Scope(ctx context.Context, tx pgx.Tx, p *Principal) error {
	if _, err := tx.Exec(ctx, `SET LOCAL ROLE socho_reader`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `SELECT set_config('socho.person', $1, true), set_config('socho.organizations', $2, true)`, p.Actor(), scope(p))
	return err
}

// ScopeConn lets a connection read what the context's principal may see, until
// it is called for the next one. It is for pools of socho_reader, which call it
// each time a connection is taken.
func ScopeConn(ctx context.Context, conn *pgx.Conn) error {
	p := From(ctx)
	_, err := conn.Exec(ctx, `SELECT set_config('socho.person', $1, false), set_config('socho.organizations', $2, false)`, p.Actor(), scope(p))
	return err
}

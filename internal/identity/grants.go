package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"socho/events"
)

// ParseGrant reads role@organization or role@organization/object.
// Errors: ErrGrant, saying what was expected.
func ParseGrant(text string) (Grant, error) {
	role, place, ok := strings.Cut(text, "@")
	if !ok {
		return Grant{}, fmt.Errorf("%w: %q; expected ROLE@ORGANIZATION, such as auditor@*", ErrGrant, text)
	}
	organization, object, _ := strings.Cut(place, "/")
	g := Grant{Role: Role(role), Organization: organization, Object: object}
	return g, g.checkRole()
}

// ParseScope reads right@organization, of a token.
// Errors: ErrGrant, saying what was expected.
func ParseScope(text string) (Grant, error) {
	right, organization, ok := strings.Cut(text, "@")
	if !ok {
		return Grant{}, fmt.Errorf("%w: %q; expected RIGHT@ORGANIZATION, such as see.figures@*", ErrGrant, text)
	}
	g := Grant{Right: Right(right), Organization: organization}
	return g, g.checkScope()
}

func (g Grant) checkRole() error {
	switch {
	case !slices.Contains(Roles(), g.Role) || g.Right != "":
		return fmt.Errorf("%w: there is no role %q; the roles are %v", ErrGrant, g.Role, Roles())
	case g.Organization != Everywhere && !events.ValidOrganization(g.Organization):
		return fmt.Errorf("%w: %q is no organization", ErrGrant, g.Organization)
	case g.Object != "" && !events.ValidID(g.Object):
		return fmt.Errorf("%w: %q is no object", ErrGrant, g.Object)
	case g.Role == Trader && (g.Object == "" || g.Organization == Everywhere):
		return fmt.Errorf("%w: a trader has one stall of one market: trader@ORGANIZATION/STALL", ErrGrant)
	}
	return nil
}

func (g Grant) checkScope() error {
	switch {
	case !slices.Contains(Rights(), g.Right) || g.Role != "":
		return fmt.Errorf("%w: there is no right %q; the rights are %v", ErrGrant, g.Right, Rights())
	case !g.Right.ForTokens():
		return fmt.Errorf("%w: %s asks for a person who proves who they are; no token has it", ErrGrant, g.Right)
	case g.Organization != Everywhere && !events.ValidOrganization(g.Organization):
		return fmt.Errorf("%w: %q is no organization", ErrGrant, g.Organization)
	}
	return nil
}

// Grant gives a person a role, in an organization that the principal manages,
// and never to themselves; the first one, whoever made the account or manages
// people everywhere. Giving it twice does nothing more.
// Errors: ErrGrant, ErrFourEyes, ErrNotFound; those of Require.
func (d *Directory) Grant(ctx context.Context, person string, g Grant) error {
	if err := d.mayGrant(ctx, person, g); err != nil {
		return err
	}
	return d.change(ctx, func(tx pgx.Tx) error {
		var held []Grant
		if err := tx.QueryRow(ctx, `SELECT `+grantsOf+` FROM app.people p WHERE person = $1`, person).Scan(&held); err != nil {
			return missing(err)
		}
		if len(held) == 0 {
			if err := d.overNewcomer(ctx, tx, person); err != nil {
				return err
			}
		}
		if slices.Contains(held, g) {
			return nil
		}
		if err := Compatible(append(held, g)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO app.grants (person, role, organization, object, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			person, string(g.Role), g.Organization, g.Object, From(ctx).Actor(), d.now()); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "grant:" + string(g.Role), Organization: g.Organization, Object: person, Outcome: OK})
	})
}

// Revoke takes a role away and ends the person's sessions.
// Errors: ErrGrant, ErrNotFound, ErrLastAdministrator; those of Require.
func (d *Directory) Revoke(ctx context.Context, person string, g Grant) error {
	if err := d.mayGrant(ctx, person, g); err != nil {
		return err
	}
	return d.change(ctx, func(tx pgx.Tx) error {
		err := keepingOne(ctx, tx, func() error {
			return one(tx.Exec(ctx, `DELETE FROM app.grants WHERE person = $1 AND role = $2 AND organization = $3 AND object = $4`,
				person, string(g.Role), g.Organization, g.Object))
		})
		if err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, person, nil); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "revoke:" + string(g.Role), Organization: g.Organization, Object: person, Outcome: OK})
	})
}

func (d *Directory) mayGrant(ctx context.Context, person string, g Grant) error {
	if err := g.checkRole(); err != nil {
		return err
	}
	if err := d.Require(ctx, ManagePeople, g.Organization); err != nil {
		return err
	}
	if From(ctx).ID == person {
		return fmt.Errorf("%w: nobody changes their own rights", ErrDenied)
	}
	return nil
}

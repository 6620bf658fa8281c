package identity

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Staff is an account of staff, as administrators see it.
type Staff struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Language  string     `json:"language"` // vi or en
	Password  bool       `json:"password"` // one is set
	TOTP      bool       `json:"totp"`     // a second factor is set up
	Recovery  int        `json:"recovery"` // recovery codes left
	LockedAt  *time.Time `json:"locked_at,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	Grants    []Grant    `json:"grants"`
	Logins    []Login    `json:"logins"` // at OpenID providers
}

const selectStaff = `
	SELECT person, name, language, password <> '', totp IS NOT NULL, cardinality(recovery), locked_at, created_at, ` + grantsOf + `,
	(SELECT coalesce(json_agg(json_build_object('id', ` + loginID + `, 'issuer', issuer, 'linked_at', linked_at) ORDER BY linked_at), '[]') FROM app.logins l WHERE l.person = p.person)
	FROM app.people p `

const grantsOf = `(SELECT coalesce(json_agg(json_build_object('role', role, 'organization', organization, 'object', object)
	ORDER BY organization, role, object), '[]') FROM app.grants g WHERE g.person = p.person)`

func scanStaff(row pgx.CollectableRow) (s Staff, err error) {
	err = row.Scan(&s.ID, &s.Name, &s.Language, &s.Password, &s.TOTP, &s.Recovery, &s.LockedAt, &s.CreatedAt, &s.Grants, &s.Logins)
	return s, err
}

// People lists accounts of staff, by name: those who are something in an
// organization that the principal manages, and those who are nothing anywhere.
// Errors: ErrNotSignedIn, ErrDenied, ErrStepUp.
func (d *Directory) People(ctx context.Context) ([]Staff, error) {
	if err := d.requireSomewhere(ctx, ManagePeople); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, selectStaff+`ORDER BY name`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanStaff)
	return slices.DeleteFunc(all, func(s Staff) bool {
		return len(s.Grants) > 0 && !slices.ContainsFunc(s.Grants, func(g Grant) bool { return From(ctx).May(ManagePeople, g.Organization) })
	}), err
}

// Names says how people of staff sign in, by id, of those who are there. It asks for
// no right: it is for pages on which somebody sees what colleagues did.
func (d *Directory) Names(ctx context.Context, ids []string) (map[string]string, error) {
	rows, err := d.pool.Query(ctx, `SELECT person, name FROM app.people WHERE person = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var id, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	return names, err
}

// Staff finds an account by its id or user name, wherever it belongs, so that
// it can be given a role; everybody may look at their own.
// Errors: ErrNotFound; those of People.
func (d *Directory) Staff(ctx context.Context, who string) (Staff, error) {
	if p, err := staffOf(ctx); err != nil || who != p.ID && who != p.Name {
		if err := d.requireSomewhere(ctx, ManagePeople); err != nil {
			return Staff{}, err
		}
	}
	rows, err := d.pool.Query(ctx, selectStaff+`WHERE person = $1 OR name = $1`, who)
	if err != nil {
		return Staff{}, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanStaff)
	return s, missing(err)
}

func (d *Directory) requireSomewhere(ctx context.Context, right Right) error {
	p := From(ctx)
	if p.MaySomewhere(right) && (!right.NeedsStepUp() || p.SteppedUp(d.now())) {
		return nil
	}
	if p.MaySomewhere(right) {
		return ErrStepUp
	}
	return d.Require(ctx, right, Everywhere)
}

// overPerson checks that the principal may manage everything the person, or the
// holder of a card, is: the administrator of one market has no power over that
// of the province.
func (d *Directory) overPerson(ctx context.Context, tx pgx.Tx, person string) error {
	rows, err := tx.Query(ctx, `SELECT organization FROM app.grants WHERE person = $1 UNION SELECT organization FROM app.cards WHERE card = $1`, person)
	if err != nil {
		return err
	}
	organizations, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(organizations) == 0 {
		return d.overNewcomer(ctx, tx, person)
	}
	for _, o := range organizations {
		if err := d.Require(ctx, ManagePeople, o); err != nil {
			return err
		}
	}
	return nil
}

// overNewcomer checks power over somebody who is nothing anywhere: whoever made
// the account has it, and administrators everywhere. Others could take it over
// before it is given work elsewhere.
func (d *Directory) overNewcomer(ctx context.Context, tx pgx.Tx, person string) error {
	if err := d.requireSomewhere(ctx, ManagePeople); err != nil {
		return err
	}
	var made bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM app.trail WHERE actor = $1 AND action = 'person_add' AND object = $2)`, From(ctx).Actor(), person).Scan(&made)
	if err != nil || made {
		return err
	}
	return d.Require(ctx, ManagePeople, Everywhere)
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

// Add makes an account without a password, and the token of the link by which
// its owner sets one within InvitationLife.
// Errors: ErrName, ErrTaken; those of Require.
func (d *Directory) Add(ctx context.Context, name, language string) (id, token string, err error) {
	if !userName.MatchString(name) {
		return "", "", ErrName
	}
	if err := d.requireSomewhere(ctx, ManagePeople); err != nil {
		return "", "", err
	}
	id = newID("u")
	err = d.change(ctx, func(tx pgx.Tx) error {
		if language != "en" {
			language = "vi"
		}
		if _, err := tx.Exec(ctx, `INSERT INTO app.people (person, name, language, created_at) VALUES ($1, $2, $3, $4)`, id, name, language, d.now()); err != nil {
			return taken(err)
		}
		if token, err = d.invite(ctx, tx, "password", &id, InvitationLife); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "person_add", Object: id, Outcome: OK})
	})
	return id, token, err
}

// Lock keeps a person out, at once. Errors: ErrNotFound, ErrLastAdministrator;
// those of Require.
func (d *Directory) Lock(ctx context.Context, person string) error {
	return d.onPerson(ctx, person, "person_lock", func(tx pgx.Tx) error {
		err := keepingOne(ctx, tx, func() error {
			return one(tx.Exec(ctx, `UPDATE app.people SET locked_at = coalesce(locked_at, $2) WHERE person = $1`, person, d.now()))
		})
		if err != nil {
			return err
		}
		return d.endSessions(ctx, tx, person, nil)
	})
}

// Unlock lets a person in again, and forgets attempts that failed.
// Errors: ErrNotFound; those of Require.
func (d *Directory) Unlock(ctx context.Context, person string) error {
	return d.onPerson(ctx, person, "person_unlock", func(tx pgx.Tx) error {
		var name string
		if err := tx.QueryRow(ctx, `UPDATE app.people SET locked_at = NULL WHERE person = $1 RETURNING name`, person).Scan(&name); err != nil {
			return missing(err)
		}
		rows, err := tx.Query(ctx, `SELECT DISTINCT address FROM app.trail WHERE actor = $1`, person)
		if err != nil {
			return err
		}
		networks, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		keys := [][]byte{d.keyedHash("name", name)}
		for _, from := range networks {
			keys = append(keys, d.nameAt(name, from))
		}
		_, err = tx.Exec(ctx, `DELETE FROM app.attempts WHERE key = ANY ($1)`, keys)
		return err
	})
}

// SetLanguage keeps the language that the signed-in person or trader chose.
// Errors: ErrNotSignedIn.
func (d *Directory) SetLanguage(ctx context.Context, language string) error {
	p := From(ctx)
	if p == nil || p.Kind != Person {
		return ErrNotSignedIn
	}
	if language != "en" {
		language = "vi"
	}
	_, err := d.pool.Exec(ctx, `WITH staff AS (UPDATE app.people SET language = $2 WHERE person = $1)
		UPDATE app.cards SET language = $2 WHERE card = $1`, p.ID, language)
	return err
}

// onPerson runs a change of a person that the principal has power over, and
// writes it down.
func (d *Directory) onPerson(ctx context.Context, person, action string, f func(pgx.Tx) error) error {
	return d.change(ctx, func(tx pgx.Tx) error {
		if err := d.overPerson(ctx, tx, person); err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: action, Object: person, Outcome: OK})
	})
}

// activeAdministrators are people who can come in and manage people everywhere.
const activeAdministrators = `SELECT FROM app.grants JOIN app.people USING (person)
	WHERE role = 'administrator' AND organization = '*' AND locked_at IS NULL
	AND (password <> '' OR EXISTS (SELECT FROM app.logins l WHERE l.person = people.person))`

// keepingOne runs a change that may take an administrator away. Local commands
// may take the last one, who may be the intruder.
func keepingOne(ctx context.Context, tx pgx.Tx, f func() error) error {
	if p := From(ctx); p != nil && p.Kind == Command {
		return f()
	}
	var before, after bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (`+activeAdministrators+`)`).Scan(&before); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, `SELECT EXISTS (`+activeAdministrators+`)`).Scan(&after); err != nil {
		return err
	}
	if before && !after {
		return ErrLastAdministrator
	}
	return nil
}

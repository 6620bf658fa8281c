package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed" // accounts.sql
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"socho/events"
)

// MigrationAccounts makes the table by which persons are found by an account of
// theirs.
//
//go:embed accounts.sql
var MigrationAccounts string

// AccountRef is what an account number leads to: the person whose it is, and what
// they gave it for. Proved is whether anything but their word says that it is
// theirs.
type AccountRef struct {
	Organization, Person, Object string
	Proved                       bool
}

// ErrAccountTaken: the account leads to another person, or to the same for something
// else.
var ErrAccountTaken = errors.New("vault: the account is given already")

// account is the keyed hash of an account number in an organization: without the
// master key no number can be tried, and no two organizations can be compared.
func (v *Vault) account(organization, number string) []byte {
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte("account|" + organization + "|" + number))
	return mac.Sum(nil)
}

// RememberAccount lets a person be found by an account of theirs, unproved, until it
// is forgotten or their identity key is destroyed. The person's keys are made where
// there are none. The number is taken as it comes: one spelling is the caller's.
// Doing it twice does nothing more. A crash leaves it whole or not at all.
//
// Errors: ErrAccountTaken, ErrErased, ErrBadRef; those of the database.
func (v *Vault) RememberAccount(ctx context.Context, ref AccountRef, number string) error {
	if ref.Person == "" || !events.ValidID(ref.Object) || number == "" {
		return ErrBadRef
	}
	keys, err := v.Sealer(ctx, []Ref{{Organization: ref.Organization, Person: ref.Person}})
	if err != nil {
		return err
	}
	if keys.Erased(ref.Organization, ref.Person, events.Identity) {
		return ErrErased
	}
	// The key's row is locked, so that an erasure comes before, and nothing is
	// written, or behind, and takes it away.
	tag, err := v.db.Exec(ctx, `
		WITH alive AS MATERIALIZED (
			SELECT organization, person FROM private.person_keys
			WHERE organization = $1 AND person = $4 AND class = 'i' AND destroyed_at IS NULL FOR SHARE)
		INSERT INTO private.accounts (organization, token, object, person) SELECT organization, $2, $3, person FROM alive
		ON CONFLICT (organization, token) DO UPDATE SET object = EXCLUDED.object
			WHERE accounts.object = EXCLUDED.object AND accounts.person = EXCLUDED.person`,
		ref.Organization, v.account(ref.Organization, number), ref.Object, ref.Person)
	if err != nil {
		return fmt.Errorf("vault: accounts: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrAccountTaken
	}
	return nil
}

// FindAccount returns whose an account is; ok is false where nobody has given it.
// Errors: those of the database.
func (v *Vault) FindAccount(ctx context.Context, organization, number string) (ref AccountRef, ok bool, err error) {
	ref.Organization = organization
	err = v.db.QueryRow(ctx, `
		SELECT a.person, a.object, a.proved FROM private.accounts a
		JOIN private.person_keys k ON k.organization = a.organization AND k.person = a.person AND k.class = a.class AND k.destroyed_at IS NULL
		WHERE a.organization = $1 AND a.token = $2`, organization, v.account(organization, number)).Scan(&ref.Person, &ref.Object, &ref.Proved)
	return ref, err == nil, notThere(err)
}

// AccountOf says what is known of the account that was given for something, but not
// its number, which is nowhere. Errors: those of the database.
func (v *Vault) AccountOf(ctx context.Context, organization, object string) (ref AccountRef, ok bool, err error) {
	ref.Organization, ref.Object = organization, object
	err = v.db.QueryRow(ctx, `SELECT person, proved FROM private.accounts WHERE organization = $1 AND object = $2`, organization, object).Scan(&ref.Person, &ref.Proved)
	return ref, err == nil, notThere(err)
}

func notThere(err error) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return fmt.Errorf("vault: accounts: %w", err)
}

// ProveAccount notes that the account given for something is the person's. Errors:
// those of the database.
func (v *Vault) ProveAccount(ctx context.Context, organization, object string) (found bool, err error) {
	tag, err := v.db.Exec(ctx, `UPDATE private.accounts SET proved = true WHERE organization = $1 AND object = $2`, organization, object)
	return err == nil && tag.RowsAffected() == 1, notThere(err)
}

// ForgetAccount lets nobody be found by the account that was given for something.
// Errors: those of the database.
func (v *Vault) ForgetAccount(ctx context.Context, organization, object string) error {
	_, err := v.db.Exec(ctx, `DELETE FROM private.accounts WHERE organization = $1 AND object = $2`, organization, object)
	return notThere(err)
}

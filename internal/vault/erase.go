package vault

import (
	"context"
	"fmt"

	"socho/events"
)

// The scopes of an erasure, as person.erased spells them.
const (
	ScopeContact = "contact" // contact data and raw text, on request, now
	ScopeAll     = "all"     // the accounting identity too, when its retention has ended
)

// Erase destroys a person's key or keys, durably and for ever: when it has
// returned nil, no process opens what was sealed under them, and none seals
// under them again; with the identity key goes what the person could be found by,
// their accounts too.
// It waits for the batches that hold the keys (Hold). Asking twice does nothing
// more; a person of whom no key is known is erased all the same, so that none is
// ever made.
//
// What still holds the destroyed key afterwards, itself wrapped under the
// master key: PostgreSQL's write-ahead log until it is recycled (minutes to
// hours; archived segments as long as operations keep them), replicas until
// they have replayed it, backups taken before, and free space inside the
// table's pages until PostgreSQL writes there again or VACUUM FULL rewrites
// the table. Operations let all of these expire within 30 days, and after
// restoring a backup publish again the person.erased events that are younger
// than it.
//
// Errors: ErrBadRef; those of the database or the context: then the keys may
// or may not be destroyed, and asking again settles it.
func (v *Vault) Erase(ctx context.Context, organization, person, scope string) error {
	if err := checkRef(organization, person); err != nil || person == "" {
		return ErrBadRef
	}
	var classes []string
	switch scope {
	case ScopeContact:
		classes = []string{string(rune(events.Contact))}
	case ScopeAll:
		classes = []string{string(rune(events.Contact)), string(rune(events.Identity))}
	default:
		return ErrBadRef
	}
	// A crash right after this commit leaves the person erased, whether or not
	// the event that asked for it reaches the log.
	//
	// The names go by a statement of their own, which sees what a batch wrote that
	// the first one waited for.
	err := v.durably(ctx, statement{`WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock(` + sealLock + `))
		INSERT INTO private.person_keys (organization, person, class, destroyed_at)
		SELECT $1, $2, class, now() FROM alone, unnest($3::text[]) AS c (class)
		ON CONFLICT (organization, person, class) DO UPDATE SET wrapped = NULL, destroyed_at = now()
		WHERE person_keys.destroyed_at IS NULL`, []any{organization, person, classes}},
		statement{`DELETE FROM private.name_sets WHERE organization = $1 AND person = $2 AND class = ANY ($3)`, []any{organization, person, classes}},
		statement{`DELETE FROM private.accounts WHERE organization = $1 AND person = $2 AND class = ANY ($3)`, []any{organization, person, classes}})
	if err != nil {
		return fmt.Errorf("vault: destroying keys: %w", err)
	}
	// Takes the old version of the row out of the table. Best effort: a role
	// that may not, or a reader with an old snapshot, leaves it to autovacuum.
	_, _ = v.db.Exec(ctx, `VACUUM (TRUNCATE false) private.person_keys, private.name_sets, private.accounts`)
	return nil
}

// Erased reports whether the person's key of this class has been destroyed.
//
// Errors: ErrBadRef; those of the database.
func (v *Vault) Erased(ctx context.Context, organization, person string, class events.KeyClass) (bool, error) {
	k, err := v.Opener(ctx, []Ref{{Organization: organization, Person: person}})
	if err != nil {
		return false, err
	}
	return k.Erased(organization, person, class), nil
}

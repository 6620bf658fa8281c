package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"socho/events"
)

// Ref names whose keys are needed: a person of an organization, or with an
// empty Person the organization itself. With Check set, keys that are there
// are found, but none is made: enough to open, and to know who is erased.
type Ref = struct {
	Organization string
	Person       string
	Check        bool
}

// slot is the place of one key.
type slot struct {
	organization, person string
	class                events.KeyClass
}

// ad binds a wrapped key to its row. No part can contain the separator.
func (s slot) ad() []byte {
	return []byte(s.organization + "|" + s.person + "|" + string(rune(s.class)))
}

func compareSlots(a, b slot) int {
	if c := strings.Compare(a.organization, b.organization); c != 0 {
		return c
	}
	if c := strings.Compare(a.person, b.person); c != 0 {
		return c
	}
	return int(a.class) - int(b.class)
}

// classesMost is how many keys an owner has at most.
const classesMost = 2

func classesOf(person string) []events.KeyClass {
	if person == "" {
		return []events.KeyClass{events.OfOrganization}
	}
	return []events.KeyClass{events.Contact, events.Identity}
}

func checkRef(organization, person string) error {
	if !events.ValidOrganization(organization) || (person != "" && !events.ValidID(person)) {
		return ErrBadRef
	}
	return nil
}

// Keys are the keys of one batch, as the database had them when the batch
// began. Hold them no longer than that: an erasure elsewhere is seen by the
// next batch. For one goroutine at a time.
type Keys struct {
	wrap *subtle.AESSIV
	held map[slot]*held
}

type held struct {
	wrapped []byte // nil: destroyed
	siv     *subtle.AESSIV
}

// Sealer returns the keys of everyone in the batch, making those that are not
// there yet. Every key returned is durable: a crash at any time later leaves
// nothing sealed under a key that is lost. A destroyed key is not made anew;
// Erased tells which they are.
//
// It costs one statement, and a transaction more where keys are made.
//
// Errors: ErrBadRef; those of the database or the context, and then no key is
// handed out.
func (v *Vault) Sealer(ctx context.Context, batch []Ref) (*Keys, error) {
	k := &Keys{wrap: v.wrap, held: make(map[slot]*held, 2*len(batch))}
	if err := v.load(ctx, k, batch); err != nil {
		return nil, fmt.Errorf("vault: finding keys: %w", err)
	}
	wanted := make(map[slot]Ref)
	for _, r := range batch {
		if r.Check {
			continue
		}
		for _, class := range classesOf(r.Person) {
			if s := (slot{r.Organization, r.Person, class}); k.held[s] == nil {
				wanted[s] = r
			}
		}
	}
	if len(wanted) == 0 {
		return k, nil
	}
	// In one order everywhere, so that two batches never wait for each other.
	slots := slices.SortedFunc(maps.Keys(wanted), compareSlots)
	if err := v.create(ctx, slots); err != nil {
		return nil, fmt.Errorf("vault: making keys: %w", err)
	}
	// What counts is what the database holds now: another process may have been
	// first with a key, or have destroyed it meanwhile.
	if err := v.load(ctx, k, slices.Collect(maps.Values(wanted))); err != nil {
		return nil, fmt.Errorf("vault: finding keys: %w", err)
	}
	for _, s := range slots {
		if k.held[s] == nil {
			return nil, fmt.Errorf("vault: a key that was made is not there: %w", ErrNoKey)
		}
	}
	return k, nil
}

// load reads the keys of refs as they are committed now.
func (v *Vault) load(ctx context.Context, k *Keys, refs []Ref) error {
	type owner struct{ organization, person string }
	seen := make(map[owner]bool, len(refs))
	var organizations, persons []string
	for _, r := range refs {
		if err := checkRef(r.Organization, r.Person); err != nil {
			return err
		}
		if o := (owner{r.Organization, r.Person}); !seen[o] {
			seen[o] = true
			organizations, persons = append(organizations, r.Organization), append(persons, r.Person)
		}
	}
	if len(organizations) == 0 {
		return nil
	}
	// Each owner is a look into the index; joined any other way, a long list would
	// have the whole table read for each of its batches.
	rows, err := v.db.Query(ctx, `SELECT k.organization, k.person, k.class, k.wrapped
		FROM unnest($1::text[], $2::text[]) AS r (organization, person)
		CROSS JOIN LATERAL (SELECT * FROM private.person_keys
			WHERE organization = r.organization AND person = r.person LIMIT $3) AS k`,
		organizations, persons, classesMost)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s slot
		var class string
		var wrapped []byte
		if err := rows.Scan(&s.organization, &s.person, &class, &wrapped); err != nil {
			return err
		}
		s.class = events.KeyClass(class[0])
		k.held[s] = &held{wrapped: wrapped}
	}
	return rows.Err()
}

// create makes random keys for the slots that have none. Keys that others were
// first with, destroyed ones included, stay as they are.
func (v *Vault) create(ctx context.Context, slots []slot) error {
	var organizations, persons, classes []string
	var wrapped [][]byte
	for _, s := range slots {
		secret := make([]byte, subtle.AESSIVKeySize)
		rand.Read(secret) // never fails
		w, err := v.wrap.EncryptDeterministically(secret, s.ad())
		if err != nil {
			return err
		}
		organizations, persons = append(organizations, s.organization), append(persons, s.person)
		classes, wrapped = append(classes, string(rune(s.class))), append(wrapped, w)
	}
	// Committed before anything is sealed. A crash right after it leaves keys
	// under which nothing was sealed yet; the next batch finds and uses them.
	return v.durably(ctx, statement{`INSERT INTO private.person_keys (organization, person, class, wrapped)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
		ON CONFLICT DO NOTHING`, []any{organizations, persons, classes, wrapped}})
}

type statement struct {
	sql  string
	args []any
}

// durably runs statements in a transaction whose commit waits for the disk, even
// where the server's or the pool's setting would not. A process that freezes
// before the commit keeps its locks for no longer than Vault.HoldMost.
func (v *Vault) durably(ctx context.Context, statements ...statement) error {
	tx, err := v.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer letGo(ctx, tx) // nothing to do after a commit
	if _, err := tx.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $1, true),
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`,
		v.most()); err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// Erased reports whether the person's key of this class has been destroyed.
func (k *Keys) Erased(organization, person string, class events.KeyClass) bool {
	h := k.held[slot{organization, person, class}]
	return h != nil && h.wrapped == nil
}

// cipher returns the key of a slot. Errors: ErrNoKey, ErrErased, ErrWrongMaster.
func (k *Keys) cipher(s slot) (*subtle.AESSIV, error) {
	h := k.held[s]
	switch {
	case h == nil:
		return nil, ErrNoKey
	case h.wrapped == nil:
		return nil, ErrErased
	case h.siv != nil:
		return h.siv, nil
	}
	secret, err := k.wrap.DecryptDeterministically(h.wrapped, s.ad())
	if err != nil {
		return nil, fmt.Errorf("%w: a key in private.person_keys does not open; "+
			"the row was altered, or restored from a database with another master key", ErrWrongMaster)
	}
	h.siv, err = subtle.NewAESSIV(secret)
	return h.siv, err
}

// text is base64url without padding, and strict: one spelling only.
var text = base64.RawURLEncoding.Strict()

// version follows the class in sealed text: AES-SIV with a 64-byte key over
// the associated data organization|source|event id|field. Fixed for every log.
const version = "1."

// place is the associated data. The id may contain the separator; organization,
// source and field cannot, so it still reads in one way only.
func place(at events.Place) []byte {
	return []byte(at.Organization + "|" + string(at.Source) + "|" + string(at.ID) + "|" + at.Field)
}

// Seal turns clear text into sealed text: the class, "1." and base64url of the
// ciphertext. The same arguments give the same text for the life of the key.
// Person is ignored for the organization's own class.
//
// Errors: ErrErased; ErrNoKey where the batch did not ask for this key.
func (k *Keys) Seal(at events.Place, person string, class events.KeyClass, clear string) (string, error) {
	if class == events.OfOrganization {
		person = ""
	}
	siv, err := k.cipher(slot{at.Organization, person, class})
	if err != nil {
		return "", err
	}
	sealed, err := siv.EncryptDeterministically([]byte(clear), place(at))
	if err != nil {
		return "", fmt.Errorf("vault: sealing: %w", err)
	}
	return string(rune(class)) + version + text.EncodeToString(sealed), nil
}

// Open is the inverse of Seal; the sealed text itself says which key it needs.
//
// Errors: ErrErased, ErrTampered, ErrNoKey.
func (k *Keys) Open(at events.Place, person, sealed string) (string, error) {
	if len(sealed) < 3 || sealed[1:3] != version || strings.ContainsAny(sealed, "\r\n") {
		return "", ErrTampered
	}
	class := events.KeyClass(sealed[0])
	switch class {
	case events.Identity, events.Contact:
	case events.OfOrganization:
		person = ""
	default:
		return "", ErrTampered
	}
	raw, err := text.DecodeString(sealed[3:])
	if err != nil {
		return "", ErrTampered
	}
	siv, err := k.cipher(slot{at.Organization, person, class})
	if err != nil {
		return "", err
	}
	clear, err := siv.DecryptDeterministically(raw, place(at))
	if err != nil {
		return "", ErrTampered
	}
	return string(clear), nil
}

// Opener returns the keys of everyone on a page, making none.
// Errors: as Sealer.
func (v *Vault) Opener(ctx context.Context, refs []Ref) (*Keys, error) {
	k := &Keys{wrap: v.wrap, held: make(map[slot]*held, 3*len(refs))}
	both := make([]Ref, 0, 2*len(refs))
	for _, r := range refs {
		// Input that could not be decoded names a person and may still be
		// sealed under the organization's key.
		both = append(both, r, Ref{Organization: r.Organization})
	}
	if err := v.load(ctx, k, both); err != nil {
		return nil, fmt.Errorf("vault: finding keys: %w", err)
	}
	return k, nil
}

// Unseal opens one text. For many, Opener asks the database once.
//
// Errors: ErrErased, ErrTampered, ErrNoKey, ErrBadRef; those of the database.
func (v *Vault) Unseal(ctx context.Context, at events.Place, person, sealed string) (string, error) {
	k, err := v.Opener(ctx, []Ref{{Organization: at.Organization, Person: person}})
	if err != nil {
		return "", err
	}
	return k.Open(at, person, sealed)
}

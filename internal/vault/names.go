package vault

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed" // names.sql
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MigrationNames makes the table by which persons are found by name.
//
//go:embed names.sql
var MigrationNames string

// MigrationNameSets makes of that table one with a row for each person.
//
//go:embed names_sets.sql
var MigrationNameSets string

// Name is a name that a person goes by, in clear.
type Name = struct{ Organization, Person, Text string }

// Bounds of what is kept of names, so that nobody fills the table with one
// person.
const (
	nameWords  = 12  // of one name
	wordLength = 32  // letters of one word
	prefixFrom = 3   // letters that a word can be found by; shorter words are found whole
	tokensMost = 160 // of one person
	tokenBytes = 12
	rememberUp = 64 << 10 // names known to be there; each takes some 40 bytes
)

// words takes a name apart as people type it: without marks, case and signs; đ is
// d. Letters of other scripts stay as they are.
func words(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == 'đ' || r == 'Đ':
			return 'd'
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFD.String(text))
	found := strings.Fields(plain)
	found = found[:min(len(found), nameWords)]
	for i, w := range found {
		if r := []rune(w); len(r) > wordLength {
			found[i] = string(r[:wordLength])
		}
	}
	return found
}

// beginnings are what a word is found by.
func beginnings(word string) (all []string) {
	letters := []rune(word)
	for n := prefixFrom; n < len(letters); n++ {
		all = append(all, string(letters[:n]))
	}
	return append(all, word)
}

// token is the keyed hash of a word in an organization. In another it is another,
// so that nobody can be followed from one to the other.
func (v *Vault) token(organization, word string) []byte {
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte(organization + "|" + word))
	return mac.Sum(nil)[:tokenBytes]
}

// known are names that are in the table, by a keyed hash: most facts of a person
// come with the same name. Two generations of it bound the room that it takes.
type known struct {
	mu          sync.Mutex
	young, aged map[uint64]bool
}

func (k *known) has(name uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.young[name] || k.aged[name]
}

func (k *known) add(names []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range names {
		if k.young == nil || len(k.young) >= rememberUp/2 {
			k.young, k.aged = make(map[uint64]bool), k.young
		}
		k.young[n] = true
	}
}

// remembered is what is to be found of a person.
type remembered struct {
	organization, person string
	tokens               [][]byte
}

// remember writes what is not there yet. It goes from person to person, each by
// looks into indexes: joined as a whole, the tables would be read from end to end
// for every batch, and a long list would take as long as its square. The rows of
// keys are locked in the order that the persons are given in. Beyond the bound of
// tokens, what was there first stays.
const remember = `
	INSERT INTO private.name_sets AS n (organization, person, tokens)
	SELECT p.organization, p.person, s.tokens
	FROM unnest($1::text[], $2::text[], $3::bytea[]) AS p (organization, person, tokens)
	CROSS JOIN LATERAL (
		SELECT FROM private.person_keys k
		WHERE k.organization = p.organization AND k.person = p.person AND k.class = 'i' AND k.destroyed_at IS NULL LIMIT 1 FOR SHARE) AS alive
	CROSS JOIN LATERAL (
		SELECT ARRAY(SELECT substr(p.tokens, at, $5) FROM generate_series(1, octet_length(p.tokens), $5) AS at ORDER BY at LIMIT $4) AS tokens) AS s
	ON CONFLICT (organization, person) DO UPDATE
	SET tokens = n.tokens || ARRAY(SELECT t FROM unnest(EXCLUDED.tokens) AS t WHERE t <> ALL (n.tokens) LIMIT $4 - cardinality(n.tokens))
	WHERE NOT n.tokens @> EXCLUDED.tokens AND cardinality(n.tokens) < $4`

// Remember makes persons findable by these names, as long as their identity keys
// live; those whose key is destroyed, or who have none, are passed over. What is
// there already costs nothing.
//
// The keys' rows are locked while it is written, so that an erasure comes before,
// and nothing is written, or behind, and takes it away. A crash leaves all of it or
// nothing.
//
// Errors: those of the database or the context.
func (v *Vault) Remember(ctx context.Context, names []Name) error {
	persons, fresh := v.unknown(names)
	if len(persons) > 0 {
		organizations, ids, tokens := make([]string, len(persons)), make([]string, len(persons)), make([][]byte, len(persons))
		for i, p := range persons {
			slices.SortFunc(p.tokens, bytes.Compare)
			p.tokens = slices.CompactFunc(p.tokens, bytes.Equal)
			organizations[i], ids[i], tokens[i] = p.organization, p.person, bytes.Join(p.tokens, nil)
		}
		if _, err := v.db.Exec(ctx, remember, organizations, ids, tokens, tokensMost, tokenBytes); err != nil {
			return fmt.Errorf("vault: names: %w", err)
		}
	}
	v.known.add(fresh)
	return nil
}

// unknown are the persons of names that are not known to be there, in one order
// everywhere, and the hashes of those names.
func (v *Vault) unknown(names []Name) (persons []*remembered, fresh []uint64) {
	type owner struct{ organization, person string }
	of, seen := map[owner]*remembered{}, map[uint64]bool{}
	for _, n := range names {
		mac := hmac.New(sha256.New, v.names)
		mac.Write([]byte("known|" + n.Organization + "|" + n.Person + "|" + n.Text))
		key := binary.BigEndian.Uint64(mac.Sum(nil))
		if seen[key] || v.known.has(key) {
			continue
		}
		seen[key], fresh = true, append(fresh, key)
		who := owner{n.Organization, n.Person}
		for _, word := range words(n.Text) {
			for _, part := range beginnings(word) {
				if of[who] == nil {
					of[who] = &remembered{organization: n.Organization, person: n.Person}
				}
				of[who].tokens = append(of[who].tokens, v.token(n.Organization, part))
			}
		}
	}
	return slices.SortedFunc(maps.Values(of), func(a, b *remembered) int {
		return cmp.Or(strings.Compare(a.organization, b.organization), strings.Compare(a.person, b.person))
	}), fresh
}

// Find returns the persons of an organization whose names hold every word of the
// text, or words that begin so from three letters on; sorted by their ids, at most
// limit. A text without letters finds nobody. It asks for no right, and the caller
// writes down who asked.
//
// Errors: ErrBadRef; those of the database.
func (v *Vault) Find(ctx context.Context, organization, text string, limit int) (persons []string, err error) {
	if err := checkRef(organization, ""); err != nil {
		return nil, err
	}
	asked := words(text)
	slices.Sort(asked)
	asked = slices.Compact(asked)
	if len(asked) == 0 {
		return nil, nil
	}
	tokens := make([][]byte, len(asked))
	for i, word := range asked {
		tokens[i] = v.token(organization, word)
	}
	rows, err := v.db.Query(ctx, `
		SELECT n.person FROM private.name_sets n
		JOIN private.person_keys k ON k.organization = n.organization AND k.person = n.person AND k.class = n.class AND k.destroyed_at IS NULL
		WHERE n.organization = $1 AND n.tokens @> $2 ORDER BY n.person LIMIT $3`,
		organization, tokens, limit)
	if err != nil {
		return nil, fmt.Errorf("vault: names: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var person string
		if err := rows.Scan(&person); err != nil {
			return nil, err
		}
		persons = append(persons, person)
	}
	return persons, rows.Err()
}

// ForgetNames empties the table, before names are remembered anew from the log.
// Errors: those of the database.
func (v *Vault) ForgetNames(ctx context.Context) error {
	v.known.mu.Lock()
	v.known.young, v.known.aged = nil, nil
	v.known.mu.Unlock()
	_, err := v.db.Exec(ctx, `DELETE FROM private.name_sets`)
	return err
}

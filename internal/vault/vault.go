// Package vault keeps the keys that personal data is sealed under, and
// destroys them.
//
// Every person of an organization has two keys: one for the accounting
// identity, kept for the legal retention, and one for contact data and raw
// text, erasable now. An organization has one for input that could not be
// decoded. Keys are random, lie in schema private wrapped under a master key
// that lives in a file outside the database, and are never derived from
// anything: a destroyed key cannot be computed again.
//
// Sealing is deterministic (AES-SIV, RFC 5297): the same field of the same
// event under the same key is the same text, so that a fact published twice
// stays the same bytes. The text is bound to its place; moved to another
// event, field or organization it does not open.
//
// The package must never know what an event means, which broker carries it or
// who may read it; whoever calls Open has checked the reader's right. No clear
// text, key or name enters an error.
//
// One worked example:
//
//	master, err := vault.LoadMaster("data/master.key")
//	v, err := vault.Open(ctx, pool, master)
//	keys, err := v.Sealer(ctx, []vault.Ref{{Organization: "hg-cho", Person: "p-17"}})
//	text, err := keys.Seal(events.Place{…, Field: "phone"}, "p-17", events.Contact, "0912…") // "c1.kG0…"
//	clear, err := v.Unseal(ctx, "hg-cho", "p-17", "e-1", "phone", text)
//	err = v.Erase(ctx, "hg-cho", "p-17", "contact")
//	_, err = v.Unseal(ctx, "hg-cho", "p-17", "e-1", "phone", text)                    // ErrErased
package vault

import (
	"context"
	_ "embed" // migration.sql
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

// Migration makes the vault's tables in schema private.
//
//go:embed migration.sql
var Migration string

// What can go wrong, to be compared with errors.Is.
var (
	// ErrErased: the key that the text was sealed under has been destroyed.
	ErrErased = errors.New("vault: erased: the key of this text has been destroyed")
	// ErrTampered: the text is not what was sealed for this place.
	ErrTampered = errors.New("vault: the sealed text has been altered, or belongs to another event or field")
	// ErrNoKey: there is no key and never was one here, which for text on the
	// log means that schema private has been lost or belongs to another log.
	ErrNoKey = errors.New("vault: no key for this text; restore schema private from its backup")
	// ErrWrongMaster: the master key does not open the keys of this database.
	ErrWrongMaster = errors.New("vault: wrong master key")
	// ErrBadRef: not an organization, person, class or scope that can have a key.
	ErrBadRef = errors.New("vault: not a valid organization, person or class of key")
)

// DB is what the vault needs of a database: *pgxpool.Pool has it, and so does
// *pgx.Conn where one goroutine is enough. It must not be a transaction, since
// a key has to be durable before anything is sealed under it.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Vault makes, finds and destroys keys. It holds no key in memory between
// calls, so that an erasure by any process holds for the next call of every
// other. It is as safe for concurrent use as its DB.
type Vault struct {
	// HoldMost bounds how long a batch keeps an erasure waiting, and an unfinished
	// erasure or making of keys everybody else; a minute unless it is set before
	// the vault is used.
	HoldMost time.Duration

	db    DB
	wrap  *subtle.AESSIV
	hold  hold
	names []byte // key of the hashes of names
	known known
}

// checkText is what the check row holds under the master key.
var checkText = []byte("socho vault 1")

// Open checks that the master key fits the keys in the database, or makes the
// database this master key's where it holds no keys yet.
//
// Errors: ErrWrongMaster, saying what to do; those of the database.
func Open(ctx context.Context, db DB, master Key) (*Vault, error) {
	wrap, err := master.wrapper()
	if err != nil {
		return nil, err
	}
	token, err := wrap.EncryptDeterministically(checkText, []byte("check"))
	if err != nil {
		return nil, fmt.Errorf("vault: open: %w", err)
	}
	// The master key's file is on disk by now (LoadMaster), so a crash after
	// this statement leaves a database that opens with that file.
	if _, err := db.Exec(ctx, `INSERT INTO private.vault_check (token)
		SELECT $1 WHERE NOT EXISTS (SELECT FROM private.person_keys) ON CONFLICT DO NOTHING`, token); err != nil {
		return nil, fmt.Errorf("vault: open: %w", err)
	}
	var found []byte
	err = db.QueryRow(ctx, `SELECT token FROM private.vault_check`).Scan(&found)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("vault: open: %w", err)
	}
	if _, err := wrap.DecryptDeterministically(found, []byte("check")); err != nil {
		return nil, master.mismatch()
	}
	names, err := master.Derive("names")
	if err != nil {
		return nil, err
	}
	return &Vault{HoldMost: holdMost, db: db, wrap: wrap, names: names}, nil
}

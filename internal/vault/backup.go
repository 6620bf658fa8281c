package vault

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
)

// A copy of the keys is JSON lines: a head with the token that only the right
// master key can read, a line for each key as it lies in the database, wrapped,
// then one for each account by which a person is found, and a foot with how many
// lines there are and the SHA-256 of all before it. Format 1 has no accounts.
type (
	copyHead struct {
		Keys  int       `json:"socho_keys"` // format: 1 or 2
		Token []byte    `json:"token"`
		Taken time.Time `json:"taken_at"`
	}
	copyKey struct {
		Organization string     `json:"organization"`
		Person       string     `json:"person,omitempty"`
		Class        string     `json:"class"`
		Wrapped      []byte     `json:"wrapped,omitempty"`
		Created      time.Time  `json:"created_at,omitzero"`
		Destroyed    *time.Time `json:"destroyed_at,omitempty"`
		// Of an account. Its hash dies with the key, and so with the copy.
		Token  []byte `json:"account,omitempty"`
		Object string `json:"object,omitempty"`
		Proved bool   `json:"proved,omitempty"`
	}
	copyFoot struct {
		Count int    `json:"count"`
		Sum   string `json:"sha256"`
	}
)

// KeyCopyDays is how long a copy of the keys may be kept: a person who was
// erased must not come back out of an old one.
const KeyCopyDays = 30

// ErrBadCopy: the copy of the keys is cut short or altered.
var ErrBadCopy = errors.New("vault: this copy of the keys is damaged")

// Export writes a copy of every key, wrapped as it lies in the database: without
// the master key it opens nothing; and of every account by which a person is found.
// count is of the keys. Erasures that happen meanwhile may or may not be in it.
// Errors: those of the database and of w.
func (v *Vault) Export(ctx context.Context, w io.Writer) (count int, err error) {
	var head copyHead
	if err := v.db.QueryRow(ctx, `SELECT token FROM private.vault_check`).Scan(&head.Token); err != nil {
		return 0, fmt.Errorf("vault: copying keys: %w", err)
	}
	head.Keys, head.Taken = 2, time.Now().UTC()
	// First the accounts, which are few: the key of each is there before it.
	rows, err := v.db.Query(ctx, `SELECT organization, person, class, token, object, proved FROM private.accounts ORDER BY organization, token`)
	if err != nil {
		return 0, fmt.Errorf("vault: copying accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a copyKey, err error) {
		err = row.Scan(&a.Organization, &a.Person, &a.Class, &a.Token, &a.Object, &a.Proved)
		return a, err
	})
	if err != nil {
		return 0, fmt.Errorf("vault: copying accounts: %w", err)
	}
	sum := sha256.New()
	out := json.NewEncoder(io.MultiWriter(w, sum))
	if err := out.Encode(head); err != nil {
		return 0, err
	}
	rows, err = v.db.Query(ctx, `SELECT organization, person, class, wrapped, created_at, destroyed_at
		FROM private.person_keys ORDER BY organization, person, class`)
	if err != nil {
		return 0, fmt.Errorf("vault: copying keys: %w", err)
	}
	var k copyKey
	if _, err := pgx.ForEachRow(rows, []any{&k.Organization, &k.Person, &k.Class, &k.Wrapped, &k.Created, &k.Destroyed}, func() error {
		count++
		return out.Encode(k)
	}); err != nil {
		return 0, fmt.Errorf("vault: copying keys: %w", err)
	}
	for i := range accounts {
		if err := out.Encode(accounts[i]); err != nil {
			return 0, err
		}
	}
	return count, json.NewEncoder(w).Encode(copyFoot{count + len(accounts), hex.EncodeToString(sum.Sum(nil))})
}

// CheckCopy reads a copy to its end and says whether it is whole and whether
// this master key opens it. Errors: ErrBadCopy, ErrWrongMaster.
func CheckCopy(r io.Reader, master Key) (count int, taken time.Time, err error) {
	wrap, err := master.wrapper()
	if err != nil {
		return 0, taken, err
	}
	err = readCopy(r, func(h copyHead) error {
		taken = h.Taken
		if _, err := wrap.DecryptDeterministically(h.Token, []byte("check")); err != nil {
			return fmt.Errorf("%w: the copy was made under another one", ErrWrongMaster)
		}
		return nil
	}, func(k copyKey) error {
		if len(k.Token) == 0 {
			count++
		}
		return nil
	})
	return count, taken, err
}

// Import puts a copy's keys into a database that holds none, all or nothing.
// What has been erased since the copy was taken must be erased again. Errors:
// ErrBadCopy, ErrWrongMaster; a database that holds keys; those of the database.
func (v *Vault) Import(ctx context.Context, r io.Reader) (count int, err error) {
	tx, err := v.db.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("vault: restoring keys: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to roll back
	var held bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM private.person_keys)`).Scan(&held); err != nil {
		return 0, fmt.Errorf("vault: restoring keys: %w", err)
	}
	if held {
		return 0, errors.New("vault: the database holds keys already; keys are restored into an empty one")
	}
	var batch pgx.Batch
	send := func() error {
		err := tx.SendBatch(ctx, &batch).Close()
		batch = pgx.Batch{}
		return err
	}
	err = readCopy(r, func(h copyHead) error {
		if _, err := v.wrap.DecryptDeterministically(h.Token, []byte("check")); err != nil {
			return fmt.Errorf("%w: the copy was made under another one", ErrWrongMaster)
		}
		return nil
	}, func(k copyKey) error {
		if len(k.Token) > 0 { // nobody is found whose key was destroyed while the copy was made
			batch.Queue(`INSERT INTO private.accounts (organization, person, class, token, object, proved) SELECT $1, $2, $3, $4, $5, $6
				WHERE EXISTS (SELECT FROM private.person_keys WHERE organization = $1 AND person = $2 AND class = $3 AND destroyed_at IS NULL)`,
				k.Organization, k.Person, k.Class, k.Token, k.Object, k.Proved)
		} else {
			count++
			batch.Queue(`INSERT INTO private.person_keys (organization, person, class, wrapped, created_at, destroyed_at) VALUES ($1, $2, $3, $4, $5, $6)`,
				k.Organization, k.Person, k.Class, k.Wrapped, k.Created, k.Destroyed)
		}
		if batch.Len() >= 1000 {
			return send()
		}
		return nil
	})
	if err == nil {
		err = send()
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("vault: restoring keys: %w", err)
	}
	return count, nil
}

// readCopy reads a copy strictly. The foot's sum covers every byte before it.
func readCopy(r io.Reader, head func(copyHead) error, key func(copyKey) error) error {
	lines := bufio.NewScanner(r)
	sum := sha256.New()
	read := func(line []byte, into any) error {
		if err := json.Unmarshal(line, into); err != nil {
			return ErrBadCopy
		}
		sum.Write(line)
		sum.Write([]byte{'\n'})
		return nil
	}
	if !lines.Scan() {
		return ErrBadCopy
	}
	var h copyHead
	if err := read(lines.Bytes(), &h); err != nil {
		return err
	}
	if h.Keys != 1 && h.Keys != 2 {
		return fmt.Errorf("%w: format %d", ErrBadCopy, h.Keys)
	}
	if err := head(h); err != nil {
		return err
	}
	count := 0
	for lines.Scan() {
		var foot copyFoot
		if err := json.Unmarshal(lines.Bytes(), &foot); err == nil && foot.Sum != "" {
			if foot.Count != count || foot.Sum != hex.EncodeToString(sum.Sum(nil)) || lines.Scan() {
				return ErrBadCopy
			}
			return lines.Err()
		}
		var k copyKey
		if err := read(lines.Bytes(), &k); err != nil {
			return err
		}
		if !events.ValidOrganization(k.Organization) || len(k.Class) != 1 {
			return ErrBadCopy
		}
		count++
		if err := key(k); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: its end is missing", ErrBadCopy)
}

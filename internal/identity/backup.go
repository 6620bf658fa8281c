package identity

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	streaming "github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// ErrBadCopy: the copy of the directory is cut short or altered, or was made
// under another master key.
var ErrBadCopy = errors.New("identity: this copy of the people is damaged, or belongs to another master key")

// copied are the tables of a backup, in the order that references allow.
var copied = []struct{ table, columns string }{
	{"people", "person, name, language, password, totp, totp_step, recovery, locked_at, created_at"},
	{"grants", "person, role, organization, object, granted_by, granted_at"},
	{"logins", "issuer, subject, person, linked_at"},
	{"cards", "card, hash, organization, stall, holder, language, pin, pin_is_own, created_by, created_at, revoked_at"},
	{"devices", "device, hash, card, name, created_at, seen_at, revoked_at"},
	{"tokens", "token, hash, name, grants, created_by, created_at, expires_at, used_at, revoked_at"},
	// What offices have chosen.
	{"account_codes", "organization, place, account, code, name"},
	{"parent_links", "organization, person, generation, hash, created_by, created_at, revoked_at"},
	{"bank_layouts", "organization, name, layout, created_by, created_at"},
	{"desks", "organization, overpaid, chosen_by, chosen_at"},
	// Whose messages are taken for whom. The secrets are sealed under the master key
	// once more.
	{"hooks", "organization, provider, account, secrets, created_by, created_at, used_at, passed_over"},
	{"hook_accounts", "organization, token"},
	{"hook_notices", "organization, provider, notice, key, ordinal, taken_at"},
	{"inbox_refused", "partition, log_offset, code, at"},
	{"verifications", "actor, replay, state, started_at, seen_at, ended_at, cancelled_by, done, whole, transfers, position, problems, found"},
	{"trail", "at, actor, action, organization, object, detail, outcome, address, session"}, // its ids are order, and that stays
}

// chosen says which rows of a table are copied and in which order, where it is not
// all of them by the first column. A message is sent again for some days, and an
// equal movement is of the same day or has a reference of its own: what was taken
// long ago is asked about no more.
var chosen = map[string]string{
	"trail":         "ORDER BY id",
	"verifications": "WHERE state <> 'running' ORDER BY id",
	"hook_notices":  "WHERE taken_at > now() - interval '90 days' ORDER BY 1, 2, 3",
}

// notCopied are the other tables of the schema, and why a restored ledger goes on
// without them.
var notCopied = map[string]string{
	"sessions":        "people sign in again",
	"attempts":        "of the last minutes",
	"invitations":     "links of a day, made anew",
	"person_tokens":   "of an hour",
	"requests":        "answers of the last day",
	"chores":          "work under way, begun again",
	"chore_parts":     "likewise",
	"statement_files": "likewise",
	"line_readings":   "read again from the log when lines are matched again",
	"done":            "in the manifest",
	"inbox":           "likewise",
	"shards":          "what stands still is found out anew",
	"processes":       "of those that are up",
	"leases":          "likewise",
}

// batch is how many rows one line of a copy holds.
const batch = 500

// copyLine is one line: rows of one table; the last says how many there were.
type copyLine struct {
	Table string            `json:"table,omitempty"`
	Rows  []json.RawMessage `json:"rows,omitempty"`
	Total *int              `json:"total,omitempty"`
}

// cipher seals a copy as a whole, so that nobody reads a hash out of it or adds
// an administrator to it. It is a stream in pieces of 64 KiB, of which none can
// be left out.
func (d *Directory) cipher() (*streaming.AESGCMHKDF, error) {
	return streaming.NewAESGCMHKDF(d.copyKey, "SHA256", 32, 64<<10, 0)
}

var copyPlace = []byte("socho people 1")

// Export writes a copy of everybody, with the trail, as of one moment; it can
// be read under the same master key alone. Errors: those of the database and of
// w.
func (d *Directory) Export(ctx context.Context, w io.Writer) (rows int, err error) {
	sealing, err := d.cipher()
	if err != nil {
		return 0, err
	}
	sealed, err := sealing.NewEncryptingWriter(w, copyPlace)
	if err != nil {
		return 0, err
	}
	out := json.NewEncoder(sealed)
	err = pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, c := range copied {
			n, err := copyTable(ctx, tx, out, c.table, c.columns)
			if err != nil {
				return fmt.Errorf("copying app.%s: %w", c.table, err)
			}
			rows += n
		}
		return out.Encode(copyLine{Total: &rows})
	})
	if err != nil {
		return 0, err
	}
	return rows, sealed.Close()
}

func copyTable(ctx context.Context, tx pgx.Tx, out *json.Encoder, table, columns string) (n int, err error) {
	found, err := tx.Query(ctx, `SELECT row_to_json(t)::text FROM (SELECT `+columns+` FROM app.`+table+` `+cmp.Or(chosen[table], "ORDER BY 1")+`) t`)
	if err != nil {
		return 0, err
	}
	line := copyLine{Table: table}
	write := func() error {
		if len(line.Rows) == 0 {
			return nil
		}
		err := out.Encode(line)
		line.Rows = line.Rows[:0]
		return err
	}
	var row string
	if _, err := pgx.ForEachRow(found, []any{&row}, func() error {
		n++
		if line.Rows = append(line.Rows, json.RawMessage(row)); len(line.Rows) == batch {
			return write()
		}
		return nil
	}); err != nil {
		return 0, err
	}
	return n, write()
}

// Import fills an empty directory from a copy, all of it or nothing. What was
// revoked, locked or changed after the copy was made is as it was before: look
// through it, and revoke again.
// Errors: ErrBadCopy; ErrTaken where there is somebody already.
func (d *Directory) Import(ctx context.Context, r io.Reader) (rows int, err error) {
	sealing, err := d.cipher()
	if err != nil {
		return 0, err
	}
	clear, err := sealing.NewDecryptingReader(r, copyPlace)
	if err != nil {
		return 0, ErrBadCopy
	}
	columns := map[string]string{}
	for _, c := range copied {
		columns[c.table] = c.columns
	}
	in := json.NewDecoder(bufio.NewReader(clear))
	err = d.change(ctx, func(tx pgx.Tx) error {
		for {
			var line copyLine
			if err := in.Decode(&line); err != nil {
				return ErrBadCopy // cut short, too: the last line says how many there were
			}
			if line.Total != nil {
				if *line.Total != rows {
					return ErrBadCopy
				}
				// Past the end, the last piece has been found to be the last.
				if err := in.Decode(&line); !errors.Is(err, io.EOF) {
					return ErrBadCopy
				}
				return nil
			}
			names := columns[line.Table]
			if names == "" {
				return ErrBadCopy
			}
			texts := make([]string, len(line.Rows))
			for i, row := range line.Rows {
				texts[i] = string(row)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO app.`+line.Table+` (`+names+`) SELECT `+names+` FROM json_populate_recordset(NULL::app.`+line.Table+`, $1::json)`,
				"["+strings.Join(texts, ",")+"]"); err != nil {
				return taken(err)
			}
			rows += len(line.Rows)
		}
	})
	if err != nil {
		return 0, err
	}
	return rows, d.record(ctx, d.pool, Entry{Actor: "cli", Action: "restore", Outcome: OK})
}

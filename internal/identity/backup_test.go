package identity_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/identity"
)

// What was copied signs in elsewhere as it did here, and the trail goes on.
func TestBackup(t *testing.T) {
	t.Parallel()
	h, other := open(t), open(t)
	id := h.person(t, "lan", "market_manager@hg-cho", "auditor@*")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	_, recovery := b.enrol(t)
	_, token, pin, err := h.IssueCard(cli(t), "hg-cho", "A12", "p-17")
	must(t, err)
	_, secret, err := h.CreateToken(cli(t), "kế toán", []identity.Grant{{Right: identity.SeeBills, Organization: "hg-cho"}}, identity.TokenMost)
	must(t, err)
	for range 600 { // more than one line
		must(t, h.Record(cli(t), identity.Entry{Action: identity.Exported, Outcome: identity.OK}))
	}
	settled := []string{
		`INSERT INTO app.account_codes VALUES ('hg-truong', 0, 'held:meals', '3381', 'Thu hộ')`,
		`INSERT INTO app.parent_links (organization, person, generation, hash, created_by) VALUES ('hg-truong', 'p-1', 1, decode(repeat('ab', 32), 'hex'), 'cli')`,
		`INSERT INTO app.bank_layouts (organization, name, layout, created_by) VALUES ('hg-truong', 'Ngân hàng xã', '{"date": 0}', 'cli')`,
		`INSERT INTO app.desks (organization, overpaid, chosen_by) VALUES ('hg-truong', 'refund', 'cli')`,
		`INSERT INTO app.hooks (organization, provider, account, secrets, created_by) VALUES ('hg-truong', 'sepay', 'main', ARRAY['new'::bytea, 'old'::bytea], 'cli')`,
		`INSERT INTO app.hook_accounts VALUES ('hg-truong', decode(repeat('cd', 32), 'hex'))`,
		`INSERT INTO app.hook_notices (organization, provider, notice, key, ordinal) VALUES ('hg-truong', 'sepay', decode(repeat('01', 32), 'hex'), decode(repeat('02', 32), 'hex'), 2)`,
		`INSERT INTO app.inbox_refused (partition, log_offset, code) VALUES (3, 17, 'person_erased')`,
	}
	for _, sql := range settled {
		_, err := h.pool.Exec(t.Context(), sql)
		must(t, err)
	}
	var copied bytes.Buffer
	rows, err := h.Export(t.Context(), &copied)
	must(t, err)
	if rows < 606 || bytes.Contains(copied.Bytes(), []byte("lan")) || bytes.Contains(copied.Bytes(), []byte("argon2id")) {
		t.Errorf("%d rows", rows)
	}
	// Altered, cut short, continued: nothing is taken in.
	for what, text := range map[string][]byte{
		"cut short": copied.Bytes()[:copied.Len()-1], "cut at a piece": copied.Bytes()[:64<<10], "empty": nil,
		"continued": append(bytes.Clone(copied.Bytes()), 0), "altered": func() []byte {
			c := bytes.Clone(copied.Bytes())
			c[len(c)/2] ^= 1
			return c
		}(),
	} {
		_, err := other.Import(t.Context(), bytes.NewReader(text))
		wants(t, what, err, identity.ErrBadCopy)
	}
	if people, err := other.People(cli(t)); err != nil || len(people) != 0 {
		t.Fatalf("%v, %v", people, err)
	}
	n, err := other.Import(t.Context(), bytes.NewReader(copied.Bytes()))
	if err != nil || n != rows {
		t.Fatalf("%d rows of %d, %v", n, rows, err)
	}
	_, err = other.Import(t.Context(), bytes.NewReader(copied.Bytes()))
	wants(t, "twice", err, identity.ErrTaken)

	for _, table := range []string{"account_codes", "parent_links", "bank_layouts", "desks", "hooks", "hook_accounts", "hook_notices", "inbox_refused"} {
		var was, is string
		for pool, rows := range map[*pgxpool.Pool]*string{h.pool: &was, other.pool: &is} {
			must(t, pool.QueryRow(t.Context(), `SELECT json_agg(t)::text FROM app.`+table+` t`).Scan(rows))
		}
		if was != is || was == "" {
			t.Errorf("%s: %s, then %s", table, was, is)
		}
	}
	was, err := h.Staff(cli(t), id)
	must(t, err)
	is, err := other.Staff(cli(t), id)
	must(t, err)
	if d := cmp.Diff(was, is); d != "" {
		t.Error(d)
	}
	wants(t, "the password", other.browser("192.0.2.1").signIn(t, "lan", good), errSecond)
	again := other.browser("192.0.2.1")
	wants(t, "the password", again.signIn(t, "lan", good), errSecond)
	must(t, again.second(t, recovery[0]))
	_, err = other.ByToken(t.Context(), secret)
	must(t, err)
	must(t, other.browser("192.0.2.1").card(t, token, pin))

	before, _, err := h.Trail(t.Context(), identity.TrailFilter{Organizations: everywhere}, 500, "")
	must(t, err)
	after, _, err := other.Trail(t.Context(), identity.TrailFilter{Action: identity.Exported, Organizations: everywhere}, 500, "")
	must(t, err)
	if len(after) != 500 || !slices.IsSortedFunc(after, func(a, b identity.Entry) int { return b.At.Compare(a.At) }) || len(before) != 500 {
		t.Errorf("%d, %d entries", len(before), len(after))
	}
}

// TestEveryTableIsAnswered: each table of the schema is in a backup, or it is said
// why not.
func TestEveryTableIsAnswered(t *testing.T) {
	t.Parallel()
	h := open(t)
	rows, err := h.pool.Query(t.Context(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'app'
		AND table_name NOT IN ('migration_digests', 'goose_db_version') ORDER BY 1`)
	must(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if len(tables) < 20 {
		t.Fatalf("only %q", tables)
	}
	answers := identity.BackedUp()
	for _, table := range tables {
		if answers[table] == "" {
			t.Errorf("app.%s: bring it into a backup, or say why a restored ledger goes on without it", table)
		}
		delete(answers, table)
	}
	for table := range answers {
		t.Errorf("there is no table app.%s", table)
	}
}

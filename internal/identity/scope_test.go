package identity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/internal/readmodel"
)

// rowsOf puts one row of each organization into tables of both schemas.
const rowsOf = `
	INSERT INTO ledger.accounts SELECT 0, n, o, 'bank:1', 'asset', 'VND', '' FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n);
	INSERT INTO ledger.accounts SELECT 0, n + 10, o, 'income:x', 'income', 'VND', '' FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n);
	INSERT INTO ledger.balances SELECT shard, account, '', 0, 0 FROM ledger.accounts;
	INSERT INTO ledger.outcomes SELECT 0, n, now(), o, 's', 'e', 't', '2026-09-01', 1, '', '', 1, h, h, h, true
		FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n), decode(repeat('00', 32), 'hex') h;
	INSERT INTO ledger.transfers SELECT 0, n, 0, n, n + 10, 1, 'fee', '2026-09-01', 0, 0 FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n);
	INSERT INTO projections.stalls SELECT o, 'A1', 'p', '2026-09-01', 0, n FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n);
	INSERT INTO projections.holdings SELECT o, 'collector', 'h', 'VND', 1 FROM unnest($1::text[]) AS x(o);
	INSERT INTO projections.links SELECT 's', 'bill', o, 0, n FROM unnest($1::text[]) WITH ORDINALITY AS x(o, n);`

// perOrganization says how many rows of each organization those tables have.
var perOrganization = map[string]int{
	"ledger.accounts": 2, "ledger.balances": 2, "ledger.outcomes": 1, "ledger.transfers": 1,
	"projections.stalls": 1, "projections.holdings": 1, "projections.links": 1,
}

func ledgerAndProjections(t *testing.T) (url string) {
	t.Helper()
	return testdb.Database(t, "rows", func(ctx context.Context, url string) error {
		return errors.Join(postgres.Migrate(ctx, url, "ledger", postgres.LedgerMigrations()),
			postgres.Migrate(ctx, url, readmodel.Schema, readmodel.Migrations()))
	})
}

func fill(t *testing.T, conn *pgx.Conn, organizations ...string) {
	t.Helper()
	for sql := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(rowsOf), ";"), ";") {
		args := []any{organizations}
		if !strings.Contains(sql, "$1") {
			args = nil
		}
		_, err := conn.Exec(t.Context(), sql, args...)
		must(t, err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	_, err = conn.Exec(t.Context(), `SET search_path = ledger`) // for the ledger's own checks
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// seen counts the rows that a principal sees in a transaction of their own.
func seen(t *testing.T, conn *pgx.Conn, p *identity.Principal, table, where string) (n int) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	must(t, err)
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing was written
	must(t, identity.Scope(t.Context(), tx, p))
	must(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` `+where).Scan(&n))
	return n
}

// Every role, in its own organization, another, and everywhere, sees the rows
// of its own in every table, whatever the query asks.
func TestRows(t *testing.T) {
	t.Parallel()
	conn := connect(t, ledgerAndProjections(t))
	all := []string{"hg-cho", "hg-khac", "hg-cho-2"}
	fill(t, conn, all...)
	person := func(grants ...identity.Grant) *identity.Principal {
		return &identity.Principal{ID: "u-x", Kind: identity.Person, Grants: grants}
	}
	type case_ struct {
		name string
		p    *identity.Principal
		sees []string
	}
	cases := []case_{
		{"nobody", nil, nil}, {"no grant", person(), nil}, {"commands", identity.CLI(), all},
		{"two organizations", person(identity.Grant{Role: identity.Auditor, Organization: "hg-cho"}, identity.Grant{Role: identity.Clerk, Organization: "hg-khac"}), all[:2]},
		{"a token", &identity.Principal{Kind: identity.Token, Grants: []identity.Grant{{Right: identity.SeeBills, Organization: "hg-cho"}}}, all[:1]},
		{"a name made up to reach further", person(identity.Grant{Role: identity.Auditor, Organization: "hg-cho,hg-khac"}), nil},
	}
	for _, role := range identity.Roles() {
		cases = append(cases,
			case_{string(role) + " here", person(identity.Grant{Role: role, Organization: "hg-cho"}), all[:1]},
			case_{string(role) + " elsewhere", person(identity.Grant{Role: role, Organization: "hg-nowhere"}), nil},
			case_{string(role) + " everywhere", person(identity.Grant{Role: role, Organization: identity.Everywhere}), all})
	}
	for _, c := range cases {
		for table, each := range perOrganization {
			if got := seen(t, conn, c.p, table, ""); got != each*len(c.sees) {
				t.Errorf("%s sees %d rows of %s, not %d", c.name, got, table, each*len(c.sees))
			}
			if strings.Contains("ledger.balances ledger.transfers", table) {
				continue
			}
			for _, o := range all {
				want := 0
				for _, s := range c.sees {
					if s == o {
						want = each
					}
				}
				if got := seen(t, conn, c.p, table, "WHERE organization = '"+o+"' OR true AND organization = '"+o+"'"); got != want {
					t.Errorf("%s sees %d rows of %s in %s, not %d", c.name, got, o, table, want)
				}
			}
		}
	}
}

// The reader writes nothing and reads no other schema; the service reads and
// copies as ever.
func TestRoles(t *testing.T) {
	t.Parallel()
	url := ledgerAndProjections(t)
	must(t, postgres.Migrate(t.Context(), url, "app", postgres.AppMigrations()))
	conn := connect(t, url)
	fill(t, conn, "hg-cho")
	_, err := conn.Exec(t.Context(), `SET ROLE socho_reader; SELECT set_config('socho.organizations', '*', false)`)
	must(t, err)
	for _, sql := range []string{
		`DELETE FROM projections.stalls`, `UPDATE projections.stalls SET person = 'x'`, `INSERT INTO projections.holdings VALUES ('o', 'k', 'h', 'VND', 1)`,
		`UPDATE ledger.positions SET epoch = 0`, `SELECT FROM ledger.rule_state`, `SELECT FROM app.people`, `SELECT FROM app.trail`, `SELECT projections.show_rows('projections.stalls')`,
	} {
		var pg *pgconn.PgError
		if _, err := conn.Exec(t.Context(), sql); !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("the reader may: %s: %v", sql, err)
		}
	}
	_, err = conn.Exec(t.Context(), `SET ROLE socho_service; SET socho.organizations = ''`)
	must(t, err)
	for table, want := range perOrganization {
		var n int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != want {
			t.Errorf("the service sees %d of %s, %v", n, table, err)
		}
	}
	for table, columns := range map[string]string{"projections.holdings": "organization, kind, holder, currency, amount", "ledger.accounts": "shard, account, organization, path, kind, currency, bound"} {
		_, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(""), fmt.Sprintf("COPY %s (%s) FROM STDIN", table, columns))
		must(t, err)
	}
}

// Whatever table comes later: where the reader may read it and it names an
// organization, its rows are kept.
func TestNoTableIsForgotten(t *testing.T) {
	t.Parallel()
	url := ledgerAndProjections(t)
	conn := connect(t, url)
	open := func() []string {
		rows, err := conn.Query(t.Context(), `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
			WHERE nspname IN ('ledger', 'projections') AND relkind IN ('r', 'p') AND NOT relrowsecurity AND has_table_privilege('socho_reader', c.oid, 'SELECT')
			AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('organization', 'account') AND NOT attisdropped)`)
		must(t, err)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		return names
	}
	if names := open(); len(names) > 0 {
		t.Errorf("open to everybody: %v", names)
	}
	// A rebuild puts new tables in place; a replay a new ledger.
	db, err := readmodel.OpenMaintenance(t.Context(), url)
	must(t, err)
	defer db.Close()
	for _, projection := range []string{"board", "trace"} {
		_, err := db.Begin(t.Context(), projection)
		must(t, err)
		switched, err := db.Switch(t.Context(), projection)
		if err != nil || !switched {
			t.Fatalf("%v, %v", switched, err)
		}
	}
	must(t, postgres.Migrate(t.Context(), url, "beside", postgres.LedgerMigrations()))
	_, err = conn.Exec(t.Context(), `DROP SCHEMA ledger CASCADE; ALTER SCHEMA beside RENAME TO ledger`)
	must(t, err)
	fill(t, conn, "hg-cho", "hg-khac")
	if names := open(); len(names) > 0 {
		t.Errorf("open to everybody after a rebuild: %v", names)
	}
	p := &identity.Principal{Grants: []identity.Grant{{Role: identity.Auditor, Organization: "hg-cho"}}}
	for table, each := range perOrganization {
		if got := seen(t, conn, p, table, ""); got != each {
			t.Errorf("%d rows of %s after a rebuild, not %d", got, table, each)
		}
	}
}

// A pool of the reader shows each request its own, on the same connection.
func TestPages(t *testing.T) {
	t.Parallel()
	url := ledgerAndProjections(t)
	conn := connect(t, url)
	fill(t, conn, "hg-cho", "hg-khac")
	db, err := readmodel.OpenReader(t.Context(), url+"&pool_max_conns=1", identity.ScopeConn)
	must(t, err)
	defer db.Close()
	for _, c := range []struct {
		p    *identity.Principal
		want int
	}{
		{&identity.Principal{Grants: []identity.Grant{{Role: identity.Auditor, Organization: "hg-cho"}}}, 1},
		{nil, 0},
		{identity.CLI(), 1},
		{&identity.Principal{Grants: []identity.Grant{{Role: identity.Auditor, Organization: "hg-khac"}}}, 0},
	} {
		stalls, _, err := db.Stalls(identity.With(t.Context(), c.p), "hg-cho", "2026-09", readmodel.Page{})
		if err != nil || len(stalls) != c.want {
			t.Errorf("%+v sees %d stalls, %v", c.p, len(stalls), err)
		}
	}
}

package postgres_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
	"socho/ledger"
)

// TestPresumedClaims: a claim that was presumed to be new, and is not, comes to
// the same as one that was looked up, whatever stands beside it in its batch.
func TestPresumedClaims(t *testing.T) {
	on := events.Dated{EffectiveOn: "2026-09-01"}
	line := func(offset int64, id, name, amount string) events.Record {
		return record(t, offset, market, "bank.line_received", id, &events.LineReceived{Dated: on, Sum: events.Sum{Amount: events.Decimal(amount), Currency: "VND"},
			Line: events.ID(name), Account: "main", Direction: "in", Kind: "payment"})
	}
	reversal := func(offset int64, id, of string) events.Record {
		return record(t, offset, market, "ledger.reversed", id, &events.Reversed{Dated: on, Reverses: events.EventID(of), ReversesSource: "urn:test", Reason: "typo"})
	}
	misrouted := line(13, "e3", "l9", "7000")
	misrouted.Key = []byte("elsewhere")
	records := append(opening(t),
		line(9, "n1", "l2", "1000"), line(10, "e1", "l3", "2000"), // e1 is a bill's
		line(11, "n1", "l2", "1000"), line(12, "n2", "l4", "1000"),
		misrouted, reversal(14, "r1", "e3"), // whose claim another record of the batch names, without taking it
		line(15, "n3", "l5", "1000"), reversal(16, "r2", "n3"), reversal(17, "r3", "never"), line(18, "n1", "l2", "9000"))
	for i := range 40 { // past the batches in which claims are looked up beforehand
		records = append(records, line(int64(len(records)), fmt.Sprint("x", i), fmt.Sprint("lx", i), "1000"))
	}
	records = append(records, line(int64(len(records)), "x0", "lx0", "1000"), reversal(int64(len(records)+1), "r9", "x1"))
	book := ledger.NewBook(shards)
	want, err := ledger.Decide(t.Context(), book.Head(0), records, book)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 5, 9, 20, len(records)} {
		db, _ := open(t)
		head, epoch, err := db.Acquire(t.Context(), 0, shards)
		if err != nil {
			t.Fatal(err)
		}
		var got []ledger.Outcome
		for from := 0; from < len(records); from += size {
			batch, err := write(t, db, head, epoch, records[from:min(from+size, len(records))])
			if err != nil {
				t.Fatalf("batches of %d: %v", size, err)
			}
			head = batch.Head
			got = append(got, batch.Outcomes...)
		}
		if !slices.Equal(got, want.Outcomes) {
			for i := range got {
				if got[i] != want.Outcomes[i] {
					t.Errorf("batches of %d, offset %d: %s %s %s, want %s %s %s", size, i, got[i].Status, got[i].Code, got[i].Detail,
						want.Outcomes[i].Status, want.Outcomes[i].Code, want.Outcomes[i].Detail)
				}
			}
		}
		if audit, err := db.Verify(t.Context(), nil); err != nil || !audit.OK {
			t.Errorf("batches of %d: %v, %v", size, audit, err)
		}
	}
}

// TestMemoryIsOfItsPosition: a writer that goes on from another position than
// the one it left, with its epoch still in force, sees the tables and not what
// it remembers.
func TestMemoryIsOfItsPosition(t *testing.T) {
	db, url := open(t)
	records := opening(t)
	head, epoch, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, epoch, records[:3]); err != nil {
		t.Fatal(err)
	}
	// Offset 3 is written from another pool under the same epoch, as nobody does.
	second, err := postgres.Open(t.Context(), url, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	other, err := db.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch, err := write(t, second, other[0], epoch, records[3:4])
	if err != nil {
		t.Fatal(err)
	}
	// A stale head is refused, and leaves the way free for the right one.
	if _, err := write(t, db, other[0], epoch, records[3:4]); err == nil {
		t.Fatal("a position was written twice")
	}
	if batch, err = write(t, db, batch.Head, epoch, records[4:]); err != nil {
		t.Fatal(err)
	}
	book := ledger.NewBook(shards)
	want, err := ledger.Decide(t.Context(), book.Head(0), records, book)
	if err != nil {
		t.Fatal(err)
	}
	if batch.Head.Frontier.Root() != want.Head.Frontier.Root() {
		t.Error("another root")
	}
}

// TestChainsOfOldTransfers: the migration chains what was posted before it, as
// posting would have.
func TestChainsOfOldTransfers(t *testing.T) {
	url := testdb.Database(t, "empty", nil)
	first, err := fs.ReadFile(postgres.LedgerMigrations(), "00001_ledger.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), url, "ledger", fstest.MapFS{"00001_ledger.sql": {Data: first}}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET search_path = ledger;
		INSERT INTO accounts SELECT 0, n, 'm', 'bank:b' || n, 'asset', 'VND', '' FROM generate_series(0, 3) n;
		INSERT INTO balances SELECT 0, n, '', 0, 0 FROM generate_series(0, 3) n;
		INSERT INTO transfers SELECT 0, o, l, d, c, 5, 'x', '2026-09-01' FROM (VALUES (2, 0, 0, 1), (2, 1, 1, 2), (4, 0, 0, 2), (9, 0, 2, 0)) AS x(o, l, d, c)`); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT format('%s:%s %s %s', log_offset, line, debit_before, credit_before) FROM transfers
		UNION ALL SELECT format('%s last %s', account, last_transfer) FROM balances ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := []string{"0 last 9216", "1 last 2049", "2 last 9216", "2:0 0 0", "2:1 2048 0", "3 last 0", "4:0 2048 2049", "9:0 4096 4096"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q, %v", got, want, err)
	}
}

// TestChainIsHeld: an account is listed along its chain, and a chain that was
// altered is named.
func TestChainIsHeld(t *testing.T) {
	db, url := open(t)
	head, epoch, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, epoch, opening(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := db.Postings(t.Context(), market+":stall:A12:receivable:b1", postgres.AsOf{}, func(p postgres.Posting) error {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Offset, p.Line, p.Amount))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"2:0 26000", "2:1 15000", "3:0 41000", "7:1 41000"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	owner, err := postgres.OpenMaintenance(t.Context(), url, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	for sql, names := range map[string]string{
		`UPDATE transfers SET debit_before = debit_before + 1 WHERE log_offset = 3`:  "transfers: 0:3:",
		`UPDATE balances SET last_transfer = last_transfer - 1024 WHERE account = 0`: "balances: " + market,
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		audit, err := db.Verify(t.Context(), nil)
		if err != nil || audit.OK || !strings.Contains(strings.Join(audit.Problems, "\n"), names) {
			t.Errorf("%s: %+v, %v", sql, audit, err)
		}
	}
}

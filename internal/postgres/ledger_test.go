package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
	"socho/ledger"
)

const market = "hg-cho-dong-van"

// shards is 1, so that every organization lives in shard 0.
const shards = 1

func migrate(ctx context.Context, url string) error {
	return postgres.Migrate(ctx, url, "ledger", postgres.LedgerMigrations())
}

func record(t *testing.T, offset int64, subject, name, id string, fact events.Fact) events.Record {
	t.Helper()
	value, err := events.New(events.Envelope{ID: events.EventID(id), Source: "urn:test", Type: events.Type(name), Subject: subject, Time: "2026-09-01T00:00:00Z"}, fact)
	if err != nil {
		t.Fatal(err)
	}
	return events.Record{Shard: 0, Offset: offset, Key: []byte(subject), Value: value,
		Headers: []events.Header{{Name: events.HeaderRecordedAt, Value: []byte("2026-09-01T00:00:00.000001Z")}}}
}

func count(n events.Count) *events.Count { return &n }

func opening(t *testing.T) []events.Record {
	on := events.Dated{EffectiveOn: "2026-09-01"}
	fee := &events.FeeAssessed{Dated: on, Bill: "b1", Stall: "A12", Period: "2026-09", DueOn: "2026-09-15", Currency: "VND",
		Items: []events.Item{{Item: "management", Amount: "26000"}, {Item: "security", Amount: "15000"}}}
	fee.Person = "p1"
	paid := &events.PaymentReceived{Payment: events.Payment{Dated: on, Sum: events.Sum{Amount: "50000", Currency: "VND"}, Bill: "b1", Method: "qr", Line: "l1"}}
	line := &events.LineReceived{Dated: on, Sum: events.Sum{Amount: "50000", Currency: "VND"}, Line: "l1", Account: "main", Direction: "in", Kind: "payment"}
	return []events.Record{
		record(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: count(1), Shard: count(0), Shards: count(shards)}),
		record(t, 1, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: count(1)}),
		record(t, 2, market, "market.fee_assessed", "e1", fee),
		record(t, 3, market, "market.payment_received", "e2", paid),
		record(t, 4, market, "bank.line_received", "e3", line),
		record(t, 5, market, "bank.line_received", "e3", line),
		{Shard: 0, Offset: 6, Key: []byte(market), Value: []byte("{")},
		record(t, 7, market, "ledger.reversed", "e4", &events.Reversed{Dated: on, Reverses: "e2", ReversesSource: "urn:test", Reason: "typo"}),
		record(t, 8, market, "market.fee_waived", "e5", &events.FeeWaived{Reduction: events.Reduction{Dated: on, Sum: events.Sum{Amount: "50000", Currency: "VND"}, Bill: "b1", Reason: "absent"}}),
	}
}

func open(t *testing.T) (*postgres.DB, string) {
	t.Helper()
	url := testdb.Database(t, "ledger", migrate)
	db, err := postgres.Open(t.Context(), url, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, url
}

func write(t *testing.T, db *postgres.DB, head ledger.Head, epoch int64, records []events.Record) (*ledger.Batch, error) {
	return db.Write(t.Context(), head.Shard, epoch, func(s ledger.Store) (*ledger.Batch, error) {
		return ledger.Decide(t.Context(), head, records, s)
	})
}

// TestOneByOneOrAtOnce: however the records are cut into batches, the outcomes,
// sums and root are the same, and equal to those of the ledger in memory.
func TestOneByOneOrAtOnce(t *testing.T) {
	records := opening(t)
	book := ledger.NewBook(shards)
	inMemory, err := ledger.Decide(t.Context(), book.Head(0), records, book)
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Status{ledger.Recorded, ledger.Recorded, ledger.Posted, ledger.Posted, ledger.Posted, ledger.Duplicate, ledger.Malformed, ledger.Posted, ledger.Refused}
	for i, o := range inMemory.Outcomes {
		if o.Status != want[i] {
			t.Errorf("offset %d: %s %s %s, want %s", o.Offset, o.Status, o.Code, o.Detail, want[i])
		}
	}
	for _, size := range []int{1, 2, len(records)} {
		db, _ := open(t)
		head, epoch, err := db.Acquire(t.Context(), 0, shards)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(records); from += size {
			batch, err := write(t, db, head, epoch, records[from:min(from+size, len(records))])
			if err != nil {
				t.Fatalf("batches of %d: %v", size, err)
			}
			head = batch.Head
		}
		if head.Frontier.Root() != inMemory.Head.Frontier.Root() {
			t.Errorf("batches of %d: another root", size)
		}
		reread, _, err := db.Acquire(t.Context(), 0, shards)
		if err != nil || reread.NextOffset != head.NextOffset || reread.Frontier.Root() != head.Frontier.Root() || reread.LastLeaf != head.LastLeaf || reread.Genesis != head.Genesis {
			t.Errorf("batches of %d: read back %+v, %v", size, reread, err)
		}
	}
}

func TestFencing(t *testing.T) {
	db, _ := open(t)
	records := opening(t)
	head, epoch, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	_, later, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, epoch, records); !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("a zombie wrote: %v", err)
	}
	if _, err := write(t, db, head, later, records); err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, later, records); err == nil {
		t.Error("the same batch was written twice")
	}
}

// TestConstraintsHoldEvenIfGoIsWrong goes round the program.
func TestConstraintsHoldEvenIfGoIsWrong(t *testing.T) {
	db, _ := open(t)
	head, epoch, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, epoch, opening(t)); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"unbalanced sums":            `UPDATE balances SET debits = debits + 1 WHERE account = 0`,
		"limit":                      `UPDATE balances SET credits = debits + 1 WHERE bound = 'credits_at_most_debits'`,
		"transfer rewritten":         `UPDATE transfers SET amount = amount + 1`,
		"transfer deleted":           `DELETE FROM transfers`,
		"outcome rewritten":          `UPDATE outcomes SET status = 2`,
		"state deleted":              `DELETE FROM rule_state`,
		"account opened elsewhere":   `INSERT INTO transfers VALUES (0, 99, 0, 0, 4711, 5, 'x', '2026-09-01')`,
		"nothing moved":              `INSERT INTO transfers VALUES (0, 99, 0, 0, 1, 0, 'x', '2026-09-01')`,
		"an account against itself":  `INSERT INTO transfers VALUES (0, 99, 0, 0, 0, 5, 'x', '2026-09-01')`,
		"the same claim twice":       `INSERT INTO outcomes SELECT shard, log_offset + 100, recorded_at, organization, source, event_id, type, effective_on, status, code, detail, rule_set, value_hash, record_hash, leaf_hash, claims FROM outcomes WHERE claims`,
		"two accounts under a name":  `INSERT INTO accounts SELECT shard, account + 100, organization, path, kind, currency, bound FROM accounts`,
		"a table made by the server": `CREATE TABLE mine (x int)`,
	} {
		if _, err := db.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDriftIsNoticed(t *testing.T) {
	_, url := open(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE ledger.migration_digests SET digest = '\x00'`); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), url); !errors.Is(err, postgres.ErrDrift) {
		t.Errorf("got %v, want %v", err, postgres.ErrDrift)
	}
}

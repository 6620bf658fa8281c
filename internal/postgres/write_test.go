package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"socho/events"
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

package bank

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestIDsAreFixed: ids are in the log for ever; these never change.
func TestIDsAreFixed(t *testing.T) {
	by := func(change func(*Entry)) Entry {
		e := Entry{Account: "0011000000001", BookedOn: "2026-09-05", Direction: Credit, Amount: mustAmount("61000"), Currency: "VND", Remittance: "CH2609DF4EP phí chợ"}
		change(&e)
		return e
	}
	for _, c := range []struct {
		id    string
		n     int
		entry Entry
	}{
		{"be1-e5d183ecfc9d371d3492c973784e5343baa2042f", 1, by(func(*Entry) {})},
		{"be1-fdd8c64ee7400d546c1a79f1e5f08103e24108d4", 2, by(func(*Entry) {})},
		{"be1-1d3eebf80f00aa7544c9b0f4161da963103777cb", 1, by(func(e *Entry) { e.Reference = "FT26133903624485" })},
	} {
		if got := KeyOf(&c.entry).ID(c.n); got != c.id {
			t.Errorf("got %s, want %s", got, c.id)
		}
	}
}

// TestKeyOf: what changes the payment and what does not.
func TestKeyOf(t *testing.T) {
	base := Entry{Account: "0011000000001", BookedOn: "2026-09-05", Direction: Credit, Amount: mustAmount("61000"), Currency: "VND", Remittance: "CH2609DF4EP phí chợ"}
	for _, c := range []struct {
		name   string
		same   bool
		change func(*Entry)
	}{
		{"line and file", true, func(e *Entry) { e.Line, e.Statement = 7, 2 }},
		{"wrapping, case, lost diacritics", true, func(e *Entry) { e.Remittance = "CH26\n09DF4EP PHI CHO" }},
		{"decimals printed", true, func(e *Entry) { e.Amount = mustAmount("61000.00") }},
		{"blanks in the account", true, func(e *Entry) { e.Account = "0011 0000 00001" }},
		{"counterparty", true, func(e *Entry) { e.CounterpartyName = "NGUYEN VAN MAU" }},
		{"a document number, that starts again", true, func(e *Entry) { e.Reference = "5017 - 48" }},
		{"what stands for no reference", true, func(e *Entry) { e.Reference = "NONREF" }},
		{"zeros for a reference", true, func(e *Entry) { e.Reference = "00000000000000" }},
		{"account", false, func(e *Entry) { e.Account = "0011000000002" }},
		{"day", false, func(e *Entry) { e.BookedOn = "2026-09-06" }},
		{"direction", false, func(e *Entry) { e.Direction = Debit }},
		{"amount", false, func(e *Entry) { e.Amount = mustAmount("61001") }},
		{"currency", false, func(e *Entry) { e.Currency = "USD" }},
		{"content", false, func(e *Entry) { e.Remittance = "CH2609DF4EP" }},
		{"a reference", false, func(e *Entry) { e.Reference = "FT26133903624485" }},
	} {
		changed := base
		c.change(&changed)
		if (KeyOf(&base) == KeyOf(&changed)) != c.same {
			t.Errorf("%s: same payment must be %v", c.name, c.same)
		}
	}
	// With a reference, neither day nor words matter: a webhook and a statement agree.
	one, other := base, base
	one.Reference, other.Reference = "FT26133903624485", "ft-2613.3903624485"
	other.BookedOn, other.Remittance = "2026-09-06", "MBVCB.1.CH2609DF4EP"
	if KeyOf(&one) != KeyOf(&other) {
		t.Error("the same reference, another payment")
	}
	other.Amount = mustAmount("1")
	if KeyOf(&one) == KeyOf(&other) {
		t.Error("one reference over two amounts must stay two payments")
	}
}

// TestMergeIsMaximum: merged sources hold each payment as often as the source that
// shows it most often, in whatever order they come and however often.
func TestMergeIsMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entry := rapid.Custom(func(t *rapid.T) Entry {
			return Entry{Account: "1", BookedOn: "2026-09-05", Direction: Credit, Currency: "VND", Amount: mustAmount(fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "amount")))}
		})
		sources := rapid.SliceOfN(rapid.SliceOfN(entry, 0, 6), 0, 4).Draw(t, "sources")
		want := map[Key]int{}
		for _, source := range sources {
			shown := map[Key]int{}
			for i := range source {
				k := KeyOf(&source[i])
				shown[k]++
				want[k] = max(want[k], shown[k])
			}
		}
		merged, ids := Merge(slices.Concat(sources, sources)...)
		got := map[Key]int{}
		for i := range merged {
			got[KeyOf(&merged[i])]++
		}
		slices.Sort(ids)
		if fmt.Sprint(got) != fmt.Sprint(want) || len(slices.Compact(ids)) != len(merged) {
			t.Fatalf("got %v, want %v", got, want)
		}
		slices.Reverse(sources)
		_, again := Merge(sources...)
		slices.Sort(again)
		if !slices.Equal(slices.Compact(ids), again) {
			t.Fatal("the order of the sources changed the ids")
		}
	})
}

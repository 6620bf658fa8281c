package reconcile_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"socho/bank"
	"socho/internal/reconcile"
	"socho/internal/refcode"
	"socho/internal/service"
)

func deskOf(t *testing.T, s *service.Service) (*reconcile.Desk, *reconcile.Importer, *reconcile.Texts) {
	t.Helper()
	desk := reconcile.NewDesk(s.DB.Pool)
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test"), Readings: desk.Readings}
	return desk, im, &reconcile.Texts{Log: s.Log, Keys: s.Vault}
}

func take(t *testing.T, s *service.Service, im *reconcile.Importer, file string) reconcile.Report {
	t.Helper()
	r, err := im.File(t.Context(), strings.NewReader(file), bank.Options{Name: "sao-ke.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
	return *r
}

// TestDesk: every line of a payment lies on one tab, with why it waits there and
// what it may be meant for; and matching again places what bills issued since
// explain, once.
func TestDesk(t *testing.T) {
	s := open(t)
	desk, im, texts := deskOf(t, s)
	b1, b2, b3, later := code(t, "YK2Y"), code(t, "0002"), code(t, "0005"), code(t, "ZZZ2")
	issue(t, s, map[string]string{"b1": b1, "b2": b2, "b3": b3})
	take(t, s, im, statement(0,
		"05/09/2026|500000||FT26248000000001|"+b1,
		"06/09/2026|500000||FT26249000000002|"+b1+" nop lan nua",
		"07/09/2026|1000000||FT26250000000003|"+b2+" va "+b3,
		"08/09/2026|500000||FT26251000000004|"+later,
		"09/09/2026|77000||FT26252000000005|hoc phi thang 9",
		"10/09/2026|500000||FT26253000000006|"+b2[:7]+"X"+b2[8:],
		"11/09/2026||11000|FT26254000000007|Phi SMS Banking thang 08/2026",
		"12/09/2026||200000|FT26255000000008|tra lai tien thua",
		"13/09/2026|500000||FT26256000000009|lop 1A hoc phi",
	))
	look := func() (got []string) {
		t.Helper()
		for _, tab := range reconcile.Tabs {
			for after, n := "", 0; n == 0 || after != ""; n++ {
				rows, next, err := desk.Lines(t.Context(), school, tab, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					text := fmt.Sprintf("%s %s %d/%d %s", row.On[8:], tab, row.Placed, row.Amount, row.Why)
					for _, s := range row.Suggestions[:min(len(row.Suggestions), 1)] {
						text += fmt.Sprintf(" → %s %s", s.Key(), s.Strength)
					}
					got = append(got, strings.TrimSpace(text))
				}
				after = next
			}
		}
		slices.Sort(got)
		return got
	}
	compare := func(what string, want ...string) {
		t.Helper()
		if got := look(); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	compare("after the statement",
		"05 matched 500000/500000",
		"06 duplicates 0/500000 closed → b1 fair", // as credit of whoever paid it twice
		"07 needs 0/1000000 codes → b2 b3 strong",
		"08 needs 0/500000 unknown → b2 weak",
		"09 unknown 0/77000 nothing",
		"10 needs 0/500000 slip → b2 fair",
		"12 returned 0/200000 out",
		"13 needs 0/500000 amount → b2 weak",
	)
	totals, err := desk.Totals(t.Context(), school)
	if err != nil {
		t.Fatal(err)
	}
	var lines, in, left int64
	for _, total := range totals {
		if lines += total.Lines; total.Tab != reconcile.Returned {
			in, left = in+total.Amount, left+total.Left
		}
	}
	books, err := desk.Books(t.Context(), school)
	if err != nil || len(books) != 1 {
		t.Fatal(books, err)
	}
	if b := books[0]; lines != 8 || b.In != in || b.Waiting != left || b.In != b.Placed+b.Waiting || b.Before() != 0 || b.Bank != b.In-b.Out-b.Charges || b.Charges != 11000 {
		t.Errorf("%d lines, %d in, %d left: %+v", lines, in, left, b)
	}

	// The bill that a line was meant for is issued: the line is placed, once.
	issue(t, s, map[string]string{"b4": later})
	for i, want := range []reconcile.Rematched{{Matched: 1, Cases: 5}, {Matched: 0, Cases: 5}} {
		if err := s.WaitForProjections(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := im.Rematch(t.Context(), texts, nil); err != nil || *got != want {
			t.Errorf("matching again, time %d: %+v, %v, want %+v", i, got, err, want)
		}
	}
	if got := balance(t, s, "pupil:p-b4:receivable:b4"); got != "0" {
		t.Errorf("b4 owes %s", got)
	}
	audit, err := s.Verify(t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Errorf("%v %+v", err, audit)
	}
}

// neverAlone are shapes that no program may place: each holds none, several, or a
// damaged code. %[1]s and %[2]s are codes of open bills, %[3]s is unknown.
var neverAlone = []string{
	"%[1]s %[2]s", "%[1]s,%[2]s hai chi em", "%[1]s va %[3]s", "nop %[3]s", "hoc phi thang 9", "", "NGUYEN VAN MAU chuyen tien", "500000",
}

// TestNeverAutomatic: nothing of these shapes, nor of a code with any one slip, nor
// of the transfer contents that are marked so, is placed by import or by matching
// again, though the amount is what is owed.
func TestNeverAutomatic(t *testing.T) {
	s := open(t)
	_, im, texts := deskOf(t, s)
	bills := map[string]string{"b1": code(t, "YK2Y"), "b2": code(t, "0002")}
	known := map[string]bool{bills["b1"]: true, bills["b2"]: true}
	var contents []string
	for _, shape := range neverAlone {
		contents = append(contents, strings.NewReplacer("%[1]s", bills["b1"], "%[2]s", bills["b2"], "%[3]s", code(t, "ZZZ2")).Replace(shape))
	}
	draw := rand.New(rand.NewPCG(1, 2))
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for range 300 {
		slip := []byte(bills["b1"])
		at := draw.IntN(len(slip))
		switch draw.IntN(3) {
		case 0:
			slip[at] = letters[draw.IntN(len(letters))]
		case 1:
			slip = slices.Delete(slip, at, at+1)
		case 2:
			slip = slices.Insert(slip, at, letters[draw.IntN(len(letters))])
		}
		contents = append(contents, "MBVCB.1."+string(slip)+".CT tu 001")
	}
	if f, err := os.Open("../../shared/data/transfers/contents.jsonl"); err == nil {
		defer f.Close()
		rows, err := os.ReadFile("../../shared/data/transfers/known_codes.csv")
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range strings.Split(string(rows), "\n")[1:] {
			if c, err := refcode.Parse(strings.Split(row, ",")[0]); err == nil {
				bills[fmt.Sprint("k", i)], known[string(c)] = string(c), true
			}
		}
		for scanner := bufio.NewScanner(f); scanner.Scan(); {
			var line struct {
				Raw   string `json:"raw"`
				Never bool   `json:"must_not_auto_match"`
			}
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if line.Never {
				contents = append(contents, line.Raw)
			}
		}
	}
	// A slip that leaves the code whole, as a doubled letter does, is no slip.
	contents = slices.DeleteFunc(contents, func(text string) bool {
		found := refcode.Find(text)
		return len(found) == 1 && known[string(found[0])] && strings.Contains(bank.Fold(text), bills["b1"])
	})
	issue(t, s, bills)
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := make([]string, len(contents))
	for i, text := range contents {
		rows[i] = fmt.Sprintf("05/09/2026|500000||FT%014d|%s", i, strings.ReplaceAll(text, `"`, `""`))
	}
	if r := take(t, s, im, statement(0, rows...)); r.Matched != 0 || r.New != int64(len(rows)) {
		t.Errorf("of %d lines that a person has to look at, %d were placed; %d new", len(rows), r.Matched, r.New)
	}
	if r, err := im.Rematch(t.Context(), texts, nil); err != nil || r.Matched != 0 || r.Cases != int64(len(rows)) {
		t.Errorf("matching again: %+v, %v", r, err)
	}
}

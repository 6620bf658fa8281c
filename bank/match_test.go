package bank

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"socho/internal/refcode"
)

// sharedLines reads the transfer contents and the open codes.
func sharedLines(t *testing.T) (lines []sharedLine, open []Bill) {
	t.Helper()
	f, err := os.Open(shared(t, "transfers/contents.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		var line sharedLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	known, err := os.Open(shared(t, "transfers/known_codes.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer known.Close()
	rows, err := csv.NewReader(known).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		open = append(open, Bill{Code: refcode.Code(row[0]), Amount: mustAmount(row[1]), Currency: "VND"})
	}
	return lines, open
}

type sharedLine struct {
	ID       string         `json:"id"`
	Raw      string         `json:"raw"`
	Expected []refcode.Code `json:"expected_codes"`
	Never    bool           `json:"must_not_auto_match"`
	Note     string         `json:"note"`
}

// TestMatchContents: every line that must go to a person does, and no other; and
// for a near miss, the code that was meant is the first suggestion.
func TestMatchContents(t *testing.T) {
	lines, open := sharedLines(t)
	known := map[refcode.Code]bool{}
	for _, b := range open {
		known[b.Code] = true
	}
	autos, near := 0, 0
	for _, line := range lines {
		codes, auto := Match(line.Raw, func(c refcode.Code) bool { return known[c] })
		if auto == line.Never || !slices.Equal(codes, line.Expected) {
			t.Errorf("%s: %v, auto %v; %s", line.ID, codes, auto, line.Note)
		}
		if auto {
			autos++
		}
		if _, meant, ok := strings.Cut(line.Note, "near "); ok {
			near++
			got := Suggest(&Entry{Remittance: line.Raw}, open)
			if len(got) == 0 || string(got[0].Code) != meant {
				t.Errorf("%s: %v; %s", line.ID, got, line.Note)
			}
		}
	}
	if autos == 0 || near == 0 {
		t.Error("nothing to judge by")
	}
}

func TestSuggest(t *testing.T) {
	bills := []Bill{
		{Code: "HP2526YK2Y6", Amount: mustAmount("815000"), Currency: "VND", Name: "Trần Thị Mẫu", Senders: []string{"0000 0000 00002"}, DueOn: "2026-09-10"},
		{Code: "CH2609DF4EP", Amount: mustAmount("120000"), Currency: "VND", DueOn: "2026-09-30"},
		{Code: "VE2609RGZ5M", Amount: mustAmount("120000"), Currency: "VND", DueOn: "2027-09-30"},
		{Code: "BT2610YZXTX", Amount: mustAmount("50000"), Currency: "VND", Name: "Mẫu"},
	}
	for _, c := range []struct {
		name, text string
		change     func(*Entry)
		want       string
	}{
		{"two codes that together owe what came", "HP2526YK2Y6 CH2609DF4EP hai chi em", func(e *Entry) { e.Amount = mustAmount("935000") },
			"[{CH2609DF4EP 80 [code_among amount_of_many due]} {HP2526YK2Y6 80 [code_among amount_of_many due]}]"},
		{"one code", "HP2526YK2Y6", nil, "[{HP2526YK2Y6 105 [code due]}]"},
		{"one wrong, and the name", "HP2526YX2Y6 tran thi mau", nil, "[{HP2526YK2Y6 70 [code_wrong name due]}]"},
		{"two swapped", "HP2526KY2Y6", nil, "[{HP2526YK2Y6 50 [code_swapped due]}]"},
		{"one missing", "HP252YK2Y6", nil, "[{HP2526YK2Y6 45 [code_missing due]}]"},
		{"one too many", "HP25266YK2Y6", nil, "[{HP2526YK2Y6 45 [code_extra due]}]"},
		{"cut", "HP2526YK2", nil, "[{HP2526YK2Y6 35 [code_cut due]}]"},
		{"kind and period alone say nothing", "HP2526", nil, "[]"},
		{"an amount alone suggests, both alike", "tien cho", func(e *Entry) { e.Amount = mustAmount("120000") }, "[{CH2609DF4EP 25 [amount due]} {VE2609RGZ5M 20 [amount]}]"},
		{"an earlier sender", "nop tien", func(e *Entry) { e.CounterpartyAccount = "0000000000002" }, "[{HP2526YK2Y6 35 [sender due]}]"},
		{"a name of one word is none", "mau", nil, "[]"},
	} {
		e := &Entry{Remittance: c.text, Amount: mustAmount("1"), Currency: "VND", BookedOn: "2026-09-05"}
		if c.change != nil {
			c.change(e)
		}
		if got := fmt.Sprint(Suggest(e, bills)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// FuzzSuggest: a line with one slip in one code never matches, and its bill is
// among the suggestions.
func FuzzSuggest(f *testing.F) {
	f.Add("MBVCB.1.", byte(3), byte('O'), ".CT tu")
	f.Add("nop phi ", byte(10), byte('3'), "")
	f.Fuzz(func(t *testing.T, before string, at, to byte, after string) {
		const code = "HP2526YK2Y6"
		slip := []byte(code)
		slip[int(at)%len(slip)] = to
		if string(slip) == code || len(before)+len(after) > 500 {
			return
		}
		text := before + string(slip) + after
		bills := []Bill{{Code: code}}
		_, auto := Match(text, func(c refcode.Code) bool { return c == code })
		if auto && !strings.Contains(Fold(text), code) {
			t.Errorf("%q matched", text)
		}
		Suggest(&Entry{Remittance: text}, bills)
	})
}

package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/bank"
	"socho/internal/reconcile"
)

var someBills = []reconcile.Bill{
	{Bill: "b1", Holder: "pupil:p1", Person: "p1", Class: "1A", DueOn: "2026-09-30", Reference: "HP2526YK2Y6", Owed: 815000},
	{Bill: "b2", Holder: "stall:A12", Person: "t2", Stall: "A12", DueOn: "2026-09-10", Reference: "CH2609DF4EP", Owed: 120000},
	{Bill: "b3", Holder: "stall:A13", Person: "t3", Stall: "A13", DueOn: "2027-09-10", Reference: "VE2609RGZ5M", Owed: 120000},
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		left        int64
		paid, named string
		want        []string
	}{
		{"one code, all of it", "HP2526YK2Y6 lop 1A", 815000, "", "", []string{"b1:815000 strong [code amount place due]"}},
		{"one code, too much", "HP2526YK2Y6", 900000, "", "", []string{"b1:900000 +85000 fair [code due]"}},
		{"two codes that owe together what came", "HP2526YK2Y6 CH2609DF4EP", 935000, "", "", []string{
			"b1:815000 b2:120000 strong [code_among amount_of_many]", "b1:935000 +120000 fair [code_among due]", "b2:935000 +815000 fair [code_among due]"}},
		{"two codes, too little", "CH2609DF4EP va HP2526YK2Y6", 200000, "", "", []string{
			"b2:120000 b1:80000 fair [code_among]", "b1:200000 fair [code_among due]", "b2:200000 +80000 fair [code_among due]"}},
		{"two codes, too much: the rest waits", "CH2609DF4EP HP2526YK2Y6", 1000000, "", "", []string{
			"b2:120000 b1:815000 rest 65000 fair [code_among]", "b1:1000000 +185000 fair [code_among due]", "b2:1000000 +880000 fair [code_among due]"}},
		{"one wrong character", "HP2526YX2Y6", 815000, "", "", []string{"b1:815000 fair [code_wrong amount due]"}},
		{"an amount alone, and few owe it", "tien cho", 120000, "", "", []string{"b2:120000 weak [amount due]", "b3:120000 weak [amount]"}},
		{"an amount and the stall", "quay a13 tien cho", 120000, "", "", []string{"b3:120000 weak [amount place]", "b2:120000 weak [amount due]"}},
		{"who has paid before", "nop tien", 50000, "stall:A13", "", []string{"b3:50000 fair [sender]"}},
		{"a name", "nop tien", 50000, "", "p1", []string{"b1:50000 weak [name due]"}},
		{"nothing", "nop tien", 50000, "", "", nil},
		{"nothing is left", "HP2526YK2Y6", 0, "", "", nil},
	} {
		e := reconcile.Evidence{On: "2026-09-05", Left: c.left, Reading: reconcile.NewOpen(someBills).Read(c.text),
			Paid: map[string]bool{c.paid: c.paid != ""}, Named: map[string]bool{c.named: c.named != ""}}
		var got []string
		for _, s := range reconcile.Suggest(e, someBills) {
			text := ""
			for _, p := range s.Parts {
				text += fmt.Sprintf("%s:%d ", p.Bill.Bill, p.Amount)
			}
			if s.Above > 0 {
				text += fmt.Sprintf("+%d ", s.Above)
			}
			if s.Rest > 0 {
				text += fmt.Sprintf("rest %d ", s.Rest)
			}
			got = append(got, text+fmt.Sprint(s.Strength, " ", s.Reasons))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}

// Where half the market owes the same, an amount suggests nobody.
func TestSuggestAlike(t *testing.T) {
	var bills []reconcile.Bill
	for i := range 4 {
		bills = append(bills, reconcile.Bill{Bill: fmt.Sprint("b", i), Holder: fmt.Sprint("stall:A", i), Owed: 61000})
	}
	if got := reconcile.Suggest(reconcile.Evidence{Left: 61000}, bills); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		text  string
		codes []reconcile.Known
		paid  bool
		alike int
		want  string
	}{
		{"HP2526YK2Y6", []reconcile.Known{{Bill: "b1", Owed: 1}}, false, 0, reconcile.WhyOpen},
		{"HP2526YK2Y6", []reconcile.Known{{Bill: "b1"}}, false, 0, reconcile.WhyClosed},
		{"HP2526YK2Y6", []reconcile.Known{{Elsewhere: true}}, false, 0, reconcile.WhyElsewhere},
		{"HP2526YK2Y6", []reconcile.Known{{}}, false, 0, reconcile.WhyUnknown},
		{"HP2526YK2Y6 CH2609DF4EP", []reconcile.Known{{}, {}}, false, 0, reconcile.WhyCodes},
		{"HP2526YX2Y6", nil, true, 0, reconcile.WhySlip},
		{"nop tien", nil, true, 2, reconcile.WhySender},
		{"nop tien", nil, false, 2, reconcile.WhyAmount},
		{"nop tien", nil, false, 0, reconcile.WhyNothing},
	} {
		e := reconcile.Evidence{Reading: reconcile.NewOpen(someBills).Read(c.text)}
		if c.paid {
			e.Paid = map[string]bool{"pupil:p1": true}
		}
		if got := reconcile.Why(e, true, c.codes, c.alike); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestSuggestSound: whatever stands in a text, a suggestion never gives away more
// than came, gives no bill of several more than it owes, names each bill once, and
// is the same when it is asked for again.
func TestSuggestSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bills := someBills[:rapid.IntRange(0, len(someBills)).Draw(t, "bills")]
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"HP2526YK2Y6", "CH2609DF4EP", "VE2609RGZ5M", "HP2526YX2Y6", "CH2609DF4E", "lop 1A", "A12", "tien"}), 0, 6).Draw(t, "words"), " ")
		e := reconcile.Evidence{On: "2026-09-05", Left: rapid.SampledFrom([]int64{1, 120000, 815000, 935000, 1055000, 5000000}).Draw(t, "left"), Reading: reconcile.NewOpen(bills).Read(text)}
		first := reconcile.Suggest(e, bills)
		if fmt.Sprint(first) != fmt.Sprint(reconcile.Suggest(e, bills)) {
			t.Fatal("another answer to the same question")
		}
		for _, s := range first {
			sum, seen := s.Rest, map[string]bool{}
			for _, p := range s.Parts {
				if sum += p.Amount; p.Amount <= 0 || seen[p.Bill.Bill] || len(s.Parts) > 1 && p.Amount > p.Owed {
					t.Fatalf("%+v", s)
				}
				seen[p.Bill.Bill] = true
			}
			if sum != e.Left || s.Score != bank.Points(s.Reasons) && len(s.Parts) == 1 {
				t.Fatalf("%d of %d: %+v", sum, e.Left, s)
			}
			if s.Strength == reconcile.Strong && (s.Above > 0 || s.Rest > 0 || len(s.Slips) > 0) {
				t.Fatalf("sure of too much: %+v", s)
			}
		}
	})
}

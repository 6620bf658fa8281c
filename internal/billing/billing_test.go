package billing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/events"
	"socho/projections"
)

// term is a fact as the read model gives it, the offset being its line here.
func term(offset int64, name, subject, on, data string) projections.Term {
	return projections.Term{Organization: "hg-truong", Type: name, Subject: subject, EffectiveOn: events.Date(on), Data: `{"effective_on":"` + on + `",` + data + `}`, At: projections.Position{Offset: offset}}
}

func tariff(offset int64, id, on, item, per, class, amount, more string) projections.Term {
	if class != "" {
		more += `,"class":"` + class + `"`
	}
	return term(offset, "organization.tariff_set", id, on, fmt.Sprintf(`"tariff":%q,"item":%q,"per":%q,"amount":%q,"currency":"VND"%s`, id, item, per, amount, more))
}

func enrolled(offset int64, person, on, class, household string) projections.Term {
	more := ""
	if household != "" {
		more = `,"household":"` + household + `"`
	}
	return term(offset, "school.pupil_enrolled", person, on, `"person":"`+person+`","class":"`+class+`"`+more)
}

func read(t *testing.T, terms ...projections.Term) *Terms {
	t.Helper()
	book, err := Read(terms)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func never(string) (bool, bool) { return false, false }

var september = Run{Organization: "hg-truong", Period: "2026-09", On: "2026-09-05", DueOn: "2026-09-25", Series: "HP"}

// said writes a plan in a few words.
func said(p *Plan) string {
	var out []string
	for _, b := range p.Bills {
		var parts []string
		for _, it := range b.Items {
			parts = append(parts, fmt.Sprintf("%s %s", it.Item, it.Amount))
		}
		for _, w := range b.Waivers {
			parts = append(parts, fmt.Sprintf("-%s %d", w.Reason, w.Amount))
		}
		out = append(out, b.Person+b.Stall+": "+strings.Join(parts, ", "))
	}
	for _, s := range p.Skipped {
		out = append(out, s.Person+s.Stall+"? "+s.Why)
	}
	for _, x := range p.Problems {
		out = append(out, "! "+x.Item+" "+x.Class)
	}
	return strings.Join(out, "; ")
}

func TestSchool(t *testing.T) {
	base := []projections.Term{
		tariff(1, "meals", "2026-08-01", "meals", "pupil", "", "400000", `,"invoice_duty":"invoice"`),
		enrolled(2, "an", "2026-09-01", "3A", ""),
	}
	for name, c := range map[string]struct {
		terms []projections.Term
		run   func(*Run)
		want  string
	}{
		"one item for all":              {nil, nil, "an: meals 400000"},
		"the grade's tariff over all":   {[]projections.Term{tariff(3, "m3", "2026-08-01", "meals", "pupil", "3", "390000", "")}, nil, "an: meals 390000"},
		"the class's over the grade's":  {[]projections.Term{tariff(3, "m3", "2026-08-01", "meals", "pupil", "3", "390000", ""), tariff(4, "m3a", "2026-08-01", "meals", "pupil", "3A", "380000", "")}, nil, "an: meals 380000"},
		"another class's is not ours":   {[]projections.Term{tariff(3, "m4", "2026-08-01", "meals", "pupil", "4", "1", "")}, nil, "an: meals 400000"},
		"set again":                     {[]projections.Term{tariff(3, "meals", "2026-09-01", "meals", "pupil", "", "410000", "")}, nil, "an: meals 410000"},
		"set again for later":           {[]projections.Term{tariff(3, "meals", "2026-10-01", "meals", "pupil", "", "410000", "")}, nil, "an: meals 400000"},
		"of one day, the later said":    {[]projections.Term{tariff(3, "meals", "2026-08-01", "meals", "pupil", "", "1000", "")}, nil, "an: meals 1000"},
		"ended before":                  {[]projections.Term{tariff(3, "meals", "2026-08-02", "meals", "pupil", "", "410000", `,"until":"2026-09-04"`)}, nil, "an? no_tariff"},
		"over":                          {[]projections.Term{term(3, "organization.tariff_ended", "meals", "2026-09-05", `"tariff":"meals","reason":"over"`)}, nil, "an? no_tariff"},
		"over from later on":            {[]projections.Term{term(3, "organization.tariff_ended", "meals", "2026-09-06", `"tariff":"meals","reason":"over"`)}, nil, "an: meals 400000"},
		"over, and set again":           {[]projections.Term{term(3, "organization.tariff_ended", "meals", "2026-09-01", `"tariff":"meals","reason":"over"`), tariff(4, "meals", "2026-09-03", "meals", "pupil", "", "5", "")}, nil, "an: meals 5"},
		"two say the same":              {[]projections.Term{tariff(3, "other", "2026-08-01", "meals", "pupil", "", "1", "")}, nil, "an: meals 400000; ! meals "},
		"items chosen":                  {[]projections.Term{tariff(3, "ins", "2026-08-01", "insurance", "pupil", "", "600000", "")}, func(r *Run) { r.Items = []string{"insurance"} }, "an: insurance 600000"},
		"moved":                         {[]projections.Term{enrolled(3, "an", "2026-09-03", "4B", ""), tariff(4, "m4", "2026-08-01", "meals", "pupil", "4B", "5000", "")}, nil, "an: meals 5000"},
		"moves later":                   {[]projections.Term{enrolled(3, "an", "2026-09-06", "4B", ""), tariff(4, "m4", "2026-08-01", "meals", "pupil", "4B", "5000", "")}, nil, "an: meals 400000"},
		"left":                          {[]projections.Term{term(3, "school.pupil_left", "an", "2026-09-05", `"person":"an","reason":"moved"`)}, nil, "an? left"},
		"leaves later":                  {[]projections.Term{term(3, "school.pupil_left", "an", "2026-09-06", `"person":"an","reason":"moved"`)}, nil, "an: meals 400000"},
		"came back":                     {[]projections.Term{term(3, "school.pupil_left", "an", "2026-09-02", `"person":"an","reason":"moved"`), enrolled(4, "an", "2026-09-04", "3A", "")}, nil, "an: meals 400000"},
		"half":                          {[]projections.Term{reduction(3, "r1", "an", "", `"percent":50`, "poor", "")}, nil, "an: meals 400000, -poor 200000"},
		"half of an odd sum, half up":   {[]projections.Term{tariff(3, "meals", "2026-09-01", "meals", "pupil", "", "401", ""), reduction(4, "r1", "an", "", `"percent":50`, "poor", "")}, nil, "an: meals 401, -poor 201"},
		"more than there is":            {[]projections.Term{reduction(3, "r1", "an", "meals", `"amount":"500000"`, "poor", "")}, nil, "an: meals 400000, -poor 400000"},
		"two reasons, never below zero": {[]projections.Term{reduction(3, "r1", "an", "", `"percent":80`, "poor", ""), reduction(4, "r2", "an", "", `"percent":80`, "ethnic", "")}, nil, "an: meals 400000, -ethnic 80000, -poor 320000"},
		"of another item":               {[]projections.Term{reduction(3, "r1", "an", "insurance", `"percent":50`, "poor", "")}, nil, "an: meals 400000"},
		"reduced until before":          {[]projections.Term{reduction(3, "r1", "an", "", `"percent":50`, "poor", `,"until":"2026-09-04"`)}, nil, "an: meals 400000"},
		"ended":                         {[]projections.Term{reduction(3, "r1", "an", "", `"percent":50`, "poor", ""), term(4, "school.reduction_ended", "r1", "2026-09-05", `"reduction":"r1","reason":"over"`)}, nil, "an: meals 400000"},
		"an amount over two items":      {[]projections.Term{tariff(3, "ins", "2026-08-01", "insurance", "pupil", "", "100000", ""), reduction(4, "r1", "an", "", `"amount":"150000"`, "poor", "")}, nil, "an: insurance 100000, meals 400000, -poor 150000"},
		"the second child": {[]projections.Term{enrolled(3, "an", "2026-09-01", "3A", "h1"), enrolled(4, "binh", "2026-09-01", "10B", "h1")},
			func(r *Run) { r.Siblings = []SiblingCut{{"meals", 2, 50}} }, "binh: meals 400000; an: meals 400000, -sibling 200000"},
		"another class is not asked": {[]projections.Term{enrolled(3, "binh", "2026-09-01", "10B", "")}, func(r *Run) { r.Class = "3A" }, "an: meals 400000"},
	} {
		r := september
		if c.run != nil {
			c.run(&r)
		}
		if got := said(read(t, slices.Concat(base, c.terms)...).School(r, never)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func reduction(offset int64, id, person, item, how, reason, more string) projections.Term {
	if item != "" {
		more += `,"item":"` + item + `"`
	}
	return term(offset, "school.reduction_granted", id, "2026-09-01", fmt.Sprintf(`"reduction":%q,"person":%q,%s,"currency":"VND","reason":%q%s`, id, person, how, reason, more))
}

func TestMarket(t *testing.T) {
	let := func(offset int64, stall, person, on string) projections.Term {
		return term(offset, "market.stall_let", stall, on, `"stall":"`+stall+`","person":"`+person+`"`)
	}
	terms := []projections.Term{
		tariff(1, "mgmt", "2026-01-01", "management", "stall", "", "26000", ""), tariff(2, "sec", "2026-01-01", "security", "stall", "", "15000", `,"when_absent":"not_due"`),
		tariff(3, "rent", "2026-01-01", "rent", "m2", "1", "36500", `,"when_absent":"not_due"`), tariff(4, "ticket", "2026-01-01", "ticket", "ticket", "", "5000", ""),
		let(5, "A1", "may", "2026-01-01"), let(6, "A2", "pao", "2026-01-01"), let(7, "B1", "sua", "2026-01-01"), let(8, "C1", "old", "2025-01-01"), let(9, "D1", "x", "2026-01-01"),
		term(10, "market.stall_described", "A2", "2026-01-01", `"stall":"A2","area_dm2":1250,"class":"1"`), term(11, "market.stall_described", "D1", "2026-01-01", `"stall":"D1","class":"1"`),
		term(12, "market.stall_vacated", "C1", "2026-08-31", `"stall":"C1"`),
		term(13, "market.trader_absent", "B1", "2026-08-20", `"stall":"B1","until":"2026-09-30","reason":"sick"`), term(14, "market.trader_absent", "A1", "2026-09-02", `"stall":"A1","until":"2026-09-30","reason":"sick"`),
	}
	r := september
	r.Series = "CH"
	got := said(read(t, terms...).Market(r, never))
	// 12.50 m² at 36,500 đ are 456,250 đ.
	want := "mayA1: management 26000, security 15000; paoA2: management 26000, security 15000, rent 456250; suaB1: management 26000; xD1? no_area; C1? empty"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A run names its bills by what they are for alone: again is the same, another
// series is not, and what was taken back is issued anew.
func TestBillIDs(t *testing.T) {
	id := september.BillID("an", 1)
	if id != "hp2609-"+id[7:] || len(id) != 23 || !events.ValidID(id) {
		t.Error(id)
	}
	meals := september
	meals.Series = "BT"
	other := september
	other.Organization = "hg-khac"
	if seen := map[string]bool{id: true, september.BillID("an", 2): true, september.BillID("binh", 1): true, meals.BillID("an", 1): true, other.BillID("an", 1): true}; len(seen) != 5 {
		t.Error("two bills have one id")
	}
	book := read(t, tariff(1, "meals", "2026-08-01", "meals", "pupil", "", "400000", ""), enrolled(2, "an", "2026-09-01", "3A", ""))
	for _, c := range []struct {
		known, stands bool
		want          string
	}{{false, false, id}, {true, true, ""}, {true, false, september.BillID("an", 2)}} {
		p := book.School(september, func(bill string) (bool, bool) { return c.known && bill == id, c.stands && bill == id })
		got := ""
		if len(p.Bills) == 1 {
			got = p.Bills[0].ID
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestRollOver(t *testing.T) {
	moves, err := ParseMoves("3A=4A, 4A=5A,5A=")
	if err != nil {
		t.Fatal(err)
	}
	book := read(t, enrolled(1, "an", "2026-01-01", "3A", ""), enrolled(2, "binh", "2026-01-01", "4A", ""), enrolled(3, "chi", "2026-01-01", "5A", ""), enrolled(4, "dung", "2026-01-01", "3A", ""), enrolled(5, "em", "2026-01-01", "3B", ""))
	if got := fmt.Sprint(book.RollOver("2026-08-15", moves, map[string]bool{"dung": true})); got != "[{an 3A 4A} {binh 4A 5A} {chi 5A }]" {
		t.Error(got)
	}
	for _, bad := range []string{"", "3A", "3A=4A,3A=4B", "=4A", "3A=x y"} {
		if _, err := ParseMoves(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseSiblingCut(t *testing.T) {
	if c, err := ParseSiblingCut(":3:100"); err != nil || c != (SiblingCut{"", 3, 100}) {
		t.Error(c, err)
	}
	for _, bad := range []string{"meals", "meals:1:50", "meals:2:0", "meals:2:101", "meals:x:5"} {
		if _, err := ParseSiblingCut(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Whatever is granted, nobody pays below zero, sums hold, and the order in which
// the facts were said decides nothing but what was said twice.
func TestPlansAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var terms []projections.Term
		for i := range rapid.IntRange(1, 6).Draw(t, "tariffs") {
			terms = append(terms, tariff(int64(i), fmt.Sprint("t", i), "2026-08-01", fmt.Sprint("item", i), "pupil", rapid.SampledFrom([]string{"", "3", "3A"}).Draw(t, "class"), fmt.Sprint(rapid.Int64Range(1, 1_000_000_000).Draw(t, "amount")), ""))
		}
		for i := range rapid.IntRange(1, 8).Draw(t, "pupils") {
			person := fmt.Sprint("p", i)
			terms = append(terms, enrolled(int64(100+i), person, "2026-09-01", rapid.SampledFrom([]string{"3A", "3B", "10A"}).Draw(t, "in"), rapid.SampledFrom([]string{"", "h1"}).Draw(t, "household")))
			for j := range rapid.IntRange(0, 3).Draw(t, "reductions") {
				how := fmt.Sprintf(`"percent":%d`, rapid.IntRange(1, 100).Draw(t, "percent"))
				if rapid.Bool().Draw(t, "fixed") {
					how = fmt.Sprintf(`"amount":"%d"`, rapid.Int64Range(1, 2_000_000_000).Draw(t, "off"))
				}
				terms = append(terms, reduction(int64(200+10*i+j), fmt.Sprint("r", i, "-", j), person, rapid.SampledFrom([]string{"", "item0"}).Draw(t, "item"), how, rapid.SampledFrom([]string{"poor", "ethnic"}).Draw(t, "reason"), ""))
			}
		}
		run := september
		run.Siblings = []SiblingCut{{"", 2, 30}}
		plan := func(terms []projections.Term) *Plan {
			book, err := Read(terms)
			if err != nil {
				t.Fatal(err)
			}
			return book.School(run, never)
		}
		p := plan(terms)
		var total, waived int64
		for _, b := range p.Bills {
			sum, off := int64(0), int64(0)
			for _, it := range b.Items {
				sum += events.Money(it.Amount, "VND").Minor()
			}
			for _, w := range b.Waivers {
				off += w.Amount
			}
			if sum != b.Total || off != b.Waived || b.Owed() < 0 {
				t.Fatalf("%+v", b)
			}
			total, waived = total+b.Total, waived+b.Waived
		}
		if total != p.Total || waived != p.Waived {
			t.Fatalf("%d %d, %+v", total, waived, p)
		}
		shuffled := rapid.Permutation(terms).Draw(t, "order")
		first, err1 := json.Marshal(p)
		second, err2 := json.Marshal(plan(shuffled))
		if err1 != nil || err2 != nil || string(first) != string(second) {
			t.Fatalf("another order: %s\n%s", first, second)
		}
	})
}

// A price and a size that are each within bounds may come to more than an amount may
// say: nothing is billed then, and no page falls over it.
func TestTooLarge(t *testing.T) {
	const most = "999999999999999"
	book := read(t,
		term(1, "market.stall_let", "A1", "2026-09-01", `"stall":"A1","person":"may"`),
		term(2, "market.stall_described", "A1", "2026-09-01", `"stall":"A1","area_dm2":100000000`),
		tariff(3, "t1", "2026-09-01", "rent", "m2", "", most, ""))
	if got := said(book.Market(september, never)); got != "mayA1? too_large" {
		t.Errorf("by area: %s", got)
	}
	school := read(t, enrolled(1, "p1", "2026-09-01", "1A", ""),
		tariff(2, "t1", "2026-09-01", "meals", "pupil", "", most, ""), tariff(3, "t2", "2026-09-01", "tuition", "pupil", "", most, ""))
	if p := school.School(september, never); len(p.Bills) != 0 || len(p.Skipped) != 1 || p.Skipped[0].Why != WhyTooLarge {
		t.Errorf("two items: %+v", p.Skipped)
	}
}

package billing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/projections"
)

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		every, period string
		school        bool
		want          string
	}{
		{"", "2026-09", true, "2026-09"}, {"month", "2026-09", false, "2026-09"}, {"day", "2026-09", true, "2026-09"},
		{"once", "2026-09", true, ""}, {"once", "2027-09", false, ""},
		{"term", "2026-08", true, "2026-1"}, {"term", "2026-12", true, "2026-1"}, {"term", "2027-01", true, "2026-2"}, {"term", "2027-07", true, "2026-2"},
		{"year", "2026-08", true, "2026"}, {"year", "2027-07", true, "2026"}, {"year", "2027-07", false, "2027"}, {"year", "2026-01", false, "2026"},
		{"year", "2026", true, "2026"}, {"term", "", true, ""},
	} {
		if got := Span(events.Word(c.every), events.Period(c.period), c.school); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.every, c.period, got, c.want)
		}
	}
}

// What is due once, by the term or by the year is asked for once in that time; what
// is by the day, as often as there were days.
func TestEvery(t *testing.T) {
	every := func(offset int64, id, per, every, amount string) projections.Term {
		more := ""
		if every != "" {
			more = `,"every":"` + every + `"`
		}
		return tariff(offset, id, "2026-08-01", id, per, "", amount, more)
	}
	terms := []projections.Term{
		enrolled(1, "an", "2026-09-01", "3A", ""),
		every(2, "meals", "day", "", "25000"), every(3, "care", "pupil", "day", "1000"), every(4, "uniform", "pupil", "once", "300000"),
		every(5, "sessions", "pupil", "term", "500000"), every(6, "insurance", "pupil", "year", "600000"), every(7, "boarding", "pupil", "month", "70000"),
	}
	for _, c := range []struct {
		period events.Period
		days   int64
		items  []string
		asked  []AskedItem
		want   string
	}{
		{"2026-09", 22, nil, nil, "an: boarding 70000, care 22000, insurance 600000, sessions 500000, uniform 300000, meals 550000"},
		{"2026-09", 0, nil, nil, "an: boarding 70000, insurance 600000, sessions 500000, uniform 300000; ! care no_days; ! meals no_days"},
		{"2026-09", 0, []string{"boarding"}, nil, "an: boarding 70000"},
		{"2026-10", 1, nil, []AskedItem{{"uniform", "2025-09", "an"}, {"sessions", "2026-09", "an"}, {"insurance", "2026-09", "an"}, {"boarding", "2026-09", "an"}, {"meals", "2026-09", "an"}, {"care", "2026-09", "an"}}, "an: boarding 70000, care 1000, meals 25000"},
		{"2027-01", 1, []string{"sessions", "insurance"}, []AskedItem{{"sessions", "2026-09", "an"}, {"insurance", "2026-09", "an"}}, "an: sessions 500000"},
		{"2027-09", 1, []string{"insurance", "uniform"}, []AskedItem{{"insurance", "2026-09", "an"}, {"uniform", "2026-09", "an"}}, "an: insurance 600000"},
		{"2026-10", 1, []string{"insurance", "uniform"}, []AskedItem{{"insurance", "2026-09", "an"}, {"uniform", "2026-09", "an"}}, "an? asked"},
		{"2026-09", 1, []string{"boarding"}, []AskedItem{{"boarding", "2026-09", "an"}}, "an? asked"}, // by a bill of another series
		{"2026-09", 1, []string{"uniform"}, []AskedItem{{"uniform", "2026-08", "binh"}}, "an: uniform 300000"},
	} {
		r := september
		r.Period, r.On, r.Days, r.Items, r.Asked = c.period, events.Date(c.period+"-05"), c.days, c.items, Asked{"an": c.asked}
		p := read(t, terms...).School(r, never)
		got := said(p)
		for _, x := range p.Problems {
			got = strings.Replace(got, "; ! "+x.Item+" ", fmt.Sprintf("; ! %s %s", x.Item, x.Why), 1)
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.period, got, c.want)
		}
		for _, u := range p.Used {
			asked := slices.ContainsFunc(c.asked, func(a AskedItem) bool { return a.Item == u.Item })
			if u.Bills+u.Asked != 1 || u.Asked == 1 && !asked {
				t.Errorf("%s: %+v", c.period, u)
			}
		}
	}
}

// A stall owes for the days on which its trader held it and was there.
func TestDaysAtMarket(t *testing.T) {
	let := func(offset int64, stall, on string) projections.Term {
		return term(offset, "market.stall_let", stall, on, `"stall":"`+stall+`","person":"p`+stall+`"`)
	}
	terms := []projections.Term{
		tariff(1, "place", "2026-01-01", "place", "day", "", "5000", `,"when_absent":"not_due"`), tariff(2, "guard", "2026-01-01", "guard", "stall", "", "100", `,"every":"day"`),
		tariff(3, "site", "2026-01-01", "site", "m2", "", "1000", `,"every":"year"`),
		let(4, "A1", "2026-01-01"), let(5, "A2", "2026-09-03"), let(6, "A3", "2026-01-01"), let(7, "A4", "2026-01-01"),
		term(8, "market.trader_absent", "A3", "2026-08-20", `"stall":"A3","until":"2026-09-20","reason":"sick"`), term(9, "market.trader_absent", "A4", "2026-08-20", `"stall":"A4","until":"2026-09-30","reason":"sick"`),
	}
	for _, stall := range []string{"A1", "A2", "A3", "A4"} {
		terms = append(terms, term(20, "market.stall_described", stall, "2026-01-01", `"stall":"`+stall+`","area_dm2":400`))
	}
	r := september
	r.Series = "CH"
	r.Asked = Asked{"A1": {{"site", "2026-02", "another"}}} // of the stall, whoever held it
	for days, want := range map[int64]string{
		0:  "pA1A1: guard 3000, place 150000; pA2A2: guard 2800, site 4000, place 140000; pA3A3: guard 3000, site 4000, place 50000; pA4A4: guard 3000, site 4000",
		12: "pA1A1: guard 1200, place 60000; pA2A2: guard 1200, site 4000, place 60000; pA3A3: guard 1200, site 4000, place 50000; pA4A4: guard 1200, site 4000",
	} {
		r.Days = days
		if got := said(read(t, terms...).Market(r, never)); got != want {
			t.Errorf("%d days: %s\nwant %s", days, got, want)
		}
	}
	// What nobody can work out is said, and not guessed.
	terms = append(terms, tariff(30, "c", "2026-01-01", "rate", "coefficient", "", "5000", ""), tariff(31, "t", "2026-01-01", "paint", "stall", "", "5000", `,"every":"term"`))
	p := read(t, terms...).Market(r, never)
	if len(p.Problems) != 2 || p.Problems[0] != (Problem{"rate", "", WhyNoCoefficient}) || p.Problems[1] != (Problem{"paint", "", WhyNoTerm}) {
		t.Errorf("%+v", p.Problems)
	}
	r.Items = []string{"guard"}
	if p := read(t, terms...).Market(r, never); len(p.Problems) != 0 {
		t.Errorf("%+v", p.Problems)
	}
}

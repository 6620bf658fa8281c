package projections_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"testing"

	"socho/events"
	"socho/projections"
	"socho/projections/projtest"
)

const (
	fund   = "quy-bao-tro"
	market = "hg-cho-dong-van"
)

func facts(log *projtest.Log, shards int) []projections.Fact {
	var all []projections.Fact
	for s := range shards {
		var c projections.Changes
		for _, a := range log.Accepted(s) {
			projections.FoldAdoption(&c, &a)
		}
		all = append(all, c.Facts...)
	}
	return all
}

func figure(t *testing.T, facts []projections.Fact, q projections.Query) projections.Figure {
	t.Helper()
	f, err := projections.Evaluate(facts, q)
	if err != nil || len(f) != 1 {
		t.Fatalf("Evaluate(%+v) = %d figures, %v", q, len(f), err)
	}
	if !f[0].CheckRate() {
		t.Errorf("rate %v does not follow from %s / %s", f[0].Rate, f[0].Numerator, f[0].Denominator)
	}
	return f[0]
}

func rate(f projections.Figure) string {
	if f.Rate == nil {
		return "null"
	}
	return *f.Rate
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{946, 1097, "86.2"}, {58, 81, "71.6"}, {85, 100, "85.0"}, {1, 1, "100.0"}, {0, 7, "0.0"}, {0, 0, "null"},
		{1, 2000, "0.1"}, {1, 2001, "0.0"}, {1999, 2000, "100.0"}, {3, 2000, "0.2"},
	} {
		r := projections.Rate(big.NewInt(c.part), big.NewInt(c.whole))
		got := "null"
		if r != nil {
			got = *r
		}
		if got != c.want {
			t.Errorf("Rate(%d, %d) = %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}

// TestBenefits: what a payout's steps do to the three figures of benefits.
func TestBenefits(t *testing.T) {
	const none = "0/1 0/0 0/0"
	for _, c := range []struct {
		name  string
		steps func(l *projtest.Log)
		want  string // persons, count, value
	}{
		{"entitled only", func(l *projtest.Log) {}, none},
		{"ordered", func(l *projtest.Log) { order(l) }, none},
		{"sent", func(l *projtest.Log) { order(l); l.Send(fund, "o1", "2026-09-06", "500000") }, none},
		{"settled", func(l *projtest.Log) { order(l); settle(l, "l1", "2026-09-07") }, "1/1 1/1 500000/500000"},
		{"returned", func(l *projtest.Log) { order(l); settle(l, "l1", "2026-09-07"); giveBack(l, "2026-09-09") }, none},
		{"the return is logged first", func(l *projtest.Log) { order(l); giveBack(l, "2026-09-09"); settle(l, "l1", "2026-09-07") }, none},
		{"settled again", func(l *projtest.Log) {
			order(l)
			settle(l, "l1", "2026-09-07")
			giveBack(l, "2026-09-09")
			settle(l, "l3", "2026-09-12")
		}, "1/1 1/1 500000/500000"},
		{"rejected, then settled", func(l *projtest.Log) {
			order(l)
			l.Send(fund, "o1", "2026-09-06", "500000")
			l.Return(fund, "o1", "", "2026-09-07", "500000")
			settle(l, "l1", "2026-09-08")
		}, "1/1 1/1 500000/500000"},
		{"settlement reversed", func(l *projtest.Log) {
			order(l)
			l.Reverse(fund, "2026-09-20", settle(l, "l1", "2026-09-07"))
		}, none},
		{"return reversed", func(l *projtest.Log) {
			order(l)
			settle(l, "l1", "2026-09-07")
			l.Reverse(fund, "2026-09-20", giveBack(l, "2026-09-09"))
		}, "1/1 1/1 500000/500000"},
		{"order reversed", func(l *projtest.Log) {
			id := order(l)
			l.Reverse(fund, "2026-09-20", id)
		}, none},
		{"cash", func(l *projtest.Log) { order(l); l.PayCash(fund, "o1", "2026-09-10", "500000") }, "0/1 0/1 0/500000"},
		{"returned, then cash", func(l *projtest.Log) {
			order(l)
			settle(l, "l1", "2026-09-07")
			giveBack(l, "2026-09-09")
			l.PayCash(fund, "o1", "2026-09-10", "500000")
		}, "0/1 0/1 0/500000"},
		{"in two parts", func(l *projtest.Log) {
			l.Order(fund, "o1", "p1", "2026-09", "08001", "account", "300000")
			l.Order(fund, "o2", "p1", "2026-09", "08001", "account", "200000")
			l.Settle(fund, "o1", "l1", "2026-09-07", "300000")
			l.PayCash(fund, "o2", "2026-09-07", "200000")
		}, "1/1 1/2 300000/500000"},
		{"another month", func(l *projtest.Log) {
			l.Entitle(fund, "p1", "2026-10", "08001", "500000")
			l.Order(fund, "o1", "p1", "2026-10", "08001", "account", "500000")
			settle(l, "l1", "2026-10-07")
		}, none},
		{"of a payout nobody ordered", func(l *projtest.Log) { settle(l, "l1", "2026-09-07") }, none},
		{"entitled twice", func(l *projtest.Log) { l.Entitle(fund, "p1", "2026-09", "08001", "400000") }, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := projtest.New(t, 1)
			l.Fund(fund, "08", "2026-01-01")
			l.Entitle(fund, "p1", "2026-09", "08001", "500000")
			c.steps(l)
			var got string
			for i, by := range projections.Bys("benefits") {
				f := figure(t, facts(l, 1), projections.Query{Domain: "benefits", By: by, Period: "2026-09"})
				if i > 0 {
					got += " "
				}
				got += f.Numerator + "/" + f.Denominator
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func order(l *projtest.Log) events.EventID {
	return l.Order(fund, "o1", "p1", "2026-09", "08001", "account", "500000")
}
func settle(l *projtest.Log, line events.ID, day events.Date) events.EventID {
	return l.Settle(fund, "o1", line, day, "500000")
}
func giveBack(l *projtest.Log, day events.Date) events.EventID {
	return l.Return(fund, "o1", "l2", day, "500000")
}

func TestBenefitsByUnit(t *testing.T) {
	l := projtest.New(t, 1)
	l.Fund(fund, "08", "2026-01-01")
	l.Entitle(fund, "p1", "2026-09", "08001", "500000")
	l.Entitle(fund, "p2", "2026-09", "08002", "500000")
	l.Order(fund, "o1", "p1", "2026-09", "08009", "ewallet", "500000") // the person's unit counts, not the order's
	l.Settle(fund, "o1", "l1", "2026-09-07", "500000")
	all := facts(l, 1)
	for _, c := range []struct {
		q    projections.Query
		want string
	}{
		{projections.Query{By: "persons"}, "1/2 50.0"},
		{projections.Query{By: "persons", Unit: "08001"}, "1/1 100.0"},
		{projections.Query{By: "persons", Unit: "08002"}, "0/1 0.0"},
		{projections.Query{By: "persons", Unit: "new", Units: []string{"08001", "08002"}}, "1/2 50.0"},
		{projections.Query{By: "count", Unit: "08001"}, "1/1 100.0"},
		{projections.Query{By: "count", Unit: "08009"}, "0/0 null"},
		{projections.Query{By: "persons", AsOf: projections.AsOf{Next: map[int]int64{0: 7}}}, "0/2 0.0"},
	} {
		c.q.Domain, c.q.Period = "benefits", "2026-09"
		f := figure(t, all, c.q)
		if got := f.Numerator + "/" + f.Denominator + " " + rate(f); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.q, got, c.want)
		}
	}
	units, err := projections.EvaluateUnits(all, projections.Query{Domain: "benefits", By: "persons", Period: "2026-09"})
	if err != nil || len(units) != 2 || units[0].Unit != "08001" || units[0].Numerator != "1" || units[1].Unit != "08002" {
		t.Errorf("by unit: %+v, %v", units, err)
	}
	whole := figure(t, all, projections.Query{Domain: "benefits", By: "persons", Period: "2026-09", Unit: "08001"})
	if units[0].Digest != whole.Digest {
		t.Error("a unit's figure has another digest in a list than alone")
	}
}

func TestFees(t *testing.T) {
	l := projtest.New(t, 1)
	l.Market(market, "08001", "2026-01-01")
	for _, b := range []events.ID{"b1", "b2", "b3", "b4"} {
		l.Fee(market, b, "A-"+b)
	}
	l.Pay(market, "b1", "2026-09-02", "qr", "61000")
	l.Pay(market, "b2", "2026-09-30", "cash", "61000")
	l.Pay(market, "b3", "2026-10-01", "card", "61000") // the next month
	wrong := l.Pay(market, "b4", "2026-09-03", "bank", "60000")
	l.Reverse(market, "2026-10-31", wrong)
	l.Pay(market, "b4", "2026-09-03", "ewallet", "61000")
	all := facts(l, 1)
	for _, c := range []struct {
		q    projections.Query
		want string
	}{
		{projections.Query{By: "count", Period: "2026-09"}, "2/3 66.7"},
		{projections.Query{By: "value", Period: "2026-09"}, "122000/183000 66.7"},
		{projections.Query{By: "count", Period: "2026-Q4"}, "1/1 100.0"},
		{projections.Query{By: "count", Period: "2026"}, "3/4 75.0"},
		{projections.Query{By: "count", Period: "2026-09", Unit: "08001"}, "2/3 66.7"},
		{projections.Query{By: "count", Period: "2026-09", Unit: "08"}, "0/0 null"},
		{projections.Query{By: "count"}, "2/3 66.7"}, // September: nothing is effective on the last of October
	} {
		c.q.Domain = "fees"
		f := figure(t, all, c.q)
		if got := f.Numerator + "/" + f.Denominator + " " + rate(f); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.q, got, c.want)
		}
	}
}

func TestRegistry(t *testing.T) {
	const province = "tinh"
	l := projtest.New(t, 1)
	n := func(n int) *events.Count { c := events.Count(n); return &c }
	report := func(day events.Date, id events.ID, status events.Word) {
		l.Must(province, "registry.institution_reported", &events.InstitutionReported{Dated: events.Dated{EffectiveOn: day}, Domain: "schools", Institution: id, Unit: "08001", Status: status})
	}
	survey := func(day events.Date, unit events.Unit, part, whole int) {
		l.Must(province, "registry.figure_reported", &events.FigureReported{Dated: events.Dated{EffectiveOn: day}, Domain: "accounts", Unit: unit, Numerator: n(part), Denominator: n(whole)})
	}
	report("2026-08-31", "s1", "not_accepting")
	report("2026-09-30", "s1", "accepting")
	report("2026-09-01", "s1", "not_accepting") // says later what was true earlier
	report("2026-09-10", "s2", "not_accepting")
	report("2026-09-10", "s2", "accepting") // the same day: the later word
	report("2026-10-01", "s3", "accepting")
	survey("2026-06-30", "08001", 10, 100)
	survey("2026-09-30", "08001", 55, 100)
	survey("2026-09-30", "08002", 56, 100)
	all := facts(l, 1)
	for _, c := range []struct{ domain, by, period, want string }{
		{"schools", "institutions", "2026-07", "0/0 null"},
		{"schools", "institutions", "2026-08", "0/1 0.0"},
		{"schools", "institutions", "2026-09", "2/2 100.0"},
		{"schools", "institutions", "2026-10", "3/3 100.0"},
		{"schools", "", "", "2/2 100.0"},
		{"accounts", "persons", "2026-07", "10/100 10.0"},
		{"accounts", "persons", "", "111/200 55.5"},
		{"systems", "", "", "0/0 null"},
	} {
		f := figure(t, all, projections.Query{Domain: c.domain, By: c.by, Period: c.period})
		if got := f.Numerator + "/" + f.Denominator + " " + rate(f); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.domain, c.period, got, c.want)
		}
	}
}

func TestBadQueries(t *testing.T) {
	for _, c := range []struct {
		q    projections.Query
		want error
	}{
		{projections.Query{Domain: "taxes"}, projections.ErrQuery},
		{projections.Query{Domain: "fees", By: "persons"}, projections.ErrQuery},
		{projections.Query{Domain: "fees", Period: "2026-13"}, projections.ErrPeriod},
		{projections.Query{Domain: "fees", Period: "2026-Q5"}, projections.ErrPeriod},
		{projections.Query{Domain: "fees", Period: "26"}, projections.ErrPeriod},
		{projections.Query{Domain: "fees", Period: "2026-9"}, projections.ErrPeriod},
	} {
		if _, err := projections.Evaluate(nil, c.q); !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v, want %v", c.q, err, c.want)
		}
	}
}

// TestFigureGolden holds the line and the digest: others recompute them.
func TestFigureGolden(t *testing.T) {
	l := projtest.New(t, 1)
	l.Fund(fund, "08", "2026-01-01")
	l.Entitle(fund, "p1", "2026-09", "08001", "500000")
	order(l)
	settle(l, "l1", "2026-09-30")
	got := ""
	figures, err := projections.Evaluate(facts(l, 1), projections.Query{Domain: "benefits"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		got += string(b) + "\n"
	}
	const want = `{"domain":"benefits","unit":null,"period":"2026-09","by":"persons","numerator":1,"denominator":1,"rate":"100.0","definition":"benefits.persons@1","position":{},"digest":"2f26d00db3eb2547d57bdb7d0cca5d61d1097e2413727d5bdecb128b96bfe295"}
{"domain":"benefits","unit":null,"period":"2026-09","by":"count","numerator":1,"denominator":1,"rate":"100.0","definition":"benefits.count@1","position":{},"digest":"5a1e5ea8d07996acd442a9e22440a806f3e624ec49458ee97cbe8ac5ccba84c9"}
{"domain":"benefits","unit":null,"period":"2026-09","by":"value","numerator":"500000","denominator":"500000","rate":"100.0","definition":"benefits.value@1","position":{},"digest":"44777a4b6750c73f65c11e5e18a157118d2c46a6d3d7c5346d8c7eb8b4ee8176"}
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	if n := len(figures[0].Events); n != 3 {
		t.Errorf("%d events behind the figure, want the entitlement, the order and the settlement", n)
	}
}

func TestLatestComplete(t *testing.T) {
	for _, c := range []struct {
		greatest events.Date
		want     string
	}{{"", ""}, {"2026-09-30", "2026-09"}, {"2026-09-29", "2026-08"}, {"2026-01-15", "2025-12"}, {"2028-02-29", "2028-02"}, {"2028-02-28", "2028-01"}} {
		if got := projections.LatestComplete(c.greatest); got != c.want {
			t.Errorf("LatestComplete(%s) = %q, want %q", c.greatest, got, c.want)
		}
	}
}

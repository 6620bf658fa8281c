package billing

import (
	"slices"
	"strconv"

	"socho/events"
)

// Asked is what bills that stand have asked for, by whose they are: a pupil, or a
// stall. An item is asked for once in the time that its tariff says.
type Asked map[string][]AskedItem

// AskedItem is one item of one bill.
type AskedItem struct {
	Item   events.Word
	Period events.Period
	Person string
}

// asked says whether what a tariff charges was asked for already: in this month, by
// a bill of another series; in this term or year; or ever. What is charged once is
// charged once of a person, whoever held the stall before.
func (r *Run) asked(t *Tariff, whose, person string, school bool) bool {
	return slices.ContainsFunc(r.Asked[whose], func(a AskedItem) bool {
		if a.Item != t.Item {
			return false
		}
		if t.Every == "once" {
			return a.Person == person
		}
		return Span(t.Every, a.Period, school) == Span(t.Every, r.Period, school)
	})
}

// Span names the time in which an item is asked for once, as of a month: the month,
// the term, the year; "" for all times. A school's year begins in August, and its
// second term in January (Ministry of Education, yearly plan: the first term ends
// before mid-January, and its bills are those of August to December); a market's is
// the calendar's.
func Span(every events.Word, period events.Period, school bool) string {
	if every == "once" {
		return ""
	}
	if len(period) != 7 || !period.Valid() { // of a bill that was issued for more than a month
		return string(period)
	}
	year, month := number(period[:4]), number(period[5:])
	if school && month < 8 {
		year--
	}
	switch every {
	case "year":
		return strconv.Itoa(year)
	case "term":
		if month < 8 {
			return strconv.Itoa(year) + "-2"
		}
		return strconv.Itoa(year) + "-1"
	}
	return string(period)
}

func number(digits events.Period) int {
	n, _ := strconv.Atoi(string(digits))
	return n
}

// daily says that a tariff is for each day, however that is written down.
func (t *Tariff) daily() bool { return t.Per == "day" || t.Every == "day" }

// Used is a tariff that the run charges by.
type Used struct {
	Tariff
	Bills int // that it stands on
	Asked int // who was asked for it already, in its time
}

func (p *Plan) use(t *Tariff) *Used {
	i := slices.IndexFunc(p.Used, func(u Used) bool { return u.Tariff.Tariff == t.Tariff })
	if i < 0 {
		i, p.Used = len(p.Used), append(p.Used, Used{Tariff: *t})
	}
	return &p.Used[i]
}

// workable finds tariffs that a run cannot charge by, and says so: nothing is issued
// on a guess. A market has no terms, nobody here has a coefficient, and how many days
// a school was open its office knows.
func (p *Plan) workable(tariffs []Tariff, school bool) (can []Tariff) {
	for i := range tariffs {
		t := &tariffs[i]
		if !p.charges(t) {
			continue
		}
		why := ""
		switch {
		case t.Per == "coefficient":
			why = WhyNoCoefficient
		case t.Every == "term" && !school:
			why = WhyNoTerm
		case t.daily() && school && p.Days == 0:
			why = WhyNoDays
		}
		if why == "" {
			can = append(can, *t)
			continue
		}
		problem := Problem{string(t.Item), string(t.Class), why}
		if !slices.Contains(p.Problems, problem) {
			p.Problems = append(p.Problems, problem)
		}
	}
	return can
}

// days is how many days of the month a stall owes for: those on which its trader
// held it, and was there where the absent owe nothing; no more than the market was
// open, where that is said.
func (t *Terms) days(r *Run, stall *Stall, tariff *Tariff) (n int64) {
	facts := t.stalls[stall.Stall]
	first, last := events.Date(r.Period+"-01"), r.Period.End()
	for d := 1; d <= 31; d++ {
		day := first[:8] + events.Date(twoDigits(d))
		if day > last {
			break
		}
		if holder, ok := latest(facts.held, day, func(f *holderFact) since { return f.since }); !ok || holder.person != stall.Person {
			continue
		}
		if tariff.WhenAbsent == "not_due" && slices.ContainsFunc(facts.absent, func(a events.TraderAbsent) bool { return a.EffectiveOn <= day && day <= a.Until }) {
			continue
		}
		n++
	}
	if r.Days > 0 {
		n = min(n, r.Days)
	}
	return n
}

func twoDigits(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

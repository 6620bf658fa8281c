package sample

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"socho/events"
)

// Expectations say what must come of a sample: made beside the lines, by what
// made them, and independent of ledger and projections.
type Expectations struct {
	Lines     int            // all of them
	ByType    map[string]int // of the lines that can be decoded, by area.fact
	Outcomes  map[string]int // of the same, by status and code: "posted", "refused over_entitlement"
	Malformed map[events.Code]int
	Figures   []Figure // by domain, kind and month
}

// Figure is one published figure over the whole sample.
type Figure struct {
	Domain      string
	By          string
	Period      events.Period
	Numerator   int64 // by value, đồng
	Denominator int64
}

// Rate is the figure in percent with one decimal, half-up.
func (f Figure) Rate() string {
	if f.Denominator == 0 {
		return ""
	}
	tenths := (2000*f.Numerator + f.Denominator) / (2 * f.Denominator)
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

// Figure returns one of the figures, and false where the sample has none such.
func (e *Expectations) Figure(domain, by string, period events.Period) (Figure, bool) {
	for _, f := range e.Figures {
		if f.Domain == domain && f.By == by && f.Period == period {
			return f, true
		}
	}
	return Figure{}, false
}

// Describe works out what must come of a sample, without writing it. It takes
// as long as Generate. Errors: ErrProvince, ErrScale.
func Describe(o Options) (*Expectations, error) {
	t, err := generate(io.Discard, o)
	if err != nil {
		return nil, err
	}
	return t.expectations(), nil
}

// tally counts along.
type tally struct {
	lines     int
	byType    map[string]int
	outcomes  map[string]int
	malformed map[events.Code]int
	figures   map[figureKey]*Figure
}

type figureKey struct {
	domain, by string
	period     events.Period
}

func newTally() *tally {
	return &tally{
		byType: map[string]int{}, outcomes: map[string]int{},
		malformed: map[events.Code]int{}, figures: map[figureKey]*Figure{},
	}
}

// recorded are the facts that move no money.
var recorded = map[string]bool{
	"organization.registered": true, "market.stall_let": true,
	"benefit.person_entitled": true, "benefit.person_stopped": true,
	"registry.institution_reported": true, "registry.figure_reported": true,
}

func (t *tally) count(name, want string) {
	t.byType[name]++
	if want == "" {
		want = "posted"
		if recorded[name] {
			want = "recorded"
		}
	}
	t.outcomes[want]++
}

// add adds to a figure.
func (t *tally) add(domain, by string, period events.Period, numerator, denominator int64) {
	key := figureKey{domain, by, period}
	f := t.figures[key]
	if f == nil {
		f = &Figure{Domain: domain, By: by, Period: period}
		t.figures[key] = f
	}
	f.Numerator += numerator
	f.Denominator += denominator
}

// payment adds to the fees of the month that the payment was made in; a sign
// of -1 takes it out again.
func (t *tally) payment(day events.Date, method events.Word, amount, sign int64) {
	cashless := sign
	if method == "cash" {
		cashless = 0
	}
	t.add("fees", "count", day.Period(), cashless, sign)
	t.add("fees", "value", day.Period(), cashless*amount, sign*amount)
}

func (t *tally) expectations() *Expectations {
	e := &Expectations{Lines: t.lines, ByType: t.byType, Outcomes: t.outcomes, Malformed: t.malformed}
	for _, f := range t.figures {
		e.Figures = append(e.Figures, *f)
	}
	slices.SortFunc(e.Figures, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.By, b.By), cmp.Compare(a.Period, b.Period))
	})
	return e
}

// String lists everything for people.
func (e *Expectations) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d lines\n", e.Lines)
	for _, name := range slices.Sorted(maps.Keys(e.ByType)) {
		fmt.Fprintf(&b, "%7d %s\n", e.ByType[name], name)
	}
	for _, outcome := range slices.Sorted(maps.Keys(e.Outcomes)) {
		fmt.Fprintf(&b, "%7d %s\n", e.Outcomes[outcome], outcome)
	}
	for _, code := range slices.Sorted(maps.Keys(e.Malformed)) {
		fmt.Fprintf(&b, "%7d malformed %s\n", e.Malformed[code], code)
	}
	for _, f := range e.Figures {
		fmt.Fprintf(&b, "%s by %s %s: %d / %d = %s %%\n", f.Domain, f.By, f.Period, f.Numerator, f.Denominator, f.Rate())
	}
	return b.String()
}

package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/office"
	"socho/internal/refcode"
	"socho/projections"
)

type runPage struct {
	Organization  projections.Organization
	Period        string
	On, DueOn     events.Date
	Series        string
	AllSeries     []option
	Class         string
	Siblings      string
	Days          string
	Problem       string // with what was asked for
	Plan          *billing.Plan
	Items         []billing.ItemSum
	Classes       []billing.ClassSum
	None          []noneRow
	Digest        string // of what is shown, so that nothing else is issued
	Changed       bool
	Dues          events.Date
	School, Ready bool
}

// noneRow is a reason why people get no bill, with some of them.
type noneRow struct {
	Why   string
	Count int
	Some  []string
}

// someNone bounds how many are named of those who get no bill.
const someNone = 12

// runOf reads what is to be billed; problem says what cannot be read of it.
func (r *request) runOf(o projections.Organization) (run billing.Run, problem string) {
	text := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	run = billing.Run{Organization: o.Organization, Period: events.Period(text("period")), On: events.Date(text("on")), DueOn: events.Date(text("due_on")), Series: text("series"), Class: text("class")}
	if run.Period == "" {
		run.Period = events.Period(r.today()[:7])
	}
	if len(run.Period) != 7 || !run.Period.Valid() {
		run.Period = events.Period(r.today()[:7])
		problem = "run.bad_period"
	}
	if run.On == "" {
		run.On = events.Date(run.Period + "-01")
	}
	if run.DueOn == "" {
		run.DueOn = events.Date(run.Period + "-25")
	}
	if !run.On.Valid() || !run.DueOn.Valid() {
		run.On, run.DueOn, problem = events.Date(run.Period+"-01"), events.Date(run.Period+"-25"), "run.bad_day"
	}
	if !slices.Contains(seriesOf(o.Kind), run.Series) {
		run.Series = seriesOf(o.Kind)[0]
	}
	if days := text("days"); days != "" {
		n, err := strconv.ParseInt(days, 10, 64)
		if err != nil || n < 1 || n > 31 {
			return run, "run.bad_days"
		}
		run.Days = n
	}
	for _, part := range strings.FieldsFunc(text("siblings"), func(c rune) bool { return c == ',' || c == ' ' }) {
		cut, err := billing.ParseSiblingCut(part)
		if err != nil {
			return run, "run.bad_siblings"
		}
		run.Siblings = append(run.Siblings, cut)
	}
	return run, problem
}

func seriesOf(kind string) []string {
	if kind == "market" {
		return []string{string(refcode.CH)}
	}
	return []string{string(refcode.HP), string(refcode.BT)}
}

// digest names what a plan comes to: what the visitor saw is what is issued.
func digest(p *billing.Plan) string {
	first := ""
	if len(p.Bills) > 0 {
		first = p.Bills[0].ID + p.Bills[len(p.Bills)-1].ID
	}
	return fmt.Sprintf("%d-%d-%d-%s", len(p.Bills), p.Total, p.Waived, first)
}

// billRun shows what a month's bills come to, and on POST issues them.
func (s *site) billRun(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	if o.Kind != "school" && o.Kind != "market" {
		return nil, errNoPage
	}
	run, problem := r.runOf(o)
	page := runPage{Organization: o, Period: string(run.Period), On: run.On, DueOn: run.DueOn, Series: run.Series, AllSeries: r.language.options("series", seriesOf(o.Kind)),
		Class: run.Class, Siblings: r.FormValue("siblings"), Days: strings.TrimSpace(r.FormValue("days")), School: o.Kind == "school"}
	v := s.underOffice(r, o, &view{template: "billrun", title: r.language.say("run.title"), data: &page})
	if problem != "" {
		page.Problem, v.status = r.language.say(problem), http.StatusUnprocessableEntity
		return v, nil
	}
	if r.FormValue("period") == "" {
		return v, nil // nothing was asked for yet
	}
	desk := s.financeOf(r)
	plan, org, err := desk.PlanRun(r.Context(), run)
	if err != nil {
		return nil, err
	}
	page.Plan, page.Items, page.Classes, page.Digest = plan, plan.ItemSums(), plan.ClassSums(), digest(plan)
	page.Ready = len(plan.Bills) > 0 && len(plan.Problems) == 0
	for i := range page.Classes {
		page.Classes[i].Class = cmp.Or(plan.Called[page.Classes[i].Class], page.Classes[i].Class)
	}
	slices.SortStableFunc(page.Classes, func(a, b billing.ClassSum) int { return strings.Compare(a.Class, b.Class) })
	for _, one := range plan.Skipped {
		i := slices.IndexFunc(page.None, func(n noneRow) bool { return n.Why == one.Why })
		if i < 0 {
			i, page.None = len(page.None), append(page.None, noneRow{Why: one.Why})
		}
		if page.None[i].Count++; len(page.None[i].Some) < someNone {
			page.None[i].Some = append(page.None[i].Some, strings.TrimSpace(one.Class+" "+one.Stall+" "+one.Person))
		}
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	if page.Changed = r.PostFormValue("digest") != page.Digest; page.Changed || !page.Ready {
		v.status = http.StatusConflict
		return v, nil
	}
	err = desk.IssueRun(r.Context(), plan, org, nil)
	var refused *office.RefusedError
	if errors.As(err, &refused) {
		page.Problem, v.status = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code)), http.StatusConflict
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	return see(baseOf(o.Kind)+o.Organization+"?period="+page.Period, "bills_issued"), nil
}

// schoolYear moves whole classes on.
func (s *site) schoolYear(r *request) (*view, error) {
	o, err := s.organization(r, "school")
	if err != nil {
		return nil, err
	}
	on := r.ask("from_day", "date", "off")
	if on.Value == "" {
		on.Value = string(r.today())
	}
	classes, stay := r.ask("classes", "text", "off"), r.ask("stay", "text", "off")
	stay.Required, classes.Max, stay.Max = false, 2000, 2000
	v, page := r.formView("year", r.URL.Path, on, classes, stay)
	v, page.Form.Cancel = s.underOffice(r, o, v), "/office/"+o.Organization
	if r.Method != http.MethodPost {
		return v, nil
	}
	wrong := func(field int, text string) (*view, error) {
		page.Form.Fields[field].Error, v.status = text, http.StatusUnprocessableEntity
		return v, nil
	}
	day := events.Date(on.Value)
	if !day.Valid() {
		return wrong(0, r.language.say("run.bad_day"))
	}
	moves, err := billing.ParseMoves(classes.Value)
	if err != nil {
		return wrong(1, r.language.say("year.bad"))
	}
	codes := strings.FieldsFunc(stay.Value, func(c rune) bool { return c == ',' || c == ' ' || c == ';' })
	desk := s.financeOf(r)
	all, err := desk.RollOver(r.Context(), o.Organization, day, moves, codes)
	if err != nil {
		return nil, err
	}
	if len(all.Moves) == 0 {
		return wrong(1, r.language.say("year.nobody"))
	}
	if r.PostFormValue("sure") != "yes" {
		var lines []string
		for _, m := range all.ByClass() {
			to := m.To
			if to == "" {
				to = r.language.say("year.leave")
			}
			lines = append(lines, r.language.say("year.line", "from", m.From, "to", to, "n", m.Pupils))
		}
		return s.underOffice(r, o, r.sureOf("year", strings.Join(lines, "; ")+".", "/office/"+o.Organization+"/year", hidden("from_day", on.Value), hidden("classes", classes.Value), hidden("stay", stay.Value))), nil
	}
	if err := desk.SayRollover(r.Context(), all, nil); err != nil {
		return nil, err
	}
	return see("/office/"+o.Organization, "year"), nil
}

// sureOf asks before something is said, with what it comes to.
func (r *request) sureOf(key, consequence, cancel string, fields ...formField) *view {
	l := r.language
	page := &formPage{Confirm: &confirmation{Question: l.say(key + ".question"), Consequence: consequence,
		Form: form{Action: r.URL.Path, Submit: l.say(key + ".sure"), Cancel: cancel, Fields: append(fields, hidden("sure", "yes"))}}}
	return &view{template: "form", title: l.say("sure"), data: page}
}

package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/identity"
	"socho/projections"
)

// StallTerms knows what bills of a stall are made from; *office.Office does.
type StallTerms interface {
	Stall(ctx context.Context, organization, stall string, on events.Date) (s billing.Stall, away []events.TraderAbsent, found bool, err error)
}

// stallTerms are the routes of who says how large a stall is, when its trader is
// away, and that nobody holds it any more.
func (s *site) stallTerms() []route {
	bills := rights{identity.IssueBills}
	return []route{
		{pattern: "GET /office/{org}/stall", rights: bills, where: inOrganization, show: s.stallTerm},
		{pattern: "POST /office/{org}/stall", rights: bills, where: inOrganization, page: true, show: s.stallTerm},
	}
}

type stallTermPage struct {
	Organization projections.Organization
	Stall        string
	Wrong        string // nobody has held a stall of that name
	Notice       *deskNotice
	Action       string
	Known        *billing.Stall // nil: none was asked for
	Area         string
	Away         []events.TraderAbsent
	Absent       *form
	Describe     *form
	Vacate       *form // nil: nobody holds it
}

// awayReasons are why a trader is away.
var awayReasons = []string{"sick", "family", "travel", "repair", "other"}

func (s *site) stallTerm(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := &stallTermPage{Organization: o, Stall: strings.TrimSpace(r.FormValue("stall")), Action: r.URL.Path}
	v := s.underOffice(r, o, &view{template: "stallterms", title: r.language.say("stallterms.title"), data: page})
	if page.Stall == "" {
		return v, nil
	}
	known, away, found, err := s.financeOf(r).Stall(r.Context(), o.Organization, page.Stall, r.today())
	if err != nil {
		return nil, err
	}
	if !found {
		page.Wrong, v.status = r.language.say("stallterms.unknown", "stall", page.Stall), http.StatusUnprocessableEntity
		return v, nil
	}
	page.Known, page.Away, page.Action = &known, away, asking(r.URL.Path, "stall", page.Stall)
	if known.Area > 0 {
		page.Area = areaText(known.Area)
	}
	s.stallForms(r, page)
	if ids := r.query.Get("act"); ids != "" && r.Method != http.MethodPost {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	facts, asked, err := s.stallFact(r, page)
	var wrong *wrongAnswer
	if errors.As(err, &wrong) {
		asked.Fields[wrong.field].Error, v.status = wrong.text, http.StatusUnprocessableEntity
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	if r.PostFormValue("do") == "vacate" && r.PostFormValue("sure") != "yes" {
		return s.underOffice(r, o, r.sureOf("stallterms.vacate", r.language.say("stallterms.vacate.consequence", "stall", page.Stall), page.Action,
			hidden("do", "vacate"), hidden("stall", page.Stall), hidden("vacated", r.PostFormValue("vacated")), hidden("fact", r.PostFormValue("fact")))), nil
	}
	_, err = s.record(r, facts...)
	var refused *refusedFact
	switch {
	case errors.As(err, &refused) && asked == nil:
		page.Notice, v.status = s.refusedNotice(r, o.Organization, "", refused), http.StatusConflict
		return v, nil
	case err != nil:
		return r.refuse(v, &formPage{Form: asked}, err)
	}
	return see(asking(page.Action, "act", string(facts[0].Envelope.ID)), ""), nil
}

// wrongAnswer is what is wrong with one field of a form.
type wrongAnswer struct {
	field int
	text  string
}

func (e *wrongAnswer) Error() string { return e.text }

func (s *site) stallForms(r *request, page *stallTermPage) {
	say, today := r.language.say, string(r.today())
	day := func(name, value string) formField {
		return formField{Name: name, Label: say("stallterms." + name), Type: "date", Value: value, Required: true}
	}
	page.Absent = &form{Action: page.Action, Submit: say("stallterms.absent.do"), Fields: []formField{day("away_from", today), day("away_until", ""),
		{Name: "reason", Label: say("stallterms.reason"), Type: "select", Options: r.language.options("away_reason", awayReasons), Required: true}, hidden("do", "absent"), hidden("fact", newID())}}
	page.Describe = &form{Action: page.Action, Submit: say("stallterms.describe.do"), Fields: []formField{
		{Name: "area", Label: say("stallterms.area"), Type: "text", Value: page.Area, Max: 12, Autocomplete: "off"},
		{Name: "class", Label: say("stallterms.class"), Type: "text", Value: page.Known.Class, Max: 64, Autocomplete: "off"}, day("described", today), hidden("do", "describe"), hidden("fact", newID())}}
	if page.Known.Person != "" {
		page.Vacate = &form{Action: page.Action, Submit: say("stallterms.vacate.do"), Danger: true, Fields: []formField{day("vacated", today), hidden("do", "vacate"), hidden("fact", newID())}}
	}
}

// stallFact makes the fact that a form of the page says, or takes one back. Errors:
// *wrongAnswer of the form that is returned.
func (s *site) stallFact(r *request, page *stallTermPage) (facts []events.Draft, asked *form, err error) {
	organization, stall := page.Organization.Organization, events.ID(page.Stall)
	on := func(name string, field int) (events.Date, error) {
		if d := events.Date(r.PostFormValue(name)); d.Valid() {
			return d, nil
		}
		return "", &wrongAnswer{field, r.language.say("run.bad_day")}
	}
	var fact events.Fact
	name := ""
	switch r.PostFormValue("do") {
	case "undo":
		facts, err = s.undoing(r, organization)
		return facts, nil, err
	case "absent":
		asked, name = page.Absent, "market.trader_absent"
		from, err := on("away_from", 0)
		if err != nil {
			return nil, asked, err
		}
		until, err := on("away_until", 1)
		if err != nil {
			return nil, asked, err
		}
		if until < from {
			return nil, asked, &wrongAnswer{1, r.language.say("stallterms.before")}
		}
		if !slices.Contains(awayReasons, r.PostFormValue("reason")) {
			return nil, asked, errBad
		}
		fact = &events.TraderAbsent{Dated: events.Dated{EffectiveOn: from}, Stall: stall, Until: until, Reason: events.Word(r.PostFormValue("reason"))}
	case "describe":
		asked, name = page.Describe, "market.stall_described"
		from, err := on("described", 2)
		if err != nil {
			return nil, asked, err
		}
		f := &events.StallDescribed{Dated: events.Dated{EffectiveOn: from}, Stall: stall, Class: events.ID(strings.TrimSpace(r.PostFormValue("class")))}
		if text := strings.TrimSpace(r.PostFormValue("area")); text != "" {
			n, ok := readArea(text)
			if !ok {
				return nil, asked, &wrongAnswer{0, r.language.say("stallterms.bad_area")}
			}
			f.Area = (*events.Count)(&n)
		}
		if f.Class != "" && !events.ValidID(string(f.Class)) {
			return nil, asked, &wrongAnswer{1, r.language.say("stallterms.bad_class")}
		}
		if f.Area == nil && f.Class == "" {
			return nil, asked, &wrongAnswer{0, r.language.say("stallterms.bad_area")}
		}
		fact = f
	case "vacate":
		if asked, name = page.Vacate, "market.stall_vacated"; asked == nil {
			return nil, nil, errBad
		}
		from, err := on("vacated", 0)
		if err != nil {
			return nil, asked, err
		}
		fact = &events.StallVacated{Dated: events.Dated{EffectiveOn: from}, Stall: stall}
	default:
		return nil, nil, errBad
	}
	d, err := r.draft(organization, r.PostFormValue("fact"), name, fact, nil)
	return []events.Draft{d}, asked, err
}

// readArea reads square metres as people write them, 12, 12,5 or 12.50, in 0.01 m².
func readArea(text string) (n int64, ok bool) {
	whole, part, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(text, "m2"), "m²")), ",", "."), ".")
	if len(whole) == 0 || len(whole) > 6 || len(part) > 2 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	return n, err == nil && n > 0 && n <= 100_000_000
}

// areaText writes 0.01 m² as people do: 12,5.
func areaText(n int64) string {
	text := strconv.FormatInt(n/100, 10)
	if n%100 != 0 {
		text += "," + strings.TrimRight(strconv.FormatInt(100+n%100, 10)[1:], "0")
	}
	return text
}

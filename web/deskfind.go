package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/reconcile"
	"socho/projections"
)

type findLinesPage struct {
	Organization        projections.Organization
	Action              string // where acts on lines go
	Amount, From, Until string
	Payers              string
	Asked, MayFind      bool
	Opened              bool
	Problem             string
	Lines               []deskLine
	Pager               pager
}

// mostPayers bounds the persons that an address names.
const mostPayers = foundMost

// findLines looks for lines by amount and day, on whatever pile they lie, and by
// payers, whom an address names by opaque ids alone.
func (s *site) findLines(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	ask := func(name string) string { return strings.TrimSpace(r.query.Get(name)) }
	page := &findLinesPage{Organization: o, Action: "/desk/" + o.Organization, Amount: ask("amount"), From: ask("from"), Until: ask("until"), Payers: ask("payer"),
		MayFind: s.Desk.Payer != nil && s.mayFind(r, o.Organization)}
	v := &view{template: "deskfind", title: r.language.say("deskfind.title"), section: "desk", crumbs: s.deskCrumbs(r, o), data: page}
	sought := reconcile.Sought{From: page.From, Until: page.Until}
	for _, day := range []string{page.From, page.Until} {
		if day != "" && !events.Date(day).Valid() {
			page.Problem, v.status = r.language.say("run.bad_day"), http.StatusUnprocessableEntity
			return v, nil
		}
	}
	if page.Amount != "" {
		if sought.Minor, err = readMinor(page.Amount, money.VND); err != nil {
			page.Problem, v.status = r.language.say("line.no_amount", "amount", page.Amount), http.StatusUnprocessableEntity
			return v, nil
		}
	}
	if page.Payers != "" {
		sought.Payers = strings.Split(page.Payers, ",")
		if len(sought.Payers) > mostPayers+1 {
			return nil, errBad
		}
	}
	if page.Asked = !sought.Empty(); !page.Asked {
		return v, nil
	}
	rows, next, err := s.Desk.Lines.Find(r.Context(), o.Organization, sought, r.query.Get("cursor"), linesPerPage)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		page.Lines = append(page.Lines, s.deskLine(r, o.Organization, &rows[i]))
	}
	page.Pager = r.pager(next)
	return v, nil
}

// findPayer finds who somebody is that pays, by a name or by the account that the
// money came from, and leads to what they paid. What was looked for is in no address
// and no log; that somebody looked is in the trail.
func (s *site) findPayer(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	if s.Desk.Payer == nil || !s.mayFind(r, o.Organization) {
		return nil, errForbidden
	}
	if err := s.Access.Require(r.Context(), identity.UnsealIdentity, o.Organization); err != nil {
		return nil, err
	}
	text := strings.TrimSpace(r.PostFormValue("sender"))
	if len([]rune(text)) < searchLetters || len(text) > 200 {
		return see("/desk/"+o.Organization+"/find", ""), nil
	}
	entry := identity.Entry{Action: identity.Searched, Organization: o.Organization, Object: "lines", Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, searchesMost, searchesWithin); err != nil {
		return nil, err
	}
	persons, err := s.Names.Find(r.Context(), o.Organization, text, mostPayers)
	if err != nil {
		return nil, err
	}
	payer, err := s.Desk.Payer(r.Context(), o.Organization, text)
	if err != nil {
		return nil, err
	}
	if payer != "" && !slices.Contains(persons, payer) {
		persons = append(persons, payer)
	}
	q := url.Values{"payer": {strings.Join(persons, ",")}}
	for _, name := range []string{"amount", "from", "until"} {
		if value := r.PostFormValue(name); value != "" {
			q.Set(name, value)
		}
	}
	return see("/desk/"+o.Organization+"/find?"+q.Encode(), ""), nil
}

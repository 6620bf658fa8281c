package web

import (
	"errors"
	"slices"
	"strconv"

	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// navItem is one entry of the navigation.
type navItem struct{ Section, Label, Link string }

// nav lists where the visitor can go: to the figures everybody, and to what
// their rights open.
func (s *site) nav(r *request) []navItem {
	items := []navItem{{"overview", r.language.say("nav.overview"), "/"}}
	if r.who == nil {
		return items
	}
	if s.Traders != nil && r.who.Card() {
		return s.traderNav(r)
	}
	add := func(section, link string, rights ...identity.Right) {
		if slices.ContainsFunc(rights, r.who.MaySomewhere) {
			items = append(items, navItem{section, r.language.say("nav." + section), link})
		}
	}
	items = append(items, navItem{"work", r.language.say("nav.work"), "/work"})
	kinds := s.kinds(r)
	for _, kind := range []string{"market", "school", "fund"} {
		if kinds[kind] {
			add(kind, baseOf(kind)[:len(kind)+2], identity.SeeBoard, identity.SeePayouts)
		}
	}
	if s.Desk != nil {
		add("desk", "/desk", identity.MatchPayments)
	}
	add("refusals", "/refusals", identity.SeeRefusals)
	add("events", "/events", identity.SeeEvents)
	if s.Sessions != nil {
		add("people", "/people", identity.ManagePeople)
		add("organizations", "/organizations", identity.SeeTrail)
		add("tokens", "/tokens", identity.ManageTokens)
		add("connections", "/connections", identity.ManageConnections)
		add("trail", "/trail", identity.SeeTrail)
		if s.Verifier != nil && r.who.May(identity.Verify, identity.Everywhere) {
			add("verify", "/verify", identity.Verify)
		}
		add("health", "/health", identity.Verify, identity.SeeTrail)
	}
	return items
}

// kinds of organizations that the visitor has to do with.
func (s *site) kinds(r *request) map[string]bool {
	found := map[string]bool{}
	for _, g := range r.who.Grants {
		if g.Organization == identity.Everywhere {
			return map[string]bool{"market": true, "school": true, "fund": true}
		}
		if o, err := s.Model.Organization(r.Context(), g.Organization); err == nil {
			found[o.Kind] = true
		}
	}
	return found
}

// whoArea is what the frame says of whoever is signed in.
type whoArea struct {
	Name          string
	Roles         string
	Organizations []option // to choose from, where there is more than one
	Organization  string
}

func (s *site) whoArea(r *request) *whoArea {
	if r.who == nil || r.who.Kind != identity.Person {
		return nil
	}
	area := &whoArea{Name: r.who.Name, Organization: r.query.Get("org")}
	var roles, organizations []string
	for _, g := range r.who.Grants {
		if role := r.language.word("role", string(g.Role)); !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
		if g.Organization != identity.Everywhere && !slices.Contains(organizations, g.Organization) {
			organizations = append(organizations, g.Organization)
		}
	}
	for i, role := range roles {
		if i > 0 {
			area.Roles += ", "
		}
		area.Roles += role
	}
	if len(organizations) > 1 {
		area.Organizations = []option{{Label: r.language.say("filter.any")}}
		for _, name := range organizations {
			area.Organizations = append(area.Organizations, option{Value: name, Label: s.nameOf(r, name)})
		}
	}
	return area
}

// nameOf is what an organization calls itself, or its id where that is not known.
func (s *site) nameOf(r *request, organization string) string {
	if organization == identity.Everywhere {
		return r.language.say("everywhere")
	}
	if o, err := s.Model.Organization(r.Context(), organization); err == nil {
		return o.Name
	}
	return organization
}

// task is something that waits for the visitor: what, how much of it, and where
// to go on.
type task struct{ Title, Detail, Count, Link string }

type workPage struct {
	Groups []taskGroup
}

// taskGroup is the work for one organization.
type taskGroup struct {
	Name  string
	Tasks []task
}

// maxGroups bounds how many organizations' work stands on one page.
const maxGroups = 20

// work says what waits for the visitor, organization by organization.
func (s *site) work(r *request) (*view, error) {
	if s.Traders != nil && r.who.Card() {
		return see(traderBase(r.who), ""), nil
	}
	var page workPage
	chosen := r.query.Get("org")
	seen := map[string]bool{}
	for _, g := range r.who.Grants {
		if seen[g.Organization] || g.Organization == identity.Everywhere || chosen != "" && g.Organization != chosen || len(page.Groups) == maxGroups {
			continue
		}
		seen[g.Organization] = true
		o, err := s.Model.Organization(r.Context(), g.Organization)
		if errors.Is(err, readmodel.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		tasks, err := s.tasksIn(r, o)
		if err != nil {
			return nil, err
		}
		if len(tasks) > 0 {
			page.Groups = append(page.Groups, taskGroup{o.Name, tasks})
		}
	}
	tasks, err := s.tasksAnywhere(r)
	if err != nil {
		return nil, err
	}
	if len(tasks) > 0 {
		page.Groups = append(page.Groups, taskGroup{r.language.say("work.everywhere"), tasks})
	}
	return &view{template: "work", title: r.language.say("work.title"), section: "work", data: page}, nil
}

// tasksIn finds what waits in one organization, within the visitor's rights.
func (s *site) tasksIn(r *request, o projections.Organization) (tasks []task, err error) {
	l, id := r.language, o.Organization
	add := func(key, link string, count int64, detail string) {
		tasks = append(tasks, task{Title: l.say("task." + key), Detail: detail, Count: l.number(count), Link: link})
	}
	if o.Kind == "fund" && (r.who.May(identity.SeePayouts, id) || r.who.May(identity.SeeBoard, id)) {
		tasks, err = s.fundTasks(r, id)
		if s.PayPoints != nil && r.who.May(identity.PayCash, id) {
			tasks = append([]task{{Title: l.say("task.pay_cash"), Detail: l.say("task.pay_cash.detail"), Link: "/paypoints/" + id}}, tasks...)
		}
		return tasks, err
	}
	if r.who.May(identity.SeeBoard, id) {
		periods, err := s.Model.BillPeriods(r.Context(), id)
		if err != nil || len(periods) == 0 {
			return nil, err
		}
		totals, err := s.Model.BillTotals(r.Context(), id, readmodel.BillFilter{Period: periods[0]})
		if err != nil {
			return nil, err
		}
		for _, t := range totals {
			add("unpaid."+o.Kind, baseOf(o.Kind)+id+"?period="+periods[0], t.Open+t.PartPaid,
				l.say("task.owed", "sum", l.total(t.OwedSum, t.Currency), "month", month(periods[0])))
		}
	}
	if s.Desk != nil && r.who.May(identity.MatchPayments, id) {
		tabs, err := s.deskTabs(r, id, "")
		if err != nil {
			return nil, err
		}
		for _, t := range tabs[:3] { // what a person has to look at
			if t.Count > 0 {
				add("desk."+string(t.Tab), t.Link, t.Count, t.Sum)
			}
		}
	}
	if r.who.May(identity.TakeCash, id) {
		held, _, err := s.Model.Holdings(r.Context(), id, projections.HoldingCollector, readmodel.Page{Limit: stallsPerPage})
		if err != nil {
			return nil, err
		}
		var sum money.Total
		for _, h := range held {
			sum = sum.Plus(h.Amount)
		}
		add("cash", "/collect/"+id, int64(len(held)), l.say("task.cash.sum", "sum", l.total(sum, money.VND)))
	}
	for _, g := range r.who.Grants {
		if g.Role != identity.Trader || g.Organization != id {
			continue
		}
		bills, _, err := s.Model.Bills(r.Context(), id, readmodel.BillFilter{Stall: g.Object}, readmodel.Page{Limit: readmodel.MaxLimit})
		if err != nil {
			return nil, err
		}
		var owed money.Total
		var n int64
		for _, b := range bills {
			if b.Owed() > 0 && !b.Reversed {
				owed, n = owed.Plus(b.Owed()), n+1
			}
		}
		detail := l.say("stall.clear")
		if n > 0 {
			detail = l.say("task.stall.owed", "sum", l.total(owed, money.VND))
		}
		add("stall", "/stalls/"+id+"/"+g.Object, n, detail)
	}
	return tasks, nil
}

// fundTasks finds what waits in a fund: payouts that came back, that nobody has
// sent yet, and people who were not paid.
func (s *site) fundTasks(r *request, id string) (tasks []task, err error) {
	if tasks, err = s.listTasks(r, id); err != nil {
		return nil, err
	}
	latest, err := s.Figures.LatestPeriod(r.Context(), projections.Benefits)
	if errors.Is(err, readmodel.ErrNotFound) {
		return tasks, nil
	}
	if err != nil {
		return nil, err
	}
	summary, err := s.Model.PayoutSummary(r.Context(), id, latest)
	if err != nil {
		return nil, err
	}
	l, link := r.language, "/funds/"+id+"?period="+latest
	detail := l.say("fund.month", "month", month(latest))
	for _, t := range []struct {
		key, status string
		count       int64
	}{
		{"returned", projections.PayoutReturned, summary.Returned},
		{"ordered", projections.PayoutOrdered, summary.Payouts[projections.PayoutOrdered]},
		{"sent", projections.PayoutSent, summary.Payouts[projections.PayoutSent]},
		{"carried", "", summary.CarriedForward},
	} {
		to := link
		if t.status != "" {
			to += "&status=" + t.status
		}
		tasks = append(tasks, task{l.say("task." + t.key), detail, l.number(t.count), to})
	}
	return tasks, nil
}

// tasksAnywhere finds what waits wherever the visitor has a right.
func (s *site) tasksAnywhere(r *request) (tasks []task, err error) {
	l := r.language
	if r.who.MaySomewhere(identity.SeeRefusals) {
		found, err := s.Outcomes.RecentOutcomes(r.Context(), notTaken, r.scope(identity.SeeRefusals), nil, eventsPerPage+1)
		if err != nil {
			return nil, err
		}
		count := strconv.Itoa(len(found))
		if len(found) > eventsPerPage {
			count = l.say("more_than", "n", eventsPerPage)
		}
		tasks = append(tasks, task{l.say("task.refusals"), l.say("task.refusals.detail"), count, "/refusals"})
	}
	for _, t := range []struct {
		key, link string
		right     identity.Right
	}{
		{"search", "/events", identity.SeeEvents},
		{"people", "/people", identity.ManagePeople},
		{"organizations", "/organizations", identity.SeeTrail},
		{"tokens", "/tokens", identity.ManageTokens},
		{"connections", "/connections", identity.ManageConnections},
		{"trail", "/trail", identity.SeeTrail},
		{"health", "/health", identity.SeeTrail},
	} {
		if r.who.MaySomewhere(t.right) && (s.Sessions != nil || t.right == identity.SeeEvents) {
			tasks = append(tasks, task{Title: l.say("task." + t.key), Detail: l.say("task." + t.key + ".detail"), Link: t.link})
		}
	}
	return tasks, nil
}

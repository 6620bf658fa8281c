package web

import (
	"slices"

	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/projections"
)

// fundMonthPage is a month of a fund: what was drawn up, what goes to the bank, and
// what comes next for whoever looks.
type fundMonthPage struct {
	Organization projections.Organization
	Period       string
	Months       []option
	Next         nextStep
	Summary      readmodel.PayoutSummary
	Lists        []listRow
	Batches      []payouts.BatchState
	Waits        []readmodel.Waiting
	Refused      []payouts.NotOrdered
	Codes        []codeCount
	May          monthRights
}

// monthRights are what the visitor may do in a fund's month.
type monthRights struct{ Propose, Approve, Export, Results bool }

func (r *request) monthRights(organization string) monthRights {
	return monthRights{r.who.May(identity.ProposePayouts, organization), r.who.May(identity.ApprovePayouts, organization),
		r.who.May(identity.ExportPersonal, organization), r.who.May(identity.MatchPayments, organization)}
}

// nextStep is what comes next: in words, and where the visitor does it; no link
// where it is another's turn.
type nextStep struct{ Text, Link, Label string }

// listRow is a list with who acts next.
type listRow struct {
	payouts.ListState
	Turn    string // a word of payouts.turn
	Lacking int    // words that are still to be given
}

type codeCount struct {
	Code string
	N    int
}

// refusedShown is how many refused orders stand on a month's page.
const refusedShown = 50

func (s *site) fundMonth(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	work, id := s.payouts(r), o.Organization
	page := fundMonthPage{Organization: o, Period: period, Months: r.monthOptions(period), May: r.monthRights(id)}
	if page.Summary, err = s.Model.PayoutSummary(r.Context(), id, period); err != nil {
		return nil, err
	}
	lists, err := work.Lists(r.Context(), id, period)
	if err != nil {
		return nil, err
	}
	for i := range lists {
		page.Lists = append(page.Lists, rowOf(lists[i]))
	}
	if page.Batches, err = work.Batches(r.Context(), id, period); err != nil {
		return nil, err
	}
	if page.Waits, err = work.Waits(r.Context(), id, period); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(lists, func(l payouts.ListState) bool { return l.State == projections.ListApproved }) {
		var codes map[string]int
		if page.Refused, codes, err = work.Refused(r.Context(), id, period, refusedShown); err != nil {
			return nil, err
		}
		for code, n := range codes {
			page.Codes = append(page.Codes, codeCount{code, n})
		}
		slices.SortFunc(page.Codes, func(a, b codeCount) int { return b.N - a.N })
	}
	page.Next = s.nextStep(r, &page)
	v := &view{template: "fund_month", title: r.language.say("payouts.month", "month", month(period)), section: "fund", crumbs: r.crumbs(o), data: &page}
	return v, nil
}

// listTasks are the lists of a fund that wait for the visitor, and the month itself.
func (s *site) listTasks(r *request, id string) (tasks []task, err error) {
	if s.Payouts == nil || !r.who.May(identity.SeePayouts, id) {
		return nil, nil
	}
	l, may := r.language, r.monthRights(id)
	for _, turn := range []struct {
		state, link string
		may         bool
	}{{projections.ListProposed, "/approve", may.Approve}, {projections.ListOpen, "", may.Propose}} {
		if !turn.may {
			continue
		}
		lists, err := s.payouts(r).ListsIn(r.Context(), id, turn.state)
		if err != nil {
			return nil, err
		}
		for _, list := range lists[:min(len(lists), refusedShown)] {
			tasks = append(tasks, task{l.say("task.list_" + turn.state), l.say("task.list.detail", "list", list.List, "month", month(list.Period)), "", listLink(id, list.List) + turn.link})
		}
	}
	if may.Propose || may.Approve || may.Export || may.Results {
		tasks = append(tasks, task{l.say("task.month"), l.say("task.month.detail"), "", "/funds/" + id + "/month"})
	}
	return tasks, nil
}

func rowOf(l payouts.ListState) listRow {
	row := listRow{ListState: l, Turn: "nobody", Lacking: max(l.Words-len(l.Approved), 0)}
	switch l.State {
	case projections.ListOpen:
		row.Turn = "proposer"
	case projections.ListProposed:
		row.Turn = "approver"
	case projections.ListApproved:
		row.Turn = "bank"
	}
	return row
}

// nextStep finds what comes next in a month, and says it to whoever looks: what
// waits for them before what waits for others.
func (s *site) nextStep(r *request, p *fundMonthPage) nextStep {
	l, id := r.language, p.Organization.Organization
	var open, proposed, standing []listRow
	for _, row := range p.Lists {
		switch row.State {
		case projections.ListOpen:
			open = append(open, row)
		case projections.ListProposed:
			proposed = append(proposed, row)
		}
		if row.State != projections.ListWithdrawn {
			standing = append(standing, row)
		}
	}
	waits, back := 0, int64(0)
	for _, w := range p.Waits {
		if w.Back {
			back += w.Count
		} else {
			waits += int(w.Count)
		}
	}
	var closed, submitted, unfinished *payouts.BatchState
	for i := range p.Batches {
		b := &p.Batches[i]
		switch {
		case b.State == projections.BatchOpen:
			unfinished = b
		case b.State == projections.BatchClosed:
			closed = b
		case b.State == projections.BatchSubmitted && b.Stands[projections.PayoutSent] > 0:
			submitted = b
		}
	}
	steps := []struct {
		key   string
		is    bool
		may   bool
		link  string
		value []any
	}{
		{"approve", len(proposed) > 0, p.May.Approve, "", nil},
		{"propose", len(open) > 0, p.May.Propose, "", nil},
		{"import", len(standing) == 0, p.May.Propose, "/funds/" + id + "/import?period=" + p.Period, nil},
		{"unfinished", unfinished != nil, p.May.Export, "/funds/" + id + "/export?period=" + p.Period, nil},
		{"submit", closed != nil, p.May.Propose, "", nil},
		{"export", waits > 0 && closed == nil, p.May.Export, "/funds/" + id + "/export?period=" + p.Period, []any{"n", l.number(int64(waits))}},
		{"results", submitted != nil, p.May.Results, "/funds/" + id + "/results?period=" + p.Period, nil},
		{"returned", back > 0, p.May.Propose, "/funds/" + id + "/returned?period=" + p.Period, []any{"n", l.number(back)}},
		{"refused", len(p.Refused) > 0, p.May.Propose, "#refused", []any{"n", l.number(int64(len(p.Refused)))}},
	}
	for i := range steps {
		switch step := &steps[i]; {
		case step.key == "approve" && step.is:
			step.link, step.value = listLink(id, proposed[0].List)+"/approve", []any{"list", proposed[0].List}
		case step.key == "propose" && step.is:
			step.link, step.value = listLink(id, open[0].List), []any{"list", open[0].List}
		case step.key == "submit" && step.is:
			step.link, step.value = "/funds/"+id+"/batches/"+closed.Batch.Batch, []any{"batch", closed.Batch.Batch}
		}
	}
	for _, step := range steps {
		if step.is && step.may {
			return nextStep{l.say("payouts.next."+step.key, step.value...), step.link, l.say("payouts.next." + step.key + ".do")}
		}
	}
	for _, step := range steps {
		if step.is {
			return nextStep{Text: l.say("payouts.next."+step.key, step.value...) + " " + l.say("payouts.wait."+step.key)}
		}
	}
	return nextStep{Text: l.say("payouts.next.done")}
}

func listLink(organization, list string) string { return "/funds/" + organization + "/lists/" + list }

// orderAgain tries once more what was refused of a month's orders.
func (s *site) orderAgain(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	return s.begin(r, o, "payout_order", choreAbout{Period: period}, nil)
}

// returnedPage is what came back of a month: why, and what to do about each.
type returnedPage struct {
	Organization projections.Organization
	Period       string
	Months       []option
	Payouts      []projections.Payout
	Pager        pager
	May          monthRights
	Again        int64 // those that may go out again as they are
}

func (s *site) returned(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	page := returnedPage{Organization: o, Period: period, Months: r.monthOptions(period), May: r.monthRights(o.Organization)}
	found, next, err := s.Model.Payouts(r.Context(), o.Organization, readmodel.PayoutFilter{Period: period, Status: projections.PayoutReturned}, r.slice(billsPerPage))
	if err != nil {
		return nil, err
	}
	waits, err := s.payouts(r).Waits(r.Context(), o.Organization, period)
	if err != nil {
		return nil, err
	}
	for _, w := range waits {
		if w.Back {
			page.Again += w.Count
		}
	}
	page.Payouts, page.Pager = found, r.pager(next)
	return s.underMonth(r, &view{template: "fund_returned", title: r.language.say("returned.title", "month", month(period)), data: &page}, o, period), nil
}

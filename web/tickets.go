package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/projections"
)

// tickets are the routes of those who hand tickets out and sell them.
func (s *site) tickets() []route {
	return []route{
		{pattern: "GET /collect/{org}/tickets", rights: rights{identity.TakeCash, identity.IssueBills}, where: inPath, show: s.ticketsPage},
		{pattern: "POST /collect/{org}/tickets", rights: rights{identity.TakeCash}, where: inPath, show: s.sellTickets},
		{pattern: "POST /collect/{org}/tickets/back", rights: rights{identity.TakeCash, identity.IssueBills}, where: inPath, show: s.ticketsBack},
		{pattern: "POST /collect/{org}/tickets/paid", rights: rights{identity.MatchPayments}, where: inPath, show: s.ticketsPaid},
		{pattern: "POST /collect/{org}/tickets/new", rights: rights{identity.IssueBills}, where: inPath, show: s.handTickets},
	}
}

type ticketPage struct {
	Organization projections.Organization
	Ranges       []ticketRange
	HandOut      *form // nil: the visitor hands none out
}

// ticketRange is a range with the form that says what it sold.
type ticketRange struct {
	billing.Range
	Left int64
	Sell *form // nil: it is somebody else's, or nothing is left
	Back *form // nil: nothing is left to bring back
	Paid *form // nil: the visitor does not match payments, or nothing is left
}

func (s *site) ticketsPage(r *request) (*view, error) {
	v, _, err := s.ticketView(r)
	return v, err
}

func (s *site) ticketView(r *request) (*view, *ticketPage, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, nil, err
	}
	ranges, err := s.financeOf(r).Ranges(r.Context(), o.Organization)
	if err != nil {
		return nil, nil, err
	}
	page := &ticketPage{Organization: o}
	board := r.who.May(identity.IssueBills, o.Organization)
	for _, one := range slices.Backward(ranges) { // the latest first
		if !board && one.Collector != r.who.ID {
			continue
		}
		t := ticketRange{Range: one, Left: one.Left()}
		if one.Collector == r.who.ID && t.Left > 0 {
			count := r.ask("count", "text", "off")
			count.Max, count.Digits, count.Value = 7, true, ""
			t.Sell = &form{Action: "/collect/" + o.Organization + "/tickets", Submit: r.language.say("tickets.sold"), Fields: []formField{count, hidden("range", one.Range), hidden("fact", newID())}}
			t.Sell.Fields[0].Name = "count"
		}
		s.ticketBack(r, page, &t)
		page.Ranges = append(page.Ranges, t)
	}
	if board {
		who, name, price, first, last := r.ask("ticket_collector", "text", "off"), r.ask("ticket_range", "text", "off"), r.ask("ticket_price", "text", "off"), r.ask("ticket_first", "text", "off"), r.ask("ticket_last", "text", "off")
		who.Max, name.Max, price.Max, first.Max, last.Max = 64, 64, 15, 10, 10
		page.HandOut = &form{Action: "/collect/" + o.Organization + "/tickets/new", Submit: r.language.say("tickets.hand"), Fields: []formField{who, name, price, first, last, hidden("fact", newID())}}
		if who.Value == "" {
			page.HandOut.Fields[0].Value = r.who.ID
		}
		if id := r.PostFormValue("fact"); id != "" {
			page.HandOut.Fields[5].Value = id
		}
	}
	v := &view{template: "tickets", title: r.language.say("tickets.title"), section: "market", data: page}
	v.crumbs = append(r.crumbs(o), crumb{r.language.say("collect.short"), "/collect/" + o.Organization})
	return v, page, nil
}

// handTickets writes down that a collector was given a range of tickets.
func (s *site) handTickets(r *request) (*view, error) {
	v, page, err := s.ticketView(r)
	if err != nil || page.HandOut == nil {
		return v, err
	}
	collector := strings.TrimSpace(r.PostFormValue("ticket_collector"))
	name, price := strings.TrimSpace(r.PostFormValue("ticket_range")), r.PostFormValue("ticket_price")
	amount, ok := dongOf(price)
	first, err1 := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("ticket_first")), 10, 32)
	last, err2 := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("ticket_last")), 10, 32)
	wrong := func(field int, text string) (*view, error) {
		page.HandOut.Fields[field].Error, v.status = text, http.StatusUnprocessableEntity
		return v, nil
	}
	switch {
	case !events.ValidID(collector) || !events.Opaque(collector):
		return wrong(0, r.language.say("tickets.bad_collector"))
	case !events.ValidID(name):
		return wrong(1, r.language.say("tickets.bad_range"))
	case !ok:
		return wrong(2, r.language.say("cash.amount"))
	case errors.Join(err1, err2) != nil || first < 1 || last < first:
		return wrong(4, r.language.say("tickets.bad_numbers"))
	}
	from, to := events.Count(first), events.Count(last)
	fact := &events.TicketsHandedOut{Dated: events.Dated{EffectiveOn: r.today()}, Sum: events.Sum{Amount: amount, Currency: money.VND}, Range: events.ID(name),
		Collector: events.ID(collector), Item: "ticket", First: &from, Last: &to}
	d, err := r.draft(page.Organization.Organization, r.PostFormValue("fact"), "market.tickets_handed_out", fact, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, &formPage{Form: page.HandOut}, err)
	}
	return see("/collect/"+page.Organization.Organization+"/tickets", "tickets_handed"), nil
}

// sellTickets writes down how many tickets of the visitor's own range were sold.
func (s *site) sellTickets(r *request) (*view, error) {
	v, page, err := s.ticketView(r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(page.Ranges, func(t ticketRange) bool { return t.Range.Range == r.PostFormValue("range") && t.Sell != nil })
	if i < 0 {
		return nil, errBad
	}
	t := &page.Ranges[i]
	n, err := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("count")), 10, 32)
	if err != nil || n < 1 || n > t.Left {
		t.Sell.Fields[0].Error, v.status = r.language.say("tickets.bad_count", "n", t.Left), http.StatusUnprocessableEntity
		return v, nil
	}
	count := events.Count(n)
	fact := &events.TicketsSold{Dated: events.Dated{EffectiveOn: r.today()}, Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(n*t.Price, 10)), Currency: money.VND},
		Range: events.ID(t.Range.Range), Method: "cash", Collector: events.ID(r.who.ID), Count: &count}
	d, err := r.draft(page.Organization.Organization, r.PostFormValue("fact"), "market.tickets_sold", fact, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, &formPage{Form: t.Sell}, err)
	}
	return see("/collect/"+page.Organization.Organization+"/tickets", "tickets_sold"), nil
}

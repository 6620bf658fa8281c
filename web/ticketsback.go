package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
)

// ticketMoney are the ways, other than cash, in which tickets are paid for without a
// line of the bank that is known.
var ticketMoney = []string{"qr", "card", "ewallet", "bank"}

// ticketBack are the forms for what was not sold for cash: tickets that came back,
// and those that were paid for otherwise.
func (s *site) ticketBack(r *request, page *ticketPage, t *ticketRange) {
	if t.Left <= 0 {
		return
	}
	o := page.Organization.Organization
	count := r.ask("count", "text", "off")
	count.Max, count.Digits, count.Value = 7, true, ""
	count.Label = r.language.say("tickets.back.count")
	t.Back = &form{Action: "/collect/" + o + "/tickets/back", Submit: r.language.say("tickets.back"), Fields: []formField{count, hidden("range", t.Range.Range), hidden("fact", newID())}}
	if r.who.May(identity.MatchPayments, o) {
		paid, method := count, formField{Name: "method", Type: "select", Label: r.language.say("tickets.method"), Options: r.language.options("method", ticketMoney), Required: true}
		paid.Label = r.language.say("tickets.paid.count")
		t.Paid = &form{Action: "/collect/" + o + "/tickets/paid", Submit: r.language.say("tickets.paid"), Fields: []formField{paid, method, hidden("range", t.Range.Range), hidden("fact", newID())}}
	}
}

// ticketsBack writes down that tickets came back unsold.
func (s *site) ticketsBack(r *request) (*view, error) {
	return s.ticketCount(r, func(t *ticketRange) *form { return t.Back }, "market.tickets_returned", "tickets_back", func(t *ticketRange, n int64) (events.Fact, error) {
		count := events.Count(n)
		return &events.TicketsReturned{Dated: events.Dated{EffectiveOn: r.today()}, Range: events.ID(t.Range.Range), Count: &count}, nil
	})
}

// ticketsPaid writes down that tickets were paid for, and not in cash.
func (s *site) ticketsPaid(r *request) (*view, error) {
	return s.ticketCount(r, func(t *ticketRange) *form { return t.Paid }, "market.tickets_sold", "tickets_sold", func(t *ticketRange, n int64) (events.Fact, error) {
		method := r.PostFormValue("method")
		if !slices.Contains(ticketMoney, method) {
			return nil, errBad
		}
		count := events.Count(n)
		return &events.TicketsSold{Dated: events.Dated{EffectiveOn: r.today()}, Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(n*t.Price, 10)), Currency: money.VND},
			Range: events.ID(t.Range.Range), Method: events.Word(method), Count: &count}, nil
	})
}

// ticketCount says a fact about so many tickets of a range that is on the page.
func (s *site) ticketCount(r *request, of func(*ticketRange) *form, name, done string, fact func(*ticketRange, int64) (events.Fact, error)) (*view, error) {
	v, page, err := s.ticketView(r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(page.Ranges, func(t ticketRange) bool { return t.Range.Range == r.PostFormValue("range") })
	if i < 0 || of(&page.Ranges[i]) == nil {
		return nil, errBad
	}
	t := &page.Ranges[i]
	asked := of(t)
	n, err := strconv.ParseInt(strings.TrimSpace(r.PostFormValue("count")), 10, 32)
	if err != nil || n < 1 || n > t.Left {
		asked.Fields[0].Error, v.status = r.language.say("tickets.bad_count", "n", t.Left), http.StatusUnprocessableEntity
		return v, nil
	}
	f, err := fact(t, n)
	if err != nil {
		return nil, err
	}
	d, err := r.draft(page.Organization.Organization, r.PostFormValue("fact"), name, f, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, &formPage{Form: asked}, err)
	}
	return see("/collect/"+page.Organization.Organization+"/tickets", done), nil
}

package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/money"
	"socho/internal/reconcile"
)

// marketUse is what a line that came in may be for at a market, where no bill asks
// for it: cash that a collector has banked, or tickets.
type marketUse struct {
	Use           string // of marketUses
	Title, Lead   string
	Action, NewID string
	Name          string // of the choice
	Choices       []option
	Sum           string // what is offered
}

// marketUses are the facts by which lines are told to be for it.
var marketUses = map[string]string{"banked": "market.cash_banked", "tickets": "market.tickets_sold"}

// marketForms prepares the forms for what is left of a line.
func (s *site) marketForms(r *request, page *linePage, l *reconcile.Row) error {
	if page.Organization.Kind != "market" || l.Left <= 0 || l.Currency != money.VND || l.Kind != "payment" || l.Direction != "in" {
		return nil
	}
	add := func(use, name string, choices []option) {
		if len(choices) > 0 {
			page.Market = append(page.Market, marketUse{use, r.language.say("lineown." + use), r.language.say("lineown." + use + ".lead"), page.Action, newID(), name, choices, r.language.number(l.Left)})
		}
	}
	holders, err := s.allHeld(r, page.Organization.Organization)
	if err != nil {
		return err
	}
	var who []option
	for _, h := range holders {
		if h.Currency == money.VND && h.Amount > 0 {
			who = append(who, option{Value: h.Holder, Label: s.collectorName(r, h.Holder) + " · " + r.language.minor(h.Amount, h.Currency)})
		}
	}
	add("banked", "collector", who)
	if s.Finance == nil {
		return nil
	}
	ranges, err := s.financeOf(r).Ranges(r.Context(), page.Organization.Organization)
	if err != nil {
		return err
	}
	var tickets []option
	for _, one := range slices.Backward(ranges) {
		if n := l.Left / one.Price; l.Left%one.Price == 0 && n <= one.Left() {
			tickets = append(tickets, option{Value: one.Range, Label: one.Range + " · " + r.language.say("lineown.tickets.n", "n", n)})
		}
	}
	add("tickets", "range", tickets)
	return nil
}

// marketUsed makes the fact of what a line was for, as of the line's day.
func (s *site) marketUsed(r *request, page *linePage, l *reconcile.Row) ([]events.Draft, error) {
	organization, use := page.Organization.Organization, r.PostFormValue("use")
	if marketUses[use] == "" || page.Organization.Kind != "market" || l.Direction != "in" || s.Finance == nil {
		return nil, errBad
	}
	minor, err := readMinor(cmp.Or(strings.TrimSpace(r.PostFormValue("amount")), strconv.FormatInt(l.Left, 10)), l.Currency)
	if err != nil {
		return nil, &wrongField{r.language.say("line.no_amount", "amount", r.PostFormValue("amount"))}
	}
	if minor > l.Left {
		return nil, &wrongField{r.language.say("line.too_much", "left", r.language.minor(l.Left, l.Currency))}
	}
	sum, err := sumOf(minor, l.Currency)
	if err != nil {
		return nil, err
	}
	dated, line := events.Dated{EffectiveOn: events.Date(l.On)}, events.ID(l.Line)
	var fact events.Fact
	if use == "banked" {
		fact = &events.CashBanked{Dated: dated, Sum: sum, Collector: events.ID(r.PostFormValue("collector")), Line: line}
	} else {
		ranges, err := s.financeOf(r).Ranges(r.Context(), organization)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(ranges, func(one billing.Range) bool { return one.Range == r.PostFormValue("range") })
		if i < 0 {
			return nil, errBad
		}
		if minor%ranges[i].Price != 0 {
			return nil, &wrongField{r.language.say("lineown.not_whole", "price", r.language.minor(ranges[i].Price, money.VND))}
		}
		count := events.Count(minor / ranges[i].Price)
		fact = &events.TicketsSold{Dated: dated, Sum: sum, Range: events.ID(ranges[i].Range), Count: &count, Method: "bank", Line: line}
	}
	draft, err := r.draft(organization, r.PostFormValue("id"), marketUses[use], fact, nil)
	return []events.Draft{draft}, err
}

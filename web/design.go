package web

import (
	"socho/internal/money"
	"socho/projections"
)

// designPage shows every part in every state, for whoever builds pages.
type designPage struct {
	Themes   []string
	Steps    []string
	Statuses map[string][]string
	Form     form
	Confirm  confirmation
	Rows     []designRow
	Sum      int64
	Trend    *trend
	Pay      *payment
	Failures []errorPage
	Pager    pager
}

// designRow is a line of the table that the page of parts shows.
type designRow struct {
	Stall, Status string
	Issued, Paid  int64
}

// design shows the parts. It is there while the sample is loaded, and nowhere
// that real money is written down.
func (s *site) design(r *request) (*view, error) {
	if s.Sample == nil {
		return nil, errNoPage
	}
	if loaded, err := s.Sample(r.Context()); err != nil || !loaded {
		return nil, errNoPage
	}
	l := r.language
	page := designPage{
		Themes: []string{"light", "dark"}, Steps: r.setUpSteps(),
		Statuses: map[string][]string{"bill_status": append([]string{"none"}, billStatuses...), "payout_status": payoutStatuses,
			"outcome": {"posted", "recorded", "duplicate", "refused", "malformed", "misrouted", "conflict"}},
		Form: form{Action: "/design", Submit: l.say("filter.show"), Cancel: "/design", Problem: l.say("error.bad"), Fields: []formField{
			{Name: "name", Label: l.say("col.name"), Required: true, Autocomplete: "off"},
			{Name: "class", Label: l.say("col.class"), Hint: l.say("lead.school"), Value: "3A"},
			{Name: "amount", Label: l.say("col.amount"), Value: "61.oo0", Error: l.say("reason.bad_decimal"), Hint: l.say("reason.wrong_scale")},
			{Name: "code", Label: l.say("col.record"), Digits: true, Max: 6, Value: "123456", Autocomplete: "off"},
			{Name: "status", Label: l.say("filter.status"), Type: "select", Value: "paid", Options: l.options("bill_status", billStatuses)},
			{Name: "method", Label: l.say("col.method"), Type: "radio", Value: "qr", Options: l.options("method", []string{"qr", "cash", "bank"})},
			{Name: "agree", Label: l.say("kind.market"), Type: "checkbox", Value: "yes"},
		}},
		Confirm: confirmation{Question: l.say("event.title", "shard", 1, "offset", 4), Consequence: l.say("event.balanced"),
			Form: form{Action: "/design", Submit: l.say("fact.ledger.reversed"), Cancel: "/design", Danger: true}},
		Rows:  []designRow{{"A12", projections.BillOpen, 1_234_000, 0}, {"A13", projections.BillPartPaid, 61_000, 20_000}, {"B01", projections.BillPaid, 61_000, 61_000}},
		Sum:   1_356_000,
		Pager: pager{First: "/design", Next: "/design"},
	}
	for _, f := range []*failure{errBad, errForbidden, errNoPage, errMethod, errTooLarge, errTooOften, errFault, errSlow} {
		page.Failures = append(page.Failures, errorPage{Status: f.status, Key: f.key})
	}
	months := projections.MonthsBefore("2026-09", trendMonths)
	figures := make([]projections.Figure, len(months))
	for i, month := range months {
		figures[i] = projections.Figure{Period: month, Rate: new([]string{"42.0", "44.5", "47.1", "51.0", "55.5", "61.2", "66.0", "70.3", "75.0", "79.9", "83.4", "86.2"}[i])}
	}
	page.Trend = l.trend(figures)
	page.Pay = s.payment(r, projections.Organization{Organization: "design", Name: "Cho Dong Van", BankBIN: "970436", Account: "0011001234567"},
		&projections.Bill{Kind: "market", Reference: "CH2609DF4EP", Currency: money.VND, Issued: 61_000})
	return &view{template: "design", title: l.say("design.title"), crumbs: []crumb{{l.say("nav.overview"), "/"}}, data: page}, nil
}

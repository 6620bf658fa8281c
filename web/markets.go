package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// OrganizationSource lists who keeps a book here.
type OrganizationSource interface {
	Organizations(ctx context.Context, f readmodel.OrganizationFilter, p readmodel.Page) ([]projections.Organization, string, error)
	Organization(ctx context.Context, organization string) (projections.Organization, error)
}

// BoardSource says where a market's collection stands.
type BoardSource interface {
	Stalls(ctx context.Context, organization, period string, p readmodel.Page) ([]readmodel.StallRow, string, error)
	Holdings(ctx context.Context, organization, kind string, p readmodel.Page) ([]projections.Holding, string, error)
}

// stallsPerPage keeps a board of a large market to a few pages.
const stallsPerPage = 100

type organizationsPage struct {
	Kind          string // market, school or fund
	Base          string // address of one
	Organizations []projections.Organization
	Pager         pager
}

func (s *site) organizations(r *request, kind, base string) (*view, error) {
	list, next, err := s.own(r, kind, identity.SeeBoard, identity.SeePayouts)
	if err != nil {
		return nil, err
	}
	return &view{template: "organizations", title: r.language.say(kind + "s.title"), section: kind, data: organizationsPage{kind, base, list, r.pager(next)}}, nil
}

// own lists the organizations of a kind where the visitor has one of the rights.
func (s *site) own(r *request, kind string, rights ...identity.Right) (list []projections.Organization, next string, err error) {
	var names []string
	for _, right := range rights {
		some := r.scope(right)
		if some == nil {
			return s.Model.Organizations(r.Context(), readmodel.OrganizationFilter{Kind: kind}, r.slice(stallsPerPage))
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		o, err := s.Model.Organization(r.Context(), name)
		if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
			return nil, "", err
		}
		if err == nil && o.Kind == kind {
			list = append(list, o)
		}
	}
	return list, "", nil
}

func (s *site) markets(r *request) (*view, error) { return s.organizations(r, "market", "/markets/") }

// organization finds the one that an address names, of the kind that the page
// is about.
func (s *site) organization(r *request, kind string) (projections.Organization, error) {
	o, err := s.Model.Organization(r.Context(), r.PathValue("org"))
	if err == nil && kind != "" && o.Kind != kind {
		return o, readmodel.ErrNotFound
	}
	return o, err
}

// crumbs leads down to an organization's own page, where the visitor may go
// there.
func (r *request) crumbs(o projections.Organization) []crumb {
	base := baseOf(o.Kind)
	if base == "" || !r.who.May(identity.SeeBoard, o.Organization) && !r.who.May(identity.SeePayouts, o.Organization) {
		return []crumb{{r.language.say("nav.work"), "/work"}, {o.Name, ""}}
	}
	return []crumb{{r.language.say("nav." + o.Kind), strings.TrimSuffix(base, "/")}, {o.Name, base + o.Organization}}
}

// billMonths lists the months that an organization has bills for, and which of
// them the visitor asked for: the latest one unless said otherwise.
func (s *site) billMonths(r *request, organization string) (periods []string, chosen string, err error) {
	if periods, err = s.Model.BillPeriods(r.Context(), organization); err != nil {
		return nil, "", err
	}
	if chosen = r.query.Get("period"); chosen != "" {
		if months, err := projections.Months(chosen); err != nil || len(months) != 1 {
			return nil, "", errBad
		}
		if !slices.Contains(periods, chosen) {
			periods = append([]string{chosen}, periods...)
		}
	} else if len(periods) > 0 {
		chosen = periods[0]
	}
	return periods, chosen, nil
}

type marketPage struct {
	Single       bool // the visitor may see single bills
	Find         bool // and find people by name
	Office       bool // and work in its finance office
	Collect      bool // and take cash
	Cards        bool // there are pages about the cards at stalls
	Alerts       int64
	Organization projections.Organization
	Periods      []string
	Period       string
	Totals       []readmodel.BillTotal
	Stalls       []readmodel.StallRow
	Cash         []projections.Holding
	CashMore     bool // more collectors hold cash than are listed
	Pager        pager
}

func (s *site) market(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := marketPage{Organization: o, Single: r.who.May(identity.SeeBills, o.Organization), Find: s.mayFind(r, o.Organization), Office: s.mayFinance(r, o.Organization), Collect: s.Recorder != nil && r.who.May(identity.TakeCash, o.Organization)}
	if page.Periods, page.Period, err = s.billMonths(r, o.Organization); err != nil {
		return nil, err
	}
	if page.Totals, err = s.Model.BillTotals(r.Context(), o.Organization, readmodel.BillFilter{Period: page.Period}); err != nil {
		return nil, err
	}
	var next string
	if page.Stalls, next, err = s.Model.Stalls(r.Context(), o.Organization, page.Period, r.slice(stallsPerPage)); err != nil {
		return nil, err
	}
	page.Pager = r.pager(next)
	cash, more, err := s.Model.Holdings(r.Context(), o.Organization, projections.HoldingCollector, readmodel.Page{Limit: stallsPerPage})
	if err != nil {
		return nil, err
	}
	page.Cash, page.CashMore = cash, more != ""
	if page.Cards = s.Cards != nil; page.Cards {
		if page.Alerts, err = s.Cards.Model.OpenAlerts(r.Context(), o.Organization); err != nil {
			return nil, err
		}
	}
	return &view{template: "market", title: o.Name, section: "market", crumbs: r.crumbs(o)[:1], data: page}, nil
}

// shownBill is a bill with the code that pays it.
type shownBill struct {
	projections.Bill
	Owed   int64
	Status string
	Pay    *payment // nil where nothing is owed or no code can be made
}

type stallPage struct {
	Organization projections.Organization
	Stall        string
	Person       string
	Owed         []moneySum // one for each currency
	Credit       []projections.Holding
	Open         []shownBill // the oldest first
	Bills        []shownBill // the latest first
	More         bool        // older bills than are listed
	Events       []projections.TracedEvent
	Reveal       *reveal
}

type moneySum struct {
	Currency money.Currency
	Minor    int64
}

// maxCodes bounds how many codes are drawn on one page; the bills' own pages
// have the others.
const maxCodes = 12

func (s *site) stall(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := stallPage{Organization: o, Stall: r.PathValue("stall")}
	bills, next, err := s.Model.Bills(r.Context(), o.Organization, readmodel.BillFilter{Stall: page.Stall}, readmodel.Page{Limit: readmodel.MaxLimit})
	if err != nil {
		return nil, err
	}
	page.More = next != ""
	traced, _, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectStall, ID: page.Stall},
		readmodel.Page{Limit: eventsPerPage})
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return nil, err
	}
	if r.who.May(identity.SeeEvents, o.Organization) {
		page.Events = traced
	}
	if len(bills) == 0 && len(traced) == 0 {
		return nil, &failure{http.StatusNotFound, "thing"}
	}
	slices.SortStableFunc(bills, func(a, b projections.Bill) int {
		if a.Period != b.Period {
			if a.Period < b.Period {
				return -1
			}
			return 1
		}
		return 0
	})
	for _, b := range bills {
		shown := shownBill{Bill: b, Owed: b.Owed(), Status: b.Status()}
		if b.Person != "" {
			page.Person = b.Person
		}
		if shown.Owed > 0 && !b.Reversed {
			page.owe(b.Currency, shown.Owed)
			if len(page.Open) < maxCodes {
				shown.Pay = s.payment(r, o, &shown.Bill)
				page.Open = append(page.Open, shown)
			}
		}
		page.Bills = append(page.Bills, shown)
	}
	slices.Reverse(page.Bills)
	if page.Credit, err = s.credit(r, o.Organization, "stall:"+page.Stall); err != nil {
		return nil, err
	}
	if page.Reveal, err = s.reveal(r, o.Organization, page.Person, []readmodel.Subject{
		{Organization: o.Organization, Kind: projections.SubjectPerson, ID: page.Person}}, namesOf, contactOf); err != nil {
		return nil, err
	}
	return &view{template: "stall", title: r.language.say("stall.title", "stall", page.Stall, "market", o.Name), section: "market", crumbs: r.crumbs(o), data: page}, nil
}

func (p *stallPage) owe(c money.Currency, minor int64) {
	for i := range p.Owed {
		if p.Owed[i].Currency == c {
			p.Owed[i].Minor += minor
			return
		}
	}
	p.Owed = append(p.Owed, moneySum{c, minor})
}

// maxCreditPages bounds the search for one holder's credit.
const maxCreditPages = 20

// credit finds what a payer has paid above what was owed.
func (s *site) credit(r *request, organization, holder string) (found []projections.Holding, err error) {
	at := readmodel.Page{Limit: readmodel.MaxLimit}
	for range maxCreditPages {
		holdings, next, err := s.Model.Holdings(r.Context(), organization, projections.HoldingCredit, at)
		if err != nil {
			return nil, err
		}
		for _, h := range holdings {
			if h.Holder == holder && h.Amount > 0 {
				found = append(found, h)
			}
		}
		if next == "" {
			break
		}
		at.Cursor = next
	}
	return found, nil
}

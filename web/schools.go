package web

import (
	"context"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// BillSource lists bills and their sums.
type BillSource interface {
	BillPeriods(ctx context.Context, organization string) ([]string, error)
	Bills(ctx context.Context, organization string, f readmodel.BillFilter, p readmodel.Page) ([]projections.Bill, string, error)
	Bill(ctx context.Context, organization, bill string) (projections.Bill, error)
	BillTotals(ctx context.Context, organization string, f readmodel.BillFilter) ([]readmodel.BillTotal, error)
}

const billsPerPage = 100

// billStatuses are the choices of a filter by status.
var billStatuses = []string{projections.BillOpen, projections.BillPartPaid, projections.BillPaid, projections.BillWaived, projections.BillReversed}

type schoolPage struct {
	Single                bool // the visitor may see single bills
	Find                  bool // and find people by name
	Office                bool // and work in its finance office
	Organization          projections.Organization
	Periods, Statuses     []string
	Period, Class, Status string
	Totals                []readmodel.BillTotal
	Bills                 []shownBill
	Pager                 pager
}

func (s *site) schools(r *request) (*view, error) { return s.organizations(r, "school", "/schools/") }

func (s *site) school(r *request) (*view, error) {
	o, err := s.organization(r, "school")
	if err != nil {
		return nil, err
	}
	page := schoolPage{Organization: o, Single: r.who.May(identity.SeeBills, o.Organization), Find: s.mayFind(r, o.Organization), Office: s.mayFinance(r, o.Organization), Statuses: billStatuses, Class: r.query.Get("class"), Status: r.query.Get("status")}
	if page.Periods, page.Period, err = s.billMonths(r, o.Organization); err != nil {
		return nil, err
	}
	filter := readmodel.BillFilter{Period: page.Period, Class: page.Class}
	if page.Totals, err = s.Model.BillTotals(r.Context(), o.Organization, filter); err != nil {
		return nil, err
	}
	filter.Status = page.Status
	bills, next, err := s.Model.Bills(r.Context(), o.Organization, filter, r.slice(billsPerPage))
	if err != nil {
		return nil, err
	}
	for _, b := range bills {
		page.Bills = append(page.Bills, shownBill{Bill: b, Owed: b.Owed(), Status: b.Status()})
	}
	page.Pager = r.pager(next)
	return &view{template: "school", title: o.Name, section: "school", crumbs: r.crumbs(o)[:1], data: page}, nil
}

type billPage struct {
	Organization projections.Organization
	Bill         shownBill
	Items        []events.Item
	Paper        bool // receipts can be printed
	Traced       bool // the visitor may see the events
	Events       []projections.TracedEvent
	Pager        pager
	Reveal       *reveal
}

func (s *site) bill(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	b, err := s.Model.Bill(r.Context(), o.Organization, r.PathValue("bill"))
	if err != nil {
		return nil, err
	}
	page := billPage{Organization: o, Bill: shownBill{Bill: b, Owed: b.Owed(), Status: b.Status()}}
	page.Bill.Pay = s.payment(r, o, &page.Bill.Bill)
	page.Paper = s.Finance != nil && b.Paid > 0 && b.Currency == money.VND
	page.Items = s.issuedItems(r, &page.Bill.Bill)
	page.Traced = r.who.May(identity.SeeEvents, o.Organization)
	if page.Traced {
		var next string
		page.Events, next, err = s.Traces.Trace(r.Context(), readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectBill, ID: b.Bill}, r.slice(eventsPerPage))
		if err != nil {
			return nil, err
		}
		page.Pager = r.pager(next)
	}
	if page.Reveal, err = s.reveal(r, o.Organization, b.Person, []readmodel.Subject{
		{Organization: o.Organization, Kind: projections.SubjectPerson, ID: b.Person}}, namesOf, contactOf); err != nil {
		return nil, err
	}
	crumbs := r.crumbs(o)
	if b.Stall != "" {
		crumbs = append(crumbs, crumb{r.language.say("holder.stall", "id", b.Stall), "/stalls/" + o.Organization + "/" + b.Stall})
	}
	return &view{template: "bill", title: r.language.say("bill.title", "bill", b.Bill), section: o.Kind, crumbs: crumbs, data: page}, nil
}

// baseOf is where organizations of a kind have their page; empty for none.
func baseOf(kind string) string {
	switch kind {
	case "market", "school", "fund":
		return "/" + kind + "s/"
	}
	return ""
}

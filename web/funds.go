package web

import (
	"context"
	"errors"
	"slices"

	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/projections"
)

// PayoutSource says where a fund's months stand.
type PayoutSource interface {
	Payouts(ctx context.Context, organization string, f readmodel.PayoutFilter, p readmodel.Page) ([]projections.Payout, string, error)
	Payout(ctx context.Context, organization, payout string) (projections.Payout, error)
	PayoutSummary(ctx context.Context, organization, period string) (readmodel.PayoutSummary, error)
}

// TraceSource leads from a thing to the events behind it.
type TraceSource interface {
	Trace(ctx context.Context, s readmodel.Subject, p readmodel.Page) ([]projections.TracedEvent, string, error)
}

var payoutStatuses = []string{projections.PayoutOrdered, projections.PayoutSent, projections.PayoutSettled,
	projections.PayoutReturned, projections.PayoutPaidCash, projections.PayoutReversed}

type shownPayout struct {
	projections.Payout
	Status string
}

type fundPage struct {
	Organization      projections.Organization
	Periods, Statuses []string
	Period, Status    string
	Summary           readmodel.PayoutSummary
	Single            bool // the visitor may see single payouts
	Find              bool // and find people by name
	Month             bool // and work on months
	Reopen            bool // and open a closed month of the books again
	Papers, Sheets    bool // reports are made here; and signed lists, which name people
	Recover           bool // what was paid beyond what was due is written down here when it comes back
	Payouts           []shownPayout
	Pager             pager
}

func (s *site) funds(r *request) (*view, error) { return s.organizations(r, "fund", "/funds/") }

func (s *site) fund(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	page := fundPage{Organization: o, Find: s.mayFind(r, o.Organization), Statuses: payoutStatuses, Status: r.query.Get("status"), Period: r.query.Get("period")}
	page.Papers = s.PayPoints != nil && s.Recorder != nil
	page.Recover = s.mayRecover(r, o.Organization)
	page.Sheets = page.Papers && r.who.May(identity.ExportPersonal, o.Organization)
	latest, err := s.Figures.LatestPeriod(r.Context(), projections.Benefits)
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return nil, err
	}
	if latest != "" {
		page.Periods = projections.MonthsBefore(latest, trendMonths)
		slices.Reverse(page.Periods)
	}
	if page.Period == "" {
		page.Period = latest
	} else if months, err := projections.Months(page.Period); err != nil || len(months) != 1 {
		return nil, errBad
	} else if !slices.Contains(page.Periods, page.Period) {
		page.Periods = append([]string{page.Period}, page.Periods...)
	}
	if page.Period != "" {
		if page.Summary, err = s.Model.PayoutSummary(r.Context(), o.Organization, page.Period); err != nil {
			return nil, err
		}
	}
	v := &view{template: "fund", title: o.Name, section: "fund", crumbs: r.crumbs(o)[:1], data: &page}
	page.Single = r.who.May(identity.SeePayouts, o.Organization)
	page.Reopen = s.Finance != nil && r.who.May(identity.ApprovePayouts, o.Organization)
	if page.Month = page.Single && s.Payouts != nil; !page.Single {
		return v, nil
	}
	payouts, next, err := s.Model.Payouts(r.Context(), o.Organization, readmodel.PayoutFilter{Period: page.Period, Status: page.Status}, r.slice(billsPerPage))
	if err != nil {
		return nil, err
	}
	for _, p := range payouts {
		page.Payouts = append(page.Payouts, shownPayout{p, p.Status()})
	}
	page.Pager = r.pager(next)
	return v, nil
}

type payoutPage struct {
	Organization projections.Organization
	Payout       shownPayout
	Traced       bool // the visitor may see the events
	Again        bool // and issue again what came back
	Papers       bool // a slip can be had
	Receipts     []paidFact
	Recover      bool // and say what was paid back
	Events       []projections.TracedEvent
	Pager        pager
	Reveal       *reveal
}

func (s *site) payout(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	p, err := s.Model.Payout(r.Context(), o.Organization, r.PathValue("payout"))
	if err != nil {
		return nil, err
	}
	page := payoutPage{Organization: o, Payout: shownPayout{p, p.Status()}}
	page.Again = s.Payouts != nil && page.Payout.Status == projections.PayoutReturned && r.who.May(identity.ProposePayouts, o.Organization)
	page.Papers = s.PayPoints != nil && s.Recorder != nil && page.Payout.Status != projections.PayoutReversed
	page.Recover = s.mayRecover(r, o.Organization) && p.Recoverable > 0
	if page.Receipts, err = s.receiptsOf(r, &p); err != nil {
		return nil, err
	}
	page.Traced = r.who.May(identity.SeeEvents, o.Organization)
	if page.Traced {
		var next string
		page.Events, next, err = s.Traces.Trace(r.Context(), readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectPayout, ID: p.Payout}, r.slice(eventsPerPage))
		if err != nil {
			return nil, err
		}
		page.Pager = r.pager(next)
	}
	if page.Reveal, err = s.reveal(r, o.Organization, p.Person, []readmodel.Subject{
		{Organization: o.Organization, Kind: projections.SubjectPayout, ID: p.Payout},
		{Organization: o.Organization, Kind: projections.SubjectPerson, ID: p.Person}}, namesOf, contactOf, papersOf); err != nil {
		return nil, err
	}
	crumbs := r.crumbs(o)
	crumbs[len(crumbs)-1].Link += "?period=" + p.Period
	return &view{template: "payout", title: r.language.say("payout.title", "payout", p.Payout), section: "fund", crumbs: crumbs, data: page}, nil
}

package web

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"socho/internal/readmodel"
	"socho/projections"
)

// eventsPerPage is how many events a page lists.
const eventsPerPage = 50

type figurePage struct {
	shownFigure
	Filter   figureFilter
	Others   []otherFigure // the other kinds of rate of the domain
	Months   []projections.Figure
	Places   []projections.Figure // unit by unit
	Events   []projections.EventRef
	From, To int // of the events, counted from 1
	Total    int
	Pager    pager
}

type otherFigure struct{ By, Link string }

func (s *site) figure(r *request) (*view, error) {
	domain, by := r.query.Get("domain"), r.query.Get("by")
	bys := projections.Bys(domain)
	if bys == nil {
		return nil, errBad
	}
	by = cmp.Or(by, bys[0])
	if !slices.Contains(bys, by) {
		return nil, errBad
	}
	filter, err := s.figureFilter(r, []string{domain})
	if err != nil {
		return nil, err
	}
	q := filter.query(domain, by)
	page := &figurePage{Filter: filter}
	title := r.language.say("figure." + domain + "." + by + ".title")
	v := &view{template: "figure", title: title, section: "overview", crumbs: []crumb{{r.language.say("nav.overview"), "/"}}, data: page}
	page.shownFigure = shownFigure{Domain: domain, By: by, Link: figureLink(q)}
	from, err := strconv.Atoi(r.query.Get("cursor"))
	if err != nil || from < 0 {
		from = 0
	}
	full, total, err := s.Figures.Behind(r.Context(), q, from, eventsPerPage)
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return nil, err
	}
	if len(full) > 0 && full[0].Period != "" {
		page.Figure, page.Records = &full[0], records(full[0].Position)
	}
	for _, other := range bys {
		if other != by {
			of := q
			of.By = other
			page.Others = append(page.Others, otherFigure{other, figureLink(of)})
		}
	}
	if page.Figure == nil {
		return v, nil
	}
	q.Period = page.Figure.Period // the same period for all that follows
	if r.query.Get("cursor") == "" {
		if err := s.around(r, page, q); err != nil {
			return nil, err
		}
	}
	page.cut(r, from, total)
	return v, nil
}

// around adds the months before and the places within, where the events begin.
func (s *site) around(r *request, page *figurePage, q projections.Query) error {
	months, err := projections.Months(q.Period)
	if err != nil {
		return err
	}
	monthly := q
	monthly.Period = months[len(months)-1]
	if page.Months, err = s.Figures.Trend(r.Context(), monthly, trendMonths); err != nil {
		return err
	}
	page.Trend = r.language.trend(page.Months)
	slices.Reverse(page.Months)
	if q.Unit == "" {
		page.Places, err = s.Figures.Breakdown(r.Context(), q)
	}
	return err
}

// cut says which part of the figure's events is shown, and leads on to others.
func (p *figurePage) cut(r *request, from, total int) {
	if from >= total {
		from = 0
	}
	p.Events, p.Total = p.Figure.Events, total
	to := from + len(p.Events)
	p.From, p.To = from+1, to
	if to < total {
		p.Pager.Next = r.with("cursor", strconv.Itoa(to))
	}
	if from > 0 {
		p.Pager.First = r.with("cursor", "")
	}
}

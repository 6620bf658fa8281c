package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

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
	Shards   []shardPosition
	Pager    pager
}

type otherFigure struct{ By, Link string }

type shardPosition struct {
	Shard int
	Next  int64
}

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
	page := figurePage{Filter: filter}
	title := r.language.say("figure." + domain + "." + by + ".title")
	if page.shownFigure, err = s.shownFigure(r.Context(), r.language, q); err != nil {
		return nil, err
	}
	for _, other := range bys {
		if other != by {
			of := q
			of.By = other
			page.Others = append(page.Others, otherFigure{other, figureLink(of)})
		}
	}
	if page.Figure == nil {
		return &view{"figure", title, "overview", page}, nil
	}
	q.Period = page.Figure.Period // the same period for all that follows
	full, err := s.Model.Figures(r.Context(), q)
	if err != nil {
		return nil, err
	}
	if len(full) > 0 {
		page.Figure, page.Records = &full[0], records(full[0].Position)
	}
	if page.Trend != nil {
		monthly := q
		months, err := projections.Months(q.Period)
		if err != nil {
			return nil, err
		}
		monthly.Period = months[len(months)-1]
		if page.Months, err = s.Model.Trend(r.Context(), monthly, trendMonths); err != nil {
			return nil, err
		}
		slices.Reverse(page.Months)
	}
	if filter.Unit == "" {
		if page.Places, err = s.Model.Breakdown(r.Context(), q); err != nil {
			return nil, err
		}
	}
	for _, shard := range slices.Sorted(maps.Keys(page.Figure.Position)) {
		page.Shards = append(page.Shards, shardPosition{shard, page.Figure.Position[shard]})
	}
	page.cut(r)
	return &view{"figure", title, "overview", page}, nil
}

// cut takes one page out of the figure's events.
func (p *figurePage) cut(r *request) {
	all := p.Figure.Events
	p.Total = len(all)
	from, err := strconv.Atoi(r.query.Get("cursor"))
	if err != nil || from < 0 || from >= len(all) {
		from = 0
	}
	to := min(from+eventsPerPage, len(all))
	p.Events, p.From, p.To = all[from:to], from+1, to
	if to < len(all) {
		p.Pager.Next = r.with("cursor", strconv.Itoa(to))
	}
	if from > 0 {
		p.Pager.First = r.with("cursor", "")
	}
}

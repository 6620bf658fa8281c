package web

import (
	"context"
	"errors"
	"math/big"
	"slices"

	"golang.org/x/sync/errgroup"

	"socho/internal/adminunits"
	"socho/internal/readmodel"
	"socho/projections"
)

// FigureSource answers for published figures; *readmodel.Live does.
type FigureSource interface {
	Figures(ctx context.Context, q projections.Query) ([]projections.Figure, error)
	// Behind is Figures with some of the events behind them, from a place on, and how
	// many there are; a place beyond the last is the first.
	Behind(ctx context.Context, q projections.Query, from, limit int) ([]projections.Figure, int, error)
	Trend(ctx context.Context, q projections.Query, months int) ([]projections.Figure, error)
	Breakdown(ctx context.Context, q projections.Query) ([]projections.Figure, error)
	LatestPeriod(ctx context.Context, domain string) (string, error)
}

// trendMonths is how far back a figure's small picture goes.
const trendMonths = 12

// published lists the figures of the first page in the order of the province's
// own reports.
var published = [][2]string{
	{projections.Benefits, projections.ByPersons},
	{projections.Schools, projections.ByInstitutions},
	{projections.Accounts, projections.ByPersons},
	{projections.EInvoices, projections.ByInstitutions},
	{projections.Systems, projections.ByInstitutions},
	{projections.Fees, projections.ByCount},
	{projections.Fees, projections.ByValue},
}

// shownFigure is a figure as a card shows it. Figure is nil where nothing was
// reported yet.
type shownFigure struct {
	Domain, By string
	Figure     *projections.Figure
	Trend      *trend
	Link       string
	Records    string // how many records of the log it takes into account
}

type overviewPage struct {
	Filter  figureFilter
	Figures []shownFigure
	Empty   bool // nothing at all
}

// figureFilter is the place and time that figures are asked for.
type figureFilter struct {
	Unit, Period string
	Communes     []adminunits.Unit
	Periods      []string
}

func (s *site) overview(r *request) (*view, error) {
	filter, err := s.figureFilter(r, projections.Domains())
	if err != nil {
		return nil, err
	}
	page := overviewPage{Filter: filter, Figures: make([]shownFigure, len(published)), Empty: true}
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(3)
	for i, p := range published {
		group.Go(func() (err error) {
			page.Figures[i], err = s.shownFigure(ctx, r.language, filter.query(p[0], p[1]))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, f := range page.Figures {
		page.Empty = page.Empty && f.Figure == nil
	}
	return &view{template: "overview", title: r.language.say("overview.title"), section: "overview", data: page}, nil
}

// figureFilter reads place and time, and offers the months up to the latest
// one that any of the domains has.
func (s *site) figureFilter(r *request, domains []string) (f figureFilter, err error) {
	f.Unit, f.Period = r.query.Get("unit"), r.query.Get("period")
	if f.Unit != "" && adminunits.Expand(f.Unit) == nil {
		return f, &failure{400, "unit"}
	}
	if f.Period != "" {
		if _, err := projections.Months(f.Period); err != nil {
			return f, err
		}
	}
	latest := ""
	for _, domain := range domains {
		month, err := s.Figures.LatestPeriod(r.Context(), domain)
		if errors.Is(err, readmodel.ErrNotFound) {
			continue
		}
		if err != nil {
			return f, err
		}
		latest = max(latest, month)
	}
	if latest != "" {
		f.Periods = projections.MonthsBefore(latest, trendMonths)
		slices.Reverse(f.Periods)
	}
	if f.Period != "" && !slices.Contains(f.Periods, f.Period) {
		f.Periods = append([]string{f.Period}, f.Periods...)
	}
	f.Communes = adminunits.Units()
	return f, nil
}

func (f *figureFilter) query(domain, by string) projections.Query {
	return projections.Query{Domain: domain, By: by, Period: f.Period, Unit: f.Unit, Units: adminunits.Expand(f.Unit)}
}

// shownFigure asks for one figure with its trend. Over a month the trend's
// last figure is the figure itself; a quarter or year is asked for apart.
func (s *site) shownFigure(ctx context.Context, l *language, q projections.Query) (shownFigure, error) {
	shown := shownFigure{Domain: q.Domain, By: q.By, Link: figureLink(q)}
	monthly := q
	whole := len(q.Period) != len("2006-01") || q.Period[5] == 'Q'
	if q.Period != "" && whole {
		months, err := projections.Months(q.Period)
		if err != nil {
			return shown, err
		}
		monthly.Period = months[len(months)-1]
	}
	figures, err := s.Figures.Trend(ctx, monthly, trendMonths)
	if errors.Is(err, readmodel.ErrNotFound) || err == nil && len(figures) == 0 {
		return shown, nil
	}
	if err != nil {
		return shown, err
	}
	shown.Figure = &figures[len(figures)-1]
	if q.Period != "" && whole {
		of, err := s.Figures.Figures(ctx, q)
		if err != nil {
			return shown, err
		}
		if len(of) == 0 {
			return shown, nil
		}
		shown.Figure = &of[0]
	}
	if shown.Figure.Period == "" { // a domain without any fact
		shown.Figure = nil
		return shown, nil
	}
	shown.Records = records(shown.Figure.Position)
	shown.Trend = l.trend(figures)
	return shown, nil
}

// records adds up how many records of all shards stand before a position.
func records(position map[int]int64) string {
	n := new(big.Int)
	for _, next := range position {
		n.Add(n, big.NewInt(next))
	}
	return n.String()
}

func figureLink(q projections.Query) string {
	link := "/figures?domain=" + q.Domain + "&by=" + q.By
	if q.Unit != "" {
		link += "&unit=" + q.Unit
	}
	if q.Period != "" {
		link += "&period=" + q.Period
	}
	return link
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"socho/internal/adminunits"
	"socho/internal/service"
	"socho/projections"
)

// AdoptionCommand is socho adoption.
type AdoptionCommand struct {
	Domain  string `help:"benefits, fees, schools, accounts, einvoices or systems." required:"" placeholder:"DOMAIN"`
	Unit    string `help:"Only this commune, or province (08; 02 for the former Hà Giang)." placeholder:"CODE"`
	Period  string `help:"A month, quarter or year: 2026-09, 2026-Q3, 2026. Without it, the latest complete month." placeholder:"PERIOD"`
	By      string `help:"count, value, persons or institutions." placeholder:"KIND"`
	AsOf    string `help:"As known before these records, or at a time." placeholder:"SHARD:OFFSET,…|RFC3339"`
	Explain bool   `help:"List the events behind the figure, a line each."`
	FromLog bool   `help:"Recompute from the raw events, without looking at any table."`
}

// Help implements kong's help for one command.
func (*AdoptionCommand) Help() string {
	return "Example: socho adoption --domain benefits --period 2026-09 --json"
}

// Run answers with figures.
func (c *AdoptionCommand) Run(ctx context.Context, call *Call) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	figures, err := c.figures(ctx, call, s, query)
	if errors.Is(err, projections.ErrPeriod) || errors.Is(err, projections.ErrQuery) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if c.Explain {
		out := call.lines("RECORD\tORGANIZATION\tKIND\tEVENT\tSOURCE")
		for _, f := range figures {
			for _, e := range f.Events {
				if err := out.write(e, "%d:%d\t%s\t%s\t%s\t%s", e.Shard, e.Offset, e.Organization, e.Kind, e.EventID, e.Source); err != nil {
					return err
				}
			}
		}
		return out.end(nil)
	}
	out := call.lines("DOMAIN\tUNIT\tPERIOD\tBY\tNUMERATOR\tDENOMINATOR\tRATE\tDEFINITION\tDIGEST")
	for _, f := range figures {
		rate := "–"
		if f.Rate != nil {
			rate = *f.Rate + " %"
		}
		if err := out.write(f, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", f.Domain, f.Unit, f.Period, f.By, f.Numerator, f.Denominator, rate, f.Definition, f.Digest[:16]); err != nil {
			return err
		}
	}
	return out.end(nil)
}

func (c *AdoptionCommand) query() (projections.Query, error) {
	q := projections.Query{Domain: c.Domain, By: c.By, Period: c.Period, Unit: c.Unit}
	kinds := projections.Bys(c.Domain)
	if kinds == nil {
		return q, usageError{fmt.Errorf("--domain %q: expected one of %s", c.Domain, strings.Join(projections.Domains(), ", "))}
	}
	if c.By != "" && !slices.Contains(kinds, c.By) {
		return q, usageError{fmt.Errorf("--by %q: the rates of %s are by %s", c.By, c.Domain, strings.Join(kinds, ", "))}
	}
	if c.Period != "" {
		if _, err := projections.Months(c.Period); err != nil {
			return q, usageError{fmt.Errorf("--period %q: expected a month, quarter or year such as 2026-09, 2026-Q3 or 2026", c.Period)}
		}
	}
	if c.Unit != "" {
		if q.Units = adminunits.Expand(c.Unit); len(q.Units) == 0 {
			return q, usageError{fmt.Errorf("--unit %q: no such administrative unit", c.Unit)}
		}
	}
	as, err := asOf(c.AsOf, "")
	q.AsOf = projections.AsOf{Next: as.Position, RecordedAt: as.Time.Truncate(time.Microsecond)}
	return q, err
}

func (c *AdoptionCommand) figures(ctx context.Context, call *Call, s *service.Service, query projections.Query) ([]projections.Figure, error) {
	if !c.FromLog {
		if err := s.WaitForProjections(ctx); err != nil {
			return nil, err
		}
		return s.Read.Figures(ctx, query)
	}
	tell, end := call.progress("reading the log")
	facts, ends, err := s.FromLog(ctx, tell)
	end()
	if err != nil {
		return nil, err
	}
	figures, err := projections.Evaluate(facts, query)
	for i := range figures {
		figures[i].Position = ends
		for shard, next := range query.AsOf.Next {
			figures[i].Position[shard] = min(next, ends[shard])
		}
	}
	return figures, err
}

// ProjectCommand is socho project.
type ProjectCommand struct {
	Rebuild RebuildCommand `cmd:"" help:"Fold a projection anew, beside the live one, and switch to it."`
}

// RebuildCommand is socho project rebuild.
type RebuildCommand struct {
	Name string `arg:"" help:"The projection."`
}

// Help implements kong's help for one command.
func (*RebuildCommand) Help() string {
	names := make([]string, 0, 8)
	for _, p := range projections.All() {
		names = append(names, p.Name)
	}
	return "Example: socho project rebuild adoption\n\nThere are: " + strings.Join(names, ", ")
}

// Run rebuilds a projection.
func (c *RebuildCommand) Run(ctx context.Context, call *Call) error {
	if _, ok := projections.Named(c.Name); !ok {
		return usageError{fmt.Errorf("no projection %q; see: socho project rebuild --help", c.Name)}
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.RebuildProjection(ctx, c.Name); err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(map[string]any{"rebuilt": c.Name})
	}
	_, err = fmt.Fprintln(call.Stdout, c.Name, "is rebuilt")
	return err
}

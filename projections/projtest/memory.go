package projtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"socho/events"
	"socho/projections"
)

// Memory is a projections.Store as a plain model: what the rows in a real one
// must come to. Its zero value is ready.
type Memory struct {
	mu        sync.Mutex
	Rows      map[string]any // by projection-wide key; values are rows of projections
	positions map[string]map[int]int64
	Applied   int
}

// Positions implements projections.Store.
func (m *Memory) Positions(context.Context) (map[string]map[int]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := map[string]map[int]int64{}
	for name, shards := range m.positions {
		at[name] = maps.Clone(shards)
	}
	return at, nil
}

// Apply implements projections.Store.
func (m *Memory) Apply(_ context.Context, shard int, steps []projections.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Rows == nil {
		m.Rows, m.positions = map[string]any{}, map[string]map[int]int64{}
	}
	for _, s := range steps {
		if m.positions[s.Projection][shard] != s.From {
			return projections.ErrMoved
		}
	}
	for _, s := range steps {
		if m.positions[s.Projection] == nil {
			m.positions[s.Projection] = map[int]int64{}
		}
		m.positions[s.Projection][shard] = s.To
		m.merge(s.Changes)
	}
	m.Applied++
	return nil
}

func key(parts ...any) string { return fmt.Sprintf("%q", parts) }

func (m *Memory) merge(c *projections.Changes) {
	for _, f := range c.Facts {
		m.Rows[key("fact", f.Shard, f.Offset)] = f
	}
	for _, a := range c.Amounts {
		m.Rows[key("amount", a.Shard, a.Offset)] = a
	}
	for _, l := range c.Links {
		m.Rows[key("link", l)] = l
	}
	for _, b := range c.Bills {
		k := key("bill", b.Organization, b.Bill)
		if old, ok := m.Rows[k].(projections.Bill); ok {
			fill(&b.Kind, old.Kind)
			fill(&b.Holder, old.Holder)
			fill(&b.Person, old.Person)
			fill(&b.Stall, old.Stall)
			fill(&b.Class, old.Class)
			fill(&b.Period, old.Period)
			fill(&b.Reference, old.Reference)
			fill(&b.DueOn, old.DueOn)
			fill(&b.IssuedOn, old.IssuedOn)
			b.Issued, b.Paid, b.Waived = b.Issued+old.Issued, b.Paid+old.Paid, b.Waived+old.Waived
			b.Reversed, b.First = b.Reversed || old.Reversed, old.First
		}
		m.Rows[k] = b
	}
	for _, p := range c.Payouts {
		k := key("payout", p.Organization, p.Payout)
		if old, ok := m.Rows[k].(projections.Payout); ok {
			for step, day := range map[projections.PayoutSteps]*events.Date{projections.StepSent: &old.SentOn, projections.StepSettled: &old.SettledOn,
				projections.StepReturned: &old.ReturnedOn, projections.StepCash: &old.CashOn} {
				if p.Undone&step != 0 {
					*day = ""
				}
			}
			if p.Undone&projections.StepReturned != 0 {
				old.Reason = ""
			}
			fill(&p.Person, old.Person)
			fill(&p.Programme, old.Programme)
			fill(&p.Period, old.Period)
			fill(&p.Unit, old.Unit)
			fill(&p.Method, old.Method)
			fill(&p.Currency, old.Currency)
			fill(&p.Reason, old.Reason)
			fill(&p.OrderedOn, old.OrderedOn)
			fill(&p.SentOn, old.SentOn)
			fill(&p.SettledOn, old.SettledOn)
			fill(&p.ReturnedOn, old.ReturnedOn)
			fill(&p.CashOn, old.CashOn)
			p.Ordered, p.Payable, p.Clearing, p.Returned = p.Ordered+old.Ordered, p.Payable+old.Payable, p.Clearing+old.Clearing, p.Returned+old.Returned
			p.Settled, p.CameBack, p.PaidCash, p.First = p.Settled+old.Settled, p.CameBack+old.CameBack, p.PaidCash+old.PaidCash, old.First
			p.Recoverable += old.Recoverable
		}
		p.Undone = 0
		m.Rows[k] = p
	}
	for _, l := range c.Lines {
		k := key("line", l.Organization, l.Line, l.Direction, l.Currency)
		if old, ok := m.Rows[k].(projections.BankLine); ok {
			if stands := old.Kind != "" && old.Amount != 0 && (!l.Renewed || l.Kind == ""); stands {
				l.Account, l.Kind, l.On, l.Seen = old.Account, old.Kind, old.On, old.Seen
				if old.Person != "" {
					l.Person = old.Person
				}
			}
			l.Amount, l.Placed, l.Sightings = l.Amount+old.Amount, l.Placed+old.Placed, l.Sightings+old.Sightings
		}
		l.Renewed = false
		m.Rows[k] = l
	}
	for _, u := range c.Uses {
		k := key("use", u.Organization, u.Line, u.Direction, u.Currency, u.Against)
		if old, ok := m.Rows[k].(projections.LineUse); ok {
			u.Amount += old.Amount
		}
		m.Rows[k] = u
	}
	for _, e := range c.Entitlements {
		m.Rows[key("entitlement", e.Organization, e.Source, e.EventID)] = e
	}
	for _, s := range c.Stops {
		m.Rows[key("stop", s.Organization, s.Source, s.EventID)] = s
	}
	for _, w := range c.Withdrawn {
		delete(m.Rows, key("entitlement", w.Organization, w.Source, w.EventID))
		delete(m.Rows, key("stop", w.Organization, w.Source, w.EventID))
	}
	for _, o := range c.Organizations {
		m.Rows[key("organization", o.Organization)] = o
	}
	for _, s := range c.Stalls {
		k := key("stall", s.Organization, s.Stall)
		if old, ok := m.Rows[k].(projections.Stall); !ok || old.Since <= s.Since {
			m.Rows[k] = s
		}
	}
	for _, h := range c.Holdings {
		k := key("holding", h.Organization, h.Kind, h.Holder, h.Currency)
		if old, ok := m.Rows[k].(projections.Holding); ok {
			h.Amount += old.Amount
		}
		m.Rows[k] = h
	}
}

func fill[S ~string](to *S, from S) {
	if *to == "" {
		*to = from
	}
}

// Facts returns the facts of figures in no particular order.
func (m *Memory) Facts() []projections.Fact { return rows[projections.Fact](m) }

// Bills returns the bills in the order of their keys, likewise below.
func (m *Memory) Bills() []projections.Bill { return rows[projections.Bill](m) }

// Lines returns the bank lines.
func (m *Memory) Lines() []projections.BankLine { return rows[projections.BankLine](m) }

// Payouts returns the payouts.
func (m *Memory) Payouts() []projections.Payout { return rows[projections.Payout](m) }

func rows[T any](m *Memory) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []T
	for _, k := range slices.Sorted(maps.Keys(m.Rows)) {
		if row, ok := m.Rows[k].(T); ok {
			found = append(found, row)
		}
	}
	return found
}

var _ projections.Store = (*Memory)(nil)

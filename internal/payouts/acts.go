package payouts

import (
	"context"
	"time"

	"socho/events"
	"socho/ledger"
	"socho/projections"
)

// Act is something that was done with a list, or that was refused.
type Act struct {
	At         projections.Position
	Fact       string // benefit.list_approved, say
	Actor      string // as intake stamped it
	Status     string
	Code       string
	RecordedAt time.Time
}

// Acts is what was done with a list as a whole and what was taken off it, in the
// order of the log, and the last things that were refused. What was put on it is not
// among it.
func (p *Process) Acts(ctx context.Context, organization, list string) (acts []Act, err error) {
	outcomes, err := p.Read.ListActs(ctx, organization, list, []string{events.Type("benefit.list_opened"), events.Type("benefit.list_proposed"), events.Type("benefit.list_approved"), events.Type("benefit.list_withdrawn"), events.Type("benefit.list_entry_removed")}, maxNamed)
	if err != nil {
		return nil, err
	}
	places := make([]projections.Position, len(outcomes))
	for i, o := range outcomes {
		places[i] = o.At
	}
	err = p.records(ctx, places, func(i int, r *events.Record) error {
		e, err := events.Decode(r.Value)
		if err != nil || listOf(e) != list {
			return nil
		}
		act := Act{At: places[i], Fact: events.Name(e.Type), Status: outcomes[i].Status.String(), Code: outcomes[i].Code, RecordedAt: outcomes[i].RecordedAt}
		for _, h := range r.Headers {
			if h.Name == events.HeaderActor {
				act.Actor = string(h.Value)
			}
		}
		if outcomes[i].Status != ledger.Duplicate {
			acts = append(acts, act)
		}
		return nil
	})
	return acts, err
}

func listOf(e *events.Event) string {
	switch f := e.Fact.(type) {
	case *events.ListOpened:
		return string(f.List)
	case *events.ListProposed:
		return string(f.List)
	case *events.ListApproved:
		return string(f.List)
	case *events.ListWithdrawn:
		return string(f.List)
	case *events.ListEntryRemoved:
		return string(f.List)
	}
	return ""
}

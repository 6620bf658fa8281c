package payouts

import (
	"context"
	"fmt"

	"socho/projections"
)

// CashLine is a cash payout with whom it is for, as far as that can be read: of an
// erased person there is nothing.
type CashLine struct {
	projections.Payout
	Name    string
	Citizen string
}

// MaxCashLines bounds one signed list: a commune has hundreds.
const MaxCashLines = 20_000

// CashLines lists who is paid in cash for a month, of one commune or all, by
// payout, and opens their names and citizen ids, which the trail says first.
func (p *Process) CashLines(ctx context.Context, organization, period, unit string) ([]CashLine, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	object := "cash-" + period
	if unit != "" {
		object += "-" + unit
	}
	fields := []string{"name", "citizen_id"}
	if err := p.unsealed(ctx, organization, object, "signed_list", fields); err != nil {
		return nil, err
	}
	var lines []CashLine
	for after := ""; ; {
		some, err := p.Read.CashPayouts(ctx, organization, period, unit, after, page)
		if err != nil || len(some) == 0 {
			return lines, err
		}
		after = some[len(some)-1].Payout.Payout
		first := len(lines)
		for i := range some {
			lines = append(lines, CashLine{Payout: some[i].Payout})
		}
		if len(lines) > MaxCashLines {
			return nil, refuse("too_many", MaxCashLines)
		}
		// Each record says some of it: what one leaves out is looked for in the next.
		for rank := 0; ; rank++ {
			var places []projections.Position
			var of []int
			for i := range some {
				line := &lines[first+i]
				if rank < len(some[i].Naming) && (line.Name == "" || line.Citizen == "") {
					places, of = append(places, some[i].Naming[rank]), append(of, first+i)
				}
			}
			if len(places) == 0 {
				break
			}
			clear, err := p.opened(ctx, organization, places, fields)
			if err != nil {
				return nil, fmt.Errorf("names of cash payouts: %w", err)
			}
			for i, c := range clear {
				line := &lines[of[i]]
				if line.Name == "" {
					line.Name = c["name"]
				}
				if line.Citizen == "" {
					line.Citizen = c["citizen_id"]
				}
			}
		}
	}
}

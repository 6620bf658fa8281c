package office

import (
	"context"
	"slices"

	"socho/events"
	"socho/internal/billing"
)

// Stall says what is known of a stall on a day that bills are made from, and when its
// trader is or was away, the latest first; found is false where nobody has held it.
func (o *Office) Stall(ctx context.Context, organization, stall string, on events.Date) (s billing.Stall, away []events.TraderAbsent, found bool, err error) {
	terms, _, err := o.Model.Terms(ctx, organization, "market.stall_let", "market.stall_vacated", "market.stall_described", "market.trader_absent")
	if err != nil {
		return s, nil, false, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return s, nil, false, err
	}
	let, empty := book.Stalls(on, on.Period())
	if i := slices.IndexFunc(let, func(one billing.Stall) bool { return one.Stall == stall }); i >= 0 {
		s = let[i]
	} else if !slices.Contains(empty, stall) {
		return s, nil, false, nil
	}
	s.Stall = stall
	return s, book.Away(stall), true, nil
}

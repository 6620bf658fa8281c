package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"socho/events"
	"socho/internal/money"
	"socho/internal/postgres"
)

// Closed is the last month whose books are closed; empty where none are. It is what
// the rules remember, so that a page offers what the ledger will take.
func (o *Office) Closed(ctx context.Context, organization string) (events.Period, error) {
	value, found, err := o.App.RuleState(ctx, organization, "closed")
	if err != nil || !found {
		return "", err
	}
	var row struct {
		Until events.Period `json:"until"`
	}
	if err := json.Unmarshal([]byte(value), &row); err != nil {
		return "", fmt.Errorf("the closed months of %s: %w", organization, err)
	}
	return row.Until, nil
}

// Waits is how much money waits in đồng for what nobody knew or proved.
func (o *Office) Waits(ctx context.Context, organization string) (minor int64, err error) {
	found, err := o.balances(ctx, organization, postgres.AsOf{}, "suspense:in")
	for _, b := range found {
		minor += b.Credits.Sub(b.Debits).IntPart()
	}
	return minor, err
}

// CashSince is the day since which a collector holds some of the cash that they hold
// now, where what was taken first is banked first; empty where they hold none.
func (o *Office) CashSince(ctx context.Context, organization, collector string) (since events.Date, err error) {
	account := organization + ":cash:collector:" + collector
	type taking struct {
		on    events.Date
		minor int64
	}
	var in []taking
	left := int64(0)
	err = o.Ledger.Postings(ctx, account, postgres.AsOf{}, func(p postgres.Posting) error {
		amount, err := money.Parse(p.Amount, p.Currency)
		if err != nil {
			return err
		}
		if p.Debit == account {
			left += amount.Minor()
			in = append(in, taking{p.EffectiveOn, amount.Minor()})
		} else {
			left -= amount.Minor()
		}
		return nil
	})
	if errors.Is(err, postgres.ErrNoAccount) { // who has never held any
		return "", nil
	}
	for i := len(in) - 1; i >= 0 && left > 0; i-- {
		if left -= in[i].minor; since == "" || in[i].on < since {
			since = in[i].on
		}
	}
	return since, err
}

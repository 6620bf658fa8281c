package payoutreport

import (
	"context"
	"strconv"
	"strings"

	"socho/internal/money"
	"socho/internal/postgres"
)

// Owed is what somebody got for a month beyond what was due, and owes back, in đồng.
type Owed struct {
	Person, Programme, Period string
	Due                       int64
}

// ToRecover lists who owes something back, the latest month first, at most limit of
// them. What the ledger holds is said, less what was paid back since.
func (b Books) ToRecover(ctx context.Context, organization string, limit int) ([]Owed, error) {
	months, err := b.Read.BeyondDue(ctx, organization, limit)
	if err != nil {
		return nil, err
	}
	var all []Owed
	for _, m := range months {
		owed := Owed{Person: m.Person, Programme: m.Programme, Period: m.Period}
		if owed.Due, err = b.Recoverable(ctx, organization, m.Person, m.Programme, m.Period); err != nil {
			return nil, err
		}
		if owed.Due > 0 {
			all = append(all, owed)
		}
	}
	return all, nil
}

// Recoverable is what somebody owes back for a month.
func (b Books) Recoverable(ctx context.Context, organization, person, programme, period string) (due int64, err error) {
	account := strings.Join([]string{organization, "person", person, "recoverable", programme, period}, ":")
	err = b.Ledger.Balances(ctx, account, postgres.AsOf{}, func(of postgres.Balance) error {
		if of.Account != account || of.Currency != money.VND {
			return nil
		}
		due, err = strconv.ParseInt(of.Balance, 10, 64)
		return err
	})
	return max(due, 0), err
}

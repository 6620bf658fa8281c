package office

import (
	"context"
	"slices"

	"socho/projections"
)

// Payments are what came for a bill and stands, in the order of the log: what was
// taken back is left out together with what it took back.
// Errors: readmodel.ErrNotFound.
func (o *Office) Payments(ctx context.Context, organization, bill string) (b projections.Bill, paid []FamilyPayment, err error) {
	if b, err = o.Model.Bill(ctx, organization, bill); err != nil {
		return b, nil, err
	}
	all, err := o.payments(ctx, &b)
	return b, standing(all), err
}

// standing leaves out of payments what was taken back.
func standing(all []FamilyPayment) (paid []FamilyPayment) {
	for _, p := range all {
		if p.Amount > 0 {
			paid = append(paid, p)
			continue
		}
		for i, before := range slices.Backward(paid) {
			if before.Amount == -p.Amount && before.Against == p.Against {
				paid = slices.Delete(paid, i, i+1)
				break
			}
		}
	}
	return paid
}

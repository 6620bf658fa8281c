package payouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
)

// Cancel says that no file of a batch goes to the bank, and none has; its payouts
// are owed again and may go into another one. A crash in between leaves payouts on
// their way in a batch that goes nowhere; calling it again brings them back.
// Errors: *RefusedError, above all batch_submitted.
func (p *Process) Cancel(ctx context.Context, organization, batch, reason string) (back int, err error) {
	release, err := p.DB.LockOnce(ctx, "payouts:"+organization)
	if err != nil {
		return 0, err
	}
	defer release()
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return 0, err
	}
	b, err := p.Read.BatchIn(ctx, organization, batch)
	if errors.Is(err, readmodel.ErrNotFound) {
		return 0, fmt.Errorf("%s has no batch %s", organization, batch)
	}
	if err != nil {
		return 0, err
	}
	if b.State != projections.BatchCancelled {
		if _, err := p.say(ctx, p.envelope(organization, uuid.Must(uuid.NewV7()).String(), "benefit.batch_cancelled"),
			&events.BatchCancelled{Dated: events.Dated{EffectiveOn: p.today()}, Batch: events.PayoutID(batch), Reason: events.Word(reason)}); err != nil {
			return 0, err
		}
	}
	// As if the bank had rejected each of them.
	out := &Settled{Refused: map[string]int64{}}
	o := Results{Organization: organization, Batch: batch}
	var some []result
	if err := p.others(ctx, o, batch, func(i *readmodel.InstructedPayout) error {
		some = append(some, result{payout: i.Payout, batch: batch, what: rejected, amount: i.Amount, reason: "batch_cancelled"})
		if len(some) < page {
			return nil
		}
		err := p.settle(ctx, o, some, out)
		some = some[:0]
		return err
	}); err != nil {
		return out.Returned, err
	}
	if err := p.settle(ctx, o, some, out); err != nil {
		return out.Returned, err
	}
	return out.Returned, p.Service.WaitForProjections(ctx)
}

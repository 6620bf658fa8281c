package service

import (
	"context"
	"fmt"
	"time"

	"socho/internal/payouts"
	"socho/projections"
)

// ordersAgain is how often newly approved lists are looked for.
const ordersAgain = time.Second

// Payouts is the month's work of benefit funds in the name of an actor.
func (s *Service) Payouts(actor string) *payouts.Process {
	return &payouts.Process{Service: s, DB: s.DB, Read: s.Read, Vault: s.Vault, Log: s.Log, Actor: actor, Now: s.clock}
}

// orderApproved orders what approved lists hold, each list once, until the context
// ends. That a list is done is written down behind its last order: a crash before
// has it gone through again, where all that was ordered is found and passed over.
func (s *Service) orderApproved(ctx context.Context) {
	done := map[string]bool{}
	wait := ordersAgain
	for ctx.Err() == nil {
		if err := s.orderApprovedOnce(ctx, done); err != nil && ctx.Err() == nil {
			s.slog.Warn("payouts of approved lists are not all ordered yet", "reason", err)
			wait = min(2*wait, 30*time.Second)
		} else {
			wait = ordersAgain
		}
		pause(ctx, wait)
	}
}

func (s *Service) orderApprovedOnce(ctx context.Context, done map[string]bool) (failed error) {
	lists, err := s.Read.PayoutLists(ctx, "", "", projections.ListApproved)
	if err != nil {
		return err
	}
	for _, list := range lists {
		name := fmt.Sprintf("orders:%s:%s:%d", list.Organization, list.List, list.At.Offset)
		if done[name] {
			continue
		}
		if before, err := s.DB.Done(ctx, name); err != nil {
			return err
		} else if !before {
			ordered, err := s.Payouts(payouts.Orders).Order(ctx, list, false)
			if err != nil { // a shard that stands still holds no other up
				failed = err
				continue
			}
			s.slog.Info("payouts ordered", "organization", list.Organization, "list", list.List, "ordered", ordered)
			if err := s.DB.SetDone(ctx, name); err != nil {
				return err
			}
		}
		done[name] = true
	}
	return failed
}

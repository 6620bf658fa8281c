package stallcards

import (
	"context"
	"fmt"

	"socho/events"
	"socho/internal/identity"
	"socho/projections"
)

// Opener opens the account that a trader's card pays to.
type Opener struct {
	Records interface {
		At(ctx context.Context, shard int, offset int64) (events.Record, error)
	}
	Vault interface {
		Unseal(ctx context.Context, at events.Place, person, sealed string) (string, error)
	}
	// Trail writes down that something is opened.
	Trail func(context.Context, identity.Entry) error
}

// Account is Press.Account: it reads the record that issued the card, and writes
// down that it is opened before it is. Errors: a card whose record holds no
// account; those of the log, the trail and the vault (an erased trader).
func (o Opener) Account(ctx context.Context, actor string, card projections.StallCard) (a Account, err error) {
	record, err := o.Records.At(ctx, card.First.Shard, card.First.Offset)
	if err != nil {
		return a, err
	}
	event, err := events.Decode(record.Value)
	if err != nil {
		return a, err
	}
	issued, ok := event.Fact.(*events.CardIssued)
	if !ok || issued.Sealed["account"] == "" || issued.Sealed["bank_bin"] == "" {
		return a, fmt.Errorf("card %s: its record holds no account", card.Card)
	}
	if err := o.Trail(ctx, identity.Entry{Actor: actor, Action: identity.Unsealed, Organization: card.Organization, Object: card.Card,
		Detail: "account,bank_bin card printed again", Outcome: identity.OK}); err != nil {
		return a, err
	}
	for name, to := range map[string]*string{"account": &a.Number, "bank_bin": &a.BIN} {
		at := events.Place{Organization: card.Organization, Source: event.Source, ID: event.ID, Field: name}
		if *to, err = o.Vault.Unseal(ctx, at, string(issued.Person), issued.Sealed[name]); err != nil {
			return a, err
		}
	}
	return a, nil
}

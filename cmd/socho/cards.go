package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/print"
	"socho/internal/service"
	"socho/internal/stallcards"
	"socho/ledger/proof"
	"socho/web"
	"socho/web/api"
)

// stallCards is what the pages about stall cards read from, and the press behind
// them.
func (c *RunCommand) stallCards(call *Call, s *service.Service, readers api.Readers, at service.Proof) (*web.CardSources, error) {
	press, err := call.press(s, c.publicOrigin())
	if err != nil {
		return nil, err
	}
	foundKey, err := call.personKey()
	if err != nil {
		return nil, err
	}
	keys := ownKeys(at.Keys)
	return &web.CardSources{
		Model: readers.Model, Serial: s.Read.CardsOf, Market: s.Read.Organization,
		Salt:   func(serial string) []byte { return stallcards.Salt(press.Key, serial) },
		Signed: func(text, signature []byte) bool { k := keys(); return k != nil && k.Own(text, signature) },
		Keys: func() [][]byte {
			if k := keys(); k != nil {
				return k.Raw()
			}
			return nil
		},
		Found: func(organization, bin, account string) string {
			mac := hmac.New(sha256.New, foundKey)
			fmt.Fprintf(mac, "found\x00%s\x00%s\x00%s", organization, bin, account)
			return "fa-" + hex.EncodeToString(mac.Sum(nil)[:16])
		},
		Print: func(ctx context.Context, o web.CardOrder, progress func(done, of int)) ([]byte, error) {
			// The signing key may have been made, or made anew, since.
			press, err := call.press(s, c.publicOrigin())
			if err != nil {
				return nil, err
			}
			order := stallcards.Order{Organization: o.Organization, Stalls: o.Stalls, Layout: print.FourOnA4, Anew: o.Anew, Why: events.Word(o.Why),
				Sales: o.Sales, Own: stallcards.Account{BIN: o.BIN, Number: o.Account}, Actor: o.Actor, ID: o.ID}
			if o.Single {
				order.Layout = print.OneOnA6
			}
			document, _, err := press.Print(ctx, order, progress)
			return document, cardProblem(err)
		},
	}, nil
}

// cardProblem gives what stands in the way of printing the words of the pages.
func cardProblem(err error) error {
	for _, p := range []struct {
		err error
		key string
	}{
		{stallcards.ErrAccount, "account"}, {stallcards.ErrNoStalls, "stalls"}, {stallcards.ErrStall, "stalls"},
		{stallcards.ErrLong, "long"}, {stallcards.ErrOwn, "own"}, {stallcards.ErrTaken, "taken"}, {service.ErrConflict, "taken"},
	} {
		if errors.Is(err, p.err) {
			return &web.CardProblem{Key: p.key}
		}
	}
	return err
}

// ownKeys reads the ledger's public keys once there are any; nil until then.
func ownKeys(from logpublisher.Keys) func() *proof.Keys {
	var mu sync.Mutex
	var text string
	var keys *proof.Keys
	return func() *proof.Keys {
		mu.Lock()
		defer mu.Unlock()
		now, err := from.Public()
		if err == nil && now.String() != text {
			keys, text = now, now.String()
		}
		return keys
	}
}

package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/reconcile"
	"socho/internal/service"
	"socho/internal/vault"
	"socho/internal/verification"
	"socho/web"
)

// Bounds of looking at connections: how long each may take to answer, and from
// how many records behind on one is slow.
const (
	connectionTime = 4 * time.Second
	slowFrom       = 1000
)

// connections looks at everything that this installation talks to, side by side.
func connections(s *service.Service, at service.Proof, people *identity.Directory, provider *web.Provider, hooks *reconcile.Hooks) web.ConnectionSource {
	looks := []func(context.Context) web.Connection{
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "brokers", Names: strings.Split(s.Brokers(), ","), State: "good"}
			shards, err := s.Shards(ctx)
			if err != nil {
				c.State = "away"
			}
			for _, shard := range shards {
				c.Count += shard.End - shard.NextOffset
				if shard.RecordedAt.After(c.UsedAt) {
					c.UsedAt = shard.RecordedAt
				}
			}
			return slow(c)
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "database", Names: []string{s.DatabaseAddress()}, State: "good", UsedAt: time.Now(), Link: "/health"}
			stopped, err := s.DB.StoppedShards(ctx)
			switch c.Count = int64(len(stopped)); {
			case err != nil:
				c.State, c.UsedAt = "away", time.Time{}
			case c.Count > 0:
				c.State = "slow"
			}
			return c
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "log", Names: []string{"/log/"}, State: "good"}
			heads, err1 := s.Heads(ctx)
			signed, err2 := s.Checkpoints(at)
			switch {
			case errors.Join(err1, err2) != nil:
				c.State = "away"
				return c
			case len(signed) == 0:
				c.State = "none"
				return c
			}
			for shard, head := range heads {
				c.Count += head.NextOffset
				if one := signed[shard]; one != nil {
					c.Count -= one.Size
				}
				if head.RecordedAt.After(c.UsedAt) {
					c.UsedAt = head.RecordedAt
				}
			}
			return slow(c)
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "witnesses", State: "none"}
			if names, err := s.Witnesses(ctx, at); err == nil && len(names) > 0 {
				c.State, c.Names, c.Count = "good", names, int64(len(names))
			}
			return c
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "provider", State: "none"}
			if provider == nil {
				return c
			}
			c.Names, c.State = []string{provider.Issuer()}, "good"
			if provider.Reachable(ctx) != nil {
				c.State = "away"
			}
			c.Count, c.UsedAt, _ = people.LoginsInUse(ctx) // unknown is said as never
			return c
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "inbox", Names: []string{service.Inbox}, State: "good"}
			status, err := s.InboxStatus(ctx)
			c.Count, c.UsedAt = status.Refused, status.UsedAt
			switch {
			case errors.Is(err, service.ErrNoInbox), err == nil && status.Taken+status.Waiting == 0:
				c.State = "none"
			case err != nil:
				c.State = "away"
			case status.Refused > 0 || status.Waiting > slowFrom:
				c.State = "slow"
			}
			return c
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "webhooks", State: "none"}
			list, err := hooks.List(ctx)
			if err != nil {
				c.State = "away"
			}
			for _, one := range list {
				c.State, c.Count = "good", c.Count+1
				c.Names = append(c.Names, one.Organization+" ("+one.Provider+")")
				if one.UsedAt != nil && one.UsedAt.After(c.UsedAt) {
					c.UsedAt = *one.UsedAt
				}
			}
			return c
		},
		func(ctx context.Context) web.Connection {
			c := web.Connection{Kind: "tokens", State: "none", Link: "/tokens"}
			tokens, err := people.Tokens(ctx)
			for _, t := range tokens {
				if err == nil && t.RevokedAt == nil && t.ExpiresAt.After(time.Now()) {
					c.State, c.Count = "good", c.Count+1
					if t.UsedAt != nil && t.UsedAt.After(c.UsedAt) {
						c.UsedAt = *t.UsedAt
					}
				}
			}
			return c
		},
	}
	return func(ctx context.Context) ([]web.Connection, error) {
		ctx, cancel := context.WithTimeout(ctx, connectionTime)
		defer cancel()
		found := make([]web.Connection, len(looks))
		var all sync.WaitGroup
		for i, look := range looks {
			all.Go(func() { found[i] = look(ctx) })
		}
		all.Wait()
		return found, nil
	}
}

// slow marks what is far behind.
func slow(c web.Connection) web.Connection {
	if c.State == "good" && c.Count > slowFrom {
		c.State = "slow"
	}
	return c
}

// verifier examines the whole ledger and what is published of it.
func (c *Call) verifier(s *service.Service, at service.Proof, people *identity.Directory) *verification.Verifier {
	return verification.New(s.DB.Pool, func(ctx context.Context, replay bool, progress func(done, of int64)) (found verification.Result, err error) {
		audit, err := s.Verify(ctx, false, replay, progress)
		if err != nil {
			return found, err
		}
		if err := s.VerifyPublished(ctx, at, audit); err != nil {
			return found, err
		}
		return verification.Result{Transfers: audit.Transfers, Position: audit.Position, Problems: audit.Problems}, nil
	}, people.Record, c.logger(true))
}

// unsealer opens sealed fields with the keys as they are now.
type unsealer struct{ vault *vault.Vault }

// Unseal implements web.Unsealer.
func (u unsealer) Unseal(ctx context.Context, at events.Place, person, sealed string) (clear string, erased bool, err error) {
	clear, err = u.vault.Unseal(ctx, at, person, sealed)
	if errors.Is(err, vault.ErrErased) {
		return "", true, nil
	}
	return clear, false, err
}

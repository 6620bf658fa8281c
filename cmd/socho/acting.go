package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"socho/internal/identity"
	"socho/internal/service"
)

// withActor opens the service in the name of whoever acts, who needs these rights in
// the organization; an empty one stands for any.
func (c *Call) withActor(ctx context.Context, token, organization string, rights []identity.Right, f func(ctx context.Context, s *service.Service, who *identity.Principal, people *identity.Directory) error) (err error) {
	s, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ctx, who, people, err := c.acting(ctx, s, token, organization, rights)
	if err != nil {
		return err
	}
	return f(ctx, s, who, people)
}

// acting finds out who a command acts for, and lets them through who have these
// rights in the organization; an empty one stands for any.
func (c *Call) acting(ctx context.Context, s *service.Service, token, organization string, rights []identity.Right) (context.Context, *identity.Principal, *identity.Directory, error) {
	people, err := c.directory(s)
	if err != nil {
		return ctx, nil, nil, err
	}
	who := identity.CLI()
	if token != "" {
		by := people.ByToken
		if strings.HasPrefix(token, identity.PersonTokenPrefix) {
			by = people.ByPersonToken
		}
		if who, err = by(ctx, token); errors.Is(err, identity.ErrSignIn) {
			return ctx, nil, nil, errors.New("--token: it opens nothing: it has expired, was taken back, or was not copied whole")
		} else if err != nil {
			return ctx, nil, nil, err
		}
	}
	ctx = identity.With(ctx, who)
	for _, right := range rights {
		err := people.Require(ctx, right, organization)
		if errors.Is(err, identity.ErrStepUp) {
			return ctx, nil, nil, fmt.Errorf("%s asks for a token of the last five minutes; make a new one", right)
		}
		if err != nil {
			return ctx, nil, nil, fmt.Errorf("%s in %s: %w", right, organization, err)
		}
	}
	return ctx, who, people, nil
}

// actorOf is who acts, as intake stamps it.
func actorOf(who *identity.Principal) string {
	if who.ID == identity.CLI().ID {
		return "cli"
	}
	return string(who.Kind) + ":" + who.ID
}

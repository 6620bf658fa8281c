package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/internal/service"
	"socho/web"
)

// samplePeople play the roles of the sample, each in an organization of it.
var samplePeople = []struct {
	name  string
	grant identity.Grant
	also  []identity.Grant
}{
	{"ban.quan.ly", identity.Grant{Role: identity.MarketManager, Organization: "hg-cho-dong-van"}, nil},
	{"nguoi.thu", identity.Grant{Role: identity.Collector, Organization: "hg-cho-dong-van"}, nil},
	{"tai.vu", identity.Grant{Role: identity.FinanceOfficer, Organization: "hg-truong-bac-me"}, []identity.Grant{{Role: identity.FinanceOfficer, Organization: "hg-quy-bao-tro"}}},
	{"lap.danh.sach", identity.Grant{Role: identity.Proposer, Organization: "hg-quy-bao-tro"}, nil},
	{"nguoi.duyet", identity.Grant{Role: identity.Approver, Organization: "hg-quy-bao-tro"}, nil},
	{"chi.tien", identity.Grant{Role: identity.Clerk, Organization: "hg-quy-bao-tro"}, nil},
	{"can.bo.tinh", identity.Grant{Role: identity.Official, Organization: identity.Everywhere}, nil},
	{"kiem.toan", identity.Grant{Role: identity.Auditor, Organization: identity.Everywhere}, nil},
	{"quan.tri", identity.Grant{Role: identity.Administrator, Organization: identity.Everywhere}, nil},
}

// sampleTrader is whoever holds a stall that owes something; she gets a card.
var sampleTrader = readmodel.Trader{Organization: "hg-cho-dong-van", Stall: "A31"}

// demo makes the people of the sample, with a password and a card that are good
// until the next start. Where the sample is not loaded, or pages leave this
// machine, there are none, and nobody knows the passwords of those made before.
func (c *RunCommand) demo(ctx context.Context, s *service.Service, people *identity.Directory) (made []web.DemoPerson, err error) {
	loaded, err := s.DB.Done(ctx, sampleTask)
	if err != nil || !loaded || !c.private() {
		return nil, err
	}
	ctx = identity.With(ctx, identity.CLI())
	text := strings.ToLower(rand.Text())
	password := text[:6] + "-" + text[6:12] + "-" + text[12:18]
	for _, p := range samplePeople {
		if err := samplePerson(ctx, people, p.name, password, append(p.also, p.grant)...); err != nil {
			return nil, fmt.Errorf("sample person %s: %w", p.name, err)
		}
		made = append(made, web.DemoPerson{Role: p.grant.Role, Name: p.name, Password: password})
	}
	if err := takeSampleCards(ctx, people); err != nil {
		return nil, err
	}
	trader, err := s.Read.FindTrader(ctx, sampleTrader)
	if err != nil {
		return nil, fmt.Errorf("stall %s of the sample: %w", sampleTrader.Stall, err)
	}
	_, token, pin, err := people.IssueCard(ctx, trader.Organization, trader.Stall, trader.Person)
	return append(made, web.DemoPerson{Role: identity.Trader, Card: token, PIN: pin}), err
}

// samplePerson makes a person, or gives one who is there already the password.
func samplePerson(ctx context.Context, people *identity.Directory, name, password string, grants ...identity.Grant) error {
	staff, err := people.Staff(ctx, name)
	id, link := staff.ID, ""
	switch {
	case errors.Is(err, identity.ErrNotFound):
		id, link, err = people.Add(ctx, name, "vi")
	case err == nil:
		if err = people.Unlock(ctx, id); err == nil {
			link, err = people.Restart(ctx, id)
		}
	}
	if err != nil {
		return err
	}
	for _, grant := range grants {
		if err := people.Grant(ctx, id, grant); err != nil {
			return err
		}
	}
	_, err = people.Redeem(ctx, link, name, password)
	return err
}

func takeSampleCards(ctx context.Context, people *identity.Directory) error {
	cards, err := people.Cards(ctx, sampleTrader.Organization)
	for _, card := range cards {
		if err == nil && card.Stall == sampleTrader.Stall && card.RevokedAt == nil {
			err = people.RevokeCard(ctx, card.ID)
		}
	}
	return err
}

// dismiss keeps the people of the sample out where pages leave this machine:
// whoever tried their roles here may know their passwords, or hold a token.
func dismiss(ctx context.Context, people *identity.Directory) error {
	ctx = identity.With(ctx, identity.CLI())
	tokens, err := people.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, p := range samplePeople {
		staff, err := people.Staff(ctx, p.name)
		if errors.Is(err, identity.ErrNotFound) {
			continue
		}
		if err == nil && staff.LockedAt == nil {
			err = people.Lock(ctx, staff.ID)
		}
		for _, t := range tokens {
			if err == nil && t.CreatedBy == staff.ID && t.RevokedAt == nil {
				err = people.RevokeToken(ctx, t.ID)
			}
		}
		if err != nil {
			return err
		}
	}
	return takeSampleCards(ctx, people)
}

// doors says how to come in: as one of the sample's people, or, where nobody
// is there yet, by the link that makes the first administrator.
func (c *RunCommand) doors(ctx context.Context, out io.Writer, address string, people *identity.Directory, demo []web.DemoPerson) error {
	if len(demo) > 0 {
		fmt.Fprintln(out, "sample sign-ins, good until the next start; pages let you choose a role as well:")
		for _, p := range demo {
			if p.Card == "" {
				fmt.Fprintf(out, "  %-16s %-14s %s\n", p.Role, p.Name, p.Password)
			} else {
				fmt.Fprintf(out, "  %-16s PIN %s, %s/card?card=%s\n", p.Role, p.PIN, address, p.Card)
			}
		}
		return nil
	}
	if !c.private() {
		return nil
	}
	link, err := people.SetUp(ctx)
	if err == nil && link != "" {
		fmt.Fprintf(out, "nobody can sign in yet; make the first administrator's account within an hour: %s/welcome?link=%s\n", address, link)
	}
	return err
}

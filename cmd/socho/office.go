package main

import (
	"context"

	"socho/internal/identity"
	"socho/internal/office"
	"socho/internal/service"
	"socho/web"
)

// withOffice opens an organization's finance office for whoever acts, who needs
// these rights in it.
func (c *Call) withOffice(ctx context.Context, token, organization string, rights []identity.Right, f func(ctx context.Context, o *office.Office, people *identity.Directory) error) error {
	return c.withActor(ctx, token, organization, rights, func(ctx context.Context, s *service.Service, who *identity.Principal, people *identity.Directory) error {
		if err := s.WaitForProjections(ctx); err != nil {
			return err
		}
		desk, err := c.office(s)
		if err != nil {
			return err
		}
		return f(ctx, desk.For(actorOf(who)), people)
	})
}

// office is the finance office of a service, which sees every organization.
func (c *Call) office(s *service.Service) (*office.Office, error) {
	words, err := web.Words("vi")
	if err != nil {
		return nil, err
	}
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	o := &office.Office{Ledger: s.DB, Model: s.Read, Everything: s.Read, App: s.DB, Log: s.Log, Vault: s.Vault, Words: words, Recorder: s}
	if o.Persons, err = master.Derive("persons by pupil code"); err != nil {
		return nil, err
	}
	if o.References, err = master.Derive("reference codes"); err != nil {
		return nil, err
	}
	o.Links, err = master.Derive("parent links")
	return o, err
}

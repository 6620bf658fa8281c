package main

import (
	"context"
	"fmt"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/reconcile"
	"socho/internal/service"
	"socho/web"
)

// desk is what whoever matches payments works with on pages. What is taken in the
// background ends with life; wait returns once it has.
func (c *Call) desk(life context.Context, s *service.Service, people *identity.Directory) (_ *web.Desk, wait func(), err error) {
	master, err := c.master()
	if err != nil {
		return nil, nil, err
	}
	importer := func(ctx context.Context, organization string) (*reconcile.Importer, error) {
		return c.importer(ctx, s, organization)
	}
	files, err := reconcile.NewFiles(life, s.DB.Pool, master.Derive, importer, c.logger(true))
	if err != nil {
		return nil, nil, err
	}
	texts := textsOf(s)
	return &web.Desk{
		Lines: reconcile.NewDesk(s.DB.Pool), Files: files, Texts: texts,
		Rematch: func(ctx context.Context, organization, actor string) (*reconcile.Rematched, error) {
			im, err := importer(ctx, organization)
			if err != nil {
				return nil, err
			}
			im.Actor = actor
			result, err := im.Rematch(ctx, texts, nil)
			if err == nil {
				err = s.WaitForProjections(ctx)
			}
			return result, err
		},
		Payer: func(ctx context.Context, organization, text string) (string, error) {
			im, err := importer(ctx, organization)
			if err != nil {
				return "", err
			}
			return im.Payer(text), nil
		},
		Colleague: func(ctx context.Context, id string) string {
			// Who works at the same desk may know who was faster there.
			staff, err := people.Staff(identity.With(ctx, identity.CLI()), id)
			if err != nil {
				return ""
			}
			return staff.Name
		},
	}, files.Wait, nil
}

// textsOf opens what is sealed in records of lines.
func textsOf(s *service.Service) *reconcile.Texts { return &reconcile.Texts{Log: s.Log, Keys: s.Vault} }

// BankRematchCommand is socho bank rematch.
type BankRematchCommand struct {
	Org string `help:"Whose lines are looked at again." required:"" placeholder:"ORG"`
}

// Help implements kong's help for one command.
func (*BankRematchCommand) Help() string {
	return "Example: socho bank rematch --org hg-truong-mau\n\nAfter bills were issued: every incoming line of which nothing is placed, and that carries the code of exactly one " +
		"open bill, is placed on it. What a person took back is not placed again."
}

// Run matches again.
func (c *BankRematchCommand) Run(ctx context.Context, call *Call) error {
	if !events.ValidOrganization(c.Org) {
		return usageError{fmt.Errorf("--org takes 1 to 64 of a-z 0-9 -")}
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.WaitForProjections(ctx); err != nil {
		return err
	}
	im, err := call.importer(ctx, s, c.Org)
	if err != nil {
		return err
	}
	tell, end := call.progress("matching")
	result, err := im.Rematch(ctx, textsOf(s), tell)
	end()
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(result)
	}
	fmt.Fprintf(call.Stdout, "%d lines placed on their bill, %d wait for a person\n", result.Matched, result.Cases)
	return nil
}

package main

import (
	"context"
	"fmt"

	"socho/internal/sales"
	"socho/internal/service"
)

// SalesCommand is socho sales.
type SalesCommand struct {
	Book    SalesBookCommand    `cmd:"" help:"Write a trader's sales book (S1a-HKD) as PDF or Excel."`
	Confirm SalesConfirmCommand `cmd:"" help:"Say that the account a trader has connected is hers."`
}

// saleAccounts knows which accounts traders have connected.
func (c *Call) saleAccounts(s *service.Service) (*sales.Accounts, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	key, err := master.Derive("sales accounts")
	return &sales.Accounts{Vault: s.Vault, Read: s.Read, Key: key}, err
}

// SalesConfirmCommand is socho sales confirm.
type SalesConfirmCommand struct {
	Org        string `help:"The market." required:"" placeholder:"ORG"`
	Connection string `help:"The connection, as the trader's page shows it." required:"" placeholder:"ID"`
}

// Help implements kong's help for one command.
func (*SalesConfirmCommand) Help() string {
	return "Example: socho sales confirm --org hg-cho-dong-van --connection 0198f2a0-0001-7000-8000-000000000001\n\n" +
		"A trader's account takes nothing in before it is proved to be hers. She proves it herself by a transfer out of it with the code that her page shows. " +
		"Where the bank's messages do not tell of transfers out, somebody of the board looks at her bank's app with her and says so here."
}

// Run notes the board's word.
func (c *SalesConfirmCommand) Run(ctx context.Context, call *Call) error {
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	accounts, err := call.saleAccounts(s)
	if err != nil {
		return err
	}
	if err := accounts.Confirm(ctx, c.Org, c.Connection); err != nil {
		return fmt.Errorf("no account waits for %s of %s: %w", c.Connection, c.Org, err)
	}
	if call.CLI.JSON {
		return call.json(map[string]any{"organization": c.Org, "connection": c.Connection, "proved": true})
	}
	_, err = fmt.Fprintf(call.Stdout, "What is paid to the account of %s is taken in from now on.\n", c.Connection)
	return err
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"socho/bank"
	"socho/events"
	"socho/internal/reconcile"
	"socho/internal/service"
)

// BankImportCommand is socho bank import.
type BankImportCommand struct {
	File    string `arg:"" help:"Statement: camt.052/053/054, MT940, CSV or XLSX." type:"existingfile"`
	Org     string `help:"Whose account it is." required:"" placeholder:"ORG"`
	Account string `help:"The organization's own name for the account; by itself, main for the registered one." placeholder:"ID"`
	Open    bool   `help:"Let an account that is new here begin with the statement's opening balance."`
	Format  string `help:"auto, camt, mt940, csv or xlsx." default:"auto"`
}

// Help implements kong's help for one command.
func (*BankImportCommand) Help() string {
	return "Example: socho bank import thang9.xlsx --org hg-truong-mau\n\nA file may come twice, and files may overlap: each line counts once. What carries the code of exactly one open bill " +
		"is placed on it; everything else waits for a person. A run that was cut off is run again."
}

// Run takes a statement in.
func (c *BankImportCommand) Run(ctx context.Context, call *Call) error {
	if !events.ValidOrganization(c.Org) || c.Account != "" && !events.ValidID(c.Account) {
		return usageError{fmt.Errorf("--org takes 1 to 64 of a-z 0-9 -, --account 1 to 64 of A-Z a-z 0-9 . _ -")}
	}
	file, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer file.Close()
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	importer, err := call.importer(ctx, s, c.Org)
	if err != nil {
		return err
	}
	importer.Account, importer.Open = c.Account, c.Open
	tell, end := call.progress("reading")
	report, err := importer.File(ctx, file, bank.Options{Format: c.Format, Name: filepath.Base(c.File), Progress: tell})
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.File), err)
	}
	if call.CLI.JSON {
		return call.json(report)
	}
	fmt.Fprintf(call.Stdout, "%d new lines, %d already known; %d placed on their bill, %d wait for a person\n", report.New, report.AlreadyKnown, report.Matched, report.Cases)
	for _, a := range report.Accounts {
		if a.Agrees {
			fmt.Fprintf(call.Stdout, "✓ %s: the statement closes with %s %s, as the ledger has it\n", a.Account, a.Closing, a.Currency)
		} else {
			fmt.Fprintf(call.Stdout, "✗ %s: the statement closes with %s %s, the ledger has %s: lines are missing, or the account was not opened with its balance\n", a.Account, a.Closing, a.Currency, a.Ledger)
		}
	}
	for _, p := range report.Problems {
		fmt.Fprintf(call.Stdout, "line %d: %s\n", p.Line, p.Detail)
	}
	return nil
}

// importer brings lines of an organization's account onto the log.
func (c *Call) importer(ctx context.Context, s *service.Service, organization string) (*reconcile.Importer, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	key, err := master.Derive("payers")
	if err != nil {
		return nil, err
	}
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: organization, Actor: "cli", Pseudonym: key, Readings: reconcile.NewReadings(s.DB.Pool)}
	if o, err := s.Read.Organization(ctx, organization); err == nil { // not registered: nothing is known of its account
		im.Known, im.Market = o.Account, o.Kind == "market"
	}
	return im, nil
}

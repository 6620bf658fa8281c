package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/books"
	"socho/internal/identity"
	"socho/internal/office"
)

// BooksCommand is socho books.
type BooksCommand struct {
	Export BooksExportCommand `cmd:"" help:"Write a sheet for accounting: Excel or CSV."`
	Codes  BooksCodesCommand  `cmd:"" help:"Under which account codes an organization's journal is written."`
}

// orgFlag names an organization.
type orgFlag struct {
	Org string `help:"The organization." required:"" placeholder:"ORG"`
}

// Validate implements kong's check of flags.
func (f orgFlag) Validate() error {
	if !events.ValidOrganization(f.Org) {
		return fmt.Errorf("--org %q: expected 1 to 64 of a-z 0-9 -", f.Org)
	}
	return nil
}

// BooksExportCommand is socho books export.
type BooksExportCommand struct {
	Kind string `arg:"" help:"classes, items, pupils, debts, cashbook, balance or journal." enum:"classes,items,pupils,debts,cashbook,balance,journal"`
	orgFlag
	Period string `help:"Bills of this month, or what is effective in it; everything without it." placeholder:"YYYY-MM"`
	Class  string `help:"Bills of this class alone." placeholder:"CLASS"`
	On     string `help:"The day that debts are aged by; today without it." placeholder:"DATE"`
	Names  bool   `help:"With names, which is written down."`
	Out    string `short:"o" help:"Write here; the ending says in which format." required:"" placeholder:"FILE.xlsx|FILE.csv"`
	actFlags
}

// Help implements kong's help for one command.
func (*BooksExportCommand) Help() string {
	return "Example: socho books export debts --org hg-truong-mau --on 2026-09-30 -o cong-no.xlsx\n\nclasses: billed by class and item, paid, owing. items: every item of every bill, with the paper owed for it. pupils: each pupil or stall. debts: open bills with their age. cashbook: what came into and left bank and cash. balance: the trial balance. journal: every posting under the account codes of socho books codes.\n\nEach row names its records (SHARD:OFFSET); the last lines say as of which position. Without --names people are opaque ids."
}

// Run writes a sheet.
func (c *BooksExportCommand) Run(ctx context.Context, call *Call) error {
	format := strings.TrimPrefix(filepath.Ext(c.Out), ".")
	if !slices.Contains([]string{"xlsx", "csv"}, format) {
		return usageError{fmt.Errorf("-o %q: expected a name that ends in .xlsx or .csv", c.Out)}
	}
	if c.Period != "" && (len(c.Period) != 7 || !events.Period(c.Period).Valid()) {
		return usageError{fmt.Errorf("--period %q: expected a month such as 2026-09", c.Period)}
	}
	on := events.Date(c.On)
	if on == "" {
		on = today()
	}
	if !on.Valid() {
		return usageError{fmt.Errorf("--on %q: expected a day such as 2026-09-30", c.On)}
	}
	rights := []identity.Right{identity.ExportData}
	if c.Names {
		rights = append(rights, identity.ExportPersonal)
	}
	return call.withOffice(ctx, c.Token, c.Org, rights, func(ctx context.Context, o *office.Office, people *identity.Directory) error {
		entry := identity.Entry{Action: identity.Exported, Organization: c.Org, Object: c.Kind, Outcome: identity.OK}
		if c.Names {
			entry.Detail = "name"
		}
		if err := people.Record(ctx, entry); err != nil {
			return err
		}
		tell, end := call.progress("reading bills")
		table, err := o.Export(ctx, office.Export{Organization: c.Org, Kind: c.Kind, Period: events.Period(c.Period), Class: c.Class, On: on, Names: c.Names,
			Progress: func(done, of int) { tell(int64(done), int64(of)) }})
		end()
		if err != nil {
			return err
		}
		_, _, content, err := office.File(table, format)
		if err != nil {
			return err
		}
		if err := replace(c.Out, content); err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"rows": len(table.Rows), "bytes": len(content), "position": table.AsOf})
		}
		_, err = fmt.Fprintf(call.Stdout, "%s: %d rows in %s\n", table.Title, len(table.Rows), c.Out)
		return err
	})
}

// today is the calendar day in Vietnam.
func today() events.Date {
	return events.Date(time.Now().In(time.FixedZone("ICT", 7*3600)).Format(time.DateOnly))
}

// BooksCodesCommand is socho books codes.
type BooksCodesCommand struct {
	orgFlag
	Set     string `help:"Keep the codes of this file." placeholder:"FILE.csv" xor:"change"`
	Default bool   `help:"Go back to the codes that an organization starts from." xor:"change"`
	actFlags
}

// Help implements kong's help for one command.
func (*BooksCodesCommand) Help() string {
	return "Example: socho books codes --org hg-truong-mau > codes.csv; edit it; socho books codes --org hg-truong-mau --set codes.csv\n\nA line is account,code,name: a path of the ledger, in which {} stands for one step and * at the end for all further ones, and the code that it is kept under. The first line that fits counts. An organization starts from codes after Circular 24/2024/TT-BTC; its chief accountant decides which hold."
}

// Run prints or changes the codes.
func (c *BooksCodesCommand) Run(ctx context.Context, call *Call) error {
	var codes books.Codes
	if c.Set != "" {
		content, err := os.ReadFile(c.Set)
		if err != nil {
			return usageError{err}
		}
		if codes, err = books.ReadCodes(content); err != nil {
			return err
		}
	}
	right := identity.ExportData
	if c.Set != "" || c.Default {
		right = identity.IssueBills
	}
	return call.withOffice(ctx, c.Token, c.Org, []identity.Right{right}, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		org, err := o.Model.Organization(ctx, c.Org)
		if err != nil {
			return fmt.Errorf("--org: no organization %q is registered", c.Org)
		}
		if c.Set != "" || c.Default {
			if err := o.SetCodes(ctx, c.Org, codes); err != nil {
				return err
			}
		}
		if codes, err = o.Codes(ctx, org); err != nil {
			return err
		}
		if call.CLI.JSON {
			for _, code := range codes {
				if err := call.json(map[string]string{"account": code.Account, "code": code.Code, "name": code.Name}); err != nil {
					return err
				}
			}
			return nil
		}
		_, err = call.Stdout.Write(books.WriteCodes(codes))
		return err
	})
}

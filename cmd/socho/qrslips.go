package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/office"
	"socho/web"
)

// QRSlipsCommand is socho qr slips.
type QRSlipsCommand struct {
	orgFlag
	Period string `help:"Open bills of this month; of all months without it." placeholder:"YYYY-MM"`
	Class  string `help:"This class alone." placeholder:"CLASS"`
	Names  bool   `help:"With the names of payers, which is written down."`
	Links  string `help:"Where families find their pages; prints the links that were handed out." placeholder:"https://HOST"`
	Out    string `short:"o" help:"Write the pages here." required:"" placeholder:"FILE.pdf"`
	actFlags
}

// Help implements kong's help for one command.
func (*QRSlipsCommand) Help() string {
	return "Example: socho qr slips --org hg-truong-mau --period 2026-09 --class 3A --names -o 3A.pdf\n\nA slip for every bill of which something is owed, three on a sheet of A4, by class and name: what it is made of and which paper is owed for it, the amount in figures and words, and the code that pays it. Every code is read back from the page before the file is written. A bill without a reference code gets none."
}

// linksAt is where the pages of families are, up to the secret; empty for nowhere.
func linksAt(origin string) string {
	if origin == "" {
		return ""
	}
	return strings.TrimSuffix(origin, "/") + web.FamilyPath
}

// Run prints slips.
func (c *QRSlipsCommand) Run(ctx context.Context, call *Call) error {
	if c.Period != "" && (len(c.Period) != 7 || !events.Period(c.Period).Valid()) {
		return usageError{fmt.Errorf("--period %q: expected a month such as 2026-09", c.Period)}
	}
	rights := []identity.Right{identity.SeeBills}
	if c.Names {
		rights = append(rights, identity.ExportPersonal)
	}
	return call.withOffice(ctx, c.Token, c.Org, rights, func(ctx context.Context, o *office.Office, people *identity.Directory) error {
		entry := identity.Entry{Action: identity.Exported, Organization: c.Org, Object: "slips", Outcome: identity.OK}
		if c.Names {
			entry.Detail = "name"
		}
		if err := people.Record(ctx, entry); err != nil {
			return err
		}
		tell, end := call.progress("drawing and reading back")
		document, report, err := o.Slips(ctx, office.Slips{Organization: c.Org, Period: events.Period(c.Period), Class: c.Class, Names: c.Names, Links: linksAt(c.Links), At: time.Now().UTC(),
			Progress: func(done, of int) { tell(int64(done), int64(of)) }})
		end()
		if err != nil {
			return err
		}
		if err := replace(c.Out, document); err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"slips": report.Slips, "without_reference": len(report.Skipped), "bytes": len(document)})
		}
		if len(report.Skipped) > 0 {
			fmt.Fprintf(call.Stderr, "%d bills have no reference code and got no slip\n", len(report.Skipped))
		}
		_, err = fmt.Fprintf(call.Stdout, "%d slips in %s, every code read back\n", report.Slips, c.Out)
		return err
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socho/internal/identity"
	"socho/internal/payoutreport"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/internal/service"
)

// outFlag names the file that is written; its ending says how.
type outFlag struct {
	Out string `short:"o" help:"Where to write, as .pdf or .xlsx." required:"" placeholder:"FILE"`
}

// Validate implements kong's check of flags.
func (o outFlag) Validate() error {
	if end := strings.ToLower(filepath.Ext(o.Out)); end != ".pdf" && end != ".xlsx" {
		return fmt.Errorf("-o %q: expected a name that ends in .pdf or .xlsx", o.Out)
	}
	return nil
}

// printed is what can be put on paper or into a workbook.
type printed interface {
	PDF() ([]byte, error)
	XLSX() ([]byte, error)
}

// write writes it beside its place and puts it there, so that no half of it lies
// about.
func (o outFlag) write(p printed) error {
	made := p.PDF
	if strings.EqualFold(filepath.Ext(o.Out), ".xlsx") {
		made = p.XLSX
	}
	content, err := made()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(o.Out), ".socho-*")
	if err != nil {
		return usageError{err}
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone where it was put in place
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), o.Out)
}

// PayoutSheetCommand is socho payout sheet.
type PayoutSheetCommand struct {
	fundMonth
	Unit string `help:"One commune, by its code; all without it." placeholder:"CODE"`
	outFlag
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutSheetCommand) Help() string {
	return "Example: socho payout sheet --org hg-quy-bao-tro --period 2026-10 --unit 00721 -o ky-nhan.pdf\n\nThe list that people sign for cash: number, name, the last digits of the citizen id, amount, and a QR code with the payout's id alone, which the pay point scans. It opens names, and the trail says so."
}

// Validate implements kong's check of flags.
func (c *PayoutSheetCommand) Validate() error {
	return errors.Join(c.fundMonth.Validate(), c.outFlag.Validate())
}

// Run writes the signed list.
func (c *PayoutSheetCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ExportPersonal}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		fund, err := p.Read.Organization(ctx, c.Org)
		if errors.Is(err, readmodel.ErrNotFound) {
			return fmt.Errorf("--org %s: no such organization", c.Org)
		}
		if err != nil {
			return err
		}
		lines, err := p.CashLines(ctx, c.Org, c.Period, c.Unit)
		if err != nil {
			return err
		}
		s := payoutreport.NewSheet(fund.Name, c.Period, c.Unit, lines, time.Now())
		if len(s.Lines) == 0 {
			return errors.New("nobody is paid in cash for that month and place")
		}
		if err := c.write(s); err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"lines": len(s.Lines), "sum": fmt.Sprint(s.Sum), "file": c.Out})
		}
		_, err = fmt.Fprintf(call.Stdout, "%d payouts, %d đ, in %s\n", len(s.Lines), s.Sum, c.Out)
		return err
	})
}

// PayoutReportCommand is socho payout report.
type PayoutReportCommand struct {
	fundMonth
	outFlag
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutReportCommand) Help() string {
	return "Example: socho payout report --org hg-quy-bao-tro --period 2026-10 -o bao-cao.xlsx\n\nThe report that is due by the 20th: commune by commune who was entitled, has an account, was paid by account and in cash, what came back and is carried forward, the share paid without cash with its definition, and where the cash is. The whole is what socho payout status and socho adoption say."
}

// Validate implements kong's check of flags.
func (c *PayoutReportCommand) Validate() error {
	return errors.Join(c.fundMonth.Validate(), c.outFlag.Validate())
}

// Run writes the month's report.
func (c *PayoutReportCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.SeePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		if err := p.Service.WaitForProjections(ctx); err != nil {
			return err
		}
		r, err := payoutreport.Books{Ledger: p.DB, Read: p.Read}.Report(ctx, c.Org, c.Period, time.Now())
		if errors.Is(err, readmodel.ErrNotFound) {
			return fmt.Errorf("--org %s: no such organization", c.Org)
		}
		if err != nil {
			return err
		}
		if err := c.write(r); err != nil {
			return err
		}
		rate := ""
		if r.Whole.Rate != nil {
			rate = *r.Whole.Rate
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"definition": r.Definition, "numerator": r.Whole.PaidAccount, "denominator": r.Whole.Entitled, "rate": rate, "file": c.Out})
		}
		_, err = fmt.Fprintf(call.Stdout, "%d of %d paid by account, %s %% (%s), in %s\n", r.Whole.PaidAccount, r.Whole.Entitled, rate, r.Definition, c.Out)
		return err
	})
}

// monthPapers makes the papers of funds for pages.
type monthPapers struct {
	payoutreport.Books
	service *service.Service
	people  *identity.Directory
}

// Sheet implements web.MonthSource.
func (m monthPapers) Sheet(ctx context.Context, actor, organization, period, unit string, at time.Time) (*payoutreport.Sheet, error) {
	fund, err := m.Read.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	p := m.service.Payouts(actor)
	p.Trail = m.people.Record
	lines, err := p.CashLines(ctx, organization, period, unit)
	if err != nil {
		return nil, err
	}
	return payoutreport.NewSheet(fund.Name, period, unit, lines, at), nil
}

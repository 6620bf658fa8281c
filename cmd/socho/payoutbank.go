package main

import (
	"context"
	"fmt"
	"io"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payouts"
)

// PayoutExportCommand is socho payout export.
type PayoutExportCommand struct {
	fundMonth
	Format    string `help:"pain.001 (that is pain.001.001.09), pain.001.001.03 or xlsx." required:"" placeholder:"FORMAT"`
	Output    string `help:"The file to write." short:"o" required:"" placeholder:"FILE"`
	Account   string `help:"The account that pays: its number, or the organization's own name for the registered one." placeholder:"ID"`
	ExecuteOn string `help:"The day the bank is to pay; today without it." placeholder:"DATE"`
	Method    string `help:"account or ewallet." enum:"account,ewallet" default:"account"`
	Batch     string `help:"Write this batch again; nothing new is batched." placeholder:"ID"`
	Returned  bool   `help:"Send again what came back."`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutExportCommand) Help() string {
	return "Example: socho payout export --org hg-quy-bao-tro --period 2026-10 --format pain.001 -o chi.xml\n\nWhere nothing new waits, the last file is written again, byte for byte. It holds names and accounts; opening them is written into the trail."
}

// Run exports a batch.
func (c *PayoutExportCommand) Run(ctx context.Context, call *Call) error {
	switch {
	case !payouts.FormatKnown(c.Format):
		return usageError{fmt.Errorf("--format %q: expected pain.001, pain.001.001.09, pain.001.001.03 or xlsx", c.Format)}
	case c.ExecuteOn != "" && !events.Date(c.ExecuteOn).Valid():
		return usageError{fmt.Errorf("--execute-on %q: expected a day such as 2026-10-05", c.ExecuteOn)}
	case c.Account != "" && !events.ValidID(c.Account):
		return usageError{fmt.Errorf("--account %q: expected 1 to 64 letters, digits, . _ -", c.Account)}
	}
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ExportPersonal, identity.UnsealIdentity}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		out, err := p.Export(ctx, payouts.Export{Organization: c.Org, Period: c.Period, Format: c.Format, Method: c.Method, Account: c.Account,
			ExecuteOn: c.ExecuteOn, Batch: c.Batch, Returned: c.Returned}, c.Output)
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(out)
		}
		for code, n := range out.Refused {
			fmt.Fprintf(call.Stderr, "%d payouts were not batched: %s\n", n, code)
		}
		_, err = fmt.Fprintf(call.Stdout, "%s: %d payouts, %s đ, sha256 %s\n", out.Batch, out.Count, out.Sum, out.Digest)
		return err
	})
}

// PayoutSubmitCommand is socho payout submit.
type PayoutSubmitCommand struct {
	File string `arg:"" help:"The file that goes to the bank."`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutSubmitCommand) Help() string {
	return "Example: socho payout submit chi.xml\n\nA file that is not, to the byte, as it was exported is refused. Once the bank has it, payouts that come back may go into another batch."
}

// Run submits a file.
func (c *PayoutSubmitCommand) Run(ctx context.Context, call *Call) error {
	src, err := payoutFile(c.File)
	if err != nil {
		return err
	}
	defer src.Close()
	return call.withPayouts(ctx, c.Token, "", nil, func(ctx context.Context, p *payouts.Process, who *identity.Principal) error {
		p.May = func(organization string) bool { return who.May(identity.PublishEvents, organization) }
		out, err := p.Submit(ctx, src)
		if err != nil {
			return ofFile(c.File, err)
		}
		if call.CLI.JSON {
			return call.json(out)
		}
		_, err = fmt.Fprintf(call.Stdout, "%s of %s goes to the bank\n", out.Batch, out.Organization)
		return err
	})
}

// PayoutSettleCommand is socho payout settle.
type PayoutSettleCommand struct {
	File    string `arg:"" help:"pain.002, a statement or notification, or the bank’s sheet of results."`
	Org     string `help:"The benefit fund." required:"" placeholder:"ORG"`
	Account string `help:"The account that a statement is of, where it does not say." placeholder:"ID"`
	Line    string `help:"The bank line that carried the money out, where the results name none." placeholder:"ID"`
	Batch   string `help:"The batch that the results are of, where they do not say." placeholder:"ID"`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutSettleCommand) Help() string {
	return "Example: socho payout settle ket-qua.xlsx --org hg-quy-bao-tro\n\nResults may come twice, late, in parts, and in several files. Only a bank line moves the bank account: import statements with socho bank import as well. Where the results name no line, the batch stands for it, and the statement's line that follows is taken to be the same money."
}

// Run takes results in.
func (c *PayoutSettleCommand) Run(ctx context.Context, call *Call) error {
	for name, id := range map[string]string{"--line": c.Line, "--batch": c.Batch, "--account": c.Account} {
		if id != "" && !events.ValidID(id) {
			return usageError{fmt.Errorf("%s %q: expected 1 to 64 letters, digits, . _ -", name, id)}
		}
	}
	if !events.ValidOrganization(c.Org) {
		return usageError{fmt.Errorf("--org %q: expected 1 to 64 of a-z 0-9 -", c.Org)}
	}
	src, err := payoutFile(c.File)
	if err != nil {
		return err
	}
	defer src.Close()
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.PublishEvents}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		out, err := p.Settle(ctx, io.ReadSeeker(src), payouts.Results{Organization: c.Org, Account: c.Account, Line: c.Line, Batch: c.Batch})
		if err != nil {
			return ofFile(c.File, err)
		}
		for _, problem := range out.Unknown {
			fmt.Fprintln(call.Stderr, problem)
		}
		if call.CLI.JSON {
			return call.json(out)
		}
		_, err = fmt.Fprintf(call.Stdout, "%d settled, %d returned, %d known already, %d pending, %d late, %d lines not placed\n",
			out.Settled, out.Returned, out.Known, out.Pending, out.Late, out.Problems)
		return err
	})
}

// PayoutStatusCommand is socho payout status.
type PayoutStatusCommand struct {
	fundMonth
	Refusals bool `help:"List the payouts of approved lists that are not ordered, and why, a line each."`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutStatusCommand) Help() string {
	return "Example: socho payout status --org hg-quy-bao-tro --period 2026-10 --json\n\nPersons, each counted once. The rate is persons paid by account of persons entitled, as socho adoption --domain benefits --by persons has it."
}

// Run says where a month stands.
func (c *PayoutStatusCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.SeePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		s, err := p.Status(ctx, c.Org, c.Period)
		if err != nil {
			return err
		}
		if c.Refusals {
			out := call.lines("LIST\tPAYOUT\tCODE\tREASON")
			err := p.EachNotOrdered(ctx, c.Org, c.Period, func(n payouts.NotOrdered) error {
				return out.write(n, "%s\t%s\t%s\t%s", n.List, n.Payout, n.Code, n.Reason)
			})
			return out.end(err)
		}
		if call.CLI.JSON {
			return call.json(s)
		}
		rate := "–"
		if s.Rate != nil {
			rate = *s.Rate + " %"
		}
		fmt.Fprintf(call.Stdout, "entitled %d, paid by account %d (%s), in cash %d, came back %d, carried forward %d\n", s.Entitled, s.PaidAccount, rate, s.PaidCash, s.Returned, s.CarriedForward)
		codes := map[string]int{}
		if err := p.EachNotOrdered(ctx, c.Org, c.Period, func(n payouts.NotOrdered) error {
			codes[n.Code]++
			return nil
		}); err != nil {
			return err
		}
		for code, n := range codes {
			fmt.Fprintf(call.Stdout, "not ordered, %s: %d; see --refusals\n", code, n)
		}
		return nil
	})
}

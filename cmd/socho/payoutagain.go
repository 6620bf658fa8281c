package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/readmodel"
)

// PayoutRemoveCommand is socho payout remove.
type PayoutRemoveCommand struct {
	Payouts []string `arg:"" help:"Ids of payouts."`
	fundMonth
	listFlag
	Reason string `help:"Why, as a word." default:"corrected" placeholder:"WORD"`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutRemoveCommand) Help() string {
	return "Example: socho payout remove o2610-su2ty4hkfxnrvkhkw65ycb26z --org hg-quy-bao-tro --period 2026-10 --reason duplicate\n\nOnly while the list is open. What the persons are entitled to for the month falls to what other lists say. What was taken off may stand on another list; the same file again does not bring it back."
}

// Run takes payouts off a list.
func (c *PayoutRemoveCommand) Run(ctx context.Context, call *Call) error {
	if !wordPattern.MatchString(c.Reason) {
		return usageError{fmt.Errorf("--reason %q: expected 1 to 32 of a-z 0-9 _", c.Reason)}
	}
	for _, id := range c.Payouts {
		if !events.ValidID(id) {
			return usageError{fmt.Errorf("%q is no id of a payout", id)}
		}
	}
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		list, err := p.FindList(ctx, c.Org, c.Period, c.List)
		if err != nil {
			return err
		}
		done, err := p.Remove(ctx, c.Org, list, c.Reason, c.Payouts)
		if err != nil {
			return err
		}
		for _, r := range done.Refused {
			fmt.Fprintf(call.Stderr, "%s: %s\n", r.Code, r.Reason)
		}
		if call.CLI.JSON {
			err = call.json(map[string]any{"list": list, "removed": done.Removed, "refused": len(done.Refused)})
		} else {
			_, err = fmt.Fprintf(call.Stdout, "%s: %d payouts taken off\n", list, done.Removed)
		}
		if err == nil && len(done.Refused) > 0 {
			err = errFailed
		}
		return err
	})
}

// PayoutCancelCommand is socho payout cancel.
type PayoutCancelCommand struct {
	Batch  string `arg:"" help:"The batch."`
	Org    string `help:"The benefit fund." required:"" placeholder:"ORG"`
	Reason string `help:"Why, as a word." default:"corrected" placeholder:"WORD"`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutCancelCommand) Help() string {
	return "Example: socho payout cancel B202610-001-abcdefghijkl --org hg-quy-bao-tro\n\nOnly where no file of it has gone to the bank, nor will. Its payouts wait again and go out with export --returned."
}

// Run cancels a batch.
func (c *PayoutCancelCommand) Run(ctx context.Context, call *Call) error {
	if !wordPattern.MatchString(c.Reason) {
		return usageError{fmt.Errorf("--reason %q: expected 1 to 32 of a-z 0-9 _", c.Reason)}
	}
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		back, err := p.Cancel(ctx, c.Org, c.Batch, c.Reason)
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"batch": c.Batch, "state": "cancelled", "payouts": back})
		}
		_, err = fmt.Fprintf(call.Stdout, "%s is cancelled, %d payouts wait again\n", c.Batch, back)
		return err
	})
}

// PayoutReissueCommand is socho payout reissue.
type PayoutReissueCommand struct {
	Payout string `arg:"" help:"The payout that came back."`
	Org    string `help:"The benefit fund." required:"" placeholder:"ORG"`
	Method string `help:"account, ewallet or cash." enum:"account,ewallet,cash" default:"account"`
	Bank   string `help:"The bank of the account, by BIN or name." placeholder:"BANK"`
	List   string `help:"An open list to put it on; one for the month without it." placeholder:"ID"`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutReissueCommand) Help() string {
	return "Example: socho payout reissue o2610-su2ty4hkfxnrvkhkw65ycb26z --org hg-quy-bao-tro --bank Agribank < account.txt\n\nThe number of the account and the name of its holder are read from standard input, a line each: a command line is seen by others. The order of the payout is taken back, and its money stands on an open list under a new id, which another person approves. Only what has come back whole is issued again; calling it twice is once."
}

// Run issues a payout again.
func (c *PayoutReissueCommand) Run(ctx context.Context, call *Call) error {
	r := payouts.Reissue{Organization: c.Org, Payout: c.Payout, List: c.List, Method: c.Method, BIN: c.Bank}
	if c.List != "" && !events.ValidID(c.List) {
		return usageError{fmt.Errorf("--list %q: expected 1 to 64 letters, digits, . _ -", c.List)}
	}
	if c.Method != "cash" {
		in := bufio.NewScanner(call.Stdin)
		for _, field := range []*string{&r.Account, &r.AccountName} {
			if in.Scan() {
				*field = strings.TrimSpace(in.Text())
			}
		}
	}
	switch r.Check() {
	case "bank":
		return usageError{errors.New("--bank: expected a BIN of 6 digits, or a name as banks spell it, such as Agribank")}
	case "account":
		return usageError{errors.New("standard input: expected the number of the account on the first line, 1 to 19 letters and digits")}
	case "account_name":
		return usageError{errors.New("standard input: expected the name of the account's holder on the second line")}
	}
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		done, err := p.Reissue(ctx, r)
		if errors.Is(err, readmodel.ErrNotFound) {
			return fmt.Errorf("%s has no payout %s", c.Org, c.Payout)
		}
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(done)
		}
		_, err = fmt.Fprintf(call.Stdout, "%s takes the place of %s on list %s\n", done.Payout, done.Old, done.List)
		return err
	})
}

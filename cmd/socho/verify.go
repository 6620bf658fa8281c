package main

import (
	"context"
	"fmt"

	"socho/internal/postgres"
	"socho/internal/service"
)

// VerifyCommand is socho verify.
type VerifyCommand struct {
	Replay       bool `help:"Rebuild the ledger from the log beside itself and compare every table."`
	DatabaseOnly bool `help:"Read neither the log nor what is published of it."`
}

// Help implements kong's help for one command.
func (*VerifyCommand) Help() string { return "Example: socho verify --replay" }

// Run verifies the ledger.
func (c *VerifyCommand) Run(ctx context.Context, call *Call) error {
	if c.Replay && c.DatabaseOnly {
		return usageError{fmt.Errorf("--replay reads the log, --database-only does not")}
	}
	open := call.caughtUp
	if c.DatabaseOnly {
		open = func(ctx context.Context) (*service.Service, error) { return call.open(ctx, false) }
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	tell, end := call.progress("replaying")
	audit, err := s.Verify(ctx, c.DatabaseOnly, c.Replay, tell)
	end()
	if err != nil {
		return err
	}
	if !c.DatabaseOnly {
		at, err := call.proof()
		if err != nil {
			return err
		}
		if err := s.VerifyPublished(ctx, at, audit); err != nil {
			return err
		}
	}
	if call.CLI.JSON {
		err = call.json(audit)
	} else {
		call.audit(audit)
	}
	if err == nil && !audit.OK {
		err = errFailed
	}
	return err
}

func (c *Call) audit(a *postgres.Audit) {
	for _, problem := range a.Problems {
		fmt.Fprintln(c.Stdout, "✗", problem)
	}
	if a.OK {
		fmt.Fprintln(c.Stdout, "✓ every row is as it was recorded")
	}
	fmt.Fprintf(c.Stdout, "%d transfers\n", a.Transfers)
	for currency, sum := range a.Sum {
		fmt.Fprintf(c.Stdout, "sum of all balances in %s: %s\n", currency, sum)
	}
	for shard := range len(a.Position) {
		fmt.Fprintf(c.Stdout, "shard %d: %d records, root %s\n", shard, a.Position[shard], a.Roots[shard])
	}
}

// ReplayCommand is socho replay.
type ReplayCommand struct {
	ToEmpty bool `help:"Rebuild into empty tables, and switch to them when they have caught up." required:""`
}

// Help implements kong's help for one command.
func (*ReplayCommand) Help() string { return "Example: socho replay --to-empty" }

// Run rebuilds the ledger.
func (c *ReplayCommand) Run(ctx context.Context, call *Call) error {
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	tell, end := call.progress("replaying")
	err = s.ReplayToEmpty(ctx, tell)
	end()
	if err != nil {
		return err
	}
	audit, err := s.Verify(ctx, true, false, nil)
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(audit)
	}
	call.audit(audit)
	return nil
}

package main

import (
	"context"
	"fmt"

	"socho/ledger"
)

// RulesCommand is socho rules.
type RulesCommand struct {
	Show     RulesShowCommand     `cmd:"" default:"1" help:"Say which rule set decides in each shard."`
	Activate RulesActivateCommand `cmd:"" help:"Have every shard decide by a newer rule set from here on."`
}

// RulesShowCommand is socho rules show.
type RulesShowCommand struct{}

// Help implements kong's help for one command.
func (*RulesShowCommand) Help() string { return "Example: socho rules" }

type ruleLine struct {
	Shard   int `json:"shard"`
	RuleSet int `json:"rule_set"`
	Newest  int `json:"newest"` // that this program has
}

// Run lists the shards.
func (*RulesShowCommand) Run(ctx context.Context, call *Call) error {
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	heads, err := s.Heads(ctx)
	if err != nil {
		return err
	}
	out := call.lines("SHARD\tRULE SET\tNEWEST HERE")
	for shard := range len(heads) {
		line := ruleLine{shard, heads[shard].RuleSet, ledger.LatestRuleSet}
		if err := out.write(line, "%d\t%d\t%d", line.Shard, line.RuleSet, line.Newest); err != nil {
			return out.end(err)
		}
	}
	return out.end(nil)
}

// RulesActivateCommand is socho rules activate.
type RulesActivateCommand struct {
	Set int `arg:"" help:"Number of the rule set."`
}

// Help implements kong's help for one command.
func (*RulesActivateCommand) Help() string {
	return fmt.Sprintf("Example: socho rules activate %d\n\nThere is no way back. Install the release in every process that works on the log first: one that lacks the set stops at the switch. "+
		"With the embedded default, socho run does this by itself.", ledger.LatestRuleSet)
}

// Run activates the set.
func (c *RulesActivateCommand) Run(ctx context.Context, call *Call) error {
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	switched, err := s.ActivateRules(ctx, c.Set)
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(map[string]int{"rule_set": c.Set, "switched": switched})
	}
	_, err = fmt.Fprintf(call.Stdout, "rule set %d decides in every shard; %d switched now\n", c.Set, switched)
	return err
}

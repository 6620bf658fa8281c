package main

import (
	"context"
	"fmt"
)

// IndexCommand is socho person index.
type IndexCommand struct{}

// Help implements kong's help for one command.
func (*IndexCommand) Help() string {
	return "Example: socho person index\n\nReads the whole log and remembers, as keyed hashes, the names of everybody who is not erased. Needed once where the log is older than the search by name; a restore does it by itself."
}

// Run remembers names anew.
func (*IndexCommand) Run(ctx context.Context, call *Call) error {
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	tell, end := call.progress("reading the log")
	found, err := s.IndexNames(ctx, tell)
	end()
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(found)
	}
	fmt.Fprintf(call.Stdout, "%d records read: %d names, %d of erased persons\n", found.Records, found.Names, found.Erased)
	if found.Missing > 0 {
		fmt.Fprintf(call.Stdout, "%d names cannot be opened: their keys are not here\n", found.Missing)
	}
	return nil
}

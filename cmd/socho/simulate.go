package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"socho/internal/simulation"
)

// SimulateCommand is socho simulate.
type SimulateCommand struct {
	Seed   uint64 `help:"What is published and what goes wrong follows from it." default:"1" placeholder:"S"`
	Events int    `help:"Lines to publish." default:"300" placeholder:"N"`
	Faults string `help:"Faults, separated by commas, or all." default:"all" placeholder:"LIST"`
	Kills  bool   `help:"Also kill real processes: socho run, and PostgreSQL under it."`
	Runs   int    `help:"So many seeds from --seed on, several at a time." default:"1" placeholder:"N"`
}

// Help implements kong's help for one command.
func (*SimulateCommand) Help() string {
	var b strings.Builder
	b.WriteString("Example: socho simulate --seed 7 --events 300 --faults zombie,torn_tail\n\n" +
		"It uses a temporary folder (TMPDIR) with a broker and a PostgreSQL of its own and removes it. " +
		"The same seed gives the same lines and the same plan of faults; how goroutines and processes take turns differs.\n\nFaults:")
	for _, f := range simulation.Faults() {
		fmt.Fprintf(&b, "\n\n%s: %s", f.Name, f.What)
		if f.Kill {
			b.WriteString(" (with --kills)")
		}
	}
	return b.String()
}

// Run plays the seeds.
func (c *SimulateCommand) Run(ctx context.Context, call *Call) (err error) {
	faults, err := simulation.Named(c.Faults, c.Kills)
	if err != nil {
		return usageError{fmt.Errorf("--faults: %w", err)}
	}
	if c.Events < simulation.MinEvents || c.Events > simulation.MaxEvents || c.Runs < 1 {
		return usageError{fmt.Errorf("--events takes %d to %d, --runs 1 or more", simulation.MinEvents, simulation.MaxEvents)}
	}
	options := simulation.Options{Seed: c.Seed, Events: c.Events, Faults: faults}
	if options.Binary, err = os.Executable(); err != nil {
		return err
	}
	host, err := simulation.NewHost(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	if c.Runs > 1 {
		return c.many(ctx, call, host, options)
	}
	options.Progress = call.Stderr
	result, err := simulation.Run(ctx, host, options)
	if err != nil {
		return err
	}
	if !result.OK {
		fmt.Fprintln(call.Stderr, "To play it again:", options.Command())
	}
	if call.CLI.JSON {
		err = call.json(result)
	} else {
		call.simulated(result.Events, 1, result.Faults, result.Problems)
	}
	return failedUnless(result.OK, err)
}

func (c *SimulateCommand) many(ctx context.Context, call *Call, host *simulation.Host, o simulation.Options) error {
	began, done := time.Now(), 0
	sum, err := simulation.Many(ctx, host, o, c.Runs, func(r *simulation.Result) {
		if done++; done%50 == 0 || !r.OK {
			fmt.Fprintf(call.Stderr, "%d of %d seeds, %s\n", done, c.Runs, time.Since(began).Round(time.Second))
		}
		if !r.OK {
			fmt.Fprintf(call.Stderr, "seed %d: %s\n", r.Seed, r.Problems[0])
		}
	})
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		err = call.json(sum)
	} else {
		call.simulated(sum.Events, sum.Runs, sum.Faults, sum.Problems)
	}
	return failedUnless(sum.OK, err)
}

func failedUnless(ok bool, err error) error {
	if err == nil && !ok {
		return errFailed
	}
	return err
}

// simulated prints what was found, for people.
func (c *Call) simulated(events, runs int, struck map[string]int, problems []string) {
	for _, p := range problems {
		fmt.Fprintln(c.Stdout, "✗", p)
	}
	if len(problems) == 0 {
		fmt.Fprintln(c.Stdout, "✓ every acknowledged fact has one outcome, and the right one; a replay and the projections agree")
	}
	fmt.Fprintf(c.Stdout, "%d lines in %d runs; how often each fault has struck:\n", events, runs)
	table := tabwriter.NewWriter(c.Stdout, 0, 8, 2, ' ', 0)
	for _, f := range simulation.Faults() {
		if n, enabled := struck[f.Name]; enabled {
			fmt.Fprintf(table, "  %s\t%d\t%s\n", f.Name, n, f.What)
		}
	}
	table.Flush() //nolint:errcheck // as above
}

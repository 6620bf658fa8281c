package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"

	"socho/internal/bench"
)

// BenchCommand is socho bench.
type BenchCommand struct {
	Events   int    `help:"Payments to post." default:"500000" placeholder:"N"`
	Accounts int    `help:"Bills that they pay, an account each." default:"10000" placeholder:"N"`
	History  int    `help:"Payments posted before the measurement begins." placeholder:"N"`
	Hot      bool   `help:"One account in half of all transfers."`
	IDs      string `name:"ids" help:"Event ids in the order of time, or at random." enum:"time,random" default:"time"`
	Profile  string `help:"Write CPU profiles of the service here." placeholder:"DIR"`
}

// Help implements kong's help for one command.
func (*BenchCommand) Help() string {
	return "Example: socho bench --events 500000 --json\n\nIt uses a temporary folder (TMPDIR) with a broker and a PostgreSQL of its own and removes it. With --kafka it uses that in place of its broker; no ledger may be on it yet. How it measures, and what it found, is in docs/performance.md."
}

// Run measures and prints.
func (c *BenchCommand) Run(ctx context.Context, call *Call) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.Events < 1 || c.Events > bench.MaxEvents || c.Accounts < 1 || c.Accounts > bench.MaxAccounts || c.History < 0 || c.History > bench.MaxEvents {
		return usageError{fmt.Errorf("--events and --history take up to %d, --accounts up to %d", bench.MaxEvents, bench.MaxAccounts)}
	}
	on := func(dir, database string, args ...string) *exec.Cmd {
		cmd := exec.Command(self, append(args, "--data", dir)...) //nolint:gosec // ourselves
		cmd.Env = append(os.Environ(), "SOCHO_DATABASE_URL="+database, "SOCHO_KAFKA_BROKERS="+strings.Join(call.CLI.Kafka, ","))
		return cmd
	}
	report, err := bench.Run(ctx, bench.Options{
		Events: c.Events, Accounts: c.Accounts, History: c.History, Hot: c.Hot, RandomIDs: c.IDs == "random", Profile: c.Profile,
		Kafka:     call.CLI.Kafka,
		Service:   func(dir, database string) *exec.Cmd { return on(dir, database, "bench-serve") },
		Key:       func(dir, database string) *exec.Cmd { return on(dir, database, "log", "key", "generate") },
		Publisher: func() *exec.Cmd { return exec.Command(self, "bench-publish") }, //nolint:gosec // ourselves
		Progress:  call.Stderr,
	})
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(report)
	}
	number := func(n *float64) string {
		if n == nil {
			return "not measured"
		}
		return fmt.Sprintf("%g", *n)
	}
	fmt.Fprintf(call.Stdout, "payments posted     %d in %d rounds, %.0f a second\n", report.Events, report.Rounds, report.TransfersPerS)
	fmt.Fprintf(call.Stdout, "yardstick           %.0f bare rows a second; ratio %s\n", report.YardstickRowsPerS, number(report.Ratio))
	fmt.Fprintf(call.Stdout, "floor               %.0f transfers a second; ratio %s\n", report.FloorTransfersPerS, number(report.FloorRatio))
	fmt.Fprintf(call.Stdout, "latency             p50 %s ms, p99 %s ms at %s a second\n", number(report.LatencyMS.P50), number(report.LatencyMS.P99), number(report.LatencyMS.Rate))
	fmt.Fprintf(call.Stdout, "projections         %s s behind at the end; %s payments a second until they are there\n", number(report.ProjectionLagS), number(report.ProjectedPerS))
	fmt.Fprintf(call.Stdout, "processor           service %s, PostgreSQL %s, publisher %s µs a transfer\n", number(report.CPUusPerTransfer.Service), number(report.CPUusPerTransfer.Postgres), number(report.PublisherCPUus))
	fmt.Fprintf(call.Stdout, "memory              %s MiB resident at most\n", number(report.RSSMB))
	return nil
}

// BenchServeCommand is the service as socho bench runs it: socho run, which
// also ends with its standard input and writes profiles on request.
type BenchServeCommand struct{}

// Run serves until standard input ends.
func (*BenchServeCommand) Run(ctx context.Context, call *Call) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		lines := bufio.NewScanner(call.Stdin)
		for lines.Scan() {
			var o bench.Order
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				fmt.Fprintln(call.Stderr, "socho:", err)
				return
			}
			if err := obey(o); err != nil {
				fmt.Fprintln(call.Stderr, "socho:", err)
			}
		}
	}()
	return (&RunCommand{ServerFlags: ServerFlags{Addr: "127.0.0.1:0"}}).Run(ctx, call)
}

func obey(o bench.Order) error {
	pprof.StopCPUProfile()
	if o.Profile == "" {
		return nil
	}
	f, err := os.Create(o.Profile)
	if err != nil {
		return err
	}
	// The profile is written, and the file left to the runtime, when it stops.
	return pprof.StartCPUProfile(f)
}

// BenchPublishCommand is the publishing process of socho bench.
type BenchPublishCommand struct{}

// Run publishes what standard input asks for, until it ends.
func (*BenchPublishCommand) Run(ctx context.Context, call *Call) error {
	err := bench.Publish(ctx, call.Stdin, call.Stdout)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

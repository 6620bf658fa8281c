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
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"socho/internal/bench"
	"socho/internal/sample"
	"socho/web"
	"socho/web/api"
)

// BenchCommand is socho bench.
type BenchCommand struct {
	Events   int    `help:"Payments to post." default:"500000" placeholder:"N"`
	Accounts int    `help:"Bills that they pay, an account each." default:"10000" placeholder:"N"`
	History  int    `help:"Payments posted before the measurement begins." placeholder:"N"`
	Hot      bool   `help:"One account in half of all transfers."`
	IDs      string `name:"ids" help:"Event ids in the order of time, or at random." enum:"time,random" default:"time"`
	Profile  string `help:"Write CPU profiles of the service here." placeholder:"DIR"`

	People    int           `help:"Measure pages instead, while so many people go about in the sample province." placeholder:"N"`
	Think     time.Duration `help:"With --people: mean time that they take to read a page." default:"10s" placeholder:"TIME"`
	Rate      int           `help:"With --people: payments a second meanwhile." default:"1000" placeholder:"N"`
	Minutes   float64       `help:"With --people: how long." default:"5" placeholder:"N"`
	Listeners int           `help:"With --people: live streams that are open meanwhile." default:"25" placeholder:"N"`
	Scale     int           `help:"With --people: so many copies of the sample's markets, schools and fund." default:"1" placeholder:"N"`
	Seed      uint64        `help:"With --people: what they do follows from it." default:"1" placeholder:"S"`
}

// Help implements kong's help for one command.
func (*BenchCommand) Help() string {
	return "Examples: socho bench --events 500000 --json; socho bench --people 500 --minutes 5\n\nIt uses a temporary folder (TMPDIR) with a broker and a PostgreSQL of its own and removes it. With --kafka it uses that in place of its broker; no ledger may be on it yet. How it measures, and what it found, is in docs/performance.md."
}

// Run measures and prints.
func (c *BenchCommand) Run(ctx context.Context, call *Call) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.People != 0 {
		return c.pages(ctx, call, self)
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

// pages measures pages in place of payments alone.
func (c *BenchCommand) pages(ctx context.Context, call *Call, self string) error {
	if c.People < bench.PeopleLeast || c.Rate < 0 || c.Minutes <= 0 || c.Think <= 0 || c.Listeners < 0 || c.Scale < 1 || c.Scale > sample.MaxScale || len(call.CLI.Kafka) > 0 {
		return usageError{fmt.Errorf("--people takes %d or more, --rate and --listeners 0 or more, --minutes and --think more than 0, --scale 1 to %d; it has its own broker", bench.PeopleLeast, sample.MaxScale)}
	}
	patterns := web.Patterns()
	for _, o := range api.Operations {
		patterns = append(patterns, o.Method+" "+o.Path)
	}
	ourselves := func(args ...string) *exec.Cmd { return exec.Command(self, args...) } //nolint:gosec // ourselves
	report, err := bench.Pages(ctx, bench.PagesOptions{
		People: c.People, Rate: c.Rate, For: time.Duration(c.Minutes * float64(time.Minute)), Think: c.Think, Listeners: c.Listeners, Seed: c.Seed,
		Profile: c.Profile, Patterns: patterns, Progress: call.Stderr,
		Service: func(dir string) *exec.Cmd {
			return ourselves("--data", dir, "bench-serve", "--scale", strconv.Itoa(c.Scale))
		},
		Publisher: func() *exec.Cmd { return ourselves("bench-publish") },
		Visits:    func() *exec.Cmd { return ourselves("bench-visit") },
	})
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		err = call.json(report)
	} else {
		call.visited(report)
	}
	return failedUnless(report.Failed == 0, err)
}

// visited prints what people met with, for people.
func (c *Call) visited(r *bench.PagesReport) {
	number := func(n *float64) string {
		if n == nil {
			return "–"
		}
		return fmt.Sprintf("%g", *n)
	}
	table := tabwriter.NewWriter(c.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	line := func(route string, count int, bytes string, ms bench.Spread, errors int) {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t  %s\n", count, bytes, number(ms.P50), number(ms.P95), number(ms.P99), number(ms.Max), errors, route)
	}
	fmt.Fprintln(table, "requests\tbytes\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\t  route")
	for _, route := range r.Routes {
		line(route.Route, route.Count, number(route.Bytes), route.MS, route.Errors)
	}
	line("all", r.Requests, "", r.AllMS, r.Failed)
	table.Flush() //nolint:errcheck // as above
	for _, failure := range r.Failures {
		fmt.Fprintln(c.Stdout, "✗", failure)
	}
	fmt.Fprintf(c.Stdout, "people     %d, %s requests a second, for %g s\n", r.People, number(r.RequestsS), r.Seconds)
	fmt.Fprintf(c.Stdout, "streams    %d, %d messages, %d cut off\n", r.Streams.Opened, r.Streams.Messages, r.Streams.Cut)
	fmt.Fprintf(c.Stdout, "payments   %d, %s a second; committed after p50 %s ms, p99 %s ms; projections up to %d records behind\n",
		r.Payments.Payments, number(r.Payments.RateS), number(r.Payments.LatencyMS.P50), number(r.Payments.LatencyMS.P99), r.Payments.Behind)
	fmt.Fprintf(c.Stdout, "processor  cores: service %s, PostgreSQL %s, publisher %s, visitors %s; load average %s before, %s after\n",
		number(r.Cores.Service), number(r.Cores.Postgres), number(r.Cores.Publisher), number(r.Cores.Visits), r.LoadBegan, r.LoadEnded)
	fmt.Fprintf(c.Stdout, "memory     %s MiB resident at most\n", number(r.RSSMB))
}

// BenchServeCommand is the service as socho bench runs it: socho run, which
// also ends with its standard input and writes profiles on request.
type BenchServeCommand struct {
	Scale int // of the sample; 0: without it
}

// Run serves until standard input ends.
func (c *BenchServeCommand) Run(ctx context.Context, call *Call) error {
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
	call.scale = c.Scale
	return (&RunCommand{ServerFlags: ServerFlags{Addr: "127.0.0.1:0"}, Sample: c.Scale > 0}).Run(ctx, call)
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

// BenchVisitCommand is the visiting process of socho bench --people.
type BenchVisitCommand struct{}

// Run lets people go about as standard input asks, until it ends.
func (*BenchVisitCommand) Run(ctx context.Context, call *Call) error {
	err := bench.Visit(ctx, call.Stdin, call.Stdout)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

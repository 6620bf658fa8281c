package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/metrics"
	"socho/internal/service"
	"socho/ledger"
	"socho/web/api"
)

// RunCommand is socho run.
type RunCommand struct {
	ServerFlags
	Sample bool `help:"Load the sample province the first time."`
}

// Help implements kong's help for one command.
func (*RunCommand) Help() string {
	return "Example: socho run --sample\n\nThe embedded default keeps everything in the data directory. Its broker survives kill -9, but not a damaged disk: the ledger notices and stands still. For money of consequence, run Apache Kafka and give --kafka and --database. See docs/configuration.md."
}

// Run serves until the context ends. It answers from the first moment on, that it
// is starting; and it closes the service only when nobody asks any more.
func (c *RunCommand) Run(ctx context.Context, call *Call) error {
	// Where much piles up, it is collected sooner. GOMEMLIMIT says otherwise where
	// it is set.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(224 << 20)
	}
	counted := metrics.New()
	server, err := c.server(call, counted)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --addr", err)
	}
	var ended error
	drained := make(chan struct{})
	serving, end := context.WithCancel(ctx)
	defer end()
	handler := &httpserver.Later{}
	go func() {
		defer close(drained)
		ended = server.Serve(serving, listener, handler)
	}()
	call.observer = counted
	err = c.work(ctx, call, server, server.Scheme()+"://"+listener.Addr().String(), handler, counted, drained)
	end()
	<-drained
	return errors.Join(err, ended)
}

// work opens the service and hands it over to the server, until that has
// drained.
func (c *RunCommand) work(ctx context.Context, call *Call, server *httpserver.Server, address string, handler *httpserver.Later, counted *metrics.Metrics, drained <-chan struct{}) (err error) {
	s, err := call.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Stack() != nil { // no other process works on the log, which may know older rules alone
		switched, err := s.ActivateRules(ctx, ledger.LatestRuleSet)
		if err != nil {
			fmt.Fprintln(call.Stderr, "socho:", err) // the pages say which shard stands still
		} else if switched > 0 {
			fmt.Fprintf(call.Stderr, "socho: rule set %d decides from here on\n", ledger.LatestRuleSet)
		}
	}
	people, err := call.directory(s)
	if err != nil {
		return err
	}
	if err := c.setUp(ctx, s, people); err != nil {
		return err
	}
	at, err := call.proof()
	if err != nil {
		return err
	}
	counted.Watch(metrics.Of(s, at))
	s.StartPublishing(at)
	if c.Sample {
		if err := call.loadSample(ctx, s); err != nil {
			return err
		}
	}
	if err := s.WaitForProjections(ctx); err != nil {
		fmt.Fprintln(call.Stderr, "socho:", err) // the pages still show what is decided
	}
	demo, err := c.demo(ctx, s, people)
	if err != nil {
		return err
	}
	readers, err := api.OpenReaders(ctx, s)
	if err != nil {
		return err
	}
	defer readers.Close()
	verifier := call.verifier(s, at, people)
	defer verifier.Close()
	desk, wait, err := call.desk(ctx, s, people)
	if err != nil {
		return err
	}
	defer wait()
	month, kept, err := call.payoutPages(s, people, call.logger(true))
	if err != nil {
		return err
	}
	defer kept.Close()
	pages, err := c.handler(call, s, readers, at, people, server, counted, demo, verifier, month, kept, desk)
	if err != nil {
		return err
	}
	if stack := s.Stack(); stack != nil {
		if err := stack.SetWeb(address); err != nil {
			return err
		}
	}
	handler.Set(pages)
	// Whoever waits for ready may close the pipe behind it, so that is all that
	// goes there.
	if err := c.doors(ctx, call.Stderr, address, people, demo); err != nil {
		return err
	}
	fmt.Fprintln(call.Stdout, "ready", address)
	<-drained
	return nil
}

// setUp keeps a service that has no administrator yet on this machine: whoever
// came first could make themselves one. Those of the sample do not count.
func (c *RunCommand) setUp(ctx context.Context, s *service.Service, people *identity.Directory) error {
	if c.private() {
		return nil
	}
	loaded, err := s.DB.Done(ctx, sampleTask)
	if err == nil && loaded {
		err = dismiss(ctx, people)
	}
	if err != nil {
		return err
	}
	link, err := people.SetUp(ctx)
	if err == nil && link != "" {
		err = usageError{fmt.Errorf("--addr %q: there is no administrator yet; start socho run at 127.0.0.1 first, without --trusted-proxy, and make one there", c.Addr)}
	}
	return err
}

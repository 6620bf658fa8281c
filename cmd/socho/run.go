package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"
)

// RunCommand is socho run.
type RunCommand struct {
	Addr   string `help:"Address of the pages; loopback only." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Sample bool   `help:"Load the sample province the first time."`
}

// Help implements kong's help for one command.
func (*RunCommand) Help() string {
	return "Example: socho run --sample\n\nThe embedded default keeps everything in the data directory. Its broker survives kill -9, but not a damaged disk: the ledger notices and stands still. For money of consequence, run Apache Kafka and give --kafka and --database."
}

// Run serves until the context ends.
func (c *RunCommand) Run(ctx context.Context, call *Call) (err error) {
	// Where much piles up, it is collected sooner. GOMEMLIMIT says otherwise where
	// it is set.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(224 << 20)
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return usageError{fmt.Errorf("--addr %q: expected HOST:PORT, such as 127.0.0.1:8080", c.Addr)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("--addr %q: the pages have no sign-in yet and are for this machine alone; use 127.0.0.1", c.Addr)}
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --addr", err)
	}
	defer listener.Close()
	s, err := call.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	at, err := call.proof()
	if err != nil {
		return err
	}
	s.StartPublishing(at)
	if c.Sample {
		if err := call.loadSample(ctx, s); err != nil {
			return err
		}
	}
	if err := s.WaitForProjections(ctx); err != nil {
		fmt.Fprintln(call.Stderr, "socho:", err) // the pages still show what is decided
	}
	pages, err := call.handler(s, at)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second}
	address := "http://" + listener.Addr().String()
	if stack := s.Stack(); stack != nil {
		if err := stack.SetWeb(address); err != nil {
			return err
		}
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintln(call.Stdout, "ready", address)
	select {
	case err = <-served:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = server.Shutdown(ending)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

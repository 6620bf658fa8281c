// Command run starts a cluster of Apache Kafka on loopback and prints its
// addresses; Ctrl-C ends it. Its data stays in the folder given, or in a
// temporary one.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"socho/internal/devstack/apachekafka"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	jars, err := apachekafka.Jars(ctx)
	if err != nil {
		return err
	}
	var dir string
	if len(args) > 0 {
		dir = args[0]
	} else if dir, err = os.MkdirTemp("", "socho-kafka-"); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Apache Kafka %s, three brokers in %s …\n", apachekafka.Version, dir)
	c, err := apachekafka.Start(ctx, apachekafka.Options{Dir: dir, Jars: jars})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Println(strings.Join(c.Addrs(), ","))
	fmt.Fprintln(os.Stderr, "ready; give these addresses to --kafka. Ctrl-C ends the cluster.")
	<-ctx.Done()
	return nil
}

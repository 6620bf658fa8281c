package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"socho/internal/intake"
	"socho/internal/sample"
	"socho/internal/service"
)

// SampleCommand is socho sample.
type SampleCommand struct {
	Out      string `help:"Write here instead of stdout." placeholder:"FILE.jsonl"`
	Province string `help:"Which province." enum:"hagiang" default:"hagiang"`
	Scale    int    `help:"So many copies of its markets, schools and fund." default:"1" placeholder:"N"`
	Seed     uint64 `help:"Another year of the same shape." default:"1" placeholder:"S"`
}

// Help implements kong's help for one command.
func (*SampleCommand) Help() string {
	return "Example: socho sample --out hagiang.jsonl\n\nEverything in it is made up. The same seed and scale give the same bytes."
}

// Run writes the sample.
func (c *SampleCommand) Run(_ context.Context, call *Call) (err error) {
	if c.Scale < 1 || c.Scale > sample.MaxScale {
		return usageError{fmt.Errorf("--scale %d: expected 1 to %d", c.Scale, sample.MaxScale)}
	}
	out := io.Writer(call.Stdout)
	if c.Out != "" {
		f, err := os.Create(c.Out)
		if err != nil {
			return usageError{err}
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	return sample.Generate(out, sample.Options{Province: c.Province, Scale: c.Scale, Seed: c.Seed})
}

// sampleTask is marked done once the whole sample is on the log. A crash before
// that publishes it once more, and what was there already becomes duplicates.
const sampleTask = "sample hagiang 1 1"

func (c *Call) loadSample(ctx context.Context, s *service.Service) error {
	done, err := s.DB.Done(ctx, sampleTask)
	if err != nil || done {
		return err
	}
	fmt.Fprintln(c.Stderr, "loading the sample province (synthetic data) …")
	tell, end := c.progress("sample province")
	defer end()
	read, write := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(write, 256<<10)
		err := sample.Generate(w, sample.Options{Scale: c.scale})
		write.CloseWithError(errors.Join(err, w.Flush())) //nolint:errcheck // it always returns nil
	}()
	report, err := s.Publish(ctx, read, intake.Options{Actor: "sample", MayErase: true, Progress: func(n int) { tell(int64(n), 0) }})
	if err != nil {
		return err
	}
	if err := s.WaitForProjections(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.Stderr, "%d events of the sample are on the log and decided\n", report.Published)
	return s.DB.SetDone(ctx, sampleTask)
}

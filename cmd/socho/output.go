package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/schollz/progressbar/v3"
)

// json prints one value as one line.
func (c *Call) json(value any) error {
	b, err := json.Marshal(value, json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return err
	}
	_, err = c.Stdout.Write(append(b, '\n'))
	return err
}

// buffered makes stdout cheap for long lists; call the returned function at
// the end.
func (c *Call) buffered() (flush func() error) {
	w := bufio.NewWriterSize(c.Stdout, 64<<10)
	c.Main = &Main{Args: c.Args, Stdin: c.Stdin, Stdout: w, Stderr: c.Stderr}
	return w.Flush
}

// eachLine calls each for the lines of a file, or of stdin for -, that are not
// blank, with their numbers from 1; what it prints is buffered.
func (c *Call) eachLine(name string, each func(n int, text []byte) error) (err error) {
	input := c.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		input = f
	}
	flush := c.buffered()
	defer func() {
		if flushed := flush(); err == nil {
			err = flushed
		}
	}()
	scanner := bufio.NewScanner(input)
	scanner.Buffer(nil, 1<<20)
	for n := 1; scanner.Scan(); n++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		if err := each(n, scanner.Bytes()); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// progress shows a bar on stderr where a person is looking at it.
func (c *Call) progress(what string) (tell func(done, of int64), end func()) {
	file, ok := c.Stderr.(*os.File)
	if !ok {
		return func(int64, int64) {}, func() {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(int64, int64) {}, func() {}
	}
	var drawn atomic.Bool // once there is something to tell
	bar := sync.OnceValue(func() *progressbar.ProgressBar {
		drawn.Store(true)
		return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100_000_000), progressbar.OptionClearOnFinish())
	})
	return func(done, of int64) {
			if of > 0 {
				bar().ChangeMax64(of)
			}
			bar().Set64(done) //nolint:errcheck // a bar that cannot be drawn is no fault
		}, func() {
			if drawn.Load() {
				bar().Finish() //nolint:errcheck // as above
			}
		}
}

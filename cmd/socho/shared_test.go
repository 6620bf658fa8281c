package main

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"socho/internal/devstack/testdb"
)

// shared is one socho run --sample for every test that asks for it.
var shared struct {
	once sync.Once
	data string
	run  *running
	err  error
}

// sampled returns the one socho run with the sample province on its log, and its
// data directory. It takes some 40 s of a processor to load, so tests share it: a
// test that adds facts adds them to an organization, or a month, of its own, and
// never stops the service. It ends with the last test.
func sampled(t *testing.T) (r *running, data string) {
	t.Helper()
	shared.once.Do(func() {
		if shared.data, shared.err = testdb.Folder(); shared.err == nil {
			shared.run, shared.err = launch("--data", shared.data, "run", "--addr", "127.0.0.1:0", "--sample")
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.run, shared.data
}

// ending ends what tests share once all have run.
type ending struct{ *testing.M }

func (e ending) Run() int {
	code := e.M.Run()
	if shared.run != nil {
		shared.run.stop()
		if ended := <-shared.run.code; ended != 0 {
			fmt.Fprintf(os.Stderr, "the shared socho run ended with %d:\n%s", ended, shared.run.log.String())
			code = max(code, 1)
		}
	}
	if shared.data != "" {
		if err := os.RemoveAll(shared.data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

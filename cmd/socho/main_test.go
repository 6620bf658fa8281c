package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"socho/internal/devstack/testdb"
	"socho/internal/service"
)

func TestMain(m *testing.M) {
	testscript.Main(ending{m}, map[string]func(){"socho": main})
}

// TestScripts runs the commands as a person would; testdata/*.txt are the
// manual.
//
// A command that finds no socho run starts and ends PostgreSQL and a broker for
// itself alone, which takes four times as long as to ask a running one. A script
// that is not about that says serve first.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			data := testdb.Data(t, "service", service.Migrate)
			e.Setenv("SOCHO_DATA", data)
			e.Setenv("DATA", data)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"serve": serve(t)},
	})
}

// serve is a script's command: serve [ARG …] runs socho run with those arguments
// beside the script until it ends, and sets $AT to where it serves.
func serve(t *testing.T) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("serve either serves or fails")
		}
		log, err := os.Create(ts.MkAbs("run.log"))
		ts.Check(err)
		defer log.Close() //nolint:errcheck // the process has its own
		server := exec.Command("socho", append([]string{"run", "--addr", "127.0.0.1:0"}, args...)...)
		server.Dir, server.Stderr = ts.MkAbs("."), log
		server.Env = append(os.Environ(), "SOCHO_DATA="+ts.Getenv("SOCHO_DATA"))
		out, err := server.StdoutPipe()
		ts.Check(err)
		ts.Check(server.Start())
		ts.Defer(func() {
			server.Process.Signal(os.Interrupt) //nolint:errcheck // the wait tells
			if err := server.Wait(); err != nil {
				t.Errorf("%s: socho run did not end well: %v\n%s", ts.Name(), err, ts.ReadFile("run.log"))
			}
		})
		line, err := bufio.NewReader(out).ReadString('\n')
		at, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if err != nil || !ready {
			ts.Fatalf("socho run said %q, %v\n%s", line, err, ts.ReadFile("run.log"))
		}
		ts.Setenv("AT", at)
	}
}

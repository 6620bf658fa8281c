package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"socho/internal/devstack/testdb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"socho": main})
}

// TestScripts runs the commands as a person would; testdata/*.txt are the
// manual.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			data := testdb.Dir(t)
			e.Setenv("SOCHO_DATA", data)
			e.Setenv("DATA", data)
			return nil
		},
	})
}

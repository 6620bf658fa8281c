package socho_test

import (
	"go/ast"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// raced are the packages that the Makefile's target race runs under the race
// detector, some of them in part.
func raced(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^RACED :?= ((?:.*\\\n)*.*)$`).FindSubmatch(text)
	if list == nil {
		t.Fatal("the Makefile has no list RACED")
	}
	named := strings.ReplaceAll(string(list[1]), "\\\n", " ")
	for _, line := range regexp.MustCompile(`(?m)^\t\$\(GO\) test -race .*$`).FindAllString(string(text), -1) {
		named += " " + line
	}
	var found []string
	for at := range strings.FieldsSeq(named) {
		if dir, ok := strings.CutPrefix(at, "./"); ok {
			found = append(found, dir)
		}
	}
	return found
}

// shares says how a file starts goroutines, or shares state between them; "" where
// it does neither.
func shares(s *source) (how string) {
	for _, spec := range s.file.Imports {
		if at, _ := strconv.Unquote(spec.Path.Value); within(at, "sync") || within(at, "golang.org/x/sync") {
			return "imports " + at
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.GoStmt:
			how = "starts a goroutine"
		case *ast.ChanType:
			how = "has a channel"
		}
		return how == ""
	})
	return how
}

// TestRaced: what starts goroutines or shares state between them, and has tests, is
// run under the race detector, or says beside it why not:
//
//	//tidy:race what else is run under it that goes through here
func TestRaced(t *testing.T) {
	list := raced(t)
	tested, concurrent, excused := map[string]bool{}, map[string]string{}, map[string]bool{}
	for _, s := range sources(t) {
		excused[s.dir] = excused[s.dir] || len(s.excuses("race")) > 0
		if s.test {
			tested[s.dir] = true
		} else if how := shares(s); how != "" && part(s.dir, testOnly) == "" && concurrent[s.dir] == "" {
			concurrent[s.dir] = s.name + " " + how
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(concurrent)) {
		if tested[dir] && !excused[dir] && !slices.Contains(list, dir) {
			t.Errorf("%s, and the Makefile's RACED has no %s: name it there, or say why not with //tidy:race reason", concurrent[dir], dir)
		}
	}
	for _, dir := range list {
		if !tested[dir] {
			t.Errorf("the Makefile's RACED names %s, which has no tests", dir)
		}
	}
}

func TestRacedSees(t *testing.T) {
	for text, want := range map[string]bool{
		"package p\nimport \"sync/atomic\"\nvar x atomic.Int64\n": true,
		"package p\nimport \"golang.org/x/sync/errgroup\"\n":      true,
		"package p\nfunc f() { go f() }\n":                        true,
		"package p\nvar x chan<- int\n":                           true,
		"package p\nimport \"strings\"\nfunc f() {}\n":            false,
	} {
		if got := shares(parsed(t, "events/x.go", text)); (got != "") != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

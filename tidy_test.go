// Package socho_test holds the rules of the house, as a test: which way imports
// point, what money may never be held in, how long a file may grow. It reads
// the sources and builds nothing.
//
// A rule may be excused where it stands, with a reason:
//
//	//tidy:long one table, read from top to bottom
//	//tidy:float a share for a chart, no amount
//	//tidy:race a pool of buffers, which internal/service's tests share out
package socho_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "socho"

// layers are the parts of the tree from the bottom up. A package imports only
// from layers below its own, and, in the layers marked so, from its own.
//
// cmd → web, bank, internal/* → projections → ledger, qr → events → internal/money, internal/refcode
var layers = []struct {
	parts []string
	peers bool
}{
	{parts: []string{"internal/money", "internal/refcode"}},
	{parts: []string{"events"}},
	{parts: []string{"ledger", "qr"}},
	{parts: []string{"projections"}},
	{parts: []string{"web", "bank", "internal"}, peers: true},
	{parts: []string{"cmd"}},
}

// The domain takes values and returns values.
var (
	domain    = []string{"events", "ledger", "projections", "qr", "bank", "internal/money", "internal/refcode"}
	noDomain  = []string{"github.com/jackc/pgx", "github.com/segmentio/kafka-go", "net", "database/sql", "os", "crypto/rand", "math/rand"}
	noClock   = []string{"Now", "Since", "Until"}
	adapters  = []string{"internal/kafka", "internal/postgres", "internal/devstack", "internal/vault"}
	kafkaOnly = "internal/kafka"
)

// Where money passes, no number is a float.
var (
	moneyPaths = []string{"events", "ledger", "projections", "bank", "internal/money", "internal/intake"}
	floats     = []string{"float64", "float32", "Float64", "Float32", "InexactFloat64", "ParseFloat", "NewFromFloat", "NewFromFloat32"}
)

// testOnly packages serve tests: they may import what they prepare, and only
// tests may import them.
var testOnly = []string{"internal/devstack/testdb", "internal/devstack/iso20022"}

const maxLines = 500

// within reports whether a package or import path is root or lies below it.
func within(at, root string) bool { return at == root || strings.HasPrefix(at, root+"/") }

// part returns the one of the roots that the path lies in, or "".
func part(at string, roots []string) string {
	for _, root := range roots {
		if within(at, root) {
			return root
		}
	}
	return ""
}

// layerOf returns the layer of a package of this module, and its part.
func layerOf(at string) (layer int, inside string) {
	for i, l := range layers {
		if p := part(at, l.parts); p != "" {
			return i, p
		}
	}
	return -1, ""
}

// source is one Go file of the module.
type source struct {
	name  string // relative to the root
	dir   string
	test  bool
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// excuses returns the lines that a //tidy:<rule> comment with a reason stands on.
func (s *source) excuses(rule string) map[int]bool {
	found := map[int]bool{}
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, "//tidy:"+rule+" "); ok && strings.TrimSpace(reason) != "" {
				found[s.fset.Position(c.Pos()).Line] = true
			}
		}
	}
	return found
}

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

// sources parses every Go file of the module.
func sources(t *testing.T) []*source {
	t.Helper()
	var found []*source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			base := d.Name()
			if name != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." {
				return filepath.SkipDir // another module
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		found = append(found, &source{
			name: name, dir: path.Dir(name),
			// A package that ends in test, such as projtest, is for tests alone.
			test:  strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path.Dir(name), "test"),
			lines: strings.Count(string(text), "\n"), file: file, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTidy(t *testing.T) {
	all := sources(t)
	for _, s := range all {
		for _, problem := range slices.Concat(imports(s), purity(s), noFloat(s), length(s), markers(s)) {
			t.Error(problem)
		}
	}
	for _, problem := range packageComments(all) {
		t.Error(problem)
	}
}

// problem names the file and line, the rule broken and, where it helps, the way
// out.
func (s *source) problem(p token.Pos, text string) string {
	return s.name + ":" + strconv.Itoa(s.line(p)) + ": " + text
}

// imports holds the direction of imports. Tests may look anywhere.
func imports(s *source) (problems []string) {
	if s.test {
		return nil
	}
	layer, inside := layerOf(s.dir)
	adapter := part(s.dir, adapters)
	for _, spec := range s.file.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		fail := func(text string) { problems = append(problems, s.problem(spec.Pos(), text)) }
		if within(at, "github.com/segmentio/kafka-go") && !within(s.dir, kafkaOnly) {
			fail("only " + kafkaOnly + " speaks to the broker through kafka-go")
		}
		if part(s.dir, domain) != "" && part(at, noDomain) != "" {
			fail("the domain knows no " + at)
		}
		to, ours := strings.CutPrefix(at, module+"/")
		if !ours || part(s.dir, testOnly) != "" {
			continue
		}
		if p := part(to, testOnly); p != "" {
			fail(p + " is for tests")
		}
		if p := part(to, adapters); p != "" && adapter != "" && p != adapter {
			fail("adapters never import each other: " + adapter + " imports " + p)
		}
		toLayer, toInside := layerOf(to)
		switch {
		case layer < 0 || toLayer < 0:
			fail(s.dir + " or " + to + " is in no layer: name it in tidy_test.go and in the architecture")
		case toLayer > layer, toLayer == layer && toInside != inside && !layers[layer].peers:
			fail("imports point downwards: " + s.dir + " imports " + to)
		}
	}
	return problems
}

// purity keeps the clock out of the domain.
func purity(s *source) (problems []string) {
	if s.test || part(s.dir, domain) == "" {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(noClock, sel.Sel.Name) {
				problems = append(problems, s.problem(n.Pos(), "the domain has no clock: time."+sel.Sel.Name))
			}
		}
		return true
	})
	return problems
}

// noFloat keeps inexact numbers from the paths of money.
func noFloat(s *source) (problems []string) {
	if s.test || part(s.dir, moneyPaths) == "" {
		return nil
	}
	excused := s.excuses("float")
	ast.Inspect(s.file, func(n ast.Node) bool {
		inexact := ""
		switch n := n.(type) {
		case *ast.Ident:
			if slices.Contains(floats, n.Name) {
				inexact = n.Name
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				inexact = n.Value
			}
		}
		if inexact != "" && !excused[s.line(n.Pos())] {
			problems = append(problems, s.problem(n.Pos(), "no float on a path of money: "+inexact))
		}
		return true
	})
	return problems
}

func length(s *source) []string {
	if s.test || s.lines <= maxLines || len(s.excuses("long")) > 0 || ast.IsGenerated(s.file) {
		return nil
	}
	return []string{s.problem(s.file.Package, strconv.Itoa(s.lines)+" lines; split it, or say why not with //tidy:long reason")}
}

// unfinished are the words that put work off.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func markers(s *source) (problems []string) {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if word := unfinished.FindString(c.Text); word != "" {
				problems = append(problems, s.problem(c.Pos(), word+" puts work off; do it, or write down the decision"))
			}
		}
	}
	return problems
}

// packageComments: every package says what it is for.
func packageComments(all []*source) (problems []string) {
	described := map[string]bool{}
	for _, s := range all {
		if !s.test {
			described[s.dir] = described[s.dir] || s.file.Doc.Text() != ""
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(described)) {
		if !described[dir] {
			problems = append(problems, dir+": no package comment")
		}
	}
	return problems
}

// TestTranslations: what is said in one language is said in the other.
func TestTranslations(t *testing.T) {
	read := func(language string) map[string]string {
		flat := map[string]string{}
		files, err := filepath.Glob("web/translations/" + language + "/*.json")
		if err != nil || len(files) == 0 {
			t.Fatalf("no translations in %s: %v", language, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var tree any
			if err := json.Unmarshal(text, &tree); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			flatten(tree, "", flat)
		}
		return flat
	}
	vi, en := read("vi"), read("en")
	missing := func(from, in map[string]string, language string) {
		for _, key := range slices.Sorted(maps.Keys(from)) {
			if said, ok := in[key]; !ok {
				t.Errorf("%s.json has no %s", language, key)
			} else if said == "" {
				t.Errorf("%s.json says nothing at %s", language, key)
			}
		}
	}
	missing(vi, en, "en")
	missing(en, vi, "vi")
}

// flatten names each text by its path; what is no text (plural forms as a list,
// say) counts by its elements.
func flatten(tree any, at string, into map[string]string) {
	switch tree := tree.(type) {
	case map[string]any:
		for name, below := range tree {
			flatten(below, at+"/"+name, into)
		}
	case []any:
		for i, below := range tree {
			flatten(below, at+"/"+strconv.Itoa(i), into)
		}
	case string:
		into[at] = tree
	}
}

// TestTidySees holds the rules themselves to what they are for: each line breaks
// one of them.
func TestTidySees(t *testing.T) {
	imported := func(at string) string { return "package p\nimport _ \"" + at + "\"\n" }
	for _, c := range []struct {
		name, text string
		rule       func(*source) []string
		broken     bool
	}{
		{"events/x.go", imported("socho/ledger"), imports, true},
		{"events/x.go", imported("socho/internal/money"), imports, false},
		{"events/x_test.go", imported("socho/ledger"), imports, false},
		{"ledger/x.go", imported("socho/qr"), imports, true},
		{"ledger/a/x.go", imported("socho/ledger"), imports, false},
		{"ledger/x.go", imported("net/http"), imports, true},
		{"ledger/x.go", imported("github.com/jackc/pgx/v5/pgtype"), imports, true},
		{"ledger/x.go", imported("socho/internal/postgres"), imports, true},
		{"projections/x.go", imported("socho/ledger"), imports, false},
		{"internal/money/x.go", imported("socho/internal/refcode"), imports, true},
		{"internal/intake/x.go", imported("socho/internal/vault"), imports, false},
		{"internal/kafka/x.go", imported("socho/internal/vault"), imports, true},
		{"internal/devstack/x.go", imported("socho/internal/devstack/cluster"), imports, false},
		{"internal/devstack/testdb/x.go", imported("socho/internal/postgres"), imports, false},
		{"internal/service/x.go", imported("socho/internal/devstack/testdb"), imports, true},
		{"internal/service/x.go", imported("github.com/segmentio/kafka-go"), imports, true},
		{"internal/kafka/x.go", imported("github.com/segmentio/kafka-go/protocol"), imports, false},
		{"web/x.go", imported("socho/cmd/socho"), imports, true},
		{"elsewhere/x.go", imported("socho/events"), imports, true},
		{"ledger/x.go", "package p\nvar x = time.Now()\n", purity, true},
		{"internal/intake/x.go", "package p\nvar x = time.Now()\n", purity, false},
		{"ledger/x.go", "package p\nvar x float64\n", noFloat, true},
		{"ledger/x.go", "package p\nvar x = 0.5\n", noFloat, true},
		{"ledger/x.go", "package p\nvar x = d.InexactFloat64()\n", noFloat, true},
		{"ledger/x.go", "package p\nvar x float64 //tidy:float a share, no amount\n", noFloat, false},
		{"ledger/x.go", "package p\nvar x float64 //tidy:float\n", noFloat, true},
		{"web/x.go", "package p\nvar x float64\n", noFloat, false},
		{"web/x.go", "package p\n" + strings.Repeat("\n", maxLines), length, true},
		{"web/x.go", "package p\n//tidy:long one table\n" + strings.Repeat("\n", maxLines), length, false},
		{"web/x_test.go", "package p\n// FIX" + "ME later\n", markers, true},
	} {
		if got := c.rule(parsed(t, c.name, c.text)); (len(got) > 0) != c.broken {
			t.Errorf("%s %q: found %q", c.name, c.text, got)
		}
	}
}

// parsed is a source of that name and text.
func parsed(t *testing.T, name, text string) *source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &source{name: name, dir: path.Dir(name),
		// A package that ends in test, such as projtest, is for tests alone.
		test: strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path.Dir(name), "test"), lines: strings.Count(text, "\n"), file: file, fset: fset}
}

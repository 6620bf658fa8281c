package bank

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCodes: every code that is given is explained, and none is explained that is
// never given.
func TestCodes(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "problem.go" {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	for code := range Codes {
		if !strings.Contains(text.String(), `"`+code+`"`) {
			t.Errorf("%s is never given", code)
		}
	}
	given := regexp.MustCompile(`(?:refuse\([^,]+, [^,]+, |\.problem\([^,]+, [^,]+, |malformed\([^,]+, [^,]+, |Code: )"([a-z_]+)"`)
	found := given.FindAllStringSubmatch(text.String(), -1)
	for _, f := range found {
		if Codes[f[1]] == "" {
			t.Errorf("%s is not explained", f[1])
		}
	}
	if len(found) < 20 {
		t.Errorf("only %d places were found", len(found))
	}
}

// TestLayouts: the built-in table is written as it is compared, and its layouts
// name columns that exist.
func TestLayouts(t *testing.T) {
	for column, texts := range builtin.Columns {
		for _, text := range texts {
			if words(text) != text {
				t.Errorf("%s: %q can never match", column, text)
			}
		}
	}
	for kind, texts := range builtin.Labels {
		for _, text := range texts {
			if words(text) != text {
				t.Errorf("%s: %q can never match", kind, text)
			}
		}
	}
	for _, l := range builtin.Layouts {
		columns := map[Column]int{}
		for column := range l.Columns {
			columns[column] = 0
			if builtin.Columns[column] == nil {
				t.Errorf("%s: there is no column %s", l.Name, column)
			}
		}
		if !usable(columns) {
			t.Errorf("%s names no date, no amount, or nothing else", l.Name)
		}
	}
}

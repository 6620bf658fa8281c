package socho_test

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// levels says how many requirements of levels 1 and 2 each section of ASVS 5.0.0
// has, 253 in all; those of level 3 come last in a section, or are sections.
var levels = map[string]int{
	"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
	"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
	"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
	"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
	"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
	"14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}

// TestSecurityPage: docs/security.md answers every requirement once, in order, and
// the tests and files that it names are there.
func TestSecurityPage(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				tests[f.Name.Name] = true
			}
		}
	}
	found := map[string]int{}
	row := regexp.MustCompile(`^\| (\d+\.\d+)\.(\d+)(?:–\d+\.\d+\.(\d+))? \| [^|]+ \| (yes|partly|no|–) \| .*\|$`)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		m := row.FindStringSubmatch(line)
		if m == nil {
			if regexp.MustCompile(`^\| \d`).MatchString(line) {
				t.Errorf("not a row: %s", line)
			}
			continue
		}
		last := m[3]
		if last == "" {
			last = m[2]
		}
		if m[2] != fmt.Sprint(found[m[1]]+1) {
			t.Errorf("%s.%s is out of order", m[1], m[2])
		}
		found[m[1]], _ = strconv.Atoi(last)
	}
	for section, n := range levels {
		if found[section] != n {
			t.Errorf("%s: %d of %d requirements", section, found[section], n)
		}
	}
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		if !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
	files := regexp.MustCompile("`((?:web|internal|events|ledger|qr|cmd)/[\\w/.]+)`").FindAllStringSubmatch(string(text), -1)
	for _, m := range regexp.MustCompile(`\]\(([\w/.-]+)\)`).FindAllStringSubmatch(string(text), -1) {
		files = append(files, []string{"", filepath.Join("docs", m[1])})
	}
	for _, m := range files {
		if _, err := os.Stat(m[1]); err != nil {
			t.Error(err)
		}
	}
}

package projections_test

import (
	"os"
	"strings"
	"testing"

	"socho/projections"
)

// TestDefinitionsAreWrittenDown: whoever reads a figure finds what it means.
func TestDefinitionsAreWrittenDown(t *testing.T) {
	text, err := os.ReadFile("../docs/figures.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, domain := range projections.Domains() {
		for _, by := range projections.Bys(domain) {
			if name := projections.Definition(domain, by); !strings.Contains(string(text), "| `"+name+"` |") {
				t.Errorf("docs/figures.md does not define %s", name)
			}
		}
	}
}

package receiptpdf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"socho/ledger"
)

// TestWords: no member of any fact and no outcome is shown by its bare name.
func TestWords(t *testing.T) {
	files, err := filepath.Glob("../../events/schemas/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	type object struct {
		Properties map[string]struct {
			Items *object `json:"items"`
		} `json:"properties"`
	}
	used := map[string]bool{}
	var walk func(object)
	walk = func(o object) {
		for name, p := range o.Properties {
			if name == "personal" {
				continue // sealed on the log
			}
			if used[name] = true; words[name] == "" {
				t.Errorf("no words for %s", name)
			}
			if p.Items != nil {
				walk(*p.Items)
			}
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Properties struct {
				Data object `json:"data"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		walk(s.Properties.Data)
	}
	for name := range words {
		if !used[name] {
			t.Errorf("words for %s, which no fact has", name)
		}
	}
	for _, name := range []string{"posted", "recorded", "duplicate", "conflict", "refused", "malformed", "misrouted"} {
		status, ok := ledger.ParseStatus(name)
		if !ok || outcomes[status] == "" {
			t.Errorf("no words for %s", name)
		}
	}
	for at, want := range map[string]string{"amount": words["amount"], "items 2.amount": "2. " + words["amount"]} {
		if got := label(at); got != want {
			t.Errorf("%s is called %q, want %q", at, got, want)
		}
	}
}

package web

import (
	"fmt"
	"net/http"
	"testing"

	"socho/ledger"
)

// TestOldRules: what the book cannot take yet is no fault of the server, and said in
// words with what is to be done.
func TestOldRules(t *testing.T) {
	f := asFailure(fmt.Errorf("saying: %w", &ledger.OldRulesError{Name: "market.card_issued", Shard: 3, InForce: 2, Needed: 3}))
	if f.status != http.StatusConflict || f.key != "rules_too_old" {
		t.Errorf("%d %s", f.status, f.key)
	}
	languages, err := loadLanguages()
	if err != nil {
		t.Fatal(err)
	}
	for code, l := range languages {
		if l.text["error.rules_too_old"] == "" || l.text["error.rules_too_old.do"] == "" {
			t.Errorf("no words in %s", code)
		}
	}
}

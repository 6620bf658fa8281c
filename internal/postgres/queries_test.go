package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"socho/ledger"
)

// TestRecentOutcomes: the latest come first, page by page, of the organizations
// asked for alone.
func TestRecentOutcomes(t *testing.T) {
	db, _ := open(t)
	head, epoch, err := db.Acquire(t.Context(), 0, shards)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, db, head, epoch, opening(t)); err != nil {
		t.Fatal(err)
	}
	all := []ledger.Status{ledger.Duplicate, ledger.Conflict, ledger.Refused, ledger.Malformed}
	offsets := func(organizations []string) (found []int64) {
		var behind *ledger.Outcome
		for {
			page, err := db.RecentOutcomes(t.Context(), all, organizations, behind, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page {
				found = append(found, o.Offset)
			}
			if len(page) < 2 {
				return found
			}
			behind = page[1]
		}
	}
	everywhere, here := offsets(nil), offsets([]string{market})
	if fmt.Sprint(everywhere) != "[8 6 5]" || fmt.Sprint(here) != "[8 5]" || offsets([]string{}) != nil {
		t.Errorf("%v, of the market %v", everywhere, here)
	}
	if page, err := db.RecentOutcomes(t.Context(), all[2:3], nil, nil, 10); err != nil || slices.ContainsFunc(page, func(o *ledger.Outcome) bool { return o.Status != ledger.Refused }) {
		t.Errorf("%v, %v", page, err)
	}
}

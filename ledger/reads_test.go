package ledger_test

import (
	"errors"
	"testing"

	"socho/events"
	"socho/ledger"
)

// TestReads: whatever this program can say is read by the newest rules, what the
// rules of an older set do not read is asked for, and the set that does is named.
func TestReads(t *testing.T) {
	for _, full := range events.Types() {
		if err := (ledger.Head{RuleSet: ledger.LatestRuleSet}).Reads(full); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		in     int
		name   string
		needed int // 0: it is read
	}{
		{1, "market.fee_assessed", 0}, {1, "ledger.reversed", 0}, {1, "benefit.list_opened", 2}, {1, "market.card_issued", 3},
		{2, "benefit.list_opened", 0}, {2, "bank.statement_received", 3}, {3, "bank.statement_received", 0},
		{0, "market.card_issued", 0}, {99, "market.card_issued", 0},
	} {
		err := (ledger.Head{Shard: 4, RuleSet: c.in}).Reads(events.Type(c.name))
		var old *ledger.OldRulesError
		switch {
		case c.needed == 0 && err != nil:
			t.Errorf("%s under set %d: %v", c.name, c.in, err)
		case c.needed > 0 && (!errors.As(err, &old) || old.Needed != c.needed || old.InForce != c.in || old.Name != c.name || old.Shard != 4):
			t.Errorf("%s under set %d: %v, want set %d", c.name, c.in, err, c.needed)
		}
	}
	if err := (ledger.Head{RuleSet: 1}).Reads("com.example.unknown"); err != nil {
		t.Errorf("a fact of nobody's: %v", err)
	}
}

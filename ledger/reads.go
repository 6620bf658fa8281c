package ledger

import (
	"fmt"

	"socho/events"
)

// OldRulesError reports a fact that the rules in force in its shard cannot read
// yet: on the log it would be malformed for ever. Its code is rules_too_old.
type OldRulesError struct {
	Name            string // of the fact, such as market.card_issued
	Shard           int
	InForce, Needed int // rule sets
}

func (e *OldRulesError) Error() string {
	return fmt.Sprintf("rules_too_old: %s needs rule set %d, and shard %d decides by %d; run `socho rules activate %d` once every process that works on the log has this release",
		e.Name, e.Needed, e.Shard, e.InForce, LatestRuleSet)
}

// Reads asks whether facts of a type, by its full name, can be read by the rules in
// force. Where none are in force yet, the log is about to begin, and what it begins
// with is not known here.
// Errors: *OldRulesError. A type that this program does not know is no matter of
// rules.
func (h Head) Reads(fullType string) error {
	set, known := ruleSets[h.RuleSet]
	if !known || h.RuleSet == 0 || set.vocabulary.Has(fullType) {
		return nil
	}
	for number := h.RuleSet + 1; number <= LatestRuleSet; number++ {
		if ruleSets[number].vocabulary.Has(fullType) {
			return &OldRulesError{events.Name(fullType), h.Shard, h.RuleSet, number}
		}
	}
	return nil
}

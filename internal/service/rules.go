package service

import (
	"context"
	"fmt"

	"socho/events"
	"socho/ledger"
)

// ActivateRules has every shard decide by a rule set from here on, where it
// decides by an older one, and returns how many were switched. It waits until
// they have. Asking twice, or from two processes at once, is asking once. Every
// process that works on the log must know the set: one that does not stops at
// the switch, and says so.
// Errors: a set that this program does not have; those of WaitForLedger.
func (s *Service) ActivateRules(ctx context.Context, set int) (switched int, err error) {
	if set < 1 || set > ledger.LatestRuleSet {
		return 0, fmt.Errorf("there is no rule set %d; this program has 1 to %d", set, ledger.LatestRuleSet)
	}
	if err := s.WaitForLedger(ctx); err != nil {
		return 0, err
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return 0, err
	}
	for shard := range s.Log.shards {
		if heads[shard].RuleSet >= set {
			continue
		}
		record, err := rulesActivated(shard, set, s.clock().UTC())
		if err != nil {
			return switched, err
		}
		if _, err := s.Log.Produce(ctx, shard, []events.Record{record}); err != nil {
			return switched, err
		}
		switched++
	}
	return switched, s.WaitForLedger(ctx)
}

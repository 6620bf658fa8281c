package ledger

import (
	"fmt"

	"socho/events"
	"socho/internal/money"
)

// RuleSet is a numbered set of codec, rules and limits. Once a set has decided
// a record of any log it is never changed; a change is a new set, switched to
// by a rules_activated record in each shard.
type RuleSet struct {
	Number int
	// vocabulary is every event type, version and currency of the set. The
	// catalogue grows with releases; what a set could read when it decided must
	// not.
	vocabulary *events.Vocabulary
	// needs and accounts say what deciding an event will look at, for reading
	// ahead; they never decide anything.
	needs    func(*events.Event) []string
	accounts func(*events.Event, *view) (paths, keys []string)
	decide   func(*decision)
}

var typesOfShards = []string{"shard.opened.v1", "shard.rules_activated.v1", "intake.undecodable.v1"}

var types1 = append([]string{
	"organization.registered.v1", "organization.opening_balance.v1",
	"market.stall_let.v1", "market.fee_assessed.v1", "market.payment_received.v1", "market.cash_banked.v1", "market.fee_waived.v1",
	"school.bill_issued.v1", "school.bill_paid.v1", "school.bill_exempted.v1", "school.refunded.v1",
	"benefit.person_entitled.v1", "benefit.funded.v1", "benefit.payout_ordered.v1", "benefit.payout_sent.v1", "benefit.payout_settled.v1",
	"benefit.payout_returned.v1", "benefit.cash_drawn.v1", "benefit.paid_in_cash.v1", "benefit.person_stopped.v1",
	"bank.line_received.v1", "bank.line_allocated.v1", "ledger.reversed.v1",
	"registry.institution_reported.v1", "registry.figure_reported.v1", "person.erased.v1",
}, typesOfShards...)

// types2 is set 1, who may approve what is paid out, and how it goes to the bank.
var types2 = append([]string{
	"organization.right_granted.v1", "organization.right_revoked.v1", "organization.approvals_required.v1",
	"benefit.person_resumed.v1", "benefit.list_opened.v1", "benefit.list_entry_added.v1", "benefit.list_entry_removed.v1",
	"benefit.list_proposed.v1", "benefit.list_approved.v1", "benefit.list_withdrawn.v1",
	"benefit.batch_opened.v1", "benefit.payout_batched.v1", "benefit.batch_closed.v1",
	"benefit.batch_exported.v1", "benefit.batch_submitted.v1", "benefit.batch_cancelled.v1",
}, types1...)

// types3 is set 2, and what offices do around bills and lines, at stalls and with
// traders' own sales.
var types3 = append([]string{
	"organization.tariff_set.v1", "organization.tariff_ended.v1", "organization.credit_applied.v1", "organization.suspense_placed.v1", "organization.passed_on.v1",
	"organization.spent.v1", "organization.earned.v1", "organization.refunded_in_cash.v1", "organization.month_closed.v1", "organization.month_reopened.v1",
	"market.stall_described.v1", "market.stall_vacated.v1", "market.trader_absent.v1", "market.tickets_handed_out.v1", "market.tickets_sold.v1", "market.tickets_returned.v1",
	"market.card_issued.v1", "market.card_printed.v1", "market.card_posted.v1", "market.card_inspected.v1", "market.card_replaced.v1", "market.card_revoked.v1",
	"market.alert_raised.v1", "market.alert_closed.v1", "market.sales_connected.v1", "market.sales_disconnected.v1", "market.sale_received.v1",
	"school.pupil_enrolled.v1", "school.pupil_left.v1", "school.reduction_granted.v1", "school.reduction_ended.v1",
	"benefit.grant_returned.v1", "benefit.recovered.v1", "bank.statement_received.v1", "bank.lines_offset.v1", "bank.line_noted.v1",
}, types2...)

var currencies1 = []money.Currency{money.VND, money.CNY, money.USD, money.LAK}

// Format is the log format that record 0 of every shard names.
const Format = 1

// LatestRuleSet is the newest set of this program, which a new log begins
// with.
const LatestRuleSet = 3

var ruleSets = map[int]*RuleSet{
	0: {Number: 0, vocabulary: events.NewVocabulary(typesOfShards, nil), decide: decideOpening},
	1: {Number: 1, vocabulary: events.NewVocabulary(types1, currencies1), needs: stateOf1, accounts: lookahead(decide1), decide: decide1},
	2: {Number: 2, vocabulary: events.NewVocabulary(types2, currencies1), needs: stateOf2, accounts: lookahead(decide2), decide: decide2},
	3: {Number: 3, vocabulary: events.NewVocabulary(types3, currencies1), needs: stateOf3, accounts: lookahead(decide3), decide: decide3},
}

func ruleSet(number int) (*RuleSet, error) {
	s, ok := ruleSets[number]
	if !ok {
		return nil, fmt.Errorf("%w: the log asks for rule set %d, this program knows up to %d; install a newer release", ErrRuleSetUnknown, number, LatestRuleSet)
	}
	return s, nil
}

// decideOpening is set 0: before rules are activated, only facts about the
// shard itself are known.
func decideOpening(d *decision) {
	if !decideShardFact(d) {
		d.refuse("no_rules_active", "no rule set is active in this shard")
	}
}

// decideShardFact decides facts about the log itself, which mean the same in
// every rule set.
func decideShardFact(d *decision) bool {
	switch f := d.event.Fact.(type) {
	case *events.ShardOpened:
		switch {
		case d.record.Offset != 0:
			d.refuse("already_opened", "the shard was opened by record 0")
		case int64(*f.Format) != Format:
			d.refuse("format_unknown", "format %d", *f.Format)
		case int(*f.Shard) != d.record.Shard || int(*f.Shards) != d.head.Shards:
			d.refuse("other_shard", "opened as shard %d of %d", *f.Shard, *f.Shards)
		default:
			d.head.Ledger = string(f.Ledger)
			d.note("")
		}
	case *events.RulesActivated:
		if number := int(*f.RuleSet); number <= d.head.RuleSet {
			d.refuse("rule_set_not_newer", "rule set %d is active", d.head.RuleSet)
		} else {
			d.head.RuleSet = number
			d.note("")
		}
	default:
		return false
	}
	return true
}

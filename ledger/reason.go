package ledger

import "strings"

// reasons says each code in a sentence. Codes of malformed input are those of
// package events and speak for themselves through the detail.
var reasons = map[string]string{
	"account_unknown":      "there is no such account",
	"already_opened":       "it was opened before",
	"already_reversed":     "the event was reversed before",
	"bill_exists":          "a bill of that id exists",
	"bill_unknown":         "no bill of that id is known",
	"entitlement_in_use":   "payouts stand on the entitlement",
	"event_unknown":        "no event of that id is known",
	"format_unknown":       "the log's format is not known",
	"fund_exhausted":       "the fund does not hold that much",
	"key_is_not_subject":   "the record's key is not its organization",
	"limit_exceeded":       "a limit would be exceeded",
	"line_differs":         "another bank line, or the same seen otherwise, holds this id",
	"line_in_use":          "money of the bank line has been placed",
	"in_clearing":          "the payout was on its way through the bank, which may pay it a second time",
	"not_sent":             "the payout was not known to have been sent",
	"nothing_sent":         "nothing was on its way",
	"other_currency":       "granted in another currency",
	"line_known":           "the bank line was known",
	"line_unknown":         "no bank line of that id and direction is known",
	"more_than_clearing":   "more than is open in clearing",
	"more_than_credit":     "more than the payer's credit",
	"more_than_held":       "more cash than was held",
	"more_than_line":       "more than is left of the bank line",
	"more_than_ordered":    "the payout would be owed for more than was ordered",
	"more_than_owed":       "more than is owed",
	"more_than_paid":       "more came back than is known to have been paid",
	"more_than_payable":    "more than is payable",
	"more_than_sent":       "more than was on its way",
	"no_rules_active":      "no rules were active yet",
	"not_entitled":         "no entitlement is known for the person and period",
	"nothing_to_reverse":   "the event posted nothing",
	"other_content":        "another fact holds this id",
	"other_shard":          "opened as another shard",
	"over_entitlement":     "more than the entitlement",
	"overpaid":             "more than was owed; the rest is the payer's credit",
	"overpaid_unproved":    "more than was owed; the rest waits until a bank line proves it",
	"payout_exists":        "a payout of that id exists",
	"payout_left":          "money has left under that id before it was ordered; take that back first",
	"payout_reversed":      "the payout's order was taken back",
	"payout_unknown":       "no payout of that id is known",
	"person_stopped":       "payments to the person have been stopped",
	"recoverable":          "more left than was owed; the rest is to be recovered",
	"reference_used":       "the reference code was used before",
	"reversal_of_reversal": "a reversal cannot be reversed",
	"rule_set_not_newer":   "that rule set, or a newer one, is active",
	"too_many_changes":     "changed too often; take an earlier one back first",
	"too_many_transfers":   "too many transfers for one event",
	"wrong_partition":      "the record lies in another organization's partition",
}

// Reason says for people why an outcome is what it is: the code's sentence and
// the numbers it turned on. Empty for an ordinary posting.
func Reason(o *Outcome) string {
	sentence, detail := reasons[o.Code], strings.TrimLeft(o.Detail, " :")
	switch {
	case sentence == "":
		sentence = strings.ReplaceAll(o.Code, "_", " ")
	}
	if sentence != "" && detail != "" {
		return sentence + ": " + detail
	}
	return sentence + detail
}

package ledger

import "strings"

// reasons says each code in a sentence. Codes of malformed input are those of
// package events and speak for themselves through the detail.
var reasons = map[string]string{
	"account_missing":      "no account is said that the money goes to",
	"account_unknown":      "there is no such account",
	"actor_unknown":        "nobody is known to have handed it in",
	"already_opened":       "it was opened before",
	"already_reversed":     "the event was reversed before",
	"approved_before":      "the same person has approved it",
	"batch_cancelled":      "the batch was cancelled",
	"batch_closed":         "the batch is closed",
	"batch_exists":         "a batch of that id exists",
	"batch_open":           "the batch is not closed yet",
	"batch_submitted":      "the bank has the batch",
	"batch_unknown":        "no batch of that id is known",
	"bill_exists":          "a bill of that id exists",
	"bill_unknown":         "no bill of that id is known",
	"differs_from_list":    "the approved list says otherwise",
	"entitlement_in_use":   "payouts stand on the entitlement",
	"event_unknown":        "no event of that id is known",
	"file_differs":         "the file is not as it was exported",
	"file_known":           "the file was made before, the same",
	"format_unknown":       "the log's format is not known",
	"four_eyes":            "nobody approves what they drew up",
	"fund_exhausted":       "the fund does not hold that much",
	"in_batch":             "the payout is in a batch whose file could still pay it",
	"in_clearing":          "the payout was on its way through the bank, which may pay it a second time",
	"key_is_not_subject":   "the record's key is not its organization",
	"limit_exceeded":       "a limit would be exceeded",
	"line_differs":         "another bank line, or the same seen otherwise, holds this id",
	"line_in_use":          "money of the bank line has been placed",
	"line_known":           "the bank line was known",
	"line_unknown":         "no bank line of that id and direction is known",
	"list_approved":        "the list is approved",
	"list_differs":         "it holds something else",
	"list_exists":          "a list of that id exists",
	"list_not_approved":    "the list is not approved",
	"list_open":            "the list has not been proposed",
	"list_proposed":        "the list has been proposed",
	"list_too_large":       "it would be too large",
	"list_unknown":         "no list of that id is known",
	"list_withdrawn":       "the list was withdrawn",
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
	"not_a_person":         "only a person who signs in may say so",
	"not_entitled":         "no entitlement is known for the person and period",
	"not_listed":           "the payout stands on no list",
	"not_ours":             "only this ledger's own processes say so",
	"not_sent":             "the payout was not known to have been sent",
	"not_stopped":          "payments were not stopped",
	"nothing_sent":         "nothing was on its way",
	"nothing_to_reverse":   "the event posted nothing",
	"one_more_approval":    "one more person has to approve it",
	"other_content":        "another fact holds this id",
	"other_currency":       "granted in another currency",
	"other_method":         "the payout was ordered another way",
	"other_shard":          "opened as another shard",
	"over_entitlement":     "more than the entitlement",
	"overpaid":             "more than was owed; the rest is the payer's credit",
	"overpaid_unproved":    "more than was owed; the rest waits until a bank line proves it",
	"own_right":            "nobody changes what they are allowed themselves",
	"part_of_payout":       "a payout goes with a batch as a whole",
	"payout_exists":        "a payout of that id exists",
	"payout_left":          "money has left under that id before it was ordered; take that back first",
	"payout_listed":        "the payout stands on a list",
	"payout_reversed":      "the payout's order was taken back",
	"payout_unknown":       "no payout of that id is known",
	"person_stopped":       "payments to the person have been stopped",
	"recoverable":          "more left than was owed; the rest is to be recovered",
	"reference_used":       "the reference code was used before",
	"reversal_of_reversal": "a reversal cannot be reversed",
	"right_missing":        "the person does not hold the right",
	"rule_set_not_newer":   "that rule set, or a newer one, is active",
	"too_many_changes":     "changed too often; take an earlier one back first",
	"too_many_hands":       "too many persons draw up one list",
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

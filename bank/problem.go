package bank

import (
	"errors"
	"fmt"
)

// Problem is something in a file that does not add up: where, what, and in words
// for a person. Detail never repeats what a payer wrote, nor an account.
type Problem struct {
	Line   int    `json:"line,omitzero"`  // from 1; 0 where the whole file is meant
	Field  string `json:"field,omitzero"` // element, tag or column
	Code   string `json:"code"`           // one of Codes
	Detail string `json:"detail"`
}

// Codes lists every code that a Problem may carry, with its meaning. Those marked
// by ! make the file unreadable as a whole.
var Codes = map[string]string{
	"unknown_format":      "! neither content nor heading is that of a known format",
	"unsupported_format":  "! a known kind of file that is not read: old Excel, PDF, HTML, encrypted",
	"format_differs":      "! the file is not of the format that was asked for",
	"too_large":           "! the file, a part, a line, a text or a list is longer than the limit",
	"too_deep":            "! XML elements are nested deeper than the limit",
	"damaged":             "! not well-formed, or cut off",
	"nul_byte":            "! a text file holds a NUL byte",
	"doctype":             "! XML with a document type: never part of these formats, and dangerous",
	"wrong_namespace":     "! the XML namespace is not that of a known message version",
	"trailing_content":    "! something follows the end of the document",
	"duplicate_element":   "! an element that stands once stands twice",
	"missing_element":     "! an element that the format requires is missing",
	"no_statement":        "! no statement, report or notification in the file",
	"count_differs":       "! a payment order holds other counts or sums than it declares",
	"no_header_row":       "! no row with the headings of a date and an amount in the first 120 rows",
	"entry_malformed":     "an entry cannot be read and was left out of the totals",
	"fraction_of_dong":    "an amount in đồng with decimals; the entry was left out",
	"impossible_date":     "a date that no calendar has, kept as printed",
	"balance_malformed":   "a balance cannot be read",
	"balance_missing":     "a statement without the balance that its format requires",
	"balance_mismatch":    "opening balance and entries do not lead to the closing balance",
	"running_balance":     "from this row on the running balance does not follow from the row before",
	"total_mismatch":      "a printed total is not the sum of the entries",
	"details_mismatch":    "the transactions of an entry do not add up to it",
	"row_not_understood":  "a row with amounts that is neither entry, total nor balance",
	"encoding_uncertain":  "the text is in no Unicode encoding; letters may have been read wrongly",
	"summary_mismatch":    "declared counts or sums of a statement are not those of its entries",
	"more_problems":       "further problems are not listed",
	"opening_differs":     "the printed opening balance is not the one that the first row implies",
	"currency_unexpected": "an entry in another currency than its statement",
}

// refusal is why a file is not readable as a whole.
type refusal struct{ Problem }

func (r *refusal) Error() string {
	if r.Line > 0 {
		return fmt.Sprintf("line %d: %s", r.Line, r.Detail)
	}
	return r.Detail
}

func refuse(line int, field, code, format string, args ...any) error {
	return &refusal{Problem{line, field, code, fmt.Sprintf(format, args...)}}
}

// refusedAs returns the problem that an error stands for, if it is a refusal.
func refusedAs(err error) (*Problem, bool) {
	var r *refusal
	if errors.As(err, &r) {
		return &r.Problem, true
	}
	return nil, false
}

package readmodel

import (
	"errors"

	"socho/internal/money"
	"socho/projections"
)

// Schema is where the live tables are.
const Schema = "projections"

// Limits on what one call returns.
const (
	DefaultLimit = 50
	MaxLimit     = 500
	MaxMonths    = 60 // of a trend
)

var (
	// ErrNotFound is returned where there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrCursor is returned for a cursor that this package did not give out for
	// that list.
	ErrCursor = errors.New("bad_cursor")
)

// Page asks for a part of a list. A Limit of 0 means DefaultLimit; one above
// MaxLimit means MaxLimit. Cursor is empty for the first page.
type Page struct {
	Limit  int
	Cursor string
}

// OrganizationFilter narrows a list of organizations; empty fields do not.
type OrganizationFilter struct {
	Kind  string   // market, school, fund, province
	Units []string // any of these
}

// BillFilter narrows a list of bills; empty fields do not.
type BillFilter struct {
	Period    string
	Status    string // projections.BillOpen, …
	Unpaid    bool   // only bills that owe something
	Holder    string
	Stall     string
	Class     string
	Person    string
	Reference string
	DueBefore string // YYYY-MM-DD, exclusive: arrears
}

// BillTotal sums bills of one currency.
type BillTotal struct {
	Currency                     money.Currency
	Bills                        int64
	Open, PartPaid, Paid, Waived int64 // how many of each status; reversed bills are counted nowhere but in Bills
	IssuedSum, PaidSum           money.Total
	WaivedSum, OwedSum           money.Total
}

// StallRow is one line of a collection board: a stall with the sums of its
// bills of a period, in minor units of đồng. Status is that of the bills
// together: paid, waived, part_paid, open, or none where nothing was assessed.
type StallRow struct {
	projections.Stall
	Bills                        int64
	Assessed, Paid, Waived, Owed int64
	Status                       string
}

// PayoutFilter narrows a list of payouts; empty fields do not.
type PayoutFilter struct {
	Period string
	Status string // projections.PayoutOrdered, …
	Unit   string
	Person string
	Method string
}

// PayoutSummary is where a fund's month stands. Persons are counted once
// however many programmes or payouts they have. Entitled persons who have
// received nothing yet are carried forward. Amounts count đồng only.
type PayoutSummary struct {
	Period         string
	Entitled       int64   // persons
	PaidAccount    int64   // persons with a payout that a bank or wallet carried out
	PaidCash       int64   // persons paid in cash
	Returned       int64   // persons with a payout that came back and is owed again
	CarriedForward int64   // persons entitled and not paid
	Rate           *string // PaidAccount ÷ Entitled; see projections.Rate
	EntitledSum    money.Total
	PaidAccountSum money.Total
	PaidCashSum    money.Total
	ReturnedSum    money.Total
	Payouts        map[string]int64 // how many payouts of each status
}

// Subject is what a trace leads from: see the Subject constants of
// projections.
type Subject struct {
	Organization string
	Kind         string
	ID           string
}

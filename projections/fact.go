package projections

import (
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// Kinds of facts that figures are made of.
const (
	FactEntitled     = "entitled"     // subject: person
	FactOrdered      = "ordered"      // subject: payout; person
	FactSettled      = "settled"      // subject: payout
	FactReturned     = "returned"     // subject: payout
	FactPaidCash     = "paid_cash"    // subject: payout
	FactPayment      = "payment"      // subject: bill
	FactInstitution  = "institution"  // subject: institution; method: accepting, connected, …
	FactFigure       = "figure"       // amount of denominator
	FactOrganization = "organization" // no domain: gives fees their unit
	FactReversed     = "reversed"     // no domain: takes the event it names out
)

// Fact is one row that figures are evaluated from. One event gives at most one.
type Fact struct {
	Position
	Domain       string // empty: of all domains
	Kind         string
	EffectiveOn  events.Date
	Period       string // YYYY-MM: the benefit's month, the payment's month; empty where the event names none
	Unit         string
	Organization string
	Subject      string
	Person       string
	Method       string
	Currency     money.Currency
	Amount       int64 // minor units; of a figure, its numerator
	Denominator  int64 // of a figure
	Source       string
	EventID      string
	TargetSource string // of a reversal
	TargetID     string
	RecordedAt   time.Time
	RecordHash   ledger.Hash
}

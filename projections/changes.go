package projections

import (
	"time"

	"socho/events"
	"socho/internal/money"
)

// Changes is what folding a run of one shard's records comes to. Facts, Links
// and Amounts are rows to add; Bills, Payouts and Holdings are sums to add to
// and fields to fill, and so are Lines and Uses; Entitlements and Stops are rows to add, which Withdrawn
// takes back, and so are ListEntries, Removed, Files, Moves, which MovesWithdrawn
// takes back, Terms, which TermsWithdrawn does, and Sales, which Undone does; Lists, Batches and
// Connections are fields to fill; of the others the later position wins. The zero
// value is ready.
// Inspections are rows to add, Cards, Alerts and Consents fields to
// fill, Receipts sums to add to.
type Changes struct {
	Facts         []Fact
	Bills         []Bill
	Payouts       []Payout
	Entitlements  []Entitlement
	Stops         []Stop
	Withdrawn     []Withdrawn
	Organizations []Organization
	Stalls        []Stall
	Holdings      []Holding
	Links         []Link
	Amounts       []TracedAmount
	Lists         []PayoutList
	ListEntries   []ListEntry
	Removed       []RemovedEntry
	Batches       []Batch
	Files         []BatchFile
	Moves         []PayoutMove
	Lines         []BankLine
	Uses          []LineUse
	Connections   []SalesConnection
	Sales         []Sale
	Undone        []SaleUndone
	Cards         []StallCard
	Inspections   []Inspection
	Alerts        []Alert
	Receipts      []WeekReceipts
	Consents      []MarketConsent
	Terms         []Term

	TermsWithdrawn []Withdrawn
	MovesWithdrawn []WithdrawnMove

	bills    map[[2]string]int // organization, bill → place in Bills, likewise below
	payouts  map[[2]string]int
	holdings map[Holding]int  // with no amount
	lines    map[BankLine]int // with what names it alone, likewise
	uses     map[LineUse]int
}

// reset forgets everything and keeps the room.
func (c *Changes) reset() {
	c.Facts, c.Bills, c.Payouts = emptied(c.Facts), emptied(c.Bills), emptied(c.Payouts)
	c.Entitlements, c.Stops, c.Withdrawn = emptied(c.Entitlements), emptied(c.Stops), emptied(c.Withdrawn)
	c.Organizations, c.Stalls, c.Holdings = emptied(c.Organizations), emptied(c.Stalls), emptied(c.Holdings)
	c.Links, c.Amounts = emptied(c.Links), emptied(c.Amounts)
	c.Lists, c.ListEntries, c.Removed, c.Batches = emptied(c.Lists), emptied(c.ListEntries), emptied(c.Removed), emptied(c.Batches)
	c.Files, c.Moves = emptied(c.Files), emptied(c.Moves)
	c.Lines, c.Uses = emptied(c.Lines), emptied(c.Uses)
	c.Terms, c.TermsWithdrawn = emptied(c.Terms), emptied(c.TermsWithdrawn)
	c.MovesWithdrawn = emptied(c.MovesWithdrawn)
	c.Connections, c.Sales, c.Undone = emptied(c.Connections), emptied(c.Sales), emptied(c.Undone)
	c.Cards, c.Inspections, c.Alerts, c.Receipts = emptied(c.Cards), emptied(c.Inspections), emptied(c.Alerts), emptied(c.Receipts)
	c.Consents = emptied(c.Consents)
	clear(c.bills)
	clear(c.payouts)
	clear(c.holdings)
	clear(c.lines)
	clear(c.uses)
}

func emptied[R any](rows []R) []R {
	clear(rows) // what they name may go
	return rows[:0]
}

// Position is a place in the log.
type Position struct {
	Shard  int   `json:"shard"`
	Offset int64 `json:"offset"`
}

// States of a bill.
const (
	BillOpen     = "open"      // nothing paid; a part may be waived
	BillPartPaid = "part_paid" // something paid, something owed
	BillPaid     = "paid"      // nothing owed
	BillWaived   = "waived"    // nothing owed, and nothing was paid
	BillReversed = "reversed"  // the assessment was taken back
)

// Bill is one bill of a market or school with its sums, in minor units of its
// currency. As a change, the sums are what to add, and may be negative.
// Overpayments are not in it: they are the holder's credit (Holding).
type Bill struct {
	Organization string         `json:"organization"`
	Bill         string         `json:"bill"`
	Kind         string         `json:"kind"`   // market or school
	Holder       string         `json:"holder"` // stall:<id> or pupil:<person>
	Person       string         `json:"person"` // empty where not known (an opening balance)
	Stall        string         `json:"stall"`  // of a market
	Class        string         `json:"class"`  // of a school
	Period       string         `json:"period"` // YYYY-MM; of an opening balance its month
	Reference    string         `json:"reference"`
	DueOn        events.Date    `json:"due_on"`    // empty where not known
	IssuedOn     events.Date    `json:"issued_on"` // effective_on of the assessment
	Currency     money.Currency `json:"currency"`
	Issued       int64          `json:"issued_minor"`
	Paid         int64          `json:"paid_minor"`
	Waived       int64          `json:"waived_minor"`
	Reversed     bool           `json:"reversed"`
	First        Position       `json:"first"` // of the record that issued it
	Last         Position       `json:"last"`  // of the latest record that touched it
}

// Owed is what is still to be paid, in minor units.
func (b *Bill) Owed() int64 { return b.Issued - b.Paid - b.Waived }

// Status says in one word where the bill stands.
func (b *Bill) Status() string {
	switch {
	case b.Reversed && b.Issued == 0:
		return BillReversed
	case b.Owed() <= 0 && b.Waived > 0 && b.Paid == 0:
		return BillWaived
	case b.Owed() <= 0:
		return BillPaid
	case b.Paid > 0:
		return BillPartPaid
	}
	return BillOpen
}

// States of a payout.
const (
	PayoutOrdered  = "ordered"
	PayoutSent     = "sent"
	PayoutSettled  = "settled"
	PayoutReturned = "returned" // came back or was rejected; owed again
	PayoutPaidCash = "paid_cash"
	PayoutReversed = "reversed" // the order was taken back
)

// Payout is one payout of a fund. The sums are minor units taken from the
// transfers: Payable, Clearing and Returned are what its three accounts hold
// now; Settled left by the bank, CameBack came in again on a line, PaidCash
// was handed over. Recoverable is what of it left beyond what was owed and has
// not come back; it is the person's to return. As a change, the sums are what to
// add.
type Payout struct {
	Organization string         `json:"organization"`
	Payout       string         `json:"payout"`
	Person       string         `json:"person"`
	Programme    string         `json:"programme"`
	Period       string         `json:"period"`
	Unit         string         `json:"unit"`
	Method       string         `json:"method"` // account, ewallet or cash, as ordered
	Currency     money.Currency `json:"currency"`
	Ordered      int64          `json:"amount_minor"`
	Payable      int64          `json:"payable_minor"`
	Clearing     int64          `json:"clearing_minor"`
	Returned     int64          `json:"returned_minor"`
	Settled      int64          `json:"settled_minor"`
	CameBack     int64          `json:"came_back_minor"`
	PaidCash     int64          `json:"paid_cash_minor"`
	Recoverable  int64          `json:"recoverable_minor"`
	Reason       string         `json:"reason"` // of the latest return; means something while the status is returned
	OrderedOn    events.Date    `json:"ordered_on"`
	SentOn       events.Date    `json:"sent_on"`
	SettledOn    events.Date    `json:"settled_on"`
	ReturnedOn   events.Date    `json:"returned_on"`
	CashOn       events.Date    `json:"cash_on"`
	First        Position       `json:"first"`
	Last         Position       `json:"last"`
	Undone       PayoutSteps    `json:"-"` // of a change: steps that were taken back; their days are forgotten
}

// PayoutSteps are steps of a payout, of which only the latest day is kept. Where
// the latest one of its kind was taken back, no day is known.
type PayoutSteps uint8

// The steps.
const (
	StepSent PayoutSteps = 1 << iota
	StepSettled
	StepReturned
	StepCash
)

// undo forgets the day of a step that was taken back, here and in what the change
// is added to.
func (p *Payout) undo(step PayoutSteps) {
	p.Undone |= step
	switch step {
	case StepSent:
		p.SentOn = ""
	case StepSettled:
		p.SettledOn = ""
	case StepReturned:
		p.ReturnedOn, p.Reason = "", ""
	case StepCash:
		p.CashOn = ""
	}
}

// Status says in one word where the payout stands. It follows from the sums,
// so a reversed step is a step not taken. What is owed again comes first.
func (p *Payout) Status() string {
	switch {
	case p.Ordered == 0 && p.Payable == 0 && p.Clearing == 0 && p.Returned == 0:
		return PayoutReversed
	case p.Returned > 0:
		return PayoutReturned
	case p.Clearing > 0:
		return PayoutSent
	case p.Payable > 0:
		return PayoutOrdered
	case p.PaidCash > 0:
		return PayoutPaidCash
	}
	return PayoutSettled
}

// Entitlement is what a person may receive from a programme for a month. Of
// those not withdrawn the later position counts.
type Entitlement struct {
	Organization string         `json:"organization"`
	Person       string         `json:"person"`
	Programme    string         `json:"programme"`
	Period       string         `json:"period"`
	Unit         string         `json:"unit"`
	Currency     money.Currency `json:"currency"`
	Amount       int64          `json:"amount_minor"`
	At           Position       `json:"at"`
	Source       string         `json:"source"`
	EventID      string         `json:"event_id"`
}

// Stop ends a person's payments from a programme from a month on, or lets them go
// on where they were Resumed. Of those not withdrawn that reach a month the later
// position counts.
type Stop struct {
	Organization string      `json:"organization"`
	Person       string      `json:"person"`
	Programme    string      `json:"programme"`
	FromPeriod   string      `json:"from_period"`
	Reason       string      `json:"reason"`
	EffectiveOn  events.Date `json:"effective_on"`
	At           Position    `json:"at"`
	Source       string      `json:"source"`
	EventID      string      `json:"event_id"`
	Resumed      bool        `json:"resumed"`
}

// Withdrawn names the event of an entitlement or a stop that was taken back.
type Withdrawn struct{ Organization, Source, EventID string }

// Organization is one institution that keeps its book here. The later position
// wins.
type Organization struct {
	Organization string      `json:"organization"`
	Kind         string      `json:"kind"` // market, school, fund or province
	Name         string      `json:"name"`
	Unit         string      `json:"unit"`
	BankBIN      string      `json:"bank_bin"`
	Account      string      `json:"account"`
	Since        events.Date `json:"since"`
	At           Position    `json:"at"`
}

// Stall is a stall and the trader it is let to: of several lettings the one
// with the latest day, then the later position.
type Stall struct {
	Organization string      `json:"organization"`
	Stall        string      `json:"stall"`
	Person       string      `json:"person"`
	Since        events.Date `json:"since"`
	At           Position    `json:"at"`
}

// Kinds of holdings.
const (
	HoldingCollector = "collector" // cash that a collector still holds
	HoldingPayPoint  = "paypoint"  // cash that lies at a pay point
	HoldingCredit    = "credit"    // what a payer has paid above what was owed
)

// Holding is money that lies somewhere on its way, in minor units. Holder is
// the collector, the pay point, or stall:<id> or pupil:<person>. As a change,
// the amount is what to add.
type Holding struct {
	Organization string         `json:"organization"`
	Kind         string         `json:"kind"`
	Holder       string         `json:"holder"`
	Currency     money.Currency `json:"currency"`
	Amount       int64          `json:"amount_minor"`
}

// Link says that a record is about something that no account of its transfers
// belongs to.
type Link struct {
	Organization string `json:"organization"`
	Kind         string `json:"kind"`
	Subject      string `json:"subject"`
	Position
}

// TracedAmount is the amount that a record's fact speaks of, a decimal string,
// where it is not the sum of the record's transfers. Both fields are empty where
// the fact speaks of none.
type TracedAmount struct {
	Position
	Currency money.Currency `json:"currency"`
	Amount   string         `json:"amount"`
}

// TracedEvent is an accepted record as a trace shows it. Amount is the fact's
// own, a decimal string, empty where it has none.
type TracedEvent struct {
	Position
	Organization string         `json:"organization"`
	Source       string         `json:"source"`
	EventID      string         `json:"event_id"`
	Type         string         `json:"type"`
	Status       string         `json:"status"` // posted or recorded
	Code         string         `json:"code"`   // what was unusual, if anything
	EffectiveOn  events.Date    `json:"effective_on"`
	RecordedAt   time.Time      `json:"recorded_at"`
	Currency     money.Currency `json:"currency"`
	Amount       string         `json:"amount"`
}

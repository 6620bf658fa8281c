package events

import (
	"strings"

	"socho/internal/money"
)

// Fact is the data of one event. The concrete types of this package are the
// only implementations.
type Fact interface {
	// Effective is the day since when the fact is true in the world; empty for
	// facts about the log itself.
	Effective() Date
	// check refuses what no single field can see: amounts against their
	// currency, fields that need each other. Errors are *Error.
	check() error
}

// Dated is embedded in every fact that is true from a day on.
type Dated struct {
	EffectiveOn Date `json:"effective_on"`
}

// Effective implements Fact.
func (d Dated) Effective() Date { return d.EffectiveOn }

func (Dated) check() error { return nil }

// Of names the person a fact is about, and carries what intake sealed.
type Of struct {
	Person ID                `json:"person" holds:"opaque"`
	Sealed map[string]string `json:"sealed,omitzero"`
}

// MaybeOf is Of for facts that may concern nobody in particular.
type MaybeOf struct {
	Person ID                `json:"person,omitzero" holds:"opaque"`
	Sealed map[string]string `json:"sealed,omitzero"`
}

// Sum is an amount above zero of one currency.
type Sum struct {
	Amount   Decimal        `json:"amount"`
	Currency money.Currency `json:"currency"`
}

// Money returns the exact amount of a decoded fact.
func (s Sum) Money() money.Amount { return Money(s.Amount, s.Currency) }

func (s Sum) check() error { return amount(s.Amount, s.Currency, "/data/amount") }

// Item is one line of a bill. InvoiceDuty says what paper the payer is owed:
// invoice (a price of a service), receipt (a fee), or none.
type Item struct {
	Item        Word    `json:"item"`
	Amount      Decimal `json:"amount"`
	InvoiceDuty Word    `json:"invoice_duty,omitzero" in:"invoice,receipt,none"`
}

// MaxItems bounds a bill's lines.
const MaxItems = 50

func checkItems(items []Item, c money.Currency) error {
	if len(items) > MaxItems {
		return errorf(BadValue, "/data/items", "more than %d items", MaxItems)
	}
	seen := make(map[Word]bool, len(items))
	for i, it := range items {
		if err := amount(it.Amount, c, "/data/items/"+itoa(i)+"/amount"); err != nil {
			return err
		}
		if seen[it.Item] {
			return errorf(BadValue, "/data/items/"+itoa(i)+"/item", "the same item twice")
		}
		seen[it.Item] = true
	}
	return nil
}

// ---- organizations ----

// OrganizationRegistered: an organization begins to keep its book here.
// Kind is market, school, fund or province. A receiving account belongs to the
// institution and is printed in its QR codes.
type OrganizationRegistered struct {
	Dated
	Kind    Word    `json:"kind" in:"market,school,fund,province"`
	Name    Label   `json:"name"`
	Unit    Unit    `json:"unit"`
	BankBIN BIN     `json:"bank_bin,omitzero"`
	Account Account `json:"account,omitzero"`
}

func (f *OrganizationRegistered) check() error {
	if (f.BankBIN == "") != (f.Account == "") {
		return errorf(MissingField, "/data/account", "a receiving account needs bank_bin and account")
	}
	return nil
}

// OpeningBalance: what an account held when the office started. Path is the
// account without the organization; Side is debit or credit.
type OpeningBalance struct {
	Dated
	Sum
	Path Path `json:"account"`
	Side Word `json:"side" in:"debit,credit"`
}

func (f *OpeningBalance) check() error { return f.Sum.check() }

// person is whose account it is, where it is a person's.
func (f *OpeningBalance) person() ID {
	holder, rest, _ := strings.Cut(string(f.Path), ":")
	if holder != "pupil" && holder != "person" {
		return ""
	}
	id, _, _ := strings.Cut(rest, ":")
	return ID(id)
}

// Grant is a right that rules ask for, and whose it is. Holder is the id of somebody who signs
// in, as it stands behind "person:" in the stamp of what they hand in.
//
// Both facts are this ledger's own: who may give a right is asked where people
// sign in.
type Grant struct {
	Dated
	Holder ID   `json:"holder" holds:"opaque"`
	Right  Word `json:"right" in:"propose_payouts,approve_payouts"`
}

// RightGranted: somebody may do what rules ask the right for.
type RightGranted struct{ Grant }

// RightRevoked: from here on they may not.
type RightRevoked struct{ Grant }

// ApprovalsRequired: payouts are ordered from lists alone that so many persons
// have approved, two of a list above the amount; from anywhere where Approvers
// is 0.
type ApprovalsRequired struct {
	Dated
	Sum
	Approvers *Count `json:"approvers" within:"0,2"`
}

func (f *ApprovalsRequired) check() error { return f.Sum.check() }

// ---- markets ----

// StallLet: a stall is let to a trader from a day on.
type StallLet struct {
	Dated
	Of
	Stall ID `json:"stall"`
}

// FeeAssessed: the market bills a stall for a month. The reference code is
// what the payer's bank carries along.
type FeeAssessed struct {
	Dated
	Of
	Bill      ID             `json:"bill"`
	Stall     ID             `json:"stall"`
	Period    Period         `json:"period"`
	DueOn     Date           `json:"due_on"`
	Reference Reference      `json:"reference,omitzero"`
	Currency  money.Currency `json:"currency"`
	Items     []Item         `json:"items"`
}

func (f *FeeAssessed) check() error { return checkItems(f.Items, f.Currency) }

// referenced is a fact that carries a reference code for payers.
type referenced interface{ reference() Reference }

func (f *FeeAssessed) reference() Reference { return f.Reference }
func (f *BillIssued) reference() Reference  { return f.Reference }

// Payment is what a market's and a school's payment have in common. Method is
// bank, qr, card, ewallet or cash. Line names the bank line that carried the
// money, where one is known; cash names the collector who holds it.
type Payment struct {
	Dated
	MaybeOf
	Sum
	Bill      ID   `json:"bill"`
	Method    Word `json:"method" in:"bank,qr,card,ewallet,cash"`
	Line      ID   `json:"line,omitzero"`
	Collector ID   `json:"collector,omitzero" holds:"opaque"`
}

func (f *Payment) check() error {
	if err := heldBy(f.Method, f.Collector, f.Line); err != nil {
		return err
	}
	return f.Sum.check()
}

// heldBy says whether money that came in a way names who holds it, or its line.
func heldBy(method Word, collector, line ID) error {
	if method == "cash" {
		if collector == "" {
			return errorf(MissingField, "/data/collector", "cash names the collector who holds it")
		}
		if line != "" {
			return errorf(BadValue, "/data/line", "cash comes by no bank line")
		}
	} else if collector != "" {
		return errorf(BadValue, "/data/collector", "only cash is held by a collector")
	}
	return nil
}

// PaymentReceived: money for a market bill arrived.
type PaymentReceived struct{ Payment }

// CashBanked: cash was paid into the bank, by a collector or from what was left
// at a pay point; Line is the bank's line.
type CashBanked struct {
	Dated
	Sum
	Collector ID `json:"collector,omitzero" holds:"opaque"`
	PayPoint  ID `json:"pay_point,omitzero"`
	Line      ID `json:"line"`
}

func (f *CashBanked) check() error {
	if (f.Collector == "") == (f.PayPoint == "") {
		return errorf(MissingField, "/data/collector", "expected either collector or pay_point")
	}
	return f.Sum.check()
}

// Reduction takes a part off a bill, with the decision's reason.
type Reduction struct {
	Dated
	Sum
	Bill   ID   `json:"bill"`
	Reason Word `json:"reason"`
}

func (f *Reduction) check() error { return f.Sum.check() }

// FeeWaived: the market waives a part of a bill.
type FeeWaived struct{ Reduction }

// ---- schools ----

// BillIssued: a school bills a pupil (the person) for a period.
type BillIssued struct {
	Dated
	Of
	Bill      ID             `json:"bill"`
	Class     ID             `json:"class"`
	Period    Period         `json:"period"`
	DueOn     Date           `json:"due_on"`
	Reference Reference      `json:"reference,omitzero"`
	Currency  money.Currency `json:"currency"`
	Items     []Item         `json:"items"`
}

func (f *BillIssued) check() error { return checkItems(f.Items, f.Currency) }

// BillPaid: money for a school bill arrived.
type BillPaid struct{ Payment }

// BillExempted: an exemption or reduction by policy.
type BillExempted struct{ Reduction }

// Refunded: credit of a payer, a stall or a pupil (the person), is paid back.
type Refunded struct {
	Dated
	MaybeOf
	Sum
	Stall ID `json:"stall,omitzero"`
	Line  ID `json:"line"`
}

func (f *Refunded) check() error {
	if (f.Stall == "") == (f.Person == "") {
		return errorf(MissingField, "/data/stall", "expected either stall or person")
	}
	return f.Sum.check()
}

// ---- bank ----

// LineReceived: a line of a bank statement or webhook, effective on its booking
// date. It alone moves a bank account. Account is the organization's own name for the account; Kind is
// payment, charge or interest; raw content is personal and sealed.
type LineReceived struct {
	Dated
	MaybeOf
	Sum
	Line      ID   `json:"line"`
	Account   ID   `json:"account"`
	Direction Word `json:"direction" in:"in,out"`
	Kind      Word `json:"kind" in:"payment,charge,interest"`
}

func (f *LineReceived) check() error { return f.Sum.check() }

// LineAllocated: money of a line in is placed, on a bill or against what a
// card or wallet operator owed (Clearing: bank, qr, card or ewallet).
type LineAllocated struct {
	Dated
	Sum
	Line     ID   `json:"line"`
	Bill     ID   `json:"bill,omitzero"`
	Clearing Word `json:"clearing,omitzero" in:"bank,qr,card,ewallet"`
}

func (f *LineAllocated) check() error {
	if (f.Bill == "") == (f.Clearing == "") {
		return errorf(MissingField, "/data/bill", "expected either bill or clearing")
	}
	return f.Sum.check()
}

// ---- corrections ----

// Reversed: the postings of an earlier event of the same organization are
// taken back, line by line.
type Reversed struct {
	Dated
	Reverses       EventID `json:"reverses"`
	ReversesSource URI     `json:"reverses_source"`
	Reason         Word    `json:"reason"`
}

// ---- registry ----

// InstitutionReported: a registry says whether one institution takes part.
// Domain schools: accepting or not_accepting (collects fees online or by
// bank). Domain systems: connected or not_connected (to the data platform).
type InstitutionReported struct {
	Dated
	Domain      Word `json:"domain" in:"schools,systems"`
	Institution ID   `json:"institution"`
	Unit        Unit `json:"unit"`
	Status      Word `json:"status" in:"accepting,not_accepting,connected,not_connected"`
}

func (f *InstitutionReported) check() error {
	ofSchools := f.Status == "accepting" || f.Status == "not_accepting"
	if ofSchools != (f.Domain == "schools") {
		return errorf(BadValue, "/data/status", "expected accepting or not_accepting of schools, connected or not_connected of systems")
	}
	return nil
}

// FigureReported: a surveyed figure of a unit, taken as it is: domain accounts
// (persons aged 15+ with a bank account of persons 15+) or einvoices
// (enterprises using e-invoices of enterprises).
type FigureReported struct {
	Dated
	Domain      Word   `json:"domain" in:"accounts,einvoices"`
	Unit        Unit   `json:"unit"`
	Numerator   *Count `json:"numerator"`
	Denominator *Count `json:"denominator"`
}

func (f *FigureReported) check() error {
	if *f.Numerator > *f.Denominator {
		return errorf(BadValue, "/data/numerator", "above the denominator")
	}
	return nil
}

// ---- persons ----

// Erased: a person's keys are destroyed. Scope contact destroys the key of
// contact data and raw text now; all also that of the accounting identity,
// once its legal retention has ended.
type Erased struct {
	Dated
	Person ID   `json:"person" holds:"opaque"`
	Scope  Word `json:"scope" in:"contact,all"`
}

// ---- facts about the log itself ----

// ShardOpened is record 0 of every partition: it names the ledger that the
// log belongs to and the format of everything behind it.
type ShardOpened struct {
	Timeless
	Ledger ID     `json:"ledger"`
	Format *Count `json:"format" within:"1,9999"`
	Shard  *Count `json:"shard" within:"0,4095"`
	Shards *Count `json:"shards" within:"1,4096"`
}

// RulesActivated: from the next record on, the shard is decided by this
// numbered rule set.
type RulesActivated struct {
	Timeless
	RuleSet *Count `json:"rule_set" within:"1,9999"`
}

// Undecodable is what intake writes for input that is no event: its code, and
// the input itself sealed under the organization's key (or the person's, where
// one could be made out).
type Undecodable struct {
	Timeless
	Reason Word    `json:"code"`
	At     Pointer `json:"at,omitzero"`
	Person ID      `json:"person,omitzero" holds:"opaque"`
	Input  Cipher  `json:"input"`
}

func (f *Undecodable) check() error {
	if (f.Input[0] == byte(Contact)) != (f.Person != "") {
		return errorf(BadValue, "/data/input", "sealed under the person's key where a person is named, else under the organization's")
	}
	return nil
}

// Timeless is embedded in facts about the log itself.
type Timeless struct{}

// Effective implements Fact.
func (Timeless) Effective() Date { return "" }
func (Timeless) check() error    { return nil }

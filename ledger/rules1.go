package ledger

import (
	"fmt"

	"socho/events"
	"socho/internal/money"
)

// The rules of set 1. Each fact has one rule; the table of debits and credits
// stands in docs/architecture.md. Money that a fact moves is taken from the
// places where it should lie, in order (a slot each), and what belongs to
// nothing known is kept in suspense, so that an observation always posts.

// Rows of rule state, by key prefix. They hold what accounts do not say.
type (
	billRow struct {
		Holder    string           `json:"holder"` // stall:<id> or pupil:<person>
		Currency  money.Currency   `json:"currency"`
		Reference events.Reference `json:"reference,omitzero"`
		Void      bool             `json:"void,omitzero"` // reversed: the id may be entered again
	}
	lineRow struct {
		Variants []variant `json:"variants"` // that stand, at most maxVariants
	}
	// variant is one entry of a bank's statement. An id should have one; where
	// publishers gave it twice, each moved the bank.
	variant struct {
		Offset    int64          `json:"offset"`
		Account   events.ID      `json:"account"`
		Direction events.Word    `json:"direction"`
		Amount    events.Decimal `json:"amount"`
		Currency  money.Currency `json:"currency"`
		Kind      events.Word    `json:"kind"`
	}
	entitlementRow struct {
		Set []entitlement `json:"set"` // not taken back, at most maxSet; the last one counts
	}
	entitlement struct {
		Offset   int64          `json:"offset"`
		Amount   events.Decimal `json:"amount"`
		Currency money.Currency `json:"currency"`
	}
	stopRow struct {
		Set []stop `json:"set"` // likewise; what was said last of a month counts
	}
	stop struct {
		Offset  int64         `json:"offset"`
		From    events.Period `json:"from"`
		Resumed bool          `json:"resumed,omitzero"` // rule set 2: from here on paid again
	}
	// setRow says which row a recorded fact has set, by the fact's offset.
	setRow struct {
		Person    events.ID     `json:"person"`
		Programme events.Word   `json:"programme"`
		Period    events.Period `json:"period,omitzero"` // of an entitlement
	}
	payoutRow struct {
		Person    events.ID      `json:"person"`
		Programme events.Word    `json:"programme"`
		Period    events.Period  `json:"period"`
		Amount    events.Decimal `json:"amount"` // ordered
		Currency  money.Currency `json:"currency"`
		Method    events.Word    `json:"method,omitzero"` // from rule set 2 on
		Void      bool           `json:"void,omitzero"`
	}
	referenceRow struct {
		Bill   events.ID `json:"bill"`
		Holder string    `json:"holder"`
	}
	// mark is of an event that was reversed, and of an account that was opened.
	mark struct {
		Offset int64 `json:"offset"`
		Void   bool  `json:"void,omitzero"`
	}
)

// Bounds on rows that grow.
const (
	maxVariants = 16
	maxSet      = 16
)

func billKey(id events.ID) string               { return "bill:" + string(id) }
func lineKey(id events.ID) string               { return "line:" + string(id) }
func payoutKey(id events.PayoutID) string       { return "payout:" + string(id) }
func referenceKey(code events.Reference) string { return "reference:" + string(code) }
func openedKey(path string) string              { return "opened:" + path }
func setKey(offset int64) string                { return fmt.Sprint("set:", offset) }
func stopKey(person events.ID, programme events.Word) string {
	return "stopped:" + string(person) + ":" + string(programme)
}
func entitlementKey(person events.ID, programme events.Word, period events.Period) string {
	return "entitled:" + string(person) + ":" + string(programme) + ":" + string(period)
}
func reversedKey(source events.URI, id events.EventID) string {
	return "reversed:" + string(source) + " " + string(id)
}

// balance returns an account's sums; zero where it was never used.
func (d *decision) balance(path string) (debits, credits money.Total) {
	if a := d.account(AccountName{d.event.Subject, path}); a != nil {
		return a.Debits, a.Credits
	}
	return
}

// looksAt names accounts that a decision posts to unless it is refused, so that
// reading ahead, which decides against empty accounts, finds them too.
func (d *decision) looksAt(paths ...string) {
	for _, path := range paths {
		d.account(AccountName{d.event.Subject, path})
	}
}

// owed is what an asset still holds; held is what a liability still owes.
func (d *decision) owed(path string) int64 { dr, cr := d.balance(path); return dr.Left(cr) }
func (d *decision) held(path string) int64 { dr, cr := d.balance(path); return cr.Left(dr) }

// slot is a place that money can be moved from or to, up to a limit.
type slot struct {
	path  string
	limit int64
}

func all(path string) slot { return slot{path, money.MaxMinor} }

// move posts an amount from the credit slots to the debit slots, pairing them
// in order. The slots of each side hold the amount together, and no account
// stands on both sides.
func (d *decision) move(code string, amount money.Amount, debits, credits []slot) {
	i, j := 0, 0
	for !amount.IsZero() {
		for debits[i].limit <= 0 {
			i++
		}
		for credits[j].limit <= 0 {
			j++
		}
		part, rest := amount.Split(min(debits[i].limit, credits[j].limit))
		debits[i].limit -= part.Minor()
		credits[j].limit -= part.Minor()
		amount = rest
		d.transfer(code, part, debits[i].path, credits[j].path)
	}
}

// suspenseIn keeps money that came in and belongs to nothing known or proved.
func suspenseIn(c money.Currency) slot { return all(inCurrency("suspense:in", c)) }

// suspenseOut keeps money that left for a payout that nobody has ordered.
func suspenseOut(payout events.PayoutID, c money.Currency) string {
	return inCurrency("suspense:out:"+string(payout), c)
}

// transfer posts an amount, if it is any.
func (d *decision) transfer(code string, amount money.Amount, debit, credit string) {
	if amount.IsZero() {
		return
	}
	d.transfers = append(d.transfers, Transfer{
		Organization: d.event.Subject, Debit: debit, Credit: credit, Amount: amount,
		Code: code, EffectiveOn: d.outcome.EffectiveOn,
	})
	d.outcome.Status = Posted
}

// unusual names what made a posting noteworthy. The first word is the code, any
// other stands in the detail: rules say first what a person has to look at
// first, that is what the fact is about and what has to be recovered, then its
// bank line, then its amount.
func (d *decision) unusual(code string) {
	switch o := &d.outcome; {
	case code == "":
	case o.Code == "":
		o.Code = code
	case o.Detail == "":
		o.Detail = "also " + code
	default:
		o.Detail += " " + code
	}
}

func decide1(d *decision) {
	if decideShardFact(d) {
		return
	}
	switch f := d.event.Fact.(type) {
	case *events.OpeningBalance:
		d.openingBalance(f)
	case *events.FeeAssessed:
		d.bill(f.Bill, "stall:"+string(f.Stall), "income:", f.Reference, f.Currency, f.Items)
	case *events.BillIssued:
		d.bill(f.Bill, "pupil:"+string(f.Person), "held:", f.Reference, f.Currency, f.Items)
	case *events.PaymentReceived:
		d.payment(&f.Payment)
	case *events.BillPaid:
		d.payment(&f.Payment)
	case *events.FeeWaived:
		d.reduction(&f.Reduction, "waiver")
	case *events.BillExempted:
		d.reduction(&f.Reduction, "exemption")
	case *events.CashBanked:
		d.cashBanked(f)
	case *events.Refunded:
		d.refunded(f)
	case *events.PersonEntitled:
		d.entitled(f)
	case *events.PersonStopped:
		d.stopped(f)
	case *events.Funded:
		d.funded(f)
	case *events.PayoutOrdered:
		d.payoutOrdered(f)
	case *events.PayoutSent:
		d.payoutSent(f)
	case *events.PayoutSettled:
		d.payoutSettled(f)
	case *events.PayoutReturned:
		d.payoutReturned(f)
	case *events.CashDrawn:
		d.cashDrawn(f)
	case *events.PaidInCash:
		d.paidInCash(f)
	case *events.LineReceived:
		d.lineReceived(f)
	case *events.LineAllocated:
		d.lineAllocated(f)
	case *events.Reversed:
		d.reversed(f)
	case *events.OrganizationRegistered, *events.StallLet, *events.InstitutionReported, *events.FigureReported, *events.Erased:
		d.note("") // projections read it; no money follows
	default:
		d.fail(fmt.Errorf("rule set 1 has no rule for %s", d.event.Type))
	}
}

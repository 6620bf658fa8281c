package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/events"
	"socho/internal/money"
)

// The rules of set 1. Each fact has one rule; the table of debits and credits
// stands in docs/architecture.md. Money that a fact moves is taken from the
// places where it should lie, in order (a slot each), and what is not there is
// taken from suspense, so that an observation always posts.

// Rows of rule state, by key prefix. They hold what accounts do not say.
type (
	billRow struct {
		Holder    string           `json:"holder"` // stall:<id> or pupil:<person>
		Currency  money.Currency   `json:"currency"`
		Reference events.Reference `json:"reference,omitzero"`
		Void      bool             `json:"void,omitzero"` // reversed: the id may be entered again
	}
	lineRow struct {
		Account   events.ID      `json:"account"`
		Direction events.Word    `json:"direction"`
		Amount    events.Decimal `json:"amount"`
		Currency  money.Currency `json:"currency"`
		Void      bool           `json:"void,omitzero"`
	}
	entitlementRow struct {
		Amount   events.Decimal `json:"amount"`
		Currency money.Currency `json:"currency"`
	}
	payoutRow struct {
		Person    events.ID      `json:"person"`
		Programme events.Word    `json:"programme"`
		Period    events.Period  `json:"period"`
		Amount    events.Decimal `json:"amount"` // ordered
		Currency  money.Currency `json:"currency"`
		Void      bool           `json:"void,omitzero"`
	}
	referenceRow struct {
		Bill events.ID `json:"bill"`
	}
	stopRow struct {
		From events.Period `json:"from"`
	}
	mark struct {
		Offset int64 `json:"offset"`
	}
)

func billKey(id events.ID) string               { return "bill:" + string(id) }
func lineKey(id events.ID) string               { return "line:" + string(id) }
func payoutKey(id events.PayoutID) string             { return "payout:" + string(id) }
func referenceKey(code events.Reference) string { return "reference:" + string(code) }
func stopKey(person events.ID, programme events.Word) string {
	return "stopped:" + string(person) + ":" + string(programme)
}
func entitlementKey(person events.ID, programme events.Word, period events.Period) string {
	return "entitled:" + string(person) + ":" + string(programme) + ":" + string(period)
}
func reversedKey(source events.URI, id events.EventID) string {
	return "reversed:" + string(source) + " " + string(id)
}

// get reads a row of rule state; false where there is none.
func get[T any](d *decision, key string) (row T, ok bool) {
	b := d.value(StateKey{d.event.Subject, key})
	if b == nil {
		return row, false
	}
	if err := json.Unmarshal(b, &row); err != nil {
		d.fail(fmt.Errorf("rule state %s of %s is damaged: %w", key, d.event.Subject, err))
	}
	return row, true
}

// put writes a row of rule state.
func (d *decision) put(key string, row any) {
	b, err := json.Marshal(row)
	if err != nil {
		d.fail(err)
		return
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		d.fail(err)
		return
	}
	d.changes = append(d.changes, Change{StateKey: StateKey{d.event.Subject, key}, Value: v})
}

// balance returns an account's sums; zero where it was never used.
func (d *decision) balance(path string) (debits, credits money.Total) {
	if a := d.account(AccountName{d.event.Subject, path}); a != nil {
		return a.Debits, a.Credits
	}
	return
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
// in order. The last slot on each side should be without limit. It reports
// whether suspense was needed.
func (d *decision) move(code string, amount money.Amount, debits, credits []slot) (suspended bool) {
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
		if debits[i].path == credits[j].path { // suspense on both sides: nothing to say
			continue
		}
		d.transfer(code, part, debits[i].path, credits[j].path)
		suspended = suspended || debits[i].path == suspenseIn(part) || credits[j].path == suspenseIn(part)
	}
	d.outcome.Status = Posted
	return suspended
}

func suspenseIn(a money.Amount) string { return inCurrency(suspenseHolder, a.Currency()) }

func (d *decision) transfer(code string, amount money.Amount, debit, credit string) {
	d.transfers = append(d.transfers, Transfer{
		Organization: d.event.Subject, Debit: debit, Credit: credit, Amount: amount,
		Code: code, EffectiveOn: d.outcome.EffectiveOn,
	})
	d.outcome.Status = Posted
}

// unusual names what made a posting noteworthy; the last word stands.
func (d *decision) unusual(code string) {
	if code != "" {
		d.outcome.Code = code
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
		a := f.Money()
		d.transfer("cash_drawn", a, inCurrency("cash:paypoint:"+string(f.PayPoint), a.Currency()), inCurrency("unallocated:out:"+string(f.Line), a.Currency()))
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

// openable lists the accounts that an office can bring along, by how their
// paths begin. What facts of this log alone explain (payouts, clearing, bank
// lines, income, expenses) starts empty.
var openable = []string{"bank:", "cash:", "stall:", "pupil:", "held:", "suspense", "grants:received"}

func (d *decision) openingBalance(f *events.OpeningBalance) {
	a := f.Money()
	path, equity := inCurrency(string(f.Path), a.Currency()), inCurrency("equity:opening", a.Currency())
	// The path is that of the chart; the currency is said beside it.
	_, _, known := chartOf(split(string(f.Path)))
	if !known || !slices.ContainsFunc(openable, func(prefix string) bool { return strings.HasPrefix(string(f.Path), prefix) }) {
		d.refuse("account_unknown", "no account of that name can be opened")
		return
	}
	if holder, bill, ok := isReceivable(string(f.Path)); ok {
		// An opening receivable is a bill from before, and can be paid like one.
		if _, taken := d.knownBill(events.ID(bill)); taken {
			d.refuse("bill_exists", "bill %s", bill)
			return
		}
		d.put(billKey(events.ID(bill)), billRow{Holder: holder, Currency: a.Currency()})
	}
	if f.Side == "debit" {
		d.transfer("opening_balance", a, path, equity)
	} else {
		d.transfer("opening_balance", a, equity, path)
	}
}

// knownBill finds a bill that was not reversed.
func (d *decision) knownBill(id events.ID) (billRow, bool) {
	row, ok := get[billRow](d, billKey(id))
	return row, ok && !row.Void
}

// knownLine finds a bank line that was not reversed.
func (d *decision) knownLine(id events.ID) (lineRow, bool) {
	row, ok := get[lineRow](d, lineKey(id))
	return row, ok && !row.Void
}

// incoming returns the account of an incoming line's money, and how much of it
// is not placed yet. A line that is not known, or not of this currency, holds
// nothing; code says so, or that less is left than asked.
func (d *decision) incoming(line events.ID, a money.Amount) (path string, left int64, code string) {
	path = inCurrency("unallocated:in:"+string(line), a.Currency())
	row, ok := d.knownLine(line)
	if !ok || row.Direction != "in" || row.Currency != a.Currency() {
		return path, 0, "line_unknown"
	}
	if left = d.held(path); a.Minor() > left {
		code = "more_than_line"
	}
	return path, left, code
}

func receivable(holder string, bill events.ID, c money.Currency) string {
	return inCurrency(holder+":receivable:"+string(bill), c)
}

func (d *decision) bill(bill events.ID, holder, revenue string, reference events.Reference, c money.Currency, items []events.Item) {
	if _, taken := d.knownBill(bill); taken {
		d.refuse("bill_exists", "bill %s", bill)
		return
	}
	if reference != "" {
		// Late money must never meet a newer bill: a code is used once, for ever,
		// but by the same bill entered again after its reversal.
		if used, taken := get[referenceRow](d, referenceKey(reference)); taken && used.Bill != bill {
			d.refuse("reference_used", "reference %s", reference)
			return
		}
		d.put(referenceKey(reference), referenceRow{bill})
	}
	d.put(billKey(bill), billRow{Holder: holder, Currency: c, Reference: reference})
	for _, item := range items {
		d.transfer("assessed", events.Money(item.Amount, c), receivable(holder, bill, c), inCurrency(revenue+string(item.Item), c))
	}
}

func (d *decision) payment(f *events.Payment) {
	a := f.Money()
	c := a.Currency()
	from := inCurrency("clearing:"+string(f.Method), c)
	switch {
	case f.Method == "cash":
		from = inCurrency("cash:collector:"+string(f.Collector), c)
	case f.Line != "":
		var code string
		from, _, code = d.incoming(f.Line, a)
		d.unusual(code)
	}
	source := []slot{all(from)}
	bill, ok := d.knownBill(f.Bill)
	if !ok || bill.Currency != c {
		d.move("payment_"+string(f.Method), a, source, []slot{all(suspenseIn(a))})
		d.unusual("bill_unknown")
		return
	}
	owed := receivable(bill.Holder, f.Bill, c)
	due := d.owed(owed)
	d.move("payment_"+string(f.Method), a, source, []slot{{owed, due}, all(inCurrency(bill.Holder+":credit", c))})
	if a.Minor() > due {
		d.unusual("overpaid")
	}
}

func (d *decision) reduction(f *events.Reduction, code string) {
	a := f.Money()
	bill, ok := d.knownBill(f.Bill)
	if !ok || bill.Currency != a.Currency() {
		d.refuse("bill_unknown", "bill %s", f.Bill)
		return
	}
	owed := receivable(bill.Holder, f.Bill, a.Currency())
	if due := d.owed(owed); a.Minor() > due {
		d.refuse("more_than_owed", "asked %s, owed %d", a, due)
		return
	}
	d.transfer(code, a, inCurrency("waivers:"+string(f.Reason), a.Currency()), owed)
}

func (d *decision) cashBanked(f *events.CashBanked) {
	a := f.Money()
	holder := "cash:collector:" + string(f.Collector)
	if f.PayPoint != "" {
		holder = "cash:paypoint:" + string(f.PayPoint)
	}
	cash := inCurrency(holder, a.Currency())
	to, _, code := d.incoming(f.Line, a)
	d.unusual(code)
	if d.move("cash_banked", a, []slot{all(to)}, []slot{{cash, d.owed(cash)}, all(suspenseIn(a))}) {
		d.unusual("more_than_held")
	}
}

func (d *decision) refunded(f *events.Refunded) {
	a := f.Money()
	holder := "stall:" + string(f.Stall)
	if f.Person != "" {
		holder = "pupil:" + string(f.Person)
	}
	credit := inCurrency(holder+":credit", a.Currency())
	if left := d.held(credit); a.Minor() > left {
		d.refuse("more_than_credit", "asked %s, credit %d", a, left)
		return
	}
	d.transfer("refund", a, credit, inCurrency("unallocated:out:"+string(f.Line), a.Currency()))
}

// lineReceived moves the bank account. Every line goes through an account of
// its own, charges and interest too, so that a reversal knows its line.
func (d *decision) lineReceived(f *events.LineReceived) {
	row := lineRow{Account: f.Account, Direction: f.Direction, Amount: f.Amount, Currency: f.Currency}
	if before, seen := d.knownLine(f.Line); seen {
		if before == row {
			d.note("line_known") // a second sighting is its own recorded fact
			return
		}
		// Another line under a taken id still moved the bank.
		d.unusual("line_differs")
	} else {
		d.put(lineKey(f.Line), row)
	}
	a := f.Money()
	bank := inCurrency("bank:"+string(f.Account), a.Currency())
	own := inCurrency("unallocated:"+string(f.Direction)+":"+string(f.Line), a.Currency())
	charges := inCurrency("charges:bank", a.Currency())
	if f.Kind == "interest" {
		charges = inCurrency("interest:bank", a.Currency())
	}
	if f.Direction == "in" {
		d.transfer("bank_line_in", a, bank, own)
		if f.Kind != "payment" {
			d.transfer("bank_"+string(f.Kind), a, own, charges)
		}
		return
	}
	d.transfer("bank_line_out", a, own, bank)
	if f.Kind != "payment" {
		d.transfer("bank_"+string(f.Kind), a, charges, own)
	}
}

func (d *decision) lineAllocated(f *events.LineAllocated) {
	a := f.Money()
	from, left, code := d.incoming(f.Line, a)
	switch code {
	case "line_unknown":
		d.refuse(code, "line %s", f.Line)
		return
	case "more_than_line":
		d.refuse(code, "asked %s, unallocated %d", a, left)
		return
	}
	if f.Clearing != "" {
		clearing := inCurrency("clearing:"+string(f.Clearing), a.Currency())
		if open := d.owed(clearing); a.Minor() > open {
			d.refuse("more_than_clearing", "asked %s, open %d", a, open)
			return
		}
		d.transfer("allocation", a, from, clearing)
		return
	}
	bill, ok := d.knownBill(f.Bill)
	if !ok || bill.Currency != a.Currency() {
		d.refuse("bill_unknown", "bill %s", f.Bill)
		return
	}
	owed := receivable(bill.Holder, f.Bill, a.Currency())
	due := d.owed(owed)
	d.move("allocation", a, []slot{all(from)}, []slot{{owed, due}, all(inCurrency(bill.Holder+":credit", a.Currency()))})
	if a.Minor() > due {
		d.unusual("overpaid")
	}
}

// reversed takes an event's transfers back, line by line, the last first.
func (d *decision) reversed(f *events.Reversed) {
	target := Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)}
	held, ok := d.claimed(target)
	if !ok || target == claimOf(d.event) {
		d.refuse("event_unknown", "no such event of this organization")
		return
	}
	if held.Status != Posted {
		d.refuse("nothing_to_reverse", "the event was %s", held.Status)
		return
	}
	if events.Name(held.Type) == "ledger.reversed" {
		d.refuse("reversal_of_reversal", "enter the fact again instead")
		return
	}
	key := reversedKey(f.ReversesSource, f.Reverses)
	if before, done := get[mark](d, key); done {
		d.refuse("already_reversed", "by %d:%d", d.record.Shard, before.Offset)
		return
	}
	original := d.transfersAt(held.Offset)
	for i := len(original) - 1; i >= 0; i-- {
		t := original[i]
		d.transfer("reversal", t.Amount, t.Credit, t.Debit)
	}
	if !d.free(original) {
		return
	}
	d.put(key, mark{d.record.Offset})
}

// free lets the ids that a reversed event took be entered again: its bill, its
// payout, its bank line. A line whose money has been placed is in use, and is
// not taken back before what stands on it.
func (d *decision) free(original []Transfer) bool {
	for _, t := range original {
		debit, credit := split(t.Debit), split(t.Credit)
		switch t.Code {
		case "assessed", "opening_balance":
			if _, bill, ok := isReceivable(t.Debit); ok {
				voided(d, billKey(events.ID(bill)), func(row *billRow) { row.Void = true })
			}
		case "payout_ordered":
			voided(d, payoutKey(events.PayoutID(credit[3])), func(row *payoutRow) { row.Void = true })
		case "bank_line_in", "bank_line_out":
			line, left := credit, int64(0)
			if t.Code == "bank_line_out" {
				line, left = debit, d.owed(t.Debit)
			} else {
				left = d.held(t.Credit)
			}
			// A charge or interest stands on its line by itself and goes with it.
			if len(original) == 1 && left < t.Amount.Minor() {
				d.refuse("line_in_use", "placed %d of %s", t.Amount.Minor()-left, t.Amount)
				return false
			}
			voided(d, lineKey(events.ID(line[2])), func(row *lineRow) { row.Void = true })
		}
	}
	return true
}

func voided[T any](d *decision, key string, mark func(*T)) {
	if row, ok := get[T](d, key); ok {
		mark(&row)
		d.put(key, row)
	}
}

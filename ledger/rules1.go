package ledger

import (
	"fmt"

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
		Holder   string         `json:"holder"` // stall:<id> or pupil:<person>
		Currency money.Currency `json:"currency"`
	}
	lineRow struct {
		Account   events.ID      `json:"account"`
		Direction events.Word    `json:"direction"`
		Amount    events.Decimal `json:"amount"`
		Currency  money.Currency `json:"currency"`
	}
	entitlementRow struct {
		Amount   events.Decimal `json:"amount"`
		Currency money.Currency `json:"currency"`
	}
	payoutRow struct {
		Person    events.ID      `json:"person"`
		Programme events.Word    `json:"programme"`
		Period    events.Period  `json:"period"`
		Currency  money.Currency `json:"currency"`
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
func payoutKey(id events.ID) string             { return "payout:" + string(id) }
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

// unusual names what made a posting noteworthy.
func (d *decision) unusual(code string) { d.outcome.Code = code }

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
		d.put(entitlementKey(f.Person, f.Programme, f.Period), entitlementRow{f.Amount, f.Currency})
		d.note("")
	case *events.PersonStopped:
		d.put(stopKey(f.Person, f.Programme), stopRow{f.FromPeriod})
		d.note("")
	case *events.Funded:
		a := f.Money()
		d.transfer("grant", a, inCurrency("unallocated:in:"+string(f.Line), a.Currency()), inCurrency("grants:received", a.Currency()))
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
	default:
		// Registered organizations, stalls let, registry figures, erasures: facts
		// that projections read and no money follows.
		d.note("")
	}
}

func (d *decision) openingBalance(f *events.OpeningBalance) {
	a := f.Money()
	path := inCurrency(string(f.Path), a.Currency())
	equity := inCurrency("equity:opening", a.Currency())
	if _, _, ok := Chart(string(f.Path)); !ok || path == equity || f.Path == events.Path(equity) {
		d.refuse("account_unknown", "no account of that name can be opened")
		return
	}
	if held := d.account(AccountName{d.event.Subject, path}); held != nil && held.Currency != a.Currency() {
		d.refuse("account_unknown", "the account is kept in %s", held.Currency)
		return
	}
	if holder, bill, ok := isReceivable(string(f.Path)); ok {
		// An opening receivable is a bill from before, and can be paid like one.
		if _, taken := get[billRow](d, billKey(events.ID(bill))); taken {
			d.refuse("bill_exists", "bill %s", bill)
			return
		}
		d.put(billKey(events.ID(bill)), billRow{holder, a.Currency()})
	}
	if f.Side == "debit" {
		d.transfer("opening_balance", a, path, equity)
	} else {
		d.transfer("opening_balance", a, equity, path)
	}
}

func receivable(holder string, bill events.ID, c money.Currency) string {
	return inCurrency(holder+":receivable:"+string(bill), c)
}

func (d *decision) bill(bill events.ID, holder, revenue string, reference events.Reference, c money.Currency, items []events.Item) {
	if _, taken := get[billRow](d, billKey(bill)); taken {
		d.refuse("bill_exists", "bill %s", bill)
		return
	}
	if reference != "" {
		// Late money must never meet a newer bill: a code is used once, for ever.
		if _, taken := get[mark](d, referenceKey(reference)); taken {
			d.refuse("reference_used", "reference %s", reference)
			return
		}
		d.put(referenceKey(reference), mark{d.record.Offset})
	}
	d.put(billKey(bill), billRow{holder, c})
	for _, item := range items {
		d.transfer("assessed", events.Money(item.Amount, c), receivable(holder, bill, c), inCurrency(revenue+string(item.Item), c))
	}
}

func (d *decision) payment(f *events.Payment) {
	a := f.Money()
	c := a.Currency()
	from := "clearing:" + string(f.Method)
	switch {
	case f.Method == "cash":
		from = "cash:collector:" + string(f.Collector)
	case f.Line != "":
		from = "unallocated:in:" + string(f.Line)
	}
	source := []slot{all(inCurrency(from, c))}
	bill, ok := get[billRow](d, billKey(f.Bill))
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
	bill, ok := get[billRow](d, billKey(f.Bill))
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
	cash := inCurrency("cash:collector:"+string(f.Collector), a.Currency())
	if d.move("cash_banked", a, []slot{all(inCurrency("unallocated:in:"+string(f.Line), a.Currency()))},
		[]slot{{cash, d.owed(cash)}, all(suspenseIn(a))}) {
		d.unusual("more_than_held")
	}
}

func (d *decision) refunded(f *events.Refunded) {
	a := f.Money()
	credit := inCurrency(string(f.Holder)+":credit", a.Currency())
	if _, limit, ok := Chart(credit); !ok || limit != DebitsAtMost {
		d.refuse("account_unknown", "no such holder of credit")
		return
	}
	if left := d.held(credit); a.Minor() > left {
		d.refuse("more_than_credit", "asked %s, credit %d", a, left)
		return
	}
	d.transfer("refund", a, credit, inCurrency("unallocated:out:"+string(f.Line), a.Currency()))
}

func (d *decision) lineReceived(f *events.LineReceived) {
	if _, seen := get[lineRow](d, lineKey(f.Line)); seen {
		d.note("line_known") // a second sighting is its own recorded fact
		return
	}
	d.put(lineKey(f.Line), lineRow{f.Account, f.Direction, f.Amount, f.Currency})
	a := f.Money()
	other := "unallocated:" + string(f.Direction) + ":" + string(f.Line)
	switch f.Kind {
	case "charge":
		other = "charges:bank"
	case "interest":
		other = "interest:bank"
	}
	bank, against := inCurrency("bank:"+string(f.Account), a.Currency()), inCurrency(other, a.Currency())
	if f.Direction == "in" {
		d.transfer("bank_line_in", a, bank, against)
	} else {
		d.transfer("bank_line_out", a, against, bank)
	}
}

func (d *decision) lineAllocated(f *events.LineAllocated) {
	a := f.Money()
	line, ok := get[lineRow](d, lineKey(f.Line))
	if !ok || line.Direction != "in" || line.Currency != a.Currency() {
		d.refuse("line_unknown", "line %s", f.Line)
		return
	}
	from := inCurrency("unallocated:in:"+string(f.Line), a.Currency())
	if left := d.held(from); a.Minor() > left {
		d.refuse("more_than_line", "asked %s, unallocated %d", a, left)
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
	bill, ok := get[billRow](d, billKey(f.Bill))
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
	d.put(key, mark{d.record.Offset})
	original := d.transfersAt(held.Offset)
	for i := len(original) - 1; i >= 0; i-- {
		t := original[i]
		d.transfer("reversal", t.Amount, t.Credit, t.Debit)
	}
}

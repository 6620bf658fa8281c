package ledger

import (
	"slices"
	"strings"

	"socho/events"
	"socho/internal/money"
)

// The rules of set 1 for openings, bills, and the money that payers bring.

// openable lists the accounts that an office can bring along, by how their
// paths begin. What facts of this log alone explain (payouts, clearing, bank
// lines, income, expenses) starts empty.
var openable = []string{"bank:", "cash:", "stall:", "pupil:", "held:", "suspense:in", "grants:received"}

const equity = "equity:opening"

// openingBalance opens an account once; after a reversal, once more.
func (d *decision) openingBalance(f *events.OpeningBalance) {
	a := f.Money()
	path := inCurrency(string(f.Path), a.Currency())
	// The path is that of the chart; the currency is said beside it.
	_, _, known := chartOf(split(string(f.Path)))
	if !known || !slices.ContainsFunc(openable, func(prefix string) bool { return strings.HasPrefix(string(f.Path), prefix) }) {
		d.refuse("account_unknown", "no account of that name can be opened")
		return
	}
	if holder, bill, ok := isReceivable(string(f.Path)); ok {
		// An opening receivable is a bill from before, and can be paid like one.
		if d.billTaken(events.ID(bill), holder) {
			d.refuse("bill_exists", "bill %s", bill)
			return
		}
		d.put(billKey(events.ID(bill)), billRow{Holder: holder, Currency: a.Currency()})
	}
	if before, opened := get[mark](d, openedKey(path)); opened && !before.Void {
		d.refuse("already_opened", "account %s", path)
		return
	}
	d.put(openedKey(path), mark{Offset: d.record.Offset})
	if f.Side == "debit" {
		d.transfer("opening_balance", a, path, inCurrency(equity, a.Currency()))
	} else {
		d.transfer("opening_balance", a, inCurrency(equity, a.Currency()), path)
	}
}

// knownBill finds a bill that was not reversed.
func (d *decision) knownBill(id events.ID) (billRow, bool) {
	row, ok := get[billRow](d, billKey(id))
	return row, ok && !row.Void
}

// billTaken reports whether a bill's id cannot be used: by a bill that stands, or
// by one that was reversed and is another holder's, for which money may still
// come.
func (d *decision) billTaken(id events.ID, holder string) bool {
	row, ok := get[billRow](d, billKey(id))
	return ok && (!row.Void || row.Holder != holder)
}

func receivable(holder string, bill events.ID, c money.Currency) string {
	return inCurrency(holder+":receivable:"+string(bill), c)
}

func (d *decision) bill(bill events.ID, holder, revenue string, reference events.Reference, c money.Currency, items []events.Item) {
	if d.billTaken(bill, holder) {
		d.refuse("bill_exists", "bill %s", bill)
		return
	}
	if reference != "" {
		// Late money must never meet a newer bill: a code is used once, for ever,
		// but by the same bill of the same holder, entered again after its reversal.
		use := referenceRow{bill, holder}
		if used, taken := get[referenceRow](d, referenceKey(reference)); taken && used != use {
			d.refuse("reference_used", "reference %s", reference)
			return
		}
		d.put(referenceKey(reference), use)
	}
	d.put(billKey(bill), billRow{Holder: holder, Currency: c, Reference: reference})
	for _, item := range items {
		d.transfer("assessed", events.Money(item.Amount, c), receivable(holder, bill, c), inCurrency(revenue+string(item.Item), c))
	}
}

// payment settles a bill as far as it is owed. What is above becomes the
// payer's credit, which can be refunded, only where the money is there to see:
// in cash, or on a bank line that still holds it. The rest waits in suspense.
func (d *decision) payment(f *events.Payment) {
	a := f.Money()
	c := a.Currency()
	code := "payment_" + string(f.Method)
	from, proved, line := inCurrency("clearing:"+string(f.Method), c), int64(0), ""
	switch {
	case f.Method == "cash":
		from, proved = inCurrency("cash:collector:"+string(f.Collector), c), a.Minor()
	case f.Line != "":
		from, proved, line = d.incoming(f.Line, a)
	}
	bill, ok := d.knownBill(f.Bill)
	if !ok || bill.Currency != c {
		d.unusual("bill_unknown")
		d.unusual(line)
		d.transfer(code, a, from, suspenseIn(c).path)
		return
	}
	d.unusual(line)
	owed := receivable(bill.Holder, f.Bill, c)
	due := d.owed(owed)
	switch {
	case a.Minor() <= due:
	case a.Minor() <= proved:
		d.unusual("overpaid")
	default:
		d.unusual("overpaid_unproved")
	}
	d.move(code, a, []slot{all(from)}, []slot{{owed, due}, {inCurrency(bill.Holder+":credit", c), proved - due}, suspenseIn(c)})
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

// cashBanked takes cash from who held it. Cash accounts have no limit: whoever
// is without signal says later what was collected or drawn, and whichever is
// heard of first, the account holds the difference. Below zero it says that
// more was banked than is known of.
func (d *decision) cashBanked(f *events.CashBanked) {
	a := f.Money()
	holder := "cash:collector:" + string(f.Collector)
	if f.PayPoint != "" {
		holder = "cash:paypoint:" + string(f.PayPoint)
	}
	cash := inCurrency(holder, a.Currency())
	to, _, code := d.incoming(f.Line, a)
	d.unusual(code)
	if a.Minor() > d.owed(cash) {
		d.unusual("more_than_held")
	}
	d.transfer("cash_banked", a, to, cash)
}

func (d *decision) refunded(f *events.Refunded) {
	a := f.Money()
	holder := "stall:" + string(f.Stall)
	if f.Person != "" {
		holder = "pupil:" + string(f.Person)
	}
	credit := inCurrency(holder+":credit", a.Currency())
	to, code := d.outgoing(f.Line, a)
	d.looksAt(to)
	if left := d.held(credit); a.Minor() > left {
		d.refuse("more_than_credit", "asked %s, credit %d", a, left)
		return
	}
	d.unusual(code)
	d.transfer("refund", a, credit, to)
}

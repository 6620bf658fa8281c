package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 1 for social benefits. A payout has three accounts of its
// own: payable (owed to the person), clearing (on its way through the bank) and
// returned (came back, owed again).

func payoutAccount(person events.ID, stage string, payout events.PayoutID, c money.Currency) string {
	return inCurrency("person:"+string(person)+":"+stage+":"+string(payout), c)
}

func grantedAccount(person events.ID, programme events.Word, period events.Period, c money.Currency) string {
	return inCurrency("person:"+string(person)+":granted:"+string(programme)+":"+string(period), c)
}

// entitled sets what a person may receive for a month. Once something has been
// granted, the currency stands: amounts of two currencies cannot be compared.
func (d *decision) entitled(f *events.PersonEntitled) {
	key := entitlementKey(f.Person, f.Programme, f.Period)
	if before, ok := get[entitlementRow](d, key); ok && before.Currency != f.Currency &&
		d.owed(grantedAccount(f.Person, f.Programme, f.Period, before.Currency)) > 0 {
		d.refuse("other_currency", "granted in %s", before.Currency)
		return
	}
	d.put(key, entitlementRow{f.Amount, f.Currency})
	d.note("")
}

// stopped ends payments from a month on. A later stop of the same person never
// opens months that an earlier one closed.
func (d *decision) stopped(f *events.PersonStopped) {
	from := f.FromPeriod
	if before, ok := get[stopRow](d, stopKey(f.Person, f.Programme)); ok {
		from = min(from, before.From)
	}
	d.put(stopKey(f.Person, f.Programme), stopRow{from})
	d.note("")
}

// funded makes a grant available as far as its bank line holds it; the rest
// waits in suspense, and can be entered again once the line is there.
func (d *decision) funded(f *events.Funded) {
	a := f.Money()
	from, left, code := d.incoming(f.Line, a)
	d.unusual(code)
	d.move("grant", a, []slot{all(from)}, []slot{{inCurrency("grants:received", a.Currency()), left}, all(suspenseIn(a))})
}

// payoutOrdered is the one gate against paying twice: all orders of a person,
// programme and month together stay within the entitlement.
func (d *decision) payoutOrdered(f *events.PayoutOrdered) {
	a := f.Money()
	c := a.Currency()
	if row, taken := get[payoutRow](d, payoutKey(f.Payout)); taken && !row.Void {
		d.refuse("payout_exists", "payout %s", f.Payout)
		return
	}
	if stop, ok := get[stopRow](d, stopKey(f.Person, f.Programme)); ok && f.Period >= stop.From {
		d.refuse("person_stopped", "stopped from %s", stop.From)
		return
	}
	entitled, ok := get[entitlementRow](d, entitlementKey(f.Person, f.Programme, f.Period))
	if !ok || entitled.Currency != c {
		d.refuse("not_entitled", "programme %s, period %s", f.Programme, f.Period)
		return
	}
	granted := grantedAccount(f.Person, f.Programme, f.Period, c)
	if open := events.Money(entitled.Amount, c).Minor() - d.owed(granted); a.Minor() > open {
		d.refuse("over_entitlement", "asked %s, open %d", a, max(open, 0))
		return
	}
	fund := inCurrency("grants:received", c)
	if left := d.held(fund); a.Minor() > left {
		d.refuse("fund_exhausted", "asked %s, left %d", a, left)
		return
	}
	d.put(payoutKey(f.Payout), payoutRow{Person: f.Person, Programme: f.Programme, Period: f.Period, Amount: f.Amount, Currency: c})
	d.transfer("payout_ordered", a, granted, payoutAccount(f.Person, "payable", f.Payout, c))
	d.transfer("grant_used", a, fund, inCurrency("grants:used", c))
}

// stages returns a payout's accounts as slots, each up to what it holds.
func (d *decision) stages(payout events.PayoutID, c money.Currency, stages ...string) (slots []slot, row payoutRow, known bool) {
	row, ok := get[payoutRow](d, payoutKey(payout))
	if !ok || row.Void || row.Currency != c {
		return nil, payoutRow{}, false
	}
	for _, stage := range stages {
		path := payoutAccount(row.Person, stage, payout, c)
		slots = append(slots, slot{path, d.held(path)})
	}
	return slots, row, true
}

func (d *decision) payoutSent(f *events.PayoutSent) {
	a := f.Money()
	from, row, ok := d.stages(f.Payout, a.Currency(), "payable", "returned")
	if !ok {
		d.refuse("payout_unknown", "payout %s", f.Payout)
		return
	}
	if open := from[0].limit + from[1].limit; a.Minor() > open {
		d.refuse("more_than_payable", "asked %s, payable %d", a, open)
		return
	}
	d.move("payout_sent", a, from, []slot{all(payoutAccount(row.Person, "clearing", f.Payout, a.Currency()))})
}

func (d *decision) payoutSettled(f *events.PayoutSettled) {
	a := f.Money()
	from, _, ok := d.stages(f.Payout, a.Currency(), "clearing", "payable", "returned")
	suspended := d.move("payout_settled", a, append(from, all(suspenseIn(a))),
		[]slot{all(inCurrency("unallocated:out:"+string(f.Line), a.Currency()))})
	d.unusualPayout(ok, suspended)
}

// payoutReturned books money that came back on a line. It is owed to the person
// again as far as it had really left and the line holds it; the rest goes to
// suspense, so that an unproved return can never be paid out a second time.
// Without a line, the bank never carried the order out, and what is on its way
// is owed again; beyond that nothing moved.
func (d *decision) payoutReturned(f *events.PayoutReturned) {
	a := f.Money()
	on, row, ok := d.stages(f.Payout, a.Currency(), "payable", "clearing", "returned")
	if f.Line == "" {
		if !ok || on[1].limit == 0 {
			d.note("nothing_sent")
			return
		}
		part, rest := a.Split(on[1].limit)
		d.transfer("payout_returned", part, on[1].path, on[2].path)
		if !rest.IsZero() {
			d.unusual("more_than_payable")
		}
		return
	}
	from, left, code := d.incoming(f.Line, a)
	to := []slot{all(suspenseIn(a))}
	if ok {
		gone := events.Money(row.Amount, a.Currency()).Minor() - on[0].limit - on[1].limit - on[2].limit
		to = append([]slot{{on[2].path, min(gone, left)}}, to...)
	}
	d.unusual(code)
	if d.move("payout_returned", a, []slot{all(from)}, to); !ok {
		d.unusual("payout_unknown")
	} else if code == "" && len(d.transfers) > 1 {
		d.unusual("more_than_payable")
	}
}

func (d *decision) paidInCash(f *events.PaidInCash) {
	a := f.Money()
	from, _, ok := d.stages(f.Payout, a.Currency(), "payable", "returned", "clearing")
	till := inCurrency("cash:paypoint:"+string(f.PayPoint), a.Currency())
	short := a.Minor() > d.owed(till)
	suspended := d.move("paid_in_cash", a, append(from, all(suspenseIn(a))),
		[]slot{{till, d.owed(till)}, all(suspenseIn(a))})
	if len(d.transfers) == 0 { // nothing owed and nothing in the till: note what was said
		d.note("payout_unknown")
		return
	}
	d.unusualPayout(ok, suspended)
	if ok && short {
		d.unusual("more_than_held")
	}
}

func (d *decision) unusualPayout(known, suspended bool) {
	switch {
	case !known:
		d.unusual("payout_unknown")
	case suspended:
		d.unusual("more_than_payable")
	}
}

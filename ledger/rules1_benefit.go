package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 1 for social benefits. A payout has three accounts of its
// own: payable (owed to the person), clearing (on its way through the bank) and
// returned (came back, owed again).

func payoutAccount(person events.ID, stage string, payout events.ID, c money.Currency) string {
	return inCurrency("person:"+string(person)+":"+stage+":"+string(payout), c)
}

func grantedAccount(person events.ID, programme events.Word, period events.Period, c money.Currency) string {
	return inCurrency("person:"+string(person)+":granted:"+string(programme)+":"+string(period), c)
}

// payoutOrdered is the one gate against paying twice: all orders of a person,
// programme and month together stay within the entitlement.
func (d *decision) payoutOrdered(f *events.PayoutOrdered) {
	a := f.Money()
	c := a.Currency()
	if _, taken := get[payoutRow](d, payoutKey(f.Payout)); taken {
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
	d.put(payoutKey(f.Payout), payoutRow{f.Person, f.Programme, f.Period, c})
	d.transfer("payout_ordered", a, granted, payoutAccount(f.Person, "payable", f.Payout, c))
	d.transfer("grant_used", a, fund, inCurrency("grants:used", c))
}

// stages returns a payout's accounts as slots, each up to what it holds.
func (d *decision) stages(payout events.ID, c money.Currency, stages ...string) (slots []slot, person events.ID, known bool) {
	row, ok := get[payoutRow](d, payoutKey(payout))
	if !ok || row.Currency != c {
		return nil, "", false
	}
	for _, stage := range stages {
		path := payoutAccount(row.Person, stage, payout, c)
		slots = append(slots, slot{path, d.held(path)})
	}
	return slots, row.Person, true
}

func (d *decision) payoutSent(f *events.PayoutSent) {
	a := f.Money()
	from, person, ok := d.stages(f.Payout, a.Currency(), "payable", "returned")
	if !ok {
		d.refuse("payout_unknown", "payout %s", f.Payout)
		return
	}
	if open := from[0].limit + from[1].limit; a.Minor() > open {
		d.refuse("more_than_payable", "asked %s, payable %d", a, open)
		return
	}
	d.move("payout_sent", a, from, []slot{all(payoutAccount(person, "clearing", f.Payout, a.Currency()))})
}

func (d *decision) payoutSettled(f *events.PayoutSettled) {
	a := f.Money()
	from, _, ok := d.stages(f.Payout, a.Currency(), "clearing", "payable", "returned")
	suspended := d.move("payout_settled", a, append(from, all(suspenseIn(a))),
		[]slot{all(inCurrency("unallocated:out:"+string(f.Line), a.Currency()))})
	d.unusualPayout(ok, suspended)
}

// payoutReturned books money that came back on a line, whatever was known of
// it, or, without a line, an order that the bank never carried out.
func (d *decision) payoutReturned(f *events.PayoutReturned) {
	a := f.Money()
	on, person, ok := d.stages(f.Payout, a.Currency(), "clearing")
	to := all(suspenseIn(a))
	if ok {
		to = all(payoutAccount(person, "returned", f.Payout, a.Currency()))
	}
	from := append(on, all(suspenseIn(a)))
	if f.Line != "" {
		from = []slot{all(inCurrency("unallocated:in:"+string(f.Line), a.Currency()))}
	}
	if !ok && f.Line == "" {
		d.note("payout_unknown") // no money moved, and nothing known to move it from
		return
	}
	d.unusualPayout(ok, d.move("payout_returned", a, from, []slot{to}))
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

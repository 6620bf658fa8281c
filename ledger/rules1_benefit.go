package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 1 for social benefits.
//
// A payout has three accounts of its own: payable (owed to the person), clearing
// (on its way through the bank) and returned (came back, owed again). What left
// beyond them is recoverable from the person, for the programme and month that
// it was paid for. At any moment, over the payouts of a person's month,
//
//	granted + recoverable = payable + clearing + returned + what has left for good
//
// so that holding what may be ordered and sent to less than the entitlement, and
// to less what is recoverable, keeps what leaves by decisions within the
// entitlement, whatever the bank and the pay points report.

func payoutAccount(person events.ID, stage string, payout events.PayoutID, c money.Currency) string {
	return inCurrency("person:"+string(person)+":"+stage+":"+string(payout), c)
}

// monthAccount is granted or recoverable.
func monthAccount(person events.ID, kind string, programme events.Word, period events.Period, c money.Currency) string {
	return inCurrency("person:"+string(person)+":"+kind+":"+string(programme)+":"+string(period), c)
}

// last is the entitlement that counts.
func (r entitlementRow) last() (e entitlement, ok bool) {
	if n := len(r.Set); n > 0 {
		return r.Set[n-1], true
	}
	return e, false
}

// in is the amount in a currency, in minor units.
func (e entitlement) in(c money.Currency) int64 {
	if e.Currency != c {
		return 0
	}
	return events.Money(e.Amount, c).Minor()
}

// from is the earliest month that is stopped.
func (r stopRow) from() (from events.Period) {
	for _, s := range r.Set {
		if !s.Resumed && (from == "" || s.From < from) {
			from = s.From
		}
	}
	return from
}

// committed is what of a month's entitlement is granted, or has left beyond it.
func (d *decision) committed(person events.ID, programme events.Word, period events.Period, c money.Currency) int64 {
	return d.owed(monthAccount(person, "granted", programme, period, c)) + d.owed(monthAccount(person, "recoverable", programme, period, c))
}

// otherwiseLeft reports whether money has left for a month in another currency,
// and is to be recovered: amounts of two currencies cannot be compared, so
// nothing more goes out before.
func (d *decision) otherwiseLeft(person events.ID, programme events.Word, period events.Period, c money.Currency) bool {
	for _, other := range currencies1 {
		if other != c && d.owed(monthAccount(person, "recoverable", programme, period, other)) > 0 {
			return true
		}
	}
	return false
}

// entitled sets what a person may receive for a month. Once some of it is committed,
// the currency stands: amounts of two currencies cannot be compared.
func (d *decision) entitled(f *events.PersonEntitled) {
	key := entitlementKey(f.Person, f.Programme, f.Period)
	row, _ := get[entitlementRow](d, key)
	if before, ok := row.last(); ok && before.Currency != f.Currency && d.committed(f.Person, f.Programme, f.Period, before.Currency) > 0 {
		d.refuse("other_currency", "granted in %s", before.Currency)
		return
	}
	if len(row.Set) == maxSet {
		d.refuse("too_many_changes", "%d", maxSet)
		return
	}
	row.Set = append(row.Set, entitlement{d.record.Offset, f.Amount, f.Currency})
	d.setRow(key, row, setRow{f.Person, f.Programme, f.Period})
}

// stopped ends payments from a month on. A later stop of the same person never
// opens months that an earlier one closed; a reversal does.
func (d *decision) stopped(f *events.PersonStopped) {
	key := stopKey(f.Person, f.Programme)
	row, _ := get[stopRow](d, key)
	if len(row.Set) == maxSet {
		d.refuse("too_many_changes", "%d", maxSet)
		return
	}
	row.Set = append(row.Set, stop{Offset: d.record.Offset, From: f.FromPeriod})
	d.setRow(key, row, setRow{Person: f.Person, Programme: f.Programme})
}

// setRow writes a row that a fact sets, and which one it was, for a reversal.
func (d *decision) setRow(key string, row any, which setRow) {
	d.put(key, row)
	d.put(setKey(d.record.Offset), which)
	d.note("")
}

// funded makes a grant available as far as its bank line holds it; the rest
// waits in suspense, and can be entered again once the line is there.
func (d *decision) funded(f *events.Funded) {
	a := f.Money()
	from, left, code := d.incoming(f.Line, a)
	d.unusual(code)
	d.move("grant", a, []slot{all(from)}, []slot{{inCurrency("grants:received", a.Currency()), left}, suspenseIn(a.Currency())})
}

// payoutOrdered is the first gate against paying twice: all orders of a person,
// programme and month together stay within the entitlement, less what has left
// for that month beyond them.
func (d *decision) payoutOrdered(f *events.PayoutOrdered) {
	a := f.Money()
	c := a.Currency()
	granted, payable := monthAccount(f.Person, "granted", f.Programme, f.Period, c), payoutAccount(f.Person, "payable", f.Payout, c)
	fund, used := inCurrency("grants:received", c), inCurrency("grants:used", c)
	d.looksAt(payable, used)
	taken := d.committed(f.Person, f.Programme, f.Period, c)
	order := payoutRow{Person: f.Person, Programme: f.Programme, Period: f.Period, Amount: f.Amount, Currency: c}
	if d.set != nil && d.set.Number > 1 {
		order.Method = f.Method
	}
	if before, known := get[payoutRow](d, payoutKey(f.Payout)); known && !before.givesWayTo(order) {
		d.refuse("payout_exists", "payout %s", f.Payout)
		return
	}
	if early := d.owed(suspenseOut(f.Payout, c)); early > 0 {
		// Money of which nobody knew whose it was. It is taken back, ordered, and
		// entered again, so that it is paid once.
		d.refuse("payout_left", "payout %s", f.Payout)
		return
	}
	if row, _ := get[stopRow](d, stopKey(f.Person, f.Programme)); row.closes(f.Period) {
		d.refuseStopped(row)
		return
	}
	row, _ := get[entitlementRow](d, entitlementKey(f.Person, f.Programme, f.Period))
	entitled, ok := row.last()
	if !ok || entitled.Currency != c {
		d.refuse("not_entitled", "programme %s, period %s", f.Programme, f.Period)
		return
	}
	if d.otherwiseLeft(f.Person, f.Programme, f.Period, c) {
		d.refuse("other_currency", "to be recovered in another currency")
		return
	}
	if open := entitled.in(c) - taken; a.Minor() > open {
		d.refuse("over_entitlement", "asked %s, open %d", a, max(open, 0))
		return
	}
	if left := d.held(fund); a.Minor() > left {
		d.refuse("fund_exhausted", "asked %s, left %d", a, left)
		return
	}
	d.put(payoutKey(f.Payout), order)
	d.transfer("payout_ordered", a, granted, payable)
	d.transfer("grant_used", a, fund, used)
}

// givesWayTo reports whether an order may take a payout's id again: once the one
// before was taken back, and for the same month of the same person, since money
// may still move under the id.
func (r payoutRow) givesWayTo(order payoutRow) bool {
	order.Amount, order.Method, order.Void = r.Amount, r.Method, true
	return r == order
}

// closes reports whether a month is stopped.
func (r stopRow) closes(p events.Period) (closed bool) {
	for _, s := range r.Set {
		if p >= s.From {
			closed = !s.Resumed
		}
	}
	return closed
}

func (d *decision) refuseStopped(r stopRow) {
	d.refuse("person_stopped", "stopped from %s", r.from())
}

// stages is a payout as its accounts have it: a slot for each, up to what it
// holds.
type stages struct {
	payoutRow
	payable, clearing, returned slot
	recoverable                 slot // of the person's month, over all its payouts
}

// payout finds a payout that was ordered in a currency, even if the order was
// taken back since: its money is still the person's to account for.
func (d *decision) payout(id events.PayoutID, c money.Currency) (p stages, known bool) {
	p.payoutRow, known = get[payoutRow](d, payoutKey(id))
	if !known || p.Currency != c {
		return stages{}, false
	}
	stage := func(name string) slot {
		path := payoutAccount(p.Person, name, id, c)
		return slot{path, d.held(path)}
	}
	p.payable, p.clearing, p.returned = stage("payable"), stage("clearing"), stage("returned")
	month := monthAccount(p.Person, "recoverable", p.Programme, p.Period, c)
	p.recoverable = slot{month, d.owed(month)}
	return p, true
}

// open is what stands on the payout's accounts together.
func (p stages) open() int64 { return p.payable.limit + p.clearing.limit + p.returned.limit }

// payoutSent is the second gate: money goes out only for a payout that is still
// owed, to a person who may still receive it.
func (d *decision) payoutSent(f *events.PayoutSent) {
	a := f.Money()
	c := a.Currency()
	p, ok := d.payout(f.Payout, c)
	if !ok {
		d.refuse("payout_unknown", "payout %s", f.Payout)
		return
	}
	granted := d.owed(monthAccount(p.Person, "granted", p.Programme, p.Period, c))
	stops, _ := get[stopRow](d, stopKey(p.Person, p.Programme))
	rights, _ := get[entitlementRow](d, entitlementKey(p.Person, p.Programme, p.Period))
	entitled, _ := rights.last()
	owed := max(p.payable.limit+p.returned.limit-p.recoverable.limit, 0)
	switch {
	case p.Void:
		d.refuse("payout_reversed", "payout %s", f.Payout)
	case stops.closes(p.Period):
		d.refuseStopped(stops)
	case d.otherwiseLeft(p.Person, p.Programme, p.Period, c):
		d.refuse("other_currency", "to be recovered in another currency")
	case granted > entitled.in(c): // lowered since the order
		d.refuse("over_entitlement", "asked %s, open %d", a, 0)
	case a.Minor() > owed:
		d.refuse("more_than_payable", "asked %s, payable %d", a, owed)
	default:
		d.move("payout_sent", a, []slot{p.payable, p.returned}, []slot{all(p.clearing.path)})
	}
}

func (d *decision) payoutSettled(f *events.PayoutSettled) {
	a := f.Money()
	p, known := d.payout(f.Payout, a.Currency())
	to, code := d.outgoing(f.Line, a)
	d.left("payout_settled", a, f.Payout, p, known, to, p.clearing, p.payable, p.returned)
	d.unusual(code)
}

func (d *decision) paidInCash(f *events.PaidInCash) {
	a := f.Money()
	p, known := d.payout(f.Payout, a.Currency())
	till := inCurrency("cash:paypoint:"+string(f.PayPoint), a.Currency())
	d.left("paid_in_cash", a, f.Payout, p, known, till, p.payable, p.returned, p.clearing)
	if a.Minor() > d.owed(till) {
		d.unusual("more_than_held")
	}
}

// left books money that reached a person: out of the payout's stages in order,
// and what is beyond them is to be recovered. It passes through the payout's own
// account, which so knows of all that left for it. Of a payout that nobody has
// ordered it waits in suspense, and bars an order under its id.
func (d *decision) left(code string, a money.Amount, payout events.PayoutID, p stages, known bool, to string, from ...slot) {
	d.unusualPayout(p, known)
	if !known {
		d.transfer(code, a, suspenseOut(payout, a.Currency()), to)
		return
	}
	owed, beyond := a.Split(p.open())
	d.move(code, owed, from, []slot{all(to)})
	stops, _ := get[stopRow](d, stopKey(p.Person, p.Programme))
	switch {
	case stops.closes(p.Period):
		d.unusual("person_stopped")
	case code == "payout_settled" && owed.Minor() > p.clearing.limit:
		d.unusual("not_sent")
	case code == "paid_in_cash" && owed.Minor() > p.payable.limit+p.returned.limit:
		d.unusual("in_clearing") // the bank may pay it a second time
	}
	if !beyond.IsZero() {
		d.unusual("recoverable")
		d.transfer(code, beyond, p.clearing.path, to)
		d.transfer("recoverable", beyond, p.recoverable.path, p.clearing.path)
	}
}

// payoutReturned books money that came back on a line, as far as the line proves
// it: first against what is to be recovered of the person's month, then, as far
// as it had really left, as owed again. The rest goes to suspense, so that an
// unproved return can never be paid out a second time. Without a line, the bank
// never carried the order out, and what is on its way is owed again; beyond that
// nothing moved.
func (d *decision) payoutReturned(f *events.PayoutReturned) {
	a := f.Money()
	p, known := d.payout(f.Payout, a.Currency())
	if f.Line == "" {
		switch {
		case !known:
			d.note("payout_unknown")
			return
		case p.clearing.limit == 0:
			d.note("nothing_sent")
			return
		}
		part, beyond := a.Split(p.clearing.limit)
		if !beyond.IsZero() {
			d.unusual("more_than_sent")
		}
		d.transfer("payout_returned", part, p.clearing.path, p.returned.path)
		return
	}
	d.unusualPayout(p, known)
	from, left, code := d.incoming(f.Line, a)
	d.unusual(code)
	proved, placed := min(a.Minor(), left), int64(0)
	if known {
		recovered, _ := a.Split(min(proved, p.recoverable.limit))
		again, _ := a.Split(min(proved-recovered.Minor(), p.gone()))
		d.transfer("payout_returned", again, from, p.returned.path)
		d.transfer("payout_returned", recovered, from, p.returned.path)
		d.transfer("recovered", recovered, p.returned.path, p.recoverable.path)
		if placed = recovered.Minor() + again.Minor(); placed < proved {
			d.unusual("more_than_paid")
		}
	}
	_, rest := a.Split(placed)
	d.transfer("payout_returned", rest, from, suspenseIn(a.Currency()).path)
}

// gone is what has left of an order that stands.
func (p stages) gone() int64 {
	if p.Void {
		return 0
	}
	return events.Money(p.Amount, p.Currency).Minor() - p.open()
}

func (d *decision) cashDrawn(f *events.CashDrawn) {
	a := f.Money()
	from, code := d.outgoing(f.Line, a)
	d.unusual(code)
	d.transfer("cash_drawn", a, inCurrency("cash:paypoint:"+string(f.PayPoint), a.Currency()), from)
}

func (d *decision) unusualPayout(p stages, known bool) {
	switch {
	case !known:
		d.unusual("payout_unknown")
	case p.Void:
		d.unusual("payout_reversed")
	}
}

package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 3 for money that no bill or payout explains, and for credit. The
// bank's lines have moved the bank already; what is decided here is what they were
// for, never beyond what a line and the account behind it hold.

// creditApplied pays a bill with what a payer has brought too much. Whose bill it
// is the office decides: a family's money is often for another child.
func (d *decision) creditApplied(f *events.CreditApplied) {
	a := f.Money()
	c := a.Currency()
	holder := "stall:" + string(f.Stall)
	if f.Person != "" {
		holder = "pupil:" + string(f.Person)
	}
	credit := inCurrency(holder+":credit", c)
	left := d.held(credit)
	owed, ok := d.toBill(f.Bill, a)
	switch {
	case !ok:
	case a.Minor() > left:
		d.refuse("more_than_credit", "asked %s, credit %d", a, left)
	default:
		d.transfer("credit_applied", a, credit, owed)
	}
}

// toBill returns the account of a bill that owes at least the amount, or refuses.
func (d *decision) toBill(id events.ID, a money.Amount) (owed string, ok bool) {
	bill, known := d.knownBill(id)
	if !known || bill.Currency != a.Currency() {
		d.refuse("bill_unknown", "bill %s", id)
		return "", false
	}
	owed = receivable(bill.Holder, id, a.Currency())
	if due := d.owed(owed); a.Minor() > due {
		d.refuse("more_than_owed", "asked %s, owed %d", a, due)
		return owed, false
	}
	return owed, true
}

// suspensePlaced pays a bill with money that waits, as far as it is owed and no
// further: what waits may not be proved, and must not become credit that can be
// paid out (decision 6).
func (d *decision) suspensePlaced(f *events.SuspensePlaced) {
	a := f.Money()
	from := suspenseIn(a.Currency()).path
	waits := d.held(from)
	owed, ok := d.toBill(f.Bill, a)
	switch {
	case !ok:
	case a.Minor() > waits:
		d.refuse("more_than_suspense", "asked %s, waiting %d", a, waits)
	default:
		d.transfer("suspense_placed", a, from, owed)
	}
}

// explains refuses whoever may not say what money was for that came or went without
// a bill or payout: where approvals are required, all but persons who approve. Whoever
// draws lists up must not be able to explain away a payout that left, or one that came
// back.
func (d *decision) explains() bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	if d.under == nil && policy.Approvers > 0 && !d.holds(approvePayouts, d.actor()) {
		d.refuse("right_missing", "right %s", approvePayouts)
		return false
	}
	return true
}

// leaves returns the account of a line that went out and still holds the amount
// unplaced, or refuses. The money has left; what is decided is what it was for.
func (d *decision) leaves(line events.ID, a money.Amount) (to string, ok bool) {
	to, code := d.outgoing(line, a)
	d.looksAt(to)
	switch code {
	case "":
		return to, true
	case "more_than_line":
		d.refuse(code, "asked %s, unplaced %d", a, d.owed(to))
	default:
		d.refuse(code, "line %s", line)
	}
	return to, false
}

func (d *decision) passedOn(f *events.PassedOn) {
	a := f.Money()
	from := inCurrency("held:"+string(f.Item), a.Currency())
	left := d.held(from)
	to, ok := d.leaves(f.Line, a)
	switch {
	case !ok, !d.explains():
	case a.Minor() > left:
		d.refuse("more_than_billed", "asked %s, billed %d", a, left)
	default:
		d.transfer("passed_on", a, from, to)
	}
}

func (d *decision) grantReturned(f *events.GrantReturned) {
	a := f.Money()
	from := inCurrency("grants:received", a.Currency())
	left := d.held(from)
	to, ok := d.leaves(f.Line, a)
	switch {
	case !ok, !d.explains():
	case a.Minor() > left:
		d.refuse("fund_exhausted", "asked %s, fund %d", a, left)
	default:
		d.transfer("grant_returned", a, from, to)
	}
}

// linesOffset explains two lines by each other. Both must be known and hold the
// amount unplaced, so that neither money is used twice.
func (d *decision) linesOffset(f *events.LinesOffset) {
	a := f.Money()
	from, here := d.arrives(f.In, a)
	to, gone := d.leaves(f.Out, a)
	if here && gone && d.explains() {
		d.transfer("offset", a, from, to)
	}
}

// arrives returns the account of a line that came in and still holds the amount
// unplaced, or refuses.
func (d *decision) arrives(line events.ID, a money.Amount) (from string, ok bool) {
	from, left, code := d.incoming(line, a)
	d.looksAt(from)
	switch code {
	case "":
		return from, true
	case "more_than_line":
		d.refuse(code, "asked %s, unallocated %d", a, left)
	default:
		d.refuse(code, "line %s", line)
	}
	return from, false
}

// spent explains money that went out by what the organization spends itself. What
// an operator of cards or wallets keeps is taken of what they owe.
func (d *decision) spent(f *events.Spent) {
	a := f.Money()
	c := a.Currency()
	expense := inCurrency("expense:"+string(f.Item), c)
	if f.Clearing != "" {
		clearing := inCurrency("clearing:"+string(f.Clearing), c)
		if open := d.owed(clearing); a.Minor() > open {
			d.refuse("more_than_clearing", "asked %s, open %d", a, open)
		} else if d.explains() { // a payment that never was could stand behind it
			d.transfer("spent", a, expense, clearing)
		}
		return
	}
	if to, ok := d.leaves(f.Line, a); ok && d.explains() {
		d.transfer("spent", a, expense, to)
	}
}

// earned explains money that came in by what the organization takes itself.
func (d *decision) earned(f *events.Earned) {
	a := f.Money()
	if from, ok := d.arrives(f.Line, a); ok && d.explains() {
		d.transfer("earned", a, from, inCurrency("income:"+string(f.Item), a.Currency()))
	}
}

// refundedInCash pays credit back out of the cash that a collector holds.
func (d *decision) refundedInCash(f *events.RefundedInCash) {
	a := f.Money()
	holder := "stall:" + string(f.Stall)
	if f.Person != "" {
		holder = "pupil:" + string(f.Person)
	}
	credit, cash := inCurrency(holder+":credit", a.Currency()), inCurrency("cash:collector:"+string(f.Collector), a.Currency())
	holds := d.owed(cash)
	if left := d.held(credit); a.Minor() > left {
		d.refuse("more_than_credit", "asked %s, credit %d", a, left)
		return
	}
	if a.Minor() > holds {
		d.unusual("more_than_held")
	}
	d.transfer("refund_cash", a, credit, cash)
}

// recovered settles what left beyond a person's month, as far as the money is there
// to see: in cash, or on a bank line that still holds it. The rest waits.
func (d *decision) recovered(f *events.Recovered) {
	a := f.Money()
	c := a.Currency()
	from, proved, line := inCurrency("cash:paypoint:"+string(f.PayPoint), c), a.Minor(), ""
	if f.Line != "" {
		from, proved, line = d.incoming(f.Line, a)
	}
	d.unusual(line)
	recoverable := monthAccount(f.Person, "recoverable", f.Programme, f.Period, c)
	due := d.owed(recoverable)
	if a.Minor() > due {
		d.unusual("more_than_recoverable")
	}
	d.move("recovered", a, []slot{all(from)}, []slot{{recoverable, min(due, proved)}, suspenseIn(c)})
}

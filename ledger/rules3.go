package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 3: those of set 2, and what offices do around bills and lines.
// Money that nobody asked for finds its way out (an offset, credit that pays
// another bill, what was collected for others); cards at stalls, alerts, a
// trader's own sales and tickets are in rules3_market.go. Tariffs, stalls and
// pupils are taken note of: bills are made from them, and each says its own sum.

// Rows of rule state beside those of sets 1 and 2.
type (
	// statementRow is what a statement said.
	statementRow struct {
		From    events.Date    `json:"from"`
		Until   events.Date    `json:"until"`
		Opening events.Balance `json:"opening"`
		Closing events.Balance `json:"closing"`
	}
	// undoRow is what a reversal of the event at an offset has to set right.
	undoRow struct {
		Sale    string    `json:"sale,omitzero"` // the key of its row
		Range   events.ID `json:"range,omitzero"`
		Tickets int64     `json:"tickets,omitzero"`
	}
)

func undoKey(offset int64) string { return setKey(offset) + ":undo" }

// statementKey is where a statement of an account is kept; the latest one, where
// its id is empty.
func statementKey(account events.ID, c money.Currency, id events.ID) string {
	return "statement:" + inCurrency(string(account), c) + ":" + string(id)
}

func decide3(d *decision) {
	switch f := d.event.Fact.(type) {
	case *events.CreditApplied:
		d.creditApplied(f)
	case *events.SuspensePlaced:
		d.suspensePlaced(f)
	case *events.PassedOn:
		d.passedOn(f)
	case *events.GrantReturned:
		d.grantReturned(f)
	case *events.LinesOffset:
		d.linesOffset(f)
	case *events.StatementReceived:
		d.statementReceived(f)
	case *events.LineNoted:
		d.lineNoted(f)
	case *events.CardIssued:
		d.cardIssued(f)
	case *events.CardPrinted:
		d.note(d.cardNow(f.Card, ""))
	case *events.CardPosted:
		d.cardPosted(f)
	case *events.CardInspected:
		d.cardInspected(f)
	case *events.CardReplaced:
		d.cardReplaced(f)
	case *events.CardRevoked:
		d.cardRevoked(f)
	case *events.AlertRaised:
		d.alertRaised(f)
	case *events.AlertClosed:
		d.alertClosed(f)
	case *events.SalesConnected:
		d.salesConnected(f)
	case *events.SalesDisconnected:
		d.salesDisconnected(f)
	case *events.SaleReceived:
		d.saleReceived(f)
	case *events.TicketsHandedOut:
		d.ticketsHandedOut(f)
	case *events.TicketsSold:
		d.ticketsSold(f)
	case *events.Reversed:
		if !d.inBatch(f) {
			d.reversed(f)
			d.keepWaiting()
			d.undo(f)
		}
	case *events.TariffSet, *events.StallDescribed, *events.StallVacated, *events.TraderAbsent,
		*events.PupilEnrolled, *events.PupilLeft, *events.ReductionGranted, *events.ReductionEnded:
		d.note("") // projections read it; no money follows
	default:
		decide2(d)
	}
}

// stateOf3 names the rule state that deciding an event looks at.
func stateOf3(e *events.Event) []string {
	switch f := e.Fact.(type) {
	case *events.CreditApplied:
		return []string{billKey(f.Bill)}
	case *events.SuspensePlaced:
		return []string{billKey(f.Bill)}
	case *events.PassedOn:
		return []string{lineKey(f.Line)}
	case *events.GrantReturned:
		return []string{lineKey(f.Line)}
	case *events.LinesOffset:
		return []string{lineKey(f.In), lineKey(f.Out)}
	case *events.LineNoted:
		return []string{lineKey(f.Line)}
	case *events.StatementReceived:
		return []string{statementKey(f.Account, f.Currency, f.Statement), statementKey(f.Account, f.Currency, "")}
	case *events.CardIssued:
		return []string{cardKey(f.Card)}
	case *events.CardPrinted:
		return []string{cardKey(f.Card)}
	case *events.CardPosted:
		return []string{cardKey(f.Card)}
	case *events.CardInspected:
		if f.Card == "" {
			return nil
		}
		return []string{cardKey(f.Card)}
	case *events.CardReplaced:
		return []string{cardKey(f.Card), cardKey(f.By)}
	case *events.CardRevoked:
		return []string{cardKey(f.Card)}
	case *events.AlertRaised:
		return []string{alertKey(f.Alert)}
	case *events.AlertClosed:
		return []string{alertKey(f.Alert)}
	case *events.SalesConnected:
		return []string{connectionKey(f.Connection)}
	case *events.SalesDisconnected:
		return []string{connectionKey(f.Connection)}
	case *events.SaleReceived:
		if f.Method == "cash" {
			return nil
		}
		return []string{connectionKey(f.Connection), saleKey(f.Connection, f.Line)}
	case *events.TicketsHandedOut:
		return []string{rangeKey(f.Range)}
	case *events.TicketsSold:
		return []string{rangeKey(f.Range)}
	}
	return stateOf2(e)
}

// keepWaiting refuses a reversal that takes away money which waited and has been
// placed since: that placing is taken back first.
func (d *decision) keepWaiting() {
	for _, t := range d.transfers {
		if t.Debit != suspenseIn(t.Amount.Currency()).path {
			continue
		}
		if waits := d.held(t.Debit); waits >= 0 && d.after(t.Debit) < 0 {
			d.refuse("more_than_suspense", "asked %s, waiting %d", t.Amount, waits)
			return
		}
	}
}

// undo sets right what a reversed event has changed beside accounts: a sale's line
// can be heard of again, tickets can be sold.
func (d *decision) undo(f *events.Reversed) {
	if d.outcome.Status != Posted {
		return
	}
	held, _ := d.claimed(Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)})
	row, ok := get[undoRow](d, undoKey(held.Offset))
	if !ok {
		return
	}
	if row.Sale != "" {
		alter(d, row.Sale, func(sale *saleRow) { sale.Void = true })
	}
	if row.Range != "" {
		alter(d, rangeKey(row.Range), func(r *rangeRow) { r.Sold -= row.Tickets })
	}
}

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
	case !ok:
	case a.Minor() > left:
		d.refuse("more_than_collected", "asked %s, held %d", a, left)
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
	case !ok:
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
	from, left, code := d.incoming(f.In, a)
	d.looksAt(from)
	to, ok := d.leaves(f.Out, a)
	switch {
	case !ok:
	case code == "more_than_line":
		d.refuse(code, "asked %s, unallocated %d", a, left)
	case code != "":
		d.refuse(code, "line %s", f.In)
	default:
		d.transfer("offset", a, from, to)
	}
}

// statementReceived takes a statement's balances. Statements of one account make
// a chain: the next one begins with what the one before ended with, or lines are
// missing between them. One that reaches back before the end of the latest is
// held against nothing.
func (d *decision) statementReceived(f *events.StatementReceived) {
	key, latest := statementKey(f.Account, f.Currency, f.Statement), statementKey(f.Account, f.Currency, "")
	said := statementRow{f.From, f.EffectiveOn, f.Opening, f.Closing}
	if before, known := get[statementRow](d, key); known {
		if before == said {
			d.note("statement_known")
		} else {
			d.note("statement_differs")
		}
		return
	}
	d.put(key, said)
	code := ""
	last, any := get[statementRow](d, latest)
	if any && f.From > last.Until && f.Opening != last.Closing {
		code = "statement_gap"
		d.outcome.Detail = "began with " + string(f.Opening) + " after " + string(last.Closing)
	}
	if !any || f.EffectiveOn > last.Until {
		d.put(latest, said)
	}
	d.note(code)
}

func (d *decision) lineNoted(f *events.LineNoted) {
	row, _ := get[lineRow](d, lineKey(f.Line))
	if len(row.Variants) == 0 {
		d.note("line_unknown")
		return
	}
	d.note("")
}

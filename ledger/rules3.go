package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 3: those of set 2, and what offices do around bills and lines.
// Money that no bill or payout explains is told what it was for (rules3_money.go);
// cards at stalls, alerts, a trader's own sales and tickets are in rules3_market.go.
// Tariffs, stalls and pupils are taken note of: bills are made from them, and each
// says its own sum. A closed month is decided about no more.

// Rows of rule state beside those of sets 1 and 2.
type (
	// statementRow is what a statement said.
	statementRow struct {
		From    events.Date    `json:"from,omitzero"` // empty where none is the latest any more
		Until   events.Date    `json:"until,omitzero"`
		Opening events.Balance `json:"opening,omitzero"`
		Closing events.Balance `json:"closing,omitzero"`
		Lines   int64          `json:"lines"`
		Void    bool           `json:"void,omitzero"`
	}
	// undoRow is what a reversal of the event at an offset has to set right.
	undoRow struct {
		Sale      string        `json:"sale,omitzero"` // the key of its row
		Range     events.ID     `json:"range,omitzero"`
		Sold      int64         `json:"sold,omitzero"`
		Returned  int64         `json:"returned,omitzero"`
		Statement string        `json:"statement,omitzero"` // the key of its row
		Latest    string        `json:"latest,omitzero"`    // where it became the latest one
		Before    *statementRow `json:"before,omitzero"`    // which was the latest until then
	}
	// closedRow is the last month whose books are closed; empty where none are.
	closedRow struct {
		Until events.Period `json:"until,omitzero"`
	}
)

const closedKey = "closed"

func undoKey(offset int64) string { return setKey(offset) + ":undo" }

// statementKey is where a statement of an account is kept; the latest one, where
// its id is empty.
func statementKey(account events.ID, c money.Currency, id events.ID) string {
	return "statement:" + inCurrency(string(account), c) + ":" + string(id)
}

func decide3(d *decision) {
	if books(d.event.Fact) {
		row, _ := get[closedRow](d, closedKey)
		if month := d.event.Fact.Effective().Period(); d.under == nil && month <= row.Until {
			d.refuse("month_closed", "period %s", month)
			return
		}
	}
	switch f := d.event.Fact.(type) {
	case *events.OpeningBalance:
		if f.Path == "suspense:in" && f.Side == "debit" {
			d.refuse("limit_exceeded", "account %s", f.Path)
			return
		}
		d.openingBalance(f)
	case *events.MonthClosed:
		d.monthClosed(f)
	case *events.MonthReopened:
		d.monthReopened(f)
	case *events.Spent:
		d.spent(f)
	case *events.Earned:
		d.earned(f)
	case *events.RefundedInCash:
		d.refundedInCash(f)
	case *events.Recovered:
		d.recovered(f)
	case *events.TicketsReturned:
		d.ticketsReturned(f)
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
		if !d.inBatch(f) && !d.unsaid(f) {
			d.reversed(f)
			d.keepWaiting()
			d.undo(f)
		}
	case *events.TariffSet, *events.TariffEnded, *events.StallDescribed, *events.StallVacated, *events.TraderAbsent,
		*events.PupilEnrolled, *events.PupilLeft, *events.ReductionGranted, *events.ReductionEnded:
		d.note("") // projections read it; no money follows
	default:
		decide2(d)
	}
}

// books reports whether a fact is an office's decision about a day of its books,
// which is refused once they are closed. What happened is taken in all the same.
func books(f events.Fact) bool {
	switch f.(type) {
	case *events.OpeningBalance, *events.FeeAssessed, *events.BillIssued, *events.FeeWaived, *events.BillExempted,
		*events.LineAllocated, *events.Refunded, *events.RefundedInCash, *events.CreditApplied, *events.SuspensePlaced,
		*events.PassedOn, *events.GrantReturned, *events.LinesOffset, *events.Spent, *events.Earned, *events.Reversed:
		return true
	}
	return false
}

// stateOf3 names the rule state that deciding an event looks at.
func stateOf3(e *events.Event) []string {
	keys := stateOfOffices(e)
	if books(e.Fact) {
		keys = append(keys, closedKey)
	}
	return keys
}

func stateOfOffices(e *events.Event) []string {
	switch f := e.Fact.(type) {
	case *events.MonthClosed, *events.MonthReopened:
		return []string{closedKey}
	case *events.Spent:
		if f.Line == "" {
			return nil
		}
		return []string{lineKey(f.Line), approvalsKey}
	case *events.Earned:
		return []string{lineKey(f.Line), approvalsKey}
	case *events.Recovered:
		if f.Line == "" {
			return nil
		}
		return []string{lineKey(f.Line)}
	case *events.TicketsReturned:
		return []string{rangeKey(f.Range)}
	case *events.CreditApplied:
		return []string{billKey(f.Bill)}
	case *events.SuspensePlaced:
		return []string{billKey(f.Bill)}
	case *events.PassedOn:
		return []string{lineKey(f.Line), approvalsKey}
	case *events.GrantReturned:
		return []string{lineKey(f.Line), approvalsKey}
	case *events.LinesOffset:
		return []string{lineKey(f.In), lineKey(f.Out), approvalsKey}
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
		if f.Line == "" {
			return []string{connectionKey(f.Connection)}
		}
		return []string{connectionKey(f.Connection), saleKey(f.Person, f.Line)}
	case *events.TicketsHandedOut:
		return []string{rangeKey(f.Range)}
	case *events.TicketsSold:
		if f.Line != "" {
			return []string{rangeKey(f.Range), lineKey(f.Line)}
		}
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
		if d.after(t.Debit) < 0 {
			d.refuse("more_than_suspense", "asked %s, waiting %d", t.Amount, d.held(t.Debit))
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
		alter(d, rangeKey(row.Range), func(r *rangeRow) { r.Sold -= row.Sold })
	}
}

// unsayable are the facts that were only taken note of and can be taken back. What
// becomes of a card, an alert or a consent is said by facts of its own.
var unsayable = map[string]bool{
	"organization.tariff_set": true, "organization.tariff_ended": true,
	"market.stall_described": true, "market.stall_vacated": true, "market.trader_absent": true,
	"market.tickets_handed_out": true, "market.tickets_returned": true,
	"school.pupil_enrolled": true, "school.pupil_left": true, "school.reduction_granted": true, "school.reduction_ended": true,
	"bank.statement_received": true,
}

// unsaid takes back a fact that was only taken note of, and reports whether it was
// one. Tickets of which some are sold stay handed out.
func (d *decision) unsaid(f *events.Reversed) bool {
	held, ok := d.claimed(Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)})
	if !ok || held.Status != Recorded || !unsayable[events.Name(held.Type)] {
		return false
	}
	key := reversedKey(f.ReversesSource, f.Reverses)
	if before, done := get[mark](d, key); done {
		d.refuse("already_reversed", "by %d:%d", d.record.Shard, before.Offset)
		return true
	}
	row, _ := get[undoRow](d, undoKey(held.Offset))
	if row.Range != "" {
		r, _ := get[rangeRow](d, rangeKey(row.Range))
		switch {
		case row.Returned > 0:
			r.Tickets += row.Returned
		case r.Sold > 0:
			d.refuse("range_in_use", "range %s", row.Range)
			return true
		default:
			r.Void = true
		}
		d.put(rangeKey(row.Range), r)
	}
	if row.Statement != "" {
		said, _ := get[statementRow](d, row.Statement)
		if last, _ := get[statementRow](d, row.Latest); row.Latest != "" && last == said {
			if row.Before == nil {
				row.Before = &statementRow{Void: true}
			}
			d.put(row.Latest, *row.Before)
		}
		said.Void = true
		d.put(row.Statement, said)
	}
	d.put(key, mark{Offset: d.record.Offset})
	d.note("")
	return true
}

// monthClosed closes the books up to a month that is over.
func (d *decision) monthClosed(f *events.MonthClosed) {
	row, _ := get[closedRow](d, closedKey)
	switch {
	case f.Period <= row.Until:
		d.refuse("month_closed", "period %s", row.Until)
	case f.EffectiveOn.Period() <= f.Period:
		d.refuse("month_not_over", "period %s", f.Period)
	default:
		d.put(closedKey, closedRow{f.Period})
		d.note("")
	}
}

func (d *decision) monthReopened(f *events.MonthReopened) {
	row, _ := get[closedRow](d, closedKey)
	if f.Period > row.Until {
		d.refuse("month_open", "period %s", f.Period)
		return
	}
	before := f.Period.Previous()
	if !before.Valid() { // no month of the bounds
		before = ""
	}
	d.put(closedKey, closedRow{before})
	d.note("")
}

// statementReceived takes a statement's balances. Statements of one account make
// a chain: the next one begins with what the one before ended with, or lines are
// missing between them. One that shares a day with the latest may begin in the
// middle of it, and is held against nothing.
func (d *decision) statementReceived(f *events.StatementReceived) {
	key, latest := statementKey(f.Account, f.Currency, f.Statement), statementKey(f.Account, f.Currency, "")
	said := statementRow{From: f.From, Until: f.EffectiveOn, Opening: f.Opening, Closing: f.Closing, Lines: int64(*f.Lines)}
	if before, known := get[statementRow](d, key); known && !before.Void {
		if before == said {
			d.note("statement_known")
		} else {
			d.note("statement_differs")
		}
		return
	}
	undo := undoRow{Statement: key}
	d.put(key, said)
	d.note("")
	if f.Closing != "" {
		last, any := get[statementRow](d, latest)
		any = any && !last.Void
		if any && f.From > last.Until && f.Opening != last.Closing {
			d.note("statement_gap")
			d.outcome.Detail = "began with " + string(f.Opening) + " after " + string(last.Closing)
		}
		if !any || f.EffectiveOn >= last.Until {
			if undo.Latest = latest; any {
				undo.Before = &last
			}
			d.put(latest, said)
		}
	}
	d.put(undoKey(d.record.Offset), undo)
}

func (d *decision) lineNoted(f *events.LineNoted) {
	row, _ := get[lineRow](d, lineKey(f.Line))
	if len(row.Variants) == 0 {
		d.note("line_unknown")
		return
	}
	d.note("")
}

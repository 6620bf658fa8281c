package ledger

import (
	"strings"
	"time"

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
		From    events.Date    `json:"from,omitzero"`
		Until   events.Date    `json:"until,omitzero"`
		Opening events.Balance `json:"opening,omitzero"`
		Closing events.Balance `json:"closing,omitzero"`
		Lines   int64          `json:"lines"`
		Void    bool           `json:"void,omitzero"`
		// Which came before and after it among those that were the latest when they
		// were said and still stand: keys of their rows.
		Before string `json:"before,omitzero"`
		After  string `json:"after,omitzero"`
	}
	// latestRow is the key of an account's latest statement that stands.
	latestRow struct {
		Statement string `json:"statement,omitzero"`
	}
	// undoRow is what a reversal of the event at an offset has to set right.
	undoRow struct {
		Sale      string    `json:"sale,omitzero"` // the key of its row
		Range     events.ID `json:"range,omitzero"`
		Of        int64     `json:"of,omitzero"` // where that range was handed out
		Sold      int64     `json:"sold,omitzero"`
		Returned  int64     `json:"returned,omitzero"`
		Statement string    `json:"statement,omitzero"` // the key of its row
		Latest    string    `json:"latest,omitzero"`    // where it became the latest one
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
		// Credit that is opened can be paid out; a bank's account is held against its
		// statements, and opened by the first of them.
		if strings.HasPrefix(string(f.Path), "bank:") || d.explains() {
			d.openingBalance(f)
		}
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
		if !d.inBatch(f) && !d.othersWord(f) && !d.unsaid(f) {
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
		*events.LineAllocated, *events.Refunded, *events.CreditApplied, *events.SuspensePlaced, *events.PassedOn,
		*events.GrantReturned, *events.LinesOffset, *events.Spent, *events.Earned, *events.Reversed,
		*events.PayoutOrdered, *events.PayoutSent, *events.PayoutBatched:
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
	case *events.OpeningBalance, *events.Reversed:
		return append(stateOf2(e), approvalsKey)
	case *events.MonthClosed:
		return []string{closedKey}
	case *events.MonthReopened:
		return []string{closedKey, approvalsKey}
	case *events.Spent:
		if f.Line == "" {
			return []string{approvalsKey}
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
			return []string{rangeKey(f.Range), lineKey(f.Line), approvalsKey}
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
		if r, ok := d.handedOut(row); ok {
			r.Sold -= row.Sold
			d.put(rangeKey(row.Range), r)
		}
	}
}

// explaining are the facts that only those who approve may say where approvals are
// required, and the bank's lines that they explain.
var explaining = map[string]bool{
	"bank.lines_offset": true, "organization.spent": true, "organization.earned": true, "organization.passed_on": true,
	"benefit.grant_returned": true, "market.tickets_sold": true, "bank.line_received": true, "organization.opening_balance": true,
}

// othersWord refuses whoever may not say what such a fact says to take one back.
func (d *decision) othersWord(f *events.Reversed) bool {
	held, ok := d.claimed(Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)})
	return ok && explaining[events.Name(held.Type)] && !d.explains()
}

// handedOut returns the range that a fact was about, unless it was taken back
// and perhaps handed out anew since.
func (d *decision) handedOut(row undoRow) (r rangeRow, ok bool) {
	r, ok = get[rangeRow](d, rangeKey(row.Range))
	return r, ok && !r.Void && r.Offset == row.Of
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
	if r, ok := d.handedOut(row); row.Range != "" && ok {
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
		d.forget(row)
	}
	d.put(key, mark{Offset: d.record.Offset})
	d.note("")
	return true
}

// forget takes a statement out of its chain: those before and after it are
// neighbours then.
func (d *decision) forget(row undoRow) {
	said, _ := get[statementRow](d, row.Statement)
	if row.Latest != "" {
		if said.After == "" {
			d.put(row.Latest, latestRow{said.Before})
		} else {
			alter(d, said.After, func(after *statementRow) { after.Before = said.Before })
		}
		if said.Before != "" {
			alter(d, said.Before, func(before *statementRow) { before.After = said.After })
		}
	}
	said.Void, said.Before, said.After = true, "", ""
	d.put(row.Statement, said)
}

// monthClosed closes the books up to a month that is over, by the fact's day and by
// the day on which it was recorded.
func (d *decision) monthClosed(f *events.MonthClosed) {
	row, _ := get[closedRow](d, closedKey)
	switch {
	case f.Period <= row.Until:
		d.refuse("month_closed", "period %s", row.Until)
	case f.EffectiveOn.Period() <= f.Period, !d.recordedAfter(f.Period):
		d.refuse("month_not_over", "period %s", f.Period)
	default:
		d.put(closedKey, closedRow{f.Period})
		d.note("")
	}
}

// recordedAfter reports whether an event was recorded when a month was over, where
// its offices are; before anything was stamped, that is not known.
func (d *decision) recordedAfter(month events.Period) bool {
	at := d.outcome.RecordedAt.UTC()
	return at.Unix() == 0 || events.Period(at.Add(7*time.Hour).Format("2006-01")) > month
}

func (d *decision) monthReopened(f *events.MonthReopened) {
	row, _ := get[closedRow](d, closedKey)
	if f.Period > row.Until {
		d.refuse("month_open", "period %s", f.Period)
		return
	}
	if !d.explains() {
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
		if before.Before, before.After = "", ""; before == said {
			d.note("statement_known")
		} else {
			d.note("statement_differs")
		}
		return
	}
	undo := undoRow{Statement: key}
	d.note("")
	if f.Closing != "" {
		last, _ := get[latestRow](d, latest)
		before, any := get[statementRow](d, last.Statement)
		if any && f.From > before.Until && f.Opening != before.Closing {
			d.note("statement_gap")
			d.outcome.Detail = "began with " + string(f.Opening) + " after " + string(before.Closing)
		}
		if !any || f.EffectiveOn >= before.Until {
			if undo.Latest = latest; any {
				said.Before, before.After = last.Statement, key
				d.put(last.Statement, before)
			}
			d.put(latest, latestRow{key})
		}
	}
	d.put(key, said)
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

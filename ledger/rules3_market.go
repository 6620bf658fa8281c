package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 3 for what hangs at stalls, for a trader's own sales, and for
// tickets. What somebody saw, printed or sold is an observation and always taken
// in, with a code where the book knows otherwise; what somebody decides about a
// card or a consent is refused where it cannot be.

type (
	// cardRow is a card by its serial, which is never used again.
	cardRow struct {
		Stall events.ID `json:"stall"`
		State string    `json:"state"` // issued, posted, replaced or revoked
	}
	alertRow struct {
		Closed bool `json:"closed,omitzero"`
	}
	// connectionRow is a trader's consent to have her sales kept.
	connectionRow struct {
		Person events.ID   `json:"person,omitzero"` // empty where it was taken back and never heard of
		Stall  events.ID   `json:"stall,omitzero"`
		From   events.Date `json:"from,omitzero"`
		Until  events.Date `json:"until,omitzero"`
		Ended  bool        `json:"ended,omitzero"`
	}
	// saleRow is a line of a trader's bank.
	saleRow struct {
		Amount   events.Decimal `json:"amount"`
		Currency money.Currency `json:"currency"`
		Void     bool           `json:"void,omitzero"`
	}
	// rangeRow is tickets that a collector was given.
	rangeRow struct {
		Collector events.ID      `json:"collector"`
		Item      events.Word    `json:"item"`
		Price     events.Decimal `json:"price"`
		Currency  money.Currency `json:"currency"`
		Tickets   int64          `json:"tickets"`
		Sold      int64          `json:"sold"`
		Offset    int64          `json:"offset"` // of its handing out: a range may be handed out anew
		Void      bool           `json:"void,omitzero"`
	}
)

func cardKey(id events.ID) string       { return "card:" + string(id) }
func alertKey(id events.ID) string      { return "alert:" + string(id) }
func connectionKey(id events.ID) string { return "connection:" + string(id) }
func rangeKey(id events.ID) string      { return "range:" + string(id) }

// saleKey is where a line of a trader's own money is kept, whichever of her
// connections it came by.
func saleKey(person, line events.ID) string { return "sale:" + string(person) + ":" + string(line) }

func (d *decision) cardIssued(f *events.CardIssued) {
	if _, taken := get[cardRow](d, cardKey(f.Card)); taken {
		d.refuse("card_exists", "card %s", f.Card)
		return
	}
	d.put(cardKey(f.Card), cardRow{f.Stall, "issued"})
	d.note("")
}

// cardNow says what is the matter with a card that somebody has in hand; nothing
// where it is good. Where the stall is empty, no stall is asked about.
func (d *decision) cardNow(id, stall events.ID) (code string) {
	row, known := get[cardRow](d, cardKey(id))
	switch {
	case !known:
		return "card_unknown"
	case row.State == "revoked" || row.State == "replaced":
		return "card_" + row.State
	case stall != "" && row.Stall != stall:
		return "card_elsewhere"
	}
	return ""
}

func (d *decision) cardPosted(f *events.CardPosted) {
	code := d.cardNow(f.Card, "")
	if code == "" {
		alter(d, cardKey(f.Card), func(row *cardRow) { row.State = "posted" })
	}
	d.note(code)
}

// cardInspected is marked where whoever looked and the book see a card otherwise:
// their device may have been without signal when it was issued or revoked.
func (d *decision) cardInspected(f *events.CardInspected) {
	if f.Card == "" {
		d.note("")
		return
	}
	switch code := d.cardNow(f.Card, f.Stall); {
	case f.Result == "right":
		d.note(code)
	case code == "" && (f.Result == "revoked" || f.Result == "unknown"):
		d.note("card_known")
	default:
		d.note("")
	}
}

func (d *decision) cardReplaced(f *events.CardReplaced) {
	row, _ := get[cardRow](d, cardKey(f.Card))
	if code := d.cardNow(f.Card, ""); code != "" {
		d.refuse(code, "card %s", f.Card)
		return
	}
	if f.By == f.Card {
		d.refuse("card_same", "card %s", f.By)
		return
	}
	if code := d.cardNow(f.By, row.Stall); code != "" {
		d.refuse(code, "card %s", f.By)
		return
	}
	row.State = "replaced"
	d.put(cardKey(f.Card), row)
	d.note("")
}

func (d *decision) cardRevoked(f *events.CardRevoked) {
	row, known := get[cardRow](d, cardKey(f.Card))
	switch {
	case !known:
		d.refuse("card_unknown", "card %s", f.Card)
	case row.State == "revoked":
		d.refuse("card_revoked", "card %s", f.Card)
	default:
		row.State = "revoked"
		d.put(cardKey(f.Card), row)
		d.note("")
	}
}

func (d *decision) alertRaised(f *events.AlertRaised) {
	if _, taken := get[alertRow](d, alertKey(f.Alert)); taken {
		d.refuse("alert_exists", "alert %s", f.Alert)
		return
	}
	d.put(alertKey(f.Alert), alertRow{})
	d.note("")
}

func (d *decision) alertClosed(f *events.AlertClosed) {
	row, known := get[alertRow](d, alertKey(f.Alert))
	switch {
	case !known:
		d.refuse("alert_unknown", "alert %s", f.Alert)
	case row.Closed:
		d.refuse("alert_closed", "alert %s", f.Alert)
	default:
		d.put(alertKey(f.Alert), alertRow{Closed: true})
		d.note("")
	}
}

func (d *decision) salesConnected(f *events.SalesConnected) {
	if row, taken := get[connectionRow](d, connectionKey(f.Connection)); taken && row.Person == "" {
		d.refuse("disconnected", "connection %s", f.Connection)
		return
	} else if taken {
		d.refuse("connection_exists", "connection %s", f.Connection)
		return
	}
	d.put(connectionKey(f.Connection), connectionRow{Person: f.Person, Stall: f.Stall, From: f.EffectiveOn, Until: f.Until})
	d.note("")
}

func (d *decision) salesDisconnected(f *events.SalesDisconnected) {
	row, known := get[connectionRow](d, connectionKey(f.Connection))
	if known && row.Ended {
		d.refuse("disconnected", "connection %s", f.Connection)
		return
	}
	// What is taken back before its giving is heard of stays taken back.
	row.Ended = true
	d.put(connectionKey(f.Connection), row)
	if !known {
		d.note("connection_unknown")
		return
	}
	d.note("")
}

// saleReceived keeps a trader's own money in accounts of her own, which are no part
// of the market's. Without her consent nothing is kept: that is the one
// observation which is refused, since it is not ours to make. Once she has taken
// her consent back nothing more is, whatever day it is of.
func (d *decision) saleReceived(f *events.SaleReceived) {
	a := f.Money()
	row, known := get[connectionRow](d, connectionKey(f.Connection))
	switch {
	case !known:
		d.refuse("connection_unknown", "connection %s", f.Connection)
		return
	case row.Ended:
		d.refuse("disconnected", "connection %s", f.Connection)
		return
	case row.Person != f.Person, row.Stall != f.Stall, f.EffectiveOn < row.From, f.EffectiveOn > row.Until:
		d.refuse("not_connected", "connection %s", f.Connection)
		return
	}
	trader := "trader:" + string(f.Person)
	from, sales := inCurrency(trader+":bank:"+string(f.Connection), a.Currency()), inCurrency(trader+":sales:"+string(f.Stall), a.Currency())
	if f.Method == "cash" {
		d.transfer("sale_cash", a, inCurrency(trader+":cash:"+string(f.Stall), a.Currency()), sales)
		return
	}
	key := saleKey(f.Person, f.Line)
	if before, seen := get[saleRow](d, key); seen && !before.Void {
		if before.Amount == f.Amount && before.Currency == f.Currency {
			d.note("sale_known")
		} else {
			d.note("line_differs")
		}
		return
	}
	d.put(key, saleRow{Amount: f.Amount, Currency: f.Currency})
	d.put(undoKey(d.record.Offset), undoRow{Sale: key})
	d.transfer("sale_"+string(f.Method), a, from, sales)
}

func (d *decision) ticketsHandedOut(f *events.TicketsHandedOut) {
	if before, taken := get[rangeRow](d, rangeKey(f.Range)); taken && !before.Void {
		d.refuse("range_exists", "range %s", f.Range)
		return
	}
	d.put(rangeKey(f.Range), rangeRow{Collector: f.Collector, Item: f.Item, Price: f.Amount, Currency: f.Currency,
		Tickets: int64(*f.Last-*f.First) + 1, Offset: d.record.Offset})
	d.put(undoKey(d.record.Offset), undoRow{Range: f.Range, Of: d.record.Offset})
	d.note("")
}

func (d *decision) ticketsReturned(f *events.TicketsReturned) {
	row, known := get[rangeRow](d, rangeKey(f.Range))
	switch n := int64(*f.Count); {
	case !known || row.Void:
		d.refuse("range_unknown", "range %s", f.Range)
	case n > row.Tickets-row.Sold:
		d.refuse("more_than_range", "asked %d, left %d", n, row.Tickets-row.Sold)
	default:
		row.Tickets -= n
		d.put(rangeKey(f.Range), row)
		d.put(undoKey(d.record.Offset), undoRow{Range: f.Range, Of: row.Offset, Returned: n})
		d.note("")
	}
}

// ticketsSold takes what tickets brought: cash in the hands of whoever sold, money on
// a bank line, or what an operator owes. Where the range is not known, or its tickets
// cost another currency, what the money is for waits in suspense.
func (d *decision) ticketsSold(f *events.TicketsSold) {
	a := f.Money()
	c := a.Currency()
	from, line := inCurrency("clearing:"+string(f.Method), c), ""
	switch {
	case f.Method == "cash":
		from = inCurrency("cash:collector:"+string(f.Collector), c)
	case f.Line != "":
		from, _, line = d.incoming(f.Line, a)
	}
	if f.Line != "" && !d.explains() {
		return
	}
	row, known := get[rangeRow](d, rangeKey(f.Range))
	if known = known && !row.Void; !known || row.Currency != c {
		if !known {
			d.unusual("range_unknown")
		} else {
			d.unusual("other_currency")
		}
		d.unusual(line)
		d.transfer("tickets_sold", a, from, suspenseIn(c).path)
		return
	}
	n, price := int64(*f.Count), events.Money(row.Price, row.Currency).Minor()
	if f.Method == "cash" && row.Collector != f.Collector {
		d.unusual("other_collector")
	}
	d.unusual(line)
	if row.Sold+n > row.Tickets {
		d.unusual("more_than_range")
	}
	if a.Minor()%price != 0 || a.Minor()/price != n { // a product might not fit
		d.unusual("price_differs")
	}
	row.Sold += n
	d.put(rangeKey(f.Range), row)
	d.put(undoKey(d.record.Offset), undoRow{Range: f.Range, Of: row.Offset, Sold: n})
	d.transfer("tickets_sold", a, from, inCurrency("income:"+string(row.Item), c))
}

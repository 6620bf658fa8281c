package sample

import (
	"cmp"
	"fmt"
	"slices"

	"socho/events"
)

// payee is a book that collects bills: a market or a school.
type payee struct {
	*book
	fact     string // of a payment: market.payment_received or school.bill_paid
	offline  bool   // its collectors have no signal
	intents  []intent
	tills    []till  // of its collectors
	clearing [2]till // of what operators owe: card, e-wallet
	broke    int     // which breakage came last
}

// intent is a payment that is going to happen.
type intent struct {
	on     int64 // when the money changes hands
	late   int64 // how much later it is written down
	person events.ID
	bill   events.ID
	code   string
	amount int64
	due    int64 // what is owed before it
	method events.Word
	who    int       // the collector of cash
	line   events.ID // that carried it along with others
	plain  bool      // a whole payment of one bill, which a mishap may befall
}

// till is money on its way to the bank.
type till struct {
	name    events.ID
	in      []entry
	devices int // collections noted on its device so far
}

type entry struct{ at, amount int64 }

// take empties the till of what came before a moment.
func (t *till) take(before int64) (sum int64) {
	left := t.in[:0]
	for _, e := range t.in {
		if e.at < before {
			sum += e.amount
		} else {
			left = append(left, e)
		}
	}
	t.in = left
	return sum
}

func (p *payee) staff(n int) {
	for i := range n {
		p.tills = append(p.tills, till{name: events.ID(fmt.Sprintf("nv-%02d", i+1))})
	}
	p.clearing[0].name, p.clearing[1].name = "card", "ewallet"
}

func (p *payee) payment(i *intent, amount int64) events.Fact {
	f := events.Payment{
		Dated: on(dateOf(i.on)), MaybeOf: events.MaybeOf{Person: i.person}, Sum: vnd(amount),
		Bill: i.bill, Method: i.method, Line: i.line,
	}
	if i.method == "cash" {
		f.Collector = p.tills[i.who].name
	}
	if p.fact == "market.payment_received" {
		return &events.PaymentReceived{Payment: f}
	}
	return &events.BillPaid{Payment: f}
}

// settleAll writes the month's payments in the order in which they were made,
// then brings cash and what operators owe to the bank, week by week.
func (p *payee) settleAll(m month) {
	slices.SortStableFunc(p.intents, func(a, b intent) int { return cmp.Compare(a.on, b.on) })
	for i := range p.intents {
		p.pay(m, &p.intents[i])
	}
	p.intents = p.intents[:0]
	for _, day := range []int{7, 14, 21, 28} {
		for i := range p.tills {
			p.bank(m.at(day, 15, 10+i), &p.tills[i])
		}
		for i := range p.clearing {
			p.clear(m.at(day, 16, 20+i), &p.clearing[i])
		}
	}
}

func (p *payee) bank(at int64, t *till) {
	sum := t.take(at)
	if sum == 0 {
		return
	}
	line := p.lineIn(at, sum)
	p.emit(at+20*minute, "market.cash_banked", &events.CashBanked{
		Dated: on(dateOf(at)), Sum: vnd(sum), Collector: t.name, Line: line,
	}, note{})
}

func (p *payee) clear(at int64, t *till) {
	sum := t.take(at)
	if sum == 0 {
		return
	}
	line := p.lineIn(at, sum)
	p.emit(at+20*minute, "bank.line_allocated", &events.LineAllocated{
		Dated: on(dateOf(at)), Sum: vnd(sum), Line: line, Clearing: events.Word(t.name),
	}, note{})
}

// pay writes one payment, with what leads up to it and what goes wrong.
func (p *payee) pay(m month, i *intent) {
	at, n := i.on+i.late, note{}
	if i.plain && i.late == 0 {
		if kind := p.breaks(); kind != nil {
			p.broken(at-5*minute, i, kind)
		}
	}
	switch i.method {
	case "bank", "qr":
		if i.line == "" {
			i.line = p.bankLine(at, i.amount, "in", "payment", i.person, p.content(i.code), i.plain && p.happens("line seen twice"))
			at += 2 * second
		}
	case "card":
		p.clearing[0].in = append(p.clearing[0].in, entry{at, i.amount})
	case "ewallet":
		p.clearing[1].in = append(p.clearing[1].in, entry{at, i.amount})
	case "cash":
		t := &p.tills[i.who]
		if p.offline {
			t.devices++
			n.device, n.deviceSeq = "may-"+t.name, t.devices
			n.tickets = events.ID("bl-" + m.short)
		} else if i.plain && p.happens("typed wrong") {
			wrong := p.payment(i, i.amount-9000) // two digits swapped
			p.reverse(at+minute, p.emit(at, p.fact, wrong, note{}), "")
			at += 2 * minute
		}
		t.in = append(t.in, entry{at, i.amount})
	}
	if i.amount > i.due {
		n.want = "posted overpaid"
	}
	if i.due < 0 {
		n.want = "posted bill_unknown"
	}
	n.again = i.plain && p.happens("same line again")
	id := p.emit(at, p.fact, p.payment(i, i.amount), n)
	p.g.tally.payment(dateOf(i.on), i.method, i.amount, 1)
	if i.plain && p.happens("same id, other amount") {
		p.emit(at+20*minute, p.fact, p.payment(i, i.amount+1000), note{id: id, want: "conflict other_content"})
	}
}

// reduce waives or exempts a part of a bill.
func (p *payee) reduce(at int64, name string, bill events.ID, amount int64, reason events.Word, want string) {
	r := events.Reduction{Dated: on(dateOf(at)), Sum: vnd(amount), Bill: bill, Reason: reason}
	var f events.Fact = &events.BillExempted{Reduction: r}
	if name == "market.fee_waived" {
		f = &events.FeeWaived{Reduction: r}
	}
	p.emit(at, name, f, note{want: want})
}

// charge is one item of a bill in đồng.
type charge struct {
	item   events.Word
	amount int64
	duty   events.Word
}

// bill is the items of charges with their sum.
func bill(charges []charge) (items []events.Item, total int64) {
	for _, c := range charges {
		items = append(items, events.Item{Item: c.item, Amount: decimal(c.amount), InvoiceDuty: c.duty})
		total += c.amount
	}
	return items, total
}

package simulation

import "fmt"

// bill is one that a market or school has issued.
type bill struct {
	id, holder, event string
	amount, owed      int64
	placed            bool // something stands on it
	reversed          bool
}

// bankLine is money that has come in.
type bankLine struct {
	id     string
	amount int64
	left   int64 // not yet placed, as far as the id still proves anything
}

// issue writes a bill under an id.
func (o *organization) issue(want, id string, b *bill) *line {
	d := data{"bill": id, "period": "2026-09", "due_on": "2026-09-15", "currency": "VND", "person": fmt.Sprintf("p-%d", 1+o.rng.IntN(30))}
	first := 1 + o.rng.Int64N(b.amount)
	items := []data{{"item": "management", "amount": dong(first)}}
	if rest := b.amount - first; rest > 0 {
		items = append(items, data{"item": "security", "amount": dong(rest)})
	}
	d["items"] = items
	fresh := o.rng.IntN(3) == 0
	if fresh { // a person of whom nothing was said yet
		person := o.id("p")
		d["person"], d["personal"] = person, data{"name": "Nguyễn Văn Mẫu", "phone": "0912000001"}
		if o.kind == "school" && want == "posted" {
			o.erasable = append(o.erasable, person)
		}
	}
	name := "market.fee_assessed"
	if o.kind == "school" {
		name = "school.bill_issued"
		d["class"] = "1A"
		b.holder = "pupil:" + d["person"].(string)
	} else {
		d["stall"] = fmt.Sprintf("A%d", 1+o.rng.IntN(9))
		b.holder = "stall:" + d["stall"].(string)
	}
	l := o.fact(want, name, d)
	l.newPerson = fresh
	return l
}

func (o *organization) newBill() *line {
	b := &bill{id: o.id("b"), amount: o.amount(60_000)}
	b.owed = b.amount
	l := o.issue("posted", b.id, b)
	b.event = l.id
	o.bills = append(o.bills, b)
	return l
}

func standing(b *bill) bool { return !b.reversed }

func (o *organization) standingBill() *bill { return one(o.rng, o.bills, standing) }

// billAgain enters a bill's id anew: refused, unless the bill was reversed.
func (o *organization) billAgain() *line {
	b := o.standingBill()
	if b == nil {
		return nil
	}
	return o.issue("refused", b.id, &bill{amount: o.amount(60_000)})
}

func (o *organization) paymentFact(b string, n int64, method string, more data) *line {
	d := money(n, data{"bill": b, "method": method})
	for k, v := range more {
		d[k] = v
	}
	name := "market.payment_received"
	if o.kind == "school" {
		name = "school.bill_paid"
	}
	return o.fact("posted", name, d)
}

// pay takes an amount off a bill; what is too much becomes the payer's credit.
func (b *bill) pay(n int64) {
	b.owed -= min(n, b.owed)
	b.placed = true
}

func (o *organization) cashPayment() *line {
	b := o.standingBill()
	if b == nil {
		return nil
	}
	n, collector := o.amount(2*b.amount), fmt.Sprintf("c-%d", 1+o.rng.IntN(3))
	b.pay(n)
	o.cash[collector] += n
	return o.paymentFact(b.id, n, "cash", data{"collector": collector})
}

func (o *organization) lineIn() *line {
	l := &bankLine{id: o.id("l"), amount: o.amount(200_000)}
	l.left = l.amount
	o.in = append(o.in, l)
	return o.lineFact("posted", l, l.amount)
}

func (o *organization) lineFact(want string, l *bankLine, n int64) *line {
	return o.fact(want, "bank.line_received", money(n, data{"line": l.id, "account": "main", "direction": "in", "kind": "payment"}))
}

func (o *organization) filledLine() *bankLine {
	return one(o.rng, o.in, func(l *bankLine) bool { return l.left > 0 })
}

func (o *organization) linePayment() *line {
	b, l := o.standingBill(), o.filledLine()
	if b == nil || l == nil {
		return nil
	}
	n := o.amount(2 * b.amount)
	b.pay(n)
	l.left -= min(n, l.left)
	return o.paymentFact(b.id, n, "bank", data{"line": l.id})
}

// unprovedPayment pays by a way that is not on any line yet, or names a line
// that nobody has seen: what is too much is nobody's credit.
func (o *organization) unprovedPayment() *line {
	b := o.standingBill()
	if b == nil {
		return nil
	}
	n := o.amount(2 * b.amount)
	b.pay(n)
	if o.rng.IntN(2) == 0 {
		return o.paymentFact(b.id, n, "bank", data{"line": o.id("unseen")})
	}
	return o.paymentFact(b.id, n, "qr", nil)
}

// lineSeenAgain is a line that a second statement holds too.
func (o *organization) lineSeenAgain() *line {
	l := one(o.rng, o.in, func(*bankLine) bool { return true })
	if l == nil {
		return nil
	}
	return o.lineFact("recorded", l, l.amount)
}

// lineDiffers is another entry under a line's id: it moves the bank, and the id
// proves nothing any more.
func (o *organization) lineDiffers() *line {
	l := o.filledLine()
	if l == nil {
		return nil
	}
	l.left = 0
	return o.lineFact("posted", l, l.amount+1)
}

// strayPayment pays a bill that nobody issued: money came, so it is posted.
func (o *organization) strayPayment() *line {
	return o.paymentFact(o.id("nobill"), o.amount(50_000), "qr", nil)
}

func (o *organization) allocate(want string, b *bill, l *bankLine, n int64) *line {
	return o.fact(want, "bank.line_allocated", money(n, data{"line": l.id, "bill": b.id}))
}

func (o *organization) allocation() *line {
	b, l := o.standingBill(), o.filledLine()
	if b == nil || l == nil {
		return nil
	}
	n := o.amount(l.left)
	b.pay(n)
	l.left -= n
	return o.allocate("posted", b, l, n)
}

func (o *organization) excessAllocation() *line {
	b, l := o.standingBill(), o.filledLine()
	if b == nil || l == nil {
		return nil
	}
	return o.allocate("refused", b, l, l.left+o.amount(1000))
}

func (o *organization) reduce(want string, b *bill, n int64) *line {
	name := "market.fee_waived"
	if o.kind == "school" {
		name = "school.bill_exempted"
	}
	return o.fact(want, name, money(n, data{"bill": b.id, "reason": "policy"}))
}

func (o *organization) reduction() *line {
	b := one(o.rng, o.bills, func(b *bill) bool { return standing(b) && b.owed > 0 })
	if b == nil {
		return nil
	}
	n := o.amount(b.owed)
	b.owed -= n
	b.placed = true
	return o.reduce("posted", b, n)
}

func (o *organization) excessReduction() *line {
	b := o.standingBill()
	if b == nil {
		return nil
	}
	return o.reduce("refused", b, b.owed+o.amount(1000))
}

func (o *organization) cashBanked() *line {
	l := o.filledLine()
	if l == nil {
		return nil
	}
	for collector := range 3 {
		name := fmt.Sprintf("c-%d", 1+collector)
		if held := o.cash[name]; held > 0 {
			n := o.amount(min(held, l.left))
			o.cash[name] -= n
			l.left -= n
			return o.fact("posted", "market.cash_banked", money(n, data{"collector": name, "line": l.id}))
		}
	}
	return nil
}

func (o *organization) stallLet() *line {
	return o.fact("recorded", "market.stall_let", data{"person": fmt.Sprintf("p-%d", 1+o.rng.IntN(30)), "stall": fmt.Sprintf("A%d", 1+o.rng.IntN(9))})
}

func (o *organization) reverse(want, event string) *line {
	return o.fact(want, "ledger.reversed", data{"reverses": event, "reverses_source": source, "reason": "mistake"})
}

// reversal takes a bill back on which nothing stands.
func (o *organization) reversal() *line {
	b := one(o.rng, o.bills, func(b *bill) bool { return standing(b) && !b.placed })
	if b == nil {
		return nil
	}
	b.reversed = true
	return o.reverse("posted", b.event)
}

func (o *organization) reversalAgain() *line {
	b := one(o.rng, o.bills, func(b *bill) bool { return b.reversed })
	if b == nil {
		return nil
	}
	return o.reverse("refused", b.event)
}

func (o *organization) strayReversal() *line { return o.reverse("refused", o.id("nothing")) }

// erasure destroys the contact key of a person of whom nothing more is said.
func (o *organization) erasure() *line {
	if len(o.erasable) == 0 {
		return nil
	}
	person := o.erasable[0]
	o.erasable = o.erasable[1:]
	return o.fact("recorded", "person.erased", data{"person": person, "scope": "contact"})
}

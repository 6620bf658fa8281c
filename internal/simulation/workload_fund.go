package simulation

import "fmt"

// month is what a person is entitled to in one month, and what of it is left to
// be ordered.
type month struct {
	person, period string
	left           int64
	closed         bool // stopped, or paid beyond what was ordered
}

// payout is one order: what is still to be sent, on its way, and settled.
type payout struct {
	month                   *month
	id                      string
	payable, clear, settled int64
	returned                int64
}

const programme = "social_assistance"

func (o *organization) funded() *line {
	l := o.filledLine()
	if l == nil {
		return nil
	}
	n := l.left
	l.left = 0
	o.fund += n
	return o.fact("posted", "benefit.funded", money(n, data{"line": l.id}))
}

func (o *organization) entitled() *line {
	m := &month{person: o.id("p"), period: fmt.Sprintf("2026-%02d", 1+o.rng.IntN(12)), left: 500_000}
	o.months = append(o.months, m)
	return o.fact("recorded", "benefit.person_entitled", money(m.left, data{"person": m.person, "programme": programme, "period": m.period, "unit": "00721"}))
}

func (o *organization) order(want, payout string, m *month, n int64) *line {
	return o.fact(want, "benefit.payout_ordered", money(n, data{"person": m.person, "payout": payout, "programme": programme,
		"period": m.period, "unit": "00721", "method": "account"}))
}

func (o *organization) openMonth() *month {
	return one(o.rng, o.months, func(m *month) bool { return m.left > 0 && !m.closed })
}

func (o *organization) ordered() *line {
	m := o.openMonth()
	if m == nil || o.fund == 0 {
		return nil
	}
	p := &payout{month: m, id: o.id("o"), payable: o.amount(min(m.left, o.fund))}
	m.left -= p.payable
	o.fund -= p.payable
	o.payouts = append(o.payouts, p)
	return o.order("posted", p.id, m, p.payable)
}

// overOrdered asks for more than the person may have.
func (o *organization) overOrdered() *line {
	m := o.openMonth()
	if m == nil {
		return nil
	}
	return o.order("refused", o.id("o"), m, m.left+o.amount(1000))
}

func (o *organization) notEntitled() *line {
	return o.order("refused", o.id("o"), &month{person: o.id("p"), period: "2026-09"}, o.amount(1000))
}

// orderedAgain orders under an id that is taken.
func (o *organization) orderedAgain() *line {
	m := o.openMonth()
	p := o.payout()
	if m == nil || p == nil {
		return nil
	}
	return o.order("refused", p.id, m, 1)
}

// payout is any that was ordered.
func (o *organization) payout() *payout {
	return one(o.rng, o.payouts, func(*payout) bool { return true })
}

// settledBeyond: the bank reports more than was on its way. It posts, is to be
// recovered, and bars the month.
func (o *organization) settledBeyond() *line {
	p := o.payout()
	if p == nil {
		return nil
	}
	n := p.payable + p.clear + p.returned + o.amount(1000)
	p.payable, p.clear, p.returned = 0, 0, 0
	p.month.closed = true
	return o.settle(p.id, n)
}

// strayCash was handed over for a payout that nobody has ordered.
func (o *organization) strayCash() *line {
	return o.fact("posted", "benefit.paid_in_cash", money(o.amount(1000), data{"payout": o.id("noorder"), "pay_point": "bd-1"}))
}

func (o *organization) paidInCash() *line {
	p := one(o.rng, o.payouts, func(p *payout) bool { return p.payable > 0 })
	if p == nil {
		return nil
	}
	n := o.amount(p.payable)
	p.payable -= n
	p.settled += n
	return o.fact("posted", "benefit.paid_in_cash", money(n, data{"payout": p.id, "pay_point": "bd-1"}))
}

func (o *organization) stopped() *line {
	m := o.openMonth()
	if m == nil {
		return nil
	}
	m.closed = true
	return o.fact("recorded", "benefit.person_stopped", data{"person": m.person, "programme": programme, "from_period": m.period, "reason": "death"})
}

// orderedLate orders for a month that is closed.
func (o *organization) orderedLate() *line {
	m := one(o.rng, o.months, func(m *month) bool { return m.closed })
	if m == nil {
		return nil
	}
	return o.order("refused", o.id("o"), m, m.left+o.amount(1000))
}

func (o *organization) send(want string, p *payout, n int64) *line {
	return o.fact(want, "benefit.payout_sent", money(n, data{"payout": p.id}))
}

func (o *organization) sentOut() *line {
	p := one(o.rng, o.payouts, func(p *payout) bool { return p.payable+p.returned > 0 && !p.month.closed })
	if p == nil {
		return nil
	}
	n := p.payable + p.returned
	p.payable, p.returned, p.clear = 0, 0, p.clear+n
	return o.send("posted", p, n)
}

func (o *organization) oversent() *line {
	p := o.payout()
	if p == nil {
		return nil
	}
	return o.send("refused", p, p.payable+p.returned+o.amount(1000))
}

func (o *organization) onItsWay() *payout {
	return one(o.rng, o.payouts, func(p *payout) bool { return p.clear > 0 })
}

func (o *organization) settled() *line {
	p := o.onItsWay()
	if p == nil {
		return nil
	}
	n := p.clear
	p.clear, p.settled = 0, p.settled+n
	return o.settle(p.id, n)
}

func (o *organization) settle(payout string, n int64) *line {
	return o.fact("posted", "benefit.payout_settled", money(n, data{"payout": payout, "line": o.id("out")}))
}

// rejected: the bank never carried the order out.
func (o *organization) rejected() *line {
	p := o.onItsWay()
	if p == nil {
		return nil
	}
	n := p.clear
	p.clear, p.returned = 0, p.returned+n
	return o.fact("posted", "benefit.payout_returned", money(n, data{"payout": p.id, "reason": "no_account"}))
}

// cameBack: settled money came in again on a line.
func (o *organization) cameBack() *line {
	p := one(o.rng, o.payouts, func(p *payout) bool { return p.settled > 0 && !p.month.closed })
	l := o.filledLine()
	if p == nil || l == nil {
		return nil
	}
	n := o.amount(min(p.settled, l.left))
	p.settled -= n
	p.returned += n
	l.left -= n
	return o.fact("posted", "benefit.payout_returned", money(n, data{"payout": p.id, "line": l.id, "reason": "closed"}))
}

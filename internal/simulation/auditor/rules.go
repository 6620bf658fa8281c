package auditor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// book is one organization: what its facts have said, beside the balances.
type book struct {
	name    string
	bills   map[string]string      // bill → whose: stall:… or pupil:…
	lines   map[string][][4]string // line → entries under it: account, direction, amount, currency
	payouts map[string]*order      // by id
	grants  map[[3]string]int64    // person, programme, period → amount
	stops   map[[2]string]string   // person, programme → from which period
	undone  map[[2]string]bool     // source, id → reversed
}

// order is a payout that was ordered.
type order struct {
	person, programme, period string
	amount                    int64
}

// pen writes down one decision.
type pen struct {
	a    *Auditor
	b    *book
	v    *Verdict
	data map[string]any
	bad  error
}

func (a *Auditor) decide(fact string, e *event, v *Verdict) error {
	b := a.books[e.Subject]
	if b == nil {
		b = &book{name: e.Subject, bills: map[string]string{}, lines: map[string][][4]string{}, payouts: map[string]*order{},
			grants: map[[3]string]int64{}, stops: map[[2]string]string{}, undone: map[[2]string]bool{}}
		a.books[e.Subject] = b
	}
	p := &pen{a: a, b: b, v: v, data: e.Data}
	switch fact {
	case "shard.opened", "shard.rules_activated", "organization.registered", "market.stall_let", "person.erased":
		v.Status = "recorded"
	case "market.fee_assessed":
		p.bill("stall:"+p.text("stall"), "income:")
	case "school.bill_issued":
		p.bill("pupil:"+p.text("person"), "held:")
	case "market.payment_received", "school.bill_paid":
		p.payment()
	case "market.fee_waived", "school.bill_exempted":
		p.reduction()
	case "market.cash_banked":
		p.banked()
	case "bank.line_received":
		p.lineReceived()
	case "bank.line_allocated":
		p.allocated()
	case "ledger.reversed":
		p.reversed(e)
	default:
		if !p.benefit(fact) {
			return fmt.Errorf("the auditor has no rule for %s", fact)
		}
	}
	return p.bad
}

// text returns a field that may be missing.
func (p *pen) text(field string) string {
	s, _ := p.data[field].(string)
	return s
}

func (p *pen) whole(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		p.bad = fmt.Errorf("the auditor reads whole đồng only, not %q", s)
	}
	return n
}

// amount returns the fact's amount.
func (p *pen) amount() int64 {
	if p.text("currency") != "VND" {
		p.bad = fmt.Errorf("the auditor reads đồng only")
	}
	return p.whole(p.text("amount"))
}

func (p *pen) refuse(code string) { p.v.Status, p.v.Code, p.v.Moves = "refused", code, nil }

func (p *pen) move(amount int64, debit, credit string) {
	if amount > 0 {
		p.v.Moves = append(p.v.Moves, Move{p.b.name + ":" + debit, p.b.name + ":" + credit, amount})
		p.v.Status = "posted"
	}
}

// debitLeft is what an account was debited with beyond its credits; creditLeft
// the other way round. Neither is below zero.
func (p *pen) debitLeft(path string) int64 {
	s := p.a.Balances[p.b.name+":"+path]
	return max(s.Debits-s.Credits, 0)
}

func (p *pen) creditLeft(path string) int64 {
	s := p.a.Balances[p.b.name+":"+path]
	return max(s.Credits-s.Debits, 0)
}

func (p *pen) bill(holder, to string) {
	id := p.text("bill")
	if p.b.bills[id] != "" {
		p.refuse("bill_exists")
		return
	}
	if p.text("reference") != "" {
		p.bad = fmt.Errorf("the auditor knows no reference codes")
	}
	p.b.bills[id] = holder
	items, _ := p.data["items"].([]any)
	for _, item := range items {
		of, _ := item.(map[string]any)
		name, _ := of["item"].(string)
		amount, _ := of["amount"].(string)
		p.move(p.whole(amount), holder+":receivable:"+id, to+name)
	}
}

// place credits a bill. What is too much is the payer's credit as far as the
// money is proved to be there, and else waits in suspense.
func (p *pen) place(from string, amount, proved int64) {
	holder, bill := p.b.bills[p.text("bill")], p.text("bill")
	if holder == "" {
		p.move(amount, from, suspense)
		return
	}
	owed := holder + ":receivable:" + bill
	due := p.debitLeft(owed)
	part := min(amount, due)
	credit := min(amount-part, max(proved-due, 0))
	p.move(part, from, owed)
	p.move(credit, from, holder+":credit")
	p.move(amount-part-credit, from, suspense)
}

const suspense = "suspense:in"

func (p *pen) payment() {
	amount := p.amount()
	from, proved := "clearing:"+p.text("method"), int64(0)
	if p.text("method") == "cash" {
		from, proved = "cash:collector:"+p.text("collector"), amount
	} else if line := p.text("line"); line != "" {
		from = "unallocated:in:" + line
		proved, _ = p.placeable(line)
	}
	p.place(from, amount, proved)
}

func (p *pen) reduction() {
	holder, bill, amount := p.b.bills[p.text("bill")], p.text("bill"), p.amount()
	owed := holder + ":receivable:" + bill
	switch {
	case holder == "":
		p.refuse("bill_unknown")
	case amount > p.debitLeft(owed):
		p.refuse("more_than_owed")
	default:
		p.move(amount, "waivers:"+p.text("reason"), owed)
	}
}

func (p *pen) banked() {
	from := "cash:collector:" + p.text("collector")
	if point := p.text("pay_point"); point != "" {
		from = "cash:paypoint:" + point
	}
	p.move(p.amount(), "unallocated:in:"+p.text("line"), from)
}

func (p *pen) lineReceived() {
	id, amount := p.text("line"), p.amount()
	said := [4]string{p.text("account"), p.text("direction"), p.text("amount"), p.text("currency")}
	if slices.Contains(p.b.lines[id], said) {
		p.v.Status = "recorded"
		return
	}
	p.b.lines[id] = append(p.b.lines[id], said)
	if p.text("kind") != "payment" || len(p.b.lines[id]) > 15 {
		p.bad = fmt.Errorf("the auditor knows no charges, no interest and no line of so many entries")
	}
	bank, own := "bank:"+p.text("account"), "unallocated:"+p.text("direction")+":"+id
	if p.text("direction") == "in" {
		p.move(amount, bank, own)
	} else {
		p.move(amount, own, bank)
	}
}

// placeable is what is left of a line that came in; bad says why its id proves
// nothing.
func (p *pen) placeable(line string) (left int64, bad string) {
	entries := 0
	for _, said := range p.b.lines[line] {
		if said[1] == "in" {
			entries++
		}
	}
	switch entries {
	case 0:
		return 0, "line_unknown"
	case 1:
		return p.creditLeft("unallocated:in:" + line), ""
	}
	return 0, "line_differs"
}

func (p *pen) allocated() {
	line, amount := p.text("line"), p.amount()
	left, bad := p.placeable(line)
	switch {
	case bad != "":
		p.refuse(bad)
	case amount > left:
		p.refuse("more_than_line")
	case p.text("clearing") != "":
		if p.debitLeft("clearing:"+p.text("clearing")) < amount {
			p.refuse("more_than_clearing")
			return
		}
		p.move(amount, "unallocated:in:"+line, "clearing:"+p.text("clearing"))
	case p.b.bills[p.text("bill")] == "":
		p.refuse("bill_unknown")
	default:
		p.place("unallocated:in:"+line, amount, amount+left)
	}
}

// reversed takes a bill back; the auditor reverses nothing else.
func (p *pen) reversed(e *event) {
	target := [3]string{e.Subject, p.text("reverses_source"), p.text("reverses")}
	held, known := p.a.Claims[target]
	switch {
	case !known:
		p.refuse("event_unknown")
		return
	case held.Status != "posted" && held.Status != "recorded":
		p.refuse("nothing_to_reverse")
		return
	case held.Type == "ledger.reversed":
		p.refuse("reversal_of_reversal")
		return
	case p.b.undone[[2]string{target[1], target[2]}]:
		p.refuse("already_reversed")
		return
	case held.Type != "market.fee_assessed" && held.Type != "school.bill_issued":
		p.bad = fmt.Errorf("the auditor reverses bills only, not %s", held.Type)
		return
	}
	_, bill, _ := strings.Cut(held.moves[0].Debit, ":receivable:")
	var amount int64
	for _, m := range held.moves {
		amount += m.Amount
	}
	if p.debitLeft(strings.TrimPrefix(held.moves[0].Debit, p.b.name+":")) < amount {
		p.refuse("limit_exceeded")
		return
	}
	for i := len(held.moves) - 1; i >= 0; i-- {
		m := held.moves[i]
		p.v.Moves = append(p.v.Moves, Move{m.Credit, m.Debit, m.Amount})
	}
	p.v.Status = "posted"
	delete(p.b.bills, bill)
	p.b.undone[[2]string{target[1], target[2]}] = true
}

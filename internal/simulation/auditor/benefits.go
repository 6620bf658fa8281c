package auditor

// benefit decides the facts of a fund; false where the fact is none of them.
func (p *pen) benefit(fact string) bool {
	switch fact {
	case "benefit.person_entitled":
		p.b.grants[[3]string{p.text("person"), p.text("programme"), p.text("period")}] = p.amount()
		p.v.Status = "recorded"
	case "benefit.person_stopped":
		key, from := [2]string{p.text("person"), p.text("programme")}, p.text("from_period")
		if before := p.b.stops[key]; before == "" || from < before {
			p.b.stops[key] = from
		}
		p.v.Status = "recorded"
	case "benefit.funded":
		p.funded()
	case "benefit.payout_ordered":
		p.ordered()
	case "benefit.payout_sent":
		p.sent()
	case "benefit.payout_settled":
		p.left("unallocated:out:"+p.text("line"), "clearing", "payable", "returned")
	case "benefit.paid_in_cash":
		p.left("cash:paypoint:"+p.text("pay_point"), "payable", "returned", "clearing")
	case "benefit.payout_returned":
		p.returned()
	default:
		return false
	}
	return true
}

const fund = "grants:received"

func (p *pen) funded() {
	amount := p.amount()
	left, _ := p.placeable(p.text("line"))
	from := "unallocated:in:" + p.text("line")
	part := min(amount, left)
	p.move(part, from, fund)
	p.move(amount-part, from, suspense)
}

// month is an account of the person's month that an order is for.
func (o *order) month(kind string) string {
	return "person:" + o.person + ":" + kind + ":" + o.programme + ":" + o.period
}

// stopped reports whether the month of an order is closed.
func (p *pen) stopped(o *order) bool {
	from := p.b.stops[[2]string{o.person, o.programme}]
	return from != "" && o.period >= from
}

func (p *pen) ordered() {
	o := &order{person: p.text("person"), programme: p.text("programme"), period: p.text("period"), amount: p.amount()}
	entitled, known := p.b.grants[[3]string{o.person, o.programme, o.period}]
	switch {
	case p.b.payouts[p.text("payout")] != nil:
		p.refuse("payout_exists")
	case p.debitLeft("suspense:out:"+p.text("payout")) > 0:
		p.refuse("payout_left")
	case p.stopped(o):
		p.refuse("person_stopped")
	case !known:
		p.refuse("not_entitled")
	case o.amount > entitled-p.debitLeft(o.month("granted"))-p.debitLeft(o.month("recoverable")):
		p.refuse("over_entitlement")
	case o.amount > p.creditLeft(fund):
		p.refuse("fund_exhausted")
	default:
		p.b.payouts[p.text("payout")] = o
		p.move(o.amount, o.month("granted"), p.stage("payable"))
		p.move(o.amount, fund, "grants:used")
	}
}

// stage is one of the accounts of the payout that the fact names.
func (p *pen) stage(name string) string {
	return "person:" + p.b.payouts[p.text("payout")].person + ":" + name + ":" + p.text("payout")
}

// take moves an amount out of a payout's stages in turn, as far as they hold
// it, and returns what is left.
func (p *pen) take(amount int64, to string, stages ...string) int64 {
	for _, name := range stages {
		part := min(amount, p.creditLeft(p.stage(name)))
		p.move(part, p.stage(name), to)
		amount -= part
	}
	return amount
}

func (p *pen) sent() {
	amount, o := p.amount(), p.b.payouts[p.text("payout")]
	if o == nil {
		p.refuse("payout_unknown")
		return
	}
	owed := p.creditLeft(p.stage("payable")) + p.creditLeft(p.stage("returned")) - p.debitLeft(o.month("recoverable"))
	switch {
	case p.stopped(o):
		p.refuse("person_stopped")
	case p.debitLeft(o.month("granted")) > p.b.grants[[3]string{o.person, o.programme, o.period}]:
		p.refuse("over_entitlement")
	case amount > max(owed, 0):
		p.refuse("more_than_payable")
	default:
		p.take(amount, p.stage("clearing"), "payable", "returned")
	}
}

// left is money that reached a person: from the payout's stages in turn, and
// beyond them to be recovered; of no payout that is known, in suspense.
func (p *pen) left(to string, stages ...string) {
	amount, o := p.amount(), p.b.payouts[p.text("payout")]
	if o == nil {
		p.move(amount, "suspense:out:"+p.text("payout"), to)
		return
	}
	beyond := p.take(amount, to, stages...)
	p.move(beyond, p.stage("clearing"), to)
	p.move(beyond, o.month("recoverable"), p.stage("clearing"))
}

func (p *pen) returned() {
	amount, o := p.amount(), p.b.payouts[p.text("payout")]
	if p.text("line") == "" {
		if o == nil || p.creditLeft(p.stage("clearing")) == 0 {
			p.v.Status = "recorded"
			return
		}
		p.take(amount, p.stage("returned"), "clearing")
		return
	}
	left, _ := p.placeable(p.text("line"))
	from, proved, placed := "unallocated:in:"+p.text("line"), min(amount, left), int64(0)
	if o != nil {
		recovered := min(proved, p.debitLeft(o.month("recoverable")))
		away := o.amount - p.creditLeft(p.stage("payable")) - p.creditLeft(p.stage("clearing")) - p.creditLeft(p.stage("returned"))
		again := max(min(proved-recovered, away), 0)
		p.move(recovered+again, from, p.stage("returned"))
		p.move(recovered, p.stage("returned"), o.month("recoverable"))
		placed = recovered + again
	}
	p.move(amount-placed, from, suspense)
}

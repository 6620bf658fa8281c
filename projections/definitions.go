package projections

import (
	"cmp"
	"slices"
)

// The definitions of the published figures, version 1. A definition that has
// published a figure is never changed.
//
//	benefits.persons@1       persons with a payout of the period that a bank or wallet
//	                         carried out and that did not come back ÷ persons entitled for the period
//	benefits.count@1         payouts of the period carried out by bank or wallet ÷ those and
//	                         the ones paid in cash
//	benefits.value@1         the same, in đồng
//	fees.count@1             payments effective in the period by bank, qr, card or ewallet ÷
//	                         all payments, cash included
//	fees.value@1             the same, in đồng
//	schools.institutions@1   institutions last reported accepting ÷ all reported
//	systems.institutions@1   systems last reported connected ÷ all reported
//	einvoices.institutions@1 the latest surveyed figure of each unit, added up
//	accounts.persons@1       likewise
//
// For all of them: an event that was reversed counts as if it had never been.
// A payout's settlements and returns are taken in the order of the day they
// are effective on, then of the log: a return cancels the settlements before
// it, and a later settlement counts again. A person's unit is that of the
// latest entitlement of the period; a payout has the unit of its person's
// entitlement for its month, or else the order's own; a payment that of its
// organization. "Latest" means by effective day, then by position. Ids belong
// to the organization that gave them; codes of units are everybody's. Amounts
// of other currencies than đồng are counted but add nothing by value.

func (s *selection) items(by string) []item {
	switch s.query.Domain {
	case Benefits:
		return s.benefits(by)
	case Fees:
		return s.fees(by)
	case Schools, Systems:
		return s.institutions()
	}
	return s.surveys()
}

// person and month name an entitlement; month is left out for all of a
// person's.
type entitled struct{ organization, person, month string }

// payout is one payout with what became of it.
type payout struct {
	order   int
	stands  bool
	steps   []int // places of its settlements, returns and cash payments
	refs    []int
	bank    bool // carried out by bank or wallet, and not returned
	cash    bool
	settled int64 // đồng, likewise
	handed  int64
}

func (s *selection) benefits(by string) []item {
	unit := map[entitled]int{}      // person and month → place of the latest entitlement
	persons := map[entitled]*item{} // person
	newest := map[entitled]int{}
	var order []entitled
	payouts := map[[2]string]*payout{}
	var paid [][2]string
	for i := range s.facts {
		f := &s.facts[i]
		if !s.months[f.Period] {
			continue
		}
		switch f.Kind {
		case FactEntitled:
			if _, gone := s.reversed[eventKey{f.Organization, f.Source, f.EventID}]; gone {
				continue
			}
			who := entitled{f.Organization, f.Person, ""}
			if persons[who] == nil {
				persons[who] = &item{whole: 1}
				order = append(order, who)
			}
			persons[who].refs = append(persons[who].refs, i)
			newest[who] = i // facts are in log order, and an organization is in one shard
			unit[entitled{f.Organization, f.Person, f.Period}] = i
		case FactOrdered:
			key := [2]string{f.Organization, f.Subject}
			p := &payout{order: i}
			p.stands = s.stands(i, &p.refs)
			payouts[key] = p
			paid = append(paid, key)
		}
	}
	for i := range s.facts {
		switch f := &s.facts[i]; f.Kind {
		case FactSettled, FactReturned, FactPaidCash:
			if p := payouts[[2]string{f.Organization, f.Subject}]; p != nil && s.stands(i, &p.refs) {
				p.steps = append(p.steps, i)
			}
		}
	}
	for _, p := range payouts {
		s.walk(p)
	}
	if by == ByPersons {
		return s.byPersons(order, persons, newest, paid, payouts)
	}
	items := make([]item, 0, len(paid))
	for _, key := range paid {
		p := payouts[key]
		f := &s.facts[p.order]
		it := item{unit: f.Unit, refs: p.refs}
		if at, ok := unit[entitled{f.Organization, f.Person, f.Period}]; ok {
			it.unit = s.facts[at].Unit
			it.refs = append(it.refs, at)
		}
		if by == ByValue {
			it.part, it.whole = p.settled, p.settled+p.handed
		} else {
			it.part, it.whole = one(p.bank), one(p.bank || p.cash)
		}
		items = append(items, it)
	}
	return items
}

func (s *selection) byPersons(order []entitled, persons map[entitled]*item, newest map[entitled]int, paid [][2]string, payouts map[[2]string]*payout) []item {
	for _, key := range paid {
		p := payouts[key]
		f := &s.facts[p.order]
		if who := persons[entitled{f.Organization, f.Person, ""}]; who != nil {
			who.part = max(who.part, one(p.bank))
			who.refs = append(who.refs, p.refs...)
		}
	}
	items := make([]item, 0, len(order))
	for _, who := range order {
		it := persons[who]
		it.unit = s.facts[newest[who]].Unit
		items = append(items, *it)
	}
	return items
}

// walk follows a payout through its steps.
func (s *selection) walk(p *payout) {
	if !p.stands {
		return
	}
	slices.SortFunc(p.steps, s.earlier)
	for _, i := range p.steps {
		f := &s.facts[i]
		switch f.Kind {
		case FactSettled:
			p.bank = true
			p.settled += f.value()
		case FactReturned:
			p.bank, p.settled = false, 0
		case FactPaidCash:
			p.cash = true
			p.handed += f.value()
		}
	}
}

// earlier orders facts by the day they are effective on, then by position:
// between shards the time of the record, which never runs backwards in a
// shard, then shard and offset.
func (s *selection) earlier(i, j int) int {
	a, b := &s.facts[i], &s.facts[j]
	return cmp.Or(cmp.Compare(a.EffectiveOn, b.EffectiveOn), a.RecordedAt.Compare(b.RecordedAt),
		cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Offset, b.Offset))
}

func (s *selection) fees(by string) []item {
	var items []item
	for i := range s.facts {
		f := &s.facts[i]
		if f.Kind != FactPayment || !s.months[f.Period] {
			continue
		}
		var it item
		if at, ok := s.unitOf[f.Organization]; ok {
			it.unit = s.facts[at].Unit
			it.refs = append(it.refs, at)
		}
		if s.stands(i, &it.refs) {
			it.whole = 1
			if by == ByValue {
				it.whole = f.value()
			}
			if cashless(f.Method) {
				it.part = it.whole
			}
		}
		items = append(items, it)
	}
	return items
}

func cashless(method string) bool {
	switch method {
	case "bank", "qr", "card", "ewallet":
		return true
	}
	return false
}

// institutions counts the latest report of each institution that is effective
// by the end of the period.
func (s *selection) institutions() []item {
	latest := s.latest(FactInstitution, func(f *Fact) [2]string { return [2]string{f.Organization, f.Subject} })
	items := make([]item, 0, len(latest))
	for _, i := range latest {
		f := &s.facts[i]
		items = append(items, item{unit: f.Unit, part: one(f.Method == "accepting" || f.Method == "connected"), whole: 1, refs: []int{i}})
	}
	return items
}

// surveys adds up the latest figure of each unit that is effective by the end
// of the period.
func (s *selection) surveys() []item {
	latest := s.latest(FactFigure, func(f *Fact) [2]string { return [2]string{f.Unit} })
	items := make([]item, 0, len(latest))
	for _, i := range latest {
		f := &s.facts[i]
		items = append(items, item{unit: f.Unit, part: f.Amount, whole: f.Denominator, refs: []int{i}})
	}
	return items
}

// latest returns the places of the latest fact for each key, in log order.
func (s *selection) latest(kind string, key func(*Fact) [2]string) []int {
	of := map[[2]string]int{}
	for i := range s.facts {
		f := &s.facts[i]
		if f.Kind != kind || f.EffectiveOn > s.last {
			continue
		}
		k := key(f)
		if before, ok := of[k]; !ok || s.earlier(before, i) < 0 {
			of[k] = i
		}
	}
	places := make([]int, 0, len(of))
	for _, i := range of {
		places = append(places, i)
	}
	slices.Sort(places)
	return places
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"socho/events"
)

// pilot are the twelve communes whose people receive benefits here.
var pilot = [...]string{
	"00694", "00715", "00721", "00769", "00820", "00874", "00913", "00991", "01021", "01108", "01153", "01237",
}

// remote are places in pilot without signal: what was paid there is known weeks
// later.
var remote = map[int]bool{1: true, 8: true}

// The months of the pilot. By persons it ends with the published 946 of 1,097.
// Returned and rejected orders, and cash nobody came for, come on top of the
// persons paid by account; the others are paid in cash.
var (
	personsEntitled = [Months]int{1104, 1108, 1111, 1106, 1109, 1103, 1105, 1101, 1103, 1099, 1100, 1097}
	personsPaid     = [Months]int{664, 692, 719, 740, 767, 792, 822, 848, 876, 900, 926, 946}
	ordersReturned  = [Months]int{11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6}
	ordersRejected  = [Months]int{4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 2}
	cashUncalled    = [Months]int{7, 6, 6, 6, 5, 5, 5, 4, 4, 4, 3, 3}
	personsLeaving  = [Months]int{6, 5, 9, 6, 10, 5, 8, 5, 8, 5, 9, 4} // with the month's end
)

// programmes with their coefficient in tenths: Decree 20/2021, Articles 5, 6.
var programmes = [...]struct {
	name  string
	tenth int64
}{
	{"elderly_80", 10}, {"elderly_80", 10}, {"elderly_80", 10}, {"disability_severe", 15}, {"disability_severe", 15},
	{"disability_extreme", 20}, {"orphan", 15}, {"orphan_under_4", 25}, {"single_parent", 10}, {"serious_illness", 15},
}

// baseRate is the monthly standard in đồng, by Decree 76/2024 since 1 July 2024.
const baseRate = 500_000

type beneficiary struct {
	number    int
	id        events.ID
	place     int // in pilot
	programme events.Word
	amount    int64
	ewallet   bool
	rank      uint64 // the lower, the earlier paid by account
	known     bool   // the first list has named them
}

// fund pays social benefits: one organization, so that its limits see all
// payouts of a person.
type fund struct {
	*book
	suffix  string
	persons []*beneficiary
	gone    []*beneficiary // since the last month
	next    int
	tills   [len(pilot)]int64
	device  [len(pilot)]int
}

func newFund(g *generator, suffix string) *fund {
	return &fund{book: g.open("hg-quy-bao-tro"+suffix, pilot[0]), suffix: suffix}
}

func (f *fund) setUp() {
	f.register(monthAt(0).at(-15, 8, 0), "fund", "Quỹ bảo trợ xã hội Hà Giang (mẫu)"+f.suffix, "970405")
	f.join(personsEntitled[0])
}

func (f *fund) join(n int) {
	for range n {
		f.next++
		p := programmes[f.rng.IntN(len(programmes))]
		f.persons = append(f.persons, &beneficiary{
			number: f.next, id: events.ID(fmt.Sprintf("ng-%05d", f.next)),
			place: f.rng.IntN(len(pilot)), programme: events.Word(p.name), amount: baseRate * p.tenth / 10,
			ewallet: f.permille(120), rank: f.rng.Uint64(),
		})
	}
}

// course is what becomes of a payout.
type course int

const (
	settles  course = iota // and the person is paid by account
	returns                // settled, and came back
	returned               // the same, and then paid in cash
	rejected               // never carried out, and paid in cash
	cash                   // ordered in cash
	uncalled               // ordered in cash, and nobody came
)

type payout struct {
	*beneficiary
	id     events.PayoutID
	course course
	order  events.EventID
}

func (f *fund) write(m month) {
	orders := f.plan(m)
	f.entitle(m)
	f.grant(m)
	f.order(m, orders)
	f.transfer(m, orders)
	f.giveBack(m, orders)
	f.handOut(m, orders)
	f.stop(m)
	f.monthEnd(m)
}

// plan decides who is paid how: the earlier ranks by account, as many as the
// month asks for. A few of those go wrong.
func (f *fund) plan(m month) []*payout {
	orders := make([]*payout, len(f.persons))
	for i, p := range f.persons {
		orders[i] = &payout{beneficiary: p, id: events.PayoutID(fmt.Sprintf("po-%s-%05d", m.short, p.number)), course: cash}
	}
	byRank := slices.Clone(orders)
	slices.SortFunc(byRank, func(a, b *payout) int {
		if a.rank < b.rank {
			return -1
		}
		return 1
	})
	wrong := ordersReturned[m.index] + ordersRejected[m.index]
	byAccount := byRank[:personsPaid[m.index]+wrong]
	inCash := slices.Clone(byRank[len(byAccount):])
	for i, k := range pick(f.rng, len(byAccount), wrong) {
		switch {
		case i < ordersRejected[m.index]:
			byAccount[k].course = rejected
		case i%3 == 0:
			byAccount[k].course = returns
		default:
			byAccount[k].course = returned
		}
	}
	for _, o := range byAccount {
		if o.course == cash {
			o.course = settles
		}
	}
	for _, k := range pick(f.rng, len(inCash), cashUncalled[m.index]) {
		inCash[k].course = uncalled
	}
	return orders
}

// pick draws n different numbers below total.
func pick(rng *rand.Rand, total, n int) []int { return rng.Perm(total)[:n] }

// entitle writes the list of the month, made up before the 25th of the month
// before. A few amounts are raised by a second decision.
func (f *fund) entitle(m month) {
	at := m.at(-9, 8, 0)
	say := func(at int64, p *beneficiary, amount int64, n note) {
		f.emit(at, "benefit.person_entitled", &events.PersonEntitled{
			Dated: on(m.day(1)), Of: events.Of{Person: p.id}, Sum: vnd(amount),
			Programme: p.programme, Period: m.period, Unit: events.Unit(pilot[p.place]),
		}, n)
	}
	for i, p := range f.persons {
		n := note{again: i == 40*(m.index%4)}
		if !p.known {
			p.known = true
			n.personal = []string{"name", personName(p.number), "citizen_id", citizenID(p.number)}
		}
		say(at+int64(i)*7*second, p, p.amount, n)
	}
	for k := range 3 { // moved to a higher coefficient before the list was paid
		p := f.persons[(m.index*37+k*211)%len(f.persons)]
		p.amount += baseRate / 2
		say(m.at(-2, 9, k), p, p.amount, note{})
	}
	f.g.tally.add("benefits", "persons", m.period, int64(personsPaid[m.index]), int64(len(f.persons)))
}

// grant brings the month's money, before anything is ordered.
func (f *fund) grant(m month) {
	need := int64(0)
	for _, p := range f.persons {
		need += p.amount
	}
	need = (need/10_000_000 + 1) * 10_000_000
	at := m.at(1, 9, 0)
	line := f.lineIn(at, need)
	f.emit(at+5*minute, "benefit.funded", &events.Funded{Dated: on(dateOf(at)), Sum: vnd(need), Line: line}, note{})
}

func (f *fund) order(m month, orders []*payout) {
	at := m.at(3, 8, 0)
	say := func(at int64, o *payout, id events.PayoutID, amount int64, n note) events.EventID {
		fact := &events.PayoutOrdered{
			Dated: on(dateOf(at)), Of: events.Of{Person: o.beneficiary.id}, Sum: vnd(amount), Payout: id,
			Programme: o.programme, Period: m.period, Unit: events.Unit(pilot[o.place]), Method: "cash",
		}
		n.personal = []string{"name", personName(o.number)}
		if o.course < cash {
			fact.Method = "account"
			if o.ewallet {
				fact.Method = "ewallet"
			}
			n.personal = append(n.personal, "account", bankAccount(o.number), "bank_bin", bankBINs[o.number%len(bankBINs)])
		}
		return f.emit(at, "benefit.payout_ordered", fact, n)
	}
	for i, o := range orders {
		at := at + int64(i)*2*second
		n := note{again: i == 11}
		if i == 100 && m.index%3 == 1 { // a nought too many
			n.resubmits = say(at, o, o.id, o.amount*10, note{want: "refused over_entitlement"})
			at += second
		}
		o.order = say(at, o, o.id, o.amount, n)
		if i == 200 && m.index%4 == 2 { // the same id, and another amount
			say(at+minute, o, o.id, o.amount-1000, note{id: o.order, want: "conflict other_content"})
		}
		if (i == 300 || i == 301) && m.index%3 == 2 { // on the list twice
			say(at+2*minute, o, o.id+"-2", o.amount, note{want: "refused over_entitlement"})
		}
		if i == 400 && m.index%6 == 3 { // the same payout again
			say(at+3*minute, o, o.id, o.amount, note{want: "refused payout_exists"})
		}
	}
	late := at + 2*hour
	for k, p := range f.gone { // dead since last month, and still on somebody's list
		if k < 2 && m.index%3 == 0 {
			id := events.PayoutID(fmt.Sprintf("po-%s-%05d", m.short, p.number))
			say(late+int64(k)*minute, &payout{beneficiary: p, course: cash}, id, p.amount, note{want: "refused person_stopped"})
		}
	}
	if m.index == 5 { // another programme than the one decided
		wrong := *orders[50].beneficiary
		wrong.programme = "funeral"
		say(late+hour, &payout{beneficiary: &wrong, course: cash}, "po-"+events.PayoutID(m.short)+"-mai-tang", 10_000_000, note{want: "refused not_entitled"})
	}
}

// transfer sends what goes by account to the bank, which answers with a line
// for each commune and one for all e-wallets, and rejects some at once.
func (f *fund) transfer(m month, orders []*payout) {
	at := m.at(4, 8, 0)
	var batches [len(pilot) + 1][]*payout
	for i, o := range orders {
		if o.course >= cash {
			continue
		}
		f.emit(at+int64(i)*second/10, "benefit.payout_sent", &events.PayoutSent{
			Dated: on(dateOf(at)), Sum: vnd(o.amount), Payout: o.id,
		}, note{})
		switch {
		case o.course == rejected:
			f.emit(m.at(4, 15, 0)+int64(i)*second/10, "benefit.payout_returned", &events.PayoutReturned{
				Dated: on(dateOf(at)), Sum: vnd(o.amount), Payout: o.id, Reason: "account_unknown",
			}, note{source: "ngan-hang"})
		case o.ewallet:
			batches[len(pilot)] = append(batches[len(pilot)], o)
		default:
			batches[o.place] = append(batches[o.place], o)
		}
	}
	for b, batch := range batches {
		total := int64(0)
		for _, o := range batch {
			total += o.amount
		}
		if total == 0 {
			continue
		}
		at := m.at(5+b%3, 9, 2*b)
		line := f.lineOut(at, total)
		for i, o := range batch {
			f.emit(at+minute+int64(i)*second/10, "benefit.payout_settled", &events.PayoutSettled{
				Dated: on(dateOf(at)), Sum: vnd(o.amount), Payout: o.id, Line: line,
			}, note{source: "ngan-hang", again: i == 3 && b == m.index})
			if o.course == settles {
				f.paid(m, o, 1)
			}
		}
	}
}

// paid counts a payout that stayed paid.
func (f *fund) paid(m month, o *payout, cashless int64) {
	f.g.tally.add("benefits", "count", m.period, cashless, 1)
	f.g.tally.add("benefits", "value", m.period, cashless*o.amount, o.amount)
}

// giveBack returns what the receiving banks could not place.
func (f *fund) giveBack(m month, orders []*payout) {
	k := 0
	for _, o := range orders {
		if o.course != returns && o.course != returned {
			continue
		}
		at := m.at(9+k%3, 10, 3*k)
		line := f.lineIn(at, o.amount)
		reason := events.Word([]string{"account_closed", "wrong_account", "name_differs"}[k%3])
		f.emit(at+minute, "benefit.payout_returned", &events.PayoutReturned{
			Dated: on(dateOf(at)), Sum: vnd(o.amount), Payout: o.id, Line: line, Reason: reason,
		}, note{source: "ngan-hang"})
		k++
	}
}

// handOut pays in cash: drawn for each pay point, handed over on the days after,
// and on the month's last day at home to those who could not come.
func (f *fund) handOut(m month, orders []*payout) {
	var lists [len(pilot)][]*payout
	var need [len(pilot)]int64
	for _, o := range orders {
		if o.course == settles || o.course == returns {
			continue
		}
		need[o.place] += o.amount
		if o.course != uncalled {
			lists[o.place] = append(lists[o.place], o)
		}
	}
	for place, list := range lists {
		point := events.ID("diem-chi-" + pilot[place])
		if draw := need[place] - f.tills[place]; draw > 0 { // what lies there from last month is used first
			at := m.at(12, 8, place)
			line := f.lineOut(at, draw)
			f.emit(at+10*minute, "benefit.cash_drawn", &events.CashDrawn{
				Dated: on(dateOf(at)), Sum: vnd(draw), PayPoint: point, Line: line,
			}, note{})
			f.tills[place] += draw
		}
		for i, o := range list {
			day := 13 + i%7
			if i >= len(list)-2 {
				day = m.days
			}
			f.tills[place] -= o.amount
			f.handOver(m, o, point, place, m.at(day, 8, 0)+int64(i)*4*minute, i)
		}
	}
}

func (f *fund) handOver(m month, o *payout, point events.ID, place int, at int64, i int) {
	fact := &events.PaidInCash{Dated: on(dateOf(at)), Sum: vnd(o.amount), Payout: o.id, PayPoint: point}
	if o.number%19 == 0 {
		fact.Person = events.ID(fmt.Sprintf("nn-%05d", o.number))
	}
	n := note{source: "diem-chi"}
	if remote[place] { // noted on a phone without signal, and handed in weeks later
		f.device[place]++
		n.device, n.deviceSeq = events.ID("may-"+pilot[place]), f.device[place]
		n.tickets = events.ID("px-" + m.short)
		at = m.at(m.days+3, 9, 0) + int64(f.device[place])*second
	} else if i == 2 && place == m.index { // typed for the wrong sum, taken back, typed again
		wrong := *fact
		wrong.Sum = vnd(o.amount - 90_000)
		id := f.emit(at, "benefit.paid_in_cash", &wrong, n)
		f.reverse(at+2*minute, id, n.source)
		at += 3 * minute
	}
	f.emit(at, "benefit.paid_in_cash", fact, n)
	f.paid(m, o, 0)
}

// reverse takes an event of this book back.
func (b *book) reverse(at int64, id events.EventID, source string) {
	b.emit(at, "ledger.reversed", &events.Reversed{
		Dated: on(dateOf(at)), Reverses: id, ReversesSource: b.source(source), Reason: "typed_wrong",
	}, note{})
}

// stop ends payments to those who died or moved away, from the next month on,
// and lets others join.
func (f *fund) stop(m month) {
	if m.last() {
		f.leave(m, personsLeaving[m.index])
		return
	}
	leaving := personsLeaving[m.index]
	f.leave(m, leaving)
	f.join(personsEntitled[m.index+1] - personsEntitled[m.index] + leaving)
}

func (f *fund) leave(m month, n int) {
	next := monthAt(m.index + 1).period
	f.gone = nil
	drawn := pick(f.rng, len(f.persons), n)
	for i, k := range drawn {
		p := f.persons[k]
		reason := "died"
		if i%4 == 3 {
			reason = "moved_away"
		}
		at := m.at(14+i%5, 16, i)
		f.emit(at, "benefit.person_stopped", &events.PersonStopped{
			Dated: on(dateOf(at)), Of: events.Of{Person: p.id}, Programme: p.programme, FromPeriod: next, Reason: events.Word(reason),
		}, note{})
		f.gone = append(f.gone, p)
	}
	slices.Sort(drawn)
	for i := len(drawn) - 1; i >= 0; i-- {
		f.persons = slices.Delete(f.persons, drawn[i], drawn[i]+1)
	}
}

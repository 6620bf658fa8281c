package sample

import (
	"fmt"

	"socho/events"
	"socho/internal/money"
	"socho/internal/refcode"
)

// marketList are the markets whose books are in the sample. By the number of
// stalls they are of class 1, 2 and 3. The last three have collectors without
// signal.
var marketList = [...]struct {
	name, label, unit string
	stalls            int
}{
	{"hg-cho-ha-giang", "Chợ trung tâm Hà Giang", "00694", 420},
	{"hg-cho-dong-van", "Chợ Đồng Văn", "00721", 205},
	{"hg-cho-meo-vac", "Chợ Mèo Vạc", "00769", 95},
	{"hg-cho-yen-minh", "Chợ Yên Minh", "00820", 75},
	{"hg-cho-vi-xuyen", "Chợ Vị Xuyên", "00913", 60},
	{"hg-cho-quan-ba", "Chợ Quản Bạ", "00874", 50},
	{"hg-cho-hoang-su-phi", "Chợ Hoàng Su Phì", "01021", 45},
	{"hg-cho-lung-cu", "Chợ Lũng Cú", "00715", 40},
}

// marketCashless is how many of a thousand traders pay without cash, by month.
var marketCashless = [Months]int{420, 441, 466, 490, 512, 538, 560, 588, 611, 637, 660, 684}

// The tariff in đồng a month. A trader who is away pays management alone.
const (
	management = 26_000
	security   = 15_000
	sanitation = 20_000
)

// rent is the price of a square metre and month by class of market, from
// October 2025 and, by a new decision, from January 2026.
func rent(class int, m month) int64 {
	before, since := [4]int64{0, 42_000, 36_000, 0}, [4]int64{0, 45_000, 38_000, 0}
	if m.index < 3 {
		return before[class]
	}
	return since[class]
}

type market struct {
	payee
	list    int
	suffix  string
	class   int
	stalls  []stall
	traders int
	owing   []intent // of the month before
}

type stall struct {
	id      events.ID
	person  events.ID
	metres  int64
	leaning int // the lower, the earlier paying without cash
	method  events.Word
}

func newMarket(g *generator, i int, suffix string) *market {
	k := &market{list: i, suffix: suffix}
	k.payee = payee{book: g.open(marketList[i].name+suffix, marketList[i].unit), fact: "market.payment_received", offline: i >= 5, broke: i}
	switch n := marketList[i].stalls; {
	case n > 400:
		k.class = 1
	case n >= 200:
		k.class = 2
	default:
		k.class = 3
	}
	k.staff(1 + marketList[i].stalls/100)
	return k
}

func (k *market) setUp() {
	at := monthAt(0).at(-18+k.list, 8, 0)
	k.register(at, "market", marketList[k.list].label+" (mẫu)"+k.suffix, "970405")
	for i := range marketList[k.list].stalls {
		k.stalls = append(k.stalls, stall{
			id:     events.ID(fmt.Sprintf("%c%02d", 'A'+i/40, i%40+1)),
			metres: int64(3 + k.rng.IntN(6)), leaning: k.rng.IntN(1000), method: k.habit(),
		})
		k.let(at+2*hour+int64(i)*10*second, i, at)
	}
}

// habit is how somebody pays who pays without cash.
func (b *book) habit() events.Word {
	switch n := b.rng.IntN(100); {
	case n < 70:
		return "qr"
	case n < 85:
		return "bank"
	case n < 94:
		return "ewallet"
	}
	return "card"
}

func (k *market) let(at int64, i int, since int64) {
	k.traders++
	s := &k.stalls[i]
	s.person = events.ID(fmt.Sprintf("tt-%05d", k.traders))
	number := 10_000*(k.list+1) + k.traders
	k.emit(at, "market.stall_let", &events.StallLet{
		Dated: on(dateOf(since)), Of: events.Of{Person: s.person}, Stall: s.id,
	}, note{personal: []string{"name", personName(number), "phone", phone(number)}})
}

// plan is what goes wrong in a market in a month, spread so that each kind
// comes up in every market.
func (k *market) plan(m month) {
	turn := k.list + m.index
	every := func(n, at int, kind string) {
		if turn%n == at {
			k.mishaps = append(k.mishaps, kind)
		}
	}
	every(2, 0, "same line again")
	every(4, 1, "same id, other amount")
	every(3, 0, "line seen twice")
	every(2, 1, "line broken")
	every(4, 3, "bill typed wrong")
	every(8, 5, "paid too much")
	every(6, 4, "waived too much")
	every(12, 7, "billed twice")
	if !k.offline {
		every(3, 1, "typed wrong")
	}
	if !m.last() {
		every(12, 2, "unknown bill")
	}
}

func (k *market) write(m month) {
	k.plan(m)
	if m.index%4 == 2 { // a stall changes hands
		i := 5 + m.index
		k.stalls[i].leaning, k.stalls[i].method = k.rng.IntN(1000), k.habit()
		k.let(m.at(1, 6, 0), i, m.at(1, 6, 0))
	}
	k.intents = append(k.intents, k.owing...)
	k.owing = k.owing[:0]
	k.charge(m)
	k.settleAll(m)
	k.monthEnd(m)
}

// charge bills every stall and plans who pays when and how.
func (k *market) charge(m month) {
	at, i := m.at(1, 7, 0), 0
	key := fmt.Appendf(nil, "%d %s", k.g.options.Seed, k.name)
	for code := range refcode.Sequence(refcode.CH, m.short, key) {
		if i >= len(k.stalls) {
			if k.happens("bill typed wrong") {
				k.correct(m, i-1, code)
			}
			break
		}
		s := &k.stalls[i]
		id := events.ID(fmt.Sprintf("b-%s-%s", m.short, s.id))
		items, total := bill(k.tariff(m, i))
		fact := &events.FeeAssessed{
			Dated: on(m.day(1)), Of: events.Of{Person: s.person}, Bill: id, Stall: s.id, Period: m.period,
			DueOn: m.day(20), Reference: events.Reference(code), Currency: money.VND, Items: items,
		}
		at := at + int64(i)*second/2
		k.emit(at, "market.fee_assessed", fact, note{})
		if i == 2 && k.happens("billed twice") {
			twice := *fact
			twice.Reference = ""
			k.emit(at+hour, "market.fee_assessed", &twice, note{want: "refused bill_exists"})
		}
		if i == k.flooded(m) {
			k.reduce(m.at(2, 9, 0), "market.fee_waived", id, 15_000, "flooded", "")
			total -= 15_000
			if k.happens("waived too much") {
				k.reduce(m.at(2, 9, 30), "market.fee_waived", id, 10*total, "flooded", "refused more_than_owed")
			}
		}
		k.intend(m, i, id, code, total)
		i++
	}
}

// tariff is what a stall owes for a month.
func (k *market) tariff(m month, i int) []charge {
	list := []charge{{"management", management, "invoice"}}
	if i > 0 && i != k.flooded(m) && k.permille(35) { // away this month
		return list
	}
	list = append(list, charge{"security", security, "invoice"}, charge{"sanitation", sanitation, "invoice"})
	if price := rent(k.class, m); price > 0 {
		list = append(list, charge{"rent", price * k.stalls[i].metres, "invoice"})
	}
	return list
}

// flooded is the stall that a part is waived for this month.
func (k *market) flooded(m month) int { return (m.index*7 + 4) % len(k.stalls) }

// correct is what came before the last stall's bill: one with a nought too
// many, taken back.
func (k *market) correct(m month, i int, code refcode.Code) {
	s := &k.stalls[i]
	intent := &k.intents[len(k.intents)-1]
	wrong := &events.FeeAssessed{
		Dated: on(m.day(1)), Of: events.Of{Person: s.person}, Bill: events.ID(fmt.Sprintf("b-%s-%s-x", m.short, s.id)), Stall: s.id,
		Period: m.period, DueOn: m.day(20), Reference: events.Reference(code), Currency: money.VND,
		Items: []events.Item{{Item: "management", Amount: decimal(intent.amount * 10), InvoiceDuty: "invoice"}},
	}
	at := m.at(1, 6, 30)
	k.reverse(at+10*minute, k.emit(at, "market.fee_assessed", wrong, note{}), "")
}

// intend plans the payment of a bill.
func (k *market) intend(m month, i int, bill events.ID, code refcode.Code, total int64) {
	s := &k.stalls[i]
	p := intent{
		on:     m.at(2+k.rng.IntN(m.days-2), 6+k.rng.IntN(11), k.rng.IntN(60)) + int64(k.rng.IntN(60_000)),
		person: s.person, bill: bill, code: string(code), amount: total, due: total, plain: true,
		method: "cash", who: i % len(k.tills),
	}
	usual := s.leaning < marketCashless[m.index]+60-15*k.list
	if usual != k.permille(40) { // now and then the other way
		p.method = s.method
	}
	switch n := k.rng.IntN(1000); {
	case i == 0: // somebody always pays on the last day
		p.on, p.plain = m.at(m.days, 9, 30), false
	case i == 1 && k.happens("paid too much"):
		p.amount, p.method, p.plain = total+50_000, "qr", false
	case i == 3 && k.happens("unknown bill"):
		lost := p
		lost.bill, lost.code, lost.due, lost.plain, lost.method = bill+"-Z", string(code[:10]), -1, false, "qr"
		k.intents = append(k.intents, lost)
		return
	case n < 25: // does not pay
		return
	case n < 60: // pays next month
		p.on += int64(m.days) * oneDay
		p.plain = false
		if !m.last() {
			k.owing = append(k.owing, p)
		}
		return
	case n < 85: // pays in two parts
		first := p
		first.amount, first.plain = total/2/1000*1000, false
		first.on = m.at(2+k.rng.IntN(8), 10, i%60)
		p.on = m.at(12+k.rng.IntN(12), 10, i%60)
		p.amount, p.due, p.plain = total-first.amount, total-first.amount, false
		k.intents = append(k.intents, first)
	case k.offline && p.method == "cash" && i%9 == 4: // known weeks later
		p.late = int64(15+k.rng.IntN(8)) * oneDay
	}
	k.intents = append(k.intents, p)
}

package sample

import (
	"fmt"
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/internal/refcode"
)

// schoolList are the schools whose books are in the sample.
var schoolList = [...]struct {
	name, label, unit string
	pupils            int
}{
	{"hg-truong-nguyen-trai", "Trường THCS Nguyễn Trãi", "00694", 280},
	{"hg-truong-dong-van", "Trường PTDTBT THCS Đồng Văn", "00721", 200},
	{"hg-truong-meo-vac", "Trường PTDTBT THCS Mèo Vạc", "00769", 150},
	{"hg-truong-yen-minh", "Trường Tiểu học Yên Minh", "00820", 130},
	{"hg-truong-vi-xuyen", "Trường Tiểu học Vị Xuyên", "00913", 120},
	{"hg-truong-quan-ba", "Trường Mầm non Quản Bạ", "00874", 110},
	{"hg-truong-bac-me", "Trường THCS Bắc Mê", "00991", 105},
	{"hg-truong-hoang-su-phi", "Trường Mầm non Hoàng Su Phì", "01021", 100},
	{"hg-truong-xin-man", "Trường PTDTBT Tiểu học Xín Mần", "01108", 100},
	{"hg-truong-bac-quang", "Trường Tiểu học Bắc Quang", "01153", 100},
	{"hg-truong-quang-binh", "Trường Mầm non Quang Bình", "01237", 100},
	{"hg-truong-lung-cu", "Trường PTDTBT Tiểu học Lũng Cú", "00715", 100},
}

// parentsCashless is how many of a thousand families pay without cash.
var parentsCashless = [Months]int{560, 584, 611, 632, 655, 679, 702, 728, 745, 760, 775, 801}

type school struct {
	payee
	list   int
	suffix string
	meal   int64 // a day
	pupils []pupil
	owing  []intent // of the month before
}

type pupil struct {
	person  events.ID
	number  int
	class   events.ID
	boards  bool
	poor    bool
	leaning int
	method  events.Word
	named   bool
}

func newSchool(g *generator, i int, suffix string) *school {
	s := &school{list: i, suffix: suffix}
	s.payee = payee{book: g.open(schoolList[i].name+suffix, schoolList[i].unit), fact: "school.bill_paid", broke: i}
	s.meal = int64(20+s.rng.IntN(11)) * 1000
	s.staff(1)
	return s
}

func (s *school) setUp() {
	s.register(monthAt(0).at(-17+s.list, 14, 0), "school", schoolList[s.list].label+" (mẫu)"+s.suffix, bankBINs[s.list%len(bankBINs)])
	for i := range schoolList[s.list].pupils {
		s.pupils = append(s.pupils, pupil{
			person: events.ID(fmt.Sprintf("hs-%05d", i+1)), number: 100_000*(s.list+1) + i,
			class:  events.ID(fmt.Sprintf("%d%c", 1+i/30%5, 'A'+i/150)),
			boards: i < 3 || s.permille(690), poor: s.permille(100), leaning: s.rng.IntN(1000), method: s.habit(),
		})
	}
}

// plan is what goes wrong in a school in a month.
func (s *school) plan(m month) {
	turn := s.list + m.index
	every := func(n, at int, kind string) {
		if turn%n == at {
			s.mishaps = append(s.mishaps, kind)
		}
	}
	every(3, 0, "same line again")
	every(6, 1, "same id, other amount")
	every(5, 0, "line broken")
	every(6, 4, "typed wrong")
	every(9, 3, "exempted too much")
	every(9, 5, "refunded too much")
	every(7, 2, "money of nobody")
}

// teaches reports whether a month has lessons: June to August have none.
func teaches(m month) bool {
	c := m.calendar()
	return c < time.June || c > time.August
}

func (s *school) write(m month) {
	s.intents = append(s.intents, s.owing...)
	s.owing = s.owing[:0]
	if teaches(m) {
		s.plan(m)
		s.meals(m)
		if c := m.calendar(); c == time.October && m.index == 0 {
			s.fees(m, "2526")
		} else if c == time.September {
			s.fees(m, "2627")
		}
		if s.happens("money of nobody") { // a code with its last character lost
			s.bankLine(m.at(19, 10, 30), 500_000, "in", "payment", events.ID("nl-"+m.short), s.content("BT"+m.short+"0000"), false)
		}
		s.refuseRefund(m)
	}
	s.settleAll(m)
	s.monthEnd(m)
}

// meals bills the month's boarding meals.
func (s *school) meals(m month) {
	days := int64(16 + (m.index*5)%7)
	s.issue(m, refcode.BT, m.short, 2, func(p *pupil) []charge {
		if !p.boards {
			return nil
		}
		missed := int64(0)
		if s.permille(150) {
			missed = int64(1 + s.rng.IntN(3))
		}
		return []charge{{"meals", s.meal * (days - missed), "invoice"}}
	})
}

// fees bills what is left of fees once a school year: public tuition is waived
// by Resolution 217/2025 since the year 2025–26.
func (s *school) fees(m month, year string) {
	s.issue(m, refcode.HP, year, 6, func(*pupil) []charge {
		return []charge{{"insurance", 631_800, "none"}, {"two_sessions", 180_000, "receipt"}}
	})
}

// issue writes a bill for every pupil who has items, and plans how it is paid.
func (s *school) issue(m month, prefix refcode.Prefix, series string, day int, chargesOf func(*pupil) []charge) {
	at, i := m.at(day, 8, 0), 0
	key := fmt.Appendf(nil, "%d %s", s.g.options.Seed, s.name)
	due := day + 18
	var batch []intent
	for code := range refcode.Sequence(prefix, series, key) {
		for i < len(s.pupils) {
			p := &s.pupils[i]
			i++
			items, total := bill(chargesOf(p))
			if total == 0 {
				continue
			}
			id := events.ID(fmt.Sprintf("%s-%s-%05d", map[refcode.Prefix]string{refcode.BT: "bt", refcode.HP: "hp"}[prefix], m.short, i))
			n := note{}
			if !p.named {
				p.named = true
				n.personal = []string{"name", personName(p.number), "guardian", personName(p.number + 7), "phone", phone(p.number)}
			}
			s.emit(at, "school.bill_issued", &events.BillIssued{
				Dated: on(m.day(day)), Of: events.Of{Person: p.person}, Bill: id, Class: p.class, Period: m.period,
				DueOn: m.day(due), Reference: events.Reference(code), Currency: money.VND, Items: items,
			}, n)
			at += second / 2
			if p.poor {
				half := total / 2
				s.reduce(m.at(day, 15, 0)+int64(i)*second, "school.bill_exempted", id, half, "poor_household", "")
				total -= half
				if s.happens("exempted too much") {
					s.reduce(m.at(day, 17, 0), "school.bill_exempted", id, total+1000, "sibling", "refused more_than_owed")
				}
			}
			batch = append(batch, s.intend(m, prefix, i-1, day, id, code, total)...)
			break
		}
		if i >= len(s.pupils) {
			break
		}
	}
	if prefix == refcode.BT {
		s.siblings(m, day, batch[:2])
		batch = batch[2:]
	}
	s.collect(m, batch)
}

// intend plans the payment of a bill. The first two pupils of a school are
// siblings, whose bills are always paid whole.
func (s *school) intend(m month, prefix refcode.Prefix, i, day int, bill events.ID, code refcode.Code, total int64) []intent {
	p := &s.pupils[i]
	n := intent{
		on:     m.at(day+1+s.rng.IntN(m.days-day-2), 7+s.rng.IntN(10), s.rng.IntN(60)) + int64(s.rng.IntN(60_000)),
		person: p.person, bill: bill, code: string(code), amount: total, due: total, plain: true, method: "cash",
	}
	if (p.leaning < parentsCashless[m.index]) != s.permille(30) {
		n.method = p.method
	}
	if prefix == refcode.BT && i < 2 {
		return []intent{n}
	}
	switch r := s.rng.IntN(1000); {
	case r < 20: // does not pay
		return nil
	case r < 55: // pays next month, which in June is during the holidays
		n.on += int64(m.days) * oneDay
		n.plain = false
		if !m.last() {
			s.owing = append(s.owing, n)
		}
		return nil
	case r < 80: // in two parts
		first := n
		first.amount, first.plain = total/3/1000*1000, false
		first.on = m.at(day+1+s.rng.IntN(5), 11, i%60)
		n.on = m.at(day+8+s.rng.IntN(10), 11, i%60)
		n.amount, n.due, n.plain = total-first.amount, total-first.amount, false
		return []intent{first, n}
	case r < 95: // rounds up, and keeps the rest as credit or wants it back
		n.amount, n.plain = total+int64(1+s.rng.IntN(9))*10_000, false
		if n.method != "cash" { // by a line of its own, which shows the rest
			n.method = "bank"
		}
		if r%2 == 0 && n.on < m.at(m.days-7, 0, 0) {
			s.refund(n.on+4*oneDay, p.person, n.amount-total)
		}
	}
	return []intent{n}
}

func (s *school) refund(at int64, person events.ID, amount int64) {
	line := s.lineOut(at, amount)
	s.emit(at+5*minute, "school.refunded", &events.Refunded{
		Dated: on(dateOf(at)), MaybeOf: events.MaybeOf{Person: person}, Sum: vnd(amount), Line: line,
	}, note{})
}

// refuseRefund asks for credit that a pupil does not have.
func (s *school) refuseRefund(m month) {
	if !s.happens("refunded too much") {
		return
	}
	at := m.at(20, 11, 0)
	s.emit(at, "school.refunded", &events.Refunded{
		Dated: on(dateOf(at)), MaybeOf: events.MaybeOf{Person: s.pupils[2].person}, Sum: vnd(5_000_000), Line: "l-khong-co",
	}, note{want: "refused more_than_credit"})
}

// siblings pays two bills with one transfer that names both codes: a person
// places it, since two codes are never matched by themselves.
func (s *school) siblings(m month, day int, two []intent) {
	at := m.at(day+6, 19, 12)
	line := s.bankLine(at, two[0].amount+two[1].amount, "in", "payment", two[0].person, two[0].code+" "+two[1].code+" nop tien hai con", false)
	for i, n := range two {
		s.emit(at+14*hour+int64(i)*minute, "bank.line_allocated", &events.LineAllocated{
			Dated: on(dateOf(at)), Sum: vnd(n.amount), Line: line, Bill: n.bill,
		}, note{})
	}
}

// collect lets payments by QR come as the school's collection partner hands
// them on: one bank line for all of some days, named by every payment in it.
func (s *school) collect(m month, batch []intent) {
	var days [4][]int
	ends := [4]int{10, 17, 24, m.days}
	for i, n := range batch {
		if n.method != "qr" || !n.plain {
			continue
		}
		for k, end := range ends {
			if n.on < m.at(end, 16, 0) || k == len(ends)-1 {
				days[k] = append(days[k], i)
				break
			}
		}
	}
	for k, list := range days {
		sum := int64(0)
		for _, i := range list {
			sum += batch[i].amount
		}
		if sum == 0 {
			continue
		}
		at := m.at(ends[k], 16, 30)
		line := s.lineIn(at, sum)
		for order, i := range list {
			batch[i].line = line
			batch[i].on = at + 5*minute + int64(order)*second
		}
	}
	s.intents = append(s.intents, batch...)
}

package sample

import (
	"fmt"

	"socho/events"
	"socho/internal/adminunits"
)

// province is the office that reports what institutions and surveys say.
// Its figures are not multiplied by scale: there is one province.
type province struct {
	*book
	communes []adminunits.Unit
	schools  *institutions
	systems  *institutions
	adults   []int64 // persons of 15 years and more, by commune
	firms    []int64 // enterprises, by commune
}

// How many institutions took part at the end of each month. The last are the
// published ones: 425 of 500 = 85.0 % and 58 of 81 = 71.6 %.
var (
	schoolsAccepting = [Months]int{300, 312, 325, 336, 348, 359, 370, 383, 395, 406, 416, 425}
	systemsConnected = [Months]int{31, 33, 36, 38, 41, 43, 46, 48, 51, 53, 56, 58}
)

const (
	schoolCount = 500
	systemCount = 81
)

// surveys are the months that end with a survey of bank accounts, with its
// result in tenths of a percent; the last is the published 55.5 %. Firms
// without e-invoices are so many of each thirty communes; none at the end.
var surveys = map[int]struct{ accounts, lagging int64 }{
	0: {468, 13}, 2: {487, 8}, 5: {511, 4}, 8: {534, 1}, 11: {555, 0},
}

func newProvince(g *generator) *province {
	p := &province{book: g.open("tinh-tuyen-quang", adminunits.TuyenQuang), communes: adminunits.FormerHaGiang()}
	p.schools = &institutions{book: p.book, domain: "schools", yes: "accepting", no: "not_accepting"}
	for _, s := range schoolList { // those whose books are in the sample do accept
		p.schools.add(s.name, s.unit)
	}
	held := map[string]int{}
	for _, s := range schoolList {
		held[s.unit]++
	}
	var others institutions
	for i, u := range p.communes {
		n := schoolCount / len(p.communes)
		if i < schoolCount%len(p.communes) {
			n++
		}
		for k := held[u.Code]; k < n; k++ {
			others.add(fmt.Sprintf("truong-mau-%s-%d", u.Code, k+1), u.Code)
		}
	}
	p.rng.Shuffle(len(others.list), func(a, b int) { others.list[a], others.list[b] = others.list[b], others.list[a] })
	p.schools.list = append(p.schools.list, others.list...)

	p.systems = &institutions{book: p.book, domain: "systems", yes: "connected", no: "not_connected"}
	for i := range systemCount {
		p.systems.add(fmt.Sprintf("he-thong-mau-%02d", i+1), adminunits.TuyenQuang)
	}
	for range p.communes {
		p.adults = append(p.adults, int64(5_200+p.rng.IntN(6_000)))
		p.firms = append(p.firms, int64(8+p.rng.IntN(50)))
	}
	return p
}

func (p *province) setUp() {
	p.register(monthAt(0).at(-24, 8, 0), "province", "Tỉnh Tuyên Quang (mẫu)", "")
}

func (p *province) write(m month) {
	p.schools.report(m, schoolsAccepting[:])
	p.systems.report(m, systemsConnected[:])
	if s, ok := surveys[m.index]; ok {
		p.survey(m, s.accounts, s.lagging)
	}
	p.stand(m)
}

// survey reports bank accounts and e-invoices of every commune as of the
// month's last day, written in the first days of the next month.
func (p *province) survey(m month, accounts, lagging int64) {
	with, all := make([]int64, len(p.adults)), int64(0)
	sum := int64(0)
	for i, adults := range p.adults {
		here := accounts + int64(p.rng.IntN(161)) - 80 // communes differ by up to 8 points
		with[i] = adults * here / 1000
		all += adults
		sum += with[i]
	}
	// Together they are exactly what was published: the rest is spread evenly.
	for i, left := 0, (all*accounts+500)/1000-sum; left != 0; i = (i + 1) % len(with) {
		step := left / int64(len(with))
		if step == 0 {
			step = max(-1, min(1, left))
		}
		with[i] += step
		left -= step
	}
	at := m.at(m.days+2, 9, 0)
	day := m.day(m.days)
	for i, u := range p.communes {
		invoicing := p.firms[i]
		if int64(i%30) < lagging {
			invoicing -= 1 + int64(i%3)
		}
		p.figure(at+int64(i)*second, day, "accounts", u.Code, with[i], p.adults[i])
		p.figure(at+hour+int64(i)*second, day, "einvoices", u.Code, invoicing, p.firms[i])
	}
}

func (p *province) figure(at int64, day events.Date, domain, unit string, part, whole int64) {
	n, d := events.Count(part), events.Count(whole)
	p.emit(at, "registry.figure_reported", &events.FigureReported{
		Dated: on(day), Domain: events.Word(domain), Unit: events.Unit(unit), Numerator: &n, Denominator: &d,
	}, note{source: "thong-ke"})
}

// stand adds up what the last survey said; in months without one it still holds.
func (p *province) stand(m month) {
	s, index := surveys[0], m.index
	for ; index >= 0; index-- {
		if found, ok := surveys[index]; ok {
			s = found
			break
		}
	}
	var adults, firms, without int64
	for i := range p.adults {
		adults += p.adults[i]
		firms += p.firms[i]
		if int64(i%30) < s.lagging {
			without += 1 + int64(i%3)
		}
	}
	p.g.tally.add("accounts", "persons", m.period, (adults*s.accounts+500)/1000, adults)
	p.g.tally.add("einvoices", "institutions", m.period, firms-without, firms)
}

// institutions of one domain, in the order in which they come to take part.
type institutions struct {
	*book
	domain, yes, no string
	list            []institution
	part            int // so many of the list take part
}

type institution struct{ id, unit string }

func (s *institutions) add(id, unit string) { s.list = append(s.list, institution{id, unit}) }

// report writes all institutions in the first month, and those that changed in
// the others, the last of them on the month's last day. In the fifth month one
// falls out for two weeks.
func (s *institutions) report(m month, targets []int) {
	target := targets[m.index]
	from := s.part
	if m.index == 0 {
		from = 0
		for i := target; i < len(s.list); i++ {
			s.say(m, 20, i, i, s.no)
		}
	}
	if m.index == 4 {
		s.say(m, 12, 0, s.part-1, s.no)
		s.say(m, 26, 0, s.part-1, s.yes)
	}
	for i := from; i < target; i++ {
		day := 2 + (i-from)*(m.days-2)/max(target-from, 1)
		if i == target-1 {
			day = m.days
		}
		s.say(m, day, i-from, i, s.yes)
	}
	s.part = target
	s.g.tally.add(s.domain, "institutions", m.period, int64(target), int64(len(s.list)))
}

func (s *institutions) say(m month, day, order, i int, status string) {
	at := m.at(day, 10, 0) + int64(order)*second
	s.emit(at, "registry.institution_reported", &events.InstitutionReported{
		Dated: on(m.day(day)), Domain: events.Word(s.domain), Institution: events.ID(s.list[i].id),
		Unit: events.Unit(s.list[i].unit), Status: events.Word(status),
	}, note{source: "nganh"})
}

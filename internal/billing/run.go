package billing

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/money"
)

// Run is what is billed: a month, as of a day.
type Run struct {
	Organization string
	Period       events.Period
	On           events.Date // who is there and what costs what, as of this day
	DueOn        events.Date
	Series       string       // of reference codes: HP, BT, CH, VE; a month may have a run of each
	Items        []string     // these alone; all where empty
	Class        string       // this class alone; all where empty
	Siblings     []SiblingCut // what the second child of a household on pays less
	Days         int64        // of the month that what is charged by the day is for; 0: not said, which a market needs not
	Asked        Asked        // by bills before this run
}

// SiblingCut takes a part in a hundred off an item, or all items where it is empty,
// for the so-manyth child of a household on, counted from the oldest class.
type SiblingCut struct {
	Item    string
	From    int
	Percent int64
}

// ParseSiblingCut reads meals:2:50, or :3:100 for all items.
func ParseSiblingCut(text string) (c SiblingCut, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		c.Item = parts[0]
		var err1, err2 error
		c.From, err1 = strconv.Atoi(parts[1])
		c.Percent, err2 = strconv.ParseInt(parts[2], 10, 64)
		if err1 == nil && err2 == nil && c.From >= 2 && c.From <= 20 && c.Percent >= 1 && c.Percent <= 100 {
			return c, nil
		}
	}
	return c, fmt.Errorf("%q: expected ITEM:CHILD:PERCENT such as meals:2:50 (the second child on pays half of the meals)", text)
}

// Bill is one bill that is to be issued, with what is taken off it at once.
type Bill struct {
	ID      string
	Person  string
	Class   string // of a school
	Stall   string // of a market
	Items   []events.Item
	Total   int64
	Waivers []Waiver
	Waived  int64
	used    []Tariff
	large   bool // what was charged does not fit
}

// Owed is what is left to pay.
func (b *Bill) Owed() int64 { return b.Total - b.Waived }

// Waiver is what one reason takes off a bill.
type Waiver struct {
	Reason string
	Amount int64
}

// Why somebody gets no bill.
const (
	WhyBilled   = "billed"    // for this month and series already
	WhyNoTariff = "no_tariff" // nothing costs anything for them
	WhyLeft     = "left"
	WhyEmpty    = "empty"     // nobody holds the stall
	WhyNoArea   = "no_area"   // an item is charged by m², and the stall's size is not known
	WhyTooLarge = "too_large" // it would come to more than one amount may say
	WhyAsked    = "asked"     // all that is due was asked for already, in this term, in this year or once
)

// Skipped is somebody who gets no bill.
type Skipped struct{ Person, Class, Stall, Why string }

// Problem is a term that the run cannot work with: nothing is issued before it is
// mended.
type Problem struct{ Item, Class, Why string }

// Why a run cannot work with a tariff.
const (
	WhyTwice         = "two_tariffs"    // two say what one item costs
	WhyNoDays        = "no_days"        // it is for each day, and nobody has said how many there were
	WhyNoTerm        = "no_term"        // it is for each term, and a market has none
	WhyNoCoefficient = "no_coefficient" // it is for each whole of a coefficient, and nobody has one here
)

// Plan is what a run comes to.
type Plan struct {
	Run
	Bills    []Bill
	Skipped  []Skipped
	Problems []Problem
	Used     []Used            // by tariff
	Called   map[string]string // classes that people call otherwise than the log
	Total    int64
	Waived   int64
}

// Owed is what all bills leave to pay.
func (p *Plan) Owed() int64 { return p.Total - p.Waived }

// ItemSum is what one item comes to in a plan.
type ItemSum struct {
	Item  string
	Bills int
	Sum   int64
}

// ItemSums adds the plan up by item.
func (p *Plan) ItemSums() (sums []ItemSum) {
	for i := range p.Bills {
		for _, it := range p.Bills[i].Items {
			at := slices.IndexFunc(sums, func(s ItemSum) bool { return s.Item == string(it.Item) })
			if at < 0 {
				at, sums = len(sums), append(sums, ItemSum{Item: string(it.Item)})
			}
			sums[at].Bills++
			sums[at].Sum += events.Money(it.Amount, money.VND).Minor()
		}
	}
	slices.SortFunc(sums, func(a, b ItemSum) int { return cmp.Compare(a.Item, b.Item) })
	return sums
}

// ClassSum is what one class comes to in a plan.
type ClassSum struct {
	Class               string
	Bills               int
	Total, Waived, Owed int64
}

// ClassSums adds the plan up by class.
func (p *Plan) ClassSums() (sums []ClassSum) {
	for i := range p.Bills {
		b := &p.Bills[i]
		at := slices.IndexFunc(sums, func(s ClassSum) bool { return s.Class == b.Class })
		if at < 0 {
			at, sums = len(sums), append(sums, ClassSum{Class: b.Class})
		}
		s := &sums[at]
		s.Bills, s.Total, s.Waived, s.Owed = s.Bills+1, s.Total+b.Total, s.Waived+b.Waived, s.Owed+b.Owed()
	}
	return sums
}

// BillID names the bill of a person, or a stall, in a run: the same run twice is
// the same bills. A bill that was taken back is issued again as another attempt.
func (r *Run) BillID(whose string, attempt int) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"bill 1", r.Organization, r.Series, string(r.Period), whose, strconv.Itoa(attempt)}, "|")))
	return r.BillPrefix() + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:16])
}

// BillPrefix begins the names of all bills of a run's month and series.
func (r *Run) BillPrefix() string {
	return strings.ToLower(r.Series) + strings.ReplaceAll(string(r.Period), "-", "")[2:] + "-"
}

// Billed says of a bill whether it was issued before, and whether it still stands.
type Billed func(bill string) (known, stands bool)

// attempts bounds how often a bill is issued again.
const attempts = 50

// id finds the id that a bill is issued under; "" where one stands already.
func (r *Run) id(whose string, billed Billed) string {
	for n := 1; n <= attempts; n++ {
		id := r.BillID(whose, n)
		known, stands := billed(id)
		if stands {
			return ""
		}
		if !known {
			return id
		}
	}
	return ""
}

// School plans bills for pupils: each item at the tariff of the pupil's class, or
// else of its grade, or else of all; less what was granted, and less what brothers
// and sisters are spared.
func (t *Terms) School(r Run, billed Billed) *Plan {
	p := &Plan{Run: r, Called: t.ClassNames(r.On)}
	here, left := t.Pupils(r.On)
	tariffs, reductions := p.workable(t.Tariffs(r.On), true), t.Reductions(r.On)
	child := childOf(here)
	for _, pupil := range here {
		if r.Class != "" && pupil.Class != r.Class {
			continue
		}
		b := Bill{ID: r.id(pupil.Person, billed), Person: pupil.Person, Class: pupil.Class}
		if b.ID == "" {
			p.Skipped = append(p.Skipped, Skipped{pupil.Person, pupil.Class, "", WhyBilled})
			continue
		}
		why := WhyNoTariff
		for _, tariff := range slices.Concat(p.choose(tariffs, "pupil", classes(pupil.Class)), p.choose(tariffs, "day", classes(pupil.Class))) {
			if r.asked(&tariff, pupil.Person, pupil.Person, true) {
				p.use(&tariff).Asked++
				why = WhyAsked
				continue
			}
			amount := tariff.Amount
			if tariff.daily() {
				amount *= r.Days
			}
			b.add(&tariff, amount)
			p.use(&tariff).Bills++
		}
		if b.large {
			why, b.Items = WhyTooLarge, nil
		}
		if len(b.Items) == 0 {
			p.Skipped = append(p.Skipped, Skipped{pupil.Person, pupil.Class, "", why})
			continue
		}
		b.reduce(reductions[pupil.Person], r.Siblings, child[pupil.Person])
		p.add(b)
	}
	if r.Class == "" {
		for _, pupil := range left {
			p.Skipped = append(p.Skipped, Skipped{pupil.Person, "", "", WhyLeft})
		}
	}
	p.sortUsed()
	return p
}

// Market plans charges for stalls: each item by the stall, by its area or by the day,
// at the tariff of the stall's class or else of all. A trader who is away through the
// whole month owes what is due from the absent alone.
func (t *Terms) Market(r Run, billed Billed) *Plan {
	p := &Plan{Run: r}
	let, empty := t.Stalls(r.On, r.Period)
	tariffs := p.workable(t.Tariffs(r.On), false)
	for _, stall := range let {
		if r.Class != "" && stall.Class != r.Class {
			continue
		}
		b := Bill{ID: r.id(stall.Stall, billed), Person: stall.Person, Stall: stall.Stall, Class: stall.Class}
		why := WhyBilled
		if b.ID != "" {
			why = t.charge(p, &b, &stall, tariffs)
		}
		if why != "" {
			p.Skipped = append(p.Skipped, Skipped{stall.Person, stall.Class, stall.Stall, why})
			continue
		}
		for _, u := range b.used {
			p.use(&u).Bills++
		}
		p.add(b)
	}
	if r.Class == "" {
		for _, name := range empty {
			p.Skipped = append(p.Skipped, Skipped{Stall: name, Why: WhyEmpty})
		}
	}
	p.sortUsed()
	return p
}

// charge puts on a stall's bill what it owes; why says why there is none.
func (t *Terms) charge(p *Plan, b *Bill, stall *Stall, tariffs []Tariff) (why string) {
	of := []string{stall.Class, ""}
	why = WhyNoTariff
	for _, tariff := range slices.Concat(p.choose(tariffs, "stall", of), p.choose(tariffs, "m2", of), p.choose(tariffs, "day", of)) {
		if stall.Absent && tariff.WhenAbsent == "not_due" {
			continue
		}
		if p.asked(&tariff, stall.Stall, stall.Person, false) {
			p.use(&tariff).Asked++
			why = WhyAsked
			continue
		}
		amount := tariff.Amount
		if tariff.Per == "m2" {
			if stall.Area == 0 {
				return WhyNoArea
			}
			amount = part(amount, stall.Area, 100)
		}
		if tariff.daily() {
			amount *= t.days(&p.Run, stall, &tariff)
		}
		if amount > 0 {
			b.add(&tariff, amount)
			b.used = append(b.used, tariff)
		}
	}
	switch {
	case b.large:
		return WhyTooLarge
	case len(b.Items) == 0:
		return why
	}
	return ""
}

func (p *Plan) sortUsed() {
	slices.SortFunc(p.Used, func(a, b Used) int { return cmp.Compare(a.Tariff.Tariff, b.Tariff.Tariff) })
}

// charges says that a tariff is one that the run asks for.
func (p *Plan) charges(t *Tariff) bool {
	return t.Currency == money.VND && t.Per != "ticket" && (len(p.Items) == 0 || slices.Contains(p.Items, string(t.Item)))
}

func (p *Plan) add(b Bill) {
	p.Bills = append(p.Bills, b)
	p.Total, p.Waived = p.Total+b.Total, p.Waived+b.Waived
}

// choose picks the tariff of each item that counts for the first of the classes
// that has one, in the order of items.
func (p *Plan) choose(tariffs []Tariff, per string, classes []string) (chosen []Tariff) {
	rank := map[events.Word]int{}
	of := map[events.Word]Tariff{}
	for _, t := range tariffs {
		if string(t.Per) != per {
			continue
		}
		at := slices.Index(classes, string(t.Class))
		if at < 0 {
			continue
		}
		before, ok := rank[t.Item]
		switch {
		case ok && before == at:
			problem := Problem{string(t.Item), string(t.Class), WhyTwice}
			if !slices.Contains(p.Problems, problem) {
				p.Problems = append(p.Problems, problem)
			}
		case !ok || at < before:
			rank[t.Item], of[t.Item] = at, t
		}
	}
	for _, t := range of {
		chosen = append(chosen, t)
	}
	slices.SortFunc(chosen, func(a, b Tariff) int { return cmp.Compare(a.Item, b.Item) })
	return chosen
}

// classes are what a tariff may call a pupil's class, the narrowest first: 3A, its
// grade 3, all.
func classes(class string) []string {
	grade := strings.TrimRight(class, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-")
	if i := strings.IndexFunc(class, func(r rune) bool { return r < '0' || r > '9' }); i > 0 {
		grade = class[:i]
	}
	return []string{class, grade, ""}
}

// add puts an item on a bill. The same item by the stall and by its area is one.
func (b *Bill) add(t *Tariff, amount int64) {
	if amount <= 0 {
		return
	}
	if amount > money.MaxMinor-b.Total {
		b.large = true
		return
	}
	b.Total += amount
	if i := slices.IndexFunc(b.Items, func(it events.Item) bool { return it.Item == t.Item }); i >= 0 {
		b.Items[i].Amount = dong(events.Money(b.Items[i].Amount, money.VND).Minor() + amount)
		return
	}
	b.Items = append(b.Items, events.Item{Item: t.Item, Amount: dong(amount), InvoiceDuty: t.InvoiceDuty})
}

func dong(amount int64) events.Decimal { return events.Decimal(strconv.FormatInt(amount, 10)) }

// reduce takes off what was granted, in the order of its ids, and then what is
// spared as the so-manyth child; never more than there is of an item.
func (b *Bill) reduce(granted []events.ReductionGranted, siblings []SiblingCut, child int) {
	left := map[string]int64{}
	for _, it := range b.Items {
		left[string(it.Item)] = events.Money(it.Amount, money.VND).Minor()
	}
	whole := map[string]int64{}
	for item, amount := range left {
		whole[item] = amount
	}
	for _, g := range granted {
		if g.Currency != money.VND {
			continue
		}
		fixed := int64(0)
		if g.Amount != "" {
			fixed = events.Money(g.Amount, money.VND).Minor()
		}
		for _, it := range b.Items {
			item := string(it.Item)
			if g.Item != "" && string(g.Item) != item {
				continue
			}
			cut := fixed
			if g.Percent != nil {
				cut = part(whole[item], int64(*g.Percent), 100)
			}
			cut = min(cut, left[item])
			left[item] -= cut
			fixed -= cut
			b.waive(string(g.Reason), cut)
		}
	}
	for _, s := range siblings {
		if child < s.From {
			continue
		}
		for _, it := range b.Items {
			item := string(it.Item)
			if s.Item != "" && s.Item != item {
				continue
			}
			cut := min(part(whole[item], s.Percent, 100), left[item])
			left[item] -= cut
			b.waive("sibling", cut)
		}
	}
	slices.SortFunc(b.Waivers, func(a, b Waiver) int { return cmp.Compare(a.Reason, b.Reason) })
}

func (b *Bill) waive(reason string, amount int64) {
	if amount <= 0 {
		return
	}
	b.Waived += amount
	if i := slices.IndexFunc(b.Waivers, func(w Waiver) bool { return w.Reason == reason }); i >= 0 {
		b.Waivers[i].Amount += amount
		return
	}
	b.Waivers = append(b.Waivers, Waiver{reason, amount})
}

// part is amount × n ÷ of in whole đồng, half up; more than an amount may say is one
// đồng above that.
func part(amount, n, of int64) int64 {
	product := new(big.Int).Mul(big.NewInt(amount), big.NewInt(n))
	product.Add(product.Lsh(product, 1), big.NewInt(of))
	if product.Div(product, big.NewInt(2*of)); product.Cmp(big.NewInt(money.MaxMinor)) > 0 {
		return money.MaxMinor + 1
	}
	return product.Int64()
}

// childOf says of each pupil who has brothers or sisters here which child of the
// household it is: the one in the highest class is the first.
func childOf(here []Pupil) map[string]int {
	households := map[string][]Pupil{}
	for _, p := range here {
		if p.Household != "" {
			households[p.Household] = append(households[p.Household], p)
		}
	}
	child := map[string]int{}
	for _, children := range households {
		slices.SortFunc(children, func(a, b Pupil) int {
			return cmp.Or(cmp.Compare(grade(b.Class), grade(a.Class)), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Person, b.Person))
		})
		for i, c := range children {
			child[c.Person] = i + 1
		}
	}
	return child
}

func grade(class string) int {
	n, _ := strconv.Atoi(classes(class)[1])
	return n
}

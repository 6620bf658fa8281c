package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"socho/internal/reconcile"
	"socho/internal/refcode"
)

// term is what a school's term was really like, as only the author of a test knows
// it: who owes what, and what each payment was meant for. What the bank shows of it
// is written by termbank_test.go, and whoever works the desk reads no more than that.
type term struct {
	*rand.Rand
	org, other string
	pupils     []*pupil
	payments   []*payment
	pay        int64 // how many payments there are so far: their trace numbers
	opening    int64
	refs       map[string]*owing // by reference
}

type pupil struct {
	code, name, class, household, account string
	poor, left                            bool
	bills                                 []*owing // of September and November
	person                                string   // opaque id
	credit                                int64    // at the end
}

// owing is a bill.
type owing struct {
	of              *pupil
	id, ref, period string
	owed            int64 // when it was issued
	left            int64 // at the end
}

// payment is money that moved at the bank.
type payment struct {
	what        string // the kind of story
	on          string
	amount      int64 // below zero: out
	content     string
	name        string
	account     string
	reference   string
	noticed     bool          // a message of the bank says so
	printed     bool          // and a statement
	pile        reconcile.Tab // where it lies before anybody works
	goes        []goes        // what it is for, in truth
	of          *pupil
	explanation string   // of money of the school's own
	carried     bool     // what is above the bill pays the next one
	back        *payment // by which it left again
	line        string   // its id, once it was seen
}

// goes is a part of a payment; a bill that it overpays makes credit.
type goes struct {
	bill   *owing
	amount int64
}

var (
	families = []string{"Giàng", "Vàng", "Lù", "Sùng", "Thào", "Hoàng", "Nông", "Lý", "Ma", "Hầu"}
	middles  = []string{"Thị", "Mí", "Văn", "Seo", "Minh", "Thu", "Hồng", "Quốc", "Bảo", "Ngọc", "Xuân"}
	givens   = []string{"Mỷ", "Sình", "Dính", "Tờ", "Pó", "Hương", "Khánh", "Duyên", "Trang", "Quân", "Nhung", "Thảo", "Phương"}
	plain    = strings.NewReplacer("à", "a", "ù", "u", "ý", "y", "ầ", "a", "ô", "o", "ị", "i", "í", "i", "ă", "a", "ồ", "o", "ố", "o", "ả", "a", "ọ", "o", "â", "a", "ỷ", "y", "ì", "i", "ờ", "o", "ó", "o", "ư", "u", "ơ", "o", "á", "a", "ê", "e")
)

// newTerm draws a school; the same seed is the same school.
func newTerm(seed uint64, pupils int) *term {
	t := &term{Rand: rand.New(rand.NewPCG(seed, 2026)), org: "hg-truong-hoc-ky", other: "hg-truong-khac", opening: 12_345_678, refs: map[string]*owing{}}
	names := t.Perm(len(families) * len(middles) * len(givens))
	for i := range pupils {
		n := names[i]
		p := &pupil{code: fmt.Sprintf("HS%05d", i+1), class: fmt.Sprintf("%d%c", 1+i/30%9, 'A'+i/270), account: fmt.Sprintf("1903%09d", 1000+i), poor: i%40 == 39}
		p.name = families[n%len(families)] + " " + middles[n/len(families)%len(middles)] + " " + givens[n/len(families)/len(middles)]
		// Every tenth pupil has a brother or sister in the class, with one payer.
		if i%10 == 1 {
			before := t.pupils[i-1]
			p.household, p.account = "G"+before.code, before.account
			before.household = p.household
		}
		t.pupils = append(t.pupils, p)
	}
	return t
}

// costs is what a month costs a pupil.
func (p *pupil) costs() int64 {
	sum := int64(400_000)
	if p.class[0] == '1' {
		sum += 150_000
	}
	if p.poor {
		sum -= 200_000
	}
	return sum
}

const (
	termItems   = "Khoản thu;Khối;Số tiền;Chứng từ\nTiền ăn;;400.000;Hóa đơn\nBảo hiểm;1;150.000;Không\n"
	termColumns = "Mã học sinh,Họ và tên,Lớp,Mã hộ\n"
)

// list is the school's list of pupils, without those who have left.
func (t *term) list() string {
	var b strings.Builder
	b.WriteString(termColumns)
	for _, p := range t.pupils {
		if !p.left {
			fmt.Fprintf(&b, "%s,%s,%s,%s\n", p.code, p.name, p.class, p.household)
		}
	}
	return b.String()
}

// reduced is the list of those who pay less.
func (t *term) reduced() string {
	var b strings.Builder
	b.WriteString("Mã học sinh,Khoản thu,Phần trăm,Lý do\n")
	for _, p := range t.pupils {
		if p.poor {
			fmt.Fprintf(&b, "%s,Tiền ăn,50,Hộ nghèo\n", p.code)
		}
	}
	return b.String()
}

// pays is a payment of a family that carries a text, on a day from September to the
// 20th of November that statements show.
func (t *term) pays(what string, of *pupil, amount int64, words string, parts ...goes) *payment {
	t.pay++
	day := time.Date(2026, 9, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, t.IntN(78))
	p := &payment{what: what, on: day.Format(time.DateOnly), amount: amount, name: "NGUOI CHUYEN " + string(rune('A'+t.pay%26)), reference: fmt.Sprintf("FT26%012d", t.pay), printed: true, goes: parts, of: of, pile: reconcile.Matched}
	if of != nil {
		p.account = of.account
	} else {
		p.account = fmt.Sprintf("9704%09d", t.pay)
	}
	number := 1_000_000 + t.pay*7919
	switch t.pay % 4 {
	case 0:
		p.content = fmt.Sprintf("MBVCB.%d.%s.CT tu %s toi 0011000000001", number, words, p.account)
	case 1:
		p.content = fmt.Sprintf("%d - %s - CHUYEN TIEN", number, words)
	case 2:
		p.content = fmt.Sprintf("ND:CT DEN:%d. %s tai Napas", number, words)
	default:
		p.content = fmt.Sprintf("%s; GD %d", words, number)
	}
	t.payments = append(t.payments, p)
	return p
}

// lies says on which pile a payment waits.
func (p *payment) lies(pile reconcile.Tab) *payment { p.pile = pile; return p }

// leaves is money that the school sends, on a statement.
func (t *term) leaves(what string, amount int64, words string) *payment {
	p := t.pays(what, nil, -amount, words).lies(reconcile.Returned)
	p.on = fmt.Sprintf("2026-11-%02d", 5+t.IntN(15))
	return p
}

// written is how a family writes a code: as it is, small, or with a blank in it.
func (t *term) written(b *owing) string {
	switch t.IntN(3) {
	case 0:
		return strings.ToLower(b.ref) + " hoc phi"
	case 1:
		return "nop tien hoc " + b.ref[:6] + " " + b.ref[6:]
	}
	return b.ref + " nop tien"
}

// slips writes a code with one mistake that makes no other code of it.
func (t *term) slips(b *owing, way int) string {
	for at := 7; at < 10; at++ {
		for _, c := range "23456789ABCDEFGH" {
			wrong := []byte(b.ref)
			switch way {
			case 0:
				wrong[at] = byte(c)
			case 1:
				wrong = slices.Delete(wrong, at, at+1)
			default:
				wrong[at-1], wrong[at] = wrong[at], wrong[at-1]
			}
			text := string(wrong) + " hoc phi"
			if string(wrong) != b.ref && len(refcode.Find(text)) == 0 {
				return text
			}
		}
	}
	panic("no slip of " + b.ref)
}

// stories gives every pupil their payments: many, or few, of each awkward kind, and
// for all others one that is as it should be. Some do not pay. It returns how many
// are awkward.
func (t *term) stories(many, few int) (awkward int) {
	free := t.Perm(len(t.pupils))
	take := func(fits func(*pupil) bool) *pupil {
		i := slices.IndexFunc(free, func(n int) bool { return fits(t.pupils[n]) })
		p := t.pupils[free[i]]
		free = slices.Delete(free, i, i+1)
		return p
	}
	alone := func(p *pupil) bool { return p.household == "" && !p.left }
	one := func() *pupil { return take(alone) }
	// two are brother and sister.
	two := func() (*pupil, *pupil) {
		a := take(func(p *pupil) bool { return p.household != "" && !p.left })
		return a, take(func(p *pupil) bool { return p != a && p.household == a.household })
	}
	sept := func(p *pupil) *owing { return p.bills[0] }
	exact := func(what string, p *pupil) *payment {
		b := sept(p)
		return t.pays(what, p, b.owed, t.written(b), goes{b, b.owed})
	}
	early := func(p *payment) *payment { p.on = fmt.Sprintf("2026-09-%02d", 2+t.IntN(12)); return p }
	late := func(p *payment) *payment { p.on = fmt.Sprintf("2026-10-%02d", 22+t.IntN(9)); return p }
	for i := range many {
		for way := range 3 {
			p := one()
			t.pays("slip", p, sept(p).owed, t.slips(sept(p), way), goes{sept(p), sept(p).owed}).lies(reconcile.Needs)
		}
		a, b := two()
		t.pays("two codes", a, sept(a).owed+sept(b).owed, sept(a).ref+" va "+sept(b).ref, goes{sept(a), sept(a).owed}, goes{sept(b), sept(b).owed}).lies(reconcile.Needs)
		p := one()
		t.pays("name", p, sept(p).owed, "tien an. "+strings.ToUpper(plain.Replace(p.name)), goes{sept(p), sept(p).owed}).lies(reconcile.Unknown)
		p = one()
		t.pays("name and class", p, sept(p).owed, strings.ToUpper(plain.Replace(p.name))+" lop "+p.class, goes{sept(p), sept(p).owed}).lies(reconcile.Needs)
		p = one()
		early(t.pays("partial", p, 100_000, t.written(sept(p)), goes{sept(p), 100_000}))
		late(t.pays("instalment", p, sept(p).owed-100_000, t.written(sept(p)), goes{sept(p), sept(p).owed - 100_000}))
		p = one()
		over := t.pays("overpaid", p, sept(p).owed+70_000, t.written(sept(p)), goes{sept(p), sept(p).owed + 70_000})
		if over.carried = i%2 == 0; !over.carried {
			over.back = t.leaves("refund", 70_000, "tra lai tien du")
		}
		p = one()
		early(exact("first", p))
		late(t.pays("twice", p, sept(p).owed, t.written(sept(p)), goes{sept(p), sept(p).owed}).lies(reconcile.Duplicates)).carried = true
		a, b = two()
		early(exact("first", a))
		late(t.pays("sender", a, sept(b).owed, "nop tien cho em", goes{sept(b), sept(b).owed}).lies(reconcile.Needs))
	}
	for i := range few {
		p := one()
		paid := late(t.pays("to be sent back", nil, 200_000+int64(t.IntN(90))*1000+1, "chuyen tien").lies(reconcile.Unknown))
		paid.back = t.leaves("sent back", paid.amount, "hoan tra tien chuyen nham")
		t.pays("donation", nil, 2_000_003+int64(i), "ung ho quy khuyen hoc").lies(reconcile.Unknown).explanation = "earned:donation"
		t.pays("strange code", p, sept(p).owed, "HP2526YK2Y6 hoc phi", goes{sept(p), sept(p).owed}).lies(reconcile.Needs)
		leaver := take(func(p *pupil) bool { return p.left })
		early(exact("first", leaver))
		again := late(t.pays("leaver", leaver, sept(leaver).owed, t.written(sept(leaver))).lies(reconcile.Duplicates))
		again.back = t.leaves("sent back", again.amount, "hoan tra hoc sinh da nghi")
		away := late(t.pays("another school's", nil, 310_000+int64(i)*1000, "BT2610YZXTX tien an").lies(reconcile.Needs))
		away.back = t.leaves("sent back", away.amount, "hoan tra nham truong")
		t.leaves("spent", 1_234_000+int64(i), "tra tien dien thang 10").explanation = "spent:electricity"
	}
	a, b := two()
	t.pays("two codes, short", a, sept(a).owed+100_000, sept(a).ref+" "+sept(b).ref, goes{sept(a), sept(a).owed}, goes{sept(b), 100_000}).lies(reconcile.Needs)
	for _, p := range t.payments {
		if p.amount > 0 && p.what != "first" {
			awkward++
		}
	}
	t.leaves("passed on", 150_000, "nop bao hiem").explanation = "passed_on:insurance"
	for i, n := range free {
		if i%17 != 16 {
			exact("usual", t.pupils[n])
		}
	}
	t.pays("interest", nil, 1_234, "lai tien gui").lies("").account = ""
	t.leaves("charge", 11_000, "Phi SMS Banking thang 10").lies("")
	return awkward
}

// settle works out what is left to pay of each bill, and what is a family's credit.
func (t *term) settle() {
	for _, b := range t.refs {
		b.left = b.owed
	}
	for _, p := range t.payments {
		for _, g := range p.goes {
			paid := min(g.amount, g.bill.left)
			g.bill.left -= paid
			g.bill.of.credit += g.amount - paid
		}
		switch {
		case p.carried:
			next := p.of.bills[1]
			part := min(p.of.credit, next.left)
			next.left, p.of.credit = next.left-part, p.of.credit-part
		case p.back != nil && p.back.what == "refund":
			p.of.credit += p.back.amount
		}
	}
}

// holds is what the bank says the account holds at the end of a day.
func (t *term) holds(until string) int64 {
	sum := t.opening
	for _, p := range t.payments {
		if p.on <= until {
			sum += p.amount
		}
	}
	return sum
}

package books

import (
	"cmp"
	"slices"
	"time"

	"socho/events"
	"socho/projections"
)

// Age says how long a debt has been due.
type Age int

// The ages that arrears are told apart by, as receivables are aged everywhere.
const (
	NotDue Age = iota
	To30       // days
	To60
	To90
	Over90
)

// Ages is how many there are.
const Ages = int(Over90) + 1

var ageWords = [Ages]string{"Chưa đến hạn", "1–30 ngày", "31–60 ngày", "61–90 ngày", "Trên 90 ngày"}

// String says an age in Vietnamese.
func (a Age) String() string { return ageWords[a] }

// Late is how many days a bill has been due on a day, 0 where it is not, and the
// age that makes. A bill that says no day, such as an opening balance, is due since
// the day it was written down.
func Late(b *projections.Bill, on events.Date) (days int, age Age) {
	due := cmp.Or(b.DueOn, b.IssuedOn)
	from, err1 := time.Parse(time.DateOnly, string(due))
	to, err2 := time.Parse(time.DateOnly, string(on))
	if err1 != nil || err2 != nil || !to.After(from) {
		return 0, NotDue
	}
	days = int(to.Sub(from) / (24 * time.Hour))
	switch {
	case days <= 30:
		return days, To30
	case days <= 60:
		return days, To60
	case days <= 90:
		return days, To90
	}
	return days, Over90
}

// Owing is what one class, stall or pupil owes, by age.
type Owing struct {
	Group string
	Bills int
	Ages  [Ages]int64
	Sum   int64
}

// Arrears adds up what is owed by group, the groups in order of their name, and
// all of them together. Bills of which nothing is owed count for nothing.
func Arrears(bills []projections.Bill, on events.Date, group func(*projections.Bill) string) (groups []Owing, all Owing) {
	at := map[string]int{}
	for i := range bills {
		b := &bills[i]
		owed := b.Owed()
		if owed <= 0 {
			continue
		}
		name := group(b)
		n, ok := at[name]
		if !ok {
			n = len(groups)
			at[name] = n
			groups = append(groups, Owing{Group: name})
		}
		_, age := Late(b, on)
		for _, o := range []*Owing{&groups[n], &all} {
			o.Bills++
			o.Ages[age] += owed
			o.Sum += owed
		}
	}
	slices.SortFunc(groups, func(a, b Owing) int { return natural(a.Group, b.Group) })
	return groups, all
}

// GroupOf is what bills are grouped by where nothing else is asked: the class of a
// school's, the stall of a market's.
func GroupOf(b *projections.Bill) string { return cmp.Or(b.Class, b.Stall) }

// natural orders names as people do: 3A before 10A, A2 before A10.
func natural(a, b string) int {
	for i, j := 0, 0; ; {
		if i == len(a) || j == len(b) {
			return cmp.Compare(len(a)-i, len(b)-j)
		}
		x, y := run(a[i:]), run(b[j:])
		var c int
		if digit(x[0]) && digit(y[0]) {
			c = cmp.Or(cmp.Compare(len(trim(x)), len(trim(y))), cmp.Compare(trim(x), trim(y)))
		} else {
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
		i, j = i+len(x), j+len(y)
	}
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// run is the digits, or the other characters, that a text begins with.
func run(s string) string {
	i := 1
	for i < len(s) && digit(s[i]) == digit(s[0]) {
		i++
	}
	return s[:i]
}

func trim(digits string) string {
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	return digits
}

package bank

import (
	"slices"
	"strings"
)

// movement reads the amount columns of a row: how much, which way. none tells that
// all are blank or zero; wrong names a column that cannot be read.
type movement struct {
	amount   Amount
	way      Direction
	reversal bool
	currency string
	none     bool
	both     bool // debit and credit in one row
	wrong    Column
	fraction bool
	debit    Amount
	credit   Amount
}

func (b *table) movement(row []string) (m movement) {
	m.none = true
	for _, c := range amountColumns[:3] {
		text := b.get(row, c)
		if strings.Trim(text, " -–.0,") == "" {
			continue
		}
		f, ok := readFigure(text)
		if !ok {
			m.wrong = c
			continue
		}
		amount, ok := b.styles[c].amount(f)
		if !ok {
			m.wrong, m.none = c, false
			continue
		}
		if f.currency != "" {
			m.currency = f.currency
		}
		if amount.IsZero() {
			continue
		}
		m.both = m.both || !m.none
		m.none = false
		m.amount = amount
		negative := f.negative && !(c == ColumnDebit && b.minusDebits)
		switch c {
		case ColumnDebit:
			m.way, m.debit = Debit, amount
		case ColumnCredit:
			m.way, m.credit = Credit, amount
		case ColumnAmount:
			m.way = Credit
			if f.negative {
				m.way = Debit
			}
			if _, ok := b.columns[ColumnDirection]; ok {
				if way := directionOf(b.get(row, ColumnDirection)); way != "" {
					m.way = way
				}
			}
			continue
		}
		if negative { // a negative debit gives money back
			m.reversal = true
			m.way = map[Direction]Direction{Debit: Credit, Credit: Debit}[m.way]
		}
	}
	if m.currency == "" {
		m.currency = b.currency
	}
	if text := Fold(b.get(row, ColumnCurrency)); currencyCode(text) {
		m.currency = text
	}
	if m.currency == "VND" && !m.none && m.wrong == "" {
		whole, ok := m.amount.in("VND")
		m.amount, m.fraction = whole, !ok
	}
	return m
}

func directionOf(text string) Direction {
	switch text {
	case "+":
		return Credit
	case "-", "−":
		return Debit
	}
	w := words(text)
	for _, way := range []Direction{Credit, Debit} {
		if slices.Contains(builtin.Directions[way], w) {
			return way
		}
	}
	for _, part := range parts(text) {
		for _, way := range []Direction{Credit, Debit} {
			if slices.Contains(builtin.Directions[way], part) {
				return way
			}
		}
	}
	return ""
}

// trail follows the running balance, in whichever order the rows stand.
type trail struct {
	n                  int
	first, last        Amount // balances
	firstMove          Amount
	lastMove           Amount
	up, down           int // rows whose balance follows from the row above; the row below
	brokenUp, brokenDn int // the first line where it does not
}

func (r *trail) add(line int, balance, move Amount) {
	if r.n == 0 {
		r.first, r.firstMove = balance, move
	} else {
		if r.last.Plus(move).Equal(balance) {
			r.up++
		} else if r.brokenUp == 0 {
			r.brokenUp = line
		}
		if balance.Plus(r.lastMove).Equal(r.last) {
			r.down++
		} else if r.brokenDn == 0 {
			r.brokenDn = line
		}
	}
	r.n++
	r.last, r.lastMove = balance, move
}

// newestFirst reports whether the rows run backwards in time.
func (r *trail) newestFirst() bool { return r.down > r.up }

// ends are the balances before the first and after the last movement in time.
func (r *trail) ends() (opening, closing Amount, broken int) {
	if r.newestFirst() {
		return r.last.Minus(r.lastMove), r.first, r.brokenDn
	}
	return r.first.Minus(r.firstMove), r.last, r.brokenUp
}

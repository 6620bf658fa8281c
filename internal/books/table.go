// Package books makes the sheets that a finance office hands on: bills by class,
// item and pupil, debts with their age, the daily cash book, the trial balance and
// the journal in the office's own account codes, as Excel and CSV.
//
// It is pure: it takes bills, balances and postings and returns tables, and the
// same arguments give the same bytes. Whoever calls it says as of which position of
// the log they hold, and decides who may see a name.
//
//	t := books.Debts(head, bills, "2026-09-30")
//	err := t.WriteXLSX(w)
package books

import (
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"socho/internal/money"
)

// Head is what every sheet says of itself.
type Head struct {
	Name         string         // of the organization, as it calls itself
	Organization string         // its id
	Period       string         // the month or days that the sheet is about; empty: all
	AsOf         map[int]int64  // the records before these offsets are in it
	Currency     money.Currency // of all its amounts
}

// position writes AsOf as other commands take it: 0:120,3:7.
func (h Head) position() string {
	var parts []string
	for shard := range 1 << 15 {
		if next, ok := h.AsOf[shard]; ok {
			parts = append(parts, strconv.Itoa(shard)+":"+strconv.FormatInt(next, 10))
		}
		if len(parts) == len(h.AsOf) {
			break
		}
	}
	return strings.Join(parts, ",")
}

// Table is one sheet.
type Table struct {
	Head
	Kind    string // of Kinds
	Title   string
	Columns []Column
	Rows    [][]Cell
	Totals  []Cell // as many as columns; nil: none
	Notes   []string
}

// Column is a heading. Amount says that its cells are sums of money.
type Column struct {
	Heading string
	Amount  bool
	Wide    int // characters
}

// Cell is a text, or a number where Number is set.
type Cell struct {
	Text   string
	Number bool
	Value  decimal.Decimal
}

func text(s string) Cell { return Cell{Text: s} }

func number(n int64) Cell { return Cell{Number: true, Value: decimal.NewFromInt(n)} }

// sum is an amount in minor units.
func (h Head) sum(minor int64) Cell {
	scale, _ := h.Currency.Scale()
	return Cell{Number: true, Value: decimal.New(minor, -scale)}
}

// String writes a cell as CSV has it. A text that a spreadsheet would take for a
// formula is told to be text (OWASP, CSV injection).
func (c Cell) String() string {
	if c.Number {
		return c.Value.String()
	}
	if c.Text != "" && strings.ContainsRune("=+-@\t\r", rune(c.Text[0])) {
		return "'" + c.Text
	}
	return c.Text
}

// place names the record that a row rests on, as the pages' addresses do.
func place(shard int, offset int64) Cell {
	return text(strconv.Itoa(shard) + ":" + strconv.FormatInt(offset, 10))
}

// total adds up the amounts of every row, under a word in the first column.
func (t *Table) total() {
	t.Totals = make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		if !c.Amount {
			continue
		}
		sum := decimal.Zero
		for _, row := range t.Rows {
			sum = sum.Add(row[i].Value)
		}
		t.Totals[i] = Cell{Number: true, Value: sum}
	}
	t.Totals[0] = text("Tổng cộng")
}

// Package salesbook makes the book of sales that a household business keeps: form
// S1a-HKD of Circular 152/2025/TT-BTC, as a table, as PDF and as Excel.
//
// It is pure: it takes what a trader sold and returns a book, and the same
// arguments give the same bytes. It must never know whose the sales are but by what
// the caller says stands in the head of the book; whoever calls it has made sure
// that they are one person's.
//
//	span, err := salesbook.ParseSpan("2026-09") // or 2026-Q3, or 2026
//	book, err := salesbook.Make(head, span, "below_threshold", salesbook.EachDay, sales)
//	pdf, err := book.PDF()
//	xlsx, err := book.XLSX()
package salesbook

import (
	_ "embed" // forms.json
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/projections"
)

// Form is which book a tax method asks for. A decree changes it from a day on: so
// each has one, and its source.
type Form struct {
	Method string      `json:"method"` // below_threshold, percentage or income
	Form   string      `json:"form"`
	From   events.Date `json:"from"`
	Built  bool        `json:"built"` // this package can make it
	Source string      `json:"source"`
}

//go:embed forms.json
var formsFile []byte

var forms = func() (all []Form) {
	if err := json.Unmarshal(formsFile, &all); err != nil {
		panic(err) // the file is embedded above
	}
	return all
}()

// Forms lists which book each tax method asks for on a day: of several forms of one
// method, the one that began last.
func Forms(on events.Date) (all []Form) {
	for _, f := range forms {
		if f.From > on {
			continue
		}
		i := slices.IndexFunc(all, func(known Form) bool { return known.Method == f.Method })
		switch {
		case i < 0:
			all = append(all, f)
		case all[i].From < f.From:
			all[i] = f
		}
	}
	return all
}

// FormOf is the book that a tax method asks for on a day. Errors: ErrForm for a
// method that asks for none then, or for one that is not built.
func FormOf(method string, on events.Date) (Form, error) {
	for _, f := range Forms(on) {
		if f.Method == method && f.Built {
			return f, nil
		}
	}
	return Form{}, ErrForm
}

// What can be wrong with a book that is asked for.
var (
	ErrSpan     = errors.New("salesbook: expected a month (2026-09), a quarter (2026-Q3) or a year (2026)")
	ErrForm     = errors.New("salesbook: the book for this tax method is not made here; S1a-HKD alone is")
	ErrTooMany  = errors.New("salesbook: more sales than one book holds; ask for a shorter time, or for sums of days")
	ErrCurrency = errors.New("salesbook: the book is kept in đồng, and there are sales in another currency")
)

// Span is the days of a book, both included.
type Span struct {
	Text        string // as it was asked for
	From, Until events.Date
}

var spelling = regexp.MustCompile(`^([0-9]{4})(?:-(0[1-9]|1[0-2])|-Q([1-4]))?$`)

// ParseSpan reads a month, a quarter or a year. Errors: ErrSpan.
func ParseSpan(text string) (Span, error) {
	m := spelling.FindStringSubmatch(text)
	if m == nil {
		return Span{}, ErrSpan
	}
	year, first, last := m[1], 1, 12
	switch {
	case m[2] != "":
		first, _ = strconv.Atoi(m[2]) //nolint:errcheck // two digits
		last = first
	case m[3] != "":
		quarter := int(m[3][0] - '0')
		first, last = 3*quarter-2, 3*quarter
	}
	from := events.Date(fmt.Sprintf("%s-%02d-01", year, first))
	if !from.Valid() {
		return Span{}, ErrSpan
	}
	return Span{text, from, events.Period(fmt.Sprintf("%s-%02d", year, last)).End()}, nil
}

// Words says the span as the form does.
func (s Span) Words() string {
	year, rest, more := strings.Cut(s.Text, "-")
	switch {
	case !more:
		return "Năm " + year
	case strings.HasPrefix(rest, "Q"):
		return "Quý " + rest[1:] + " năm " + year
	}
	return "Tháng " + rest + " năm " + year
}

// Head is what stands above the table. What is empty is left to be written by hand.
type Head struct {
	Name     string // of the household or the trader
	Address  string
	TaxCode  string
	Location string // where the business is: stall and market
}

// Detail is how finely a book is written.
type Detail string

// The details. The circular leaves the choice.
const (
	EachDay  Detail = "day"  // one line for the sales of a day
	EachSale Detail = "sale" // one for each
)

// Line is one line: column A, B and 1 of the form. Amount is in đồng, below zero
// where a sale was taken back on a later day than its own.
type Line struct {
	On          events.Date
	Description string
	Amount      int64
}

// Book is a book of sales.
type Book struct {
	Form  Form
	Head  Head
	Span  Span
	Lines []Line
	Total *big.Int // in đồng; below zero where more was taken off than sold
	AsOf  int64    // offset of the last record that it rests on; -1 for none
}

// MaxLines bounds a book.
const MaxLines = 50_000

// Make writes the sales of the span's days down, in their order. A sale that was
// taken back on its own day is none; one taken back later stands in the book, and is
// taken off on the day that it was taken back, so that a book that was handed in
// stays as it was.
// Errors: ErrForm, ErrTooMany, ErrCurrency.
func Make(head Head, span Span, method string, detail Detail, sales []projections.Sale) (*Book, error) {
	form, err := FormOf(method, span.Until)
	if err != nil {
		return nil, err
	}
	b := &Book{Form: form, Head: head, Span: span, Total: new(big.Int), AsOf: -1}
	in := func(day events.Date) bool { return span.From <= day && day <= span.Until }
	for i := range sales {
		s := &sales[i]
		switch {
		case s.Currency != money.VND:
			return nil, ErrCurrency
		case s.UndoneOn == s.EffectiveOn:
			continue
		}
		if in(s.EffectiveOn) {
			b.Lines = append(b.Lines, Line{s.EffectiveOn, sold[s.Method], s.Amount})
		}
		if s.UndoneOn != "" && in(s.UndoneOn) {
			b.Lines = append(b.Lines, Line{s.UndoneOn, "Ghi giảm khoản đã ghi ngày " + day(s.EffectiveOn), -s.Amount})
		}
		b.AsOf = max(b.AsOf, s.Changed)
	}
	slices.SortStableFunc(b.Lines, func(x, y Line) int { return strings.Compare(string(x.On), string(y.On)) })
	if detail == EachDay {
		b.Lines = byDay(b.Lines)
	}
	if len(b.Lines) > MaxLines {
		return nil, ErrTooMany
	}
	for _, l := range b.Lines {
		b.Total.Add(b.Total, big.NewInt(l.Amount))
	}
	return b, nil
}

// sold says in the book's words how customers paid.
var sold = map[string]string{"bank": "Bán hàng, khách chuyển khoản", "ewallet": "Bán hàng, khách trả bằng ví điện tử", "cash": "Bán hàng, thu tiền mặt"}

// byDay puts the sales of each day into one line. What was taken off stays by
// itself.
func byDay(lines []Line) (days []Line) {
	at, count := -1, 0
	for _, l := range lines {
		switch {
		case l.Amount < 0:
			days = append(days, l)
			continue
		case at < 0 || days[at].On != l.On:
			at, count = len(days), 0
			days = append(days, Line{On: l.On})
		}
		count++
		days[at].Amount += l.Amount
		days[at].Description = fmt.Sprintf("Doanh thu bán hàng trong ngày (%d lần bán)", count)
	}
	return days
}

// day writes a day as Vietnamese forms do.
func day(d events.Date) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return t.Format("02/01/2006")
}

package web

import (
	"errors"
	"fmt"
	"net/http"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/internal/salesbook"
)

// bookLines is how many lines of a book stand on the page; its files hold all.
const bookLines = 400

type bookPage struct {
	Base    string
	Stall   string
	Market  string
	Spans   []option
	Span    string
	Words   string
	Details []option
	Detail  string
	Methods []option
	Method  string
	Book    *salesbook.Book // nil: this method's book is not made here
	Form    string
	Source  string
	Total   string
	Lines   []salesbook.Line
	More    int
	Name    string
	Problem string
}

// spans are the times that a book may be of: the months so far of this year and the
// last, their quarters, and both years.
func (r *request) spans(now events.Date) (all []option) {
	year := string(now[:4])
	month := int(now[5]-'0')*10 + int(now[6]-'0')
	l := r.language
	var n int
	fmt.Sscan(year, &n) //nolint:errcheck // a valid day begins with four digits
	for y := n; y >= n-1; y-- {
		for m := month; m >= 1; m-- {
			text := fmt.Sprintf("%d-%02d", y, m)
			all = append(all, option{Value: text, Label: l.say("book.month", "month", fmt.Sprintf("%02d/%d", m, y))})
		}
		for q := (month + 2) / 3; q >= 1; q-- {
			all = append(all, option{Value: fmt.Sprintf("%d-Q%d", y, q), Label: l.say("book.quarter", "quarter", q, "year", y)})
		}
		all = append(all, option{Value: fmt.Sprint(y), Label: l.say("book.year", "year", y)})
		month = 12
	}
	return all
}

// asked reads which book the visitor wants; where they say nothing, this month's,
// day by day.
func (s *site) asked(r *request, t readmodel.Trader, market string) (*bookPage, error) {
	page := &bookPage{Base: traderBase(r.who), Stall: t.Stall, Market: market, Name: r.FormValue("name")}
	page.Span, page.Detail, page.Method = r.FormValue("span"), r.FormValue("detail"), r.FormValue("method")
	if page.Span == "" {
		page.Span = string(today()[:7])
	}
	if page.Detail == "" {
		page.Detail = string(salesbook.EachDay)
	}
	if page.Method == "" {
		page.Method = "below_threshold"
	}
	page.Spans = r.spans(today())
	page.Details = r.language.options("book_detail", []string{string(salesbook.EachDay), string(salesbook.EachSale)})
	span, err := salesbook.ParseSpan(page.Span)
	if err != nil || page.Detail != string(salesbook.EachDay) && page.Detail != string(salesbook.EachSale) {
		return nil, errBad
	}
	page.Words = span.Words()
	known := false
	for _, f := range salesbook.Forms(span.Until) {
		page.Methods = append(page.Methods, option{Value: f.Method, Label: r.language.word("tax_method", f.Method)})
		if f.Method == page.Method {
			known, page.Form, page.Source = true, f.Form, f.Source
		}
	}
	if !known {
		page.Problem = r.language.say("book.no_form")
		return page, nil
	}
	sold, err := s.Traders.Sales.SalesBetween(r.Context(), t, span.From, span.Until)
	if err != nil {
		return nil, err
	}
	head := salesbook.Head{Name: r.FormValue("name"), Address: r.FormValue("address"), TaxCode: r.FormValue("tax_code"), Location: "Sạp " + t.Stall + ", " + market}
	if len(sold) > readmodel.MaxBookSales {
		err = salesbook.ErrTooMany
	} else {
		page.Book, err = salesbook.Make(head, span, page.Method, salesbook.Detail(page.Detail), sold)
	}
	switch {
	case errors.Is(err, salesbook.ErrForm):
		page.Problem = r.language.say("book.not_built", "form", page.Form)
	case errors.Is(err, salesbook.ErrTooMany):
		page.Problem = r.language.say("book.too_many")
	case errors.Is(err, salesbook.ErrCurrency):
		page.Problem = r.language.say("book.other_currency")
	case err != nil:
		return nil, err
	}
	return page, nil
}

// salesBook shows the book of a time.
func (s *site) salesBook(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	page, err := s.asked(r, t, o.Name)
	if err != nil {
		return nil, err
	}
	if page.Book != nil {
		page.Total, page.Lines = r.language.decimal(page.Book.Total.String(), money.VND), page.Book.Lines
		if page.More = len(page.Lines) - bookLines; page.More > 0 {
			page.Lines = page.Lines[:bookLines]
		} else {
			page.More = 0
		}
	}
	return &view{template: "trader_book", title: r.language.say("book.title"), section: "sales_book", data: page}, nil
}

// salesBookFile hands the book over. What was typed for its head is kept nowhere.
func (s *site) salesBookFile(r *request) (*view, error) {
	if r.Method != http.MethodPost || r.PostFormValue("as") == "" {
		return s.salesBook(r)
	}
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	page, err := s.asked(r, t, o.Name)
	if err != nil {
		return nil, err
	}
	if page.Book == nil {
		return s.salesBook(r)
	}
	for _, name := range []string{"name", "address", "tax_code"} {
		if len([]rune(r.PostFormValue(name))) > events.MaxPersonalChars {
			return nil, errBad
		}
	}
	f := &file{name: "so-doanh-thu-" + t.Stall + "-" + page.Span}
	switch r.PostFormValue("as") {
	case "pdf":
		f.name, f.kind = f.name+".pdf", "application/pdf"
		f.content, err = page.Book.PDF()
	case "xlsx":
		f.name, f.kind = f.name+".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		f.content, err = page.Book.XLSX()
	default:
		return nil, errBad
	}
	if err != nil {
		return nil, err
	}
	entry := identity.Entry{Action: identity.Exported, Organization: t.Organization, Object: t.Person, Detail: "sales", Outcome: identity.OK}
	return &view{file: f}, s.People.Spend(r.Context(), entry, revealsMost, revealsWithin)
}

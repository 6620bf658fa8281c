package salesbook_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"socho/events"
	"socho/internal/money"
	"socho/internal/salesbook"
	"socho/projections"
)

func sale(on, method string, amount int64, undone string) projections.Sale {
	return projections.Sale{EffectiveOn: events.Date(on), Method: method, Amount: amount, Currency: money.VND, UndoneOn: events.Date(undone), Changed: amount}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]string{"2026-09": "2026-09-01 2026-09-30 Tháng 09 năm 2026", "2026-Q3": "2026-07-01 2026-09-30 Quý 3 năm 2026",
		"2026": "2026-01-01 2026-12-31 Năm 2026", "2028-02": "2028-02-01 2028-02-29 Tháng 02 năm 2028",
		"": "", "2026-13": "", "2026-Q5": "", "2026-Q0": "", "2026-9": "", "2026-Q": "", "26-09": "", "2026-09-01": "", "2026-": "", "2026-+9": "", "x": "", "1999": ""} {
		span, err := salesbook.ParseSpan(text)
		if got := fmt.Sprintf("%s %s %s", span.From, span.Until, span.Words()); err == nil && got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestMake: what stands in the book, and what does not.
func TestMake(t *testing.T) {
	sales := []projections.Sale{
		sale("2026-08-31", "bank", 1, "2026-09-02"), // of August, taken back in September
		sale("2026-09-01", "bank", 41_000, ""),
		sale("2026-09-01", "cash", 9_000, ""),
		sale("2026-09-01", "cash", 70_000, "2026-09-01"), // written by mistake, and mended at once
		sale("2026-09-30", "cash", 5_000, "2026-10-01"),  // taken back after the book was handed in
	}
	span, err := salesbook.ParseSpan("2026-09")
	if err != nil {
		t.Fatal(err)
	}
	for detail, want := range map[salesbook.Detail]string{
		salesbook.EachSale: "2026-09-01 41000, 2026-09-01 9000, 2026-09-02 -1, 2026-09-30 5000, = 54999",
		salesbook.EachDay:  "2026-09-01 50000, 2026-09-02 -1, 2026-09-30 5000, = 54999",
	} {
		b, err := salesbook.Make(salesbook.Head{}, span, "below_threshold", detail, sales)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, l := range b.Lines {
			got += fmt.Sprintf("%s %d, ", l.On, l.Amount)
		}
		if got += "= " + b.Total.String(); got != want {
			t.Errorf("%s: %s, want %s", detail, got, want)
		}
	}
	for method, span := range map[string]string{"percentage": "2026", "income": "2026", "nothing": "2026", "below_threshold": "2025-12"} {
		at, err := salesbook.ParseSpan(span)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := salesbook.Make(salesbook.Head{}, at, method, salesbook.EachDay, nil); !errors.Is(err, salesbook.ErrForm) {
			t.Errorf("%s in %s: %v", method, span, err)
		}
	}
	foreign := sale("2026-09-01", "cash", 100, "")
	foreign.Currency = "USD"
	if _, err := salesbook.Make(salesbook.Head{}, span, "below_threshold", salesbook.EachDay, []projections.Sale{foreign}); !errors.Is(err, salesbook.ErrCurrency) {
		t.Error(err)
	}
	many := make([]projections.Sale, salesbook.MaxLines+1)
	for i := range many {
		many[i] = sale("2026-09-01", "cash", 1_000, "")
	}
	if _, err := salesbook.Make(salesbook.Head{}, span, "below_threshold", salesbook.EachSale, many); !errors.Is(err, salesbook.ErrTooMany) {
		t.Error(err)
	}
	if b, err := salesbook.Make(salesbook.Head{}, span, "below_threshold", salesbook.EachDay, many); err != nil || len(b.Lines) != 1 {
		t.Error(err)
	}
}

// book has several pages.
func book(t *testing.T, lines int) *salesbook.Book {
	t.Helper()
	span, err := salesbook.ParseSpan("2026-Q3")
	if err != nil {
		t.Fatal(err)
	}
	var sales []projections.Sale
	for i := range lines {
		sales = append(sales, sale(fmt.Sprintf("2026-%02d-%02d", 7+i*3/max(lines, 1), 1+i%28), []string{"bank", "cash"}[i%2], int64(10_000+1_000*i), ""))
	}
	b, err := salesbook.Make(salesbook.Head{Name: "=HYPERLINK(\"x\")", Address: "Thôn Má Tìa, xã Đồng Văn, tỉnh Tuyên Quang", TaxCode: "0102030405", Location: "Sạp A31, Chợ Đồng Văn"},
		span, "below_threshold", salesbook.EachSale, sales)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPDF: the same book is the same bytes, its letters are in the file, and long
// books carry their sum from page to page. SOCHO_LOOK names a folder to look at it in.
func TestPDF(t *testing.T) {
	for _, lines := range []int{0, 1, 33, 34, 35, 36, 140} {
		b := book(t, lines)
		pdf, err := b.PDF()
		if err != nil {
			t.Fatal(err)
		}
		again, err := b.PDF()
		if err != nil || !bytes.Equal(pdf, again) {
			t.Errorf("%d lines: other bytes, %v", lines, err)
		}
		if !bytes.Contains(pdf, []byte("/FontFile2")) {
			t.Errorf("%d lines: no letters are embedded", lines)
		}
		if pages := bytes.Count(pdf, []byte("/Type /Page\n")); lines == 140 && pages < 4 || lines == 1 && pages != 1 {
			t.Errorf("%d lines on %d pages", lines, pages)
		}
		if folder := os.Getenv("SOCHO_LOOK"); folder != "" {
			if err := os.WriteFile(fmt.Sprintf("%s/book-%d.pdf", folder, lines), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestXLSX: amounts are numbers, and what begins like a formula is a text.
func TestXLSX(t *testing.T) {
	b := book(t, 5)
	content, err := b.XLSX()
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cell := func(at string) (string, excelize.CellType, string) {
		value, err1 := f.GetCellValue("S1a-HKD", at, excelize.Options{RawCellValue: true})
		kind, err2 := f.GetCellType("S1a-HKD", at)
		formula, err3 := f.GetCellFormula("S1a-HKD", at)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(at, err)
		}
		return value, kind, formula
	}
	for at, want := range map[string]string{"C11": "10000", "C15": "14000", "C16": "60000"} {
		if value, kind, _ := cell(at); value != want || kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString {
			t.Errorf("%s: %q of kind %v", at, value, kind)
		}
	}
	if value, kind, formula := cell("A1"); !strings.Contains(value, "=HYPERLINK") || kind != excelize.CellTypeSharedString || formula != "" {
		t.Errorf("A1: %q of kind %v, formula %q", value, kind, formula)
	}
	if value, _, _ := cell("A5"); value != "SỔ DOANH THU BÁN HÀNG HÓA, DỊCH VỤ" {
		t.Errorf("A5: %q", value)
	}
}

package payoutreport

import (
	"archive/zip"
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"socho/internal/payouts"
	"socho/projections"
)

var at = time.Date(2026, 10, 19, 8, 0, 0, 0, time.UTC)

func line(payout, name, citizen string, p projections.Payout) payouts.CashLine {
	p.Payout, p.Unit = payout, "00721"
	return payouts.CashLine{Payout: p, Name: name, Citizen: citizen}
}

func sheet() *Sheet {
	return NewSheet("Quỹ thử", "2026-10", "00721", []payouts.CashLine{
		line("o1", "Vàng Thị Mẫu", "002001000001", projections.Payout{Payable: 500_000}),
		line("o2", "=HYPERLINK(\"http://x\")", "002001000002", projections.Payout{Returned: 750_000}),
		line("o3", "Giàng Mí Ánh", "002001000003", projections.Payout{PaidCash: 1_000_000, CashOn: "2026-10-15"}),
		line("o4", "", "", projections.Payout{Payable: 250_000}),
		line("o5", "Không Tiền", "002001000005", projections.Payout{Clearing: 250_000}),
	}, at)
}

// A signed list has everybody who is or was paid in cash, by name, with no more of
// the citizen id than it takes; what is on its way through the bank is not on it.
func TestSheet(t *testing.T) {
	s := sheet()
	var got []string
	for _, l := range s.Lines {
		got = append(got, l.Payout+" "+l.Citizen)
	}
	if want := "o2 ••••••••0002|o3 ••••••••0003|o1 ••••••••0001|o4 "; s.Sum != 2_500_000 || strings.Join(got, "|") != want {
		t.Errorf("%d: %q", s.Sum, got)
	}
	if s.Lines[1].PaidOn != "15/10/2026" {
		t.Errorf("%+v", s.Lines[1])
	}
	for range 2 {
		page, err := s.PDF()
		if err != nil || !bytes.HasPrefix(page, []byte("%PDF-")) {
			t.Fatalf("%v", err)
		}
	}
	s.Lines = make([]SheetLine, maxOnPaper+1)
	if _, err := s.PDF(); err == nil {
		t.Error("a list too long for one paper is printed")
	}
}

// Names are ordered by their last word, whatever marks it has.
func TestSortKey(t *testing.T) {
	order := []string{"Giàng Mí Ánh", "Lý Thị Bình", "Hoàng Văn Đa", "Vàng Đức", "Trần An Mẫu", "Vàng Thị Mẫu"}
	for i := 1; i < len(order); i++ {
		if sortKey(order[i-1]) >= sortKey(order[i]) {
			t.Errorf("%s is not before %s", order[i-1], order[i])
		}
	}
}

// In a workbook numbers are numbers, and no text is a formula.
func TestWorkbooks(t *testing.T) {
	content, err := sheet().XLSX()
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("Ký nhận", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for i, row := range rows {
		for j, cell := range row {
			if strings.ContainsAny(cell[:min(len(cell), 1)], "=+-@") {
				t.Errorf("row %d, column %d: %q", i+1, j+1, cell)
			}
		}
		if i >= 4 && i < 8 {
			name, _ := excelize.CoordinatesToCellName(6, i+1)
			kind, err := book.GetCellType("Ký nhận", name)
			if err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
				t.Errorf("the amount in %s is of type %v, %v", name, kind, err)
			}
			n, err := strconv.ParseInt(row[5], 10, 64)
			if err != nil {
				t.Errorf("the amount %q: %v", row[5], err)
			}
			sum += n
		}
	}
	if sum != 2_500_000 {
		t.Errorf("the amounts add up to %d", sum)
	}
	if !strings.Contains(rows[len(rows)-1][2], "Hai triệu năm trăm nghìn đồng") {
		t.Errorf("the sum in words: %q", rows[len(rows)-1])
	}
	for _, text := range []string{"=1+1", "+84", "-1", "@x", "\t=1", "\r=1"} {
		if inert(text) != "'"+text {
			t.Errorf("%q stays as it is", text)
		}
	}
	if inert("Vàng") != "Vàng" || inert("") != "" {
		t.Error("an ordinary text is changed")
	}
}

func report() *Report {
	rate := "86.2"
	whole := Row{Entitled: 1097, HasAccount: 954, PaidAccount: 946, PaidCash: 146, Returned: 2, Carried: 5, EntitledSum: 793_000_000, PaidAccountSum: 684_250_000, PaidCashSum: 104_750_000, CarriedSum: 4_000_000, Rate: &rate}
	one := whole
	one.Unit = "00721"
	till := Till{Point: "=cmd|x", Before: 2_000_000, Drawn: 105_250_000, Paid: 104_750_000}
	return &Report{Fund: "Quỹ thử", Period: "2026-09", Definition: "benefits.persons@1", Units: []Row{one}, Whole: whole, Tills: []Till{till}, Cash: till, At: at}
}

// The report as a workbook holds its numbers, its definition, and where the cash is.
func TestReportWorkbook(t *testing.T) {
	if page, err := report().PDF(); err != nil || !bytes.HasPrefix(page, []byte("%PDF-")) {
		t.Fatalf("%v", err)
	}
	content, err := report().XLSX()
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for cell, want := range map[string]string{"C6": "1097", "G6": "946", "O6": "86.2", "N6": "4000000", "B8": "benefits.persons@1", "B9": "946", "B10": "1097", "B11": "86.2", "A15": "'=cmd|x", "F15": "2500000"} {
		if got, err := book.GetCellValue("Báo cáo", cell, excelize.Options{RawCellValue: true}); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", cell, got, err, want)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "xl/worksheets/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || bytes.Contains(text, []byte("<f>")) {
			t.Errorf("%s holds a formula: %v", f.Name, err)
		}
	}
}

// A slip says how much in words, and where; and is made for each way of paying.
func TestSlip(t *testing.T) {
	for _, method := range []string{"cash", "account"} {
		s := &Slip{Fund: "Quỹ thử", At: at, Payout: projections.Payout{Payout: "o2610-mau", Period: "2026-10", Unit: "00721", Method: method, Ordered: 750_000, Payable: 750_000}}
		if page, err := s.PDF(); err != nil || !bytes.HasPrefix(page, []byte("%PDF-")) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

package books

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
	"socho/projections"
)

func words(_, word string) string { return word }

var head = Head{Name: "Trường Mẫu", Organization: "hg-truong", Period: "2026-09", AsOf: map[int]int64{3: 120, 0: 7}, Currency: money.VND}

func bill(id, class, pupil string, offset, issued, paid int64, items ...events.Item) Bill {
	return Bill{Bill: projections.Bill{Organization: "hg-truong", Bill: id, Kind: "school", Holder: "pupil:" + pupil, Person: pupil, Class: class, Period: "2026-09",
		DueOn: "2026-09-20", IssuedOn: "2026-09-01", Currency: money.VND, Issued: issued, Paid: paid, First: projections.Position{Shard: 3, Offset: offset}}, Items: items}
}

func meals(amount string) events.Item {
	return events.Item{Item: "meals", Amount: events.Decimal(amount), InvoiceDuty: "invoice"}
}

// A workbook holds numbers as numbers, texts as texts whatever they begin with, and
// is the same bytes each time.
func TestWorkbook(t *testing.T) {
	b := bill("b-1", "3A", "p-1", 5, 400_000, 0, meals("400000"))
	b.Name = "=SUM(A1) & <Mỷ>"
	table := Items(head, []Bill{b}, words)
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := table.WriteXLSX(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same table gave other bytes")
	}
	book, err := excelize.OpenReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows(book.GetSheetName(0), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%q", rows)
	for _, want := range []string{"Chi tiết khoản thu", "Trường Mẫu (hg-truong)", "Kỳ: 2026-09", `"=SUM(A1) & <Mỷ>"`, `"400000"`, "Tính đến vị trí sổ: 0:7,3:120"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	for cell, want := range map[string]excelize.CellType{"I6": excelize.CellTypeUnset, "C6": excelize.CellTypeInlineString} {
		if got, err := book.GetCellType(book.GetSheetName(0), cell); err != nil || got != want {
			t.Errorf("%s is of type %v (%v)", cell, got, err)
		}
	}
	if formula, err := book.GetCellFormula(book.GetSheetName(0), "C6"); err != nil || formula != "" {
		t.Errorf("a formula %q, %v", formula, err)
	}
}

func TestCSVFormulas(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+84": "'+84", "-x": "'-x", "@a": "'@a", "\tx": "'\tx", "3A": "3A", "": ""} {
		if got := text(in).String(); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := (Cell{Number: true, Value: decimal.NewFromInt(-5)}).String(); got != "-5" {
		t.Errorf("a number below zero: %q", got)
	}
}

func TestAges(t *testing.T) {
	for on, want := range map[events.Date]Age{"2026-09-01": NotDue, "2026-09-20": NotDue, "2026-09-21": To30, "2026-10-20": To30, "2026-10-21": To60, "2026-11-19": To60,
		"2026-11-20": To90, "2026-12-19": To90, "2026-12-20": Over90} {
		b := bill("b", "3A", "p", 1, 10, 0).Bill
		if days, age := Late(&b, on); age != want {
			t.Errorf("%s: %d days, %s, want %s", on, days, age, want)
		}
	}
	opening := projections.Bill{IssuedOn: "2026-01-01", Issued: 10}
	if days, age := Late(&opening, "2026-01-31"); days != 30 || age != To30 {
		t.Errorf("an opening balance: %d, %s", days, age)
	}
	groups, all := Arrears([]projections.Bill{bill("a", "10B", "p", 1, 500, 100).Bill, bill("b", "3A", "q", 2, 300, 0).Bill, bill("c", "3A", "q", 3, 300, 300).Bill}, "2026-10-30", GroupOf)
	if len(groups) != 2 || groups[0].Group != "3A" || groups[0].Bills != 1 || groups[1].Ages[To60] != 400 || all.Sum != 700 || all.Bills != 2 {
		t.Errorf("%+v %+v", groups, all)
	}
}

func TestNatural(t *testing.T) {
	names := []string{"10A", "3B", "3A", "A12", "A2", "A02b", "", "Lá 1"}
	slices.SortFunc(names, natural)
	if got := fmt.Sprintf("%q", names); got != `["" "3A" "3B" "10A" "A2" "A02b" "A12" "Lá 1"]` {
		t.Error(got)
	}
}

// What was taken back stands on no sheet; the rest adds up.
func TestClasses(t *testing.T) {
	gone := bill("b-9", "3A", "p-9", 9, 0, 0, meals("400000"))
	gone.Reversed = true
	table := Classes(head, []Bill{bill("b-1", "10B", "p-1", 5, 400_000, 100_000, meals("400000")), bill("b-2", "3A", "p-2", 6, 300_000, 0, meals("300000")), gone}, words)
	if len(table.Rows) != 2 || table.Rows[0][0].Text != "3A" || table.Totals[2].String() != "700000" || table.Totals[6].String() != "600000" || table.Rows[1][7].Text != "3:5" {
		t.Errorf("%v %v", table.Rows, table.Totals)
	}
}

func TestTrial(t *testing.T) {
	d := decimal.NewFromInt
	balances := []Balance{{"bank:main", ledger.Asset, d(400), d(0)}, {"held:meals", ledger.Liability, d(0), d(400)}}
	table, err := Trial(head, balances, DefaultCodes("school"))
	if err != nil || table.Totals[5].String() != "400" || table.Totals[6].String() != "400" || table.Rows[0][1].Text != "112" {
		t.Errorf("%v, %v", table, err)
	}
	balances[1].Credits = d(399)
	if _, err := Trial(head, balances, nil); !errors.Is(err, ErrBalance) {
		t.Errorf("accounts that differ are a sheet all the same: %v", err)
	}
}

func TestCashBook(t *testing.T) {
	postings := []Posting{
		{At: projections.Position{Offset: 9}, On: "2026-09-03", Debit: "bank:main", Credit: "unallocated:in:l2", Minor: 50},
		{At: projections.Position{Offset: 8}, On: "2026-09-04", Debit: "unallocated:out:l3", Credit: "bank:main", Minor: 30},
		{At: projections.Position{Offset: 7}, On: "2026-09-05", Debit: "cash:collector:c", Credit: "stall:A1:receivable:b", Minor: 20},
		{At: projections.Position{Offset: 6}, On: "2026-09-05", Debit: "stall:A1:receivable:b", Credit: "income:x", Minor: 20},
	}
	table := CashBook(head, map[string]int64{"bank:main": 1000, "bank:old": 0}, postings)
	var left []string
	for _, row := range table.Rows {
		left = append(left, row[5].String())
	}
	if got := strings.Join(left, " "); got != "1000 1050 1020 20" || table.Totals[3].String() != "70" || table.Totals[4].String() != "30" || table.Totals[5].String() != "1040" {
		t.Errorf("%s, %v", got, table.Totals)
	}
}

func TestCodes(t *testing.T) {
	for _, kind := range []string{"school", "market", "fund", "province"} {
		codes := DefaultCodes(kind)
		again, err := ReadCodes(WriteCodes(codes))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(codes) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	school := DefaultCodes("school")
	for path, want := range map[string]string{"bank:main": "112", "bank:main:CNY": "112", "cash:collector:c": "111", "pupil:p:receivable:b": "3381", "pupil:p:credit": "3381", "suspense:in": "3388",
		"suspense:out:o": "1388", "waivers:poor": "3381", "bank": "", "stall:A:receivable:b": "", "charges:bank:x1": ""} {
		if got, _ := school.Of(path); got != want {
			t.Errorf("%s is kept under %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{"", "a,b,c\n", "account,code,name\n", "account,code,name\nbank:{},11 2,x\n", "account,code,name\nbank::x,112,x\n", "account,code,name\n*,112,x\n", "account,code,name\nbank:{},112\n",
		"account,code,name\n\"bank:{},112,x\n", "account,code,name\nbank:{},112,\xff\n"} {
		if _, err := ReadCodes([]byte(bad)); !errors.Is(err, ErrCodes) {
			t.Errorf("%q was read: %v", bad, err)
		}
	}
}

func FuzzReadCodes(f *testing.F) {
	f.Add([]byte("account,code,name\nbank:{},112,x\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		codes, err := ReadCodes(content)
		if err != nil {
			return
		}
		if again, err := ReadCodes(WriteCodes(codes)); err != nil || fmt.Sprint(again) != fmt.Sprint(codes) {
			t.Errorf("%q: %v", content, err)
		}
	})
}

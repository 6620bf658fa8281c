package bank

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
)

// told sums up a result in one line: format, entries as ±amount@day, opening,
// closing and the codes of problems.
func told(r *Result, entries []Entry) string {
	var b strings.Builder
	fmt.Fprint(&b, r.Format, " ")
	if !r.Valid {
		return b.String() + "refused " + r.Problems[0].Code
	}
	for _, e := range entries {
		sign := "+"
		if e.Direction == Debit {
			sign = "-"
		}
		fmt.Fprint(&b, sign, e.Amount, e.Currency, "@", e.BookedOn, " ")
	}
	if s := r.Statements; s != nil && len(s.List) > 0 && s.List[0].Opening != nil {
		fmt.Fprint(&b, "[", s.List[0].Opening, "→", s.List[0].Closing, "] ")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s@%d ", p.Code, p.Line)
	}
	return strings.TrimSpace(b.String())
}

// TestTables: one thing that banks do to a table, per case.
func TestTables(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"semicolons, signed amounts, decimals and a currency in the cell", `
Ngày giao dịch;Số tiền;Nội dung;Mã giao dịch
01/09/2026;+1.200.000,00 VND;HP2526YK2Y6;FT1
02/09/2026;-980.000,00 VND;PHI;FT2
`, "VN CSV +1200000VND@2026-09-01 -980000VND@2026-09-02"},
		{"amount and direction in two columns, tabs", "Date\tAmount\tD/C\tDescription\n2026-09-01\t61,000\tC\ta\n2026-09-02\t20,000\tD\tb\n",
			"VN CSV +61000VND@2026-09-01 -20000VND@2026-09-02"},
		{"direction in words", `
Ngày|Loại|Số tiền|Diễn giải
1/9/2026|Ghi có|61.000|a
1/9/2026|Ghi nợ|20.000|b
`, "VN CSV +61000VND@2026-09-01 -20000VND@2026-09-01"},
		{"headings without diacritics, and a row number", `
No,Ngay GD,Mo ta,No,Co,So du
1,05/09/2026,a,,61000,1061000
`, "VN CSV +61000VND@2026-09-05 [1000000→1061000]"},
		{"headings in two rows", `
STT,Ngày GD,Số tiền,,Số dư,Nội dung
,,Nợ,Có,,
1,05/09/2026,,61.000,1.061.000,a
2,05/09/2026,20.000,,1.041.000,b
`, "VN CSV +61000VND@2026-09-05 -20000VND@2026-09-05 [1000000→1041000]"},
		{"newest first", `
Ngày,Nợ,Có,Số dư,Nội dung
07/09/2026,,5.000,1.046.000,c
06/09/2026,20.000,,1.041.000,b
05/09/2026,,61.000,1.061.000,a
`, "VN CSV +5000VND@2026-09-07 -20000VND@2026-09-06 +61000VND@2026-09-05 [1000000→1046000]"},
		{"opening and closing rows, page totals, the header row again, footers", `
Ngày,Số CT,Nợ,Có,Số dư,Nội dung
,,,,1.000.000,Số dư đầu kỳ
05/09/2026,A1,,61.000,1.061.000,a
Cộng trang,,0,61.000,,
Ngày,Số CT,Nợ,Có,Số dư,Nội dung
06/09/2026,A2,20.000,,1.041.000,b
Tổng cộng,,20.000,61.000,,
,,,,1.041.000,Số dư cuối kỳ
Người lập,,Kiểm soát,,Giám đốc,
`, "VN CSV +61000VND@2026-09-05 -20000VND@2026-09-06 [1000000→1041000]"},
		{"balances above the headings, another currency", `
Số tài khoản: 0011000000001,,,,
Loại tiền/Currency:,USD,,,
Số dư đầu kỳ/Opening balance:,"1,000.00",,,
Số dư cuối kỳ/Closing balance:,"1,041.50",,,
Date,Debit,Credit,Balance,Details
05/09/2026,,61.50,"1,061.50",a
06/09/2026,20.00,,"1,041.50",b
`, "VN CSV +61.50USD@2026-09-05 -20.00USD@2026-09-06 [1000.00→1041.50]"},
		{"text that goes on in the next rows", `
Ngày,Nợ,Có,Nội dung
05/09/2026,,61.000,MBVCB.1.HP25
,,,26YK2Y6.CT tu
06/09/2026,20.000,,b
`, "VN CSV +61000VND@2026-09-05 -20000VND@2026-09-06"},
		{"a payment that says tong cong, on a day written above", `
Ngày,Nợ,Có,Nội dung
05/09/2026,,61.000,a
,,90.000,Tong cong tien an thang 9
,,151.000,Tổng cộng
`, "VN CSV +61000VND@2026-09-05 +90000VND@2026-09-05"},
		{"a company called like a total, on a day written above", `
Ngày,Nợ,Có,Nội dung,Tên đối ứng
05/09/2026,,61.000,a,b
,,90.000,tien dien,Tổng công ty Điện lực
,,61.000,TONG CONG TY DIEN LUC tra tien,
`, "VN CSV +61000VND@2026-09-05 +90000VND@2026-09-05 +61000VND@2026-09-05"},
		{"a payment that speaks of a balance", `
Ngày,Nợ,Có,Nội dung
05/09/2026,,61.000,so du dau ky cua quy lop
05/09/2026,,5.000,b
`, "VN CSV +61000VND@2026-09-05 +5000VND@2026-09-05"},
		{"debits below zero with their total above", `
Ngày,Nợ,Có,Nội dung
05/09/2026,-20.000,,a
05/09/2026,-5.000,,b
Tổng cộng,25.000,0,
`, "VN CSV -20000VND@2026-09-05 -5000VND@2026-09-05"},
		{"a total that is wrong", `
Ngày,Nợ,Có,Nội dung
05/09/2026,,61.000,a
Tổng cộng,,62.000,
`, "VN CSV +61000VND@2026-09-05 total_mismatch@3"},
		{"a row is missing", `
Ngày,Nợ,Có,Số dư,Nội dung
05/09/2026,,61.000,1.061.000,a
06/09/2026,20.000,,941.000,b
`, "VN CSV +61000VND@2026-09-05 -20000VND@2026-09-06 [1000000→941000] running_balance@3 balance_mismatch@0"},
		{"a cell in the style of another column is wrong, not a guess", `
Ngày,Nợ,Có,Nội dung
05/09/2026,,1.061.000,a
06/09/2026,,61.5,b
`, "VN CSV +1061000VND@2026-09-05 entry_malformed@3"},
		{"two meanings of a point, each in its column", `
Ngày,Tiền vào,Phí,Số dư,Nội dung
05/09/2026,740.000,,1740000.00,a
06/09/2026,61.000,,1801000.00,b
`, "VN CSV +740000VND@2026-09-05 +61000VND@2026-09-06 [1000000→1801000]"},
		{"a fraction of a đồng", "Ngày,Nợ,Có,Nội dung\n05/09/2026,,61.50,a\n05/09/2026,,61.00,b\n", "VN CSV +61VND@2026-09-05 fraction_of_dong@2"},
		{"an impossible date is kept and reported", "Ngày,Nợ,Có,Nội dung\n30/02/2026,,61.000,a\n", "VN CSV +61000VND@2026-02-30 impossible_date@2"},
		{"month first, as one day proves", "Date,Debit,Credit,Details\n09/05/2026,,61.000,a\n09/25/2026,,5.000,b\n", "VN CSV +61000VND@2026-09-05 +5000VND@2026-09-25"},
		{"negative debits are decoration where all are", "Ngày,Nợ,Có,Nội dung\n05/09/2026,-20.000,,a\n05/09/2026,-5.000,0,b\n", "VN CSV -20000VND@2026-09-05 -5000VND@2026-09-05"},
		{"one negative credit takes back", "Ngày,Nợ,Có,Nội dung\n05/09/2026,,20.000,a\n05/09/2026,,-20.000,b\n", "VN CSV +20000VND@2026-09-05 -20000VND@2026-09-05"},
		{"debit and credit at once", "Ngày,Nợ,Có,Nội dung\n05/09/2026,1.000,20.000,a\n05/09/2026,,5.000,b\n", "VN CSV +5000VND@2026-09-05 entry_malformed@2"},
		{"no date at all", "Ngày,Nợ,Có,Nội dung,Số CT\n,,20.000,a,A1\n05/09/2026,,5.000,b,A2\n", "VN CSV +5000VND@2026-09-05 entry_malformed@2"},
		{"nothing but headings", "Ngày,Nợ,Có,Nội dung\n", "VN CSV"},
		{"sep= of Excel", "sep=;\nNgày;Nợ;Có;Nội dung\n05/09/2026;;5.000;b\n", "VN CSV +5000VND@2026-09-05"},
		{"spaces and apostrophes between thousands", "Ngày,Nợ,Có,Nội dung\n05/09/2026,,1 061 000 đ,a\n06/09/2026,2'000,,b\n", "VN CSV +1061000VND@2026-09-05 -2000VND@2026-09-06"},
		{"no table", "con mèo\ncon chó\n", "unknown refused unknown_format"},
		{"a date and no amount", "Ngày,tên,Nội dung\n05/09/2026,b,c\n", "unknown refused unknown_format"},
		{"empty", "", "unknown refused unknown_format"},
		{"an open quote", "Ngày,Nợ,Có,Nội dung\n05/09/2026,,5.000,\"b\n", "unknown refused damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, entries, _ := parseText(t, strings.TrimPrefix(c.text, "\n"), Options{})
			if got := told(r, entries); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDeepHeader: letterhead of up to 119 rows stands above the headings.
func TestDeepHeader(t *testing.T) {
	table := "Ngày,Nợ,Có,Nội dung\n05/09/2026,,5.000,b\n"
	for above, want := range map[int]string{0: "VN CSV +5000VND@2026-09-05", 119: "VN CSV +5000VND@2026-09-05", 130: "unknown refused unknown_format"} {
		r, entries, _ := parseText(t, strings.Repeat("thư,\n", above)+table, Options{})
		if got := told(r, entries); got != want {
			t.Errorf("%d rows above: %s", above, got)
		}
	}
}

// TestEncodings: the same table in every encoding that exports come in.
func TestEncodings(t *testing.T) {
	const text = "Ngày,Nợ,Có,Diễn giải\r\n05/09/2026,,61.000,Nguyễn Văn Mẫu nộp học phí tháng chín ở trường\r\n"
	legacy, err := charmap.Windows1258.NewEncoder().String(decomposed1258(text))
	if err != nil {
		t.Fatal(err)
	}
	little, _ := utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewEncoder().String(text)
	big, _ := utf16.UTF16(utf16.BigEndian, utf16.UseBOM).NewEncoder().String(text)
	for want, written := range map[string]string{
		"utf-8, CRLF":          text,
		"utf-8 with BOM, CRLF": "\ufeff" + text,
		"utf-16le with BOM":    little,
		"utf-16be with BOM":    big,
		"utf-16le":             little[2:],
		"utf-16be":             big[2:],
		"windows-1258, CRLF":   legacy,
		"windows-1252, CRLF":   "Date,Debit,Credit,Details\r\n05/09/2026,,61.000,M\xfcller \x9a\r\n",
		"ascii, CRLF":          "Date,Debit,Credit,Details\r\n05/09/2026,,61.000,a\r\n",
	} {
		r, entries, _ := parseText(t, written, Options{})
		if len(entries) != 1 || r.Encoding != want || entries[0].Amount.String() != "61000" {
			t.Errorf("%s: %s, %s", want, r.Encoding, told(r, entries))
			continue
		}
		if strings.HasPrefix(want, "utf") || want == "windows-1258, CRLF" {
			if got := entries[0].Remittance; got != "Nguyễn Văn Mẫu nộp học phí tháng chín ở trường" {
				t.Errorf("%s: %q", want, got)
			}
		}
	}
}

// decomposed1258 splits letters as Windows-1258 has them: vowels whole, tones apart.
func decomposed1258(text string) string {
	var b strings.Builder
	for _, r := range text {
		split := map[rune]string{'ợ': "ơ\u0323", 'ễ': "ê\u0303", 'ẫ': "â\u0303", 'ộ': "ô\u0323", 'ọ': "o\u0323", 'ả': "a\u0309", 'í': "i\u0301", 'ở': "ơ\u0309", 'ờ': "ơ\u0300"}
		if s, ok := split[r]; ok {
			b.WriteString(s)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// workbook writes rows into a sheet behind an empty one.
func workbook(t testing.TB, rows [][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	f.NewSheet("Sao ke") //nolint:errcheck // a fresh workbook
	for i, row := range rows {
		if err := f.SetSheetRow("Sao ke", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWorkbook: numbers, days as spreadsheets count them, text amounts, and a
// formula whose value nobody computes.
func TestWorkbook(t *testing.T) {
	book := workbook(t, [][]any{
		{"SAO KÊ"},
		{"Ngày", "Nợ", "Có", "Số dư", "Nội dung"},
		{46270, nil, 61000, 1061000, "a"},
		{46270.5, 20000, nil, 1041000, "b"},
		{"06/09/2026", nil, "5.000", "1.046.000", "c"},
		{"Tổng cộng", 20000, 66000},
	})
	r, entries, _ := parseAll(t, bytes.NewReader(book), Options{})
	if got, want := told(r, entries), "VN XLSX +61000VND@2026-09-05 -20000VND@2026-09-05 +5000VND@2026-09-06 [1000000→1046000]"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if entries[1].BookedAt != "12:00:00" {
		t.Errorf("half a day is %s", entries[1].BookedAt)
	}
}

// TestTableTellsEverything: all that a row says about its payment.
func TestTableTellsEverything(t *testing.T) {
	_, entries, codes := parseText(t, "Số tài khoản: 0011000000001,,,,,,,\n"+
		"Ngày GD,Giờ,Ngày hiệu lực,Số tham chiếu,Ghi nợ,Ghi có,Diễn giải,Tên đối ứng,TK đối ứng\n"+
		"05/09/2026,07:10:01,06/09/2026,FT26133903624485,,61.000,\"CH26\n09DF4EP\",NGUYEN VAN MAU,0000000000002\n", Options{})
	want := Entry{
		Line: 3, Statement: 1, Account: "0011000000001", Booked: true, BookedOn: "2026-09-05", BookedAt: "07:10:01", ValueDate: "2026-09-06",
		Direction: Credit, Amount: mustAmount("61000"), Currency: "VND", Reference: "FT26133903624485", Remittance: "CH26\n09DF4EP",
		CounterpartyName: "NGUYEN VAN MAU", CounterpartyAccount: "0000000000002",
	}
	if len(entries) != 1 || fmt.Sprint(entries[0]) != fmt.Sprint(want) {
		t.Errorf("\n got %+v\nwant %+v", entries, want)
	}
	if fmt.Sprint(codes) != "[CH2609DF4EP]" {
		t.Error(codes)
	}
}

func mustAmount(text string) Amount {
	a, ok := ParseAmount(text)
	if !ok {
		panic(text)
	}
	return a
}

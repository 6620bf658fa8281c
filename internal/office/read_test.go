package office

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"socho/events"
	"socho/internal/refcode"
	"socho/projections"
)

// A list is read wherever its headings stand, and says of each row that cannot be
// taken where it is and what to do, but nothing of anybody.
func TestReadPupils(t *testing.T) {
	rows, problems, err := ReadPupils(strings.NewReader("Trường Mẫu;;;\n\nSTT;Lớp;Ghi chú;Họ và tên;Mã HS;Ngày sinh;Khác;SĐT\n" +
		"1;3A;x;Giàng Thị Mỷ;HS1;05/09/2017;;0912 000 001\n2;Lá 1;x;Vàng Mí Sình;HS2;2018-01-06;;\n3;3A;x;;HS1;32/13/2017;;09x\n4;!;x;Lù;HS4;;;\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(rows); got != "[{4 HS1 Giàng Thị Mỷ 2017-09-05 3A   0912 000 001 } {5 HS2 Vàng Mí Sình 2018-01-06 La-1    Lá 1}]" {
		t.Error(got)
	}
	var said []string
	for _, p := range problems {
		said = append(said, fmt.Sprint(p.Line, " ", p.Column))
	}
	if got := strings.Join(said, "; "); got != "6 Mã học sinh; 6 Họ tên; 6 Ngày sinh; 6 Điện thoại; 7 Lớp" {
		t.Error(got)
	}
	if text := fmt.Sprint(problems); strings.Contains(text, "Lù") || strings.Contains(text, "09x") {
		t.Errorf("a problem repeats what is personal: %s", text)
	}
	if _, _, err := ReadPupils(strings.NewReader("a,b\n1,2\n")); err == nil || !strings.Contains(err.Error(), "Mã học sinh") {
		t.Error(err)
	}
	// From Excel, with a date that is a number there.
	book := excelize.NewFile()
	for cell, value := range map[string]any{"B2": "Mã học sinh", "C2": "Họ tên", "D2": "Lớp", "E2": "Ngày sinh", "B3": "HS1", "C3": "=1+1", "D3": "3A", "E3": 42983} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	rows, problems, err = ReadPupils(bytes.NewReader(file.Bytes()))
	if err != nil || len(problems) > 0 || len(rows) != 1 || rows[0].Birth != "2017-09-05" || rows[0].Name != "=1+1" {
		t.Errorf("%v %v %v", rows, problems, err)
	}
}

func FuzzReadPupils(f *testing.F) {
	f.Add([]byte("Mã học sinh,Họ tên,Lớp\nHS1,Mỷ,3A\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, _, err := ReadPupils(bytes.NewReader(content))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if seen[r.Code] || r.Name == "" || !events.ValidID(r.Class) {
				t.Errorf("%+v", r)
			}
			seen[r.Code] = true
		}
	})
}

func TestReadTariffs(t *testing.T) {
	set, problems, err := ReadTariffs(strings.NewReader("Khoản thu,Lớp,Số tiền,Tính theo,Chứng từ,Vắng mặt,Từ ngày,Đến ngày,Quyết định\n"+
		"Tiền ăn,,\"400,000 đ\",,Hóa đơn,,,,\nVệ sinh,1,36.500,m2,Biên lai,Không thu,01/01/2027,31/12/2027,QĐ 25/2026\nHọc thêm Toán,3A,50000,học sinh,,,,,\n"+
		"Tiền ăn,,1,,,,,,\nBảo hiểm,,-5,,x,,,,\nQuản lý,,5,con,,,05/09/2026,01/09/2026,\n"), "school", "2026-09-05")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range set {
		said = append(said, fmt.Sprint(f.Tariff, " ", f.Amount, " ", f.EffectiveOn, " ", f.Until, " ", f.InvoiceDuty, " ", f.WhenAbsent, " ", f.Decision))
	}
	if got := strings.Join(said, "; "); got != "meals.pupil 400000 2026-09-05  invoice  ; sanitation.m2.1 36500 2027-01-01 2027-12-31 receipt not_due QĐ 25/2026; hoc_them_toan.pupil.3A 50000 2026-09-05    " {
		t.Error(got)
	}
	said = nil
	for _, p := range problems {
		said = append(said, fmt.Sprint(p.Line, " ", p.Column))
	}
	if got := strings.Join(said, "; "); got != "5 Khoản thu; 6 Số tiền; 6 Chứng từ; 7 Tính theo; 7 Đến ngày" {
		t.Error(got)
	}
}

func TestDongs(t *testing.T) {
	for text, want := range map[string]int64{"400000": 400000, "400.000": 400000, "1,234,000 đ": 1234000, "1 000": 1000, "5000 VND": 5000, "40.5": 0, "4,00": 0, "": 0, "-1": 0, "0": 0, "1.0000": 0} {
		if got, ok := dongs(text); ok != (want > 0) || ok && got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
}

// Ids tell nobody what they stand for, and are the same whoever writes the code.
func TestPupilID(t *testing.T) {
	id := PupilID([]byte("key"), "hg-truong", "HS 001")
	if id != PupilID([]byte("key"), "hg-truong", "hs001") || !events.ValidID(id) || len(id) != 29 {
		t.Error(id)
	}
	if id == PupilID([]byte("other"), "hg-truong", "HS001") || id == PupilID([]byte("key"), "hg-khac", "HS001") || id == PupilID([]byte("key"), "hg-truong", "HS002") {
		t.Error("two pupils have one id")
	}
}

func TestSeriesPeriod(t *testing.T) {
	for _, c := range []struct {
		series refcode.Prefix
		period events.Period
		want   string
	}{{refcode.HP, "2026-09", "2627"}, {refcode.HP, "2026-08", "2627"}, {refcode.HP, "2026-07", "2526"}, {refcode.HP, "2099-12", "9900"}, {refcode.BT, "2026-09", "2609"}, {refcode.CH, "2027-01", "2701"}} {
		if got, err := seriesPeriod(c.series, c.period); err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v", c.series, c.period, got, err)
		}
	}
	if _, err := seriesPeriod("XX", "2026-09"); err == nil {
		t.Error("a series that is none")
	}
}

// A bill draws its own codes: again the same, another one others, and one that is
// taken is passed over.
func TestDrawing(t *testing.T) {
	o := &Office{References: []byte("secret")}
	org := projections.Organization{Organization: "hg-truong", BankBIN: "970436", Account: "1"}
	draw := func(bill string, taken ...refcode.Code) refcode.Code {
		code, err := refcode.New(refcode.HP, "2627", o.drawing(org, bill), func(c refcode.Code) (bool, error) {
			for _, t := range taken {
				if t == c {
					return true, nil
				}
			}
			return false, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	first := draw("b1")
	if draw("b1") != first || draw("b2") == first || draw("b1", first) == first {
		t.Error("codes do not follow their bills")
	}
	if (&Office{References: []byte("other")}).drawing(org, "b1") == nil {
		t.Error("no source")
	}
}

func TestEnrol(t *testing.T) {
	o := &Office{Persons: []byte("k")}
	id := func(code string) string { return PupilID(o.Persons, "hg-truong", code) }
	term := func(offset int64, name, person, data string) projections.Term {
		return projections.Term{Organization: "hg-truong", Type: name, Subject: person, EffectiveOn: "2026-09-01", Data: `{"effective_on":"2026-09-01","person":"` + person + `",` + data + `}`, At: projections.Position{Offset: offset}}
	}
	terms := []projections.Term{
		term(1, "school.pupil_enrolled", id("A"), `"class":"3A"`), term(2, "school.pupil_enrolled", id("B"), `"class":"3A"`), term(3, "school.pupil_enrolled", id("C"), `"class":"3A"`),
		term(4, "school.pupil_enrolled", id("D"), `"class":"3A"`), term(5, "school.pupil_left", id("D"), `"reason":"left"`), term(6, "school.pupil_enrolled", id("E"), `"class":"3A"`),
	}
	known := map[string]map[string]string{id("A"): {"name": "An"}, id("B"): {"name": "Bình"}, id("C"): {"name": "Chi"}, id("D"): {"name": "Dung"}, id("E"): {"name": "Em"}}
	rows := []PupilRow{{2, "A", "An", "", "3A", "", "", "", ""}, {3, "B", "Bình", "", "3B", "", "", "", ""}, {4, "C", "Chi", "", "3A", "H1", "", "", ""}, {5, "D", "Dung", "", "3A", "", "", "", ""}, {6, "F", "Phú", "", "La-1", "", "", "", "Lá 1"}}
	e, err := o.EnrolFrom(terms, known, "hg-truong", rows, "2026-09-05", true)
	if err != nil {
		t.Fatal(err)
	}
	if e.Unchanged != 1 || len(e.Moved) != 1 || len(e.Changed) != 1 || len(e.Back) != 1 || len(e.New) != 1 || len(e.Missing) != 1 || e.Facts() != 5 {
		t.Errorf("%+v", e)
	}
	for i := range e.drafts {
		if f, ok := e.drafts[i].Fact.(*events.PupilEnrolled); ok && (f.ClassName == "Lá 1") != (f.Class == "La-1") {
			t.Errorf("class %s is called %q", f.Class, f.ClassName)
		}
	}
	again, err := o.EnrolFrom(terms, known, "hg-truong", rows, "2026-09-05", true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.drafts {
		a, err1 := e.drafts[i].Line()
		b, err2 := again.drafts[i].Line()
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("the same list says %s and %s", a, b)
		}
		if _, err := events.ParseOwn(a); err != nil {
			t.Error(err)
		}
	}
}

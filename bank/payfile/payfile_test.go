package payfile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"socho/bank"
	"socho/bank/payfile"
	"socho/internal/devstack/iso20022"
)

var order = payfile.Order{ID: "B202610-001-abcdefghijkl", CreatedAt: time.Date(2026, 10, 3, 8, 0, 0, 0, time.FixedZone("ICT", 7*3600)), ExecuteOn: "2026-10-05",
	Debtor: "Quỹ bảo trợ xã hội Hà Giang", Account: "8800201000001", BIN: "970405", Count: 3, Sum: 1_750_001}

var three = []payfile.Transfer{
	{ID: "o2610-aaaaaaaaaaaaaaaaaaaaaaaaa", Amount: 500_000, Name: "Vàng Thị Mẫu", Account: "8800000000001", BIN: "970405", Text: "TRO CAP 202610"},
	{ID: "o2610-bbbbbbbbbbbbbbbbbbbbbbbbb", Amount: 1_250_000, Name: "Đặng Ước <&> \"Mẫu\"", Account: "0011000000002", BIN: "970436", Text: "//trợ cấp//"},
	{ID: "o2610-ccccccccccccccccccccccccc", Amount: 1, Name: "漢", Account: "00000001", BIN: "999999", Text: ""},
}

func all(say func(payfile.Transfer) error) error {
	for _, t := range three {
		if err := say(t); err != nil {
			return err
		}
	}
	return nil
}

// TestPain001: what is written reads back as what was meant, twice the same, and
// never with another count or sum than it declares.
func TestPain001(t *testing.T) {
	for _, v := range []payfile.Version{payfile.V03, payfile.V09} {
		var first, second bytes.Buffer
		if err := payfile.Pain001(&first, v, order, all); err != nil {
			t.Fatal(err)
		}
		if err := payfile.Pain001(&second, v, order, all); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: not the same bytes twice: %v", v, err)
		}
		var read []string
		r, err := bank.Parse(bytes.NewReader(first.Bytes()), bank.Options{}, func(e *bank.Entry) error {
			read = append(read, fmt.Sprint(e.EndToEndID, " ", e.Amount, " ", e.CounterpartyName, " ", e.CounterpartyAccount, " ", e.Remittance, " ", e.BookedOn, " ", e.Account))
			return nil
		})
		if err != nil || !r.Valid || r.Format != string(v) || r.Order.MessageID != order.ID {
			t.Fatalf("%s: %v %+v", v, err, r)
		}
		want := []string{
			"o2610-aaaaaaaaaaaaaaaaaaaaaaaaa 500000 Vang Thi Mau 8800000000001 TRO CAP 202610 2026-10-05 8800201000001",
			"o2610-bbbbbbbbbbbbbbbbbbbbbbbbb 1250000 Dang Uoc Mau 0011000000002 tro cap 2026-10-05 8800201000001",
			"o2610-ccccccccccccccccccccccccc 1 NOTPROVIDED 00000001 NOTPROVIDED 2026-10-05 8800201000001",
		}
		if strings.Join(read, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s", v, strings.Join(read, "\n"))
		}
	}
	short := order
	short.Sum++
	if err := payfile.Pain001(&bytes.Buffer{}, payfile.V09, short, all); err == nil {
		t.Error("another sum than its transfers'")
	}
	if err := payfile.Sheet(&bytes.Buffer{}, payfile.Bulk, short, all); err == nil {
		t.Error("a sheet of another sum")
	}
}

func TestSheet(t *testing.T) {
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := payfile.Sheet(b, payfile.Bulk, order, all); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("not the same bytes twice")
	}
	book, err := excelize.OpenReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows[2], "|"), "2|0011000000002|Dang Uoc Mau|970436|Vietcombank|1250000|tro cap|o2610-bbbbbbbbbbbbbbbbbbbbbbbbb|B202610-001-abcdefghijkl"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Đặng Thị Ước", 70)
	f.Add("//a//", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = max(len("NOTPROVIDED"), min(most, 140))
		got := payfile.Fold(s, most)
		if len(got) > most || got != payfile.Fold(got, most) {
			t.Errorf("%q", got)
		}
		for _, c := range got {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ", c) {
				t.Errorf("%q has %q", got, c)
			}
		}
	})
}

// TestSchema holds both versions against the schemas of ISO 20022.
func TestSchema(t *testing.T) {
	check := iso20022.Open(t)
	if check == nil {
		t.SkipNow()
	}
	for _, v := range []payfile.Version{payfile.V03, payfile.V09} {
		var b bytes.Buffer
		if err := payfile.Pain001(&b, v, order, all); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"good": b.String(), "bad": strings.Replace(b.String(), "<PmtMtd>TRF</PmtMtd>", "", 1)} {
			if err := check(t, string(v), []byte(text)); (err == nil) != (name == "good") {
				t.Errorf("%s, %s: %v", v, name, err)
			}
		}
	}
}

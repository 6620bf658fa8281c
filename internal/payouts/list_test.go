package payouts_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"socho/internal/payouts"
	"socho/internal/sheet"
)

var key = bytes.Repeat([]byte{7}, 32)

var october = payouts.Month{Organization: fund, Programme: "monthly", Period: month}

// TestReadList: headings in either language, amounts as people write them, and for
// each thing that is wrong a sentence with its line and column.
func TestReadList(t *testing.T) {
	const head = "CCCD,Họ tên,Mã xã,Số tiền,Hệ số,Hình thức,Ngân hàng,Số tài khoản,Loại\n"
	for line, want := range map[string]string{
		"002001000001,A,00721,500.000,,tiền mặt,,,":                                "500000 cash regular 00721",
		"002001000001,A,721,\"500,000 đ\",,Tiền mặt,,,truy lĩnh":                   "500000 cash arrears 00721",
		"002001000001,A,Đồng Văn,,\"1,5\",,,,Mai táng":                             "750000 cash funeral 00721",
		"002001000001,A,xã đồng văn,500000.00,,ví,VCB,0912345678,":                 "500000 ewallet regular 00721 970436 0912345678 A",
		"002001000001,A,00724,1,,,Agribank,8800 2010 001,một lần":                  "1 account one_off 00715 970405 88002010001 A",
		"02001000001,A,00721,1,,tiền mặt,,,":                                       `column "CCCD": expected 12 digits`,
		",A,00721,1,,tiền mặt,,,":                                                  `column "CCCD": neither`,
		"002001000001,A,,1,,tiền mặt,,,":                                           `column "Mã xã": no commune`,
		"002001000001,A,99999,1,,tiền mặt,,,":                                      `column "Mã xã": no commune`,
		"002001000001,A,00721,,,tiền mặt,,,":                                       `column "Hệ số": expected an amount`,
		"002001000001,A,00721,-5,,tiền mặt,,,":                                     `column "Số tiền": expected whole`,
		"002001000001,A,00721,500.5,,tiền mặt,,,":                                  `column "Số tiền": expected whole`,
		"002001000001,A,00721,1E5,,tiền mặt,,,":                                    `column "Số tiền": expected whole`,
		"002001000001,A,00721,1,,séc,,,":                                           `column "Hình thức": expected`,
		"002001000001,A,00721,1,,tiền mặt,,,thưởng":                                `column "Loại": expected`,
		"002001000001,A,00721,1,,tài khoản,Agribank,,":                             `column "Số tài khoản": an account is needed`,
		"002001000001,A,00721,1,,tài khoản,Agribank,8.8E+12,":                      `column "Số tài khoản": expected 1 to 19`,
		"002001000001,A,00721,1,,tài khoản,Ngân hàng X,880001,":                    `column "Ngân hàng": expected the bank's BIN`,
		"002001000001,,00721,1,,tài khoản,Agribank,880001,":                        `column "account_name": a name is needed`,
		"002001000001,A,00721,,1.0000001,tiền mặt,,,":                              `no whole number of đồng`,
		"002001000001,A,00721,99999999999999999999,,tiền mặt,,,":                   `column "Số tiền": expected whole`,
		"002001000001,A,00721,1,,tiền mặt,,,\n002001000001,A,00721,1,,tiền mặt,,,": "the same payout as on line 2",
	} {
		f, err := payouts.ReadList(strings.NewReader(head+line), october, key)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var got string
		switch {
		case len(f.Faults) == 1:
			got = f.Faults[0].String()
		case len(f.Rows) == 1:
			r := f.Rows[0]
			got = strings.TrimSpace(fmt.Sprintln(r.Amount, r.Method, r.Kind, r.Unit))
			if r.Account != "" {
				got += " " + r.BIN + " " + r.Account + " " + r.AccountName
			}
			if got != want || len(r.Payout) > 35 || r.Person == r.Citizen {
				got += " !"
			}
		default:
			got = fmt.Sprint(f.Rows, f.Faults)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", line, got, want)
		}
		if strings.Contains(got, "!") {
			t.Errorf("%s: %s", line, got)
		}
	}
	for text, want := range map[string]string{
		"":                          "empty",
		"a,b,c\n1,2,3\n":            "no heading row",
		head:                        "no line below",
		"\xd0\xcf\x11\xe0":          "old Excel",
		"PK\x03\x04":                "damaged",
		"a\x00b":                    "neither CSV",
		head + "\xff\xfe,A,1,1,,\n": "not in UTF-8",
	} {
		_, err := payouts.ReadList(strings.NewReader(text), october, key)
		var refused *sheet.FileError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestReadWorkbook: the same from .xlsx, the heading below a letterhead.
func TestReadWorkbook(t *testing.T) {
	book := excelize.NewFile()
	for i, row := range [][]any{{"UBND XÃ"}, {"Full name", "CCCD", "Commune", "Amount", "Kind"}, {"A", "002001000001", "00721", 500000, "arrears"}, {"Tổng cộng", nil, nil, 500000}} {
		if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	f, err := payouts.ReadList(bytes.NewReader(b.Bytes()), october, key)
	if err != nil || len(f.Rows) != 1 || len(f.Faults) != 0 || f.Rows[0].Amount != 500_000 || f.Rows[0].Line != 3 || f.Rows[0].Kind != "arrears" {
		t.Errorf("%v %+v", err, f)
	}
}

// Ids never change: they stand on logs.
func TestIDs(t *testing.T) {
	for got, want := range map[string]string{
		payouts.PersonID(key, "hg-quy", "002001000001"):                         "p-5tnb5kwa2iv7l3jyi2yyrwihsh",
		payouts.PayoutID("hg-quy", "monthly", "2026-10", "p-abc", "regular", 1): "o2610-su2ty4hkfxnrvkhkw65ycb26z",
		payouts.PayoutID("hg-quy", "monthly", "2026-10", "p-abc", "arrears", 2): "o2610-ghmtu4ageloch3fbzffejny3d",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if payouts.PersonID(key, "hg-quy", "002001000001") == payouts.PersonID(bytes.Repeat([]byte{8}, 32), "hg-quy", "002001000001") {
		t.Error("the id does not hang on the key")
	}
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte("CCCD,Họ tên,Mã xã,Số tiền,Hình thức\n002001000001,A,00721,500.000,tiền mặt\n"))
	f.Add([]byte("\xef\xbb\xbfPerson;Unit;Coefficient;Bank;Account;Account name\np-1;Đồng Văn;1,5;970405;123;A\nTổng;;;;;\n"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := payouts.ReadList(bytes.NewReader(b), october, key)
		if err != nil {
			var refused *sheet.FileError
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return
		}
		for _, r := range file.Rows {
			if r.Amount <= 0 || len(r.Unit) != 5 || r.Person == "" || len(r.Payout) > 35 || r.Method != "cash" && (r.Account == "" || len(r.BIN) != 6) {
				t.Errorf("%+v", r)
			}
		}
	})
}

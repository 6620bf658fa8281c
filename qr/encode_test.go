package qr_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/qr"
)

func TestEncode(t *testing.T) {
	for _, tc := range []struct {
		name    string
		request qr.Request
		want    string // without the checksum, which Decode proves
	}{
		{
			"static account",
			qr.Request{BIN: "970403", Account: "0011012345678"},
			"00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN6304",
		},
		{
			"dynamic, reference leads the purpose",
			qr.Request{
				BIN: "970436", Account: "0011000000001", Amount: "61000", Name: "Ban quản lý chợ Mẫu", City: "Hà Giang",
				Reference: "CH2609DF4EP", Purpose: "Phí chợ tháng 9",
			},
			"00020101021238570010A00000072701270006970436011300110000000010208QRIBFTTA530370454056100058" +
				"02VN5919Ban quan ly cho Mau6008Ha Giang62440511CH2609DF4EP0825CH2609DF4EP Phi cho thang6304",
		},
		{
			"card",
			qr.Request{BIN: "970436", Card: "9704360000000008"},
			"00020101021138600010A00000072701300006970436011697043600000000080208QRIBFTTC53037045802VN6304",
		},
		{
			"fixed tip and category",
			qr.Request{BIN: "970436", Account: "1", Amount: "50000", MCC: "5411", Tip: qr.TipFixed, TipAmount: "2000", PostalCode: "20000"},
			"00020101021238450010A0000007270115000697043601011" + "0208QRIBFTTA520454115303704540550000550202" +
				"560420005802VN6105200006304",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := qr.Encode(tc.request)
			if err != nil {
				t.Fatal(err)
			}
			if got[:len(got)-4] != tc.want {
				t.Errorf("\n got %s\nwant %s", got[:len(got)-4], tc.want)
			}
			if r := qr.Decode(got); !r.Valid {
				t.Errorf("errors %v", r.Errors)
			}
		})
	}
}

func TestPurpose(t *testing.T) {
	for _, tc := range []struct{ reference, purpose, want string }{
		{"", "Nộp học phí tháng 9 năm học 2026", "Nop hoc phi thang 9 nam"},
		{"", "Tiền ăn bán trú tháng chín", "Tien an ban tru thang"},
		{"HP2526YK2Y6", "", "HP2526YK2Y6"},
		{"HP2526YK2Y6", "Học phí", "HP2526YK2Y6 Hoc phi"},
		{"HP2526YK2Y6", "Học phí tháng chín", "HP2526YK2Y6 Hoc phi thang"},
		{"HP2526YK2Y6", "Học phí tháng9chín", "HP2526YK2Y6 Hoc phi"},
		{"HP2526YK2Y6", "HP2526YK2Y6 Học phí", "HP2526YK2Y6 Hoc phi"},
		{"HP2526YK2Y6", "HP2526YK2Y6", "HP2526YK2Y6"},
		{"HP2526YK2Y6", "HP2526YK2Y6X", "HP2526YK2Y6 HP2526YK2Y6X"},
		{"HD 2026 000 000 000 000 1", "tiền", "HD 2026 000 000 000 000 1"},
		{strings.Repeat("R", 25), "tiền", strings.Repeat("R", 25)},
		{"", strings.Repeat("x", 30), strings.Repeat("x", 25)},
		{"", "***", "***"},
	} {
		payload, err := qr.Encode(qr.Request{BIN: "970436", Account: "1", Reference: tc.reference, Purpose: tc.purpose})
		if err != nil {
			t.Errorf("%q, %q: %v", tc.reference, tc.purpose, err)
			continue
		}
		r := qr.Decode(payload)
		if r.Additional["08"] != tc.want || r.Additional["05"] != tc.reference {
			t.Errorf("%q, %q: 08 %q, 05 %q, want %q", tc.reference, tc.purpose, r.Additional["08"], r.Additional["05"], tc.want)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"Ban quản lý chợ Mẫu":      "Ban quan ly cho Mau",
		"ĐƯỜNG Nguyễn Trãi – số 5": "DUONG Nguyen Trai - so 5",
		"  hai \n\t dòng\u00a0":    "hai dong",
		"“Chợ” ’26…":               "\"Cho\" '26",
		"市場":                       "",
		"Cho\u031b\u0323 1":        "Cho 1", // marks already apart
		"a\x00b\x7f":               "ab",
		"&<>~ !":                   "&<>~ !",
	} {
		if got := qr.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	good := func(change func(*qr.Request)) qr.Request {
		r := qr.Request{BIN: "970436", Account: "0011000000001"}
		change(&r)
		return r
	}
	long := strings.Repeat("x", 26)
	for _, tc := range []struct {
		field  string
		code   qr.Code
		change func(*qr.Request)
	}{
		{"bin", qr.CodeBINFormat, func(r *qr.Request) { r.BIN = "" }},
		{"bin", qr.CodeBINFormat, func(r *qr.Request) { r.BIN = "97043A" }},
		{"account", qr.CodeReceiver, func(r *qr.Request) { r.Account = "" }},
		{"account", qr.CodeReceiver, func(r *qr.Request) { r.Card = "9704360000000008" }},
		{"account", qr.CodeAccountFormat, func(r *qr.Request) { r.Account = "0011-1" }},
		{"account", qr.CodeAccountFormat, func(r *qr.Request) { r.Account = strings.Repeat("1", 20) }},
		{"card", qr.CodeCardFormat, func(r *qr.Request) { r.Account, r.Card = "", "97043600" }},
		{"card", qr.CodeCardFormat, func(r *qr.Request) { r.Account, r.Card = "", "9704 3600 0000 0009" }},
		{"card", qr.CodeCardCheckDigit, func(r *qr.Request) { r.Account, r.Card = "", "9704360000000001" }},
		{"amount", qr.CodeAmountZero, func(r *qr.Request) { r.Amount = "0" }},
		{"amount", qr.CodeAmountDecimals, func(r *qr.Request) { r.Amount = "50000.5" }},
		{"amount", qr.CodeAmountDecimals, func(r *qr.Request) { r.Amount = "50.000" }},
		{"amount", qr.CodeAmountFormat, func(r *qr.Request) { r.Amount = "50000." }},
		{"amount", qr.CodeAmountFormat, func(r *qr.Request) { r.Amount = "50 000" }},
		{"amount", qr.CodeAmountFormat, func(r *qr.Request) { r.Amount = "050000" }},
		{"amount", qr.CodeAmountFormat, func(r *qr.Request) { r.Amount = "-1" }},
		{"amount", qr.CodeAmountOverLimit, func(r *qr.Request) { r.Amount = "500000000" }},
		{"amount", qr.CodeAmountTooLong, func(r *qr.Request) { r.Amount = "10000000000000" }},
		{"mcc", qr.CodeMCCFormat, func(r *qr.Request) { r.MCC = "0000" }},
		{"name", qr.CodeTextEmpty, func(r *qr.Request) { r.Name = "市場" }},
		{"city", qr.CodeTextEmpty, func(r *qr.Request) { r.City = " " }},
		{"purpose", qr.CodeTextEmpty, func(r *qr.Request) { r.Purpose = "🏫" }},
		{"postal_code", qr.CodeTooLong, func(r *qr.Request) { r.PostalCode = "12345678901" }},
		{"reference", qr.CodeTooLong, func(r *qr.Request) { r.Reference = long }},
		{"reference", qr.CodeCharset, func(r *qr.Request) { r.Reference = "HĐ1" }},
		{"reference", qr.CodeCharset, func(r *qr.Request) { r.Reference = "A  1" }},
		{"reference", qr.CodeReferencePrompt, func(r *qr.Request) { r.Reference = "***" }},
		{"reference", qr.CodeReferencePrompt, func(r *qr.Request) { r.Reference, r.Purpose = "A", "***" }},
		{"bill", qr.CodeTooLong, func(r *qr.Request) { r.Bill = long }},
		{"store", qr.CodeCharset, func(r *qr.Request) { r.Store = "Chợ" }},
		{"loyalty", qr.CodeCharset, func(r *qr.Request) { r.Loyalty = " 1" }},
		{"customer", qr.CodeTooLong, func(r *qr.Request) { r.Customer = long }},
		{"terminal", qr.CodeTooLong, func(r *qr.Request) { r.Terminal = long }},
		{"mobile", qr.CodeMobileFormat, func(r *qr.Request) { r.Mobile = "09x" }},
		{"prompt", qr.CodePromptFormat, func(r *qr.Request) { r.Prompt = "AA" }},
		{"tip", qr.CodeTipFormat, func(r *qr.Request) { r.Tip = "04" }},
		{"tip", qr.CodeTipFormat, func(r *qr.Request) { r.Tip = qr.TipFixed }},
		{"tip", qr.CodeTipFormat, func(r *qr.Request) { r.Tip, r.TipRate = qr.TipPercent, "100" }},
		{"tip", qr.CodeTipFormat, func(r *qr.Request) { r.TipAmount = "1" }},
		{"additional", qr.CodeAdditionalTooLong, func(r *qr.Request) {
			r.Bill, r.Store, r.Terminal, r.Purpose = long[1:], long[1:], long[1:], long[1:]
		}},
	} {
		_, err := qr.Encode(good(tc.change))
		var refusal *qr.Refusal
		if !errors.As(err, &refusal) || refusal.Code != tc.code || refusal.Field != tc.field {
			t.Errorf("%s %s: got %v", tc.field, tc.code, err)
			continue
		}
		if refusal.English == "" || refusal.Vietnamese == "" || refusal.English == refusal.Vietnamese {
			t.Errorf("%s: texts %q, %q", tc.code, refusal.English, refusal.Vietnamese)
		}
	}
}

// A refused card number must not travel in the error that refuses it.
func TestRefusalsDoNotEcho(t *testing.T) {
	for _, card := range []string{"9704360000000001", "97043600000000011111", "9704-3600-0000-0009"} {
		_, err := qr.Encode(qr.Request{BIN: "970436", Card: card})
		var refusal *qr.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("taken: %v", err)
		}
		for _, text := range []string{err.Error(), refusal.English, refusal.Vietnamese} {
			if strings.Contains(text, card) || strings.Contains(text, "9704") {
				t.Errorf("the card number is in %q", text)
			}
		}
	}
}

// Whatever is asked for is refused by name or written so that our own strict
// reading gives it back.
func TestEncodeThenDecode(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aAđĐờỆ y9-/.&\n–市")), 0, 40, -1)
	word := rapid.StringMatching(`[A-Z0-9]{0,25}`)
	rapid.Check(t, func(t *rapid.T) {
		amount := ""
		if rapid.Bool().Draw(t, "dynamic") {
			amount = strconv.FormatInt(rapid.Int64Range(1, qr.NAPAS247Limit-1).Draw(t, "amount"), 10)
		}
		request := qr.Request{
			BIN:       rapid.StringMatching(`[0-9]{6}`).Draw(t, "bin"),
			Account:   rapid.StringMatching(`[0-9A-Za-z]{1,19}`).Draw(t, "account"),
			Amount:    amount,
			Name:      text.Draw(t, "name"),
			City:      text.Draw(t, "city"),
			Purpose:   text.Draw(t, "purpose"),
			Reference: word.Draw(t, "reference"),
			Bill:      word.Draw(t, "bill"),
			Terminal:  word.Draw(t, "terminal"),
		}
		tipped := rapid.SampledFrom([]string{"", qr.TipAsk, qr.TipFixed, qr.TipPercent}).Draw(t, "tip")
		if request.Tip = tipped; tipped == qr.TipFixed {
			request.TipAmount = strconv.Itoa(rapid.IntRange(1, 1_000_000).Draw(t, "tip amount"))
		} else if tipped == qr.TipPercent {
			request.TipRate = rapid.StringMatching(`[1-9][0-9]?(\.[0-9]{1,2})?`).Draw(t, "tip rate")
		}
		request.MCC = rapid.StringMatching(`([1-9][0-9]{3})?`).Draw(t, "mcc")
		request.PostalCode = rapid.StringMatching(`[0-9]{0,10}`).Draw(t, "postal code")
		request.Prompt = rapid.SampledFrom([]string{"", "A", "ME", "AME"}).Draw(t, "prompt")
		request.Mobile = rapid.StringMatching(`(\+?[0-9]{1,12})?`).Draw(t, "mobile")
		request.Store = rapid.StringMatching(`[A-Z]{0,6}`).Draw(t, "store")
		request.Loyalty = rapid.StringMatching(`[0-9]{0,6}`).Draw(t, "loyalty")
		request.Customer = rapid.StringMatching(`[a-z]{0,6}`).Draw(t, "customer")
		receiver, service := request.Account, qr.ServiceAccount
		if rapid.Bool().Draw(t, "card") {
			receiver, service = withLuhn(rapid.StringMatching(`[0-9]{11,18}`).Draw(t, "card number")), qr.ServiceCard
			request.Account, request.Card = "", receiver
		}
		payload, err := qr.Encode(request)
		if err != nil {
			var refusal *qr.Refusal
			if !errors.As(err, &refusal) || refusal.Code != qr.CodeTextEmpty && refusal.Code != qr.CodeAdditionalTooLong {
				t.Fatalf("%+v: %v", request, err)
			}
			return
		}
		r := qr.Decode(payload)
		switch {
		case !r.Valid:
			t.Fatalf("%s: %v", payload, r.Errors)
		case r.BankBIN != request.BIN || r.Account != receiver || r.Amount != amount || r.ServiceCode != service:
			t.Fatalf("%+v came back as %+v", request, r)
		case amount != "" && strconv.FormatInt(r.AmountVND, 10) != amount:
			t.Fatalf("%s came back as %d", amount, r.AmountVND)
		case (r.PointOfInitiation == "dynamic") != (amount != ""):
			t.Fatalf("%q is %s", amount, r.PointOfInitiation)
		case r.Additional["05"] != request.Reference || !strings.HasPrefix(r.Additional["08"], request.Reference):
			t.Fatalf("reference %q, 62 %v", request.Reference, r.Additional)
		case r.Additional["01"] != request.Bill || r.Additional["07"] != request.Terminal || r.Additional["09"] != request.Prompt,
			r.Additional["02"] != request.Mobile || r.Additional["03"] != request.Store,
			r.Additional["04"] != request.Loyalty || r.Additional["06"] != request.Customer:
			t.Fatalf("%+v came back as %v", request, r.Additional)
		case r.MCC != request.MCC || r.PostalCode != request.PostalCode:
			t.Fatalf("%+v came back as %+v", request, r)
		case object("55", request.Tip)+object("56", request.TipAmount)+object("57", request.TipRate)+"5802VN" != tipsOf(payload):
			t.Fatalf("%+v: tips are %q", request, tipsOf(payload))
		case !strings.HasPrefix(qr.Fold(request.Name), r.MerchantName) || !strings.HasPrefix(qr.Fold(request.City), r.MerchantCity):
			t.Fatalf("%q, %q came back as %q, %q", request.Name, request.City, r.MerchantName, r.MerchantCity)
		}
	})
}

// object is one object, or nothing.
func object(id, value string) string {
	if value == "" {
		return ""
	}
	return tlv(id, value)
}

// tipsOf cuts what stands between the amount, or the currency, and the end of
// the country out of a payload. The receiver before it holds no 5303704.
func tipsOf(payload string) string {
	rest := payload[strings.LastIndex(payload[:strings.LastIndex(payload, "5802VN")+6], "5303704")+len("5303704"):]
	rest = rest[:strings.Index(rest, "5802VN")+6]
	if strings.HasPrefix(rest, "54") {
		size, _ := strconv.Atoi(rest[2:4])
		rest = rest[4+size:]
	}
	return rest
}

// withLuhn puts the check digit behind a number, as ISO/IEC 7812-1 has it.
func withLuhn(number string) string {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return number + strconv.Itoa((10-sum%10)%10)
}

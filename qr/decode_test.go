package qr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socho/qr"
)

func TestCRC(t *testing.T) {
	for s, want := range map[string]uint16{
		"":          0xFFFF,
		"123456789": 0x29B1, // the check value of CRC-16/CCITT-FALSE
		"A":         0xB915,
	} {
		if got := qr.CRC(s); got != want {
			t.Errorf("CRC(%q) = %04X, want %04X", s, got, want)
		}
	}
}

// goldenLine is a payload of our own with the whole result wanted for it. Their
// checksums and lengths were computed apart from this package.
type goldenLine struct {
	ID      string         `json:"id"`
	Why     string         `json:"why"`
	Payload string         `json:"payload"`
	Want    map[string]any `json:"want"`
}

func TestGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		var g goldenLine
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		t.Run(g.ID, func(t *testing.T) {
			if diff := cmp.Diff(g.Want, asJSON(t, qr.Decode(g.Payload))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", g.Why, diff)
			}
		})
	}
}

// asJSON is a result as a script sees it, the two lists sorted: their order is
// without meaning.
func asJSON(t *testing.T, r qr.Result) map[string]any {
	t.Helper()
	slices.Sort(r.Errors)
	slices.Sort(r.Warnings)
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestResultJSON(t *testing.T) {
	raw, err := json.Marshal(qr.Decode(""))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"valid":false,"emv_ok":false,"warnings":[],"errors":["empty"]}`; string(raw) != want {
		t.Errorf("got %s, want %s", raw, want)
	}
}

// The collected payloads lie beside the project's root, not in it.
func TestCollectedPayloads(t *testing.T) {
	path := filepath.Join("..", "..", "shared", "data", "vietqr", "vectors.jsonl")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("skipped: no payloads at %s beside the project's root", path)
	} else if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range bytes.Lines(raw) {
		var v struct {
			ID       string         `json:"id"`
			Payload  string         `json:"payload"`
			Valid    bool           `json:"valid"`
			EMVOK    bool           `json:"emv_ok"`
			Expected map[string]any `json:"expected"`
			Errors   []string       `json:"errors"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		lines++
		r := qr.Decode(v.Payload)
		if r.Valid != v.Valid || r.EMVOK != v.EMVOK {
			t.Errorf("%s: valid %t, emv_ok %t, want %t, %t", v.ID, r.Valid, r.EMVOK, v.Valid, v.EMVOK)
		}
		got := asJSON(t, r)
		for _, name := range []string{"valid", "emv_ok", "warnings", "errors"} {
			delete(got, name)
		}
		if !reflect.DeepEqual(got, v.Expected) {
			t.Errorf("%s: read %v, want %v", v.ID, got, v.Expected)
		}
		slices.Sort(v.Errors)
		if !slices.Equal(r.Errors, v.Errors) {
			t.Errorf("%s: errors %v, want %v", v.ID, r.Errors, v.Errors)
		}
	}
	if lines == 0 {
		t.Error("the file of payloads is empty")
	}
}

// tlv writes one object, counting characters.
func tlv(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len([]rune(value)), value) }

// sealed puts 00 before and the checksum behind a body.
func sealed(body string) string { return sealedWhole("000201" + body) }

// sealedWhole puts the checksum behind everything before it.
func sealedWhole(body string) string {
	body += "6304"
	return fmt.Sprintf("%s%04X", body, qr.CRC(body))
}

// with is a good static code with objects of the root put in place of its own,
// or left out where the value is empty.
func with(pairs ...string) string {
	ids := []string{"01", "38", "53", "58"}
	value := map[string]string{
		"01": "11", "53": "704", "58": "VN",
		"38": merchant("970436", "0011000000001", "QRIBFTTA"),
	}
	for i := 0; i < len(pairs); i += 2 {
		if !slices.Contains(ids, pairs[i]) {
			ids = append(ids, pairs[i])
		}
		value[pairs[i]] = pairs[i+1]
	}
	var body strings.Builder
	for _, id := range ids {
		if value[id] != "" {
			body.WriteString(tlv(id, value[id]))
		}
	}
	return sealed(body.String())
}

func merchant(bin, account, service string) string {
	return tlv("00", "A000000727") + tlv("01", tlv("00", bin)+tlv("01", account)) + tlv("02", service)
}

func TestRules(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, tc := range []struct {
		name    string
		payload string
		emvOK   bool
		errors  string // sorted, blank between
	}{
		{"plain", with(), true, ""},

		{"amount of thirteen digits", with("54", "1234567890123"), true, ""},
		{"amount of twelve digits and a dot", with("54", "123456789012."), true, ""},
		{"amount of thirteen digits and a dot", with("54", "1234567890123."), true, "amount_too_long"},
		{"leading zeroes", with("54", "0050000"), true, ""},
		{"zero with a dot", with("54", "0."), true, "amount_zero"},
		{"zero with decimals", with("54", "0.00"), true, "amount_zero"},
		{"a dot alone", with("54", "."), true, "amount_format"},
		{"two dots behind", with("54", "50000.."), true, "amount_format"},
		{"a dot before", with("54", ".5"), true, "amount_format"},
		{"a comma", with("54", "50,000"), true, "amount_format"},
		{"a sign", with("54", "+50000"), true, "amount_format"},
		{"a thousands dot", with("54", "50.000"), true, "amount_decimals"},
		{"Arabic digits", with("54", "٥٠٠"), true, "amount_format non_ascii"},

		{"01 of one character", with("01", "1"), true, "01_value"},
		{"country in small letters", with("58", "vn"), true, "country_not_VN"},
		{"category with a letter", with("52", "54A1"), true, "mcc_format"},
		{"category of three digits", with("52", "541"), true, "mcc_format"},

		{"name of 25", with("59", long(25)), true, ""},
		{"name of 26", with("59", long(26)), true, "merchant_name_too_long"},
		{"city of 16", with("60", long(16)), true, "merchant_city_too_long"},
		{"postal code of 11", with("61", long(11)), true, "postal_code_too_long"},
		{"each of 62 at its bound", with("62", tlv("01", long(25))+tlv("08", long(25))+tlv("09", "AME")), true, ""},
		{"62.01 and 62.09 beyond", with("62", tlv("01", long(26))+tlv("09", "AMEX")), true, "62.01_too_long 62.09_too_long"},
		{"62.50 is a network's own", with("62", tlv("50", long(60))), true, ""},

		{"account of 19", with("38", merchant("970436", long(19), "QRIBFTTA")), true, ""},
		{"account of 20", with("38", merchant("970436", long(20), "QRIBFTTA")), true, "account_too_long"},
		{"account with a blank", with("38", merchant("970436", "001 1", "QRIBFTTA")), true, "account_charset"},
		{"BIN of seven digits", with("38", merchant("9704360", "0011", "QRIBFTTA")), true, "bank_bin_format"},
		{"no service", with("38", tlv("00", "A000000727")+tlv("01", tlv("00", "970436")+tlv("01", "1"))), true, ""},
		{"service in small letters", with("38", merchant("970436", "0011", "qribftta")), true, "service_code_unknown"},
		{"no 38.01", with("38", tlv("00", "A000000727")+tlv("02", "QRPUSH")), true, "38.01_missing"},
		{"no account", with("38", tlv("00", "A000000727")+tlv("01", tlv("00", "970436"))), true, "account_missing"},
		{"no BIN", with("38", tlv("00", "A000000727")+tlv("01", tlv("01", "0011"))), true, "bank_bin_missing"},
		{"no application", with("38", tlv("01", tlv("00", "970436")+tlv("01", "1"))), true, "38_aid"},
		{"NAPAS outside 38", with("38", "", "27", merchant("970436", "0011", "QRIBFTTA")), true, "38_missing"},
		{"38.01 of another network must split too", with("38", tlv("00", "A000000999")+tlv("01", "0011")), false, "tag_38.01_malformed"},

		{"tip asked", with("55", "01"), true, ""},
		{"tip fixed", with("55", "02", "56", "5000"), true, ""},
		{"tip percent", with("55", "03", "57", "10"), true, ""},
		{"tip percent at its bound", with("55", "03", "57", "99.99"), true, ""},
		{"tip of a hundred percent", with("55", "03", "57", "100"), true, "tip_percent_inconsistent"},
		{"tip of no percent", with("55", "03", "57", "0.00"), true, "tip_percent_inconsistent"},
		{"tip fixed without amount", with("55", "02"), true, "tip_fixed_inconsistent"},
		{"tip fixed at zero", with("55", "02", "56", "0"), true, "tip_fixed_inconsistent"},
		{"tip amount without indicator", with("56", "5000"), true, "tip_fixed_inconsistent"},
		{"tip asked with a percentage", with("55", "01", "57", "5"), true, "tip_percent_inconsistent"},

		{"control character", with("59", "CHO\tMAU"), true, "non_ascii"},
		{"delete is not printable", with("59", "CHO\x7fMAU"), true, "non_ascii"},
		{"64 in any script", with("64", tlv("00", "vi")+tlv("01", "Chợ Mẫu 市場")), true, ""},
		{"64 must split", with("64", "vi"), false, "tag_64_malformed"},
		{"64 with a duplicate", with("64", tlv("00", "vi")+tlv("00", "en")), false, "duplicate_tag_in_64"},
		{"26 must split", with("26", "hello"), false, "tag_26_malformed"},
		{"51 must split", with("51", "hello"), false, "tag_51_malformed"},
		{"25 is a plain number", with("25", "hello"), true, ""},
		{"52 and 63 are no templates, 80 is not opened", with("80", "hello", "99", "0000"), true, ""},
		{"62 with an empty object", with("62", "0800"), false, "tag_62_malformed"},
		{"62 with a letter in an identifier", with("62", "0A01x"), false, "tag_62_malformed"},
		{"38 with a duplicate", with("38", merchant("970436", "1", "QRPUSH")+tlv("02", "QRCASH")), false, "duplicate_tag_in_38"},
		{"38.01 with a duplicate", with("38", tlv("00", "A000000727")+tlv("01", tlv("00", "970436")+tlv("00", "970415"))), false, "duplicate_tag_in_38.01"},
		{"00 second", sealedWhole(tlv("01", "11") + tlv("00", "01") + good()[len("010211"):]), false, "00_not_first"},
		{"no 00", sealedWhole(good()), false, "00_not_first payload_format_not_01"},
		{"another version", sealedWhole(tlv("00", "02") + good()), false, "payload_format_not_01"},
		{"blank before", " " + with(), false, "crc_mismatch tlv_bad_id"},
		{"checksum of five digits", sealedAs(t, "6305", "0"), false, "crc_missing"},
		{"checksum that is no object of its own", "000201" + "59086304ABCD", false, "63_not_last crc_mismatch"},
		{"a checksum within a checksum", "000201" + "63086304ABCD", false, "crc_missing"},
		{"data behind the checksum", with() + "5802VN", false, "crc_missing trailing_data_after_63"},
		{"512 characters", padded(512), true, ""},
		{"513 characters", padded(513), false, "payload_too_long"},
		{"512 characters in more bytes", paddedWide(512), true, ""},
		{"invalid encoding", with("59", "CHO\xffMAU"), true, "non_ascii"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := qr.Decode(tc.payload)
			slices.Sort(r.Errors)
			if got := strings.Join(r.Errors, " "); got != tc.errors || r.EMVOK != tc.emvOK || r.Valid != (tc.errors == "") {
				t.Errorf("%q: emv_ok %t valid %t, errors %q, want %t, %q", tc.payload, r.EMVOK, r.Valid, got, tc.emvOK, tc.errors)
			}
		})
	}
}

// sealedAs seals a good code under another header of the checksum.
func sealedAs(t *testing.T, header, more string) string {
	t.Helper()
	good := with()
	body := good[:len(good)-8] + header
	return fmt.Sprintf("%s%04X%s", body, qr.CRC(body), more)
}

// padded is a good code of n characters: private objects fill it up.
func padded(n int) string { return paddedBy(n, "x") }

// paddedWide is the same with characters of three bytes inside 64, where they
// are allowed.
func paddedWide(n int) string {
	wide := tlv("64", tlv("00", "vi")+tlv("01", strings.Repeat("ợ", 80)))
	return paddedBy(n, "x", wide)
}

func paddedBy(n int, fill string, more ...string) string {
	body := good()
	for _, m := range more {
		body += m
	}
	for id := 80; ; id++ {
		left := n - len([]rune(body)) - len("000201") - len("63040000")
		if left == 0 {
			return sealed(body)
		}
		size := min(left-4, 99)
		if rest := left - 4 - size; rest > 0 && rest < 5 {
			size -= 5 // leave room for one more whole object
		}
		body += tlv(fmt.Sprint(id), strings.Repeat(fill, size))
	}
}

func good() string {
	payload := with()
	return payload[len("000201") : len(payload)-len("63040000")]
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		payload string
		want    string
	}{
		{with(), ""},
		{with("01", "12"), qr.WarnDynamicNoAmount},
		{with("54", "500000000"), qr.WarnAmountOverLimit + " " + qr.WarnStaticAmount},
		{with("52", "0000"), qr.WarnMCC0000},
		{with("59", strings.Repeat("x", 26)), qr.WarnLongName},
		{with("38", merchant("970454", "99MM00000M00000001", "QRIBFTTA"), "62", tlv("05", "MOMOW2W00000001"), "80", "999"), qr.WarnPrivateTags + " " + qr.WarnWalletMoMo},
		{with("38", merchant("970454", "99ZP00000M00000001", "QRIBFTTA")), qr.WarnWalletZaloPay},
		{with("38", merchant("000001", "1", "QRIBFTTA")), qr.WarnUnknownBank},
		{with("38", merchant("970436", "9704360000000001", "QRIBFTTC")), qr.WarnCardCheckDigit},
		{with("38", tlv("00", "A000000727")+tlv("01", tlv("00", "970436")+tlv("01", "1"))), qr.WarnServiceAbsent},
		{with("02", "4000000000000"), qr.WarnOtherNetworks},
		{sealed(good() + "6200"), qr.WarnEmptyAdditional},
	} {
		r := qr.Decode(tc.payload)
		slices.Sort(r.Warnings)
		if got := strings.Join(r.Warnings, " "); got != tc.want {
			t.Errorf("%s: warnings %q, want %q", tc.payload, got, tc.want)
		}
	}
}

// What the checksum finds out, at the rate that 16 bits promise. One character
// changed, or two neighbours swapped, spoils a burst of at most 16 bits, and a CRC
// of 16 bits misses no such burst: none may pass. Larger damage passes one time in
// 65,536.
func TestChecksumCatches(t *testing.T) {
	payload := with("01", "12", "54", "61000", "59", "BAN QUAN LY CHO", "62", tlv("05", "CH2609DF4EP")+tlv("08", "CH2609DF4EP Phi cho thang"))
	if !qr.Decode(payload).Valid {
		t.Fatal("the payload itself is no good")
	}
	for at := range payload {
		for c := byte(' '); c <= '~'; c++ {
			damaged := payload[:at] + string(c) + payload[at+1:]
			if damaged == payload || at >= len(payload)-4 && strings.EqualFold(damaged, payload) {
				continue // the checksum's digits in small letters say the same
			}
			if qr.Decode(damaged).EMVOK {
				t.Fatalf("%q in place of %q at %d passes", c, payload[at], at)
			}
		}
		if at > 0 && payload[at] != payload[at-1] {
			swapped := payload[:at-1] + payload[at:at+1] + payload[at-1:at] + payload[at+1:]
			if qr.Decode(swapped).EMVOK {
				t.Fatalf("characters %d and %d swapped pass", at-1, at)
			}
		}
	}

	const tries = 1 << 20 // 16 are expected to pass
	r, passed := rand.New(rand.NewPCG(1, 2)), 0
	account := strings.Index(payload, "0011000000001")
	damaged := []byte(payload)
	for range tries {
		for i := range 13 {
			damaged[account+i] = byte('0' + r.IntN(10))
		}
		if qr.CRC(string(damaged[:len(damaged)-4])) == qr.CRC(payload[:len(payload)-4]) {
			passed++
		}
	}
	t.Logf("%d of %d random accounts pass", passed, tries)
	if passed < 4 || passed > 36 {
		t.Errorf("%d of %d random accounts pass, expected some 16", passed, tries)
	}
}

// FuzzDecode holds what is true of every string: no panic, the verdicts agree
// with the findings, and nothing is read out of what does not split.
func FuzzDecode(f *testing.F) {
	raw, err := os.ReadFile("testdata/golden.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		var g goldenLine
		if err := json.Unmarshal(line, &g); err != nil {
			f.Fatal(err)
		}
		f.Add(g.Payload)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := qr.Decode(s)
		// Sealed anew, most mutations get past the checksum to the rules behind it.
		check(t, qr.Decode(sealed(s)))
		check(t, r)
		if r.EMVOK && s[len(s)-8:len(s)-4] != "6304" {
			t.Errorf("%q passes without a checksum", s)
		}
	})
}

func check(t *testing.T, r qr.Result) {
	t.Helper()
	if r.Valid != (len(r.Errors) == 0) || r.Valid && !r.EMVOK {
		t.Errorf("valid %t, emv_ok %t, errors %v", r.Valid, r.EMVOK, r.Errors)
	}
	if !r.EMVOK {
		bare := qr.Result{Warnings: r.Warnings, Errors: r.Errors}
		if !reflect.DeepEqual(r, bare) {
			t.Errorf("read out of a payload that does not hold: %+v", r)
		}
	}
	if r.Valid && (r.Scheme != qr.SchemeVietQR || len(r.BankBIN) != 6 || r.Account == "" || (r.Amount != "") != (r.AmountVND > 0)) {
		t.Errorf("valid without what a transfer needs: %+v", r)
	}
}

func BenchmarkDecode(b *testing.B) {
	payload := with("01", "12", "54", "61000", "62", tlv("05", "CH2609DF4EP")+tlv("08", "CH2609DF4EP Phi cho thang"))
	b.ReportAllocs()
	for b.Loop() {
		qr.Decode(payload)
	}
}

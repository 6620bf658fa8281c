package money

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency Currency
		minor    int64
		code     string
	}{
		{"61000", VND, 61000, ""},
		{"0", VND, 0, ""},
		{"999999999999999", VND, MaxMinor, ""},
		{"1000000000000000", VND, 0, "amount_too_large"},
		{"12.50", CNY, 1250, ""},
		{"0.05", USD, 5, ""},
		{"12.5", CNY, 0, "wrong_scale"},
		{"12", CNY, 0, "wrong_scale"},
		{"61000.0", VND, 0, "wrong_scale"},
		{"61000.", VND, 0, "bad_decimal"},
		{".5", CNY, 0, "bad_decimal"},
		{"", VND, 0, "bad_decimal"},
		{"-1", VND, 0, "bad_decimal"},
		{"+1", VND, 0, "bad_decimal"},
		{"1e3", VND, 0, "bad_decimal"},
		{"007", VND, 0, "bad_decimal"},
		{"00.50", CNY, 0, "bad_decimal"},
		{"1 000", VND, 0, "bad_decimal"},
		{"1,000", VND, 0, "bad_decimal"},
		{"١", VND, 0, "bad_decimal"},
		{strings.Repeat("9", 25), VND, 0, "bad_decimal"},
		{"1", "XXX", 0, "unknown_currency"},
	} {
		a, err := Parse(c.text, c.currency)
		var e *Error
		switch {
		case c.code == "" && err != nil:
			t.Errorf("Parse(%q, %s): %v", c.text, c.currency, err)
		case c.code != "" && (!errors.As(err, &e) || e.Code != c.code):
			t.Errorf("Parse(%q, %s): got %v, want code %s", c.text, c.currency, err, c.code)
		case c.code == "" && (a.Minor() != c.minor || a.String() != c.text):
			t.Errorf("Parse(%q, %s) = %d %q", c.text, c.currency, a.Minor(), a.String())
		}
	}
}

func TestOneSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]Currency{VND, CNY, USD, LAK}).Draw(t, "currency")
		a, err := New(rapid.Int64Range(0, MaxMinor).Draw(t, "minor"), c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(a.String(), c)
		if err != nil || a != b {
			t.Fatalf("%v -> %q -> %v, %v", a, a.String(), b, err)
		}
	})
}

func TestTotalAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := new(big.Int).Lsh(big.NewInt(1), 127)
		draw := func(name string) *big.Int {
			b := rapid.SliceOfN(rapid.Byte(), 0, 15).Draw(t, name)
			return new(big.Int).SetBytes(b)
		}
		x, y := draw("x"), draw("y")
		add := rapid.Int64Range(0, MaxMinor).Draw(t, "add")
		if x.Cmp(bound) > 0 {
			t.Skip()
		}
		tx, err := TotalFromBig(x)
		if err != nil {
			t.Fatal(err)
		}
		ty, _ := TotalFromBig(y)
		if got, want := tx.Plus(add).Big(), new(big.Int).Add(x, big.NewInt(add)); got.Cmp(want) != 0 {
			t.Fatalf("plus: %v, want %v", got, want)
		}
		if got, want := tx.Compare(ty), x.Cmp(y); got != want {
			t.Fatalf("compare: %d, want %d", got, want)
		}
		left := new(big.Int).Sub(x, y)
		switch {
		case left.Sign() < 0:
			left.SetInt64(0)
		case left.Cmp(big.NewInt(MaxMinor)) > 0:
			left.SetInt64(MaxMinor)
		}
		if got := tx.Left(ty); got != left.Int64() {
			t.Fatalf("left: %d, want %v", got, left)
		}
		if tx.String() != x.String() {
			t.Fatalf("string: %s, want %v", tx, x)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("61000")
	f.Add("12.50")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range []Currency{VND, CNY} {
			if a, err := Parse(text, c); err == nil && a.String() != text {
				t.Errorf("%q is accepted and written as %q", text, a.String())
			}
		}
	})
}

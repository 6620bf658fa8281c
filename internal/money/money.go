// Package money holds exact amounts: a whole number of a currency's smallest
// unit, read from and written to decimal strings through shopspring/decimal.
//
// It knows currencies and their scale, and nothing of accounts, events or
// storage. No float ever appears in it. An amount has exactly one spelling
// ("61000" VND, "12.50" CNY), so that the same fact is always the same bytes.
//
//	a, err := money.Parse("61000", "VND")   // 61,000 đ
//	a.Minor()                               // 61000
//	a.String()                              // "61000"
//
// Sums of amounts live in Total, 128 bits wide: with amounts below 10^15 it
// cannot overflow in any number of transfers that a log can hold.
package money

import (
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// Currency is an ISO 4217 alphabetic code that this ledger knows the scale of.
type Currency string

// The currencies a border province meets. The scale (ISO 4217 minor unit) is
// part of the log's format: it may be added to, never changed.
const (
	VND Currency = "VND" // đồng, no minor unit in use
	CNY Currency = "CNY" // yuan, scale 2
	USD Currency = "USD" // US dollar, scale 2
	LAK Currency = "LAK" // kip, scale 2
)

// Currencies lists what is known.
func Currencies() []Currency { return []Currency{VND, CNY, USD, LAK} }

// Scale returns the number of decimals of the currency's amounts, and whether
// the currency is known at all.
func (c Currency) Scale() (scale int32, known bool) {
	switch c {
	case VND:
		return 0, true
	case CNY, USD, LAK:
		return 2, true
	}
	return 0, false
}

// MaxMinor bounds one amount, in minor units: below 10^15, a hundred times
// the yearly budget of the largest province in đồng.
const MaxMinor int64 = 999_999_999_999_999

// Error says why a text is no amount. Code is stable and read by programs:
// bad_decimal, wrong_scale, amount_too_large, unknown_currency.
type Error struct {
	Code   string
	Detail string
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// Amount is an exact, non-negative sum of one currency. The zero value is no
// amount of no currency.
type Amount struct {
	minor    int64
	currency Currency
}

// New makes an amount from minor units. Errors: unknown_currency,
// bad_decimal (negative), amount_too_large.
func New(minor int64, c Currency) (Amount, error) {
	if _, ok := c.Scale(); !ok {
		return Amount{}, &Error{"unknown_currency", fmt.Sprintf("%q", string(c))}
	}
	if minor < 0 {
		return Amount{}, &Error{"bad_decimal", "an amount is never negative; the direction says who owes"}
	}
	if minor > MaxMinor {
		return Amount{}, &Error{"amount_too_large", fmt.Sprintf("%d is above %d minor units", minor, MaxMinor)}
	}
	return Amount{minor, c}, nil
}

// CheckDecimal checks the spelling alone: digits without a leading zero, and
// optionally a point with digits. No sign, exponent, blank or separator.
func CheckDecimal(text string) error {
	digits, point := 0, -1
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch >= '0' && ch <= '9':
			digits++
		case ch == '.' && point < 0 && i > 0 && i < len(text)-1:
			point = i
		default:
			return &Error{"bad_decimal", fmt.Sprintf("unexpected character at position %d", i)}
		}
	}
	switch {
	case digits == 0:
		return &Error{"bad_decimal", "empty"}
	case len(text) > 24:
		return &Error{"bad_decimal", "more than 24 characters"}
	case text[0] == '0' && len(text) > 1 && point != 1:
		return &Error{"bad_decimal", "leading zero"}
	}
	return nil
}

// Parse reads an amount in its one spelling: as many decimals as the currency
// has, no more and no fewer. Errors: bad_decimal, wrong_scale,
// amount_too_large, unknown_currency.
func Parse(text string, c Currency) (Amount, error) {
	scale, ok := c.Scale()
	if !ok {
		return Amount{}, &Error{"unknown_currency", fmt.Sprintf("%q", string(c))}
	}
	if err := CheckDecimal(text); err != nil {
		return Amount{}, err
	}
	if minor, ok := plain(text, int(scale)); ok {
		return Amount{minor, c}, nil
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return Amount{}, &Error{"bad_decimal", "not a decimal number"}
	}
	if -d.Exponent() != scale {
		return Amount{}, &Error{"wrong_scale", fmt.Sprintf("%s is written with exactly %d decimals", c, scale)}
	}
	coefficient := d.Coefficient()
	if !coefficient.IsInt64() || coefficient.Int64() > MaxMinor {
		return Amount{}, &Error{"amount_too_large", fmt.Sprintf("%s is above the bound", text)}
	}
	return Amount{coefficient.Int64(), c}, nil
}

// plain reads a checked text with exactly so many decimals and at most as many
// digits as MaxMinor has; ok is false for every other.
func plain(text string, scale int) (minor int64, ok bool) {
	point := -1
	if scale > 0 {
		point = len(text) - scale - 1
	}
	if len(text) > 15 || (scale > 0 && (point < 1 || text[point] != '.')) {
		return 0, false
	}
	for i := range len(text) {
		if i == point {
			continue
		}
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		minor = minor*10 + int64(digit)
	}
	return minor, true
}

// Minor returns the amount in minor units (đồng for VND).
func (a Amount) Minor() int64 { return a.minor }

// Currency returns the amount's currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether nothing is left.
func (a Amount) IsZero() bool { return a.minor == 0 }

// Decimal returns the exact decimal value.
func (a Amount) Decimal() decimal.Decimal {
	scale, _ := a.currency.Scale()
	return decimal.New(a.minor, -scale)
}

// String returns the amount in its one spelling, without the currency.
func (a Amount) String() string {
	scale, known := a.currency.Scale()
	if known && scale == 0 {
		return strconv.FormatInt(a.minor, 10)
	}
	return a.Decimal().StringFixed(scale)
}

// Split cuts the amount in two: at most limit minor units, and the rest.
// A limit at or below zero takes nothing.
func (a Amount) Split(limit int64) (taken, rest Amount) {
	n := max(min(a.minor, limit), 0)
	return Amount{n, a.currency}, Amount{a.minor - n, a.currency}
}

package bank

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Amount is an exact number that remembers how many decimals it was printed with:
// "6.00" stays "6.00", and a sum has as many as the most of its parts. It may be
// negative, since balances are. The zero value prints as "0".
type Amount struct{ d decimal.Decimal }

// maxDigits bounds an amount: ISO 20022 allows 18 digits, of them 5 decimals.
const maxDigits = 18

// ParseAmount reads digits with at most one point between or before them, as
// ISO 20022 prints amounts: no sign, no separator, no exponent.
func ParseAmount(text string) (Amount, bool) {
	point := strings.IndexByte(text, '.')
	digits := len(text)
	if point >= 0 {
		digits--
	}
	if digits == 0 || digits > maxDigits {
		return Amount{}, false
	}
	for i := range len(text) {
		if i != point && (text[i] < '0' || text[i] > '9') {
			return Amount{}, false
		}
	}
	if point == len(text)-1 {
		text = text[:point]
	}
	d, err := decimal.NewFromString(text)
	return Amount{d}, err == nil
}

// Plus returns a + b.
func (a Amount) Plus(b Amount) Amount { return Amount{a.d.Add(b.d)} }

// Minus returns a − b.
func (a Amount) Minus(b Amount) Amount { return Amount{a.d.Sub(b.d)} }

// Negated returns −a.
func (a Amount) Negated() Amount { return Amount{a.d.Neg()} }

// Equal compares values: 6 and 6.00 are equal.
func (a Amount) Equal(b Amount) bool { return a.d.Equal(b.d) }

// IsZero reports whether nothing is left.
func (a Amount) IsZero() bool { return a.d.IsZero() }

// Sign returns -1, 0 or +1.
func (a Amount) Sign() int { return a.d.Sign() }

// Decimal returns the exact value.
func (a Amount) Decimal() decimal.Decimal { return a.d }

// String prints the decimals that the amount was printed with.
func (a Amount) String() string { return a.d.StringFixed(max(0, -a.d.Exponent())) }

// MarshalJSON prints a decimal string, never a number.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(`"` + a.String() + `"`), nil }

// in brings an amount into the form of its currency: đồng have no decimals, and
// one that is printed with a fraction of a đồng is no amount (ok is false).
func (a Amount) in(currency string) (_ Amount, ok bool) {
	if currency != "VND" || a.d.Exponent() >= 0 {
		return a, true
	}
	whole := a.d.Truncate(0)
	return Amount{whole}, whole.Equal(a.d)
}

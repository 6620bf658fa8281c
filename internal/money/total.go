package money

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/shopspring/decimal"
)

// Total is a non-negative sum of amounts in minor units, 128 bits wide. The
// zero value is zero.
type Total struct{ hi, lo uint64 }

// ErrTotal is returned for a text that is no total.
var ErrTotal = errors.New("money: not a whole number between 0 and 2^128-1")

// Plus adds a number of minor units. It panics on a negative number: the
// caller holds an Amount, which never is.
func (t Total) Plus(minor int64) Total {
	if minor < 0 {
		panic(fmt.Sprintf("money: negative amount %d added to a total", minor))
	}
	lo, carry := bits.Add64(t.lo, uint64(minor), 0)
	return Total{t.hi + carry, lo}
}

// Compare returns -1, 0 or +1 as t is below, equal to or above u.
func (t Total) Compare(u Total) int {
	switch {
	case t == u:
		return 0
	case t.hi < u.hi || (t.hi == u.hi && t.lo < u.lo):
		return -1
	}
	return +1
}

// Left returns how much of t is not used up by u, as minor units: t − u where
// that is above zero, else 0. A difference beyond MaxMinor is reported as
// MaxMinor, which no single amount exceeds.
func (t Total) Left(u Total) int64 {
	if t.Compare(u) <= 0 {
		return 0
	}
	lo, borrow := bits.Sub64(t.lo, u.lo, 0)
	if hi := t.hi - u.hi - borrow; hi != 0 || lo > uint64(MaxMinor) {
		return MaxMinor
	}
	return int64(lo)
}

// IsZero reports whether the total is zero.
func (t Total) IsZero() bool { return t == Total{} }

// Big returns the total as a big integer of minor units.
func (t Total) Big() *big.Int {
	n := new(big.Int).SetUint64(t.hi)
	return n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(t.lo))
}

// TotalFromBig is the inverse of Big. Errors: ErrTotal.
func TotalFromBig(n *big.Int) (Total, error) {
	if n == nil || n.Sign() < 0 || n.BitLen() > 128 {
		return Total{}, ErrTotal
	}
	mask := new(big.Int).SetUint64(^uint64(0))
	lo := new(big.Int).And(n, mask).Uint64()
	return Total{new(big.Int).Rsh(n, 64).Uint64(), lo}, nil
}

// String returns the number of minor units in decimal digits.
func (t Total) String() string { return t.Big().String() }

// Format writes the total of a currency with its scale: "61000", "12.50".
func (t Total) Format(c Currency) string { return FormatSigned(t.Big(), c) }

// FormatSigned writes a signed number of minor units with the currency's
// scale; balances (debits − credits) are printed with it.
func FormatSigned(minor *big.Int, c Currency) string {
	scale, _ := c.Scale()
	return decimal.NewFromBigInt(minor, -scale).StringFixed(scale)
}

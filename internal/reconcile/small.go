package reconcile

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// difference is one printed number less another; empty where one is none.
func difference(a, b string) string {
	x, err := decimal.NewFromString(a)
	y, err2 := decimal.NewFromString(b)
	if err != nil || err2 != nil {
		return ""
	}
	return x.Sub(y).String()
}

// sameDecimal compares two printed numbers by value.
func sameDecimal(a, b string) bool {
	x, err := decimal.NewFromString(a)
	y, err2 := decimal.NewFromString(b)
	return err == nil && err2 == nil && x.Equal(y)
}

package projections

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"socho/internal/money"
)

// FeeSum is what the payments of one organization, month, method and currency
// come to: all that a figure of fees needs but the events behind it.
type FeeSum struct {
	Organization, Unit, Period, Method string
	Currency                           money.Currency
	Facts                              int64 // payments, those that were taken back among them
	Payments                           int64 // those that stand
	Amount                             int64 // of these, in minor units
}

// EvaluateFees answers a query for fees from sums, as Evaluate does from facts;
// the query names a period. Events and digests are left out.
// Errors: ErrQuery, ErrPeriod.
func EvaluateFees(sums []FeeSum, q Query) ([]Figure, error) {
	s, err := newSelection(nil, q)
	if err != nil {
		return nil, err
	}
	var figures []Figure
	for _, by := range s.bys {
		figures = append(figures, s.figure(by, s.label, s.paid(sums, by), s.inUnits))
	}
	return bare(figures), nil
}

// EvaluateFeeUnits is EvaluateFees unit by unit, sorted by unit, as EvaluateUnits
// is Evaluate. Errors: ErrQuery, ErrPeriod.
func EvaluateFeeUnits(sums []FeeSum, q Query) ([]Figure, error) {
	s, err := newSelection(nil, q)
	if err != nil {
		return nil, err
	}
	return bare(s.byUnit(func(by string) []item { return s.paid(sums, by) })), nil
}

func bare(figures []Figure) []Figure {
	for i := range figures {
		figures[i].Digest, figures[i].Events = "", nil
	}
	return figures
}

// Behind picks the sums that a query is about, in any of its kinds of rate.
// Errors: ErrQuery, ErrPeriod.
func Behind(sums []FeeSum, q Query) ([]FeeSum, error) {
	s, err := newSelection(nil, q)
	return slices.DeleteFunc(slices.Clone(sums), func(f FeeSum) bool {
		return err == nil && (!s.months[f.Period] || !s.inUnits(f.Unit))
	}), err
}

// paid is fees from sums.
func (s *selection) paid(sums []FeeSum, by string) []item {
	var items []item
	for i := range sums {
		f := &sums[i]
		if !s.months[f.Period] {
			continue
		}
		it := item{unit: f.Unit, whole: f.Payments}
		if by == ByValue {
			it.whole = (&Fact{Currency: f.Currency, Amount: f.Amount}).value()
		}
		if cashless(f.Method) {
			it.part = it.whole
		}
		items = append(items, it)
	}
	return items
}

// Sum adds figures of units, as EvaluateUnits gives them for a period, up to
// those that Evaluate gives for it; events and digests are left out. Each thing
// that is counted belongs to one unit, so that nothing is counted twice.
// Errors: ErrQuery, ErrPeriod.
func Sum(units []Figure, q Query) ([]Figure, error) {
	s, err := newSelection(nil, q)
	if err != nil {
		return nil, err
	}
	var figures []Figure
	for _, by := range s.bys {
		var items []item
		for i := range units {
			f := &units[i]
			if f.By != by {
				continue
			}
			part, err1 := strconv.ParseInt(f.Numerator, 10, 64)
			whole, err2 := strconv.ParseInt(f.Denominator, 10, 64)
			if err1 != nil || err2 != nil {
				return nil, fmt.Errorf("%w: %s of %s by %s is too large to be added up", ErrQuery, f.Domain, f.Unit, by)
			}
			items = append(items, item{unit: f.Unit, part: part, whole: whole})
		}
		figures = append(figures, s.figure(by, s.label, items, s.inUnits))
	}
	return bare(figures), nil
}

// OfUnits picks from figures of units those that a query asks for.
// Errors: ErrQuery, ErrPeriod.
func OfUnits(units []Figure, q Query) ([]Figure, error) {
	s, err := newSelection(nil, q)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(units), func(f Figure) bool { return !slices.Contains(s.bys, f.By) || !s.inUnits(f.Unit) }), nil
}

// byUnit works figures out unit by unit.
func (s *selection) byUnit(items func(by string) []item) []Figure {
	var figures []Figure
	for _, by := range s.bys {
		of := map[string][]item{}
		for _, it := range items(by) {
			if s.inUnits(it.unit) {
				of[it.unit] = append(of[it.unit], it)
			}
		}
		for unit, some := range of {
			figures = append(figures, s.figure(by, unit, some, func(string) bool { return true }))
		}
	}
	slices.SortStableFunc(figures, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(slices.Index(s.bys, a.By), slices.Index(s.bys, b.By)))
	})
	return figures
}

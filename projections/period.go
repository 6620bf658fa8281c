package projections

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"socho/events"
)

// ErrPeriod is returned for a text that names no month (2026-09), quarter
// (2026-Q3) or year (2026).
var ErrPeriod = errors.New("bad_period")

func monthOf(d events.Date) string {
	if len(d) < len("2006-01") {
		return ""
	}
	return string(d[:len("2006-01")])
}

// Months returns the months of a period, the first one first.
// Errors: ErrPeriod.
func Months(period string) ([]string, error) {
	year, rest := period, ""
	if len(period) > 4 {
		year, rest = period[:4], period[4:]
	}
	if n, err := strconv.ParseUint(year, 10, 16); len(year) != 4 || err != nil || n < 2000 || n > 2199 {
		return nil, fmt.Errorf("%w: expected 2026-09, 2026-Q3 or 2026", ErrPeriod)
	}
	first, count := 1, 12
	switch {
	case rest == "":
	case len(rest) == 3 && rest[1] == 'Q' && rest[0] == '-' && rest[2] >= '1' && rest[2] <= '4':
		first, count = int(rest[2]-'1')*3+1, 3
	default:
		if _, err := time.Parse("2006-01", period); err != nil || len(period) != 7 {
			return nil, fmt.Errorf("%w: expected 2026-09, 2026-Q3 or 2026", ErrPeriod)
		}
		return []string{period}, nil
	}
	months := make([]string, count)
	for i := range months {
		months[i] = fmt.Sprintf("%s-%02d", year, first+i)
	}
	return months, nil
}

// LastDay is the last calendar day of a month YYYY-MM that Months has checked.
func LastDay(month string) events.Date {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		panic("projections: a month that was not checked: " + month)
	}
	return events.Date(t.AddDate(0, 1, -1).Format(time.DateOnly))
}

// MonthsBefore returns n months that end with the one given, the oldest first.
func MonthsBefore(month string, n int) []string {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		panic("projections: a month that was not checked: " + month)
	}
	months := make([]string, n)
	for i := range months {
		months[n-1-i] = t.AddDate(0, -i, 0).Format("2006-01")
	}
	return months
}

// LatestComplete is the last month that ends on or before a day, the greatest
// that a domain's accepted facts are effective on. Empty for no day.
func LatestComplete(greatest events.Date) string {
	month := monthOf(greatest)
	if month == "" || LastDay(month) == greatest {
		return month
	}
	return MonthsBefore(month, 2)[0]
}

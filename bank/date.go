package bank

import (
	"fmt"
	"strings"
	"time"
)

// calendarDay reports whether a YYYY-MM-DD exists. Entries keep the day that was
// printed even where it does not.
func calendarDay(day string) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}

// isoDay reads a date or a date and time of ISO 8601, as XML and JSON carry it,
// without changing its zone: the bank's local day is the booking day.
func isoDay(text string) (day, at string) {
	if len(text) < 10 || !datePattern(text[:10]) {
		return "", ""
	}
	day = text[:10]
	if rest := strings.TrimLeft(text[10:], "T "); len(rest) >= 8 && rest[2] == ':' && rest[5] == ':' && digitsOnly(rest[:2]+rest[3:5]+rest[6:8]) {
		at = rest[:8]
	}
	return day, at
}

// datePattern reports whether text is spelled dddd-dd-dd.
func datePattern(text string) bool {
	return len(text) == 10 && text[4] == '-' && text[7] == '-' && digitsOnly(text[:4]+text[5:7]+text[8:])
}

func digitsOnly(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// day spells a day, also one that does not exist.
func day(year, month, dayOfMonth int) string {
	return fmt.Sprintf("%04d-%02d-%02d", year, month, dayOfMonth)
}

// century completes a year of two digits: 80–99 are 1980–1999.
func century(year int) int {
	if year >= 80 {
		return 1900 + year
	}
	return 2000 + year
}

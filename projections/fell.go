package projections

import (
	"slices"
	"time"

	"socho/events"
)

// What it takes for receipts to have fallen. A sticker over a stall's code takes
// every payment, while a bad week takes some; and of a stall that is paid a few
// times a week nothing can be said.
const (
	FellWeeks = 8  // whose median is what one may expect
	FellLeast = 5  // payments a week; below that nothing is expected
	FellShare = 40 // percent of what was expected, at and below which they have fallen
)

// Monday is the first day of the week that a day is in.
func Monday(day events.Date) events.Date {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return day // no decoded fact holds such a day
	}
	return events.Date(t.AddDate(0, 0, -(int(t.Weekday())+6)%7).Format(time.DateOnly))
}

// Fell says whether a stall's receipts of the week that begins at since fell against
// its own history: expected is the median of the eight weeks before, a week
// without any counting as none, and at most two fifths of it were seen. counts are
// payments by the Monday of their week.
//
// A median lets one fair or one flood among eight weeks change nothing. Of a
// stall that was paid in fewer than five of those weeks nothing is expected.
func Fell(counts map[events.Date]int64, since events.Date) (expected, seen int64, fell bool) {
	first, err := time.Parse(time.DateOnly, string(since))
	if err != nil {
		return 0, 0, false
	}
	var before [FellWeeks]int64
	for i := range before {
		before[i] = counts[events.Date(first.AddDate(0, 0, -7*(i+1)).Format(time.DateOnly))]
	}
	slices.Sort(before[:])
	// The lower of the two in the middle: a doubtful case is none.
	expected, seen = before[FellWeeks/2-1], counts[since]
	return expected, seen, expected >= FellLeast && seen*100 <= expected*FellShare
}

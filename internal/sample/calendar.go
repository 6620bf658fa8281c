package sample

import (
	"time"

	"socho/events"
)

// Months of the sample year: October 2025 to September 2026.
const (
	Months = 12

	firstYear  = 2025
	firstMonth = time.October
)

// zone is that of calendar days: UTC+7, without any zone database.
var zone = time.FixedZone("", 7*60*60)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	oneDay = 24 * hour
)

// month is one calendar month of the year. Moments are milliseconds since 1970.
type month struct {
	index  int // from 0
	days   int
	start  int64
	period events.Period // 2026-09
	short  string        // 2609
}

func monthAt(index int) month {
	first := time.Date(firstYear, firstMonth+time.Month(index), 1, 0, 0, 0, 0, zone)
	return month{
		index:  index,
		days:   first.AddDate(0, 1, -1).Day(),
		start:  first.UnixMilli(),
		period: events.Period(first.Format("2006-01")),
		short:  first.Format("0601"),
	}
}

// at is a moment of the month. Days before 1 lie in the month before.
func (m month) at(day, hours, minutes int) int64 {
	return m.start + int64(day-1)*oneDay + int64(hours)*hour + int64(minutes)*minute
}

func (m month) day(day int) events.Date { return dateOf(m.at(day, 12, 0)) }

func (m month) last() bool { return m.index == Months-1 }

func (m month) calendar() time.Month { return time.UnixMilli(m.start).In(zone).Month() }

// dateOf is the calendar day of a moment.
func dateOf(at int64) events.Date {
	return events.Date(time.UnixMilli(at).In(zone).Format(time.DateOnly))
}

// indexOf is the place of a day's month in the sample year.
func indexOf(d events.Date) int {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		panic("sample: " + err.Error())
	}
	return (t.Year()-firstYear)*12 + int(t.Month()-firstMonth)
}

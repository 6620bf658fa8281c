package web

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/money"
)

// Numbers and days as people write them. Everything starts from whole numbers
// or decimal strings, and stays exact.

const (
	noBreak = "\u00a0"
	none    = "–"
)

// vietnam is UTC+7 all year.
var vietnam = time.FixedZone("UTC+7", 7*60*60)

// number groups the digits of a decimal: 1234.50 is 1.234,50 in Vietnamese.
func (l *language) number(v any) string {
	text := fmt.Sprint(v)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "−", text[1:]
	}
	whole, fraction, has := strings.Cut(text, ".")
	var groups []string
	for len(whole) > 3 {
		groups = append(groups, whole[len(whole)-3:])
		whole = whole[:len(whole)-3]
	}
	groups = append(groups, whole)
	slices.Reverse(groups)
	text = sign + strings.Join(groups, l.thousands)
	if has {
		text += l.point + fraction
	}
	return text
}

// decimal writes a decimal string of a currency: 1.234.000 đ, 12,50 CNY.
func (l *language) decimal(amount string, c money.Currency) string {
	if amount == "" {
		return none
	}
	sign := "đ"
	if c != money.VND && c != "" {
		sign = string(c)
	}
	return l.number(amount) + noBreak + sign
}

// minor writes an amount of minor units.
func (l *language) minor(n int64, c money.Currency) string {
	if c == "" {
		c = money.VND
	}
	return l.decimal(money.FormatSigned(big.NewInt(n), c), c)
}

// vnd writes whole đồng. Zero is said.
func (l *language) vnd(n int64) string { return l.minor(n, money.VND) }

// column writes an amount for a ruled column, where a dash stands for nothing.
func (l *language) column(n int64, c money.Currency) string {
	if n == 0 {
		return none
	}
	return l.minor(n, c)
}

func (l *language) total(t money.Total, c money.Currency) string {
	return l.decimal(t.Format(c), c)
}

// rate writes a percentage: 86,2 %.
func (l *language) rate(r *string) string {
	if r == nil {
		return none
	}
	return strings.Replace(*r, ".", l.point, 1) + noBreak + "%"
}

// date writes a calendar day: 30/09/2026.
func date(d events.Date) string {
	if len(d) != len(time.DateOnly) {
		return none
	}
	return string(d[8:10] + "/" + d[5:7] + "/" + d[:4])
}

// period writes a month, quarter or year in words.
func (l *language) period(p string) string {
	switch {
	case len(p) == 7 && p[5] == 'Q':
		return l.say("period.quarter", "n", p[6:], "year", p[:4])
	case len(p) == 7:
		return l.say("period.month", "month", p[5:7], "year", p[:4])
	case len(p) == 4:
		return l.say("period.year", "year", p)
	}
	return none
}

// month writes a month in figures: 09/2026.
func month(p string) string {
	if len(p) != 7 {
		return p
	}
	return p[5:7] + "/" + p[:4]
}

// moment writes a time of day in Vietnam.
func moment(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.In(vietnam).Format("02/01/2006 15:04:05")
}

// clock writes a publisher's own time, in its own zone.
func clock(t events.Time) string {
	parsed, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return string(t)
	}
	return parsed.In(vietnam).Format("02/01/2006 15:04:05")
}

package sample

import (
	"strings"

	"socho/events"
)

// breakage makes of a payment's line one that is no event.
type breakage struct {
	code events.Code
	make func(line, amount, day string) string
}

func swap(old, with string) func(string, string, string) string {
	return func(line, amount, day string) string {
		return strings.Replace(line, old, with, 1)
	}
}

// breakages are what people and programs get wrong, each with the code that
// the codec has for it. They befall payments in turn.
var breakages = []breakage{
	{events.WrongScale, func(line, amount, _ string) string { // 26.000
		return strings.Replace(line, `"`+amount+`"`, `"`+amount[:len(amount)-3]+"."+amount[len(amount)-3:]+`"`, 1)
	}},
	{events.BadDecimal, func(line, amount, _ string) string { // 26,000
		return strings.Replace(line, `"`+amount+`"`, `"`+amount[:len(amount)-3]+","+amount[len(amount)-3:]+`"`, 1)
	}},
	{events.NotJSON, func(line, _, _ string) string { return line[:len(line)*2/3] }},
	{events.UnknownEventType, func(line, _, _ string) string {
		from := strings.Index(line, `"vn.socho.`)
		to := from + strings.Index(line[from:], ",")
		return line[:from] + `"vn.socho.market.ticket_sold.v1"` + line[to:]
	}},
	{events.MissingField, func(line, _, _ string) string { // names no organization
		from := strings.Index(line, `,"subject"`)
		to := strings.Index(line, `,"time"`)
		return line[:from] + line[to:]
	}},
	{events.WrongType, func(line, amount, _ string) string { // an amount that is no string
		return strings.Replace(line, `"`+amount+`"`, amount, 1)
	}},
	{events.BadValue, func(line, _, day string) string {
		return strings.Replace(line, `"effective_on":"`+day, `"effective_on":"2026-02-30`, 1)
	}},
	{events.AmountZero, func(line, amount, _ string) string {
		return strings.Replace(line, `"`+amount+`"`, `"0"`, 1)
	}},
	{events.UnknownField, swap(`"currency"`, `"note":"x","currency"`)},
	{events.UnknownCurrency, swap(`"VND"`, `"VNĐ"`)},
	{events.BadDecimal, func(line, amount, _ string) string { // 26000 đ
		return strings.Replace(line, `"`+amount+`"`, `"`+amount+` đ"`, 1)
	}},
	{events.UnknownVersion, swap(`.v1"`, `.v7"`)},
}

// breaks is the next breakage, where one is due this month.
func (p *payee) breaks() *breakage {
	if !p.happens("line broken") {
		return nil
	}
	p.broke += 5 // coprime to their number, so that each comes up
	return &breakages[p.broke%len(breakages)]
}

// broken writes a payment as it was first handed in, illegibly. What follows
// in the book is the same payment put right, as a new event.
func (p *payee) broken(at int64, i *intent, kind *breakage) {
	p.seq++
	line := string(p.render(at, p.eventID(at), p.fact, p.payment(i, i.amount), note{}))
	line = kind.make(strings.TrimSuffix(line, "\n"), string(decimal(i.amount)), string(dateOf(i.on)))
	p.put(at, []byte(line+"\n"))
	p.g.tally.malformed[kind.code]++
}

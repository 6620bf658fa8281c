package projtest

import (
	"fmt"
	"math/rand/v2"

	"socho/events"
)

// Province publishes a small province that is the same for the same seed:
// markets with bills, payments, waivers and reversals, and funds with payouts
// in every state. Organizations are spread over all shards. size is the number
// of stalls and of persons of each of the organizations.
func (l *Log) Province(seed uint64, organizations, size int) {
	l.t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	n := func(n int) *events.Count { c := events.Count(n); return &c }
	day := func() events.Date { return events.Date(fmt.Sprintf("2026-%02d-%02d", 8+r.IntN(3), 1+r.IntN(28))) }
	unit := func() events.Unit { return events.Unit(fmt.Sprintf("080%02d", r.IntN(4))) }
	for o := range organizations {
		market := fmt.Sprintf("cho-%d", o)
		l.Market(market, unit(), "2026-01-01")
		for s := range size {
			bill, stall := events.ID(fmt.Sprintf("b%d", s)), events.ID(fmt.Sprintf("A%d", s))
			l.Must(market, "market.stall_let", &events.StallLet{Dated: on(day()), Of: of("t-" + stall), Stall: stall})
			assessed := l.Fee(market, bill, stall)
			method := events.Word([]string{"qr", "bank", "cash", "card", "ewallet"}[r.IntN(5)])
			switch r.IntN(8) {
			case 0:
			case 1:
				l.Waive(market, bill, day(), "35000")
			case 2:
				l.Reverse(market, day(), l.Pay(market, bill, day(), method, "61000"))
			case 3:
				l.Reverse(market, day(), assessed)
			case 4:
				l.Pay(market, bill, day(), method, "20000")
				l.Pay(market, bill, day(), "qr", "50000")
			default:
				l.Pay(market, bill, day(), method, "61000")
			}
		}
		fund := fmt.Sprintf("quy-%d", o)
		l.Fund(fund, "08", "2026-01-01")
		for p := range size {
			person, payout := events.ID(fmt.Sprintf("p%d", p)), events.PayoutID(fmt.Sprintf("o%d", p))
			u := unit()
			l.Entitle(fund, person, "2026-09", u, "500000")
			l.Order(fund, payout, person, "2026-09", u, "account", "500000")
			line := events.ID(fmt.Sprintf("l%d", p))
			switch r.IntN(7) {
			case 0:
			case 1:
				l.PayCash(fund, payout, day(), "500000")
			case 2:
				l.Send(fund, payout, day(), "500000")
				l.Return(fund, payout, "", day(), "500000")
			case 3:
				l.Settle(fund, payout, line, "2026-09-08", "500000")
				l.Return(fund, payout, line+"r", "2026-09-10", "500000")
			case 4:
				l.Reverse(fund, day(), l.Settle(fund, payout, line, day(), "500000"))
			default:
				l.Send(fund, payout, day(), "500000")
				l.Settle(fund, payout, line, day(), "500000")
			}
		}
		registry := fmt.Sprintf("tinh-%d", o)
		for i := range size {
			status := events.Word([]string{"accepting", "not_accepting"}[r.IntN(2)])
			l.Must(registry, "registry.institution_reported", &events.InstitutionReported{Dated: on(day()), Domain: "schools",
				Institution: events.ID(fmt.Sprintf("s%d", i/2)), Unit: unit(), Status: status})
		}
		l.Must(registry, "registry.figure_reported", &events.FigureReported{Dated: on(day()), Domain: "accounts", Unit: unit(), Numerator: n(r.IntN(50)), Denominator: n(60)})
	}
}

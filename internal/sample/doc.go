// Package sample writes the sample province: a year of markets, schools and
// social benefits in the former Hà Giang, from October 2025 to September 2026,
// as published events, a JSON line each.
//
// It is synthetic from end to end, and says so: sources lie under
// https://mau.socho.example/ ("mẫu" is "sample"), organizations are labelled
// "(mẫu)", persons have one of ten pseudonyms with a number, and no phone
// number, citizen id or account in it can exist. Only communes and tariffs are
// the real ones.
//
// The same options give the same bytes: no clock, no map order, no randomness
// but that of the seed, which each organization draws from by itself. For every
// seed, and at every scale, September 2026 shows the figures that the province
// has published:
//
//	benefits by persons    946 of 1,097 = 86.2 %
//	schools accepting      425 of 500   = 85.0 %
//	systems connected       58 of 81    = 71.6 %
//	accounts of people 15+                55.5 %
//	e-invoices of enterprises            100.0 %
//
// (with scale N, N times as many persons; the registry's are not multiplied).
// Describe tells all figures of all months, counted where the lines are made
// and not by the ledger or the projections, whose results it is there to check.
// A person counts as paid by account where a payout of the month was settled
// and did not come back; a fee belongs to the month it was paid in, and one
// that was reversed does not count; of institutions and surveys the latest
// report until the month's end holds.
//
// # Who is in it
//
// Scale 1 has some 118,000 lines: the province's office, one programme fund
// with about 1,100 persons in twelve communes, eight markets with 990 stalls,
// twelve schools with 1,595 pupils. Scale N has the office once and N copies of
// the others; the copies' organizations end in -b2, -b3, …, and the originals
// are byte for byte those of scale 1.
//
// # What goes wrong
//
// On purpose, spread over organizations and months; counts are those of scale 1
// and seed 1, and what is drawn by lot differs a little with the seed:
//
//   - the same line twice: 120
//   - the same id with another amount: 45 (42 payments, 3 orders of payouts)
//   - a bank line seen by webhook and again in the statement, under two ids: 32
//   - a payout ordered above what the person is entitled to: 4 with a nought too
//     many, put right by an order that resubmits them, and 8 second orders
//   - the same payout ordered again: 2; for a programme never decided: 1
//   - an order for a person whose payments were stopped after death: 6
//   - transfers that came back: 102, two in three then paid in cash; orders that
//     the bank rejected at once: 34, all then paid in cash
//   - cash at a pay point that nobody came for: 58
//   - taken back and entered again: 38 payments, 24 bills, 10 payouts in cash
//   - known weeks later, from phones without signal: 452 payouts in cash and 60
//     payments of stalls, in the order of their devices
//   - payments for a bill that nobody knows: 7; above what was owed: 226, of
//     which schools gave 111 back
//   - waivers and exemptions above what is owed: 29; bills issued twice: 8;
//     credit asked back that was not there: 12
//   - one transfer for two children, with two codes: 108, placed by a person;
//     money without an owner and with a code cut short
//   - lines that are no events: 69, in the twelve ways of breakages, such as
//     "26.000", "26,000", half a line, an unknown type, the 30th of February, and
//     four that name no organization
//
// One worked example:
//
//	err := sample.Generate(file, sample.Options{Scale: 1})
//	e, err := sample.Describe(sample.Options{Scale: 1})
//	f, _ := e.Figure("benefits", "persons", "2026-09")
//	f.Rate() // 86.2
package sample

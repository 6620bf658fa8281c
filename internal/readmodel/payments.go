package readmodel

import (
	"socho/events"
	"socho/internal/money"
	"socho/internal/pgcopy"
	"socho/projections"
)

// run is what the payments of one row of payment_runs have in common.
type run struct {
	organization, period, method, source string
	effectiveOn                          events.Date
	currency                             money.Currency
}

// runOf returns the run that a fact may stand in; false where it is no payment,
// or says what a payment does not.
func runOf(f *projections.Fact) (run, bool) {
	ok := f.Domain == projections.Fees && f.Kind == projections.FactPayment &&
		f.Unit == "" && f.Denominator == 0 && f.TargetSource == "" && f.TargetID == ""
	return run{f.Organization, f.Period, f.Method, f.Source, f.EffectiveOn, f.Currency}, ok
}

// What runRows writes.
const (
	runColumns = 16
	runNames   = `shard, log_offset, organization, effective_on, period, method, currency, source, recorded_at,
		log_offsets, bills, persons, amounts, event_ids, recorded_ats, record_hashes`
)

// runRows writes the payments among facts, a row for each run of them, and
// returns the other facts.
func runRows(rows *pgcopy.Rows, facts []projections.Fact) (others []projections.Fact) {
	places := map[run]int{}
	var runs []run
	var members [][]*projections.Fact
	for i := range facts {
		f := &facts[i]
		key, ok := runOf(f)
		if !ok {
			others = append(others, *f)
			continue
		}
		at, known := places[key]
		if !known {
			at = len(runs)
			places[key] = at
			runs, members = append(runs, key), append(members, nil)
		}
		members[at] = append(members[at], f)
	}
	var days days
	for at, r := range runs {
		all := members[at]
		first, named := all[0], 0
		for _, f := range all {
			if f.Person != "" {
				named = len(all)
			}
		}
		rows.Row()
		rows.Int16(int16(first.Shard))
		rows.Int64(first.Offset)
		rows.Text(r.organization)
		rows.Date(days.of(r.effectiveOn))
		rows.Text(r.period)
		rows.Text(r.method)
		rows.Text(string(r.currency))
		rows.Text(r.source)
		rows.Time(first.RecordedAt)
		rows.Array(pgcopy.OfInt64, len(all), func(i int) { rows.Int64(all[i].Offset) })
		rows.Array(pgcopy.OfText, len(all), func(i int) { rows.Text(all[i].Subject) })
		rows.Array(pgcopy.OfText, named, func(i int) { rows.Text(all[i].Person) })
		rows.Array(pgcopy.OfInt64, len(all), func(i int) { rows.Int64(all[i].Amount) })
		rows.Array(pgcopy.OfText, len(all), func(i int) { rows.Text(all[i].EventID) })
		rows.Array(pgcopy.OfTime, len(all), func(i int) { rows.Time(all[i].RecordedAt) })
		rows.Array(pgcopy.OfBytes, len(all), func(i int) { rows.Bytes(all[i].RecordHash[:]) })
	}
	return others
}

// payments are those of runs with a condition, as rows of adoption_facts.
const payments = `
	SELECT r.shard, f.log_offset, 'fees', 'payment', r.effective_on, r.period, '', r.organization, f.bill, COALESCE(f.person, ''), r.method,
		r.currency, f.amount, 0, r.source, f.event_id, '', '', f.recorded_at, f.record_hash
	FROM payment_runs r CROSS JOIN LATERAL unnest(log_offsets, bills, persons, amounts, event_ids, recorded_ats, record_hashes)
		AS f(log_offset, bill, person, amount, event_id, recorded_at, record_hash)
	WHERE `

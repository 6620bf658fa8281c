package readmodel

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/money"
	"socho/projections"
)

// known is what has been read of the facts so far.
type known struct {
	table    uint32 // whose facts; a rebuild puts another in its place
	at       map[int]int64
	greatest map[string]events.Date // by domain
	version  map[string]int64       // by domain: another one with each change
	fees     map[feeKey]*projections.FeeSum
	places   map[string]reference // of organizations, by their latest registration
}

type feeKey struct {
	organization, period, method string
	currency                     money.Currency
}

// said is what is known of facts of a kind; a payment that was taken back is in
// facts and not in stands. The condition is that of paid.
func said(condition func(table string) string) string {
	return `SELECT f.domain, f.kind, f.organization, f.period, f.method, f.currency, count(*), count(*) FILTER (WHERE b.target_id IS NULL),
		COALESCE(sum(f.amount) FILTER (WHERE b.target_id IS NULL), 0)::bigint, max(f.effective_on)::text
	FROM (` + paid(condition) + `) f LEFT JOIN (SELECT DISTINCT organization, target_source, target_id FROM adoption_facts WHERE kind = 'reversed') b
		ON f.kind = 'payment' AND b.organization = f.organization AND b.target_source = f.source AND b.target_id = f.event_id
	GROUP BY f.domain, f.kind, f.organization, f.period, f.method, f.currency`
}

// refresh reads the facts that are new.
func (l *Live) refresh(ctx context.Context, tx pgx.Tx) error {
	all, err := positions(ctx, tx)
	if err != nil {
		return err
	}
	var table uint32
	if err := tx.QueryRow(ctx, `SELECT 'adoption_facts'::regclass::oid`).Scan(&table); err != nil {
		return err
	}
	at, now := all["adoption"], time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.known
	l.known = nil // in doubt, all is read again
	if k == nil || k.table != table || !maps.Equal(k.at, at) {
		l.changes++
		if k, err = k.next(ctx, tx, table, at, l.changes); err != nil {
			return err
		}
	}
	l.known, l.looked = k, now
	return nil
}

// next is what is known at a later position, from k, which may be nil.
func (k *known) next(ctx context.Context, tx pgx.Tx, table uint32, at map[int]int64, version int64) (*known, error) {
	if k != nil && k.table == table && k.before(at) {
		var args []any
		for _, shard := range slices.Sorted(maps.Keys(k.at)) {
			args = append(args, shard, k.at[shard])
		}
		alone, err := k.add(ctx, tx, version, func(table string) string {
			var parts []string
			for i := 1; i < len(args); i += 2 {
				parts = append(parts, fmt.Sprintf("(%[1]s.shard = $%[2]d AND %[1]s.log_offset >= $%[3]d)", table, i, i+1))
			}
			return "(" + strings.Join(parts, " OR ") + ")"
		}, args...)
		if err != nil {
			return nil, err
		}
		if alone {
			k.at = at
			return k, nil
		}
	}
	fresh := &known{table: table, at: at, greatest: map[string]events.Date{}, version: map[string]int64{}, fees: map[feeKey]*projections.FeeSum{}}
	var err error
	if fresh.places, err = registrations(ctx, tx); err != nil {
		return nil, err
	}
	if _, err := fresh.add(ctx, tx, version, func(string) string { return "true" }); err != nil {
		return nil, err
	}
	for _, domain := range projections.Domains() {
		fresh.version[domain] = version
	}
	return fresh, nil
}

// before says that positions are the same shards', and not less.
func (k *known) before(at map[int]int64) bool {
	for shard, next := range k.at {
		if now, ok := at[shard]; !ok || now < next {
			return false
		}
	}
	return len(k.at) == len(at) && len(at) > 0
}

// add takes facts in. Not alone are those that concern facts from before, a
// reversal or where an organization is: then all is to be read again.
func (k *known) add(ctx context.Context, tx pgx.Tx, version int64, condition func(table string) string, args ...any) (alone bool, err error) {
	rows, err := tx.Query(ctx, said(condition), args...)
	if err != nil {
		return false, err
	}
	alone = true
	var domain, kind string
	var greatest events.Date
	var s projections.FeeSum
	_, err = pgx.ForEachRow(rows, []any{&domain, &kind, &s.Organization, &s.Period, &s.Method, &s.Currency, &s.Facts, &s.Payments, &s.Amount, &greatest}, func() error {
		k.version[domain], k.greatest[domain] = version, max(k.greatest[domain], greatest)
		switch kind {
		case projections.FactReversed, projections.FactOrganization:
			alone = false
		case projections.FactPayment:
			key := feeKey{s.Organization, s.Period, s.Method, s.Currency}
			if sum := k.fees[key]; sum != nil {
				sum.Facts, sum.Payments, sum.Amount = sum.Facts+s.Facts, sum.Payments+s.Payments, sum.Amount+s.Amount
				return nil
			}
			sum := s
			sum.Unit = k.places[s.Organization].unit
			k.fees[key] = &sum
		}
		return nil
	})
	return alone, err
}

func (k *known) sums() []projections.FeeSum {
	all := make([]projections.FeeSum, 0, len(k.fees))
	for _, sum := range k.fees {
		all = append(all, *sum)
	}
	return all
}

// named fills in the period that a query leaves open.
func (k *known) named(q projections.Query) projections.Query {
	if q.Period == "" {
		q.Period = projections.LatestComplete(k.greatest[q.Domain])
	}
	return q
}

// say notes with figures as of where they hold.
func say(figures []projections.Figure, at map[int]int64) {
	for i := range figures {
		figures[i].Position = at
	}
}

// reference is an event behind a figure, and the unit that it gives, if any.
type reference struct {
	projections.EventRef
	unit string
}

// registrations finds where organizations are.
func registrations(ctx context.Context, tx pgx.Tx) (map[string]reference, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT ON (organization) shard, log_offset, organization, source, event_id, record_hash, unit
		FROM adoption_facts WHERE kind = 'organization' ORDER BY organization, log_offset DESC`)
	if err != nil {
		return nil, err
	}
	places := map[string]reference{}
	r := reference{EventRef: projections.EventRef{Kind: projections.FactOrganization}}
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&r.Shard, &r.Offset, &r.Organization, &r.Source, &r.EventID, &hash, &r.unit}, func() error {
		copy(r.RecordHash[:], hash)
		places[r.Organization] = r
		return nil
	})
	return places, err
}

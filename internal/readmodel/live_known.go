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
	k := l.known
	same := k != nil && k.table == table && maps.Equal(k.at, at)
	if same {
		l.looked = now
	} else {
		l.known = nil // nobody uses it meanwhile; and in doubt, all is read again
	}
	l.mu.Unlock()
	if same {
		return nil
	}
	l.changes++
	if k, err = k.next(ctx, tx, table, at, l.changes); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
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
		taken, moved, err := k.add(ctx, tx, version, func(table string) string {
			var parts []string
			for i := 1; i < len(args); i += 2 {
				parts = append(parts, fmt.Sprintf("(%[1]s.shard = $%[2]d AND %[1]s.log_offset >= $%[3]d)", table, i, i+1))
			}
			return "(" + strings.Join(parts, " OR ") + ")"
		}, args...)
		if err == nil && moved {
			err = k.place(ctx, tx)
		}
		if err == nil && len(taken) > 0 {
			maps.DeleteFunc(k.fees, func(key feeKey, _ *projections.FeeSum) bool { return slices.Contains(taken, key.organization) })
			_, _, err = k.add(ctx, tx, version, func(table string) string { return table + ".organization = ANY($1)" }, taken)
		}
		k.at = at
		return k, err
	}
	fresh := &known{table: table, at: at, greatest: map[string]events.Date{}, version: map[string]int64{}, fees: map[feeKey]*projections.FeeSum{}}
	if err := fresh.place(ctx, tx); err != nil {
		return nil, err
	}
	if _, _, err := fresh.add(ctx, tx, version, func(string) string { return "true" }); err != nil {
		return nil, err
	}
	fresh.changed("", version)
	return fresh, nil
}

// changed notes that something was said of a domain; empty of all of them.
func (k *known) changed(domain string, version int64) {
	if k.version[domain] = version; domain == "" {
		for _, one := range projections.Domains() {
			k.version[one] = version
		}
	}
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

// add takes facts in, and says of which organizations something from before was
// taken back, so that their payments are to be added up again, and whether one
// has said where it is.
func (k *known) add(ctx context.Context, tx pgx.Tx, version int64, condition func(table string) string, args ...any) (taken []string, moved bool, err error) {
	rows, err := tx.Query(ctx, said(condition), args...)
	if err != nil {
		return nil, false, err
	}
	var domain, kind string
	var greatest events.Date
	var s projections.FeeSum
	_, err = pgx.ForEachRow(rows, []any{&domain, &kind, &s.Organization, &s.Period, &s.Method, &s.Currency, &s.Facts, &s.Payments, &s.Amount, &greatest}, func() error {
		k.changed(domain, version)
		k.greatest[domain] = max(k.greatest[domain], greatest)
		switch kind {
		case projections.FactReversed:
			taken = append(taken, s.Organization)
		case projections.FactOrganization:
			moved = true
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
	return taken, moved, err
}

// place finds out where organizations are.
func (k *known) place(ctx context.Context, tx pgx.Tx) (err error) {
	k.places, err = registrations(ctx, tx)
	for _, sum := range k.fees {
		sum.Unit = k.places[sum.Organization].unit
	}
	return err
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

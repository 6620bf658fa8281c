package readmodel

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/projections"
)

// paid is facts, payments among them, wherever they are kept; the condition is
// one on shard, log_offset, period and organization of the table that it is told.
// A run is told by its first payment: all of a run are folded at once.
func paid(condition func(table string) string) string {
	return `SELECT * FROM adoption_facts f WHERE ` + condition("f") + ` UNION ALL ` + payments + condition("r")
}

// payments answers for fees with their digests, and with a part of the events.
// What a month's payments come to is known; for the digest all that is behind it
// passes by once, in the order of the log, and is not kept.
func (l *Live) payments(ctx context.Context, q projections.Query, from, limit int) (figures []projections.Figure, total int, err error) {
	var b behind
	err = l.state(ctx, func(k *known) error {
		q = k.named(q)
		sums, err := projections.Behind(k.sums(), q)
		if err != nil {
			return err
		}
		figures, err = projections.EvaluateFees(sums, q)
		say(figures, k.at)
		b.take(k, sums)
		return err
	}, func(tx pgx.Tx) error {
		if q.Period == "" {
			return nil
		}
		total = b.total
		if from >= total {
			from = 0
		}
		b.from, b.to = from, min(from+limit, total)
		for i := range figures {
			b.digests = append(b.digests, projections.NewDigest(&figures[i], total))
		}
		if err := b.pass(ctx, tx, q); err != nil {
			return err
		}
		for i := range figures {
			figures[i].Digest, figures[i].Events = b.digests[i].String(), b.found
		}
		return nil
	})
	return figures, total, err
}

// behind is the events behind figures of fees: payments, what took some of them
// back, and the registrations that say where they were made.
type behind struct {
	organizations []string
	total         int
	waiting       []projections.EventRef // that come between payments, in the order of the log
	digests       []*projections.Digest
	seen          int
	from, to      int // of those seen, which are wanted
	found         []projections.EventRef
}

// take counts what is behind sums.
func (b *behind) take(k *known, sums []projections.FeeSum) {
	for i := range sums {
		s := &sums[i]
		b.total += int(s.Facts + s.Facts - s.Payments)
		if slices.Contains(b.organizations, s.Organization) {
			continue
		}
		b.organizations = append(b.organizations, s.Organization)
		if place, ok := k.places[s.Organization]; ok {
			b.total++
			b.wait(place.EventRef)
		}
	}
}

// wait keeps an event until its turn comes.
func (b *behind) wait(e projections.EventRef) {
	at, _ := slices.BinarySearchFunc(b.waiting, e.Position, func(e projections.EventRef, p projections.Position) int { return inOrder(e.Position, p) })
	b.waiting = slices.Insert(b.waiting, at, e)
}

// add adds the next event.
func (b *behind) add(e *projections.EventRef) {
	for _, d := range b.digests {
		d.Add(e.Position, e.RecordHash)
	}
	if b.from <= b.seen && b.seen < b.to {
		b.found = append(b.found, *e)
	}
	b.seen++
}

// pass lets the payments pass by.
func (b *behind) pass(ctx context.Context, tx pgx.Tx, q projections.Query) error {
	taken, err := b.reversals(ctx, tx)
	if err != nil {
		return err
	}
	months, err := projections.Months(q.Period)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SET LOCAL work_mem = '`+digestMemory+`'`); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT shard, log_offset, organization, source, event_id, record_hash FROM (`+
		paid(func(t string) string { return t + `.period = ANY($1) AND ` + t + `.organization = ANY($2)` })+`) f
		WHERE domain = 'fees' AND kind = 'payment' ORDER BY shard, log_offset`, months, b.organizations)
	if err != nil {
		return err
	}
	defer rows.Close()
	e := projections.EventRef{Kind: projections.FactPayment}
	var organization, source, id, hash pgtype.DriverBytes
	for rows.Next() {
		if err := rows.Scan(&e.Shard, &e.Offset, &organization, &source, &id, &hash); err != nil {
			return err
		}
		for len(b.waiting) > 0 && inOrder(b.waiting[0].Position, e.Position) < 0 {
			b.add(&b.waiting[0])
			b.waiting = b.waiting[1:]
		}
		copy(e.RecordHash[:], hash)
		if b.from <= b.seen && b.seen < b.to {
			e.Organization, e.Source, e.EventID = string(organization), string(source), string(id)
		}
		b.add(&e)
		if len(taken) > 0 {
			if by, ok := taken[string(bytes.Join([][]byte{organization, source, id}, []byte{1}))]; ok {
				b.wait(by)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range b.waiting {
		b.add(&b.waiting[i])
	}
	if b.seen != b.total {
		return fmt.Errorf("fees of %s: %d events are behind sums of %d", q.Period, b.seen, b.total)
	}
	return nil
}

// reversals finds what took events of the organizations back, by whose, from
// where and which they took.
func (b *behind) reversals(ctx context.Context, tx pgx.Tx) (map[string]projections.EventRef, error) {
	rows, err := tx.Query(ctx, `
		SELECT shard, log_offset, organization, source, event_id, record_hash, concat_ws(chr(1), organization, target_source, target_id)
		FROM adoption_facts WHERE kind = 'reversed' AND organization = ANY($1) ORDER BY shard, log_offset`, b.organizations)
	if err != nil {
		return nil, err
	}
	taken := map[string]projections.EventRef{}
	e := projections.EventRef{Kind: projections.FactReversed}
	var hash []byte
	var target string
	_, err = pgx.ForEachRow(rows, []any{&e.Shard, &e.Offset, &e.Organization, &e.Source, &e.EventID, &hash, &target}, func() error {
		copy(e.RecordHash[:], hash)
		taken[target] = e
		return nil
	})
	return taken, err
}

// inOrder compares places on the log.
func inOrder(a, b projections.Position) int {
	return cmp.Or(a.Shard-b.Shard, cmp.Compare(a.Offset, b.Offset))
}

package projections_test

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"socho/projections"
	"socho/projections/projtest"
)

// TestCutAndInterleaved: however the shards are cut into batches and in
// whatever order they are folded, the rows and the figures are the same.
func TestCutAndInterleaved(t *testing.T) {
	const shards = 3
	log := projtest.New(t, shards)
	log.Province(7, 2, 12)
	var whole projtest.Memory
	if err := (&projections.Runner{Source: log, Store: &whole}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	heads, _ := log.Heads(t.Context())
	rapid.Check(t, func(rt *rapid.T) {
		var cut projtest.Memory
		at := map[int]int64{}
		for len(at) < shards || !reflect.DeepEqual(at, heads) {
			shard := rapid.IntRange(0, shards-1).Draw(rt, "shard")
			if at[shard] == heads[shard] {
				at[shard] = heads[shard]
				continue
			}
			accepted, next, _ := log.Next(t.Context(), shard, at[shard], rapid.IntRange(1, 60).Draw(rt, "records"))
			var steps []projections.Step
			for _, p := range projections.All() {
				c := &projections.Changes{}
				for i := range accepted {
					p.Fold(c, &accepted[i])
				}
				steps = append(steps, projections.Step{Projection: p.Name, From: at[shard], To: next, Changes: c})
			}
			if err := cut.Apply(t.Context(), shard, steps); err != nil {
				rt.Fatal(err)
			}
			at[shard] = next
		}
		if !reflect.DeepEqual(cut.Rows, whole.Rows) {
			rt.Fatal("other rows than when folded at once")
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		facts := rapid.Permutation(whole.Facts()).Draw(rt, "facts")
		for _, domain := range projections.Domains() {
			q := projections.Query{Domain: domain, Period: "2026-09", Unit: rapid.SampledFrom([]string{"", "08001"}).Draw(rt, "unit")}
			want, _ := projections.Evaluate(whole.Facts(), q)
			got, _ := projections.Evaluate(facts, q)
			if !reflect.DeepEqual(got, want) {
				rt.Fatalf("%+v: the order of facts matters", q)
			}
		}
	})
}

// TestUnitsAddUp: the figures of the units are together the figure of the
// whole, event by event.
func TestUnitsAddUp(t *testing.T) {
	log := projtest.New(t, 2)
	log.Province(3, 2, 20)
	var m projtest.Memory
	if err := (&projections.Runner{Source: log, Store: &m}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, domain := range projections.Domains() {
		for _, by := range projections.Bys(domain) {
			q := projections.Query{Domain: domain, By: by, Period: "2026-09"}
			whole := figure(t, m.Facts(), q)
			units, err := projections.EvaluateUnits(m.Facts(), q)
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			events := map[projections.Position]bool{}
			for _, u := range units {
				codes = append(codes, u.Unit)
				for _, e := range u.Events {
					events[e.Position] = true
				}
			}
			q.Unit, q.Units = "all", codes
			again := figure(t, m.Facts(), q)
			if again.Numerator != whole.Numerator || again.Denominator != whole.Denominator || len(events) != len(whole.Events) {
				t.Errorf("%s by %s: whole %s/%s of %d events, units %s/%s of %d", domain, by, whole.Numerator, whole.Denominator, len(whole.Events),
					again.Numerator, again.Denominator, len(events))
			}
		}
	}
}

// TestFiguresAgreeWithPayouts: the figure by events and the rows by transfers
// say the same of persons.
func TestFiguresAgreeWithPayouts(t *testing.T) {
	log := projtest.New(t, 1)
	log.Province(11, 1, 60)
	var m projtest.Memory
	if err := (&projections.Runner{Source: log, Store: &m}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled := 0
	for _, p := range m.Payouts() {
		if p.Status() == projections.PayoutSettled {
			settled++
		}
	}
	f := figure(t, m.Facts(), projections.Query{Domain: "benefits", By: "count", Period: "2026-09"})
	if len(m.Payouts()) != 60 || settled == 0 || f.Numerator != strconv.Itoa(settled) {
		t.Errorf("%d payouts settled by their accounts, %s by their events", settled, f.Numerator)
	}
}

// TestRunner: it starts, follows, waits and stops; a fault is told and tried
// again.
func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := projtest.New(t, 2)
		store := &projtest.Memory{}
		source := &faulty{Source: log, left: 1}
		var faults []error
		r := &projections.Runner{Source: source, Store: store, Fault: func(err error) { faults = append(faults, err) }}
		r.Start(t.Context())
		log.Province(1, 1, 3)
		heads, _ := log.Heads(t.Context())
		if err := r.CaughtUp(t.Context(), heads); err != nil {
			t.Fatal(err)
		}
		log.Pay("cho-0", "b1", "2026-09-20", "qr", "1000")
		heads, _ = log.Heads(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := projections.CaughtUp(ctx, store, heads, projections.All()...); err != nil {
			t.Fatal(err)
		}
		r.Stop()
		if len(faults) != 1 || !errors.Is(faults[0], errDown) {
			t.Errorf("faults: %v", faults)
		}
		heads[0] += 1
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.CaughtUp(ctx, heads); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for what is not there: %v", err)
		}
	})
}

var errDown = errors.New("down")

type faulty struct {
	projections.Source
	left int
}

func (f *faulty) Heads(ctx context.Context) (map[int]int64, error) {
	if f.left > 0 {
		f.left--
		return nil, errDown
	}
	return f.Source.Heads(ctx)
}

// TestTwoRunners: two runners on one store write each step once.
func TestTwoRunners(t *testing.T) {
	log := projtest.New(t, 2)
	log.Province(5, 2, 20)
	heads, _ := log.Heads(t.Context())
	var alone, shared projtest.Memory
	if err := (&projections.Runner{Source: log, Store: &alone}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := &projections.Runner{Source: log, Store: &shared, Batch: 7}
	b := &projections.Runner{Source: log, Store: &shared, Batch: 11}
	a.Start(t.Context())
	b.Start(t.Context())
	defer a.Stop()
	defer b.Stop()
	if err := a.CaughtUp(t.Context(), heads); err != nil {
		t.Fatal(err)
	}
	if err := b.CaughtUp(t.Context(), heads); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(alone.Rows, shared.Rows) {
		t.Error("two runners give other rows than one")
	}
}

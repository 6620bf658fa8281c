package projections_test

import (
	"fmt"
	"slices"
	"testing"

	"socho/events"
	"socho/projections"
	"socho/projections/projtest"
)

// TestLine: what events do to a bank line of 70000 đồng, of which a bill takes
// 61000 at most. Every step can be taken back.
func TestLine(t *testing.T) {
	dated := events.Dated{EffectiveOn: "2026-09-02"}
	seen := func(l *projtest.Log, line, direction, kind events.Word, person events.ID) events.EventID {
		return l.Must(market, "bank.line_received", &events.LineReceived{Dated: dated, MaybeOf: events.MaybeOf{Person: person},
			Sum: events.Sum{Amount: "70000", Currency: "VND"}, Line: events.ID(line), Account: "main", Direction: direction, Kind: kind})
	}
	place := func(l *projtest.Log, amount events.Decimal) events.EventID {
		return l.Must(market, "bank.line_allocated", &events.LineAllocated{Dated: dated, Sum: events.Sum{Amount: amount, Currency: "VND"}, Line: "l1", Bill: "b1"})
	}
	for _, c := range []struct {
		name  string
		steps func(l *projtest.Log)
		want  string // direction amount placed state person sightings; uses
	}{
		{"came", func(l *projtest.Log) { seen(l, "l1", "in", "payment", "py") }, "in 70000 0 open py 1; []"},
		{"seen twice, and who paid by the second alone", func(l *projtest.Log) {
			seen(l, "l1", "in", "payment", "")
			seen(l, "l1", "in", "payment", "py")
		}, "in 70000 0 open py 2; []"},
		{"a part placed", func(l *projtest.Log) { seen(l, "l1", "in", "payment", "py"); place(l, "20000") },
			"in 70000 20000 open py 1; [stall:A12:receivable:b1 20000]"},
		{"all placed, and the rest is credit", func(l *projtest.Log) { seen(l, "l1", "in", "payment", "py"); place(l, "70000") },
			"in 70000 70000 placed py 1; [stall:A12:credit 9000 stall:A12:receivable:b1 61000]"},
		{"taken back", func(l *projtest.Log) {
			seen(l, "l1", "in", "payment", "py")
			l.Reverse(market, "2026-09-03", place(l, "70000"))
		}, "in 70000 0 open py 1; [stall:A12:credit 0 stall:A12:receivable:b1 0]"},
		{"the line itself taken back", func(l *projtest.Log) { l.Reverse(market, "2026-09-03", seen(l, "l1", "in", "payment", "py")) }, "in 0 0 reversed  0; []"},
		{"left", func(l *projtest.Log) { seen(l, "l1", "out", "payment", "py") }, "out 70000 0 open py 1; []"},
		{"a charge", func(l *projtest.Log) { seen(l, "l1", "out", "charge", "") }, "out 70000 70000 bank  1; [charges:bank 70000]"},
		{"interest", func(l *projtest.Log) { seen(l, "l1", "in", "interest", "") }, "in 70000 70000 bank  1; [interest:bank 70000]"},
		{"named before it came", func(l *projtest.Log) {
			l.Must(market, "market.payment_received", &events.PaymentReceived{Payment: events.Payment{Dated: dated, Sum: events.Sum{Amount: "20000", Currency: "VND"}, Bill: "b1", Method: "bank", Line: "l1"}})
		}, "in 0 20000 expected  0; [stall:A12:receivable:b1 20000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := projtest.New(t, 1)
			l.Market(market, "08001", "2026-01-01")
			l.Fee(market, "b1", "A12")
			c.steps(l)
			changes := fold(l, 1, projections.FoldLines)
			if len(changes.Lines) != 1 {
				t.Fatalf("%d lines", len(changes.Lines))
			}
			line := changes.Lines[0]
			var uses []string
			for _, u := range changes.Uses {
				uses = append(uses, fmt.Sprint(u.Against, " ", u.Amount))
			}
			slices.Sort(uses)
			if got := fmt.Sprintf("%s %d %d %s %s %d; %v", line.Direction, line.Amount, line.Placed, line.State(), line.Person, line.Sightings, uses); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

package web

import (
	"context"
	"fmt"
	"testing"

	"socho/events"
	"socho/ledger"
)

// recorder keeps what pages say, and takes it; unless it is told to refuse.
type recorder struct {
	actors []string
	said   []events.Draft
	refuse string // the code
}

func (c *recorder) Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error) {
	outcomes, err := c.TrySay(ctx, actor, facts)
	c.said = append(c.said, facts...)
	c.actors = append(c.actors, actor)
	return outcomes, err
}

func (c *recorder) TrySay(_ context.Context, _ string, facts []events.Draft) (outcomes []*ledger.Outcome, err error) {
	for i := range facts {
		if _, err := facts[i].Line(); err != nil {
			return nil, err
		}
		o := &ledger.Outcome{Status: ledger.Recorded, EventID: string(facts[i].Envelope.ID)}
		if c.refuse != "" {
			o.Status, o.Code = ledger.Refused, c.refuse
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// The same form is the same fact, to the byte, whenever it is sent.
func TestDraft(t *testing.T) {
	var r request
	id := newID()
	fact := &events.StallLet{Dated: events.Dated{EffectiveOn: "2026-09-01"}, Of: events.Of{Person: "p1"}, Stall: "A1"}
	var lines [2]string
	for i := range lines {
		d, err := r.draft("cho-mau", id, "market.stall_let", fact, map[string]string{"name": "Nguyễn Văn Mẫu"})
		if err != nil {
			t.Fatal(err)
		}
		line, err := d.Line()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := events.ParseOwn(line); err != nil {
			t.Fatal(err)
		}
		lines[i] = string(line)
	}
	if lines[0] != lines[1] {
		t.Errorf("%s\n%s", lines[0], lines[1])
	}
	for _, id := range []string{"", "x", "c0a8-1", fmt.Sprint(1), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		if _, err := r.draft("cho-mau", id, "market.stall_let", fact, nil); err != errBad {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

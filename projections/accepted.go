package projections

import (
	"fmt"
	"time"

	"socho/events"
	"socho/ledger"
)

// Accepted is one record that the ledger posted or recorded: the only input
// that a fold has.
type Accepted struct {
	Shard      int
	Offset     int64
	RecordedAt time.Time // UTC, never before that of the record ahead of it in its shard
	Actor      string    // who handed the fact in, as intake stamped it; empty where nobody did
	Event      *events.Event
	Outcome    *ledger.Outcome
	Transfers  []ledger.Transfer // in line order; none where the fact was only recorded
}

// Accept pairs the records of a decided batch with their outcomes and keeps
// those that projections may look at, in offset order. Errors: records that
// are not those of the batch, and a record that was accepted but cannot be
// read, which only damage can bring about.
func Accept(records []events.Record, batch *ledger.Batch) ([]Accepted, error) {
	if len(batch.Outcomes) > len(records) {
		return nil, fmt.Errorf("projections: %d outcomes for %d records", len(batch.Outcomes), len(records))
	}
	accepted := make([]Accepted, 0, len(batch.Outcomes))
	for i := range batch.Outcomes {
		o := &batch.Outcomes[i]
		if o.Shard != records[i].Shard || o.Offset != records[i].Offset {
			return nil, fmt.Errorf("projections: outcome of %d:%d beside record %d:%d", o.Shard, o.Offset, records[i].Shard, records[i].Offset)
		}
		if !o.Status.Accepted() {
			continue
		}
		var event *events.Event
		if i < len(batch.Events) {
			event = batch.Events[i]
		}
		if event == nil {
			var err error
			if event, err = events.Decode(records[i].Value); err != nil {
				return nil, fmt.Errorf("projections: accepted record %d:%d: %w", o.Shard, o.Offset, err)
			}
		}
		actor, _ := records[i].Header(events.HeaderActor)
		accepted = append(accepted, Accepted{o.Shard, o.Offset, o.RecordedAt, string(actor), event, o, batch.Transfers[i]})
	}
	return accepted, nil
}

// Projection is one fold with the name that positions and rebuilds know it by.
type Projection struct {
	Name string
	Fold func(*Changes, *Accepted)
}

// All lists every projection, in the order of their names.
func All() []Projection {
	return []Projection{
		{"adoption", FoldAdoption},
		{"bills", FoldBills},
		{"board", FoldBoard},
		{"cards", FoldCards},
		{"lines", FoldLines},
		{"lists", FoldLists},
		{"payouts", FoldPayouts},
		{"sales", FoldSales},
		{"terms", FoldTerms},
		{"trace", FoldTrace},
	}
}

// Named returns the projection of that name.
func Named(name string) (Projection, bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return Projection{}, false
}

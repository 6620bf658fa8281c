package service

import (
	"context"
	"fmt"
	"time"

	"socho/events"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// source gives projections what the ledger accepted: records from the log,
// outcomes and transfers from the tables.
type source struct {
	log *Log
	db  *postgres.DB
}

var _ projections.Source = source{}

// Accepted gives what the ledger accepted, for folding it elsewhere.
func (s *Service) Accepted() projections.Source { return source{s.Log, s.DB} }

// Heads implements projections.Source.
func (s source) Heads(ctx context.Context) (map[int]int64, error) {
	heads, err := s.db.Heads(ctx)
	return endsOf(heads), err
}

// Next implements projections.Source.
func (s source) Next(ctx context.Context, shard int, from int64, most int) ([]projections.Accepted, int64, error) {
	heads, err := s.db.Heads(ctx)
	if err != nil {
		return nil, 0, err
	}
	to := min(heads[shard].NextOffset, from+int64(most))
	if to <= from {
		return nil, from, nil
	}
	records, err := s.log.Read(ctx, shard, from, time.Second)
	if err != nil {
		return nil, 0, err
	}
	if len(records) == 0 {
		return nil, 0, fmt.Errorf("shard %d: the log does not answer with offset %d, which the ledger has decided", shard, from)
	}
	to = min(to, from+int64(len(records)))
	records = records[:to-from]
	return s.accepted(ctx, shard, records)
}

func (s source) accepted(ctx context.Context, shard int, records []events.Record) ([]projections.Accepted, int64, error) {
	from := records[0].Offset
	to := from + int64(len(records))
	batch := &ledger.Batch{Outcomes: make([]ledger.Outcome, 0, len(records)), Transfers: make([][]ledger.Transfer, len(records))}
	if err := s.db.Outcomes(ctx, shard, from, to, func(o *ledger.Outcome) error {
		batch.Outcomes = append(batch.Outcomes, *o)
		return nil
	}); err != nil {
		return nil, 0, err
	}
	if err := s.db.Transfers(ctx, shard, from, to, func(offset int64, t ledger.Transfer) error {
		batch.Transfers[offset-from] = append(batch.Transfers[offset-from], t)
		return nil
	}); err != nil {
		return nil, 0, err
	}
	accepted, err := projections.Accept(records, batch)
	return accepted, to, err
}

// WaitForProjections waits until the ledger has decided, and the projections
// have folded, everything that is on the log at the moment of the call.
func (s *Service) WaitForProjections(ctx context.Context) error {
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return err
	}
	if err := s.WaitFor(ctx, ends); err != nil {
		return err
	}
	return projections.CaughtUp(ctx, s.Read, ends, projections.All()...)
}

// RebuildProjection folds one projection anew beside the live one and switches
// to it.
func (s *Service) RebuildProjection(ctx context.Context, name string) error {
	maintenance, err := readmodel.OpenMaintenance(ctx, s.URL)
	if err != nil {
		return err
	}
	defer maintenance.Close()
	return projections.Rebuild(ctx, name, source{s.Log, s.DB}, maintenance)
}

// FromLog decides the whole log in memory and returns what adoption figures
// stand on, without looking at any table.
func (s *Service) FromLog(ctx context.Context, progress Progress) ([]projections.Fact, map[int]int64, error) {
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return nil, nil, err
	}
	var of, done int64
	for _, end := range ends {
		of += end
	}
	book := ledger.NewBook(s.Log.shards)
	var changes projections.Changes
	for shard := range s.Log.shards {
		for head := book.Head(shard); head.NextOffset < ends[shard]; head = book.Head(shard) {
			records, err := s.Log.Read(ctx, shard, head.NextOffset, time.Second)
			if err != nil {
				return nil, nil, err
			}
			if over := head.NextOffset + int64(len(records)) - ends[shard]; over > 0 {
				records = records[:int64(len(records))-over]
			}
			if len(records) == 0 {
				return nil, nil, &BehindError{shard, fmt.Sprintf("offset %d cannot be read", head.NextOffset)}
			}
			batch, err := ledger.Decide(ctx, head, records, book)
			if err != nil {
				return nil, nil, err
			}
			book.Apply(batch)
			accepted, err := projections.Accept(records[:len(batch.Outcomes)], batch)
			if err != nil {
				return nil, nil, err
			}
			for i := range accepted {
				projections.FoldAdoption(&changes, &accepted[i])
			}
			if done += int64(len(batch.Outcomes)); progress != nil {
				progress(done, of)
			}
		}
	}
	return changes.Facts, ends, nil
}

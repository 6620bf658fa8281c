package service

import (
	"context"
	"io"
	"sync"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/vault"
	"socho/ledger"
)

// Publish hands the lines of a file to intake. Nothing is written to a shard
// whose log does not continue what the ledger has recorded: new records would
// take the offsets of lost ones.
func (s *Service) Publish(ctx context.Context, input io.Reader, o intake.Options) (intake.Report, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return intake.Report{}, err
	}
	proven := provenLog{s.Log, make(map[int]func() error, len(heads))}
	for shard, head := range heads {
		proven.prove[shard] = sync.OnceValue(func() error { return s.Log.Prove(ctx, s.DB, head) })
	}
	return intake.New[*vault.Keys](s.Vault, proven, s.clock).Publish(ctx, input, o)
}

// provenLog proves a shard before the first record is written to it, and no shard
// that nothing is written to: most input is of one organization.
type provenLog struct {
	*Log
	prove map[int]func() error // of each shard that the ledger knows
}

// Produce implements intake.Log.
func (l provenLog) Produce(ctx context.Context, shard int, records []events.Record) (int64, error) {
	if prove := l.prove[shard]; prove != nil {
		if err := prove(); err != nil {
			return 0, err
		}
	}
	return l.Log.Produce(ctx, shard, records)
}

// Decided waits until the ledger has decided a report's lines, and counts their
// outcomes.
func (s *Service) Decided(ctx context.Context, report intake.Report) (map[ledger.Status]int64, error) {
	ends := map[int]int64{}
	ranges := make([]postgres.OffsetRange, len(report.Ranges))
	for i, r := range report.Ranges {
		ends[r.Shard] = max(ends[r.Shard], r.Next)
		ranges[i] = postgres.OffsetRange{Shard: r.Shard, From: r.First, To: r.Next}
	}
	if err := s.WaitFor(ctx, ends); err != nil {
		return nil, err
	}
	counts := map[ledger.Status]int64{}
	return counts, s.DB.CountOutcomes(ctx, ranges, counts)
}

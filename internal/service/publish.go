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
// take the offsets of lost ones. Nothing is written either that the rules in force
// in its shard cannot read.
// Errors: those of intake; *ledger.OldRulesError where that befell facts of this
// ledger's own (Options.Own), after which those that can be read stand. Of others
// the report says so.
func (s *Service) Publish(ctx context.Context, input io.Reader, o intake.Options) (intake.Report, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return intake.Report{}, err
	}
	return s.publish(ctx, heads, input, o)
}

func (s *Service) publish(ctx context.Context, heads map[int]ledger.Head, input io.Reader, o intake.Options) (intake.Report, error) {
	o.Reads = reads(heads)
	proven := provenLog{s.Log, make(map[int]func() error, len(heads))}
	for shard, head := range heads {
		proven.prove[shard] = sync.OnceValue(func() error { return s.Log.Prove(ctx, s.DB, head) })
	}
	report, err := intake.New[*vault.Keys](s.Vault, proven, s.clock).Publish(ctx, input, o)
	return report, unread(report, o, err)
}

// reads asks the rules in force in each shard.
func reads(heads map[int]ledger.Head) func(shard int, fullType string) error {
	return func(shard int, fullType string) error { return heads[shard].Reads(fullType) }
}

// unread makes an error of what the rules could not read of this ledger's own facts:
// whoever says them expects each to be taken, and none is a fault of theirs.
func unread(report intake.Report, o intake.Options, err error) error {
	if err == nil && o.Own {
		return report.Unread
	}
	return err
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

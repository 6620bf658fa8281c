package service

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/logpublisher"
	"socho/internal/postgres"
	"socho/ledger"
	"socho/ledger/proof"
)

// Observer hears of each batch that this process has committed, once. The
// worker goes on only when it returns: it must be quick, and keep nothing of
// what it is given.
type Observer interface {
	// Committed is given the broker's time of each record, in milliseconds since
	// 1970, beside the batch they were decided in.
	Committed(times []int64, batch *ledger.Batch)
}

// ShardStatus is where one shard stands.
type ShardStatus struct {
	Shard      int
	NextOffset int64         // up to which the ledger has decided
	End        int64         // of the log
	RecordedAt time.Time     // of the last record decided
	Waiting    time.Duration // for how long the next record has waited; 0 where there is none
	Stopped    bool
	Code       string // why it stands still
	Reason     string
	Process    string // that works on it; empty where none does
}

// Shards tells where every shard stands, in order.
func (s *Service) Shards(ctx context.Context) ([]ShardStatus, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return nil, err
	}
	leases, err := s.DB.Leases(ctx)
	if err != nil {
		return nil, err
	}
	stopped, err := s.DB.StoppedShards(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]ShardStatus, s.Log.shards)
	var asked errgroup.Group // each is a way to the brokers
	asked.SetLimit(8)
	for shard := range all {
		head, end := heads[shard], ends[shard]
		all[shard] = ShardStatus{Shard: shard, NextOffset: head.NextOffset, End: end, RecordedAt: head.RecordedAt, Process: leases[shardTask(shard)].ID}
		if end > head.NextOffset {
			asked.Go(func() error {
				all[shard].Waiting = s.waiting(ctx, shard, head.NextOffset)
				return nil
			})
		}
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	for _, state := range stopped {
		if state.Shard < len(all) {
			at := &all[state.Shard]
			at.Stopped, at.Code, at.Reason = true, state.Code, state.Reason
		}
	}
	return all, nil
}

// waiting is for how long a record has been on the log, by intake's stamp; 0
// where that cannot be read now.
func (s *Service) waiting(ctx context.Context, shard int, offset int64) time.Duration {
	record, err := s.Log.At(ctx, shard, offset)
	if err != nil {
		return 0
	}
	stamp, _ := record.Header(events.HeaderRecordedAt)
	at, err := time.Parse(intake.StampFormat, string(stamp))
	if err != nil {
		return 0
	}
	return max(s.clock().Sub(at), 0)
}

// Leases tells which process does what, by task.
func (s *Service) Leases(ctx context.Context) (map[string]postgres.Process, error) {
	return s.DB.Leases(ctx)
}

// KafkaRetries is how many calls to the brokers have been tried again.
func (s *Service) KafkaRetries() int64 { return s.client.Retries() }

// Checkpoints returns the newest signed checkpoint of every shard that is
// published.
func (s *Service) Checkpoints(at Proof) (map[int]*proof.Signed, error) {
	shards, err := at.Shards()
	if err != nil || len(shards) == 0 {
		return nil, err
	}
	keys, err := at.Keys.Known()
	if errors.Is(err, logpublisher.ErrNoSigner) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[int]*proof.Signed{}
	for _, shard := range shards {
		signed, err := logpublisher.Checkpoint(logpublisher.Reader(at.Log, shard), keys)
		if err == nil {
			found[shard] = signed
		}
	}
	return found, nil
}

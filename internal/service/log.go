// Package service puts the parts together: the log on Kafka, the ledger's
// tables in PostgreSQL, the keys, one worker for each shard and the runner of
// projections. Commands and pages stand on it; everything it joins is testable
// without it.
//
//	s, err := service.Open(ctx, service.Options{Data: "./data", Log: log})
//	defer s.Close()
//	s.Start()                                 // workers and projections
//	err = s.WaitForLedger(ctx)                // everything on the log as of now is decided
package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socho/events"
	"socho/internal/kafka"
	"socho/internal/postgres"
	"socho/ledger"
)

// Topic is the book of record.
const Topic = "socho.events"

// EmbeddedPartitions is how many shards a new embedded log has, for life.
const EmbeddedPartitions = 8

// Log is the topic as the ledger sees it: records by shard and offset.
type Log struct {
	client *kafka.Client
	shards int
}

// Partitions returns the number of shards, for life.
func (l *Log) Partitions() int { return l.shards }

// Ends returns the offset behind each shard's last record.
func (l *Log) Ends(ctx context.Context) (map[int]int64, error) {
	ends := make(map[int]int64, l.shards)
	for shard := range l.shards {
		_, high, err := l.client.Offsets(ctx, Topic, shard)
		if err != nil {
			return nil, err
		}
		ends[shard] = high
	}
	return ends, nil
}

// Bounds on one read of the log.
const (
	readRecords = 4096
	readBytes   = 512 << 10 // in one answer of the broker, which both sides hold in memory
	readWait    = 250 * time.Millisecond
)

// Read returns the records that follow each other from an offset on; none
// where nothing came within the wait.
func (l *Log) Read(ctx context.Context, shard int, offset int64, wait time.Duration) ([]events.Record, error) {
	records, _, err := l.read(ctx, shard, offset, wait)
	return records, err
}

// read returns beside each record the broker's time, in milliseconds since 1970.
func (l *Log) read(ctx context.Context, shard int, offset int64, wait time.Duration) (records []events.Record, times []int64, err error) {
	for high := offset + 1; len(records) < readRecords && offset < high; wait = 0 {
		messages, end, err := l.client.Fetch(ctx, Topic, shard, offset, readRecords-len(records), readBytes, wait)
		if len(messages) == 0 {
			if len(records) > 0 { // what is wrong behind them, the next read says
				err = nil
			}
			return records, times, err
		}
		if records == nil {
			n := min(end-offset, readRecords)
			records, times = make([]events.Record, 0, n), make([]int64, 0, n)
		}
		for i := range messages {
			records, times = append(records, toRecord(&messages[i])), append(times, messages[i].Time.UnixMilli())
		}
		offset, high = offset+int64(len(messages)), end
	}
	return records, times, nil
}

// Session changes whenever the log may have changed behind the client's back;
// what was proved before counts no longer.
func (l *Log) Session(ctx context.Context, shard int) (kafka.Session, error) {
	return l.client.Session(ctx, Topic, shard)
}

// At returns one record. Errors: kafka.ErrNoRecord.
func (l *Log) At(ctx context.Context, shard int, offset int64) (events.Record, error) {
	m, err := l.client.ReadAt(ctx, Topic, shard, offset)
	if err != nil {
		return events.Record{}, err
	}
	return toRecord(&m), nil
}

// Produce appends records to a shard and returns the first one's offset.
func (l *Log) Produce(ctx context.Context, shard int, records []events.Record) (int64, error) {
	messages := make([]kafka.Message, len(records))
	for i, r := range records {
		messages[i] = kafka.Message{Key: r.Key, Value: r.Value, Headers: r.Headers}
	}
	return l.client.Produce(ctx, Topic, shard, messages)
}

func toRecord(m *kafka.Message) events.Record {
	return events.Record{Shard: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Headers: m.Headers}
}

// BehindError stops a shard: its log is not the one that the ledger has
// recorded, or not all of it any more.
type BehindError struct {
	Shard  int
	Detail string
}

// CodeBehind is the code of a BehindError.
const CodeBehind = "log_behind_ledger"

func (e *BehindError) Error() string {
	return fmt.Sprintf("%s: shard %d: %s. Nothing is posted and no offset is reset. Restore the log (its topic %s or the broker's folder) from a backup or from the published bundles, then start again.",
		CodeBehind, e.Shard, e.Detail, Topic)
}

// Prove shows that the log still continues what the ledger has recorded: it
// begins at 0 with the same record, reaches the position, and the record
// before the position hashes to the last leaf (law 5).
// Errors: *BehindError; faults of the broker or the database.
func (l *Log) Prove(ctx context.Context, db *postgres.DB, head ledger.Head) error {
	behind := func(format string, args ...any) error {
		return &BehindError{head.Shard, fmt.Sprintf(format, args...)}
	}
	start, high, err := l.client.Offsets(ctx, Topic, head.Shard)
	if errors.Is(err, kafka.ErrTopicMissing) {
		return behind("the topic is gone")
	}
	if err != nil {
		return err
	}
	if start != 0 {
		return behind("the log begins at offset %d instead of 0: records were deleted", start)
	}
	if high < head.NextOffset {
		return behind("the log ends at offset %d, the ledger has recorded up to %d", high, head.NextOffset)
	}
	if head.NextOffset == 0 {
		return nil
	}
	first, err := l.at(ctx, head.Shard, 0)
	if err != nil {
		return err
	}
	if first.Hash() != head.Genesis {
		return behind("record 0 is another one: this log belongs to another ledger")
	}
	last, err := l.at(ctx, head.Shard, head.NextOffset-1)
	if err != nil {
		return err
	}
	outcome, transfers, found, err := db.OutcomeAt(ctx, head.Shard, head.NextOffset-1)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("shard %d: the outcome of offset %d is missing from the ledger; run: socho verify", head.Shard, head.NextOffset-1)
	}
	outcome.RecordHash = last.Hash()
	if leaf := ledger.LeafHash(outcome, ledger.TransfersHash(transfers)); leaf != head.LastLeaf {
		return behind("record %d is not the one that was decided", head.NextOffset-1)
	}
	return nil
}

// at reads a record that must be there.
func (l *Log) at(ctx context.Context, shard int, offset int64) (events.Record, error) {
	r, err := l.At(ctx, shard, offset)
	if lost(err) {
		return r, &BehindError{shard, fmt.Sprintf("record %d cannot be read: %v", offset, err)}
	}
	return r, err
}

// lost reports whether an error of the broker means that records are missing,
// rather than that it is away.
func lost(err error) bool {
	return errors.Is(err, kafka.ErrNoRecord) || errors.Is(err, kafka.ErrGap) ||
		errors.Is(err, kafka.ErrOffsetOutOfRange) || errors.Is(err, kafka.ErrCorrupt) || errors.Is(err, kafka.ErrTopicMissing)
}

package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// Fetch reads records of a partition from exactly offset on: at most maxRecords (0: no limit), of together about
// maxBytes on the wire (at least one batch, however large), waiting up to maxWait for the first one. The high
// watermark (the offset that the next record written will get) comes along. No records and no error means that
// nothing was written in that time.
//
// The records follow each other without a hole. An offset that a foreign producer's transaction has taken up, for a
// marker or for a record it aborted, is an empty Message: no key, no value, no headers. Where the broker skips
// offsets for any other reason, those before the hole are returned and the next call, at the hole, is answered with
// ErrGap. Nothing is committed anywhere.
//
// The broker is told which leadership of the partition we believe in, so that it cannot answer from a log that a
// change of leaders has cut unless Session says so.
//
// Errors: ErrGap, ErrOffsetOutOfRange (both carry what the broker has instead), ErrCorrupt, ErrTopicMissing,
// ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) Fetch(ctx context.Context, topic string, partition int, offset int64, maxRecords, maxBytes int, maxWait time.Duration) (msgs []Message, highWatermark int64, err error) {
	what := fmt.Sprintf("reading topic %s partition %d from offset %d", topic, partition, offset)
	if offset < 0 {
		return nil, 0, fmt.Errorf("kafka: %s: offsets start at 0", what)
	}
	if maxRecords <= 0 {
		maxRecords = int(^uint(0) >> 1)
	}
	if maxBytes <= 0 {
		maxBytes = 1 << 20
	}
	if maxWait < 0 {
		maxWait = 0
	}
	req := &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(min(maxWait, time.Minute).Milliseconds()),
		MinBytes:       1,
		MaxBytes:       1 << 30, // PartitionMaxBytes bounds it; the embedded broker forgets to name aborted records where this one does
		IsolationLevel: int8(kafkago.ReadCommitted),
		SessionID:      0,
		SessionEpoch:   -1, // no fetch session: each request says all
		Topics: []fetch.RequestTopic{{
			Topic: topic,
			Partitions: []fetch.RequestPartition{{
				Partition:          int32(partition),
				CurrentLeaderEpoch: -1,
				FetchOffset:        offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  int32(min(maxBytes, 1<<29)),
			}},
		}},
	}
	var part *fetchPartition
	var r reading
	asked := &req.Topics[0].Partitions[0]
	err = c.retry(ctx, what, maxWait+15*time.Second, func(ctx context.Context) error {
		if asked.CurrentLeaderEpoch, err = c.leaderEpoch(ctx, topic, partition); err != nil {
			return err
		}
		m, err := c.transport.RoundTrip(ctx, c.addr, req)
		if err != nil {
			return err
		}
		res, ok := m.(*fetchResponse)
		if ok && res.ErrorCode != 0 {
			return kafkago.Error(res.ErrorCode)
		}
		if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
			return &Error{Code: ErrCorrupt.Code, Message: "kafka: " + what + ": the broker's answer does not name the partition"}
		}
		part = &res.Topics[0].Partitions[0]
		if part.ErrorCode != 0 && kafkago.Error(part.ErrorCode) != kafkago.OffsetOutOfRange {
			return kafkago.Error(part.ErrorCode)
		}
		r = reading{partition: partition, next: offset, limit: maxRecords}
		if part.ErrorCode != 0 {
			return nil
		}
		if err := r.collect(part.RecordSet, part.AbortedTransactions); err != nil {
			return errors.Join(errEmpty, err)
		}
		// Before the end of what may be read a broker answers with one batch at least, however large.
		if len(r.msgs) == 0 && r.gapTo == 0 && offset < part.LastStableOffset {
			return errEmpty
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if part.ErrorCode != 0 {
		start, high, err := c.Offsets(ctx, topic, partition)
		if err != nil {
			return nil, 0, err
		}
		return nil, high, &Error{Code: ErrOffsetOutOfRange.Code, Asked: offset, Start: start, High: high, Next: start, Message: fmt.Sprintf(
			"kafka: %s: the broker holds offsets from %d up to, not including, %d", what, start, high)}
	}
	if len(r.msgs) == 0 && r.gapTo > 0 {
		return nil, part.HighWatermark, &Error{Code: ErrGap.Code, Asked: offset, Next: r.gapTo, Message: fmt.Sprintf(
			"kafka: %s: the broker continues at offset %d: records are missing; the broker lost them", what, r.gapTo)}
	}
	return r.msgs, part.HighWatermark, nil
}

// ReadAt reads the one record at offset.
//
// Errors: ErrNoRecord when the log has no record there (never written, or lost), and those of Fetch.
func (c *Client) ReadAt(ctx context.Context, topic string, partition int, offset int64) (Message, error) {
	none := func(err error) error {
		return &Error{Code: ErrNoRecord.Code, Asked: offset, Err: err, Message: fmt.Sprintf(
			"kafka: topic %s partition %d has no record at offset %d", topic, partition, offset)}
	}
	msgs, _, err := c.Fetch(ctx, topic, partition, offset, 1, 1, 0)
	switch {
	case errors.Is(err, ErrGap), errors.Is(err, ErrOffsetOutOfRange):
		return Message{}, none(err)
	case err != nil:
		return Message{}, err
	case len(msgs) == 0:
		return Message{}, none(nil)
	}
	return msgs[0], nil
}

// Offsets returns the first offset that the partition still holds and its high watermark, the offset that the next
// record will get. Errors: ErrTopicMissing, ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) Offsets(ctx context.Context, topic string, partition int) (start, highWatermark int64, err error) {
	what := fmt.Sprintf("asking for the ends of topic %s partition %d", topic, partition)
	err = c.retry(ctx, what, 10*time.Second, func(ctx context.Context) error {
		res, err := c.low.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{
			topic: {kafkago.FirstOffsetOf(partition), kafkago.LastOffsetOf(partition)},
		}})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Partition != partition {
				continue
			}
			if p.Error != nil {
				return p.Error
			}
			start, highWatermark = p.FirstOffset, p.LastOffset
			return nil
		}
		return kafkago.UnknownTopicOrPartition
	})
	return start, highWatermark, err
}

// secure wraps a connection in TLS where the client is told to.
func (c *Client) secure(ctx context.Context, conn net.Conn, broker string) (net.Conn, error) {
	if c.opts.TLS == nil {
		return conn, nil
	}
	cfg := c.opts.TLS.Clone()
	if cfg.ServerName == "" {
		if host, _, err := net.SplitHostPort(broker); err == nil {
			cfg.ServerName = host
		}
	}
	t := tls.Client(conn, cfg)
	return t, t.HandshakeContext(ctx)
}

package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"
)

// produceTimeout is how long the leader may wait for its replicas, and one attempt for its answer.
const produceTimeout = 15 * time.Second

// producer is the idempotent identity under which this client writes one partition. One per partition rather than
// one per client, so that giving up on a batch here never disturbs the sequence numbers there.
type producer struct {
	turn     chan struct{} // holds one token; taken for the length of a Produce, so that order is kept
	known    bool          // id and epoch are valid
	plain    bool          // the cluster does not let us have an identity: write without
	id       int64
	epoch    int16
	sequence int32
}

// Produce appends msgs to the partition, in order, as one batch, and returns the offset of the first; the others
// follow it one by one. It returns once every in-sync replica has the batch (acks=all). Calls for the same partition
// wait for each other; calls for different ones run side by side.
//
// A temporary fault (leader election, lost connection, broker restart) is retried under the same sequence numbers,
// so that the batch is written once and the offset returned is that of the copy in the log.
//
// A crash of the caller while Produce runs leaves the batch either wholly in the log or not at all.
//
// Errors: ErrTooLarge (nothing was sent; see ChunkSize), ErrTopicMissing, ErrBrokerAway or the context's error (the
// batch may or may not be in the log: publish it again, the ledger recognizes it), ErrClosed.
func (c *Client) Produce(ctx context.Context, topic string, partition int, msgs []Message) (baseOffset int64, err error) {
	what := fmt.Sprintf("writing to topic %s partition %d", topic, partition)
	if len(msgs) == 0 {
		return 0, fmt.Errorf("kafka: %s: no messages given", what)
	}
	total := batchHeader
	for _, m := range msgs {
		total += Size(m)
	}
	if total > MaxProduceBytes {
		return 0, &Error{Code: ErrTooLarge.Code, Message: fmt.Sprintf(
			"kafka: %s: %d messages of together %d bytes exceed the %d bytes of one request; send them in parts",
			what, len(msgs), total, MaxProduceBytes)}
	}
	p := c.producer(topic, partition)
	select {
	case <-p.turn:
	case <-ctx.Done():
		return 0, fmt.Errorf("kafka: %s: %w", what, context.Cause(ctx))
	}
	defer func() { p.turn <- struct{}{} }()

	now := time.Now()
	sent := false // an attempt is under way or ended without an answer: the batch may be in the log
	err = c.retry(ctx, what, produceTimeout+5*time.Second, func(ctx context.Context) error {
		if !p.known || p.sequence > math.MaxInt32-int32(len(msgs)) {
			if err := c.identify(ctx, p); err != nil {
				return err
			}
		}
		batch := encodeBatch(msgs, now, p.id, p.epoch, p.sequence)
		sent = true
		base, err := c.send(ctx, topic, partition, batch)
		switch {
		case err == nil:
			baseOffset = base
			return nil
		case forgotten(err):
			// The broker no longer knows how far this producer was. Under a new identity the batch is accepted.
			p.known = false
			return errors.Join(errReset, err)
		}
		return err
	})
	if err != nil {
		if sent {
			// Whether the last attempt arrived is unknown. Another batch under the same sequence number could be
			// taken for a repetition of this one and silently dropped, so the identity is given up.
			p.known = false
		}
		return 0, err
	}
	if !p.plain {
		p.sequence += int32(len(msgs))
	}
	return baseOffset, nil
}

func (c *Client) producer(topic string, partition int) *producer {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := topicPartition{topic, partition}
	p := c.producers[at]
	if p == nil {
		p = &producer{turn: make(chan struct{}, 1)}
		p.turn <- struct{}{}
		c.producers[at] = p
	}
	return p
}

// forgotten tells whether the broker's picture of our sequence numbers differs from ours.
func forgotten(err error) bool {
	return errors.Is(err, kafkago.OutOfOrderSequenceNumber) || errors.Is(err, kafkago.InvalidProducerEpoch) ||
		errors.Is(err, kafkago.UnknownProducerId) || errors.Is(err, kafkago.DuplicateSequenceNumber) || errors.Is(err, kafkago.InvalidProducerIDMapping)
}

// send makes one attempt. An error that is a kafkago.Error comes from the broker: the batch was not written.
func (c *Client) send(ctx context.Context, topic string, partition int, batch []byte) (int64, error) {
	m, err := c.transport.RoundTrip(ctx, c.addr, &rawproduce.Request{
		Acks:    int16(kafkago.RequireAll),
		Timeout: int32(produceTimeout.Milliseconds()),
		Topics: []rawproduce.RequestTopic{{
			Topic: topic,
			Partitions: []rawproduce.RequestPartition{{
				Partition: int32(partition),
				RecordSet: protocol.RawRecordSet{Reader: bytes.NewReader(prefixed(batch))},
			}},
		}},
	})
	if err != nil {
		return 0, err
	}
	res, ok := m.(*produce.Response)
	if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, &Error{Code: ErrCorrupt.Code, Message: "kafka: the broker's answer to a produce request does not name the partition"}
	}
	r := res.Topics[0].Partitions[0]
	if r.ErrorCode != 0 {
		if r.ErrorMessage != "" {
			return 0, fmt.Errorf("%w (%s)", kafkago.Error(r.ErrorCode), r.ErrorMessage)
		}
		return 0, kafkago.Error(r.ErrorCode)
	}
	return r.BaseOffset, nil
}

// prefixed puts the four bytes of length before a record set that a produce request of the versions in use expects.
func prefixed(batch []byte) []byte {
	n := len(batch)
	return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, batch...)
}

// identify asks any broker for a fresh producer id. It uses a connection of its own: kafka-go would look for a
// transaction coordinator first, which an idempotent producer without transactions does not have.
//
// Where the cluster refuses (an access list without IdempotentWrite), the client writes without an identity, and a
// lost answer may then leave a batch in the log twice.
func (c *Client) identify(ctx context.Context, p *producer) error {
	var last error
	for _, broker := range c.brokers {
		id, epoch, err := c.askProducerID(ctx, broker)
		switch {
		case err == nil:
			p.id, p.epoch, p.sequence, p.known, p.plain = id, epoch, 0, true, false
			return nil
		case errors.Is(err, kafkago.ClusterAuthorizationFailed), errors.Is(err, kafkago.UnsupportedVersion):
			p.id, p.epoch, p.sequence, p.known, p.plain = -1, -1, -1, true, true
			return nil
		}
		last = err
	}
	return last
}

func (c *Client) askProducerID(ctx context.Context, broker string) (id int64, epoch int16, err error) {
	nc, err := c.opts.Dial(ctx, "tcp", broker)
	if err != nil {
		return 0, 0, err
	}
	defer nc.Close()
	conn := net.Conn(nc)
	if conn, err = c.secure(ctx, nc, broker); err != nil {
		return 0, 0, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return 0, 0, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	pc := protocol.NewConn(conn, c.opts.ClientID)
	m, err := pc.RoundTrip(&apiversions.Request{})
	if err != nil {
		return 0, 0, err
	}
	supported, ok := m.(*apiversions.Response)
	if !ok || supported.ErrorCode != 0 {
		return 0, 0, kafkago.UnsupportedVersion
	}
	versions := make(map[protocol.ApiKey]int16, len(supported.ApiKeys))
	for _, k := range supported.ApiKeys {
		key := protocol.ApiKey(k.ApiKey)
		versions[key] = key.SelectVersion(k.MinVersion, k.MaxVersion)
	}
	pc.SetVersions(versions)
	if err := c.signIn(ctx, pc); err != nil {
		return 0, 0, err
	}
	m, err = pc.RoundTrip(&initproducerid.Request{TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1})
	if err != nil {
		return 0, 0, err
	}
	res, ok := m.(*initproducerid.Response)
	if !ok {
		return 0, 0, kafkago.UnsupportedVersion
	}
	if res.ErrorCode != 0 {
		return 0, 0, kafkago.Error(res.ErrorCode)
	}
	return res.ProducerID, res.ProducerEpoch, nil
}

// Package kafka is the one place that speaks to an Apache Kafka cluster, or to anything that answers its protocol.
//
// It offers what a book of record needs and nothing else: a topic that never forgets, reading from an explicit
// offset, and writing that is acknowledged by every replica. There are no consumer groups and no committed offsets
// here: the position of a reader belongs into the transaction that holds what was read, so it lives in PostgreSQL.
// The package knows no events, no ledger and no database; its types are plain values.
//
// A worked example, from an empty broker to a record read back:
//
//	c := kafka.New([]string{"127.0.0.1:9092"}, kafka.Options{})
//	defer c.Close()
//	_, err := c.EnsureTopic(ctx, "socho.events", 8, 1)                  // kept for ever, by configuration
//	info, err := c.CheckTopic(ctx, "socho.events")                      // refuses a topic that would expire
//	p := kafka.Partition([]byte("hg-cho-dong-van"), info.Partitions)    // the same partition as Java's producer
//	base, err := c.Produce(ctx, "socho.events", p, []kafka.Message{{Key: key, Value: value}})
//	msgs, high, err := c.Fetch(ctx, "socho.events", p, base, 1000, 1<<20, time.Second)
//
// # What is promised
//
// Fetch returns records that follow each other without a hole, starting at exactly the offset asked for. Whatever
// else the broker answers is an error: ErrGap, ErrOffsetOutOfRange. It never moves an offset by itself.
//
// Produce writes with an idempotent producer: a request whose answer was lost is sent again with the same sequence
// numbers, and the broker answers with the offsets of the first copy. Only where the broker has forgotten the
// producer in between (the embedded broker after kill -9) can a batch appear twice; the ledger answers the second
// copy with "duplicate".
//
// Every error that a caller may want to tell apart is an *Error with a Code; errors.Is works with the Err… values.
package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"socho/events"
)

// Header is one name and value beside a record's value. Order is kept; a nil value stays nil.
type Header = events.Header

// Message is one record of a partition. Key and Value nil are "absent" and differ from empty, in both directions.
//
// Partition and Offset are filled in by reading and ignored by Produce, which takes the partition as its argument.
// Time has millisecond precision and is UTC; the zero time lets Produce stamp the present.
type Message struct {
	Partition int
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []Header
	Time      time.Time
}

// Options change how a Client behaves. The zero value is ready to use.
type Options struct {
	// ClientID is what the broker's logs and quotas call us. Default "socho".
	ClientID string
	// RetryFor bounds how long one call keeps trying against a broker that is away or electing a leader.
	// Default 10 s. The caller's context can only shorten it.
	RetryFor time.Duration
	// MinInSync is the topic setting min.insync.replicas that EnsureTopic asks for; 0 leaves the broker's own.
	MinInSync int
	// TLS, when set, encrypts the connections to the brokers.
	TLS *tls.Config
	// User and Password, when set, sign in by SCRAM-SHA-512 (RFC 5802).
	User, Password string
	// Dial opens a connection in place of the network's own way, for whoever stands between a client and its brokers.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log gets one line for each retried call, without keys or values. Default: nothing is logged.
	Log *slog.Logger
}

// Client talks to one Kafka cluster. It is safe for concurrent use, keeps its connections open between calls and
// must be closed.
type Client struct {
	brokers   []string
	addr      net.Addr
	transport *kafkago.Transport
	low       *kafkago.Client
	opts      Options

	dials     atomic.Int64
	retries   atomic.Int64
	mu        sync.Mutex
	closed    bool
	producers map[topicPartition]*producer
}

type topicPartition struct {
	topic     string
	partition int
}

// New prepares a client for the cluster that the given addresses (host:port) belong to. Nothing is dialled yet: the
// first call does that, so a broker that is away shows as ErrBrokerAway there.
func New(brokers []string, opts Options) *Client {
	if opts.ClientID == "" {
		opts.ClientID = "socho"
	}
	if opts.RetryFor <= 0 {
		opts.RetryFor = 10 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	t := &kafkago.Transport{
		ClientID:    opts.ClientID,
		DialTimeout: 3 * time.Second,
		IdleTimeout: 60 * time.Second,
		MetadataTTL: 2 * time.Second,
		TLS:         opts.TLS,
	}
	if opts.User != "" {
		t.SASL = login{opts.User, opts.Password}
	}
	addr := kafkago.TCP(brokers...)
	c := &Client{
		brokers:   brokers,
		addr:      addr,
		transport: t,
		low:       &kafkago.Client{Addr: addr, Transport: t},
		opts:      opts,
		producers: make(map[topicPartition]*producer),
	}
	if c.opts.Dial == nil {
		c.opts.Dial = (&net.Dialer{Timeout: t.DialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	t.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.dials.Add(1)
		return c.opts.Dial(ctx, network, address)
	}
	return c
}

// Session tells two moments apart between which what a partition holds may have changed behind our back: the client
// has opened a connection, so that a broker may have been down in between, or another broker leads the partition.
// Sessions are compared with ==.
type Session struct {
	dials  int64
	leader int32
}

// Session is the partition's session now. Errors: those of Fetch.
func (c *Client) Session(ctx context.Context, topic string, partition int) (s Session, err error) {
	err = c.retry(ctx, fmt.Sprintf("asking who leads topic %s partition %d", topic, partition), 10*time.Second, func(ctx context.Context) error {
		s.leader, err = c.leaderEpoch(ctx, topic, partition)
		return err
	})
	s.dials = c.dials.Load()
	return s, err
}

// leaderEpoch is the number of the partition's leadership in the layout that kafka-go keeps; -1 where the broker is
// too old to say.
func (c *Client) leaderEpoch(ctx context.Context, topic string, partition int) (int32, error) {
	m, err := c.transport.RoundTrip(ctx, c.addr, &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return 0, err
	}
	if layout, ok := m.(*metadata.Response); ok && len(layout.Topics) == 1 {
		for _, p := range layout.Topics[0].Partitions {
			if int(p.PartitionIndex) == partition {
				return p.LeaderEpoch, nil
			}
		}
	}
	return 0, kafkago.UnknownTopicOrPartition
}

// Retries is how many calls have been tried again so far.
func (c *Client) Retries() int64 { return c.retries.Load() }

// Close drops the connections. Calls that are under way may still finish; later ones fail with ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.transport.CloseIdleConnections()
	return nil
}

// Brokers are the addresses the client was made with, for messages.
func (c *Client) Brokers() string { return strings.Join(c.brokers, ",") }

// Ping asks the cluster for its layout. Errors: ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) Ping(ctx context.Context) error {
	return c.retry(ctx, "ping", 5*time.Second, func(ctx context.Context) error {
		_, err := c.low.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{}})
		return err
	})
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Error is what a caller can act on. Message says what happened and what to do, for a person; Code is for programs.
type Error struct {
	Code    string
	Message string

	// Asked and Next are set by ErrGap and ErrOffsetOutOfRange: the offset asked for, and the first one that is
	// there (for a gap: the next record).
	Asked, Next int64
	// Start and High are set by ErrOffsetOutOfRange: the partition holds offsets Start ≤ o < High.
	Start, High int64
	// Setting is set by ErrTopicUnsafe: the topic setting that is wrong.
	Setting string

	Err error
}

// Error is the sentence for people.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap is the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Is compares by Code, so that errors.Is(err, kafka.ErrGap) holds for every gap.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// What can go wrong, to be compared with errors.Is.
var (
	ErrBrokerAway       = &Error{Code: "broker_away", Message: "no Kafka broker answers"}
	ErrTopicMissing     = &Error{Code: "topic_missing", Message: "the topic does not exist"}
	ErrTopicUnsafe      = &Error{Code: "topic_unsafe", Message: "the topic would lose records"}
	ErrTopicMismatch    = &Error{Code: "topic_mismatch", Message: "the topic has another number of partitions"}
	ErrNoRecord         = &Error{Code: "no_record", Message: "there is no record at this offset"}
	ErrGap              = &Error{Code: "log_gap", Message: "records are missing from the log"}
	ErrOffsetOutOfRange = &Error{Code: "offset_out_of_range", Message: "the log does not reach this offset"}
	ErrCorrupt          = &Error{Code: "log_corrupt", Message: "the broker's answer cannot be decoded"}
	ErrTooLarge         = &Error{Code: "too_large", Message: "too large for one request"}
	ErrClosed           = &Error{Code: "client_closed", Message: "the Kafka client is closed"}
)

// errEmpty is an answer without records where there must be some: kafka-go's way of reporting a batch that it cannot
// decode. A few fresh looks tell a damaged record from a damaged answer.
var errEmpty = errors.New("the broker has records from this offset on, but none could be decoded: a damaged batch")

// errReset says that the cached layout of the cluster is stale: drop it and try again.
var errReset = errors.New("stale layout")

// transient tells whether the same call may succeed in a moment, without anyone doing anything.
func transient(err error) bool {
	if err == nil {
		return false
	}
	var code kafkago.Error
	if errors.As(err, &code) {
		switch code {
		case kafkago.InvalidMessage:
			return false // a damaged record stays damaged
		case kafkago.NotLeaderForPartition, kafkago.LeaderNotAvailable:
			return true
		}
		return code.Temporary()
	}
	return errors.Is(err, errReset) || errors.Is(err, errEmpty) || errors.Is(err, protocol.ErrNoLeader) || unknownTopic(err) || disconnected(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// disconnected tells whether the connection, rather than the request, is at fault. kafka-go answers the first call
// after a broker restart with "unexpected EOF" from a connection that died long ago.
func disconnected(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.As(err, &op) || errors.As(err, &dns) ||
		errors.Is(err, kafkago.BrokerNotAvailable)
}

// unknownTopic tells whether the cluster, as far as this connection's cached layout knows, lacks the topic or the
// partition. A topic made a second ago by another client looks like that too.
func unknownTopic(err error) bool {
	return errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) ||
		errors.Is(err, kafkago.UnknownTopicOrPartition)
}

// retry runs call until it succeeds, fails for good, or Options.RetryFor has passed. Each attempt gets its own time
// limit. Before each new attempt the connections and the cached layout are dropped: that is what heals a stale
// connection, a moved leader and a topic that was created elsewhere.
func (c *Client) retry(ctx context.Context, what string, attempt time.Duration, call func(context.Context) error) error {
	giveUp := time.Now().Add(c.opts.RetryFor)
	pause := 10 * time.Millisecond
	hopeless := 0 // how often in a row the answer was one that waiting rarely changes
	for n := 1; ; n++ {
		c.mu.Lock()
		closed := c.closed
		c.mu.Unlock()
		if closed {
			return ErrClosed
		}
		one, cancel := context.WithTimeout(ctx, attempt)
		err := call(one)
		if errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) {
			// kafka-go says this too when it could not ask any broker for the layout. Its reason is the better one.
			if _, why := c.low.Metadata(one, &kafkago.MetadataRequest{Topics: []string{}}); why != nil {
				err = why
			}
		}
		cancel()
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return fmt.Errorf("kafka: %s: %w", what, cause)
		}
		if !transient(err) {
			return c.explain(what, err)
		}
		// Whether a topic exists is known for certain after a few fresh looks; waiting longer would only hide a
		// wrong name from its owner.
		if unknownTopic(err) || errors.Is(err, errEmpty) {
			hopeless++
		} else {
			hopeless = 0
		}
		if hopeless >= 4 || time.Now().Add(pause).After(giveUp) {
			return c.explain(what, err)
		}
		c.retries.Add(1)
		c.opts.Log.Debug("kafka: trying again", "call", what, "attempt", n, "error", err)
		c.transport.CloseIdleConnections()
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("kafka: %s: %w", what, context.Cause(ctx))
		}
		pause = min(pause*2, time.Second)
	}
}

// explain turns the last error of a call into one that a caller can act on.
func (c *Client) explain(what string, err error) error {
	var typed *Error
	switch {
	case errors.As(err, &typed):
		return err
	case unknownTopic(err):
		return &Error{Code: ErrTopicMissing.Code, Err: err, Message: fmt.Sprintf(
			"kafka: %s: the brokers %s do not have this topic or partition; create it, or check the name", what, c.Brokers())}
	case errors.Is(err, kafkago.MessageSizeTooLarge):
		return &Error{Code: ErrTooLarge.Code, Err: err, Message: fmt.Sprintf(
			"kafka: %s: the broker takes less than %d bytes a request; raise max.message.bytes of the topic", what, MaxProduceBytes)}
	case errors.Is(err, errEmpty):
		return &Error{Code: ErrCorrupt.Code, Err: err, Message: fmt.Sprintf(
			"kafka: %s: stop writing, copy the broker's data away and restore the topic from the archive", what)}
	case disconnected(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Code: ErrBrokerAway.Code, Err: err, Message: fmt.Sprintf(
			"kafka: %s: no broker answers at %s; check that Kafka runs and that the address (--kafka) is right", what, c.Brokers())}
	}
	return fmt.Errorf("kafka: %s: %w", what, err)
}

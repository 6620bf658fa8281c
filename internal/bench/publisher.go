package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"socho/events"
	"socho/internal/kafka"
	"socho/internal/service"
)

// LatencyRate is how many payments a second are published while latency is
// measured.
const LatencyRate = 10_000

// publishRecords is how many records go to the broker in one request at most;
// linger is how long, at a steady rate, records are gathered for one.
const (
	publishRecords = 1500
	linger         = 5 * time.Millisecond
)

// setup is the publisher's first line of input.
type setup struct {
	Brokers []string `json:"brokers"`
	Load    Load     `json:"load"`
}

// task is each further line: what to publish. It is answered with one line.
type task struct {
	Opening  bool `json:"opening,omitempty"`  // the facts that open the books
	Payments int  `json:"payments,omitempty"` // so many payments
	Rate     int  `json:"rate,omitempty"`     // a second; 0: as fast as the broker takes them
	Shared   bool `json:"shared,omitempty"`   // others publish meanwhile
}

// answer says what a task has published.
type answer struct {
	Error   string        `json:"error,omitempty"`
	Records int           `json:"records"`
	Bytes   int64         `json:"bytes"` // of values
	TookNS  int64         `json:"took_ns"`
	Ends    map[int]int64 `json:"ends"`           // next offset of each shard that got any
	Acks    []ack         `json:"acks,omitempty"` // of a task with a rate
}

// ack is one acknowledged request: records [Base, Base+N) of a shard, and when
// the acknowledgement was in hand, in unix nanoseconds.
type ack struct {
	Shard int   `json:"s"`
	Base  int64 `json:"b"`
	N     int   `json:"n"`
	At    int64 `json:"t"`
}

// Publish is the publishing process: it takes tasks from in and answers them on
// out until in ends. Errors: those of the broker and of its own lines.
func Publish(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	next := func(to any) (bool, error) {
		if !lines.Scan() {
			return false, lines.Err()
		}
		return true, json.Unmarshal(lines.Bytes(), to)
	}
	var s setup
	if more, err := next(&s); err != nil || !more {
		return errors.Join(errors.New("publisher: no setup"), err)
	}
	client := kafka.New(s.Brokers, kafka.Options{ClientID: "socho-bench"})
	defer client.Close()
	p := publisher{client: client, streams: streams(s.Load)}
	write := json.NewEncoder(out)
	for {
		var t task
		if more, err := next(&t); err != nil || !more {
			return err
		}
		done, err := p.do(ctx, t)
		if err != nil {
			done.Error = err.Error()
		}
		if err := write.Encode(done); err != nil {
			return err
		}
	}
}

type publisher struct {
	client  *kafka.Client
	streams []*stream
}

// do publishes each shard's part side by side, in order, one request under way
// for each.
func (p *publisher) do(ctx context.Context, t task) (answer, error) {
	began := time.Now()
	parts := make([]answer, len(p.streams))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range p.streams {
		group.Go(func() error {
			var err error
			parts[i], err = p.shard(ctx, s, t, began)
			return err
		})
	}
	err := group.Wait()
	all := answer{Ends: map[int]int64{}, TookNS: int64(time.Since(began))}
	for shard, a := range parts {
		all.Records += a.Records
		all.Bytes += a.Bytes
		all.Acks = append(all.Acks, a.Acks...)
		if a.Records > 0 {
			all.Ends[shard] = a.Ends[shard]
		}
	}
	return all, err
}

func (p *publisher) shard(ctx context.Context, s *stream, t task, began time.Time) (answer, error) {
	a := answer{Ends: map[int]int64{}}
	next, left := s.pay, s.share(t.Payments)
	if t.Opening {
		next, left = s.open, s.opening()
	}
	var room []byte
	for whole := left; left > 0; {
		n := min(left, publishRecords)
		if t.Rate > 0 {
			// What is due by now, of an even flow that began with the task.
			perRecord := time.Duration(t.Payments) * time.Second / time.Duration(t.Rate) / time.Duration(whole)
			for n = 0; n == 0; {
				if err := sleep(ctx, linger); err != nil {
					return a, err
				}
				n = min(left, int(time.Since(began)/perRecord)-(whole-left), publishRecords)
			}
		}
		// The broker's client keeps no record after Produce: the room is used again.
		room = room[:0]
		messages := make([]kafka.Message, n)
		headers := stamps(time.Now())
		for i := range messages {
			from := len(room)
			var key string
			if cap(room)-from < events.MaxEventBytes/32 {
				room, from = make([]byte, 0, 512<<10), 0
			}
			key, room = next(room)
			messages[i] = kafka.Message{Key: []byte(key), Value: room[from:len(room):len(room)], Headers: headers}
			a.Bytes += int64(len(room) - from)
		}
		base, err := p.client.Produce(ctx, service.Topic, s.shard, messages)
		if err != nil {
			return a, err
		}
		if t.Rate > 0 {
			a.Acks = append(a.Acks, ack{s.shard, base, n, time.Now().UnixNano()})
		}
		if end, known := a.Ends[s.shard]; known && end != base && !t.Shared {
			return a, fmt.Errorf("shard %d: somebody else wrote between offsets %d and %d", s.shard, end, base)
		}
		a.Ends[s.shard] = base + int64(n)
		a.Records += n
		left -= n
	}
	return a, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

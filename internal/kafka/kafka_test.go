package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"socho/internal/kafka"
)

const topic = "socho.events"

func broker(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func client(t testing.TB, brokers []string, o kafka.Options) *kafka.Client {
	t.Helper()
	c := kafka.New(brokers, o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// start is a broker with the topic, and a client of it.
func start(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *kafka.Client) {
	t.Helper()
	b := broker(t, opts...)
	c := client(t, b.ListenAddrs(), kafka.Options{})
	created, err := c.EnsureTopic(t.Context(), topic, 4, 1)
	if err != nil || !created {
		t.Fatalf("EnsureTopic: created %v, %v", created, err)
	}
	return b, c
}

func msg(key, value string) kafka.Message {
	return kafka.Message{Key: []byte(key), Value: []byte(value)}
}

func values(msgs []kafka.Message) []string {
	var out []string
	for _, m := range msgs {
		out = append(out, string(m.Value))
	}
	return out
}

func produce(t testing.TB, c *kafka.Client, partition int, vs ...string) int64 {
	t.Helper()
	var msgs []kafka.Message
	for _, v := range vs {
		msgs = append(msgs, msg("k", v))
	}
	base, err := c.Produce(t.Context(), topic, partition, msgs)
	if err != nil {
		t.Fatalf("Produce: %v", err)
	}
	return base
}

func TestRoundTripKeepsEveryByte(t *testing.T) {
	_, c := start(t)
	at := time.Date(2026, 5, 4, 3, 2, 1, 987e6, time.UTC)
	want := []kafka.Message{
		{Partition: 1, Offset: 0, Key: []byte("hg-cho"), Value: []byte("một"), Time: at, Headers: []kafka.Header{{Name: "b", Value: []byte("2")}, {Name: "a", Value: []byte{}}, {Name: "b", Value: []byte("3")}}},
		{Partition: 1, Offset: 1, Key: nil, Value: []byte{}, Time: at.Add(-time.Hour)},
		{Partition: 1, Offset: 2, Key: []byte{}, Value: nil, Time: at.Add(time.Second)},
		{Partition: 1, Offset: 3, Key: []byte{0, 255}, Value: slices.Repeat([]byte("x"), 200_000), Time: at},
	}
	base, err := c.Produce(t.Context(), topic, 1, want)
	if err != nil || base != 0 {
		t.Fatalf("base %d, %v", base, err)
	}
	got, high, err := c.Fetch(t.Context(), topic, 1, 0, 100, 1<<20, time.Second)
	if err != nil || high != 4 {
		t.Fatalf("high %d, %v", high, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read differs from written (-want +got):\n%.2000s", d)
	}
	one, err := c.ReadAt(t.Context(), topic, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want[2], one); d != "" {
		t.Error(d)
	}
}

func TestFetchFromTheMiddleOfABatch(t *testing.T) {
	_, c := start(t)
	produce(t, c, 0, "a", "b", "c")
	if base := produce(t, c, 0, "d", "e"); base != 3 {
		t.Fatalf("base %d", base)
	}
	for _, tc := range []struct {
		offset int64
		limit  int
		want   []string
	}{
		{0, 0, []string{"a", "b", "c", "d", "e"}},
		{1, 3, []string{"b", "c", "d"}},
		{4, 9, []string{"e"}},
		{5, 9, nil}, // at the end: waits, then nothing
	} {
		got, high, err := c.Fetch(t.Context(), topic, 0, tc.offset, tc.limit, 1<<20, 20*time.Millisecond)
		if err != nil || high != 5 {
			t.Fatalf("from %d: high %d, %v", tc.offset, high, err)
		}
		if d := cmp.Diff(tc.want, values(got)); d != "" {
			t.Errorf("from %d: %s", tc.offset, d)
		}
		if len(got) > 0 && got[0].Offset != tc.offset {
			t.Errorf("from %d: first is %d", tc.offset, got[0].Offset)
		}
	}
}

func TestFetchWaitsForTheNextRecord(t *testing.T) {
	_, c := start(t)
	done := make(chan error, 1)
	go func() {
		got, _, err := c.Fetch(context.Background(), topic, 2, 0, 10, 1<<20, 20*time.Second)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("got %d", len(got))
		}
		done <- err
	}()
	time.Sleep(30 * time.Millisecond)
	produce(t, c, 2, "late")
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("a waiting Fetch did not see the record")
	}
}

func TestEnds(t *testing.T) {
	_, c := start(t)
	produce(t, c, 3, "a", "b")
	startAt, high, err := c.Offsets(t.Context(), topic, 3)
	if err != nil || startAt != 0 || high != 2 {
		t.Fatalf("%d, %d, %v", startAt, high, err)
	}
	_, _, err = c.Fetch(t.Context(), topic, 3, 7, 1, 1, 0)
	var e *kafka.Error
	if !errors.Is(err, kafka.ErrOffsetOutOfRange) || !errors.As(err, &e) || e.High != 2 || e.Asked != 7 {
		t.Fatalf("beyond the end: %v (%+v)", err, e)
	}
	for _, offset := range []int64{2, 7} {
		if _, err := c.ReadAt(t.Context(), topic, 3, offset); !errors.Is(err, kafka.ErrNoRecord) {
			t.Errorf("ReadAt %d: %v", offset, err)
		}
	}
}

func TestTrimmedStartIsOutOfRange(t *testing.T) {
	b, c := start(t)
	produce(t, c, 0, "a")
	produce(t, c, 0, "b")
	deleteRecords(t, b, 0, 1)
	if s, h, err := c.Offsets(t.Context(), topic, 0); err != nil || s != 1 || h != 2 {
		t.Fatalf("%d %d %v", s, h, err)
	}
	_, _, err := c.Fetch(t.Context(), topic, 0, 0, 1, 1, 0)
	var e *kafka.Error
	if !errors.As(err, &e) || !errors.Is(err, kafka.ErrOffsetOutOfRange) || e.Start != 1 {
		t.Fatalf("%v", err)
	}
}

func TestUnsafeTopicsAreRefused(t *testing.T) {
	b, c := start(t)
	if info, err := c.CheckTopic(t.Context(), topic); err != nil || info.Partitions != 4 || info.Replication != 1 || info.MinInSync != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	for i, tc := range []struct{ setting, value, blamed string }{
		{"cleanup.policy", "compact", "cleanup.policy"},
		{"cleanup.policy", "compact,delete", "cleanup.policy"},
		{"retention.ms", "604800000", "retention.ms"},
		{"retention.bytes", "1000000", "retention.bytes"},
	} {
		name := fmt.Sprintf("bad%d", i)
		if _, err := c.EnsureTopic(t.Context(), name, 1, 1); err != nil {
			t.Fatal(err)
		}
		alter(t, b, name, tc.setting, tc.value)
		_, err := c.CheckTopic(t.Context(), name)
		var e *kafka.Error
		if !errors.Is(err, kafka.ErrTopicUnsafe) || !errors.As(err, &e) || e.Setting != tc.blamed || e.Code != "topic_unsafe" {
			t.Errorf("%s=%s: %v", tc.setting, tc.value, err)
		} else if !strings.Contains(err.Error(), "--add-config "+tc.setting) {
			t.Errorf("message does not say what to do: %v", err)
		}
	}
	// A topic that someone made without saying anything inherits the broker's seven days.
	createPlain(t, b, "plain")
	if _, err := c.CheckTopic(t.Context(), "plain"); !errors.Is(err, kafka.ErrTopicUnsafe) {
		t.Errorf("inherited retention: %v", err)
	}
}

func TestEnsureTopicTwice(t *testing.T) {
	b, c := start(t)
	other := client(t, b.ListenAddrs(), kafka.Options{MinInSync: 1})
	if created, err := other.EnsureTopic(t.Context(), topic, 4, 1); err != nil || created {
		t.Errorf("second: created %v, %v", created, err)
	}
	if _, err := other.EnsureTopic(t.Context(), topic, 5, 1); !errors.Is(err, kafka.ErrTopicMismatch) {
		t.Errorf("other number of partitions: %v", err)
	}
	// The first client's picture of the cluster is older than this topic.
	if _, err := other.EnsureTopic(t.Context(), "new", 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Produce(t.Context(), "new", 0, []kafka.Message{msg("k", "v")}); err != nil {
		t.Errorf("topic made by another client: %v", err)
	}
}

func TestMissingTopic(t *testing.T) {
	_, c := start(t)
	begin := time.Now()
	_, err := c.CheckTopic(t.Context(), "nowhere")
	if !errors.Is(err, kafka.ErrTopicMissing) {
		t.Errorf("CheckTopic: %v", err)
	}
	if _, err := c.Produce(t.Context(), "nowhere", 0, []kafka.Message{msg("k", "v")}); !errors.Is(err, kafka.ErrTopicMissing) {
		t.Errorf("Produce: %v", err)
	}
	if _, _, err := c.Fetch(t.Context(), topic, 99, 0, 1, 1, 0); !errors.Is(err, kafka.ErrTopicMissing) {
		t.Errorf("partition out of range: %v", err)
	}
	if _, _, err := c.Offsets(t.Context(), topic, 99); !errors.Is(err, kafka.ErrTopicMissing) {
		t.Errorf("Offsets: %v", err)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("a wrong name took %v", d)
	}
}

func TestBrokerAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	c := client(t, []string{addr}, kafka.Options{RetryFor: 200 * time.Millisecond})
	for name, call := range map[string]func() error{
		"ping":    func() error { return c.Ping(t.Context()) },
		"produce": func() error { _, err := c.Produce(t.Context(), topic, 0, []kafka.Message{msg("k", "v")}); return err },
		"fetch":   func() error { _, _, err := c.Fetch(t.Context(), topic, 0, 0, 1, 1, 0); return err },
		"ensure":  func() error { _, err := c.EnsureTopic(t.Context(), topic, 1, 1); return err },
	} {
		err := call()
		if !errors.Is(err, kafka.ErrBrokerAway) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	slow := client(t, []string{addr}, kafka.Options{})
	if err := slow.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("context: %v", err)
	}
	_ = slow.Close()
	if err := slow.Ping(t.Context()); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestContextEndsAWaitingFetch(t *testing.T) {
	_, c := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, _, err := c.Fetch(ctx, topic, 0, 0, 1, 1<<20, 30*time.Second)
	if !errors.Is(err, context.Canceled) || time.Since(begin) > 5*time.Second {
		t.Fatalf("%v after %v", err, time.Since(begin))
	}
	produce(t, c, 0, "still works")
}

func TestChunks(t *testing.T) {
	b, c := start(t)
	var msgs []kafka.Message
	for i := range 5000 {
		msgs = append(msgs, msg(fmt.Sprint("k", i), strings.Repeat("v", 420)))
	}
	if _, err := c.Produce(t.Context(), topic, 0, msgs); !errors.Is(err, kafka.ErrTooLarge) {
		t.Fatalf("too large: %v", err)
	}
	next, chunks := int64(0), 0
	for rest := msgs; len(rest) > 0; chunks++ {
		n := kafka.ChunkSize(rest)
		base, err := c.Produce(t.Context(), topic, 0, rest[:n])
		if err != nil || base != next {
			t.Fatalf("base %d, want %d, %v", base, next, err)
		}
		next += int64(n)
		rest = rest[n:]
	}
	if chunks < 2 || chunks > 4 {
		t.Errorf("%d chunks", chunks)
	}
	if n := kafka.ChunkSize([]kafka.Message{msg("k", strings.Repeat("v", 2<<20)), msg("a", "b")}); n != 1 {
		t.Errorf("one that is too large: %d", n)
	}
	if n := kafka.ChunkSize(nil); n != 0 {
		t.Errorf("none: %d", n)
	}
	alter(t, b, topic, "max.message.bytes", "1000")
	if _, err := c.Produce(t.Context(), topic, 1, msgs[:10]); !errors.Is(err, kafka.ErrTooLarge) || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Errorf("a broker with a lower limit: %v", err)
	}
	alter(t, b, topic, "max.message.bytes", "1048588")
	// The largest request that we allow is one that the broker takes.
	big := msg("k", strings.Repeat("v", kafka.MaxProduceBytes-kafka.Size(msg("k", ""))-61))
	if _, err := c.Produce(t.Context(), topic, 1, []kafka.Message{big}); err != nil {
		t.Errorf("largest: %v", err)
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	_, c := start(t)
	const writers, each = 8, 25
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := range each {
				v := fmt.Sprint(w, "/", i)
				base, err := c.Produce(context.Background(), topic, w%2, []kafka.Message{msg("k", v)})
				if err != nil {
					errs <- err
					return
				}
				m, err := c.ReadAt(context.Background(), topic, w%2, base)
				if err == nil && string(m.Value) != v {
					err = fmt.Errorf("offset %d holds %q, not %q", base, m.Value, v)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for p := range 2 {
		if _, high, err := c.Offsets(t.Context(), topic, p); err != nil || high != writers/2*each {
			t.Errorf("partition %d: %d, %v", p, high, err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	_, c := start(b, kfake.DataDir(b.TempDir()))
	var msgs []kafka.Message
	for range 2000 {
		msgs = append(msgs, msg("hg-cho-dong-van", strings.Repeat("v", 400)))
	}
	for range 20 {
		for rest := msgs; len(rest) > 0; {
			n := kafka.ChunkSize(rest)
			if _, err := c.Produce(b.Context(), topic, 0, rest[:n]); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
	n := 0
	for b.Loop() {
		for offset := int64(0); offset < 40000; {
			got, _, err := c.Fetch(b.Context(), topic, 0, offset, 0, 4<<20, time.Second)
			if err != nil {
				b.Fatal(err)
			}
			offset += int64(len(got))
			n += len(got)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
}

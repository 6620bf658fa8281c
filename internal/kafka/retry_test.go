package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"socho/internal/kafka"
)

// A broker that comes back on the same address: the first answer is an "unexpected EOF" from a dead connection.
func TestBrokerRestart(t *testing.T) {
	dir := t.TempDir()
	b, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites())
	if err != nil {
		t.Fatal(err)
	}
	addrs := b.ListenAddrs()
	_, port, _ := net.SplitHostPort(addrs[0])
	c := client(t, addrs, kafka.Options{})
	if _, err := c.EnsureTopic(t.Context(), topic, 1, 1); err != nil {
		t.Fatal(err)
	}
	produce(t, c, 0, "a")
	b.Close()
	var p int
	_, _ = fmt.Sscan(port, &p)
	b, err = kfake.NewCluster(kfake.Ports(p), kfake.DataDir(dir), kfake.SyncWrites())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { b.Close() }()
	if base := produce(t, c, 0, "b"); base != 1 {
		t.Fatalf("after restart: base %d", base)
	}
	got, _, err := c.Fetch(t.Context(), topic, 0, 0, 10, 1<<20, time.Second)
	if err != nil || !slices.Equal(values(got), []string{"a", "b"}) {
		t.Fatalf("%v, %v", values(got), err)
	}
	if _, err := c.CheckTopic(t.Context(), topic); err != nil {
		t.Errorf("settings did not survive: %v", err)
	}
	// While it is away for a moment, a call waits for it.
	b.Close()
	done := make(chan int64, 1)
	go func() {
		base, err := c.Produce(context.Background(), topic, 0, []kafka.Message{msg("k", "c")})
		if err != nil {
			t.Error(err)
		}
		done <- base
	}()
	time.Sleep(200 * time.Millisecond)
	if b, err = kfake.NewCluster(kfake.Ports(p), kfake.DataDir(dir), kfake.SyncWrites()); err != nil {
		t.Fatal(err)
	}
	if base := <-done; base != 2 {
		t.Errorf("base %d, want 2", base)
	}
}

// The broker writes the batch and the answer is lost: the retry must find the first copy, not make a second.
func TestLostAnswerIsNotADuplicate(t *testing.T) {
	b := broker(t)
	proxy := newProxy(t, b.ListenAddrs()[0])
	// The cluster's layout names the broker's own port, so it must be told to name the proxy's.
	b.ControlKey(int16(kmsg.Metadata), rewriteMetadata(b, proxy.addr()))
	c := client(t, []string{proxy.addr()}, kafka.Options{})
	if _, err := c.EnsureTopic(t.Context(), topic, 1, 1); err != nil {
		t.Fatal(err)
	}
	produce(t, c, 0, "a")
	for i := range 3 {
		proxy.dropNextAnswerTo(int16(kmsg.Produce))
		if base := produce(t, c, 0, fmt.Sprint("b", i), fmt.Sprint("c", i)); base != int64(1+2*i) {
			t.Errorf("round %d: base %d, want %d", i, base, 1+2*i)
		}
		if n := proxy.dropped(); n != i+1 {
			t.Fatalf("round %d: the proxy dropped %d answers", i, n)
		}
	}
	got, high, err := c.Fetch(t.Context(), topic, 0, 0, 100, 1<<20, time.Second)
	if err != nil || high != 7 {
		t.Fatalf("high %d, want 7: %v %v", high, values(got), err)
	}
	if want := []string{"a", "b0", "c0", "b1", "c1", "b2", "c2"}; !slices.Equal(values(got), want) {
		t.Errorf("got %v", values(got))
	}
}

// After giving up on a batch whose fate is unknown, the next batch must never be taken for a repetition of it.
func TestGivingUpDoesNotSwallowTheNextBatch(t *testing.T) {
	b := broker(t)
	proxy := newProxy(t, b.ListenAddrs()[0])
	b.ControlKey(int16(kmsg.Metadata), rewriteMetadata(b, proxy.addr()))
	c := client(t, []string{proxy.addr()}, kafka.Options{RetryFor: time.Millisecond})
	if _, err := c.EnsureTopic(t.Context(), topic, 1, 1); err != nil {
		t.Fatal(err)
	}
	proxy.dropNextAnswerTo(int16(kmsg.Produce))
	if _, err := c.Produce(t.Context(), topic, 0, []kafka.Message{msg("k", "lost answer")}); !errors.Is(err, kafka.ErrBrokerAway) {
		t.Fatalf("want broker away, got %v", err)
	}
	if base := produce(t, c, 0, "next"); base != 1 {
		t.Errorf("base %d, want 1", base)
	}
	m, err := c.ReadAt(t.Context(), topic, 0, 1)
	if err != nil || string(m.Value) != "next" {
		t.Errorf("%q, %v", m.Value, err)
	}
}

// A broker that reports a failed write must not be asked for the same sequence number again: the embedded one would
// answer "duplicate" for a batch that never reached its disk.
func TestServerErrorIsNotRetriedUnderTheSameNumber(t *testing.T) {
	b, c := start(t)
	produce(t, c, 0, "a")
	fails := 1
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		if fails == 0 {
			return nil, nil, false
		}
		fails--
		req := r.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		p := kmsg.NewProduceResponseTopicPartition()
		p.Partition, p.ErrorCode = req.Topics[0].Partitions[0].Partition, kerr.UnknownServerError.Code
		tp := kmsg.NewProduceResponseTopic()
		tp.Topic, tp.Partitions = req.Topics[0].Topic, append(tp.Partitions, p)
		resp.Topics = append(resp.Topics, tp)
		return resp, nil, true
	})
	if _, err := c.Produce(t.Context(), topic, 0, []kafka.Message{msg("k", "b")}); err == nil {
		t.Fatal("a failed write was acknowledged")
	}
	if base := produce(t, c, 0, "c"); base != 1 {
		t.Errorf("base %d", base)
	}
}

package devstack_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"socho/internal/devstack"
)

func kafkaClient(t testing.TB, s *devstack.Stack, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.KafkaBrokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.UnknownTopicRetries(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createTopic(t testing.TB, c *kgo.Client, topic string, settings map[string]string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	tp := kmsg.NewCreateTopicsRequestTopic()
	tp.Topic, tp.NumPartitions, tp.ReplicationFactor = topic, 1, 1
	for k, v := range settings {
		s := kmsg.NewCreateTopicsRequestTopicConfig()
		s.Name, s.Value = k, &v
		tp.Configs = append(tp.Configs, s)
	}
	req.Topics = append(req.Topics, tp)
	resp, err := req.RequestWith(t.Context(), c)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readAll reads a partition from offset 0 to its end.
func readAll(t testing.TB, s *devstack.Stack, topic string) []*kgo.Record {
	t.Helper()
	c := kafkaClient(t, s, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}))
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	tp := kmsg.NewListOffsetsRequestTopic()
	tp.Topic = topic
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp = -1
	tp.Partitions = append(tp.Partitions, p)
	req.Topics = append(req.Topics, tp)
	resp, err := req.RequestWith(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	end := resp.Topics[0].Partitions[0].Offset
	var out []*kgo.Record
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for int64(len(out)) < end {
		f := c.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		out = append(out, f.Records()...)
	}
	return out
}

func TestTopicsAreNotMadeByBeingMentioned(t *testing.T) {
	t.Parallel()
	s := open(t, dataDir(t))
	c := kafkaClient(t, s, kgo.AllowAutoTopicCreation())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: "nowhere", Value: []byte("x")}).FirstErr(); err == nil {
		t.Error("a topic came into being")
	}
	if !strings.HasPrefix(s.KafkaBrokers()[0], "127.0.0.1:") {
		t.Error(s.KafkaBrokers())
	}
}

// Settings and records are the same after a clean stop and after a kill, and nothing expires.
func TestBrokerKeepsSettingsAndRecords(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	c := kafkaClient(t, s)
	createTopic(t, c, "kept", map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"})
	createTopic(t, c, "plain", nil)
	old := time.Now().AddDate(-3, 0, 0)
	for _, topic := range []string{"kept", "plain"} {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: old}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	for round := range 2 {
		closeStack(t, s)
		s = open(t, dir)
		req := kmsg.NewPtrDescribeConfigsRequest()
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, "kept"
		req.Resources = append(req.Resources, r)
		resp, err := req.RequestWith(t.Context(), kafkaClient(t, s))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, cfg := range resp.Resources[0].Configs {
			if cfg.Value != nil {
				got[cfg.Name] = *cfg.Value
			}
		}
		for k, want := range map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "log.retention.ms": "-1"} {
			if got[k] != want {
				t.Errorf("round %d: %s = %q", round, k, got[k])
			}
		}
		for _, topic := range []string{"kept", "plain"} {
			if n := len(readAll(t, s, topic)); n != 1 {
				t.Errorf("round %d: %s holds %d records", round, topic, n)
			}
		}
	}
}

// Everything that was acknowledged before kill -9 is there afterwards, at its offset.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := open(t, dir)
	createTopic(t, kafkaClient(t, s), "t", nil)
	closeStack(t, s)
	acknowledged := map[int64]int{}
	for round := range 2 {
		o := startOwner(t, dir, "SOCHO_TEST_PRODUCE=1")
		time.AfterFunc(300*time.Millisecond, func() { _ = o.cmd.Process.Kill() })
		before := len(acknowledged)
		for o.lines.Scan() {
			var offset int64
			var i int
			if n, _ := fmt.Sscanf(o.lines.Text(), "acknowledged %d %d", &offset, &i); n == 2 {
				acknowledged[offset] = i
			}
		}
		_ = o.cmd.Wait()
		if len(acknowledged) == before {
			t.Errorf("round %d: nothing was acknowledged", round)
		}
	}
	s = open(t, dir)
	records := readAll(t, s, "t")
	for offset, i := range acknowledged {
		if offset >= int64(len(records)) || !strings.HasPrefix(string(records[offset].Value), fmt.Sprint(i, " ")) {
			t.Errorf("record %d at offset %d is lost", i, offset)
		}
	}
	t.Logf("%d acknowledged, %d there", len(acknowledged), len(records))
}

// What the broker does with damage, and that a copy is kept. This is why the ledger checks its log's continuity.
func TestDamagedSegments(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage func([]byte) []byte
		left   int
		kept   bool
	}{
		"whole":             {func(b []byte) []byte { return b }, 10, false},
		"torn tail":         {func(b []byte) []byte { return b[:len(b)-5] }, 9, true},
		"trailing zeros":    {func(b []byte) []byte { return append(b, make([]byte, 4096)...) }, 10, true},
		"bit flipped early": {func(b []byte) []byte { b[len(b)*3/10+40] ^= 4; return b }, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, stop, err := devstack.StartBroker(dir, testLog(t))
			if err != nil {
				t.Fatal(err)
			}
			c := kafkaClient(t, s)
			createTopic(t, c, "t", nil)
			for i := range 10 {
				if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: bytes.Repeat([]byte{byte('0' + i)}, 500)}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			c.Close()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			segment := filepath.Join(dir, "broker", "partitions", "t-0", "0.dat")
			b, err := os.ReadFile(segment)
			if err != nil {
				t.Fatal(err)
			}
			damaged := tc.damage(b)
			if err := os.WriteFile(segment, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s, stop, err = devstack.StartBroker(dir, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stop() }()
			if n := len(readAll(t, s, "t")); n != tc.left {
				t.Errorf("%d records are left, want %d", n, tc.left)
			}
			r, err := kafkaClient(t, s).ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("next")}).First()
			if err != nil || r.Offset != int64(tc.left) {
				t.Errorf("the next record gets offset %d, %v", r.Offset, err)
			}
			copies, _ := filepath.Glob(filepath.Join(dir, "broker-damaged", "*", "t-0", "0.dat.from-*"))
			if (len(copies) == 1) != tc.kept || strings.Contains(log.String(), "damaged") != tc.kept {
				t.Fatalf("copies %v, log:\n%s", copies, log.String())
			}
			if tc.kept {
				rest, _ := os.ReadFile(copies[0])
				if !bytes.HasSuffix(damaged, rest) || len(rest) == 0 {
					t.Errorf("the copy has %d bytes that are not the segment's end", len(rest))
				}
			}
		})
	}
}

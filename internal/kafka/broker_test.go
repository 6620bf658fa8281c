package kafka_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// admin is a second implementation of the protocol, to do to a broker what this package refuses to do.
func admin(t testing.TB, b *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.ListenAddrs()...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func alter(t testing.TB, b *kfake.Cluster, topic, setting, value string) {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	s := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	s.Name, s.Value = setting, &value
	r.Configs = append(r.Configs, s)
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(t.Context(), admin(t, b))
	if err != nil || kerr.ErrorForCode(resp.Resources[0].ErrorCode) != nil {
		t.Fatalf("alter: %v, %+v", err, resp)
	}
}

func createPlain(t testing.TB, b *kfake.Cluster, topic string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	tp := kmsg.NewCreateTopicsRequestTopic()
	tp.Topic, tp.NumPartitions, tp.ReplicationFactor = topic, 1, 1
	req.Topics = append(req.Topics, tp)
	if _, err := req.RequestWith(t.Context(), admin(t, b)); err != nil {
		t.Fatal(err)
	}
}

func deleteRecords(t testing.TB, b *kfake.Cluster, partition int32, before int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	tp := kmsg.NewDeleteRecordsRequestTopic()
	tp.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	tp.Partitions = append(tp.Partitions, p)
	req.Topics = append(req.Topics, tp)
	if _, err := req.RequestWith(t.Context(), admin(t, b)); err != nil {
		t.Fatal(err)
	}
}

// rewriteMetadata answers metadata requests with the given address as the one broker's.
func rewriteMetadata(b *kfake.Cluster, addr string) func(kmsg.Request) (kmsg.Response, error, bool) {
	host, portText, _ := net.SplitHostPort(addr)
	port, _ := strconv.Atoi(portText)
	return func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		resp := r.ResponseKind().(*kmsg.MetadataResponse)
		nb := kmsg.NewMetadataResponseBroker()
		nb.NodeID, nb.Host, nb.Port = 0, host, int32(port)
		resp.Brokers = append(resp.Brokers, nb)
		if info := b.TopicInfo(topic); info != nil {
			mt := kmsg.NewMetadataResponseTopic()
			name := topic
			mt.Topic = &name
			for i := range b.PartitionInfos(topic) {
				p := kmsg.NewMetadataResponseTopicPartition()
				p.Partition, p.Leader, p.Replicas, p.ISR = int32(i), 0, []int32{0}, []int32{0}
				mt.Partitions = append(mt.Partitions, p)
			}
			resp.Topics = append(resp.Topics, mt)
		}
		return resp, nil, true
	}
}

// proxy sits between client and broker and can lose an answer: the broker has done what it was asked, and the
// connection ends before the client hears of it.
type proxy struct {
	l      net.Listener
	target string
	mu     sync.Mutex
	drop   map[int16]int
	lost   int
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, target: target, drop: make(map[int16]int)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) dropNextAnswerTo(key int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop[key]++
}

func (p *proxy) dropped() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// serve forwards request and answer in turn; kafka-go has one request in flight per connection.
func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	for {
		req, err := frame(client)
		if err != nil {
			return
		}
		if _, err := server.Write(req); err != nil {
			return
		}
		resp, err := frame(server)
		if err != nil {
			return
		}
		key := int16(binary.BigEndian.Uint16(req[4:]))
		p.mu.Lock()
		lose := p.drop[key] > 0
		if lose {
			p.drop[key]--
			p.lost++
		}
		p.mu.Unlock()
		if lose {
			return
		}
		if _, err := client.Write(resp); err != nil {
			return
		}
	}
}

func frame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, 4+binary.BigEndian.Uint32(size[:]))
	copy(b, size[:])
	_, err := io.ReadFull(r, b[4:])
	return b, err
}

// serveBatches makes the broker answer every fetch with the given bytes and high watermark.
func serveBatches(b *kfake.Cluster, high int64, batches ...[]byte) {
	b.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		req := r.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition = req.Topics[0].Partitions[0].Partition
		p.HighWatermark, p.LastStableOffset = high, high
		p.RecordBatches = bytes.Join(batches, nil)
		tp := kmsg.NewFetchResponseTopic()
		tp.Topic, tp.Partitions = req.Topics[0].Topic, append(tp.Partitions, p)
		resp.Topics = append(resp.Topics, tp)
		return resp, nil, true
	})
}

// rawBatch is a batch as a broker would store it, with one record per value.
func rawBatch(base int64, values ...string) []byte {
	var records []byte
	for i, v := range values {
		var rec []byte
		rec = append(rec, 0)
		rec = binary.AppendVarint(rec, 0)
		rec = binary.AppendVarint(rec, int64(i))
		rec = binary.AppendVarint(rec, -1)
		rec = binary.AppendVarint(rec, int64(len(v)))
		rec = append(rec, v...)
		rec = binary.AppendVarint(rec, 0)
		records = binary.AppendVarint(records, int64(len(rec)))
		records = append(records, rec...)
	}
	rb := kmsg.RecordBatch{
		FirstOffset: base, PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(values) - 1),
		FirstTimestamp: 1, MaxTimestamp: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(len(values)), Records: records,
	}
	b := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// transact writes values in a transaction of a foreign producer and commits or aborts it.
func transact(t testing.TB, b *kfake.Cluster, commit bool, vs ...string) {
	t.Helper()
	c := admin(t, b, kgo.TransactionalID("partner"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx := context.Background()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: 0, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	how := kgo.TryAbort
	if commit {
		how = kgo.TryCommit
	}
	if err := c.EndTransaction(ctx, how); err != nil {
		t.Fatal(err)
	}
}

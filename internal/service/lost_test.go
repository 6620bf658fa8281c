package service_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/kafka"
	"socho/internal/service"
	"socho/ledger"
)

// broker starts a broker on a folder; port 0 is any free one.
func broker(t *testing.T, dir string, port int) (*kfake.Cluster, int) {
	t.Helper()
	b, err := kfake.NewCluster(kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	_, text, _ := net.SplitHostPort(b.ListenAddrs()[0])
	if _, err := fmt.Sscan(text, &port); err != nil {
		t.Fatal(err)
	}
	return b, port
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// external is a service on a broker and a database that it does not own.
func external(t *testing.T, data string, port int, database string) (*service.Service, error) {
	t.Helper()
	addrs := []string{address(port)}
	c := kafka.New(addrs, kafka.Options{})
	defer c.Close() //nolint:errcheck // it holds nothing
	if _, err := c.EnsureTopic(t.Context(), service.Topic, 8, 1); err != nil {
		t.Fatal(err)
	}
	s, err := service.Open(t.Context(), service.Options{Data: data, Database: database, Kafka: addrs, Own: true})
	if err == nil {
		t.Cleanup(func() { s.Close() }) //nolint:errcheck // closed twice where the test closes it
	}
	return s, err
}

// The broker goes away under a working shard and comes back with another
// history, longer than what was decided or just as long. The client heals the
// connection by itself; the shard must notice all the same.
func TestAnotherHistoryBehindAHealedConnection(t *testing.T) {
	for name, others := range map[string]int{"longer": 20, "as long": 5} {
		t.Run(name, func(t *testing.T) { anotherHistory(t, others) })
	}
}

func anotherHistory(t *testing.T, others int) {
	dir := t.TempDir()
	b, port := broker(t, dir, 0)
	s, err := external(t, t.TempDir(), port, testdb.Database(t, "service", service.Migrate))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, s, fees(0, 5))
	b.Close()
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b, _ = broker(t, dir, port)
	publish(t, s, fees(5, 5))
	audit := verify(t, s, false)
	b.Close()

	// The other history is written behind the service's back.
	other, elsewhere := broker(t, before, 0)
	c := kafka.New([]string{fmt.Sprintf("127.0.0.1:%d", elsewhere)}, kafka.Options{})
	shard := events.ShardOf([]byte(market), 8)
	for range others {
		if _, err := c.Produce(t.Context(), service.Topic, shard, []kafka.Message{{Key: []byte(market), Value: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
	}
	c.Close() //nolint:errcheck // it holds nothing
	other.Close()
	broker(t, before, port)

	err = s.WaitFor(t.Context(), map[int]int64{shard: 1 << 40})
	var stopped *service.StoppedError
	if !errors.As(err, &stopped) || stopped.Code != service.CodeBehind {
		t.Fatalf("the shard goes on: %v", err)
	}
	after, err := s.Verify(t.Context(), true, false, nil)
	if err != nil || !after.OK || after.Roots[shard] != audit.Roots[shard] {
		t.Errorf("the ledger changed: %+v, %v", after, err)
	}
}

// A partition that lost its records is not opened anew under a database that
// knows nothing of them either.
func TestWipedPartitionIsNotOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	b, port := broker(t, dir, 0)
	s, err := external(t, t.TempDir(), port, testdb.Database(t, "service", service.Migrate))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), strings.NewReader(fees(0, 5)), intake.Options{Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	s.Close() //nolint:errcheck // its broker is about to go
	b.Close()
	shard := events.ShardOf([]byte(market), 8)
	lost := (shard + 1) % 8
	entries, err := os.ReadDir(dir + "/partitions")
	if err != nil {
		t.Fatal(err)
	}
	wiped := 0
	for _, e := range entries {
		if e.Name() == fmt.Sprintf("%s-%d", service.Topic, lost) {
			wiped++
			if err := os.RemoveAll(dir + "/partitions/" + e.Name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if wiped != 1 {
		t.Fatalf("%d partitions wiped of %v", wiped, entries)
	}
	broker(t, dir, port)
	_, err = external(t, t.TempDir(), port, testdb.Database(t, "service", service.Migrate))
	var behind *service.BehindError
	if !errors.As(err, &behind) || behind.Shard != lost {
		t.Fatalf("opened again: %v", err)
	}
}

// A foreign producer's transaction takes up an offset without a record. The
// shard says so of that offset and goes on.
func TestOffsetWithoutARecord(t *testing.T) {
	_, port := broker(t, t.TempDir(), 0)
	s, err := external(t, t.TempDir(), port, testdb.Database(t, "service", service.Migrate))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, s, fees(0, 5))
	transact(t, port, events.ShardOf([]byte(market), 8))
	if got := publish(t, s, fees(5, 5)); got[ledger.Posted] != 5 {
		t.Errorf("behind the transaction: %v", got)
	}
	audit := verify(t, s, true)
	if !audit.OK || audit.Transfers != 10 {
		t.Errorf("%+v", audit)
	}
}

// transact writes one committed and one aborted record as a foreign producer.
func transact(t *testing.T, port, shard int) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(fmt.Sprintf("127.0.0.1:%d", port)), kgo.TransactionalID("foreign"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, how := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: service.Topic, Partition: int32(shard), Value: []byte("{}")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := c.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
}

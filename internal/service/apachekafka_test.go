package service_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/events"
	"socho/internal/devstack/apachekafka"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/kafka"
	"socho/internal/service"
	"socho/ledger"
)

// apacheKafka starts three real brokers, or skips the test and says why.
func apacheKafka(t *testing.T, users map[string]string) *apachekafka.Cluster {
	t.Helper()
	if os.Getenv("SOCHO_TEST_KAFKA") == "" {
		t.Skip("SKIPPED, nothing was tested on Apache Kafka: make test-kafka does, with jars through Maven")
	}
	jars, err := apachekafka.Jars(t.Context())
	if err != nil {
		t.Skipf("SKIPPED, nothing was tested on Apache Kafka: %v", err)
	}
	c, err := apachekafka.Start(t.Context(), apachekafka.Options{Dir: testdb.Dir(t), Jars: jars, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// onApacheKafka opens a working service on a cluster, with eight partitions: as
// many as the cluster leads soon.
func onApacheKafka(t *testing.T, o service.Options, admin []string) *service.Service {
	t.Helper()
	c := kafka.New(admin, kafka.Options{MinInSync: 2})
	defer c.Close() //nolint:errcheck // it holds nothing
	if _, err := c.EnsureTopic(t.Context(), service.Topic, 8, 3); err != nil {
		t.Fatal(err)
	}
	o.Data, o.Own = t.TempDir(), true
	o.Database = testdb.Database(t, "service", service.Migrate)
	s, err := service.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // closed twice where the test closes it
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// pour publishes n bills, some at a time, until all are acknowledged: what an
// office does that publishes its file again after a fault. between is called
// once, when half are.
func pour(t *testing.T, s *service.Service, n int, between func()) {
	t.Helper()
	const some = 50
	for from := 0; from < n; from += some {
		if from == n/2/some*some {
			between()
		}
		for try := 1; ; try++ {
			_, err := s.Publish(t.Context(), strings.NewReader(fees(from, some)), intake.Options{Actor: "test"})
			if err == nil {
				break
			}
			if try == 20 {
				t.Fatalf("bills from %d on: %v", from, err)
			}
			t.Logf("bills from %d on, again: %v", from, err)
		}
	}
}

// postedOnce checks that each of n bills was posted once, and that a replay of
// the log gives the same tables.
func postedOnce(t *testing.T, s *service.Service, n int) {
	t.Helper()
	if err := s.WaitForLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts := map[ledger.Status]int{}
	audit := verify(t, s, true)
	if !audit.OK || audit.Transfers != int64(n) {
		t.Errorf("%d transfers of %d bills; %v, %+v", audit.Transfers, n, counts, audit.Problems)
	}
}

// leader is the broker that leads the market's shard.
func leader(t *testing.T, c *apachekafka.Cluster) int {
	t.Helper()
	k := kafka.New(c.Addrs(), kafka.Options{})
	defer k.Close() //nolint:errcheck // it holds nothing
	port, err := k.LeaderPort(t.Context(), service.Topic, events.ShardOf([]byte(market), 8))
	if err != nil {
		t.Fatal(err)
	}
	return c.Node(port)
}

// The broker that leads the shard is killed while facts come in: another takes
// over, nothing that was acknowledged is lost, nothing is posted twice.
func TestApacheKafkaLeaderKilledUnderLoad(t *testing.T) {
	c := apacheKafka(t, nil)
	s := onApacheKafka(t, service.Options{Kafka: c.Addrs()}, c.Addrs())
	n, killed := 2000, 0
	if testing.Short() {
		n = 500
	}
	pour(t, s, n, func() {
		killed = leader(t, c)
		c.Kill(killed)
	})
	postedOnce(t, s, n)
	if now := leader(t, c); now == killed || now == 0 {
		t.Errorf("broker %d leads, %d was killed", now, killed)
	}
	if err := c.StartBroker(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	if got := publish(t, s, fees(n, 5)); got[ledger.Posted] != 5 {
		t.Errorf("with the third broker back: %v", got)
	}
}

// Every broker is restarted in turn, as for an upgrade, while facts come in.
func TestApacheKafkaRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	c := apacheKafka(t, nil)
	s := onApacheKafka(t, service.Options{Kafka: c.Addrs()}, c.Addrs())
	var rolling sync.WaitGroup
	failed := make(chan error, 3)
	rolling.Go(func() {
		for node := 1; node <= 3; node++ {
			c.StopBroker(node)
			if err := c.StartBroker(t.Context(), node); err != nil {
				failed <- err
				return
			}
			time.Sleep(2 * time.Second) // its replicas catch up
		}
	})
	pour(t, s, 3000, func() {})
	rolling.Wait()
	close(failed)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	postedOnce(t, s, 3000)
}

// One of three brokers is enough to lose the quorum of writers: with two gone
// nothing is acknowledged, and what was is not lost.
func TestApacheKafkaWithoutQuorumAcknowledgesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	c := apacheKafka(t, nil)
	s := onApacheKafka(t, service.Options{Kafka: c.Addrs()}, c.Addrs())
	publish(t, s, fees(0, 10))
	c.Kill(1)
	c.Kill(2)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	report, err := s.Publish(ctx, strings.NewReader(fees(10, 10)), intake.Options{Actor: "test"})
	if err == nil || report.Published != 0 {
		t.Errorf("%d acknowledged by one broker of three, %v", report.Published, err)
	}
	for node := 1; node <= 2; node++ {
		if err := c.StartBroker(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	pour(t, s, 50, func() {})
	postedOnce(t, s, 50)
}

// Over TLS and SCRAM, with ACLs under which only intake may write.
func TestApacheKafkaOnlyIntakeMayWrite(t *testing.T) {
	c := apacheKafka(t, map[string]string{"intake": "mat-khau-1", "auditor": "mat-khau-2"})
	admin := kafka.New(c.Addrs(), kafka.Options{})
	defer admin.Close() //nolint:errcheck // it holds nothing
	if err := admin.Allow(t.Context(), service.Topic, "intake", "auditor"); err != nil {
		t.Fatal(err)
	}
	as := func(user, password string) service.Options {
		return service.Options{Kafka: c.SecureAddrs(), KafkaTLS: c.TLS(), KafkaUser: user, KafkaPassword: password}
	}
	s := onApacheKafka(t, as("intake", "mat-khau-1"), c.Addrs())
	if got := publish(t, s, fees(0, 5)); got[ledger.Posted] != 5 {
		t.Fatalf("%v", got)
	}
	shard := events.ShardOf([]byte(market), 8)
	auditor := kafka.New(c.SecureAddrs(), kafka.Options{TLS: c.TLS(), User: "auditor", Password: "mat-khau-2", RetryFor: 3 * time.Second})
	defer auditor.Close() //nolint:errcheck // it holds nothing
	if _, err := auditor.ReadAt(t.Context(), service.Topic, shard, 0); err != nil {
		t.Errorf("the auditor may not read: %v", err)
	}
	forged := []kafka.Message{{Key: []byte(market), Value: []byte("{}")}}
	if base, err := auditor.Produce(t.Context(), service.Topic, shard, forged); err == nil {
		t.Errorf("the auditor wrote record %d", base)
	}
	stranger := kafka.New(c.SecureAddrs(), kafka.Options{TLS: c.TLS(), User: "intake", Password: "sai", RetryFor: 3 * time.Second})
	defer stranger.Close() //nolint:errcheck // it holds nothing
	if _, err := stranger.ReadAt(t.Context(), service.Topic, shard, 0); err == nil {
		t.Error("a wrong password lets in")
	}
	naked := kafka.New(c.SecureAddrs(), kafka.Options{RetryFor: 3 * time.Second})
	defer naked.Close() //nolint:errcheck // it holds nothing
	if _, err := naked.ReadAt(t.Context(), service.Topic, shard, 0); err == nil {
		t.Error("without TLS and password it lets in")
	}
	audit := verify(t, s, true)
	if !audit.OK || audit.Transfers != 5 {
		t.Errorf("%+v", audit)
	}
}

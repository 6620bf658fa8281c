package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/kafka"
	"socho/internal/service"
)

// TestTakeoverAfterKill: two processes share a ledger; the one that has the
// market's shard is killed with signal 9 while facts come in. The other goes
// on, nothing is lost, nothing is posted twice. How long nothing was posted is
// logged.
func TestTakeoverAfterKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	log, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(testdb.Dir(t)), kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	data, database := t.TempDir(), testdb.Database(t, "service", service.Migrate)
	k := kafka.New(log.ListenAddrs(), kafka.Options{})
	if _, err := k.EnsureTopic(t.Context(), service.Topic, 8, 1); err != nil {
		t.Fatal(err)
	}
	k.Close() //nolint:errcheck // it holds nothing
	s, err := service.Open(t.Context(), service.Options{Data: data, Database: database, Kafka: log.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	processes := map[int]*exec.Cmd{}
	for range 2 {
		p := startServer(t, data, "--database", database, "--kafka", strings.Join(log.ListenAddrs(), ","))
		processes[p.Process.Pid] = p
	}
	const org = "hg-cho-1"
	shard := fmt.Sprintf("shard:%d", events.ShardOf([]byte(org), 8))
	holder := func() int {
		leases, err := s.DB.Leases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return leases[shard].PID
	}
	waitFor(t, "both processes hold tasks", func() bool {
		leases, err := s.DB.Leases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pids := map[int]bool{}
		for _, p := range leases {
			pids[p.PID] = true
		}
		return len(pids) == 2 && processes[leases[shard].PID] != nil
	})

	// Facts of the one shard come in all the while.
	ctx, stop := context.WithCancel(t.Context())
	var published atomic.Int64
	poured := make(chan error, 1)
	go func() {
		for n := 0; ctx.Err() == nil; n += 200 {
			var b strings.Builder
			for i := n; i < n+200; i++ {
				fmt.Fprintf(&b, `{"specversion":"1.0","id":"f%d","source":"urn:test","type":"vn.socho.market.fee_assessed.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p%d","bill":"b%d","stall":"A1","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}]}}`+"\n", i, org, i%50, i)
			}
			report, err := s.Publish(t.Context(), strings.NewReader(b.String()), intake.Options{Actor: "test"})
			if err != nil {
				poured <- err
				return
			}
			published.Add(int64(report.Published))
		}
		poured <- nil
	}()
	at := func() int64 {
		heads, err := s.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return heads[events.ShardOf([]byte(org), 8)].NextOffset
	}
	waitFor(t, "facts are posted", func() bool { return at() > 1000 })
	first := processes[holder()]
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed, last := time.Now(), at()
	first.Wait() //nolint:errcheck // killed
	waitFor(t, "the other goes on", func() bool { return at() > last })
	t.Logf("nothing was posted for %s", time.Since(killed).Round(10*time.Millisecond))
	if holder() == first.Process.Pid {
		t.Error("a dead process holds the shard")
	}
	time.Sleep(time.Second)
	stop()
	if err := <-poured; err != nil {
		t.Fatal(err)
	}
	if err := s.WaitForLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	audit, err := s.Verify(t.Context(), false, true, nil)
	if err != nil || !audit.OK || audit.Transfers != published.Load() {
		t.Errorf("%d published; %+v, %v", published.Load(), audit, err)
	}
	for _, p := range processes {
		if p != first {
			p.Process.Signal(os.Interrupt) //nolint:errcheck // the wait tells
			if err := p.Wait(); err != nil {
				t.Errorf("socho run did not end well: %v", err)
			}
		}
	}
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

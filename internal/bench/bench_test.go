package bench

import (
	"os"
	"slices"
	"testing"
	"time"

	"socho/events"
	"socho/ledger"
)

// TestPayments: what is published are events of the log's own form, and each
// payment is posted as one transfer, the hot account in half of them.
func TestPayments(t *testing.T) {
	for _, l := range []Load{
		{Shards: 8, Accounts: 1000, Payments: 4000},
		{Shards: 8, Accounts: 3, Payments: 4000, RandomIDs: true},
		{Shards: 3, Accounts: 100, Payments: 4000, Hot: true},
	} {
		book := ledger.NewBook(l.Shards)
		posted, hot, ids := 0, 0, map[string]bool{}
		for shard, s := range streams(l) {
			opened := func(n int) *events.Count { c := events.Count(n); return &c }
			var values [][]byte
			var keys []string
			add := func(key string, value []byte) { keys, values = append(keys, key), append(values, value) }
			for i, f := range []events.Fact{
				&events.ShardOpened{Ledger: "test", Format: opened(ledger.Format), Shard: opened(shard), Shards: opened(l.Shards)},
				&events.RulesActivated{RuleSet: opened(ledger.LatestRuleSet)},
			} {
				e := events.Envelope{ID: events.EventID([]string{"a", "b"}[i]), Source: "urn:test", Type: events.Type([]string{"shard.opened", "shard.rules_activated"}[i]),
					Subject: events.ShardSubject(shard), Time: "2026-09-01T00:00:00Z"}
				value, err := events.New(e, f)
				if err != nil {
					t.Fatal(err)
				}
				add(e.Subject, value)
			}
			for range s.opening() {
				add(s.open(nil))
			}
			first := len(values)
			for range s.share(l.Payments) {
				add(s.pay(nil))
			}
			records := make([]events.Record, len(values))
			for i := range values {
				records[i] = events.Record{Shard: shard, Offset: int64(i), Key: []byte(keys[i]), Value: values[i], Headers: stamps(time.Unix(1_800_000_000, 0))}
			}
			batch, err := ledger.Decide(t.Context(), book.Head(shard), records, book)
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range batch.Outcomes {
				if !o.Status.Accepted() || o.Code != "" {
					t.Fatalf("%s: %s %s %s", values[i], o.Status, o.Code, o.Detail)
				}
				ids[o.EventID] = true
				if i < first {
					continue
				}
				posted += len(batch.Transfers[i])
				if batch.Transfers[i][0].Debit == "cash:collector:nv-01" && o.Organization == s.markets[0] && s.hot {
					hot++
				}
			}
			if want := len(batch.Outcomes) - first; want != s.share(l.Payments) {
				t.Errorf("shard %d: %d payments", shard, want)
			}
		}
		if posted != l.Payments {
			t.Errorf("%d transfers of %d payments", posted, l.Payments)
		}
		if share := hot * 100 / posted; l.Hot && (share < 48 || share > 60) {
			t.Errorf("the hot account is in %d of %d transfers", hot, posted)
		}
		if len(ids) < posted {
			t.Errorf("%d ids of %d payments", len(ids), posted)
		}
	}
}

// TestIDsByTime: event ids of a shard ascend where they are asked to.
func TestIDsByTime(t *testing.T) {
	s := streams(Load{Shards: 1, Accounts: 10, Payments: 100, Began: 1_788_000_000_000})[0]
	var all []string
	for range 100 {
		all = append(all, string(s.id(nil)))
	}
	if !slices.IsSorted(all) || all[0][14] != '7' {
		t.Errorf("%v", all)
	}
}

func TestLatencies(t *testing.T) {
	looks := []seen{{10, []int64{5, 0}}, {20, []int64{7, 0}}, {30, []int64{9, 4}}}
	acks := []ack{
		{Shard: 0, Base: 4, N: 4, At: 12}, // one seen before the acknowledgement, two at 20, one at 30
		{Shard: 1, Base: 3, N: 2, At: 25}, // one at 30, one never
	}
	if got, want := latencies(acks, looks), []time.Duration{0, 5, 8, 8, 18}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if percentile(latencies(acks, looks), 50) != nil {
		t.Error("a percentile of five")
	}
}

// TestProc: this process has used some time and memory, where there is a /proc.
func TestProc(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	for began := time.Now(); time.Since(began) < 50*time.Millisecond; {
		_ = slices.Repeat([]int{1}, 100)
	}
	if us, ok := family(os.Getpid()); !ok || us <= 0 {
		t.Errorf("processor: %v %v", us, ok)
	}
	if mb, ok := resident(os.Getpid()); !ok || mb < 1 {
		t.Errorf("memory: %v %v", mb, ok)
	}
	if _, ok := processor(1<<30, true); ok {
		t.Error("a process that there is not")
	}
}

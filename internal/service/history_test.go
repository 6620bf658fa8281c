package service_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

// Balances and transfers of the past, by position, by time and by day, against
// sums over all transfers.
func TestThePast(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range 300 {
		org := fmt.Sprintf("cho-%d", r.IntN(5))
		day := fmt.Sprintf("2026-%02d-%02d", 1+r.IntN(9), 1+r.IntN(28))
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"f%d","source":"urn:test","type":"vn.socho.market.fee_assessed.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"%s","person":"p1","bill":"b%d","stall":"A%d","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"%d"}]}}`+"\n", i, org, day, i, r.IntN(3), 1000+r.IntN(9000))
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"p%d","source":"urn:test","type":"vn.socho.market.payment_received.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"%s","bill":"b%d","amount":"%d","currency":"VND","method":"cash","collector":"c1"}}`+"\n", i, org, day, i, 1+r.IntN(12000))
		if i%50 == 49 {
			publish(t, s, b.String())
			b.Reset()
			time.Sleep(5 * time.Millisecond) // so that times differ
		}
	}
	// Some of it is summed up, in stretches of different length.
	for i, stretch := range []int64{7, 16, 7, 33, 7, 7, 11} {
		if moved, err := s.DB.SumHistory(t.Context(), stretch); err != nil || !moved {
			t.Fatalf("stretch %d: %v %v", i, moved, err)
		}
	}
	type moved struct {
		ledger.Transfer
		shard  int
		offset int64
		at     time.Time
	}
	var all []moved
	var times []time.Time
	heads := mustHeads(t, s)
	for shard, head := range heads {
		at := map[int64]time.Time{}
		if err := s.DB.Outcomes(t.Context(), shard, 0, head.NextOffset, func(o *ledger.Outcome) error {
			at[o.Offset] = o.RecordedAt
			times = append(times, o.RecordedAt)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.DB.Transfers(t.Context(), shard, 0, head.NextOffset, func(offset int64, x ledger.Transfer) error {
			all = append(all, moved{x, shard, offset, at[offset]})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(as postgres.AsOf, prefix string) {
		t.Helper()
		want, postings := map[string]*big.Int{}, map[string]int{}
		for _, x := range all {
			if next, ok := as.Position[x.shard]; ok && x.offset >= next {
				continue
			}
			if (!as.Time.IsZero() && x.at.After(as.Time)) || (as.Effective != "" && x.EffectiveOn > as.Effective) {
				continue
			}
			for sign, path := range map[int64]string{1: x.Debit, -1: x.Credit} {
				name := x.Organization + ":" + path
				if strings.HasPrefix(name, prefix) {
					if want[name] == nil {
						want[name] = new(big.Int)
					}
					want[name].Add(want[name], big.NewInt(sign*x.Amount.Minor()))
					postings[name]++
				}
			}
		}
		got := map[string]string{}
		var names []string
		if err := s.DB.Balances(t.Context(), prefix, as, func(b postgres.Balance) error {
			got[b.Account], names = b.Balance, append(names, b.Account)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || !slices.IsSorted(names) {
			t.Errorf("%+v %s: %d accounts instead of %d, sorted %v", as, prefix, len(got), len(want), slices.IsSorted(names))
		}
		for name, sum := range want {
			if got[name] != money.FormatSigned(sum, "VND") {
				t.Errorf("%+v %s: %s instead of %s", as, name, got[name], sum)
			}
		}
		for name := range want {
			n := 0
			if err := s.DB.Postings(t.Context(), name, as, func(postgres.Posting) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			if n != postings[name] {
				t.Errorf("%+v %s: %d transfers instead of %d", as, name, n, postings[name])
			}
			if len(want) > 5 && r.IntN(3) > 0 {
				break
			}
		}
	}
	ask(postgres.AsOf{}, "cho-")
	for range 40 {
		as := postgres.AsOf{}
		if r.IntN(2) == 0 {
			as.Position = map[int]int64{}
			for shard, head := range heads {
				if r.IntN(3) > 0 {
					as.Position[shard] = r.Int64N(head.NextOffset + 2)
				}
			}
		}
		if r.IntN(3) == 0 {
			as.Time = times[r.IntN(len(times))].Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
		}
		if r.IntN(2) == 0 {
			as.Effective = events.Date(fmt.Sprintf("2026-%02d-%02d", 1+r.IntN(9), 1+r.IntN(28)))
		}
		ask(as, []string{"cho-", "cho-1:", "cho-2:stall:A1:receivable", "", "cho-3:cash:collector:c1", "none:"}[r.IntN(6)])
	}
}

package bench

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"socho/projections"
)

// seen is where the ledger stood at a moment: what had been committed when the
// database was asked.
type seen struct {
	at   int64 // unix nanoseconds, after the answer
	next []int64
}

// latencies returns, for each acknowledged record, how long after its
// acknowledgement it was first seen committed. Records that were never seen are
// left out.
func latencies(acks []ack, looks []seen) []time.Duration {
	var all []time.Duration
	for _, a := range acks {
		from := a.Base
		for from < a.Base+int64(a.N) {
			// The first look that has this record; it may have more of the request.
			i := sort.Search(len(looks), func(i int) bool { return looks[i].next[a.Shard] > from })
			if i == len(looks) {
				break
			}
			took := max(0, time.Duration(looks[i].at-a.At)) // committed before we heard of the acknowledgement
			for to := min(looks[i].next[a.Shard], a.Base+int64(a.N)); from < to; from++ {
				all = append(all, took)
			}
		}
	}
	slices.Sort(all)
	return all
}

// percentile returns that part of sorted durations in milliseconds, null where
// there are fewer than 100.
func percentile(sorted []time.Duration, percent int) *float64 {
	if len(sorted) < 100 {
		return nil
	}
	at := sorted[min(len(sorted)-1, len(sorted)*percent/100)]
	return rounded(float64(at)/float64(time.Millisecond), 2)
}

// latency publishes at a steady rate and notes when each payment was seen
// committed.
func (r *run) latency(ctx context.Context, report *Report) error {
	n := min(max(r.Events/4, latencyLeast), latencyMost)
	r.say("latency: %d payments at %d a second", n, LatencyRate)
	var looks []seen
	var a answer
	err := r.remember(func() error {
		watched, stop := context.WithCancel(ctx)
		var watching sync.WaitGroup
		watching.Go(func() {
			for {
				s, err := r.look(watched)
				if err != nil || sleep(watched, look) != nil {
					return
				}
				looks = append(looks, s)
			}
		})
		var err error
		a, err = r.publish(ctx, task{Payments: n, Rate: LatencyRate})
		stop()
		watching.Wait()
		if err != nil {
			return err
		}
		r.expect(a)
		_, err = r.posted(ctx, func(s seen) { looks = append(looks, s) })
		return err
	})
	if err != nil {
		return err
	}
	r.published += n
	all := latencies(a.Acks, looks)
	report.LatencyMS = Latency{P50: percentile(all, 50), P99: percentile(all, 99), Rate: rounded(perSecond(int64(n), time.Duration(a.TookNS)), 0)}
	return projections.CaughtUp(ctx, r.read, r.payments, projections.All()...)
}

package bench

import (
	"slices"
	"sort"
	"time"
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

package projections_test

import (
	"testing"

	"socho/projections"
	"socho/projections/projtest"
)

// BenchmarkFold folds a small province with every projection; an op is one
// accepted record.
func BenchmarkFold(b *testing.B) {
	log := projtest.New(b, 1)
	log.Province(7, 4, 30)
	accepted := log.Accepted(0)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		for _, p := range projections.All() {
			var c projections.Changes
			for i := range min(len(accepted), b.N-done) {
				p.Fold(&c, &accepted[i])
			}
		}
		done += len(accepted)
	}
}

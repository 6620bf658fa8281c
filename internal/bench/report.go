package bench

import (
	"context"
	"fmt"
	"math"
	"time"
)

// check holds the run to its claim: every payment that was published is posted,
// as one transfer.
func (r *run) check(ctx context.Context) error {
	var records, posted, transfers int
	shards, offsets := make([]int16, 0, r.shards), make([]int64, 0, r.shards)
	for shard, next := range r.base {
		shards, offsets = append(shards, int16(shard)), append(offsets, next)
	}
	err := r.pool.QueryRow(ctx, `
		WITH o AS (SELECT o.* FROM unnest($1::smallint[], $2::bigint[]) AS x(s, f) JOIN ledger.outcomes o ON o.shard = x.s AND o.log_offset >= x.f),
			t AS (SELECT FROM unnest($1::smallint[], $2::bigint[]) AS x(s, f) JOIN ledger.transfers t ON t.shard = x.s AND t.log_offset >= x.f)
		SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM o WHERE status = 1 AND code = ''), (SELECT count(*) FROM t)`,
		shards, offsets).Scan(&records, &posted, &transfers)
	if err != nil {
		return err
	}
	if expected := r.published - r.History; records != expected || posted != expected || transfers != expected {
		return fmt.Errorf("%d payments were published, %d decided, %d posted without remark, in %d transfers", expected, records, posted, transfers)
	}
	return nil
}

func (r *run) report(rounds []round) *Report {
	out := &Report{Events: r.Events, Rounds: len(rounds), Accounts: r.Accounts, History: r.History, Hot: r.Hot, IDs: "time", Broker: "embedded"}
	if r.server != nil {
		out.Broker = "kafka"
	}
	if r.RandomIDs {
		out.IDs = "random"
	}
	var took, projected time.Duration
	per := func(of func(round) float64) *float64 {
		sum := 0.0
		for _, one := range rounds {
			sum += of(one)
		}
		return rounded(sum/float64(r.Events), 2)
	}
	var lag time.Duration
	batches := 0.0
	for _, one := range rounds {
		took, projected = took+one.took, projected+one.took+one.lag
		lag = max(lag, one.lag)
		batches += float64(one.payments) / one.batch
	}
	out.TransfersPerS = *rounded(perSecond(int64(r.Events), took), 0)
	out.ProjectedPerS = rounded(perSecond(int64(r.Events), projected), 0)
	out.YardstickRowsPerS = *rounded(r.yardstick.ordinary.rate(), 0)
	out.PreparedRowsPerS = rounded(r.yardstick.prepared.rate(), 0)
	out.FloorTransfersPerS = *rounded(r.floor.rate(), 0)
	out.Ratio = rounded(out.TransfersPerS/out.YardstickRowsPerS, 3)
	out.FloorRatio = rounded(out.TransfersPerS/out.FloorTransfersPerS, 3)
	out.ProjectionLagS = rounded(lag.Seconds(), 3)
	out.CPUusPerTransfer = CPU{Service: per(func(o round) float64 { return o.service }), Postgres: per(func(o round) float64 { return o.postgres })}
	out.PublisherCPUus = per(func(o round) float64 { return o.publisher })
	out.WALBytesPerTransfer = per(func(o round) float64 { return o.wal })
	out.EventBytes = per(func(o round) float64 { return float64(o.bytes) })
	out.BatchRecords = rounded(float64(r.Events)/batches, 0)
	return out
}

// rounded is a number with so many decimals, null where it is none.
func rounded(x float64, decimals int) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	scale := math.Pow10(decimals)
	x = math.Round(x*scale) / scale
	return &x
}

func perSecond(n int64, took time.Duration) float64 {
	if took <= 0 {
		return math.NaN()
	}
	return float64(n) / took.Seconds()
}

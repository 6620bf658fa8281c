// Package bench measures how many payments a second the whole service posts,
// beside what the same machine does with bare rows, in one run.
//
// Three processes work: the service (`socho run` as it is, with a broker and a
// PostgreSQL of its own in a temporary folder), a publisher that appends
// payments to the log while the service works, and the one that measures. The
// run goes in rounds, so that a machine that becomes slower or faster does so
// for all three figures alike:
//
//	yardstick   bare rows by binary COPY, two connections: what the disk and
//	            PostgreSQL of this machine give
//	service     publisher → broker → decode → claim, rule, limits → leaf → one
//	            durable transaction, projections folding behind it
//	floor       decided batches written from memory by the service's own
//	            writer: what its tables cost without everything before them
//
// Then latency at a steady rate, in a phase of its own.
//
// Pages measures something else: what people meet with who go about in the
// sample province, from another process, while payments are posted.
//
// A worked example, as cmd/socho has it:
//
//	report, err := bench.Run(ctx, bench.Options{Events: 500_000, Accounts: 10_000,
//		Service: serve, Publisher: publish, Progress: os.Stderr})
//	fmt.Println(report.TransfersPerS, *report.Ratio)
//
// The publisher writes prepared records in the form that intake gives them
// (canonical bytes, key, stamps) and skips intake itself, which would share the
// two cores with what is measured. Nothing else is left out.
package bench

import (
	"fmt"
	"io"
	"os/exec"
)

// Options say what is measured.
type Options struct {
	Events    int    // payments of the measured rounds, at least 1
	Accounts  int    // bills that they pay, each an account; at least 1
	History   int    // payments posted before the first round
	Hot       bool   // one collector's account is in half of all transfers
	RandomIDs bool   // event ids without order (UUIDv4) instead of by time (UUIDv7)
	Profile   string // folder for one CPU profile of the service per round; empty: none

	// Kafka is brokers to use in place of the embedded one: a cluster of Apache
	// Kafka without a ledger on it. Its processor time is in no figure.
	Kafka []string

	// Service makes the process that runs the service on a data folder, prints
	// `ready …` and ends when its standard input does. Lines on it are Orders.
	// Where Kafka is given, it works on that and on the database.
	Service func(dir, database string) *exec.Cmd
	// Key makes the process that makes the ledger's signing key, which a service
	// does not do by itself beside Kafka; the log is published with it.
	Key func(dir, database string) *exec.Cmd
	// Publisher makes the process that runs Publish on its standard input and
	// output.
	Publisher func() *exec.Cmd
	// Progress is told, a line each, what is being done. May be nil.
	Progress io.Writer
}

// check refuses what cannot be measured.
func (o *Options) check() error {
	switch {
	case o.Events < 1 || o.Events > MaxEvents:
		return fmt.Errorf("events: expected 1 to %d", MaxEvents)
	case o.Accounts < 1 || o.Accounts > MaxAccounts:
		return fmt.Errorf("accounts: expected 1 to %d", MaxAccounts)
	case o.History < 0 || o.History > MaxEvents:
		return fmt.Errorf("history: expected 0 to %d", MaxEvents)
	}
	return nil
}

// Bounds of a run.
const (
	MaxEvents   = 100_000_000
	MaxAccounts = 10_000_000
)

// Report is what a run found. A field is null where this machine gives no
// answer; none is ever guessed.
type Report struct {
	Events              int      `json:"events"`                        // payments of the measured rounds, all of them posted
	TransfersPerS       float64  `json:"transfers_per_s"`               // from the first publish to the last commit of each round
	YardstickRowsPerS   float64  `json:"yardstick_rows_per_s"`          // bare rows
	Ratio               *float64 `json:"ratio"`                         // transfers over yardstick rows
	FloorTransfersPerS  float64  `json:"floor_transfers_per_s"`         // the service's own writes from memory
	FloorRatio          *float64 `json:"floor_ratio"`                   // transfers over floor transfers
	LatencyMS           Latency  `json:"latency_ms"`                    // publish acknowledged → committed, at LatencyRate
	ProjectionLagS      *float64 `json:"projection_lag_s"`              // last commit of a round → last projection there; the longest of the rounds
	CPUusPerTransfer    CPU      `json:"cpu_us_per_transfer"`           // of the rounds, until projections are there
	RSSMB               *float64 `json:"rss_mb"`                        // most that the service (with the embedded broker) held resident, MiB
	PreparedRowsPerS    *float64 `json:"yardstick_prepared_rows_per_s"` // the yardstick where the rows' bytes are made by hand instead of by pgx
	ProjectedPerS       *float64 `json:"projected_per_s"`               // as TransfersPerS, but until projections are there
	PublisherCPUus      *float64 `json:"publisher_cpu_us"`              // of the publishing process, per transfer
	WALBytesPerTransfer *float64 `json:"wal_bytes_per_transfer"`        // PostgreSQL's, of the rounds
	BatchRecords        *float64 `json:"batch_records"`                 // mean of a transaction; the floor's batches are as large
	EventBytes          *float64 `json:"event_bytes"`                   // mean of a record's value
	Broker              string   `json:"broker"`                        // embedded or kafka
	Rounds              int      `json:"rounds"`                        // interleaved
	Accounts            int      `json:"accounts"`                      // bills
	History             int      `json:"history"`                       // payments posted beforehand
	Hot                 bool     `json:"hot"`                           // one account in half of all transfers
	IDs                 string   `json:"ids"`                           // time or random
}

// Latency is how long payments took from the acknowledgement of their publish
// to their commit, in milliseconds; null where too few were measured.
type Latency struct {
	P50  *float64 `json:"p50"`
	P99  *float64 `json:"p99"`
	Rate *float64 `json:"rate"` // that the publisher held, a second; LatencyRate is asked for
}

// CPU is processor time per transfer in microseconds, all cores together.
type CPU struct {
	Service  *float64 `json:"service"` // with the embedded broker, where it is that
	Postgres *float64 `json:"postgres"`
}

// Order is one line on the service's standard input.
type Order struct {
	Profile string `json:"profile,omitempty"` // begin a CPU profile into this file
	Stop    bool   `json:"stop,omitempty"`    // end it
}

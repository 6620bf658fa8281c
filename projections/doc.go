// Package projections turns accepted facts into what people look at: figures
// of adoption, bills, payouts, the collection board, and the trace that leads
// from each of them back to the events behind it.
//
// A fold takes one accepted record and says what changes; it keeps nothing
// between records. Changes are either rows that are only ever added, sums that
// are added to, or rows where the later position wins, and every key begins
// with an organization, which lives in exactly one shard. So shards can be
// folded in any order, in any batches, by any number of workers, and give the
// same rows; a rebuild gives the same rows as well.
//
// The package is pure but for Runner, which moves batches from a Source to a
// Store, both interfaces. It must never know a database, a broker, HTTP or the
// clock, and no amount or rate in it is ever a float.
//
// One worked example, without any server:
//
//	accepted, err := projections.Accept(records, batch)   // what the ledger accepted
//	var c projections.Changes
//	for i := range accepted {
//		projections.FoldAdoption(&c, &accepted[i])
//	}
//	figures, err := projections.Evaluate(c.Facts, projections.Query{Domain: "benefits", Period: "2026-09"})
//	*figures[0].Rate                                      // "86.2"
//
// Evaluate is the only definition of a published figure: pages, commands and
// an outsider who starts from the raw log all come through it.
package projections

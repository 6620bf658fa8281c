// Package simulation plays load and faults against the real service and finds
// out whether the ledger is still right. Everything follows from a seed: what is
// published, which faults strike and in which order.
//
// Nothing in the service knows of it. Faults strike on the wire: an instance of
// the service talks to PostgreSQL and to the broker through connections that can
// be cut, frozen and delayed, and that understand just enough of the two
// protocols to act at a durable step: a COMMIT that is not passed on, or passed
// on and its answer lost; records that are on the log and never acknowledged;
// SQLSTATE 53100 in place of a COPY. Others damage the broker's files while it is
// down, put an older copy of the database in its place, or kill real processes.
//
// Afterwards each acknowledged fact must be on the log where it was said to be,
// and have one outcome: the one its author knew it would have, and the one that
// an auditor works out from the raw log, who shares no code with the ledger
// (package auditor). Sums are zero, accounts and transfers agree with the
// auditor's, a replay gives the same tables and roots, and the projections are
// those that folding everything again gives. While a shard's log is damaged, it
// must stand still, say why, and move nothing.
//
//	host, err := simulation.NewHost(ctx)
//	defer host.Close()
//	faults, err := simulation.Named("all", false)
//	result, err := simulation.Run(ctx, host, simulation.Options{Seed: 7, Events: 300, Faults: faults})
//	fmt.Println(result.OK, result.Problems)
//
// A commit that a crash leaves half written to disk is PostgreSQL's own business
// and is not simulated; the host's PostgreSQL syncs nothing. Kills (see Named) run
// real processes on a stack with full durability instead.
package simulation

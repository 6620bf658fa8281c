// Package payouts is the month of a benefit fund: the list is read from a file and
// drawn up, another person approves it, its payouts are ordered and go to the bank
// in batches, and what the bank answers is written down.
//
// Everything that matters is a fact on the log that the ledger decides; the package
// only says facts and reads what came of them. It may be ended at any point and be
// called again: ids of facts follow from what they are about, so saying one twice
// changes nothing. Files never leave here with an error that repeats what stands in
// them.
//
// The package must never know commands, pages or how a service is run.
//
// One worked example; s is a *service.Service:
//
//	p := &payouts.Process{Service: s, DB: s.DB, Read: s.Read, Vault: s.Vault, Log: s.Log, Persons: key, Actor: "cli", …}
//	file, err := payouts.ReadList(f, payouts.Month{Organization: "hg-quy-bao-tro", Programme: "monthly", Period: "2026-10"}, p.Persons)
//	if len(file.Faults) > 0 { … }          // say them all, publish nothing
//	preview, err := p.Preview(ctx, file)   // who joined, who left, what looks doubled
//	taken, err := p.Import(ctx, file)      // the list is open now
//	_, err = p.Propose(ctx, "hg-quy-bao-tro", file.List)
package payouts

// Package ledger turns facts into balanced postings. It is pure: records go in,
// outcomes, transfers and state come out; it knows no clock, broker or
// database. internal/postgres writes what it decides, in one transaction.
//
// A shard's records are decided strictly in order. For each one there is
// exactly one Outcome, whatever the record holds:
//
//	posted      money moved, in one or more balanced transfers
//	recorded    a fact was taken note of, no money moved
//	duplicate   the same fact again
//	conflict    another fact under an id that is taken
//	refused     a decision that a rule or limit forbids, with a code
//	malformed   no event of the catalogue, with the codec's code
//	misrouted   in the wrong partition, or under the wrong key
//
// Limits refuse decisions (a waiver, a payout order), never observations (a
// bank line, cash that changed hands): what cannot be placed goes to suspense
// or to the payer's credit.
//
// One worked example, without any server:
//
//	book := ledger.NewBook(8)                        // an empty ledger in memory
//	batch, err := ledger.Decide(ctx, shard, records, book)
//	batch.Outcomes[0].Status                         // ledger.Posted
//	batch.Entries[0].Transfers[0].Amount             // 26000
//
// Rules are numbered sets (RuleSet). A set that has decided a record is never
// changed: replay decides with the set that was active at that offset.
package ledger

// Package events is the catalogue of facts: what may be said on the log, in
// which words, and how those words become bytes that never change.
//
// A fact is a CloudEvents 1.0 JSON object ("structured mode") whose type is
// vn.socho.<area>.<fact>.v<N>, whose subject is the organization it belongs
// to, and whose data is one of the Go types in this package. The package is
// pure: it knows no clock, broker, database or key, and decoding never panics.
//
// There are two forms of the same fact:
//
//   - as published: personal fields stand in clear in data.personal, beside the
//     opaque data.person (ParsePublished);
//   - as logged: the same object, canonical (RFC 8785), with data.personal
//     replaced by data.sealed, which holds ciphertext only (Decode).
//
// One worked example:
//
//	p, err := events.ParsePublished(line)            // strict; err is an *events.Error with a code
//	value, err := p.Value(seal)                      // canonical bytes, personal fields sealed
//	event, err := events.Decode(value)               // what the ledger reads back
//	fee := event.Fact.(*events.FeeAssessed)
//
// # A new version of a fact
//
// A fact on the log is never rewritten, so a version once published stays in
// the catalogue with its Go type, its schema and its golden files. A fact that
// must say something else gets one version more:
//
//  1. Keep the old type under the name of its version (FeeAssessed becomes
//     FeeAssessedV1, fields untouched) and give the new type the plain name.
//  2. Put fact[FeeAssessedV1]() before fact[FeeAssessed]() in the catalogue,
//     and give the old one its upcast: a pure function from the old fact to the
//     next version's, which may not guess. What the old version did not say
//     gets a value that means "not said". Its result is not checked again.
//  3. Write testdata/golden/<type>.v2.published.json and run the tests of this
//     package with -update: the golden files and the schema of the new version
//     are added, the frozen ones stay.
//  4. Decode hands on the newest version only; Event.Version says which one is
//     on the log. Rules read the new type, and where a rule decides otherwise
//     because of it, that is a new rule set (package ledger): a record decided
//     before must be decided alike on replay.
//
// No field is added to a published version, optional or not: a reader that does
// not know it refuses the fact, and two readers would differ.
//
// What enters a hash or an identity (canonical value, ValueHash, Record.Hash,
// ShardOf) is fixed for the life of every log and held by golden tests.
package events

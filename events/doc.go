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
// What enters a hash or an identity (canonical value, ValueHash, Record.Hash,
// ShardOf) is fixed for the life of every log and held by golden tests.
package events

// Package proof is what lets anybody check the ledger without trusting its
// keeper. Each shard is a transparency log (RFC 6962): leaf n is what was
// decided of the record at offset n (ledger.Leaf). It is published as files:
//
//	checkpoint                     size and root, signed (Checkpoint)
//	tile/<level>/<n>[.p/<width>]   hashes of the tree, 256 a tile
//	tile/entries/<n>[.p/<width>]   the leaves, 256 a bundle
//	records/<n>[.p/<width>]        the raw records behind them: the archive
//
// The first three follow https://c2sp.org/tlog-tiles, checkpoints
// https://c2sp.org/tlog-checkpoint, signatures https://c2sp.org/signed-note and
// witnesses' signatures https://c2sp.org/tlog-cosignature. Hashing and proofs
// are those of golang.org/x/mod/sumdb/tlog.
//
// A Receipt carries one record with its leaf, the way from the leaf to the root
// and the signed checkpoint. Whoever has the public key checks it alone:
//
//	keys, err := proof.ParseKeys(text)           // what socho receipt key prints
//	receipt, err := proof.Verify(file, keys)     // err says what does not hold
//	receipt.Checkpoint.Origin                    // "socho-4K…/shard/3"
//	receipt.Record.Value                         // the fact
//
// The package takes and returns values. It knows no folder, clock, database or
// broker; internal/logpublisher writes the files, through Read they come back.
package proof

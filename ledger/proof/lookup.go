package proof

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
)

// Lookup reads what a receipt of the record at an index is made of from the
// published log: the record, its leaf and its path to the checkpoint's root.
// Errors: an index that the checkpoint does not cover; *DamagedError.
func Lookup(c *Signed, index int64, read Read) (record *events.Record, leaf Leaf, path []tlog.Hash, err error) {
	if path, err = ProveInclusion(c.Checkpoint, index, read); err != nil {
		return nil, leaf, nil, err
	}
	n, width := index>>Height, int(min(Width, c.Size-index>>Height<<Height))
	b, at, err := readPiece(read, func(w int) string { return EntriesPath(n, w) }, width)
	if err != nil {
		return nil, leaf, nil, err
	}
	list, err := ParseEntries(b)
	if err != nil || int64(len(list)) <= index%Width {
		return nil, leaf, nil, damaged(at, "does not hold entry %d", index%Width)
	}
	if leaf, err = ParseLeaf(list[index%Width]); err != nil {
		return nil, leaf, nil, damaged(at, "entry %d %v", index%Width, err)
	}
	if b, at, err = readPiece(read, func(w int) string { return RecordsPath(n, w) }, width); err != nil {
		return nil, leaf, nil, err
	}
	_, all, err := ParseRecords(b)
	if err != nil || int64(len(all)) <= index%Width {
		return nil, leaf, nil, damaged(at, "does not hold record %d", index%Width)
	}
	found := all[index%Width].Record(leaf.Shard, index)
	return &found, leaf, path, nil
}

// Tight is the checkpoint of the log as it was right behind the record at an
// index, and the record's path in it: about half as long, as nothing stood to
// the right of the record yet. It follows from a later checkpoint, so whoever
// signs it signs no other history.
func Tight(later Checkpoint, index int64, read Read) (c Checkpoint, path []tlog.Hash, err error) {
	c = Checkpoint{Origin: later.Origin, Size: index + 1}
	if index < 0 || c.Size > later.Size {
		return c, nil, fmt.Errorf("%s has %d records; there is no record %d", later.Origin, later.Size, index)
	}
	if c.Root, err = RootAt(later, c.Size, read); err != nil {
		return c, nil, err
	}
	path, err = tlog.ProveRecord(c.Size, index, Hashes(later, read))
	return c, path, tilesError(err)
}

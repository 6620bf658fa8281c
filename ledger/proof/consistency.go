package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ForkError reports two checkpoints of one log that cannot both be true: what
// the older stands for is not the beginning of what the newer stands for.
type ForkError struct{ Older, Newer Checkpoint }

func (e *ForkError) Error() string {
	return fmt.Sprintf("%s has two histories: the checkpoint of size %d (root %s) is not the beginning of the one of size %d (root %s). Keep both files: together with their signatures they are the evidence",
		e.Newer.Origin, e.Older.Size, e.Older.Root, e.Newer.Size, e.Newer.Root)
}

// CheckConsistency shows that newer continues older: the first older.Size leaves
// of newer are those of older (RFC 6962, 2.1.2). The tiles are those of newer.
// Errors: *ForkError; other origins; older is the larger; *DamagedError or
// another where tiles are missing or do not belong to newer.
func CheckConsistency(older, newer Checkpoint, read Read) error {
	switch {
	case older.Origin != newer.Origin:
		return fmt.Errorf("the checkpoints are of different logs, %s and %s", older.Origin, newer.Origin)
	case older.Size > newer.Size:
		return fmt.Errorf("%s went back from size %d to %d", older.Origin, older.Size, newer.Size)
	case older.Size == newer.Size && older.Root != newer.Root:
		return &ForkError{older, newer}
	case older.Size == newer.Size:
		return nil
	}
	root, err := RootAt(newer, older.Size, read)
	if err != nil {
		return err
	}
	if root != older.Root {
		return &ForkError{older, newer}
	}
	if older.Size == 0 {
		return nil
	}
	// What RootAt read is the tree of newer, so this cannot fail; it is asserted
	// once more in the way that others check us.
	p, err := tlog.ProveTree(newer.Size, older.Size, Hashes(newer, read))
	if err == nil {
		err = tlog.CheckTree(p, newer.Size, newer.Root, older.Size, older.Root)
	}
	return err
}

var errTiles = errors.New("the tiles do not give the checkpoint's root; run: socho verify")

// RootAt returns the root that the log had at a smaller size, from tiles that
// have been checked against the checkpoint.
func RootAt(c Checkpoint, size int64, read Read) (tlog.Hash, error) {
	if size < 0 || size > c.Size {
		return tlog.Hash{}, fmt.Errorf("%s has %d records, not %d", c.Origin, c.Size, size)
	}
	if size == c.Size {
		return c.Root, nil
	}
	if size == 0 {
		return tlog.TreeHash(0, nil)
	}
	root, err := tlog.TreeHash(size, Hashes(c, read))
	return root, tilesError(err)
}

// ProveInclusion returns the audit path of the leaf at an index in the log of
// the checkpoint (RFC 6962, 2.1.1).
func ProveInclusion(c Checkpoint, index int64, read Read) ([]tlog.Hash, error) {
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("%s has %d records; there is no record %d", c.Origin, c.Size, index)
	}
	p, err := tlog.ProveRecord(c.Size, index, Hashes(c, read))
	return p, tilesError(err)
}

func tilesError(err error) error {
	var d *DamagedError
	if err == nil || errors.As(err, &d) {
		return err
	}
	return fmt.Errorf("%w (%w)", errTiles, err)
}

package proof

import (
	"encoding/binary"
	"errors"
	"math"
)

// MaxEntry is the most that one entry of a bundle can hold, in bytes; a leaf
// takes about a hundred.
const MaxEntry = math.MaxUint16

// AppendEntry adds one leaf to an entry bundle: its length as two big-endian
// bytes, then the leaf (https://c2sp.org/tlog-tiles). Errors: longer than
// MaxEntry.
func AppendEntry(bundle, leaf []byte) ([]byte, error) {
	if len(leaf) > MaxEntry {
		return nil, errors.New("a leaf is longer than an entry bundle can hold")
	}
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(leaf)))
	return append(bundle, leaf...), nil
}

var errEntries = errors.New("is no entry bundle: it ends within an entry")

// ParseEntries cuts an entry bundle into its leaves' bytes.
func ParseEntries(bundle []byte) (leaves [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, errEntries
		}
		n := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+n {
			return nil, errEntries
		}
		leaves = append(leaves, bundle[2:2+n])
		bundle = bundle[2+n:]
	}
	return leaves, nil
}

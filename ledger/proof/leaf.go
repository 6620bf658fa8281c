package proof

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"socho/ledger"
)

// Leaf is what ledger.Leaf writes: what was decided of one record.
type Leaf struct {
	Shard      int
	Offset     int64
	RecordedAt time.Time // UTC, microseconds
	RecordHash ledger.Hash
	RuleSet    int
	Status     ledger.Status // as a number; a newer program may know more
	Code       string
	Transfers  ledger.Hash // ledger.TransfersHash of what moved
}

const leafVersion = 1

// leafFixed is the length of a leaf without its code.
const leafFixed = 1 + 4 + 8 + 8 + 32 + 4 + 1 + 4 + 32

var errLeaf = errors.New("no leaf of version 1")

// Bytes writes the leaf as the log holds it.
func (l *Leaf) Bytes() []byte { return ledger.Leaf(l.outcome(), l.Transfers) }

// Hash is the RFC 6962 leaf hash.
func (l *Leaf) Hash() tlog.Hash { return ledger.LeafHash(l.outcome(), l.Transfers) }

func (l *Leaf) outcome() *ledger.Outcome {
	return &ledger.Outcome{Shard: l.Shard, Offset: l.Offset, RecordedAt: l.RecordedAt, RecordHash: l.RecordHash,
		RuleSet: l.RuleSet, Status: l.Status, Code: l.Code}
}

// ParseLeaf is the inverse of Bytes; nothing may be left over.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) < leafFixed || b[0] != leafVersion {
		return Leaf{}, errLeaf
	}
	l := Leaf{
		Shard:      int(binary.BigEndian.Uint32(b[1:])),
		Offset:     int64(binary.BigEndian.Uint64(b[5:])),
		RecordedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[13:]))).UTC(),
		RecordHash: ledger.Hash(b[21:53]),
		RuleSet:    int(binary.BigEndian.Uint32(b[53:])),
		Status:     ledger.Status(b[57]),
	}
	code := int64(binary.BigEndian.Uint32(b[58:]))
	if code != int64(len(b)-leafFixed) || l.Offset < 0 {
		return Leaf{}, errLeaf
	}
	l.Code = string(b[62 : 62+code])
	l.Transfers = ledger.Hash(b[62+code:])
	return l, nil
}

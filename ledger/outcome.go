package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/internal/money"
)

// Status is what became of a record. The numbers enter the leaf: fixed.
type Status uint8

const (
	Posted    Status = 1
	Recorded  Status = 2
	Duplicate Status = 3
	Conflict  Status = 4
	Refused   Status = 5
	Malformed Status = 6
	Misrouted Status = 7
)

var statusNames = [...]string{"", "posted", "recorded", "duplicate", "conflict", "refused", "malformed", "misrouted"}

// String returns the status's name, as commands and tables show it.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus is the inverse of String.
func ParseStatus(name string) (Status, bool) {
	for i, n := range statusNames {
		if i > 0 && n == name {
			return Status(i), true
		}
	}
	return 0, false
}

// Statuses lists every status in order.
func Statuses() []Status {
	return []Status{Posted, Recorded, Duplicate, Conflict, Refused, Malformed, Misrouted}
}

// Accepted reports whether projections may look at the record.
func (s Status) Accepted() bool { return s == Posted || s == Recorded }

// Hash is SHA-256.
type Hash = [sha256.Size]byte

// Outcome is what the ledger says of one record, for ever.
type Outcome struct {
	Shard        int
	Offset       int64
	RecordedAt   time.Time // UTC, microseconds, never before the record ahead of it
	Organization string    // empty where the record could not be read, likewise below
	Source       string
	EventID      string
	Type         string
	EffectiveOn  events.Date
	Status       Status
	Code         string // of a refusal or malformed input; of a posting, what was unusual
	Detail       string // numbers and ids for people; not part of the leaf
	RuleSet      int    // that decided
	ValueHash    Hash
	RecordHash   Hash
	LeafHash     tlog.Hash
	Claims       bool // this record owns its idempotency key
}

// Transfer moves an amount between two accounts of one organization. Debit and
// Credit are paths; with the organization they name the account.
type Transfer struct {
	Line         int // 0, 1, … within the record
	Organization string
	Debit        string
	Credit       string
	Amount       money.Amount
	Code         string
	EffectiveOn  events.Date
}

// MaxTransfers bounds one record's transfers.
const MaxTransfers = 1000

// TransfersHash is SHA-256 over a record's transfers in line order, account
// names and amounts written out, under the label "socho.transfers.v1". Format
// fixed for ever.
func TransfersHash(transfers []Transfer) Hash {
	var few [512]byte
	b := append(few[:0], "socho.transfers.v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(transfers)))
	for i := range transfers {
		t := &transfers[i]
		b = binary.BigEndian.AppendUint32(b, uint32(t.Line))
		b = appendAccount(b, t.Organization, t.Debit)
		b = appendAccount(b, t.Organization, t.Credit)
		b = appendText(b, string(t.Amount.Currency()))
		b = binary.BigEndian.AppendUint64(b, uint64(t.Amount.Minor()))
		b = appendText(b, t.Code)
		b = appendText(b, string(t.EffectiveOn))
	}
	return sha256.Sum256(b)
}

// appendAccount writes organization:path as one text.
func appendAccount(b []byte, organization, path string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(organization)+1+len(path)))
	b = append(b, organization...)
	b = append(b, ':')
	return append(b, path...)
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// Leaf is the canonical binary that the shard's Merkle log holds for a record:
// version 1, then shard, offset, record time in microseconds since 1970, hash
// of the record, rule set, status, code, hash of the transfers; big-endian.
// Format fixed for ever.
func Leaf(o *Outcome, transfers Hash) []byte { return appendLeaf(make([]byte, 0, 128), o, transfers) }

func appendLeaf(b []byte, o *Outcome, transfers Hash) []byte {
	b = append(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(o.Shard))
	b = binary.BigEndian.AppendUint64(b, uint64(o.Offset))
	b = binary.BigEndian.AppendUint64(b, uint64(o.RecordedAt.UnixMicro()))
	b = append(b, o.RecordHash[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(o.RuleSet))
	b = append(b, byte(o.Status))
	b = appendText(b, o.Code)
	return append(b, transfers[:]...)
}

// LeafHash is the RFC 6962 leaf hash of Leaf.
func LeafHash(o *Outcome, transfers Hash) tlog.Hash {
	var few [160]byte
	return tlog.Hash(sha256.Sum256(appendLeaf(append(few[:0], 0), o, transfers))) // as tlog.RecordHash, in one call
}

// Frontier is the right edge of a shard's Merkle log: the roots of its complete
// subtrees, the largest first. It is all that appending needs.
type Frontier struct {
	Size  int64
	Roots []tlog.Hash
}

// Append adds one leaf hash.
func (f *Frontier) Append(leaf tlog.Hash) {
	for bits := f.Size; bits&1 == 1; bits >>= 1 {
		last := len(f.Roots) - 1
		leaf = tlog.NodeHash(f.Roots[last], leaf)
		f.Roots = f.Roots[:last]
	}
	f.Roots = append(f.Roots, leaf)
	f.Size++
}

// Root returns the RFC 6962 tree hash of the log.
func (f *Frontier) Root() tlog.Hash {
	if len(f.Roots) == 0 {
		return tlog.Hash(sha256.Sum256(nil))
	}
	root := f.Roots[len(f.Roots)-1]
	for i := len(f.Roots) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.Roots[i], root)
	}
	return root
}

// Clone returns a frontier that shares nothing with f.
func (f *Frontier) Clone() Frontier {
	return Frontier{f.Size, append([]tlog.Hash(nil), f.Roots...)}
}

// Bytes returns the roots one after another, as positions hold them.
func (f *Frontier) Bytes() []byte {
	b := make([]byte, 0, len(f.Roots)*tlog.HashSize)
	for _, h := range f.Roots {
		b = append(b, h[:]...)
	}
	return b
}

// FrontierFrom is the inverse of Bytes; ok is false where the number of roots
// does not fit the size.
func FrontierFrom(size int64, b []byte) (f Frontier, ok bool) {
	f.Size = size
	for ; len(b) >= tlog.HashSize; b = b[tlog.HashSize:] {
		f.Roots = append(f.Roots, tlog.Hash(b[:tlog.HashSize]))
	}
	ones := 0
	for n := size; n > 0; n &= n - 1 {
		ones++
	}
	return f, len(b) == 0 && ones == len(f.Roots)
}

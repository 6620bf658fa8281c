package proof

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
)

// Bounds on a receipt's two forms, in bytes.
const (
	MaxJSON    = 4 << 10
	MaxCompact = 1536 // characters of the QR code's text
)

// Receipt proves what was decided of one record: whoever holds it and the
// ledger's public key needs nothing else.
type Receipt struct {
	// Record is the fact, with its key and headers in the order of
	// events.Record.Hash; Shard and Offset are the leaf's. It is nil where the
	// record is too large: the leaf's RecordHash then stands for it.
	Record     *events.Record
	Leaf       Leaf
	Path       []tlog.Hash // from the leaf to the root
	Checkpoint *Signed     // signed by one key of the log, and perhaps by witnesses
}

// New puts a receipt together. Of the checkpoint's signatures the first by the
// log itself is kept, and those of witnesses where witnessed is set; a verifier
// then needs their keys too. The record is left out of the JSON form where it
// does not fit. Errors: parts that do not belong together.
func New(record *events.Record, leaf Leaf, path []tlog.Hash, c *Signed, witnessed bool, keys *Keys) (*Receipt, error) {
	kept := &note.Note{Text: c.Note.Text}
	own := false
	for _, sig := range c.Note.Sigs {
		if keys.logs(sig) && !own || witnessed && !keys.logs(sig) {
			kept.Sigs = append(kept.Sigs, sig)
			own = own || keys.logs(sig)
		}
	}
	slices.SortStableFunc(kept.Sigs, keys.order)
	r := &Receipt{Leaf: leaf, Path: path, Checkpoint: &Signed{c.Checkpoint, kept}}
	if record != nil {
		sorted := sortedHeaders(record)
		r.Record = &sorted
	}
	if err := r.check(keys); err != nil {
		return nil, fmt.Errorf("the receipt of %d:%d: %w", leaf.Shard, leaf.Offset, err)
	}
	return r, nil
}

// order puts the log's signature first and witnesses by name and hash.
func (k *Keys) order(a, b note.Signature) int {
	if x, y := k.logs(a), k.logs(b); x != y {
		if x {
			return -1
		}
		return 1
	}
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return int(int64(a.Hash) - int64(b.Hash))
}

// sortedHeaders copies a record with its headers in the order in which they are
// hashed, so that one fact has one receipt.
func sortedHeaders(r *events.Record) events.Record {
	sorted := *r
	sorted.Headers = slices.Clone(r.Headers)
	slices.SortStableFunc(sorted.Headers, func(a, b events.Header) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if c := bytes.Compare(a.Value, b.Value); c != 0 {
			return c
		}
		return present(a.Value) - present(b.Value) // absent before empty
	})
	return sorted
}

func present(b []byte) int {
	if b == nil {
		return 0
	}
	return 1
}

// Verify reads a receipt in either form and checks all of it: it is written in
// the one way in which receipts are written, the record is the one that the
// leaf names, the leaf is in the log at its place, and every signature on the
// checkpoint is by a listed key and holds. It needs nothing but its arguments.
// The error says what does not hold.
func Verify(text []byte, keys *Keys) (*Receipt, error) {
	compact := bytes.HasPrefix(text, []byte(compactPrefix))
	var r *Receipt
	var err error
	if compact {
		r, err = parseCompact(string(text), keys)
	} else {
		r, err = parseJSON(text, keys)
	}
	if err != nil {
		return nil, err
	}
	// The signatures first: writing again what nobody has signed could be made
	// to take long.
	if err := r.check(keys); err != nil {
		return nil, err
	}
	var again []byte
	if compact {
		var s string
		s, err = r.Compact()
		again = []byte(s)
	} else {
		again, err = r.JSON()
	}
	if err != nil || !bytes.Equal(again, text) {
		return nil, errors.New("it was altered: it is not written as receipts are, to the character (a line break, a blank or another order is enough)")
	}
	return r, nil
}

// check holds the parts against each other and against the keys.
func (r *Receipt) check(keys *Keys) error {
	c := r.Checkpoint
	if len(c.Note.UnverifiedSigs) > 0 {
		sig := c.Note.UnverifiedSigs[0]
		return fmt.Errorf("it carries a signature of %s (%08x), whose key is not listed; add the key or ask for a receipt without it", sig.Name, sig.Hash)
	}
	text := c.Text()
	opened, err := Open(text, keys)
	if err != nil {
		return fmt.Errorf("its checkpoint %w", err)
	}
	if opened.Checkpoint != c.Checkpoint || !slices.IsSortedFunc(c.Note.Sigs, keys.order) || len(opened.Note.UnverifiedSigs) > 0 {
		return errors.New("its checkpoint is not written as receipts write it")
	}
	own := 0
	for _, sig := range opened.Note.Sigs {
		if keys.logs(sig) {
			own++
		}
	}
	if own != 1 {
		return errors.New("its checkpoint carries more than one signature of the log")
	}
	if _, shard, _ := ParseOrigin(c.Origin); shard != r.Leaf.Shard {
		return fmt.Errorf("its record is of shard %d, its checkpoint of %s", r.Leaf.Shard, c.Origin)
	}
	if r.Record != nil && r.Record.Hash() != r.Leaf.RecordHash {
		return errors.New("its record is not the one that was decided")
	}
	if r.Leaf.Offset >= c.Size || tlog.CheckRecord(r.Path, c.Size, c.Root, r.Leaf.Offset, r.Leaf.Hash()) != nil {
		return fmt.Errorf("its record is not in the log of %s at place %d", c.Origin, r.Leaf.Offset)
	}
	return nil
}

// pathLength is how many hashes lead from the leaf at an index to the root of a
// log of that size.
func pathLength(index, size int64) (n int) {
	for first, last := index, size-1; last > 0; first, last = first>>1, last>>1 {
		if first&1 == 1 || first < last {
			n++
		}
	}
	return n
}

// rootOf follows a path of the right length from a leaf to the root (RFC 9162,
// 2.1.3.2).
func rootOf(leaf tlog.Hash, path []tlog.Hash, index, size int64) tlog.Hash {
	first, last := index, size-1
	for _, h := range path {
		for first&1 == 0 && first == last { // no sibling at this level
			first, last = first>>1, last>>1
		}
		if first&1 == 1 {
			leaf = tlog.NodeHash(h, leaf)
		} else {
			leaf = tlog.NodeHash(leaf, h)
		}
		first, last = first>>1, last>>1
	}
	return leaf
}

// timeFormat is how intake stamps a record.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// statusText names a status; one that this program does not know keeps its
// number.
func statusText(s ledger.Status) string {
	if name := s.String(); name != "" {
		return name
	}
	return fmt.Sprint(uint8(s))
}

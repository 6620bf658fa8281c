package proof

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
)

// compactPrefix begins the text of a QR code. The number is the version: of
// everything behind it, the phrases of pack included.
const compactPrefix = "socho1."

// ErrTooLarge reports a receipt that no QR code of MaxCompact characters holds.
var ErrTooLarge = errors.New("too large for a QR code")

// The compact form is compactPrefix and base64url, without padding, of:
//
//	length (1) and name of the ledger | shard | offset | size of the log (uvarints)
//	record time in µs (8) | rule set (uvarint) | status (1) | code (length as uvarint, text)
//	hash of the transfers (32) | path, as many hashes as offset and size ask for
//	hash of the key (4) | signature of the log (64)
//	key, headers, value, as optional texts | number of headers before them (uvarint)
//
// An optional text is 0 where absent, else its packed length plus 1 as a uvarint
// and the packed bytes. The root is not written: leaf and path give it, and the
// signature is over it. Witnesses' signatures are not carried. Base64url rather
// than base45: fewer characters, and nothing a shell or a form would trim.
//
// Compact returns the text. Errors: ErrTooLarge; a record that was left out.
func (r *Receipt) Compact() (string, error) {
	if r.Record == nil {
		return "", fmt.Errorf("%w: its record was left out", ErrTooLarge)
	}
	name, _, ok := ParseOrigin(r.Checkpoint.Origin)
	if !ok || len(r.Checkpoint.Note.Sigs) == 0 || len(r.Path) != pathLength(r.Leaf.Offset, r.Checkpoint.Size) {
		return "", errors.New("proof: this receipt is not whole")
	}
	sig, err := base64.StdEncoding.DecodeString(r.Checkpoint.Note.Sigs[0].Base64)
	if err != nil {
		return "", err
	}
	l := &r.Leaf
	b := append([]byte{byte(len(name))}, name...)
	b = binary.AppendUvarint(b, uint64(l.Shard))
	b = binary.AppendUvarint(b, uint64(l.Offset))
	b = binary.AppendUvarint(b, uint64(r.Checkpoint.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(l.RecordedAt.UnixMicro()))
	b = binary.AppendUvarint(b, uint64(l.RuleSet))
	b = append(b, byte(l.Status))
	b = binary.AppendUvarint(b, uint64(len(l.Code)))
	b = append(b, l.Code...)
	b = append(b, l.Transfers[:]...)
	for i := range r.Path {
		b = append(b, r.Path[i][:]...)
	}
	b = append(b, sig...)

	k := known{time: l.RecordedAt.Format(timeFormat)}
	fits := true
	text := func(v []byte) {
		if v == nil {
			b = append(b, 0)
			return
		}
		packed, ok := pack(string(v), k)
		fits = fits && ok
		b = binary.AppendUvarint(b, uint64(len(packed))+1)
		b = append(b, packed...)
	}
	record := sortedHeaders(r.Record)
	text(record.Key)
	k.key = string(record.Key)
	b = binary.AppendUvarint(b, uint64(len(record.Headers)))
	for _, h := range record.Headers {
		text([]byte(h.Name))
		text(h.Value)
	}
	text(record.Value)
	if n := len(compactPrefix) + base64.RawURLEncoding.EncodedLen(len(b)); !fits || n > MaxCompact {
		return "", fmt.Errorf("%w: it would take %d characters, %d are the most; ask for the JSON or PDF form", ErrTooLarge, n, MaxCompact)
	}
	return compactPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

var errCompact = errors.New("it was altered or cut: it does not read as a compact receipt")

func parseCompact(text string, keys *Keys) (*Receipt, error) {
	if len(text) > MaxCompact {
		return nil, fmt.Errorf("it is longer than a compact receipt may be (%d characters)", MaxCompact)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, compactPrefix))
	if err != nil {
		return nil, errCompact
	}
	in := cutter{b: b}
	ledgerName := string(in.take(int64(in.fixed(1)[0])))
	l := Leaf{Shard: int(in.number(1 << 31)), Offset: in.number(1 << 62)}
	c := Checkpoint{Origin: Origin(ledgerName, l.Shard), Size: in.number(1 << 62)}
	l.RecordedAt = time.UnixMicro(int64(in.uint64())).UTC()
	l.RuleSet = int(in.number(1 << 32))
	l.Status = ledger.Status(in.fixed(1)[0])
	l.Code = string(in.take(in.number(MaxCompact)))
	l.Transfers = ledger.Hash(in.fixed(32))
	if in.short || l.Offset >= c.Size {
		return nil, errCompact
	}
	path := make([]tlog.Hash, pathLength(l.Offset, c.Size))
	for i := range path {
		path[i] = tlog.Hash(in.fixed(tlog.HashSize))
	}
	sig := in.take(4 + 64)
	record, err := in.record(known{time: l.RecordedAt.Format(timeFormat)})
	if err != nil || in.short || len(in.b) > 0 {
		return nil, errCompact
	}
	record.Shard, record.Offset = l.Shard, l.Offset
	l.RecordHash = record.Hash()
	c.Root = rootOf(l.Hash(), path, l.Offset, c.Size)
	hash := binary.BigEndian.Uint32(sig)
	if _, err := keys.Verifier(ledgerName, hash); err != nil {
		return nil, fmt.Errorf("it is of ledger %q and signed by key %08x, which is none of the listed keys; or it was altered", ledgerName, hash)
	}
	return &Receipt{Record: record, Leaf: l, Path: path, Checkpoint: &Signed{c, &note.Note{
		Text: c.Body(), Sigs: []note.Signature{{Name: ledgerName, Hash: hash, Base64: base64.StdEncoding.EncodeToString(sig)}}}}}, nil
}

func (c *cutter) record(k known) (*events.Record, error) {
	text := func() []byte {
		n := c.number(MaxCompact)
		if n == 0 || c.short {
			return nil
		}
		s, err := unpack(c.take(n-1), k)
		c.short = c.short || err != nil
		return []byte(s)
	}
	r := &events.Record{Key: text()}
	k.key = string(r.Key)
	r.Headers = make([]events.Header, c.number(MaxCompact))
	if len(r.Headers) > len(c.b) {
		return nil, errCompact
	}
	for i := range r.Headers {
		r.Headers[i] = events.Header{Name: string(text()), Value: text()}
	}
	r.Value = text()
	return r, nil
}

// number reads a uvarint below a bound.
func (c *cutter) number(below uint64) int64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v >= below {
		c.short, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return int64(v)
}

package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"socho/events"
)

// Archived is one offset of the log as the broker held it.
type Archived struct {
	// Void: the offset holds no record (a transaction of a foreign producer took
	// it up); Key, Headers and Value are nil and Time is 0.
	Void    bool
	Time    int64 // the broker's time in milliseconds since 1970; in no hash
	Key     []byte
	Headers []events.Header // in the broker's order
	Value   []byte
}

// Record is the archived record at its place.
func (a *Archived) Record(shard int, offset int64) events.Record {
	return events.Record{Shard: shard, Offset: offset, Key: a.Key, Value: a.Value, Headers: a.Headers}
}

// Hash is events.Record.Hash of what is archived.
func (a *Archived) Hash() [sha256.Size]byte {
	r := a.Record(0, 0)
	return r.Hash()
}

// The record bundle, version 1, all numbers big-endian:
//
//	"SOCHOREC" | version 1 (1 byte) | shard (4) | first offset (8) | count (2)
//	count times: kind (1) | length of the body (4) | body
//	SHA-256 of everything before (32)
//
// kind 1, a record: time in ms (8) | key | number of headers (4) |
// for each: length of the name (4) | name | value | … | value, where key and
// values are 0 (1) where absent, else 1 (1) | length (4) | bytes.
// kind 2, an offset without a record: no body.
//
// The sum at the end tells a damaged file from the rest: times are in no leaf.
// Format fixed for ever.
const (
	recordsMagic   = "SOCHOREC"
	recordsVersion = 1
	recordsHeader  = len(recordsMagic) + 1 + 4 + 8 + 2
	kindRecord     = 1
	kindVoid       = 2
)

// RecordsHeader begins a record bundle.
type RecordsHeader struct {
	Shard int
	First int64 // offset
}

// EncodeRecords writes a bundle of 1 to Width records. Errors: a record whose
// lengths do not fit the format (4 GiB); another number of records.
func EncodeRecords(h RecordsHeader, all []Archived) ([]byte, error) {
	if len(all) < 1 || len(all) > Width || h.Shard < 0 || h.Shard > math.MaxInt32 || h.First < 0 {
		return nil, fmt.Errorf("proof: a record bundle of %d records from %d:%d on is none", len(all), h.Shard, h.First)
	}
	size := recordsHeader + sha256.Size
	for i := range all {
		size += all[i].size()
	}
	b := append(append(make([]byte, 0, size), recordsMagic...), recordsVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Shard))
	b = binary.BigEndian.AppendUint64(b, uint64(h.First))
	b = binary.BigEndian.AppendUint16(b, uint16(len(all)))
	for i := range all {
		a := &all[i]
		if a.Void {
			b = append(b, kindVoid, 0, 0, 0, 0)
			continue
		}
		b = append(b, kindRecord, 0, 0, 0, 0)
		start := len(b)
		b = binary.BigEndian.AppendUint64(b, uint64(a.Time))
		b = appendOptional(b, a.Key)
		b = binary.BigEndian.AppendUint32(b, uint32(len(a.Headers)))
		for _, header := range a.Headers {
			b = binary.BigEndian.AppendUint32(b, uint32(len(header.Name)))
			b = append(b, header.Name...)
			b = appendOptional(b, header.Value)
		}
		b = appendOptional(b, a.Value)
		if int64(len(b)-start) > math.MaxUint32 {
			return nil, fmt.Errorf("proof: record %d:%d is larger than the archive can hold", h.Shard, h.First+int64(i))
		}
		binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

// size is how many bytes of a bundle the record takes.
func (a *Archived) size() int {
	if a.Void {
		return 1 + 4
	}
	n := 1 + 4 + 8 + sizeOptional(a.Key) + 4 + sizeOptional(a.Value)
	for i := range a.Headers {
		n += 4 + len(a.Headers[i].Name) + sizeOptional(a.Headers[i].Value)
	}
	return n
}

func sizeOptional(v []byte) int {
	if v == nil {
		return 1
	}
	return 1 + 4 + len(v)
}

func appendOptional(b, v []byte) []byte {
	if v == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

// ParseRecords is the inverse of EncodeRecords and takes nothing that it would
// not have written itself. The records share the bundle's memory.
func ParseRecords(bundle []byte) (h RecordsHeader, all []Archived, err error) {
	if !bytes.HasPrefix(bundle, []byte(recordsMagic)) || len(bundle) < recordsHeader+sha256.Size {
		return h, nil, errors.New("is no record bundle")
	}
	if v := bundle[len(recordsMagic)]; v != recordsVersion {
		return h, nil, fmt.Errorf("is a record bundle of version %d; this program reads version %d", v, recordsVersion)
	}
	body, sum := bundle[:len(bundle)-sha256.Size], bundle[len(bundle)-sha256.Size:]
	if sha256.Sum256(body) != [sha256.Size]byte(sum) {
		return h, nil, errors.New("does not match its own checksum")
	}
	in := cutter{b: body[len(recordsMagic)+1:]}
	h.Shard, h.First = int(in.uint32()), int64(in.uint64())
	if h.Shard > math.MaxInt32 {
		return h, nil, errors.New("names no shard")
	}
	all = make([]Archived, int(in.uint16()))
	for i := range all {
		kind := in.take(1)
		one := cutter{b: in.take(int64(in.uint32()))}
		switch {
		case in.short:
		case kind[0] == kindVoid:
			all[i].Void = true
		case kind[0] == kindRecord:
			all[i] = one.archived()
		default:
			in.short = true
		}
		in.short = in.short || one.short || len(one.b) > 0
	}
	if in.short || len(in.b) > 0 || len(all) == 0 || len(all) > Width || h.First < 0 {
		return h, nil, errors.New("is a record bundle that does not parse")
	}
	return h, all, nil
}

func (c *cutter) archived() (a Archived) {
	a.Time = int64(c.uint64())
	a.Key = c.optional()
	const least = 5 // bytes of a header: an empty name, no value
	if n := int64(c.uint32()); n > int64(len(c.b)/least) {
		c.short = true
	} else if n > 0 {
		a.Headers = make([]events.Header, n)
	}
	for i := range a.Headers {
		a.Headers[i].Name = string(c.take(int64(c.uint32())))
		a.Headers[i].Value = c.optional()
	}
	a.Value = c.optional()
	return a
}

// cutter takes a format apart; short is set where it ends too early or says
// something impossible, and everything after that is empty.
type cutter struct {
	b     []byte
	short bool
}

func (c *cutter) take(n int64) []byte {
	if c.short || n < 0 || n > int64(len(c.b)) {
		c.short, c.b = true, nil
		return nil
	}
	head := c.b[:n:n]
	c.b = c.b[n:]
	return head
}

func (c *cutter) fixed(n int64) []byte {
	if head := c.take(n); head != nil {
		return head
	}
	return make([]byte, n)
}

func (c *cutter) uint16() uint16 { return binary.BigEndian.Uint16(c.fixed(2)) }
func (c *cutter) uint32() uint32 { return binary.BigEndian.Uint32(c.fixed(4)) }
func (c *cutter) uint64() uint64 { return binary.BigEndian.Uint64(c.fixed(8)) }

func (c *cutter) optional() []byte {
	switch c.fixed(1)[0] {
	case 0:
		return nil
	case 1:
		return c.take(int64(c.uint32()))
	}
	c.short = true
	return nil
}

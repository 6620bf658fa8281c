package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// kafka-go takes each record of an answer apart into pages of its own, with an allocation for every header. We take
// the records of an answer as they came, and cut them out of it: in place of its form of the answer we give it ours.
func init() { protocol.Register(&fetch.Request{}, &fetchResponse{}) }

type fetchResponse struct {
	ThrottleTimeMs int32        `kafka:"min=v1,max=v11"`
	ErrorCode      int16        `kafka:"min=v7,max=v11"`
	SessionID      int32        `kafka:"min=v7,max=v11"`
	Topics         []fetchTopic `kafka:"min=v0,max=v11"`
}

// ApiKey implements protocol.Message.
func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

type fetchTopic struct {
	Topic      string           `kafka:"min=v0,max=v11"`
	Partitions []fetchPartition `kafka:"min=v0,max=v11"`
}

type fetchPartition struct {
	Partition            int32                       `kafka:"min=v0,max=v11"`
	ErrorCode            int16                       `kafka:"min=v0,max=v11"`
	HighWatermark        int64                       `kafka:"min=v0,max=v11"`
	LastStableOffset     int64                       `kafka:"min=v4,max=v11"`
	LogStartOffset       int64                       `kafka:"min=v5,max=v11"`
	AbortedTransactions  []fetch.ResponseTransaction `kafka:"min=v4,max=v11"`
	PreferredReadReplica int32                       `kafka:"min=v11,max=v11"`
	RecordSet            recordSet                   `kafka:"min=v0,max=v11"`
}

// recordSet is the batches of an answer, one behind the other.
type recordSet []byte

// mostAnswered bounds what one answer may hold.
const mostAnswered = 1 << 30

// ReadFrom implements io.ReaderFrom, by which kafka-go reads a field of a type that it does not know.
func (s *recordSet) ReadFrom(r io.Reader) (int64, error) {
	var size [4]byte
	if n, err := io.ReadFull(r, size[:]); err != nil {
		return int64(n), err
	}
	n := int32(binary.BigEndian.Uint32(size[:]))
	if n <= 0 {
		return 4, nil
	}
	if n > mostAnswered {
		return 4, fmt.Errorf("an answer of %d bytes", n)
	}
	*s = make([]byte, n)
	read, err := io.ReadFull(r, *s)
	return int64(4 + read), err
}

// WriteTo implements io.WriterTo, which kafka-go asks of such a type; nobody answers with it.
func (s *recordSet) WriteTo(io.Writer) (int64, error) { return 0, errors.ErrUnsupported }

// reading turns one answer of the broker into messages without a hole.
type reading struct {
	partition int
	next      int64 // the offset that must come next
	limit     int
	msgs      []Message
	gapTo     int64 // set when the answer continues behind next: where

	headers []Header // of the record read last
	raw     []byte   // what they were read from
}

// Where the fields of a batch of format 2 stand; see encodeBatch.
const (
	atLength     = 8
	atMagic      = 16
	atChecksum   = 17
	atAttributes = 21
	atFirstTime  = 27
	atProducer   = 43
	atCount      = 57

	compressed    = 0x07
	transactional = 0x10
	control       = 0x20
)

// collect walks the batches. The broker answers with whole batches, so the first records may lie before the offset
// asked for: those are passed over. It stops at the first hole, and at damage, which the next call meets at its head.
// Errors: damage before any sound record.
func (r *reading) collect(set []byte, pending []fetch.ResponseTransaction) error {
	aborted := make(map[int64]bool) // producers inside an aborted transaction, as of the batch being read
	for len(set) > atMagic {
		end := int(binary.BigEndian.Uint32(set[atLength:])) + atLength + 4
		if end > len(set) || end <= atMagic {
			return nil // cut off at the end of the answer
		}
		batch := set[:end]
		set = set[end:]
		done, err := false, error(nil)
		if batch[atMagic] != 2 || len(batch) < batchHeader {
			done, err = r.foreign(batch, false)
		} else {
			base, producer := int64(binary.BigEndian.Uint64(batch)), int64(binary.BigEndian.Uint64(batch[atProducer:]))
			attributes := binary.BigEndian.Uint16(batch[atAttributes:])
			for i := 0; i < len(pending); i++ {
				if pending[i].FirstOffset <= base {
					aborted[pending[i].ProducerID] = true
					pending = append(pending[:i:i], pending[i+1:]...)
					i--
				}
			}
			hidden := attributes&transactional != 0 && aborted[producer]
			if attributes&control != 0 {
				delete(aborted, producer)
				hidden = true
			}
			if attributes&compressed != 0 {
				done, err = r.foreign(batch, hidden)
			} else {
				done, err = r.batch(batch, base, hidden)
			}
		}
		if done {
			return nil
		}
		if err != nil {
			if len(r.msgs) > 0 {
				return nil
			}
			return err
		}
	}
	return nil
}

var errCut = errors.New("a record is cut short")

// batch takes in an uncompressed batch of format 2; done means that what follows belongs to another call.
func (r *reading) batch(batch []byte, base int64, hidden bool) (done bool, err error) {
	if crc32.Checksum(batch[atAttributes:], castagnoli) != binary.BigEndian.Uint32(batch[atChecksum:]) {
		return false, errors.New("a batch does not match its checksum")
	}
	first, count := int64(binary.BigEndian.Uint64(batch[atFirstTime:])), int(binary.BigEndian.Uint32(batch[atCount:]))
	if r.msgs == nil {
		r.msgs = make([]Message, 0, min(count, r.limit, len(batch)))
	}
	in := cutter{b: batch[batchHeader:]}
	for range count {
		body := in.bytes()
		if len(body) == 0 {
			return false, errCut
		}
		rec := cutter{b: body[1:]} // attributes: none are defined
		at, offset := first+rec.varint(), base+rec.varint()
		if !rec.cut && offset < r.next {
			continue
		}
		m := Message{Partition: r.partition, Offset: offset}
		m.Key, m.Value = rec.bytes(), rec.bytes()
		if !rec.cut {
			err = r.readHeaders(&rec, &m)
		}
		if rec.cut || err != nil {
			return false, errCut
		}
		if hidden {
			m.Key, m.Value, m.Headers = nil, nil, nil
		} else {
			m.Time = time.UnixMilli(at).UTC()
		}
		if r.take(m) {
			return true, nil
		}
	}
	return false, nil
}

// take takes a message in; done means that what follows belongs to another call.
func (r *reading) take(m Message) (done bool) {
	switch {
	case m.Offset < r.next:
		return false
	case m.Offset > r.next:
		if len(r.msgs) == 0 {
			r.gapTo = m.Offset
		}
		return true
	}
	r.msgs = append(r.msgs, m)
	r.next++
	return len(r.msgs) >= r.limit
}

// readHeaders reads a record's headers, which nearly always are those of the record before or differ from them in
// their values alone: what is the same is shared. Nobody writes to a message's headers.
func (r *reading) readHeaders(in *cutter, m *Message) error {
	if r.raw != nil && bytes.Equal(in.b, r.raw) {
		m.Headers = r.headers
		return nil
	}
	raw := in.b
	n := in.varint()
	if in.cut || n < 0 || n > int64(len(in.b)) {
		return errCut
	}
	if n > 0 {
		m.Headers = make([]Header, n)
	}
	for i := range m.Headers {
		name := in.bytes()
		m.Headers[i].Value = in.bytes()
		if in.cut {
			return errCut
		}
		if i < len(r.headers) && r.headers[i].Name == string(name) {
			m.Headers[i].Name = r.headers[i].Name
		} else {
			m.Headers[i].Name = string(name)
		}
	}
	r.headers, r.raw = m.Headers, raw
	return nil
}

// foreign takes in a batch that our producers do not write, compressed or of an older format, through kafka-go.
func (r *reading) foreign(batch []byte, hidden bool) (done bool, err error) {
	var set protocol.RecordSet
	if _, err := set.ReadFrom(bytes.NewBuffer(prefixed(batch))); err != nil {
		return false, err
	}
	stream, ok := set.Records.(*protocol.RecordStream)
	if !ok {
		return false, nil
	}
	for _, records := range stream.Records {
		for {
			rec, err := records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return false, err
			}
			m := Message{Partition: r.partition, Offset: rec.Offset}
			if !hidden {
				m.Time = rec.Time.UTC()
				for _, h := range rec.Headers {
					m.Headers = append(m.Headers, Header{Name: h.Key, Value: h.Value})
				}
				var errs [2]error
				m.Key, errs[0] = protocol.ReadAll(rec.Key)
				m.Value, errs[1] = protocol.ReadAll(rec.Value)
				if err := errors.Join(errs[:]...); err != nil {
					return false, err
				}
			}
			if r.take(m) {
				return true, nil
			}
		}
	}
	return false, nil
}

// cutter takes bytes apart without copying them. Once anything does not fit, cut is true for good.
type cutter struct {
	b   []byte
	cut bool
}

func (c *cutter) varint() int64 {
	n, size := binary.Varint(c.b)
	if size <= 0 {
		c.b, c.cut = nil, true
		return 0
	}
	c.b = c.b[size:]
	return n
}

// bytes reads a length and so many bytes; nil where the length is below 0.
func (c *cutter) bytes() []byte {
	n := c.varint()
	if n < 0 || c.cut {
		return nil
	}
	if n > int64(len(c.b)) || n > math.MaxInt32 {
		c.b, c.cut = nil, true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

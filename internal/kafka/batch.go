package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// MaxProduceBytes is the most that one Produce call may carry, as counted by Size. Brokers refuse a batch above
// about 1 MB by default (message.max.bytes 1,048,588), and so does the embedded one.
const MaxProduceBytes = 900_000

// batchHeader is what a record batch of format 2 costs before its first record.
const batchHeader = 61

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Size is an upper bound of what one message takes in a produce request, in bytes.
func Size(m Message) int {
	const varints = 5 + 1 + 10 + 5 + 5 + 5 + 5 // length, attributes, time and offset deltas, key, value, header count
	n := varints + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += 10 + len(h.Name) + len(h.Value)
	}
	return n
}

// ChunkSize is how many of the leading messages fit into one Produce call. It is at least 1 for a non-empty slice,
// also where that one message is too large: Produce then says so.
//
//	for len(msgs) > 0 {
//		n := kafka.ChunkSize(msgs)
//		base, err := c.Produce(ctx, topic, partition, msgs[:n])
//		…
//		msgs = msgs[n:]
//	}
func ChunkSize(msgs []Message) int {
	total := batchHeader
	for i, m := range msgs {
		total += Size(m)
		if total > MaxProduceBytes {
			return max(i, 1)
		}
	}
	return len(msgs)
}

// encodeBatch writes messages as one uncompressed record batch of format 2
// (https://kafka.apache.org/documentation/#recordbatch). producerID, epoch and sequence are those of an idempotent
// producer, or -1 each for a plain one.
func encodeBatch(msgs []Message, now time.Time, producerID int64, epoch int16, sequence int32) []byte {
	size := batchHeader
	for _, m := range msgs {
		size += Size(m)
	}
	b := make([]byte, batchHeader, size)

	stamp := func(m Message) int64 {
		if m.Time.IsZero() {
			return now.UnixMilli()
		}
		return m.Time.UnixMilli()
	}
	first := stamp(msgs[0])
	latest := first
	var record []byte
	for i, m := range msgs {
		t := stamp(m)
		latest = max(latest, t)
		record = append(record[:0], 0) // attributes: none are defined
		record = binary.AppendVarint(record, t-first)
		record = binary.AppendVarint(record, int64(i))
		record = appendBytes(record, m.Key)
		record = appendBytes(record, m.Value)
		record = binary.AppendVarint(record, int64(len(m.Headers)))
		for _, h := range m.Headers {
			record = binary.AppendVarint(record, int64(len(h.Name)))
			record = append(record, h.Name...)
			record = appendBytes(record, h.Value)
		}
		b = binary.AppendVarint(b, int64(len(record)))
		b = append(b, record...)
	}

	be := binary.BigEndian
	be.PutUint64(b[0:], 0)                    // base offset: the broker's business
	be.PutUint32(b[8:], uint32(len(b)-12))    // length of what follows
	be.PutUint32(b[12:], 0xffffffff)          // leader epoch: unknown
	b[16] = 2                                 // format
	be.PutUint16(b[21:], 0)                   // no compression, times are the creator's
	be.PutUint32(b[23:], uint32(len(msgs)-1)) // last offset delta
	be.PutUint64(b[27:], uint64(first))
	be.PutUint64(b[35:], uint64(latest))
	be.PutUint64(b[43:], uint64(producerID))
	be.PutUint16(b[51:], uint16(epoch))
	be.PutUint32(b[53:], uint32(sequence))
	be.PutUint32(b[57:], uint32(len(msgs)))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

// appendBytes writes a length and the bytes; nil is length −1.
func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	b = binary.AppendVarint(b, int64(len(v)))
	return append(b, v...)
}

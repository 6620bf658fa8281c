package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits on one event. An event that grows past them is two events.
const (
	MaxEventBytes = 64 << 10 // the canonical value on the log, sealed
	MaxDepth      = 6        // nested objects and arrays
)

// Envelope is the CloudEvents 1.0 context of a fact. Attribute names are lower
// case letters and digits, as CloudEvents asks.
//
// Device, DeviceSeq and TicketRange are for collectors without signal, who
// publish later, in their own order, from ranges of tickets issued before. The
// sequence counts the events of one device, from 1.
// Resubmits and ResubmitsSource name the event that this one takes up again
// after a refusal; CauseID and CauseSource the event that this one follows
// from, where a process manager or the second leg of a payment between two
// organizations wrote it. An id is unique within its organization and source
// only; the Subject beside them is given where it is not this event's own.
type Envelope struct {
	SpecVersion      string         `json:"specversion"`
	ID               EventID        `json:"id"`
	Source           URI            `json:"source"`
	Type             string         `json:"type"`
	Subject          string         `json:"subject"`
	Time             Time           `json:"time"`
	Device           ID             `json:"device,omitzero" holds:"opaque"`
	DeviceSeq        *Count         `json:"deviceseq,omitzero" within:"1,2147483647"`
	TicketRange      ID             `json:"ticketrange,omitzero"`
	Resubmits        EventID        `json:"resubmits,omitzero"`
	ResubmitsSource  URI            `json:"resubmitssource,omitzero"`
	ResubmitsSubject Organization   `json:"resubmitssubject,omitzero"`
	CauseID          EventID        `json:"causeid,omitzero"`
	CauseSource      URI            `json:"causesource,omitzero"`
	CauseSubject     Organization   `json:"causesubject,omitzero"`
	Data             jsontext.Value `json:"data"`
}

// check refuses attributes that need each other and do not have each other.
func (e *Envelope) check() error {
	for _, ref := range [...]struct {
		id      EventID
		source  URI
		subject Organization
		name    string
		idAt    string
	}{
		{e.Resubmits, e.ResubmitsSource, e.ResubmitsSubject, "resubmits", "/resubmits"},
		{e.CauseID, e.CauseSource, e.CauseSubject, "cause", "/causeid"},
	} {
		switch {
		case ref.id == "" && ref.source == "" && ref.subject == "":
		case ref.source == "":
			return errorf(MissingField, "/"+ref.name+"source", "an id is unique within its source only")
		case ref.id == "":
			return errorf(MissingField, ref.idAt, "a source alone names no event")
		case string(ref.subject) == e.Subject:
			return errorf(BadValue, "/"+ref.name+"subject", "is left out where it is the event's own subject")
		case ref.subject == "" && ref.id == e.ID && ref.source == e.Source:
			return errorf(BadValue, ref.idAt, "an event that names itself")
		}
	}
	switch {
	case (e.Device == "") != (e.DeviceSeq == nil):
		return errorf(MissingField, "/deviceseq", "device and deviceseq come together")
	case e.TicketRange != "" && e.Device == "":
		return errorf(MissingField, "/device", "tickets are drawn by a device")
	}
	return nil
}

// Event is a decoded fact with its envelope. Fact is always of the newest
// version; Version is the one on the log.
type Event struct {
	Envelope
	Fact    Fact
	Version int
}

// Header is one header of a record. Intake's stamps stand here, outside the
// hash that identifies a fact.
type Header struct {
	Name  string
	Value []byte
}

// The stamps of intake.
const (
	HeaderRecordedAt  = "socho-recorded-at" // RFC 3339 in UTC with microseconds
	HeaderActor       = "socho-actor"       // who handed the fact in: person:ID, token:ID, cli, or a door of the ledger's own
	HeaderContentType = "content-type"
	ContentType       = "application/cloudevents+json; charset=UTF-8"
)

// Record is one record of the log, as the broker holds it.
type Record struct {
	Shard   int
	Offset  int64
	Key     []byte // nil where the record has no key
	Value   []byte // nil where the offset holds no record
	Headers []Header
}

// Header returns the value of the first header of that name.
func (r *Record) Header(name string) (value []byte, ok bool) {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value, true
		}
	}
	return nil, false
}

// Hash is SHA-256 over key, headers sorted by name and then value (an absent
// one first), and raw value, each with its length, under the label "socho.record.v1". It enters
// the record's leaf and binds what nobody may alter afterwards, stamps
// included. Format fixed for ever.
func (r *Record) Hash() [sha256.Size]byte {
	var few [8]Header
	headers := append(few[:0], r.Headers...)
	slices.SortFunc(headers, func(a, b Header) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if absent := a.Value == nil; absent != (b.Value == nil) {
			if absent {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.Value, b.Value)
	})
	room := rooms.Get().(*[]byte)
	b := append((*room)[:0], "socho.record.v1\x00"...)
	b = appendOptional(b, r.Key)
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	for _, header := range headers {
		b = binary.BigEndian.AppendUint32(b, uint32(len(header.Name)))
		b = append(b, header.Name...)
		b = appendOptional(b, header.Value)
	}
	b = appendOptional(b, r.Value)
	sum := sha256.Sum256(b)
	*room = b
	rooms.Put(room)
	return sum
}

// rooms are what is hashed, put together: one call of SHA-256 costs less than
// many small ones.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// ValueHash identifies a fact's content: SHA-256 of the value's bytes under
// the label "socho.value.v1". The same id with another hash is a conflict.
func ValueHash(value []byte) [sha256.Size]byte {
	room := rooms.Get().(*[]byte)
	b := append(append((*room)[:0], "socho.value.v1\x00"...), value...)
	sum := sha256.Sum256(b)
	*room = b
	rooms.Put(room)
	return sum
}

// appendOptional tells an absent value from an empty one.
func appendOptional(b, value []byte) []byte {
	if value == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// ShardSubject is the key and subject of facts about one shard of the log.
func ShardSubject(shard int) string { return "shard:" + itoa(shard) }

// IsShardSubject tells the subjects and keys of facts about shards from those
// of organizations, whose names hold no colon.
func IsShardSubject(subject string) bool { return strings.HasPrefix(subject, "shard:") }

// ShardOf returns the partition that an organization's facts live in, among n:
// the murmur2 hash that Apache Kafka's own clients place keys by, so that a
// partner's producer agrees with ours. Fixed for the life of a topic.
func ShardOf(key []byte, n int) int {
	return int(murmur2(key)&0x7fffffff) % n
}

func murmur2(data []byte) uint32 {
	const (
		seed = uint32(0x9747b28c)
		m    = uint32(0x5bd1e995)
	)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>24) * m
		h = h*m ^ k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

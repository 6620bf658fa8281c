package simulation

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"sync"
)

// kafkaLink understands as much of Kafka's protocol
// (https://kafka.apache.org/protocol) as tells requests apart and finds the
// answer to each.
type kafkaLink struct {
	*link
	mu    sync.Mutex
	asked map[int32]request // by correlation id
}

// Keys of requests.
const (
	keyProduce = 0
	keyFetch   = 1
)

type request struct {
	key       int16
	partition int   // of a fetch
	offset    int64 // likewise
	rule      *rule // swallows the answer
}

// told is an answer to a fetch, without its correlation id.
type told struct {
	offset int64
	body   []byte
}

// withRecords is how long an answer to a fetch is that holds records.
const withRecords = 160

// requests passes on what the service says.
func (k *kafkaLink) requests() {
	defer k.w.leave(k.link)
	in := reader(k.client)
	for {
		msg, err := sized(in)
		if err != nil {
			return
		}
		k.w.wait(k.link)
		req, id, m := parse(msg[4:])
		if r := k.w.meet(m); r != nil {
			if r.how == persisted {
				req.rule = r
			} else if !k.act(r) {
				return
			}
		}
		k.mu.Lock()
		k.asked[id] = req
		k.mu.Unlock()
		if _, err := k.server.Write(msg); err != nil {
			return
		}
	}
}

// sized reads a message with its four bytes of length.
func sized(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(4)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 4+binary.BigEndian.Uint32(head))
	_, err = io.ReadFull(in, b)
	return b, err
}

// parse reads the head of a request, and of a fetch which records it wants.
func parse(b []byte) (r request, id int32, m moment) {
	be := binary.BigEndian
	if len(b) < 10 {
		return r, 0, m
	}
	r.key = int16(be.Uint16(b))
	version := be.Uint16(b[2:])
	id = int32(be.Uint32(b[4:]))
	switch r.key {
	case keyProduce:
		m = moment{stepRecords, true}
		if bytes.Contains(b, []byte("vn.socho.shard.opened")) {
			m.step = stepProvisioning
		}
	case keyFetch:
		m = moment{stepRead, true}
		at := 10 + int(be.Uint16(b[8:])) // behind the client's id
		if version != 11 || len(b) < at+63 {
			return r, id, m
		}
		at += 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 // replica, wait, least, most, isolation, session and its epoch, topics
		at += 2 + int(be.Uint16(b[at:])) + 4
		if len(b) >= at+16 {
			r.partition, r.offset = int(be.Uint32(b[at:])), int64(be.Uint64(b[at+8:]))
		}
	}
	return r, id, m
}

// responses passes on what the broker answers.
func (k *kafkaLink) responses() {
	defer k.w.leave(k.link)
	in := reader(k.server)
	for {
		msg, err := sized(in)
		if err != nil {
			return
		}
		id := int32(binary.BigEndian.Uint32(msg[4:]))
		k.mu.Lock()
		req := k.asked[id]
		delete(k.asked, id)
		k.mu.Unlock()
		if req.rule != nil {
			k.end(req.rule)
			return
		}
		if req.key == keyFetch {
			if older := k.w.older(req); older != nil {
				if r := k.w.meet(moment{stepAnswered, true}); r != nil {
					close(r.fired)
					msg = append(msg[:8:8], older...)
					binary.BigEndian.PutUint32(msg, uint32(len(msg)-4))
				}
			}
			if len(msg) >= withRecords {
				if r := k.w.meet(moment{stepRecordsRead, true}); r != nil {
					k.answer(msg[:len(msg)/2]) //nolint:errcheck // it is about to be cut
					k.end(r)
					return
				}
				k.w.keep(req, msg[8:])
			}
		}
		if k.answer(msg) != nil {
			return
		}
	}
}

// keep remembers an answer, to give it again.
func (w *wire) keep(r request, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[r.partition] = told{r.offset, bytes.Clone(body)}
}

// older returns an answer to an earlier fetch of the same partition.
func (w *wire) older(r request) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.told[r.partition]; ok && r.key == keyFetch && t.offset < r.offset {
		return t.body
	}
	return nil
}

package bench

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"socho/events"
	"socho/internal/intake"
)

// Load says what is published. The same load gives the same facts and, with
// random ids too, the same ids, to whoever asks: publisher and floor.
type Load struct {
	Shards    int   `json:"shards"`
	Accounts  int   `json:"accounts"`
	Payments  int   `json:"payments"` // that the bills must hold out for, latency and history included
	Hot       bool  `json:"hot"`
	RandomIDs bool  `json:"random_ids"`
	Began     int64 `json:"began"` // unix milliseconds that ids by time begin at
}

// A province's worth of markets, in the same number on each shard.
const (
	marketsPerShard = 8
	collectors      = 4 // of each market
	payLeast        = 1_000
	paySteps        = 50 // payments are 1,000 to 50,000 đ
)

// stream writes one shard's facts, each as the bytes that intake puts on the
// log. It is not safe for concurrent use.
type stream struct {
	load    Load
	shard   int
	markets []string
	bills   int // of each market
	hot     bool
	random  *rand.Rand
	issued  int64 // ids given
	next    int   // of the facts that open the books
}

// streams returns one stream for each shard.
func streams(l Load) []*stream {
	all := make([]*stream, l.Shards)
	for i := range all {
		all[i] = &stream{load: l, shard: i, random: rand.New(rand.NewPCG(7, uint64(i)))} //nolint:gosec // a load, no secret
	}
	// Names are drawn until each shard has its markets.
	for n, missing := 0, l.Shards*marketsPerShard; missing > 0; n++ {
		name := fmt.Sprintf("cho-bench-%d", n)
		s := all[events.ShardOf([]byte(name), l.Shards)]
		if len(s.markets) < marketsPerShard {
			s.markets = append(s.markets, name)
			missing--
		}
	}
	all[0].hot = l.Hot
	perShard := (l.Accounts + l.Shards - 1) / l.Shards
	for _, s := range all {
		s.bills = max(1, (perShard+marketsPerShard-1)/marketsPerShard)
		if perShard < marketsPerShard {
			s.markets = s.markets[:max(1, perShard)]
		}
	}
	return all
}

// opening is how many facts come before the first payment: each market is
// registered and each of its bills issued.
func (s *stream) opening() int { return len(s.markets) * (1 + s.bills) }

// share is how many of n payments are this shard's: an equal part each, and of
// a hot account's half all.
func (s *stream) share(n int) int {
	if s.load.Hot {
		half := n / 2
		if s.hot {
			return half + s.equal(n-half)
		}
		return s.equal(n - half)
	}
	return s.equal(n)
}

func (s *stream) equal(n int) int {
	part := n / s.load.Shards
	if s.shard < n%s.load.Shards {
		part++
	}
	return part
}

// billed is what each bill is issued for: more than its payments can come to,
// so that each payment is one transfer.
func (s *stream) billed() int64 {
	perBill := int64(s.share(s.load.Payments)/(len(s.markets)*s.bills)) + 1
	return min((perBill*8+1000)*payLeast*paySteps, 99_999_999_999_999)
}

// open appends the next fact that opens the books.
func (s *stream) open(b []byte) (key string, value []byte) {
	per := 1 + s.bills
	market, n := s.markets[s.next/per], s.next%per
	s.next++
	if n == 0 {
		b = append(b, `{"data":{"effective_on":"2026-01-01","kind":"market","name":"Chợ thử tải","unit":"00688"},"id":"`...)
		return market, s.envelope(b, market, "organization.registered")
	}
	bill := strconv.Itoa(n)
	b = append(b, `{"data":{"bill":"b-`...)
	b = append(b, bill...)
	b = append(b, `","currency":"VND","due_on":"2026-09-15","effective_on":"2026-09-01","items":[{"amount":"`...)
	b = strconv.AppendInt(b, s.billed(), 10)
	b = append(b, `","item":"stall_rent"}],"period":"2026-09","person":"p-`...)
	b = append(b, bill...)
	b = append(b, `","stall":"A`...)
	b = append(b, bill...)
	b = append(b, `"},"id":"`...)
	return market, s.envelope(b, market, "market.fee_assessed")
}

// pay appends the next payment of a bill: half of them by QR, half in cash to
// one of the market's collectors. A hot account is one collector's cash.
func (s *stream) pay(b []byte) (key string, value []byte) {
	r := s.random.Uint64()
	market := s.markets[r%uint64(len(s.markets))]
	cash, collector := r>>8&1 == 0, int(r>>9%collectors)
	if s.hot {
		// Half of all payments, which are all of this shard's beyond its equal part.
		whole := uint64(s.load.Shards)
		if r>>12%(whole+1) < whole {
			market, cash, collector = s.markets[0], true, 0
		}
	}
	b = append(b, `{"data":{"amount":"`...)
	b = strconv.AppendUint(b, payLeast*(1+r>>20%paySteps), 10)
	b = append(b, `","bill":"b-`...)
	b = strconv.AppendUint(b, 1+r>>32%uint64(s.bills), 10)
	if cash {
		b = append(b, `","collector":"nv-0`...)
		b = strconv.AppendInt(b, int64(collector+1), 10)
		b = append(b, `","currency":"VND","effective_on":"2026-09-02","method":"cash"},"id":"`...)
	} else {
		b = append(b, `","currency":"VND","effective_on":"2026-09-02","method":"qr"},"id":"`...)
	}
	return market, s.envelope(b, market, "market.payment_received")
}

// envelope appends the event's id and what follows it.
func (s *stream) envelope(b []byte, market, name string) []byte {
	b = s.id(b)
	b = append(b, `","source":"https://pos.example/bench","specversion":"1.0","subject":"`...)
	b = append(b, market...)
	b = append(b, `","time":"2026-09-02T08:15:00+07:00","type":"`...)
	b = append(b, events.TypePrefix...)
	b = append(b, name...)
	return append(b, `.v1"}`...)
}

// id appends a UUID: of version 7, sixteen to the millisecond and shard, or of
// version 4.
func (s *stream) id(b []byte) []byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[8:], s.random.Uint64())
	id[8] = id[8]&0x3f | 0x80
	version := byte(0x40)
	if s.load.RandomIDs {
		binary.BigEndian.PutUint64(id[:8], s.random.Uint64())
	} else {
		version = 0x70
		binary.BigEndian.PutUint64(id[:8], uint64(s.load.Began+s.issued/16)<<16|uint64(s.issued%16)<<8)
	}
	id[6] = id[6]&0x0f | version
	s.issued++
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// stamps are the headers that intake gives a record.
func stamps(at time.Time) []events.Header {
	return []events.Header{
		{Name: events.HeaderContentType, Value: []byte(events.ContentType)},
		{Name: events.HeaderRecordedAt, Value: []byte(at.UTC().Format(intake.StampFormat))},
		{Name: events.HeaderActor, Value: []byte("bench")},
	}
}

package sample

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/events"
	"socho/internal/money"
)

// book is what one organization writes: its lines, its own randomness, its own
// numbering. Books know nothing of each other, so that a copy more or less
// changes no other organization's lines.
type book struct {
	g        *generator
	name     events.Organization
	index    int // among all books, for a total order
	rng      *rand.Rand
	mix      uint64
	seq      uint64
	lines    int
	account  events.ID // the organization's own name for its bank account
	mishaps  []string  // that are still to happen this month
	unit     string
	scribble []byte
}

// pending is a line that waits for its turn.
type pending struct {
	at   int64
	book int
	seq  uint64
	line []byte
}

// note says what is unusual about a line.
type note struct {
	id        events.EventID // instead of one of its own
	source    string         // below the organization's own address; so by default
	device    events.ID
	deviceSeq int
	tickets   events.ID
	resubmits events.EventID
	personal  []string // name, value, name, value, …
	again     bool     // the very same line twice
	want      string   // the outcome, where it is not the plain one
}

func (g *generator) open(name, unit string) *book {
	h := fnv.New64a()
	h.Write([]byte(name))
	b := &book{
		g: g, name: events.Organization(name), index: len(g.books), unit: unit, account: "tk-chinh",
		rng: rand.New(rand.NewPCG(g.options.Seed, h.Sum64())),
		mix: splitmix(g.options.Seed ^ splitmix(h.Sum64())),
	}
	g.books = append(g.books, b)
	return b
}

// splitmix is the finalizer of SplitMix64: a bijection that looks random.
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// eventID is shaped like a UUIDv7: 48 bits of milliseconds, the rest from the
// seed, the organization and the line's number in its book.
func (b *book) eventID(at int64) events.EventID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at)<<16|splitmix(b.mix+2*b.seq)&0x0fff|0x7000)
	binary.BigEndian.PutUint64(raw[8:], splitmix(b.mix+2*b.seq+1)>>2|1<<63)
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return events.EventID(text[:])
}

func (b *book) source(below string) events.URI {
	if below == "" {
		below = "so"
	}
	return events.URI("https://mau.socho.example/" + string(b.name) + "/" + below)
}

// emit writes a fact that happened to be known at a moment.
func (b *book) emit(at int64, name string, fact events.Fact, n note) events.EventID {
	b.seq++
	id := n.id
	if id == "" {
		id = b.eventID(at)
	}
	line := b.render(at, id, name, fact, n)
	b.put(at, line)
	b.g.tally.count(name, n.want)
	if n.again {
		b.seq++
		b.put(at, line)
		b.g.tally.count(name, "duplicate")
	}
	return id
}

func (b *book) put(at int64, line []byte) {
	b.g.waiting = append(b.g.waiting, pending{at, b.index, b.seq, line})
}

func (b *book) render(at int64, id events.EventID, name string, fact events.Fact, n note) []byte {
	data, err := json.Marshal(fact)
	if err != nil {
		panic("sample: " + err.Error()) // a fact of this package's own making
	}
	text := func(key, value string) {
		b.scribble = append(b.scribble, key...)
		if b.scribble, err = jsontext.AppendQuote(b.scribble, value); err != nil {
			panic("sample: " + err.Error())
		}
	}
	b.scribble = b.scribble[:0]
	text(`{"specversion":"1.0","id":`, string(id))
	text(`,"source":`, string(b.source(n.source)))
	text(`,"type":`, events.Type(name))
	text(`,"subject":`, string(b.name))
	b.scribble = append(b.scribble, `,"time":"`...)
	b.scribble = time.UnixMilli(at).In(zone).AppendFormat(b.scribble, "2006-01-02T15:04:05.000-07:00")
	b.scribble = append(b.scribble, '"')
	if n.device != "" {
		text(`,"device":`, string(n.device))
		b.scribble = append(b.scribble, `,"deviceseq":`...)
		b.scribble = strconv.AppendInt(b.scribble, int64(n.deviceSeq), 10)
		text(`,"ticketrange":`, string(n.tickets))
	}
	if n.resubmits != "" {
		text(`,"resubmits":`, string(n.resubmits))
		text(`,"resubmitssource":`, string(b.source(n.source)))
	}
	b.scribble = append(b.scribble, `,"data":`...)
	b.scribble = append(b.scribble, data[:len(data)-1]...)
	for i := 0; i < len(n.personal); i += 2 {
		opening := `,"`
		if i == 0 {
			opening = `,"personal":{"`
		}
		text(opening+n.personal[i]+`":`, n.personal[i+1])
	}
	if n.personal != nil {
		b.scribble = append(b.scribble, '}')
	}
	b.scribble = append(b.scribble, "}}\n"...)
	return append([]byte(nil), b.scribble...)
}

// happens takes a mishap of this month off the list, if it is still there.
func (b *book) happens(kind string) bool {
	for i, k := range b.mishaps {
		if k == kind {
			b.mishaps = append(b.mishaps[:i], b.mishaps[i+1:]...)
			return true
		}
	}
	return false
}

// permille is true so many times in a thousand.
func (b *book) permille(n int) bool { return b.rng.IntN(1000) < n }

// ---- facts that every organization writes alike ----

func vnd(amount int64) events.Sum {
	return events.Sum{Amount: decimal(amount), Currency: money.VND}
}

func decimal(amount int64) events.Decimal { return events.Decimal(strconv.FormatInt(amount, 10)) }

func on(d events.Date) events.Dated { return events.Dated{EffectiveOn: d} }

func (b *book) register(at int64, kind, label, bin string) {
	f := &events.OrganizationRegistered{Dated: on(dateOf(at)), Kind: events.Word(kind), Name: events.Label(label), Unit: events.Unit(b.unit)}
	if bin != "" {
		f.BankBIN = events.BIN(bin)
		// Letters in it: no bank has such an account, so nobody can pay into one
		// by scanning a sample's code.
		f.Account = events.Account(fmt.Sprintf("MAU%010d", b.mix%1_000_000_0000))
	}
	b.emit(at, "organization.registered", f, note{source: "dang-ky"})
	if bin != "" {
		b.emit(at+hour, "organization.opening_balance", &events.OpeningBalance{
			Dated: on(dateOf(at)), Sum: vnd(int64(5+b.rng.IntN(40)) * 1_000_000),
			Path: events.Path("bank:" + string(b.account)), Side: "debit",
		}, note{source: "dang-ky"})
	}
}

// bankLine is a line of the organization's bank account.
func (b *book) bankLine(at, amount int64, direction, kind string, person events.ID, content string, twice bool) events.ID {
	b.lines++
	day := dateOf(at)
	line := events.ID(fmt.Sprintf("l-%s%s%s-%05d", day[2:4], day[5:7], day[8:], b.lines))
	f := &events.LineReceived{
		Dated: on(day), Sum: vnd(amount), Line: line, Account: b.account,
		Direction: events.Word(direction), Kind: events.Word(kind), MaybeOf: events.MaybeOf{Person: person},
	}
	n := note{source: "ngan-hang"}
	if content != "" {
		n.personal = []string{"content", content}
	}
	b.emit(at, "bank.line_received", f, n)
	if twice { // by webhook at once, and in the evening's statement
		n.source, n.want = "sao-ke", "recorded line_known"
		b.emit(at+3*hour, "bank.line_received", f, n)
	}
	return line
}

func (b *book) lineIn(at, amount int64) events.ID {
	return b.bankLine(at, amount, "in", "payment", "", "", false)
}

func (b *book) lineOut(at, amount int64) events.ID {
	return b.bankLine(at, amount, "out", "payment", "", "", false)
}

// monthEnd writes what the bank takes and gives by itself.
func (b *book) monthEnd(m month) {
	b.bankLine(m.at(m.days, 22, 0), 11_000, "out", "charge", "", "", false)
	if m.index%3 == 2 {
		b.bankLine(m.at(m.days, 22, 5), int64(8+b.rng.IntN(90))*100, "in", "interest", "", "", false)
	}
	if len(b.mishaps) > 0 {
		panic(fmt.Sprintf("sample: %s %s: no occasion for %v", b.name, m.period, b.mishaps))
	}
}

package simulation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/service"
)

// workload is what is published in a run, in order. It follows from the seed
// alone.
type workload struct {
	organizations []*organization
	lines         []*line
}

// line is one line handed to intake, with what must become of it.
type line struct {
	org, id   string // id is "" where the line is no event
	text      string
	want      string // outcome of the first record of this content
	newPerson bool   // keys are made for it
}

// source is whose events they are.
const source = "https://so.example/sim"

// shardOf is the shard that a line's organization lives in.
func (w *workload) shardOf(l *line) int {
	return events.ShardOf([]byte(l.org), service.EmbeddedPartitions)
}

// text is what a publisher hands in.
func text(lines []*line) []byte {
	var b []byte
	for _, l := range lines {
		b = append(append(b, l.text...), '\n')
	}
	return b
}

// withoutErasures leaves out what would keep other lines from being published
// again.
func (w *workload) withoutErasures() []*line {
	w.lines = slices.DeleteFunc(slices.Clone(w.lines), func(l *line) bool { return strings.Contains(l.text, "person.erased") })
	return w.lines
}

// organization is one book as the generator remembers it: enough to know what
// each next fact must come to.
type organization struct {
	name, kind string
	rng        *rand.Rand
	next       int // of ids
	bills      []*bill
	in         []*bankLine
	payouts    []*payout
	months     []*month
	erasable   []string
	cash       map[string]int64 // by collector
	fund       int64
	accepted   []*line // which may be said again, or something else under their ids
}

// facts are what each kind of organization says, those that are said more often
// named more often. One that returns nil has nothing to say at the moment.
var facts = map[string][]func(*organization) *line{
	"market": {
		(*organization).newBill, (*organization).newBill, (*organization).newBill, (*organization).billAgain,
		(*organization).cashPayment, (*organization).cashPayment, (*organization).linePayment, (*organization).strayPayment,
		(*organization).unprovedPayment, (*organization).lineSeenAgain, (*organization).lineDiffers,
		(*organization).lineIn, (*organization).lineIn, (*organization).allocation, (*organization).allocation, (*organization).excessAllocation,
		(*organization).reduction, (*organization).excessReduction, (*organization).cashBanked, (*organization).stallLet,
		(*organization).reversal, (*organization).reversalAgain, (*organization).strayReversal,
	},
	"school": {
		(*organization).newBill, (*organization).newBill, (*organization).newBill, (*organization).billAgain,
		(*organization).cashPayment, (*organization).linePayment, (*organization).strayPayment,
		(*organization).unprovedPayment, (*organization).lineSeenAgain, (*organization).lineDiffers,
		(*organization).lineIn, (*organization).allocation, (*organization).allocation, (*organization).excessAllocation,
		(*organization).reduction, (*organization).excessReduction,
		(*organization).reversal, (*organization).strayReversal, (*organization).erasure,
	},
	"fund": {
		(*organization).lineIn, (*organization).funded, (*organization).funded, (*organization).entitled, (*organization).entitled,
		(*organization).ordered, (*organization).ordered, (*organization).overOrdered, (*organization).notEntitled, (*organization).orderedAgain,
		(*organization).sentOut, (*organization).sentOut, (*organization).oversent, (*organization).settled, (*organization).settled, (*organization).rejected,
		(*organization).cameBack, (*organization).settledBeyond, (*organization).strayCash, (*organization).paidInCash,
		(*organization).stopped, (*organization).orderedLate,
	},
}

// generate writes n lines. Their outcomes are known as they are written: a
// generator that remembers what each organization owes chooses facts that are
// allowed, facts that must be refused, and lines that are no facts at all.
func generate(seed uint64, n int) *workload {
	rng := rand.New(rand.NewPCG(seed, 0x10ad))
	w := &workload{}
	for i, kind := range []string{"market", "school", "fund", "market", "school", "market"} {
		w.organizations = append(w.organizations, &organization{name: fmt.Sprintf("%s-%d-%d", kind, i, seed), kind: kind, rng: rng, cash: map[string]int64{}})
	}
	for len(w.lines) < n {
		w.lines = append(w.lines, w.organizations[rng.IntN(len(w.organizations))].line())
	}
	return w
}

// line writes the organization's next line.
func (o *organization) line() *line {
	if o.next == 0 {
		return o.fact("recorded", "organization.registered", data{"kind": o.kind, "name": "Sổ " + o.name, "unit": "00721"})
	}
	of := facts[o.kind]
	for {
		var l *line
		switch n := o.rng.IntN(len(of) + 3); n {
		case len(of):
			l = o.repeated()
		case len(of) + 1:
			l = o.conflict()
		case len(of) + 2:
			l = o.malformed()
		default:
			l = of[n](o)
		}
		if l != nil {
			return l
		}
	}
}

// id returns a new one.
func (o *organization) id(prefix string) string {
	o.next++
	return prefix + strconv.Itoa(o.next)
}

// amount is 1 to most đồng.
func (o *organization) amount(most int64) int64 { return 1 + o.rng.Int64N(most) }

func dong(n int64) string { return strconv.FormatInt(n, 10) }

type data map[string]any

func money(n int64, d data) data {
	d["amount"], d["currency"] = dong(n), "VND"
	return d
}

// fact writes an event of the organization with a new id.
func (o *organization) fact(want, name string, d data) *line {
	id := o.id("e")
	d["effective_on"] = fmt.Sprintf("2026-%02d-%02d", 1+o.rng.IntN(12), 1+o.rng.IntN(28))
	b, err := json.Marshal(o.envelope(id, name, d))
	if err != nil {
		panic(err) // strings always marshal
	}
	l := &line{org: o.name, id: id, text: string(b), want: want}
	if want == "posted" || want == "recorded" {
		o.accepted = append(o.accepted, l)
	}
	return l
}

func (o *organization) envelope(id, name string, d data) data {
	return data{"specversion": "1.0", "id": id, "source": source, "type": events.Type(name), "subject": o.name,
		"time": "2026-09-01T08:00:00+07:00", "data": d}
}

// repeated is a line that was written before.
func (o *organization) repeated() *line {
	if len(o.accepted) == 0 {
		return nil
	}
	again := *o.accepted[o.rng.IntN(len(o.accepted))]
	again.newPerson = false
	return &again
}

// conflict says something else under an id that was used.
func (o *organization) conflict() *line {
	if len(o.accepted) == 0 {
		return nil
	}
	l := *o.accepted[o.rng.IntN(len(o.accepted))]
	l.text, l.want, l.newPerson = strings.Replace(l.text, `"effective_on":"2026-`, `"effective_on":"2025-`, 1), "conflict", false
	return &l
}

// malformed is a line that is no event, in one way or another. It names nobody,
// so that its content is the same whenever it is published.
func (o *organization) malformed() *line {
	l := &line{org: o.name, want: "malformed"}
	switch o.rng.IntN(3) {
	case 0:
		l.text = fmt.Sprintf(`{"specversion":"1.0","id":"%s","subject":"%s"`, o.id("m"), o.name)
	case 1:
		l.text = fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"%s","type":"vn.socho.bank.line_received.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","amount":"1.5","currency":"VND","line":"l","account":"main","direction":"in","kind":"payment"}}`, o.id("m"), source, o.name)
	case 2:
		l.text = fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"%s","type":"vn.socho.market.dance.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{}}`, o.id("m"), source, o.name)
	}
	return l
}

// one returns one that fits, nil where none is found.
func one[T any](rng *rand.Rand, from []*T, fits func(*T) bool) *T {
	for range min(8, 8*len(from)) {
		if x := from[rng.IntN(len(from))]; fits(x) {
			return x
		}
	}
	return nil
}

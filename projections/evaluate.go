package projections

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// ErrQuery is returned for a domain or kind of rate that does not exist.
var ErrQuery = errors.New("bad_query")

// item is one thing that a figure counts: a person, a payout, a payment, an
// institution, a surveyed unit. It weighs whole in the denominator and part in
// the numerator; one that weighs nothing still has its events, which say why.
type item struct {
	unit  string
	part  int64
	whole int64
	refs  []int // places of its facts
}

// Evaluate answers a query from facts: one figure for each kind of rate that
// it asks for, in the order of Bys. The facts may come in any order, and more
// of them than the query is about; those it is about must all be there.
// Errors: ErrQuery, ErrPeriod.
func Evaluate(facts []Fact, q Query) ([]Figure, error) {
	s, err := newSelection(facts, q)
	if err != nil {
		return nil, err
	}
	figures := make([]Figure, 0, len(s.bys))
	for _, by := range s.bys {
		figures = append(figures, s.figure(by, s.label, s.items(by), s.inUnits))
	}
	return figures, nil
}

// EvaluateUnits answers a query unit by unit, sorted by unit and then in the
// order of Bys. Unit and Units of the query narrow which units are listed.
// Errors: ErrQuery, ErrPeriod.
func EvaluateUnits(facts []Fact, q Query) ([]Figure, error) {
	s, err := newSelection(facts, q)
	if err != nil {
		return nil, err
	}
	return s.byUnit(s.items), nil
}

// Greatest is the greatest day that a domain's facts are effective on, as of a
// state of knowledge; empty where there are none.
func Greatest(facts []Fact, domain string, asOf AsOf) events.Date {
	var greatest events.Date
	for i := range facts {
		if f := &facts[i]; f.Domain == domain && asOf.knows(f) {
			greatest = max(greatest, f.EffectiveOn)
		}
	}
	return greatest
}

func (a AsOf) knows(f *Fact) bool {
	if next, bounded := a.Next[f.Shard]; bounded && f.Offset >= next {
		return false
	}
	return a.RecordedAt.IsZero() || !f.RecordedAt.After(a.RecordedAt)
}

// eventKey names an event within the ledger.
type eventKey struct{ organization, source, id string }

// selection is the facts that a query may see, in log order, with what the
// definitions look up in them.
type selection struct {
	query    Query
	label    string
	units    map[string]bool // empty: all
	bys      []string
	period   string
	months   map[string]bool
	last     events.Date // of the period
	facts    []Fact
	reversed map[eventKey]int // event → place of its reversal
	unitOf   map[string]int   // organization → place of its latest registration
}

func newSelection(facts []Fact, q Query) (*selection, error) {
	s := &selection{query: q, label: q.Unit, units: map[string]bool{}, bys: Bys(q.Domain), period: q.Period,
		months: map[string]bool{}, reversed: map[eventKey]int{}, unitOf: map[string]int{}}
	if s.bys == nil {
		return nil, fmt.Errorf("%w: no domain %q", ErrQuery, q.Domain)
	}
	if q.By != "" {
		if !slices.Contains(s.bys, q.By) {
			return nil, fmt.Errorf("%w: %s has no figure by %s", ErrQuery, q.Domain, q.By)
		}
		s.bys = []string{q.By}
	}
	codes := slices.Sorted(slices.Values(q.Units))
	if len(codes) == 0 && q.Unit != "" {
		codes = []string{q.Unit}
	}
	if s.label == "" {
		s.label = strings.Join(codes, ",")
	}
	for _, code := range codes {
		s.units[code] = true
	}
	if s.period == "" {
		s.period = LatestComplete(Greatest(facts, q.Domain, q.AsOf))
	}
	if s.period != "" {
		months, err := Months(s.period)
		if err != nil {
			return nil, err
		}
		for _, m := range months {
			s.months[m] = true
		}
		s.last = LastDay(months[len(months)-1])
	}
	s.take(facts)
	return s, nil
}

// take keeps what the query may see and puts it in log order.
func (s *selection) take(facts []Fact) {
	for i := range facts {
		f := &facts[i]
		if (f.Domain == "" || f.Domain == s.query.Domain) && s.query.AsOf.knows(f) {
			s.facts = append(s.facts, *f)
		}
	}
	slices.SortFunc(s.facts, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Offset, b.Offset))
	})
	for i := range s.facts {
		switch f := &s.facts[i]; f.Kind {
		case FactReversed:
			s.reversed[eventKey{f.Organization, f.TargetSource, f.TargetID}] = i
		case FactOrganization:
			s.unitOf[f.Organization] = i
		}
	}
}

func (s *selection) inUnits(unit string) bool { return len(s.units) == 0 || s.units[unit] }

// stands says whether a fact was not taken back, and adds it, with its reversal
// where there is one, to the facts behind an item.
func (s *selection) stands(i int, refs *[]int) bool {
	f := &s.facts[i]
	*refs = append(*refs, i)
	reversal, gone := s.reversed[eventKey{f.Organization, f.Source, f.EventID}]
	if gone {
		*refs = append(*refs, reversal)
	}
	return !gone
}

// figure adds items up.
func (s *selection) figure(by, unit string, items []item, in func(unit string) bool) Figure {
	var part, whole money.Total
	var refs []int
	for i := range items {
		it := &items[i]
		if in(it.unit) {
			part, whole = part.Plus(it.part), whole.Plus(it.whole)
			refs = append(refs, it.refs...)
		}
	}
	slices.Sort(refs)
	refs = slices.Compact(refs)
	f := Figure{Domain: s.query.Domain, Unit: unit, Period: s.period, By: by,
		Numerator: part.String(), Denominator: whole.String(), Rate: Rate(part.Big(), whole.Big()),
		Definition: Definition(s.query.Domain, by), Events: make([]EventRef, 0, len(refs))}
	for _, i := range refs {
		e := &s.facts[i]
		f.Events = append(f.Events, EventRef{e.Position, e.Organization, e.Source, e.EventID, e.Kind, e.RecordHash})
	}
	f.Digest = digest(&f)
	return f
}

// digest is a figure's, of the events that it holds.
func digest(f *Figure) string {
	d := NewDigest(f, len(f.Events))
	for i := range f.Events {
		d.Add(f.Events[i].Position, f.Events[i].RecordHash)
	}
	return d.String()
}

// Digest lets an outsider check a figure from the log alone: SHA-256, in hex,
// over the label "socho.figure.v1" and a zero byte, then definition, unit,
// period, numerator and denominator (each a 32-bit length and its bytes), then
// the number of events (32 bits) and for each one, in order of shard and
// offset, shard (32 bits), offset (64 bits) and events.Record.Hash. Numbers
// are big-endian. Format fixed for ever.
type Digest struct {
	hash hash.Hash
	room []byte
}

// NewDigest begins the digest of a figure with so many events behind it.
func NewDigest(f *Figure, events int) *Digest {
	b := []byte("socho.figure.v1\x00")
	for _, s := range []string{f.Definition, f.Unit, f.Period, f.Numerator, f.Denominator} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(events))
	d := &Digest{hash: sha256.New(), room: b}
	d.hash.Write(b) // never fails
	return d
}

// Add adds the next event.
func (d *Digest) Add(at Position, record ledger.Hash) {
	d.room = binary.BigEndian.AppendUint32(d.room[:0], uint32(at.Shard))
	d.room = binary.BigEndian.AppendUint64(d.room, uint64(at.Offset))
	d.hash.Write(append(d.room, record[:]...)) // never fails
}

// String is the digest of what was added.
func (d *Digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }

// CheckRate tells whether a figure's rate follows from its parts.
func (f *Figure) CheckRate() bool {
	part, ok1 := new(big.Int).SetString(f.Numerator, 10)
	whole, ok2 := new(big.Int).SetString(f.Denominator, 10)
	if !ok1 || !ok2 {
		return false
	}
	rate := Rate(part, whole)
	return (rate == nil) == (f.Rate == nil) && (rate == nil || *rate == *f.Rate)
}

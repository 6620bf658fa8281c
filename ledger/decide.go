package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"socho/events"
)

// Head is where a shard stands: everything that deciding the next record
// needs beside the tables.
type Head struct {
	Shard       int
	Shards      int // of the topic, for life
	NextOffset  int64
	RecordedAt  time.Time // of the last record; 1970 before the first stamp
	RuleSet     int       // in force for the next record; 0 before any is activated
	NextAccount int64
	Ledger      string // names the ledger, from record 0
	Genesis     Hash   // of record 0
	LastLeaf    [32]byte
	Frontier    Frontier
}

// Batch is what deciding a run of records gives: to be written as a whole, in
// one transaction, or not at all.
type Batch struct {
	From      Head
	Head      Head         // after the batch
	Outcomes  []Outcome    // one for each record, in order
	Transfers [][]Transfer // of each record
	Hashes    []Hash       // TransfersHash of each record's
	// Events are the records as events.Decode reads them, for whoever folds the
	// batch; nil where that has to be done, or where a record is no event.
	Events   []*events.Event
	Accounts []Account // opened or moved, by number
	Changes  []Change  // sorted by organization and key
}

// ErrRuleSetUnknown stops a shard: its log asks for rules that this program
// does not have. A newer release has them.
var ErrRuleSetUnknown = errors.New("rule_set_unknown")

// ErrForeignLog stops a shard: record 0 does not open this shard in a format
// that this program knows.
var ErrForeignLog = errors.New("log_foreign")

// ErrNotNext reports records that do not follow the shard's head.
var ErrNotNext = errors.New("records do not follow the shard's position")

// Decide decides records in order against the store. It changes nothing: the
// caller writes the batch. Where a rule set is activated that this program
// lacks, the batch ends behind that record, and the next call returns
// ErrRuleSetUnknown. Every other error is a fault of the store.
func Decide(ctx context.Context, head Head, records []events.Record, store Store) (*Batch, error) {
	batch := &Batch{From: head, Head: head,
		Outcomes: make([]Outcome, 0, len(records)), Transfers: make([][]Transfer, 0, len(records)),
		Hashes: make([]Hash, 0, len(records)), Events: make([]*events.Event, len(records))}
	batch.Head.Frontier = head.Frontier.Clone()
	v := newView(ctx, batch, store, len(records))
	defer v.done(len(records))

	set, err := ruleSet(head.RuleSet)
	if err != nil {
		return nil, err
	}
	decoded, current := decodeAll(set, records), set.vocabulary.Current()
	if err := v.prefetchAll(set, decoded); err != nil {
		return nil, err
	}
	d := new(decision) // one after the other; the batch keeps copies
	var stamps stamps
	for i := range records {
		r := &records[i]
		if r.Shard != head.Shard || r.Offset != batch.Head.NextOffset {
			return nil, fmt.Errorf("shard %d: %w: got %d:%d, want offset %d", head.Shard, ErrNotNext, r.Shard, r.Offset, batch.Head.NextOffset)
		}
		if batch.Head.RuleSet != set.Number {
			if set, err = ruleSet(batch.Head.RuleSet); err != nil {
				if i == 0 {
					return nil, err
				}
				break
			}
			copy(decoded[i:], decodeAll(set, records[i:]))
			current = set.vocabulary.Current()
		}
		*d = decision{view: v, head: &batch.Head, record: r, set: set}
		d.outcome = Outcome{Shard: r.Shard, Offset: r.Offset, RuleSet: set.Number, RecordHash: r.Hash(), ValueHash: events.ValueHash(r.Value)}
		d.outcome.RecordedAt = stamps.recordedAt(r, batch.Head.RecordedAt)
		d.decide(decoded[i])
		if s := d.outcome.Status; s == Malformed || s == Misrouted {
			// A stamp on a record that intake cannot have written moves no clock.
			if intake := s == Malformed && d.event != nil; !intake {
				d.outcome.RecordedAt = batch.Head.RecordedAt
			}
		}
		if r.Offset == 0 && batch.Head.Ledger == "" {
			return nil, fmt.Errorf("shard %d: %w: %s", head.Shard, ErrForeignLog, d.outcome.Detail)
		}
		if v.fault != nil {
			return nil, v.fault
		}
		if current {
			batch.Events[i] = decoded[i].event
		}
		batch.close(d)
	}
	batch.Events = batch.Events[:len(batch.Outcomes)]
	batch.collect(v)
	return batch, nil
}

// close seals a decision into the batch: leaf appended, head moved.
func (b *Batch) close(d *decision) {
	o := &d.outcome
	for i := range d.transfers {
		d.transfers[i].Line = i
	}
	hash := TransfersHash(d.transfers)
	o.LeafHash = LeafHash(o, hash)
	b.Outcomes = append(b.Outcomes, *o)
	b.Hashes = append(b.Hashes, hash)
	b.Transfers = append(b.Transfers, d.transfers)
	h := &b.Head
	h.Frontier.Append(o.LeafHash)
	h.LastLeaf = o.LeafHash
	h.RecordedAt = o.RecordedAt
	h.NextOffset = o.Offset + 1
	if o.Offset == 0 {
		h.Genesis = o.RecordHash
	}
}

func (b *Batch) collect(v *view) {
	b.Head.NextAccount = v.next
	b.Accounts = slices.Grow(b.Accounts, len(v.touched))
	for _, a := range v.touched {
		b.Accounts = append(b.Accounts, a.Account)
	}
	slices.SortFunc(b.Accounts, func(x, y Account) int { return int(x.Number - y.Number) })
	for key, offset := range v.changed {
		b.Changes = append(b.Changes, Change{key, v.state[key], offset})
	}
	slices.SortFunc(b.Changes, func(x, y Change) int {
		return slices.Compare([]string{x.Organization, x.Key}, []string{y.Organization, y.Key})
	})
}

// epoch is the time before the first stamp.
var epoch = time.Unix(0, 0).UTC()

const stampFormat = "2006-01-02T15:04:05.000000Z"

// stamps reads intake's stamps, many of which are that of the record before.
type stamps struct {
	last []byte
	at   time.Time
}

// recordedAt is intake's stamp, never before the record ahead of it. A record
// without one legible stamp takes its predecessor's time.
func (s *stamps) recordedAt(r *events.Record, previous time.Time) time.Time {
	stamp, found := []byte(nil), 0
	for _, h := range r.Headers {
		if h.Name == events.HeaderRecordedAt {
			stamp = h.Value
			found++
		}
	}
	if found != 1 {
		return previous
	}
	if s.last == nil || !bytes.Equal(stamp, s.last) {
		at, err := time.Parse(stampFormat, string(stamp))
		if err != nil || at.Format(stampFormat) != string(stamp) { // time.Parse is lenient
			return previous
		}
		s.last, s.at = stamp, at
	}
	if s.at.Before(previous) {
		return previous
	}
	return s.at
}

type decodedRecord struct {
	event *events.Event
	err   error
}

func decodeAll(set *RuleSet, records []events.Record) []decodedRecord {
	all := make([]decodedRecord, len(records))
	for i := range records {
		all[i].event, all[i].err = set.vocabulary.Decode(records[i].Value)
	}
	return all
}

// prefetchAll reads what the batch is going to look at in two rounds: claims
// and state first, then the accounts and further state, some of whose names
// stand in the state.
func (v *view) prefetchAll(set *RuleSet, decoded []decodedRecord) error {
	needs := slices.Grow(v.needs[:0], len(decoded))
	v.needs = needs[:len(decoded)]
	for _, d := range decoded {
		if d.event == nil {
			continue
		}
		n := Need{Organization: d.event.Subject}
		if !v.presumes {
			n.Claims = []Claim{claimOf(d.event)}
		}
		if set.needs != nil {
			n.State = set.needs(d.event)
		}
		needs = append(needs, n)
	}
	if err := v.prefetch(needs); err != nil {
		return err
	}
	if set.accounts == nil {
		return nil
	}
	for i, at := 0, 0; i < len(decoded); i++ {
		if d := decoded[i]; d.event != nil {
			needs[at] = Need{Organization: d.event.Subject}
			needs[at].Accounts, needs[at].State = set.accounts(d.event, v)
			at++
		}
	}
	return v.prefetch(needs)
}

func claimOf(e *events.Event) Claim {
	return Claim{e.Subject, string(e.Source), string(e.ID)}
}

// decision is one record on its way to its outcome.
type decision struct {
	*view
	head      *Head
	record    *events.Record
	set       *RuleSet
	event     *events.Event
	outcome   Outcome
	transfers []Transfer
	changes   []Change
}

// codeNoEvent is said of a record that intake cannot have written. That it is
// no event enters the leaf; which of its faults the codec meets first does not.
const codeNoEvent = "no_event"

// decide goes the way of every record: legible, in its place, new, allowed.
func (d *decision) decide(in decodedRecord) {
	o := &d.outcome
	if in.err != nil {
		var e *events.Error
		errors.As(in.err, &e)
		o.Status, o.Code = Malformed, codeNoEvent
		o.Detail = fmt.Sprintf("%s %s", e.Code, events.SafeField(e.Field))
		return
	}
	d.event = in.event
	o.Organization, o.Source, o.EventID = d.event.Subject, string(d.event.Source), string(d.event.ID)
	o.Type, o.EffectiveOn = d.event.Type, d.event.Fact.Effective()
	if reason := d.misplaced(); reason != "" {
		o.Status, o.Code = Misrouted, reason
		return
	}
	if f, ok := d.event.Fact.(*events.Undecodable); ok {
		o.Status, o.Code, o.Detail = Malformed, string(f.Reason), string(f.At)
		return
	}
	claim := claimOf(d.event)
	if held, taken := d.taken(claim); taken {
		o.Status = Duplicate
		if held.ValueHash != o.ValueHash {
			o.Status, o.Code = Conflict, "other_content"
		}
		o.Detail = fmt.Sprintf("first at %d:%d", o.Shard, held.Offset)
		return
	}
	o.Claims = true
	d.set.decide(d)
	if d.fault != nil {
		return
	}
	if o.Status == Posted {
		if len(d.transfers) > MaxTransfers {
			d.refuse("too_many_transfers", "%d", len(d.transfers))
		} else if name, broken := d.broken(d.transfers); broken {
			d.refuse("limit_exceeded", "account %s", name.Path)
		}
	}
	if o.Status.Accepted() {
		d.post(d.transfers)
		for _, c := range d.changes {
			d.state[c.StateKey] = c.Value
			delete(d.parsed, c.StateKey)
			d.changed[c.StateKey] = o.Offset
		}
	}
	d.claims[claim] = Claimed{o.Offset, o.ValueHash, o.Status, o.Type}
}

// misplaced says why a record is not where its subject belongs.
func (d *decision) misplaced() string {
	if d.record.Key == nil || string(d.record.Key) != d.event.Subject {
		return "key_is_not_subject"
	}
	if events.IsShardSubject(d.event.Subject) {
		if d.event.Subject != events.ShardSubject(d.record.Shard) {
			return "wrong_partition"
		}
		return ""
	}
	if events.ShardOf(d.record.Key, d.head.Shards) != d.record.Shard {
		return "wrong_partition"
	}
	return ""
}

func (d *decision) refuse(code, detail string, args ...any) {
	d.outcome.Status, d.outcome.Code, d.outcome.Detail = Refused, code, fmt.Sprintf(detail, args...)
	d.transfers, d.changes = nil, nil
}

// note takes the fact in without moving money.
func (d *decision) note(code string) {
	d.outcome.Status, d.outcome.Code = Recorded, code
}

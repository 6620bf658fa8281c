// Package projtest gives tests of projections a log that the real rules have
// decided, without a server.
//
//	log := projtest.New(t, 2)
//	log.Add("hg-cho-dong-van", "market.fee_assessed", fee)
//	accepted := log.Accepted(0)          // what folds may see of shard 0
//	log                                  // is a projections.Source
package projtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"socho/events"
	"socho/ledger"
	"socho/projections"
)

// Source is the publisher of every event of a Log.
const Source = "urn:test"

// Log is a log in memory with what the ledger said of it.
type Log struct {
	Actor   string // stamped on what is added from now on; nobody where it is empty
	t       testing.TB
	shards  int
	book    *ledger.Book
	mu      sync.Mutex
	records map[int][]events.Record
	kept    map[int][]projections.Accepted
	next    int
}

// New opens a log of so many shards under rule set 1.
func New(t testing.TB, shards int) *Log {
	t.Helper()
	l := &Log{t: t, shards: shards, book: ledger.NewBook(shards), records: map[int][]events.Record{}, kept: map[int][]projections.Accepted{}}
	count := func(n int) *events.Count { c := events.Count(n); return &c }
	for s := range shards {
		l.Add(events.ShardSubject(s), "shard.opened", &events.ShardOpened{Ledger: "test", Format: count(1), Shard: count(s), Shards: count(shards)})
		l.Add(events.ShardSubject(s), "shard.rules_activated", &events.RulesActivated{RuleSet: count(1)})
	}
	return l
}

// Add publishes a fact, lets the ledger decide it and returns its outcome. The
// event's id is e1, e2, … in the order of calls.
func (l *Log) Add(organization, name string, fact events.Fact) ledger.Outcome {
	l.t.Helper()
	return l.AddAll(organization, []string{name}, []events.Fact{fact})[0]
}

// AddAll does the same for many facts of one organization in one batch.
func (l *Log) AddAll(organization string, names []string, facts []events.Fact) []ledger.Outcome {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	shard := events.ShardOf([]byte(organization), l.shards)
	if _, err := fmt.Sscanf(organization, "shard:%d", &shard); err == nil && organization != events.ShardSubject(shard) {
		l.t.Fatalf("projtest: %s", organization)
	}
	records := make([]events.Record, len(facts))
	for i, fact := range facts {
		l.next++
		value, err := events.New(events.Envelope{ID: events.EventID(fmt.Sprintf("e%d", l.next)), Source: Source, Type: events.Type(names[i]),
			Subject: organization, Time: "2026-09-01T00:00:00Z"}, fact)
		if err != nil {
			l.t.Fatalf("projtest: %s: %v", names[i], err)
		}
		at := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(l.next) * time.Second)
		records[i] = events.Record{Shard: shard, Offset: int64(len(l.records[shard]) + i), Key: []byte(organization), Value: value,
			Headers: []events.Header{{Name: events.HeaderRecordedAt, Value: []byte(at.Format("2006-01-02T15:04:05.000000Z"))}}}
		if l.Actor != "" {
			records[i].Headers = append(records[i].Headers, events.Header{Name: events.HeaderActor, Value: []byte(l.Actor)})
		}
	}
	batch, err := ledger.Decide(context.Background(), l.book.Head(shard), records, l.book)
	if err != nil {
		l.t.Fatalf("projtest: %v", err)
	}
	l.book.Apply(batch)
	accepted, err := projections.Accept(records, batch)
	if err != nil {
		l.t.Fatalf("projtest: %v", err)
	}
	l.records[shard] = append(l.records[shard], records...)
	l.kept[shard] = append(l.kept[shard], accepted...)
	return batch.Outcomes
}

// Must is Add for facts that the ledger is to accept. It returns the event's id.
func (l *Log) Must(organization, name string, fact events.Fact) events.EventID {
	l.t.Helper()
	o := l.Add(organization, name, fact)
	if !o.Status.Accepted() {
		l.t.Fatalf("projtest: %s of %s: %s %s %s", name, organization, o.Status, o.Code, o.Detail)
	}
	return events.EventID(o.EventID)
}

// Reverse takes an event back.
func (l *Log) Reverse(organization string, on events.Date, id events.EventID) {
	l.t.Helper()
	l.Must(organization, "ledger.reversed", &events.Reversed{Dated: events.Dated{EffectiveOn: on}, Reverses: id, ReversesSource: Source, Reason: "typo"})
}

// Rules has every shard decide by a rule set from here on.
func (l *Log) Rules(set events.Count) {
	l.t.Helper()
	for s := range l.shards {
		l.Must(events.ShardSubject(s), "shard.rules_activated", &events.RulesActivated{RuleSet: &set})
	}
}

// Accepted returns what folds may see of a shard.
func (l *Log) Accepted(shard int) []projections.Accepted {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[shard]
}

// Records returns a shard's records, for a test that decides them once more.
func (l *Log) Records(shard int) []events.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[shard]
}

// Heads implements projections.Source.
func (l *Log) Heads(context.Context) (map[int]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	heads := map[int]int64{}
	for s := range l.shards {
		heads[s] = int64(len(l.records[s]))
	}
	return heads, nil
}

// Next implements projections.Source.
func (l *Log) Next(_ context.Context, shard int, from int64, most int) ([]projections.Accepted, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := max(from, min(from+int64(most), int64(len(l.records[shard]))))
	var found []projections.Accepted
	for _, a := range l.kept[shard] {
		if a.Offset >= from && a.Offset < next {
			found = append(found, a)
		}
	}
	return found, next, nil
}

var _ projections.Source = (*Log)(nil)

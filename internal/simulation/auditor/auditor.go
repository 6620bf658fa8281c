// Package auditor works out a second time what must become of the records of a
// log, from their raw bytes and in plain maps. It shares no code with the
// ledger, nor with the codec of events: where both are wrong, they are wrong in
// different ways.
//
// It knows the facts that the simulation publishes and no others; of any other
// it says so, rather than guess. In three points it takes the ledger's word,
// since they are no decisions: amounts are in minor units, accounts are named as
// docs/architecture.md names them, and what intake could not decode is whatever
// stands on the log as intake.undecodable.
//
//	a := auditor.New(8)
//	for _, r := range records { // of each shard in order
//		v, err := a.Take(r)
//		fmt.Println(v.Status, a.Balances["cho-1:cash:collector:c-1"])
//	}
package auditor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Record is one record of the log as a broker hands it out.
type Record struct {
	Shard  int
	Offset int64
	Key    []byte
	Value  []byte
	Stamps []string // the headers of intake that say when
}

// Verdict is what must have become of a record.
type Verdict struct {
	Status       string // posted, recorded, duplicate, conflict, refused, malformed, misrouted
	Organization string // of a record that is an event
	Source, ID   string
	Type         string
	Code         string // of a refusal
	RecordedAt   time.Time
	Moves        []Move
}

// Move is money that goes from one account to another.
type Move struct {
	Debit, Credit string // organization:path
	Amount        int64  // in minor units, above zero
}

// Sums are what an account was debited and credited with.
type Sums struct{ Debits, Credits int64 }

// Auditor holds what it has worked out so far.
type Auditor struct {
	// Balances are by organization:path.
	Balances map[string]Sums
	// Claims are by organization, source and id, with the value that has them.
	Claims map[[3]string]Claim

	shards  int
	shardOf func(key []byte, shards int) int
	books   map[string]*book
	clock   map[int]time.Time // of each shard: when its last record was recorded
}

// Claim is the record that an id belongs to.
type Claim struct {
	Shard  int
	Offset int64
	Status string
	Type   string
	value  string
	moves  []Move
}

// New returns an auditor of a log of so many shards. shardOf is where Kafka's
// own clients put a key.
func New(shards int, shardOf func(key []byte, shards int) int) *Auditor {
	return &Auditor{Balances: map[string]Sums{}, Claims: map[[3]string]Claim{}, shards: shards, shardOf: shardOf,
		books: map[string]*book{}, clock: map[int]time.Time{}}
}

// event is a record's value, read loosely.
type event struct {
	ID, Source, Type, Subject, Time string
	SpecVersion                     string
	Data                            map[string]any
}

// Take works out the next record of its shard. Errors: a fact that the auditor
// has no rule for.
func (a *Auditor) Take(r Record) (Verdict, error) {
	v := Verdict{RecordedAt: a.clock[r.Shard]}
	if v.RecordedAt.IsZero() {
		v.RecordedAt = time.Unix(0, 0).UTC()
	}
	var e event
	if !canonical(r.Value) || json.Unmarshal(r.Value, &e) != nil || e.SpecVersion != "1.0" || e.ID == "" || e.Source == "" || e.Subject == "" || e.Data == nil ||
		!strings.HasPrefix(e.Type, "vn.socho.") {
		v.Status = "malformed"
		return v, nil // a record that intake did not write moves no clock
	}
	v.Organization, v.Source, v.ID, v.Type = e.Subject, e.Source, e.ID, e.Type
	if string(r.Key) != e.Subject || a.placed(e.Subject) != r.Shard {
		v.Status = "misrouted"
		return v, nil
	}
	v.RecordedAt = later(v.RecordedAt, r.Stamps)
	a.clock[r.Shard] = v.RecordedAt
	fact, known := strings.CutSuffix(strings.TrimPrefix(e.Type, "vn.socho."), ".v1")
	if !known {
		return v, fmt.Errorf("%d:%d: the auditor does not know %s", r.Shard, r.Offset, e.Type)
	}
	if fact == "intake.undecodable" {
		v.Status = "malformed"
		return v, nil
	}
	claim := [3]string{e.Subject, e.Source, e.ID}
	if held, taken := a.Claims[claim]; taken {
		if v.Status = "conflict"; held.value == string(r.Value) {
			v.Status = "duplicate"
		}
		return v, nil
	}
	if err := a.decide(fact, &e, &v); err != nil {
		return v, fmt.Errorf("%d:%d: %w", r.Shard, r.Offset, err)
	}
	for _, m := range v.Moves {
		debit, credit := a.Balances[m.Debit], a.Balances[m.Credit]
		debit.Debits += m.Amount
		a.Balances[m.Debit] = debit
		credit = a.Balances[m.Credit]
		credit.Credits += m.Amount
		a.Balances[m.Credit] = credit
	}
	a.Claims[claim] = Claim{Shard: r.Shard, Offset: r.Offset, Status: v.Status, Type: fact, value: string(r.Value), moves: v.Moves}
	return v, nil
}

// canonical reports whether a value is spelled as RFC 8785 has it, as far as
// that shows in events: names in order, no spaces, nothing escaped that need
// not be.
func canonical(value []byte) bool {
	var tree any
	in := json.NewDecoder(bytes.NewReader(value))
	in.UseNumber()
	if in.Decode(&tree) != nil {
		return false
	}
	var again bytes.Buffer
	out := json.NewEncoder(&again)
	out.SetEscapeHTML(false)
	return out.Encode(tree) == nil && bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), value)
}

// placed is the shard that a subject belongs to.
func (a *Auditor) placed(subject string) int {
	if number, ok := strings.CutPrefix(subject, "shard:"); ok {
		if n, err := strconv.Atoi(number); err == nil {
			return n
		}
		return -1
	}
	return a.shardOf([]byte(subject), a.shards)
}

const stampFormat = "2006-01-02T15:04:05.000000Z"

// later is a record's stamp, or its predecessor's where that is later or the
// stamp is none.
func later(before time.Time, stamps []string) time.Time {
	if len(stamps) != 1 {
		return before
	}
	at, err := time.Parse(stampFormat, stamps[0])
	if err != nil || at.Before(before) || at.Format(stampFormat) != stamps[0] {
		return before
	}
	return at
}

// Unbalanced names the organizations where debits and credits
// differ, "" where all is well.
func (a *Auditor) Unbalanced() string {
	sums := map[string]int64{}
	for name, s := range a.Balances {
		organization, _, _ := strings.Cut(name, ":")
		sums[organization] += s.Debits - s.Credits
	}
	var bad []string
	for name, sum := range sums {
		if sum != 0 {
			bad = append(bad, fmt.Sprintf("%s: %d", name, sum))
		}
	}
	sort.Strings(bad)
	return strings.Join(bad, ", ")
}

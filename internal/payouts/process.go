package payouts

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/vault"
	"socho/ledger"
)

// Source names this process on the log.
const Source = events.OwnSources + "payouts"

// Orders is who hands in what follows from an approval by itself.
const Orders = "process:payouts"

// Service takes facts in and decides them; *service.Service does.
type Service interface {
	Publish(context.Context, io.Reader, intake.Options) (intake.Report, error)
	Decided(context.Context, intake.Report) (map[ledger.Status]int64, error)
	WaitForProjections(context.Context) error
}

// Records are the log's.
type Records interface {
	At(ctx context.Context, shard int, offset int64) (events.Record, error)
	// Read returns records that follow each other from an offset on.
	Read(ctx context.Context, shard int, offset int64, wait time.Duration) ([]events.Record, error)
}

// Process is the month's work in the name of an actor.
type Process struct {
	Service Service
	DB      *postgres.DB
	Read    *readmodel.DB
	Vault   *vault.Vault
	Log     Records
	Persons []byte // what opaque ids of persons are derived under
	Actor   string // as intake stamps it
	Now     func() time.Time
	// Trail writes down that personal data were opened, before they are.
	Trail func(context.Context, identity.Entry) error
	// May says whether the actor may hand files of an organization in, where only
	// the file says whose it is; nil for everywhere.
	May func(organization string) bool
	// Progress is told now and then how far long work is, in payouts; nil: nobody is.
	Progress func(part, whole int64)
}

// far says how far the work is.
func (p *Process) far(part, whole int) {
	if p.Progress != nil {
		p.Progress(int64(part), int64(whole))
	}
}

var ict = time.FixedZone("ICT", 7*3600)

// today is the calendar day, in Vietnam.
func (p *Process) today() events.Date {
	return events.Date(p.Now().In(ict).Format(time.DateOnly))
}

func (p *Process) envelope(organization, id, fact string) events.Envelope {
	return events.Envelope{ID: events.EventID(id), Source: Source, Type: events.Type(fact), Subject: organization, Time: events.Time(p.Now().In(ict).Format(time.RFC3339))}
}

// Refusal is a fact that the ledger did not take.
type Refusal struct {
	Event  string `json:"event_id"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// RefusedError says why the ledger did not take a decision.
type RefusedError struct{ *ledger.Outcome }

func (e *RefusedError) Error() string { return e.Code + ": " + ledger.Reason(e.Outcome) }

// sum is an amount of đồng.
func sum(minor int64) (events.Sum, error) {
	a, err := money.New(minor, money.VND)
	return events.Sum{Amount: events.Decimal(a.String()), Currency: money.VND}, err
}

// said is what became of facts that were published together.
type said struct {
	counts  map[ledger.Status]int64
	refused []Refusal // the first of them
	codes   map[string]int64
	missing int // not published: their persons are erased
}

// maxNamed bounds how many refusals are named.
const maxNamed = 100

// publish says facts, in order, and waits until they are decided.
func (p *Process) publish(ctx context.Context, organization string, write func(say func(events.Envelope, events.Fact, map[string]string) error) error) (said, error) {
	out := said{counts: map[ledger.Status]int64{}, codes: map[string]int64{}}
	r, w := io.Pipe()
	go func() {
		// Intake sends on what it has as soon as it would have to wait for more: line
		// by line through a pipe, it would take each alone.
		many := bufio.NewWriterSize(w, 1<<20)
		err := write(func(e events.Envelope, fact events.Fact, personal map[string]string) error {
			text, err := (&events.Draft{Envelope: e, Fact: fact, Personal: personal}).Line()
			if err == nil {
				_, err = many.Write(text)
			}
			return err
		})
		if err == nil {
			err = many.Flush()
		}
		w.CloseWithError(err)
	}()
	report, err := p.Service.Publish(ctx, r, intake.Options{DefaultOrg: organization, Actor: p.Actor, Own: true})
	r.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		return out, err
	}
	out.missing = report.NotPublished
	if out.counts, err = p.Service.Decided(ctx, report); err != nil {
		return out, err
	}
	if out.counts[ledger.Refused]+out.counts[ledger.Conflict]+out.counts[ledger.Malformed] == 0 {
		return out, nil
	}
	for _, at := range report.Ranges {
		if err := p.DB.Outcomes(ctx, at.Shard, at.First, at.Next, func(o *ledger.Outcome) error {
			if o.Status != ledger.Refused && o.Status != ledger.Conflict && o.Status != ledger.Malformed {
				return nil
			}
			out.codes[o.Code]++
			if len(out.refused) < maxNamed {
				out.refused = append(out.refused, Refusal{o.EventID, o.Code, ledger.Reason(o)})
			}
			return nil
		}); err != nil {
			return out, err
		}
	}
	return out, nil
}

// say says one fact and returns what was decided of it, also where it had been
// said before. What was refused before is said anew, as a resubmission.
// Errors: *RefusedError.
func (p *Process) say(ctx context.Context, e events.Envelope, fact events.Fact) (*ledger.Outcome, error) {
	tries := make([]string, attempts)
	tries[0] = string(e.ID)
	for n := 1; n < attempts; n++ {
		tries[n] = fmt.Sprintf("%s-%d", e.ID, n+1)
	}
	before, err := p.DB.Claims(ctx, e.Subject, Source, tries)
	if err != nil {
		return nil, err
	}
	for n, id := range tries {
		o := before[id]
		if o == nil {
			break
		}
		if o.Status.Accepted() {
			return o, nil
		}
		if n+1 == attempts {
			return o, &RefusedError{o}
		}
		e.ID, e.Resubmits, e.ResubmitsSource = events.EventID(tries[n+1]), events.EventID(id), Source
	}
	done, err := p.publish(ctx, e.Subject, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		return say(e, fact, nil)
	})
	if err != nil {
		return nil, err
	}
	found, err := p.DB.Claims(ctx, e.Subject, Source, []string{string(e.ID)})
	if err != nil {
		return nil, err
	}
	o := found[string(e.ID)]
	switch {
	case o == nil:
		return nil, fmt.Errorf("%s was not decided", e.Type)
	case done.counts[ledger.Conflict] > 0:
		return o, &RefusedError{&ledger.Outcome{Status: ledger.Conflict, Code: "conflict"}}
	case !o.Status.Accepted():
		return o, &RefusedError{o}
	}
	return o, nil
}

// total is what the ledger's rules remember of a list or batch.
type total struct {
	State    string         `json:"state"`
	Currency money.Currency `json:"currency"`
	Count    int64          `json:"count"`
	Sum      int64          `json:"sum"`
	Digest   events.Digest  `json:"digest"`
}

func (p *Process) total(ctx context.Context, organization, key string) (t total, found bool, err error) {
	value, found, err := p.DB.RuleState(ctx, organization, key)
	if err == nil && found {
		err = json.Unmarshal([]byte(value), &t)
	}
	return t, found, err
}

func (t total) sum() (events.Sum, error) {
	a, err := money.New(t.Sum, t.Currency)
	return events.Sum{Amount: events.Decimal(a.String()), Currency: t.Currency}, err
}

// unsealed writes down that fields are opened, and whose list or batch they are of.
func (p *Process) unsealed(ctx context.Context, organization, object, why string, fields []string) error {
	return p.Trail(ctx, identity.Entry{Action: identity.Unsealed, Organization: organization, Object: object, Detail: strings.Join(slices.Sorted(slices.Values(fields)), ",") + " " + why, Outcome: identity.OK})
}

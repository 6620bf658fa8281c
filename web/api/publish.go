package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/ledger"
)

// Bounds of a body that is published.
const (
	maxEvent  = events.MaxEventBytes
	maxBulk   = 8 << 20
	maxEvents = 5000
	bodyTime  = time.Minute // for all of it to arrive
)

// The ways to write events, as the CloudEvents HTTP binding names them.
const (
	oneEvent   = "application/cloudevents+json"
	manyEvents = "application/cloudevents-batch+json"
	eventLines = "application/x-ndjson"
	plainJSON  = "application/json"
)

// Published says what became of a request to publish.
type Published struct {
	Published    int              `json:"published" doc:"Events on the log; of a dry run, those that would be."`
	NotPublished int              `json:"not_published" doc:"Events about erased persons, which are not kept."`
	DryRun       bool             `json:"dry_run" doc:"Nothing was published."`
	Check        string           `json:"check,omitempty" enum:"decision" doc:"Of a dry run, what was tried: decision means the ledger's whole decision, from what it had decided before."`
	Outcomes     map[string]int64 `json:"outcomes,omitempty" doc:"How many of each status; with wait, or of a dry run."`
	Events       []PublishedEvent `json:"events" doc:"In the order of the body."`
}

// PublishedEvent is what became of one event.
type PublishedEvent struct {
	Line         int    `json:"line" doc:"Of the body, or place in its array; from 1."`
	EventID      string `json:"event_id"`
	Organization string `json:"organization"`
	Shard        int    `json:"shard"`
	Offset       *int64 `json:"offset" doc:"Place on the log; null where it is not there."`
	Status       string `json:"status" enum:"published,not_published,posted,recorded,duplicate,conflict,refused,malformed,misrouted" doc:"published is on the log, and not waited for. The others but not_published are the ledger's."`
	Code         string `json:"code" doc:"Why, or what was unusual."`
	Reason       string `json:"reason" doc:"The code in a sentence."`
}

type publishInput struct {
	Key         string `header:"Idempotency-Key" maxLength:"128" pattern:"^[ -~]+$" doc:"Names this request, for 24 hours: the same once more is answered as the first time."`
	ContentType string `header:"Content-Type" hidden:"true"`
	DryRun      bool   `query:"dry_run" doc:"Decide as the ledger would, and publish nothing."`
	Wait        bool   `query:"wait" doc:"Answer when the ledger has decided."`
	RawBody     []byte
}

type publishOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true where this is the answer to an earlier request of that key."`
	Body     Published
}

func describePublishing(types map[string]*huma.Schema, most int64, what string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.MaxBodyBytes = most + 1
		op.BodyReadTimeout = bodyTime
		op.SkipValidateBody = true
		op.Errors = append(op.Errors, 408, 409, 413, 415)
		op.RequestBody = &huma.RequestBody{Required: true, Description: what, Content: map[string]*huma.MediaType{}}
		for name, schema := range types {
			op.RequestBody.Content[name] = &huma.MediaType{Schema: schema}
		}
		answer := func(text string) *huma.Response { return &huma.Response{Description: text} }
		op.Responses = map[string]*huma.Response{"202": answer("All is on the log, or kept from it; nothing is decided yet."), "200": answer("Decided, or tried.")}
		op.DefaultStatus = http.StatusOK
	}
}

func (a *API) publishOne(ctx context.Context, in *publishInput) (*publishOutput, error) {
	if media(in.ContentType) != oneEvent && media(in.ContentType) != plainJSON {
		return nil, unsupported(oneEvent, plainJSON)
	}
	text, err := compacted(in.RawBody)
	if err != nil {
		return nil, notJSON(0)
	}
	return a.publish(ctx, in, [][]byte{text})
}

func (a *API) publishMany(ctx context.Context, in *publishInput) (*publishOutput, error) {
	var texts [][]byte
	var err error
	switch media(in.ContentType) {
	case eventLines, "application/jsonl", "application/json-lines":
		texts, err = lines(in.RawBody)
	case manyEvents, plainJSON:
		texts, err = elements(in.RawBody)
	default:
		return nil, unsupported(eventLines, manyEvents, plainJSON)
	}
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, in, texts)
}

// media is a content type without its parameters; empty means JSON.
func media(contentType string) string {
	if contentType == "" {
		return plainJSON
	}
	name, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return name
}

func unsupported(types ...string) *Problem {
	return problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "Expected one of %q.", types)
}

func notJSON(line int) *Problem {
	p := problem(http.StatusUnprocessableEntity, "not_published", "Nothing was published.")
	p.Errors = []Fault{{Line: line, Code: string(events.NotJSON)}}
	return p
}

var tooMany = problem(http.StatusUnprocessableEntity, "too_many", "At most %d events go into one request.", maxEvents)

// lines splits JSON lines. Blank ones are nil: they count, and are skipped.
func lines(body []byte) (texts [][]byte, err error) {
	for line := range bytes.Lines(body) {
		if len(texts) > maxEvents {
			return nil, tooMany
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			line = nil
		}
		texts = append(texts, line)
	}
	return texts, nil
}

// elements splits a JSON array. Each element keeps its own spelling.
func elements(body []byte) (texts [][]byte, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, notJSON(0)
	}
	for d.More() {
		if len(texts) >= maxEvents {
			return nil, tooMany
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, notJSON(len(texts) + 1)
		}
		text, err := compacted(raw)
		if err != nil {
			return nil, notJSON(len(texts) + 1)
		}
		texts = append(texts, text)
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(len(texts))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, notJSON(len(texts))
	}
	return texts, nil
}

// publish checks the whole request, then hands it to intake.
func (a *API) publish(ctx context.Context, in *publishInput, texts [][]byte) (*publishOutput, error) {
	batch, err := a.checked(ctx, texts)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		body, err := a.try(ctx, batch)
		return &publishOutput{Status: http.StatusOK, Body: body}, err
	}
	return a.once(ctx, in, func() (*publishOutput, error) {
		body, err := a.send(ctx, batch, in.Wait)
		if err != nil {
			return nil, err
		}
		status := http.StatusAccepted
		if in.Wait {
			status = http.StatusOK
		}
		return &publishOutput{Status: status, Body: body}, nil
	})
}

// batch is a request whose events may all be published.
type batch struct {
	input  []byte           // a line for each event
	events []PublishedEvent // of each line, in order
}

// checked reads every event as intake will, and asks for the right in each one's
// organization. Errors: a problem that names what is wrong with which; where
// anything is, nothing is published.
func (a *API) checked(ctx context.Context, texts [][]byte) (*batch, error) {
	p := identity.From(ctx)
	b := &batch{}
	malformed := problem(http.StatusUnprocessableEntity, "not_published", "Nothing was published: not everything is an event.")
	forbidden := problem(http.StatusForbidden, "not_allowed", "Nothing was published: this needs the right %s in the organization of every event.", identity.PublishEvents)
	say := func(into *Problem, f Fault) {
		if len(into.Errors) < maxFaults {
			into.Errors = append(into.Errors, f)
		}
	}
	for i, text := range texts {
		if text == nil {
			continue
		}
		fact, err := events.ParsePublished(text)
		var fault *events.Error
		switch {
		case errors.As(err, &fault):
			say(malformed, Fault{i + 1, events.SafeField(fault.Field), string(fault.Code), fault.Detail})
			continue
		case err != nil:
			return nil, err
		case !p.May(identity.PublishEvents, fact.Event.Subject):
			say(forbidden, Fault{Line: i + 1, Location: "/subject", Code: "not_allowed"})
			continue
		}
		b.input = append(append(b.input, text...), '\n')
		b.events = append(b.events, PublishedEvent{Line: i + 1, EventID: string(fact.Event.ID), Organization: fact.Event.Subject,
			Shard: events.ShardOf([]byte(fact.Event.Subject), a.Service.Log.Partitions()), Status: "published"})
	}
	switch {
	case len(forbidden.Errors) > 0:
		return nil, forbidden
	case len(malformed.Errors) > 0:
		return nil, malformed
	case len(b.events) == 0:
		return nil, problem(http.StatusUnprocessableEntity, "not_published", "There is no event in the body.")
	}
	return b, nil
}

// options hand the batch in on the caller's behalf. The events that intake keeps
// from the log are marked as it says so.
func (b *batch) options(ctx context.Context) intake.Options {
	return intake.Options{Actor: actor(identity.From(ctx)), Refused: func(r intake.LineError) {
		e := &b.events[r.Line-1]
		e.Status, e.Code = "not_published", string(r.Code)
		switch r.Code {
		case intake.PersonErased:
			e.Reason = "its person is erased; nothing may be published for them any more"
		case intake.EraseRefused:
			e.Reason = "keys are destroyed by an operator alone: socho person erase"
		case intake.RulesTooOld:
			e.Reason = "the rules in force in its shard cannot read it yet; an operator switches them: socho rules"
		}
	}}
}

// sent returns the places of the events that intake has sent by shard, in order.
func (b *batch) sent() map[int][]int {
	sent := map[int][]int{}
	for i := range b.events {
		if e := &b.events[i]; e.Status == "published" {
			sent[e.Shard] = append(sent[e.Shard], i)
		}
	}
	return sent
}

func (b *batch) result(report intake.Report) Published {
	return Published{Published: report.Published, NotPublished: report.NotPublished, Events: b.events}
}

// decided takes over what the ledger says of an event.
func (p *Published) decided(i int, o *ledger.Outcome) {
	e := &p.Events[i]
	e.Status, e.Code, e.Reason = o.Status.String(), o.Code, ledger.Reason(o)
	if p.Outcomes == nil {
		p.Outcomes = map[string]int64{}
		for _, s := range ledger.Statuses() {
			p.Outcomes[s.String()] = 0
		}
	}
	p.Outcomes[e.Status]++
}

// send publishes, and waits for the ledger where that is asked for.
func (a *API) send(ctx context.Context, b *batch, wait bool) (Published, error) {
	report, err := a.Service.Publish(ctx, bytes.NewReader(b.input), b.options(ctx))
	if err != nil {
		return Published{}, err
	}
	sent := b.sent()
	at := map[[2]int64]int{} // place in events by shard and offset
	for _, r := range report.Ranges {
		for offset := r.First; offset < r.Next; offset++ {
			i := sent[r.Shard][0]
			sent[r.Shard] = sent[r.Shard][1:]
			b.events[i].Offset = &offset
			at[[2]int64{int64(r.Shard), offset}] = i
		}
	}
	result := b.result(report)
	if !wait {
		return result, nil
	}
	if _, err := a.Service.Decided(ctx, report); err != nil {
		return result, err
	}
	for _, r := range report.Ranges {
		if err := a.Service.DB.Outcomes(ctx, r.Shard, r.First, r.Next, func(o *ledger.Outcome) error {
			result.decided(at[[2]int64{int64(o.Shard), o.Offset}], o)
			return nil
		}); err != nil {
			return result, err
		}
	}
	return result, nil
}

// try decides as the ledger would.
func (a *API) try(ctx context.Context, b *batch) (Published, error) {
	trial, err := a.Service.Try(ctx, bytes.NewReader(b.input), b.options(ctx))
	if err != nil {
		return Published{}, err
	}
	sent := b.sent()
	result := b.result(trial.Report)
	result.DryRun, result.Check = true, "decision"
	for shard, outcomes := range trial.Outcomes {
		for i := range outcomes {
			result.decided(sent[shard][i], &outcomes[i])
		}
	}
	return result, nil
}

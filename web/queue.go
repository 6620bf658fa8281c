package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"socho/events"
	"socho/internal/identity"
)

// Facts that were said where there was no network. static/offline.js keeps them
// on the telephone, each with its id, the device and its place in the device's
// own order, and sends them here once it can; its comment says how a page uses
// it. Nothing of what comes is trusted: a fact is read as strictly as a
// publisher's, the right is asked for in each fact's own organization, and the
// ledger decides. What is sent twice is one fact, since its id was made where it
// was said.

// queueable is a fact that may come from a telephone. Another one is let in by a
// line in queueables.
type queueable struct {
	right  identity.Right
	object func(events.Fact) string // the stall that it is about; nil: the right is needed in the whole organization
	// fill adds what a telephone cannot know; nil for nothing. Errors: errBad.
	fill func(s *site, ctx context.Context, f *queuedFact) error
	// whose finds the object of a fact that a reversal takes back; nil: the right is
	// needed in the whole organization. Not ok: it may not be taken back so.
	whose func(s *site, ctx context.Context, organization string, back *events.Reversed) (object string, ok bool, err error)
}

var queueables = map[string]queueable{
	"benefit.paid_in_cash":    {right: identity.PayCash, fill: fillReceiver},
	"market.payment_received": {right: identity.TakeCash, fill: fillCash},
	saleReceived: {right: identity.KeepSales, fill: fillSale, whose: stallOfSale,
		object: func(f events.Fact) string { return string(f.(*events.SaleReceived).Stall) }},
	"market.card_inspected": {right: identity.InspectCards, object: inspectedStall, fill: fillFound},
}

// reversal takes back one of queueables that was said on pages. Whoever may say
// it may take it back.
const reversal = "ledger.reversed"

// queueMost bounds the facts of one request; a telephone with more sends again.
const queueMost = 50

func (s *site) queues() []route {
	var any rights
	for _, q := range queueables {
		any = append(any, q.right)
	}
	slices.Sort(any)
	return []route{{pattern: "POST /queue", rights: slices.Compact(any), show: s.queue}}
}

// queuedFact is one fact as a telephone sends it.
type queuedFact struct {
	ID           string                     `json:"id"`
	Seq          int64                      `json:"seq"`
	Type         string                     `json:"type"` // area.fact
	Organization string                     `json:"organization"`
	Data         map[string]json.RawMessage `json:"data"`
	Personal     map[string]string          `json:"personal"`
}

// queueAnswer says what became of a fact. Where it is not final, the telephone
// keeps the fact and sends it again.
type queueAnswer struct {
	ID    string `json:"id"`
	Final bool   `json:"final"`
	Taken bool   `json:"taken"`           // the ledger has it
	Code  string `json:"code,omitempty"`  // why it was refused, or needs a second look
	Words string `json:"words,omitempty"` // the code in the visitor's language
}

// queue takes what a telephone kept. The body is {"device", "person", "facts"}
// with at most queueMost queuedFacts, the answer {"person", "answers"} with a
// queueAnswer for each. Facts of another person than is signed in are not looked
// at: whoever handed the money over answers for it. Without facts it says only who
// is signed in.
// Errors: errBad for a body that is none of these.
func (s *site) queue(r *request) (*view, error) {
	var sent struct {
		Device string       `json:"device"`
		Person string       `json:"person"`
		Facts  []queuedFact `json:"facts"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&sent); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, err
		}
		return nil, errBad
	}
	if len(sent.Facts) > queueMost {
		return nil, errBad
	}
	turn := queueTurn{site: s, r: r, device: sent.Device, answers: []queueAnswer{}}
	if sent.Person == r.who.ID {
		for i := range sent.Facts {
			turn.answers = append(turn.answers, queueAnswer{ID: sent.Facts[i].ID})
			if err := turn.take(&sent.Facts[i]); err != nil {
				return nil, err
			}
		}
		turn.say()
	}
	b, err := json.Marshal(map[string]any{"person": r.who.ID, "answers": turn.answers})
	if err != nil {
		return nil, err
	}
	return &view{file: &file{kind: "application/json", content: b}}, nil
}

// queueTurn is one request being worked through, in the device's order.
type queueTurn struct {
	*site
	r       *request
	device  string
	answers []queueAnswer
	run     []events.Draft // of one organization, to be said together
	at      []int          // whose answers these are
}

// refuse answers the last fact without asking the ledger.
func (t *queueTurn) refuse(code string) {
	last := &t.answers[len(t.answers)-1]
	last.Final, last.Code, last.Words = true, code, t.r.language.word("reason", code)
}

// take reads a fact and puts it with those that are said together.
func (t *queueTurn) take(f *queuedFact) error {
	kind, ok := queueables[f.Type]
	if !ok && f.Type != reversal {
		t.refuse("not_from_a_device")
		return nil
	}
	if kind.fill != nil {
		if err := kind.fill(t.site, t.r.Context(), f); errors.Is(err, errBad) {
			t.refuse("bad_value")
			return nil
		} else if err != nil {
			return err
		}
	}
	d, err := f.draft(t.device)
	if err != nil {
		code := "bad_value"
		if bad := new(events.Error); errors.As(err, &bad) {
			code = string(bad.Code)
		}
		t.refuse(code)
		return nil
	}
	if back, ok := d.Fact.(*events.Reversed); ok {
		t.say() // what it takes back may have come just before
		if kind, ok, err = t.said(f.Organization, back); err != nil {
			return err
		}
		if !ok {
			t.refuse("event_unknown")
			return nil
		}
	}
	object := ""
	if kind.object != nil {
		object = kind.object(d.Fact)
	}
	switch err := t.Access.Require(t.r.Context(), kind.right, f.Organization, object); {
	case errors.Is(err, identity.ErrDenied):
		t.refuse("not_allowed")
		return nil
	case err != nil:
		return err
	}
	if len(t.run) > 0 && t.run[0].Envelope.Subject != f.Organization {
		t.say()
	}
	t.run, t.at = append(t.run, d), append(t.at, len(t.answers)-1)
	return nil
}

// draft reads a fact as strictly as a publisher's. Its time is that of its id.
// Errors: errBad where the id is no UUIDv7; *events.Error.
func (f *queuedFact) draft(device string) (d events.Draft, err error) {
	id, err := uuid.Parse(f.ID)
	if err != nil || id.Version() != 7 {
		return d, errBad
	}
	data := map[string]any{}
	for name, value := range f.Data {
		data[name] = value
	}
	if len(f.Personal) > 0 {
		data["personal"] = f.Personal
	}
	sec, nsec := id.Time().UnixTime()
	line, err := json.Marshal(map[string]any{"specversion": "1.0", "id": f.ID, "source": source, "type": events.Type(f.Type), "subject": f.Organization,
		"time": time.Unix(sec, nsec).Truncate(time.Second).In(vietnam).Format(time.RFC3339), "device": device, "deviceseq": f.Seq, "data": data})
	if err != nil {
		return d, fmt.Errorf("queued fact: %w", err)
	}
	p, err := events.ParseOwn(line)
	if err != nil {
		return d, err
	}
	d = events.Draft{Envelope: p.Event.Envelope, Fact: p.Event.Fact, Personal: p.Personal}
	d.Envelope.Data = nil
	return d, nil
}

// said finds the kind of the fact that a reversal takes back; not ok where pages
// have said none that may be taken back so.
func (t *queueTurn) said(organization string, back *events.Reversed) (kind queueable, ok bool, err error) {
	if back.ReversesSource != source {
		return kind, false, nil
	}
	found, err := t.Outcomes.Claimants(t.r.Context(), string(back.Reverses), organization, source)
	if err != nil || len(found) == 0 {
		return kind, false, err
	}
	kind, ok = queueables[events.Name(found[0].Type)]
	kind.object = nil // the reversal does not name it
	if ok && kind.whose != nil {
		var object string
		object, ok, err = kind.whose(t.site, t.r.Context(), organization, back)
		kind.object = func(events.Fact) string { return object }
	}
	return kind, ok, err
}

// say says what has been gathered, and writes down the answers. Where one of them
// cannot be said, each is said alone: a fact of the run must not wait for another.
// What fails otherwise is asked again by the telephone.
func (t *queueTurn) say() {
	run, at := t.run, t.at
	t.run, t.at = nil, nil
	if len(run) == 0 {
		return
	}
	outcomes, err := t.Recorder.Say(t.r.Context(), actor(t.r.who), run)
	if err != nil && len(run) > 1 && t.r.Context().Err() == nil {
		for i := range run {
			t.run, t.at = run[i:i+1], at[i:i+1]
			t.say()
		}
		return
	}
	if err != nil && len(outcomes) == 0 {
		t.Log.WarnContext(t.r.Context(), "queued facts were not said", "error", err)
		return
	}
	for i, o := range outcomes {
		a := &t.answers[at[i]]
		switch {
		case o == nil:
			a.Code = "person_erased"
		case err != nil:
			a.Code = "other_content"
		default:
			a.Taken, a.Code = o.Status.Accepted(), o.Code
		}
		if a.Final = true; a.Code != "" {
			a.Words = t.r.language.word("reason", a.Code)
		}
	}
}

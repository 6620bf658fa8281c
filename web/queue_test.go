package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"socho/events"
	"socho/internal/identity"
	"socho/ledger"
)

// book is a recorder that remembers, as the ledger does: an id is taken once.
type book struct {
	mu sync.Mutex
	*recorder
	f     *fake
	taken map[events.EventID]string
	away  bool
}

var errOther = errors.New("another fact holds this id")

func (b *book) Say(_ context.Context, actor string, facts []events.Draft) (outcomes []*ledger.Outcome, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, errors.New("the broker is away")
	}
	for i := range facts {
		line, lineErr := facts[i].Line()
		if lineErr != nil {
			return nil, lineErr
		}
		id := facts[i].Envelope.ID
		switch before, known := b.taken[id]; {
		case !known:
			b.taken[id] = string(line)
			b.said, b.actors = append(b.said, facts[i]), append(b.actors, actor)
			b.f.add(2, int64(len(b.said)), ownEnvelope(events.Name(facts[i].Envelope.Type), facts[i].Envelope.Subject, string(id), dataOf(line)), ledger.Posted, "")
		case before != string(line):
			err = errOther
		}
		o := &ledger.Outcome{Status: ledger.Posted, EventID: string(id)}
		if strings.Contains(string(line), `"payout":"late"`) {
			o.Code = "in_clearing"
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, err
}

func (b *book) TrySay(_ context.Context, _ string, facts []events.Draft) (outcomes []*ledger.Outcome, err error) {
	for i := range facts {
		line, err := facts[i].Line()
		if err != nil {
			return nil, err
		}
		o := &ledger.Outcome{Status: ledger.Posted, EventID: string(facts[i].Envelope.ID)}
		if _, known := b.taken[facts[i].Envelope.ID]; known {
			o.Status = ledger.Duplicate
		} else if strings.Contains(string(line), `"payout":"late"`) {
			o.Code = "in_clearing"
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// ownEnvelope is an envelope of what pages say.
func ownEnvelope(name, subject, id, data string) string {
	return strings.Replace(envelope(name, subject, id, data), "https://cho.example/so", source, 1)
}

// all are the facts said so far.
func (b *book) all() []events.Draft {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}

func (b *book) count() int { return len(b.all()) }

func dataOf(line []byte) string {
	var e struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		panic(err)
	}
	delete(e.Data, "personal")
	b, err := json.Marshal(e.Data)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var clerk = &identity.Principal{ID: "u-clerk", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Clerk, Organization: fund}}}

// openQueue serves the queue to a principal; post sends a body and returns the
// answers.
func openQueue(t *testing.T, p *identity.Principal) (b *book, post func(body string) (int, []queueAnswer)) {
	f := newFake()
	b = &book{recorder: new(recorder), f: f, taken: map[events.EventID]string{}}
	from := sources(t, f)
	from.Recorder = b
	from.PersonID = func(organization, citizenID string) string { return "p-of-" + citizenID }
	h := as(t, p, from)
	return b, func(body string) (int, []queueAnswer) {
		r := httptest.NewRequest(http.MethodPost, "/queue", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var said struct {
			Person  string
			Answers []queueAnswer
		}
		if w.Code == 200 {
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Person != p.ID || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%v %v %s", err, w.Header(), w.Body)
			}
		}
		return w.Code, said.Answers
	}
}

func uuid7(n int) string { return fmt.Sprintf("01990000-0000-7000-8000-%012d", n) }

// cash is a fact as a telephone sends it.
func cash(n int, organization, payout, more string) string {
	return fmt.Sprintf(`{"id":%q,"seq":%d,"type":"benefit.paid_in_cash","organization":%q,"data":{"effective_on":"2026-09-15","amount":"500000","currency":"VND","payout":%q,"pay_point":"xa-1"}%s}`, uuid7(n), n, organization, payout, more)
}

func sent(facts ...string) string {
	return `{"device":"d-1","person":"u-clerk","facts":[` + strings.Join(facts, ",") + `]}`
}

// What a telephone kept is said in its order, in the visitor's name, once however
// often it comes; each fact has its own answer, and none holds another up.
func TestQueue(t *testing.T) {
	b, post := openQueue(t, clerk)
	body := sent(cash(1, fund, "o1", ""), cash(2, "hg-quy-khac", "o9", ""), cash(3, fund, "late", ""),
		cash(4, fund, "o3", `,"personal":{"receiver_name":"Vàng Thị Sua","receiver_id":"002199000123"}`))
	for range 2 {
		status, answers := post(body)
		if status != 200 || len(answers) != 4 {
			t.Fatalf("%d %+v", status, answers)
		}
		for i, want := range []queueAnswer{{Final: true, Taken: true}, {Final: true, Code: "not_allowed"}, {Final: true, Taken: true, Code: "in_clearing"}, {Final: true, Taken: true}} {
			got := answers[i]
			if got.ID != uuid7(i+1) || got.Final != want.Final || got.Taken != want.Taken || got.Code != want.Code || (got.Words == "") != (got.Code == "") {
				t.Errorf("%d: %+v", i, got)
			}
		}
	}
	if len(b.said) != 3 {
		t.Fatalf("%d facts were said", len(b.said))
	}
	first, last := b.said[0], b.said[2]
	if first.Envelope.Device != "d-1" || *first.Envelope.DeviceSeq != 1 || b.actors[0] != "person:u-clerk" || first.Envelope.Source != source {
		t.Errorf("%+v by %s", first.Envelope, b.actors[0])
	}
	if p := first.Fact.(*events.PaidInCash).Person; p != "n1" {
		t.Errorf("the receiver is %q, not whom the payout is for", p)
	}
	if p := last.Fact.(*events.PaidInCash).Person; p != "p-of-002199000123" || last.Personal["receiver_name"] != "Vàng Thị Sua" {
		t.Errorf("the receiver is %q %v", p, last.Personal)
	}
}

// Nothing of what comes is trusted.
func TestQueueTrust(t *testing.T) {
	b, post := openQueue(t, clerk)
	for body, want := range map[string]int{"": 400, "[]": 400, `{"device":1}`: 400, `{"facts":[],"more":1}`: 400, sent(strings.Split(strings.Repeat(cash(1, fund, "o1", "")+"\n", queueMost+1), "\n")[:queueMost+1]...): 400,
		`{"device":"` + strings.Repeat("x", maxForm) + `"}`: 413, sent(): 200, `{"device":"","person":"","facts":[]}`: 200} {
		if status, _ := post(body); status != want {
			t.Errorf("%.60s: %d", body, status)
		}
	}
	if _, answers := post(strings.Replace(sent(cash(1, fund, "o1", "")), "u-clerk", "u-other", 1)); len(answers) != 0 {
		t.Errorf("another person's facts were taken: %+v", answers)
	}
	one := cash(1, fund, "o1", "")
	for name, fact := range map[string]string{
		"not_from_a_device":   strings.Replace(one, "benefit.paid_in_cash", "benefit.list_approved", 1),
		"bad_value":           strings.Replace(one, uuid7(1), "6ba7b810-9dad-11d1-80b4-00c04fd430c8", 1),
		"bad_decimal":         strings.Replace(one, `"500000"`, `"-1"`, 1),
		"amount_zero":         strings.Replace(one, `"500000"`, `"0"`, 1),
		"sealed_by_publisher": strings.Replace(one, `"pay_point"`, `"sealed":{"name":"x"},"pay_point"`, 1),
		"event_unknown":       `{"id":"` + uuid7(1) + `","seq":1,"type":"ledger.reversed","organization":"` + fund + `","data":{"effective_on":"2026-09-15","reverses":"e8","reverses_source":"https://cho.example/so","reason":"typo"}}`,
		"not_allowed":         cash(1, market, "o1", ""),
	} {
		status, answers := post(sent(fact))
		if status != 200 || len(answers) != 1 || !answers[0].Final || answers[0].Taken || answers[0].Code != name {
			t.Errorf("%s: %d %+v", name, status, answers)
		}
	}
	for _, personal := range []string{`{"receiver_name":"Vàng Thị Sua"}`, `{"receiver_id":"002199000123"}`, `{"receiver_name":"Sua","receiver_id":"2199000123"}`} {
		if _, answers := post(sent(cash(1, fund, "o1", `,"personal":`+personal))); len(answers) != 1 || answers[0].Code != "bad_value" {
			t.Errorf("%s: %+v", personal, answers)
		}
	}
	if len(b.said) != 0 {
		t.Errorf("%d facts were said", len(b.said))
	}
	from := sources(t, newFake())
	from.Recorder = b
	if w := ask(as(t, nil, from), "POST", "/queue", "x"); w.StatusCode != http.StatusSeeOther {
		t.Errorf("a visitor: %d", w.StatusCode)
	}
}

// What was entered wrongly is taken back, also within what is sent at once; what
// others said elsewhere is not.
func TestQueueUndo(t *testing.T) {
	b, post := openQueue(t, clerk)
	back := func(n int, id string) string {
		return fmt.Sprintf(`{"id":%q,"seq":%d,"type":"ledger.reversed","organization":%q,"data":{"effective_on":"2026-09-15","reverses":%q,"reverses_source":"urn:socho:pages","reason":"entered_wrongly"}}`, uuid7(n), n, fund, id)
	}
	_, answers := post(sent(cash(1, fund, "o1", ""), back(2, uuid7(1)), cash(3, fund, "o1", ""), back(4, uuid7(9))))
	if len(answers) != 4 || !answers[0].Taken || !answers[1].Taken || !answers[2].Taken || answers[3].Code != "event_unknown" || len(b.said) != 3 {
		t.Fatalf("%+v", answers)
	}
	if r, ok := b.said[1].Fact.(*events.Reversed); !ok || string(r.Reverses) != uuid7(1) {
		t.Errorf("%+v", b.said[1])
	}
	// The same id with other contents is told apart, and the rest is taken.
	_, answers = post(sent(strings.Replace(cash(1, fund, "o1", ""), "500000", "400000", 1), cash(5, fund, "o2", "")))
	if len(answers) != 2 || answers[0].Code != "other_content" || answers[0].Taken || !answers[1].Taken {
		t.Errorf("%+v", answers)
	}
	// What cannot be said now is asked again.
	b.away = true
	if _, answers = post(sent(cash(6, fund, "o3", ""))); len(answers) != 1 || answers[0].Final {
		t.Errorf("%+v", answers)
	}
}

// The script that shows kept pages is found where browsers look for it.
func TestKeeper(t *testing.T) {
	w := get(t, serve(t, newFake()), keeper)
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") || w.Header().Get("Cache-Control") != "no-cache" || !strings.Contains(w.Body.String(), "respondWith") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/events"
	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/web/api"
)

const (
	one   = "application/cloudevents+json"
	lines = "application/x-ndjson"
	many  = "application/cloudevents-batch+json"
)

func TestPublishOne(t *testing.T) {
	a := handler(t)
	pretty := strings.ReplaceAll(fee(ours, "one1", "A20"), ",", ",\n  ")
	foretold := read[api.Published](t, ask(a, "publisher", "POST", api.Prefix+"/events?dry_run=true", strings.NewReader(pretty), "Content-Type", one))
	if !foretold.DryRun || foretold.Check != "decision" || foretold.Events[0].Status != "posted" || foretold.Events[0].Offset != nil || foretold.Outcomes["posted"] != 1 {
		t.Errorf("%+v", foretold)
	}
	w := ask(a, "publisher", "POST", api.Prefix+"/events", strings.NewReader(pretty), "Content-Type", one)
	sent := read[api.Published](t, w)
	if w.Code != http.StatusAccepted || sent.Published != 1 || sent.Events[0].Status != "published" || sent.Events[0].Offset == nil {
		t.Errorf("%d %+v", w.Code, sent)
	}
	w = ask(a, "publisher", "POST", api.Prefix+"/events?wait=true", strings.NewReader(pretty))
	again := read[api.Published](t, w)
	if w.Code != http.StatusOK || again.Events[0].Status != "duplicate" || again.Outcomes["duplicate"] != 1 {
		t.Errorf("%d %+v", w.Code, again)
	}
	// Who handed it in is on the log.
	s, _ := opened(t)
	record, err := s.Log.At(t.Context(), sent.Events[0].Shard, *sent.Events[0].Offset)
	stamp, _ := record.Header(events.HeaderActor)
	if err != nil || string(stamp) != "token:t-publisher" {
		t.Errorf("%s %v", stamp, err)
	}
	if strings.Contains(string(record.Value), "Nguyễn") {
		t.Error("personal data in clear")
	}
}

func TestPublishMany(t *testing.T) {
	a := handler(t)
	body := fee(ours, "many1", "A21") + "\n\n" + fee(ours, "many1", "A21") + "\n" +
		event(ours, "market.fee_waived", "many2", `{"effective_on":"2026-09-03","amount":"90000","currency":"VND","bill":"b-many1","reason":"absent"}`)
	for _, query := range []string{"?dry_run=true", "?wait=true"} {
		got := read[api.Published](t, ask(a, "publisher", "POST", api.Prefix+"/events/bulk"+query, strings.NewReader(body), "Content-Type", lines))
		var said []string
		for _, e := range got.Events {
			said = append(said, fmt.Sprint(e.Line, e.Status, e.Code))
		}
		if fmt.Sprint(said) != "[1posted 3duplicate 4refusedmore_than_owed]" || got.Published != 3 || got.Outcomes["refused"] != 1 {
			t.Errorf("%s: %v %+v", query, said, got)
		}
	}
	array := "[" + fee(ours, "many3", "A22") + ", " + fee(ours, "many4", "A23") + "]"
	if got := read[api.Published](t, ask(a, "publisher", "POST", api.Prefix+"/events/bulk?wait=true", strings.NewReader(array), "Content-Type", many)); got.Outcomes["posted"] != 2 {
		t.Errorf("%+v", got)
	}
}

// Events of erased persons are kept from the log, however many, and the others
// are told apart from them.
func TestErasedPersons(t *testing.T) {
	a := handler(t)
	s, _ := opened(t)
	if err := s.Vault.Erase(t.Context(), ours, "p-gone", "all"); err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	const gone = 1100 // more than intake names
	for i := range gone {
		body.WriteString(strings.Replace(fee(ours, fmt.Sprint("gone", i), "A40"), fmt.Sprintf(`"p-gone%d"`, i), `"p-gone"`, 1) + "\n")
	}
	body.WriteString(fee(ours, "here1", "A41") + "\n" + event(ours, "person.erased", "here2", `{"effective_on":"2026-09-03","person":"p-x1","scope":"all"}`))
	for _, query := range []string{"?dry_run=true", "?wait=true"} {
		got := read[api.Published](t, ask(a, "publisher", "POST", api.Prefix+"/events/bulk"+query, strings.NewReader(body.String()), "Content-Type", lines))
		first, here, erasure := got.Events[0], got.Events[gone], got.Events[gone+1]
		if got.NotPublished != gone+1 || got.Published != 1 || first.Code != "person_erased" || first.Offset != nil || here.Status != "posted" || erasure.Code != "erase_refused" {
			t.Errorf("%s: %d, %d, %+v %+v %+v", query, got.Published, got.NotPublished, first, here, erasure)
		}
	}
}

// Where anything is wrong, nothing is published, and what is wrong is named
// without being repeated.
func TestNothingOfABadRequestIsPublished(t *testing.T) {
	a := handler(t)
	s, _ := opened(t)
	before, err := s.Log.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good, name := fee(ours, "bad1", "A24"), "Nguyễn Thị Bí Mật"
	for _, c := range []struct {
		path, kind, body string
		status           int
		code             string
	}{
		{"/events", one, good + good, 422, "not_published"},
		{"/events", one, "", 400, "bad_request"},
		{"/events", "text/plain", good, 415, "unsupported_media_type"},
		{"/events", one, strings.Replace(good, `"26000"`, `26000`, 1), 422, "not_published"},
		{"/events", one, strings.Replace(good, `"stall"`, `"`+name+`"`, 1), 422, "not_published"},
		{"/events", one, strings.Replace(good, ours, theirs, 1), 403, "not_allowed"},
		{"/events", one, strings.Repeat("x", 70<<10), 413, "too_large"},
		{"/events/bulk", lines, good + "\n" + name, 422, "not_published"},
		{"/events/bulk", lines, good + "\n" + strings.Replace(fee(theirs, "bad2", "A24"), "Mẫu", name, 1), 403, "not_allowed"},
		{"/events/bulk", lines, "\n\n", 422, "not_published"},
		{"/events/bulk", many, "[" + good + "] x", 422, "not_published"},
		{"/events/bulk", many, "[" + good, 422, "not_published"},
		{"/events/bulk", many, good, 422, "not_published"},
		{"/events/bulk", lines, strings.Repeat("{}\n", 5002), 422, "too_many"},
	} {
		w := ask(a, "publisher", "POST", api.Prefix+c.path, strings.NewReader(c.body), "Content-Type", c.kind)
		refused(t, w, c.status, c.code)
		if strings.Contains(w.Body.String(), name) {
			t.Errorf("repeated: %s", w.Body)
		}
	}
	after, err := s.Log.Ends(t.Context())
	if err != nil || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
}

func TestIdempotencyKey(t *testing.T) {
	a := handler(t)
	post := func(caller, key, body, query string) *httptest.ResponseRecorder {
		return ask(a, caller, "POST", api.Prefix+"/events"+query, strings.NewReader(body), "Content-Type", one, "Idempotency-Key", key)
	}
	first := post("publisher", "k1", fee(ours, "key1", "A30"), "?wait=true")
	again := post("publisher", "k1", fee(ours, "key1", "A30"), "?wait=true")
	if first.Code != 200 || again.Code != 200 || first.Body.String() != again.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || first.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("%d %s\n%d %s", first.Code, first.Body, again.Code, again.Body)
	}
	refused(t, post("publisher", "k1", fee(ours, "key2", "A31"), "?wait=true"), 422, "key_reused")
	refused(t, post("publisher", "k1", fee(ours, "key1", "A30"), ""), 422, "key_reused")
	// Another's key is another key, and what came to nothing may be tried again.
	if w := post(string(identity.FinanceOfficer), "k1", fee(ours, "key3", "A32"), "?wait=true"); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
	refused(t, post("publisher", "k2", fee(theirs, "key4", "A33"), ""), 403, "not_allowed")
	if w := post("publisher", "k2", fee(ours, "key4", "A33"), ""); w.Code != 202 {
		t.Error(w.Code, w.Body)
	}
	// Sent twice at once, one is carried out.
	var wg sync.WaitGroup
	codes := make([]int, 4)
	for i := range codes {
		wg.Go(func() { codes[i] = post("publisher", "k3", fee(ours, "key5", "A34"), "?wait=true").Code })
	}
	wg.Wait()
	for _, code := range codes {
		if code != 200 && code != 409 {
			t.Error(codes)
		}
	}
	found := read[list](t, ask(a, "all", "GET", api.Prefix+"/outcomes?status=duplicate&organization="+ours+"&limit=500", nil))
	for _, o := range found.Items {
		if o["event_id"] == "key5" || o["event_id"] == "key1" {
			t.Errorf("carried out twice: %v", o)
		}
	}
}

func TestTooFast(t *testing.T) {
	a := handler(t, func(o *api.Options) { o.Limits = httpserver.NewLimits(1) })
	var w *httptest.ResponseRecorder
	for range 4 {
		w = ask(a, "all", "GET", api.Prefix+"/shards", nil)
	}
	refused(t, w, 429, "too_many_requests")
	if w.Header().Get("Retry-After") == "" {
		t.Error(w.Header())
	}
	if w := ask(a, "cli", "GET", api.Prefix+"/shards", nil); w.Code != 200 {
		t.Error("another one:", w.Code)
	}
}

// Figures come at once, again when they change, and end when the server does.
func TestLive(t *testing.T) {
	draining := make(chan struct{})
	a := handler(t, func(o *api.Options) { o.Draining = draining })
	server := httptest.NewUnstartedServer(a)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second // a stream outlives both
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+api.Prefix+"/adoption/live?domain=fees&period=2026-10&by=count", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(err, res)
	}
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	next := func() (counted string) {
		for in.Scan() {
			if text, ok := strings.CutPrefix(in.Text(), "data: "); ok && strings.Contains(text, "items") {
				var raw list
				if err := json.Unmarshal([]byte(text), &raw); err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(raw.Items[0]["denominator"])
			}
		}
		return "ended"
	}
	if n := next(); n != "0" {
		t.Error(n)
	}
	time.Sleep(1500 * time.Millisecond)
	paid := event(ours, "market.payment_received", "live1", `{"effective_on":"2026-10-03","amount":"1000","currency":"VND","bill":"b-x3","method":"cash","collector":"thu0"}`)
	if w := ask(a, "publisher", "POST", api.Prefix+"/events?wait=true", strings.NewReader(paid), "Content-Type", one); w.Code != 200 {
		t.Fatal(w.Body)
	}
	for {
		n := next()
		if n == "1" {
			break
		}
		if n == "ended" {
			t.Fatal("the figure never changed")
		}
	}
	close(draining)
	for in.Scan() {
	}
	if ctx.Err() != nil {
		t.Error("the stream goes on")
	}
}

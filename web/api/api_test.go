package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/service"
	"socho/ledger"
	"socho/web/api"
)

// Two markets, a school and a fund; ours is the one that callers have rights in.
const (
	ours   = "hg-cho-dong-van"
	theirs = "hg-cho-khac"
	school = "hg-truong-meo-vac"
	fund   = "hg-quy-tro-cap"
)

// secret stands in names and ids of the other organizations: no answer to a
// caller of ours may hold it.
const secret = "BIMAT"

// callers finds principals by the token that a test presents.
type callers map[string]*identity.Principal

func (c callers) FromRequest(r *http.Request) (*identity.Principal, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, nil
	}
	return c[token], nil
}

// as is a caller with a role in ours.
func as(role identity.Role, organization string) *identity.Principal {
	g := identity.Grant{Role: role, Organization: organization}
	if role == identity.Trader {
		g.Object = "A1"
	}
	return &identity.Principal{ID: "u-" + strings.ReplaceAll(string(role), "_", "-") + "-" + strings.Trim(organization, "*"), Kind: identity.Person, Grants: []identity.Grant{g}}
}

var (
	shared struct {
		service *service.Service
		readers api.Readers
		at      service.Proof
		dir     string
	}
	everyone = callers{
		"none":      {ID: "u-none", Kind: identity.Person},
		"publisher": {ID: "t-publisher", Kind: identity.Token, Grants: []identity.Grant{{Right: identity.PublishEvents, Organization: ours}}},
		"all":       as(identity.Auditor, identity.Everywhere),
		"cli":       identity.CLI(),
	}
)

// One service serves all tests of this package: they read it, and write beside
// each other.
func TestMain(m *testing.M) {
	for _, role := range identity.Roles() {
		everyone[string(role)] = as(role, ours)
	}
	code := m.Run()
	if shared.service != nil {
		shared.readers.Close()
		shared.service.Close() //nolint:errcheck // the tests have said what they think
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func opened(t *testing.T) (*service.Service, service.Proof) {
	t.Helper()
	if shared.service == nil {
		dir, err := os.MkdirTemp("", "socho-api-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		s, err := service.Open(context.Background(), service.Options{Data: dir, Own: true})
		if err != nil {
			t.Fatal(err)
		}
		shared.service, shared.at = s, service.ProofIn(dir, "")
		if err := s.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.StartPublishing(shared.at)
		fill(t, s)
		if shared.readers, err = api.OpenReaders(context.Background(), s); err != nil {
			t.Fatal(err)
		}
	}
	return shared.service, shared.at
}

// event is one line.
func event(organization, name, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"2026-09-01T08:00:00+07:00","data":%s}`, id, name, organization, data)
}

func fee(organization, id, stall string) string {
	return event(organization, "market.fee_assessed", id, fmt.Sprintf(`{"effective_on":"2026-09-01","person":"p-%s","bill":"b-%s","stall":%q,"period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"},{"item":"security","amount":"15000"}],"personal":{"name":"Nguyễn Văn Mẫu","phone":"0900000001"}}`, id, id, stall))
}

func fill(t *testing.T, s *service.Service) {
	t.Helper()
	registered := func(o, kind, unit string) string {
		return event(o, "organization.registered", "reg-"+o, fmt.Sprintf(`{"effective_on":"2026-08-01","kind":%q,"name":"Sổ %s","unit":%q}`, kind, o, unit))
	}
	var lines []string
	for i, o := range []string{ours, theirs} {
		id := "x"
		if o == theirs {
			id = secret
		}
		lines = append(lines, registered(o, "market", "00721"))
		for n := range 7 {
			lines = append(lines, fee(o, fmt.Sprintf("%s%d", id, n), fmt.Sprintf("A%d", n)))
		}
		lines = append(lines, event(o, "market.fee_waived", id+"w", fmt.Sprintf(`{"effective_on":"2026-09-03","amount":"90000","currency":"VND","bill":"b-%s0","reason":"absent"}`, id)))
		lines = append(lines, event(o, "market.payment_received", id+"p", fmt.Sprintf(`{"effective_on":"2026-09-03","amount":"20000","currency":"VND","bill":"b-%s1","method":"cash","collector":"thu%d"}`, id, i)))
	}
	lines = append(lines, registered(school, "school", "00721"), registered(fund, "fund", "08"))
	report, err := s.Publish(t.Context(), strings.NewReader(strings.Join(lines, "\n")+"\nno event\n"), intake.Options{Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Decided(t.Context(), report)
	if err != nil || counts[ledger.Posted] != 16 || counts[ledger.Refused] != 2 || counts[ledger.Malformed] != 1 || len(report.Faults) != 1 {
		t.Fatal(counts, err, report.Faults)
	}
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func handler(t *testing.T, change ...func(*api.Options)) *api.API {
	t.Helper()
	s, at := opened(t)
	o := api.Options{Service: s, Readers: shared.readers, Proof: at, Who: everyone, SessionCookie: "socho_session"}
	for _, c := range change {
		c(&o)
	}
	a, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask makes one request as a caller; body may be nil.
func ask(a http.Handler, caller, method, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	if caller != "" {
		r.Header.Set("Authorization", "Bearer "+caller)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// read decodes an answer that must be there.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code >= 300 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != code || p.Status != status ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s %s, want %d %s", w.Code, w.Header().Get("Content-Type"), w.Body, status, code)
	}
}

type list struct {
	Items []map[string]any
	Next  string
}

// Whatever the filter, pages of any size put together are the whole list.
func TestPages(t *testing.T) {
	a := handler(t)
	for _, path := range []string{
		"/outcomes", "/outcomes?organization=" + ours, "/outcomes?status=posted,refused", "/outcomes?type=vn.socho.market.fee_assessed.v1&organization=" + ours,
		"/refusals", "/balances", "/balances?account=" + ours + ":stall:", "/balances?account=hg-&effective=2026-09-02", "/balances?as_of=1:6,7:6",
		"/transfers?account=" + ours + ":income:management", "/transfers?account=" + ours + ":income:management&effective=2026-09-01",
		"/organizations", "/organizations?kind=market", "/organizations/" + ours + "/bills", "/organizations/" + ours + "/bills?unpaid=true&period=2026-09",
		"/organizations/" + fund + "/payouts",
	} {
		for _, caller := range []string{"all", string(identity.FinanceOfficer)} {
			if caller != "all" && strings.Contains(path, fund) {
				continue
			}
			and := "?"
			if strings.Contains(path, "?") {
				and = "&"
			}
			whole := read[list](t, ask(a, caller, "GET", api.Prefix+path+and+"limit=500", nil))
			if len(whole.Items) == 0 && !strings.Contains(path, fund) {
				t.Errorf("%s %s: nothing", caller, path)
			}
			for _, limit := range []int{1, 3} {
				var items []map[string]any
				for next := ""; ; {
					address := api.Prefix + path + and + fmt.Sprintf("limit=%d", limit)
					if next != "" {
						address += "&cursor=" + next
					}
					part := read[list](t, ask(a, caller, "GET", address, nil))
					items = append(items, part.Items...)
					if next = part.Next; next == "" {
						break
					}
					if len(part.Items) != limit {
						t.Errorf("%s %s: a page of %d items, not %d, leads on", caller, path, len(part.Items), limit)
					}
				}
				if got, want := fmt.Sprint(items), fmt.Sprint(whole.Items); got != want {
					t.Errorf("%s %s by %d:\n%s\nwant\n%s", caller, path, limit, got, want)
				}
			}
		}
	}
	refused(t, ask(a, "all", "GET", api.Prefix+"/outcomes?cursor=nonsense", nil), 422, "invalid")
	for _, bad := range []string{"organisation=x", "status=", "type=a&type=b", "type=%00", "type=%ff"} {
		refused(t, ask(a, "all", "GET", api.Prefix+"/outcomes?"+bad, nil), 422, "invalid")
	}
	refused(t, ask(a, "all", "GET", api.Prefix+"/transfers?account="+ours+":none", nil), 404, "not_found")
	refused(t, ask(a, "all", "PUT", api.Prefix+"/outcomes", nil), 405, "method_not_allowed")
	refused(t, ask(a, "all", "GET", api.Prefix+"/nothing", nil), 404, "not_found")
}

func TestRecordAndReceipt(t *testing.T) {
	a := handler(t)
	outcomes := read[list](t, ask(a, "all", "GET", api.Prefix+"/outcomes?type=vn.socho.market.fee_assessed.v1&organization="+ours+"&limit=1", nil))
	at := fmt.Sprintf("%s/events/%v/%v", api.Prefix, outcomes.Items[0]["shard"], outcomes.Items[0]["offset"])
	type record struct {
		Outcome   map[string]any
		Event     map[string]any
		Actor     string
		Transfers []map[string]any
		Receipt   string
	}
	got := read[record](t, ask(a, "all", "GET", at, nil))
	if got.Actor != "test" || len(got.Transfers) != 2 || got.Transfers[0]["amount"] != "26000" || got.Event["subject"] != ours || fmt.Sprint(got.Outcome) != fmt.Sprint(outcomes.Items[0]) {
		t.Errorf("%+v", got)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		w := ask(a, "all", "GET", got.Receipt, nil)
		if w.Code == 200 {
			if !bytes.Contains(w.Body.Bytes(), []byte(`checkpoint`)) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			break
		}
		refused(t, w, 409, "not_published")
		if t.Failed() || time.Now().After(deadline) {
			t.Fatal("never published")
		}
		time.Sleep(100 * time.Millisecond)
	}
	refused(t, ask(a, "all", "GET", api.Prefix+"/events/0/99999", nil), 404, "not_found")
	refused(t, ask(a, "all", "GET", api.Prefix+"/events/x/1", nil), 422, "invalid")
	checkpoints := read[list](t, ask(a, "all", "GET", api.Prefix+"/checkpoints", nil))
	if len(checkpoints.Items) == 0 {
		t.Error("no checkpoint")
	}
}

func TestFigures(t *testing.T) {
	a := handler(t)
	found := read[list](t, ask(a, "all", "GET", api.Prefix+"/adoption?domain=fees&period=2026-09", nil))
	if len(found.Items) != 2 || found.Items[0]["numerator"] != 0.0 || found.Items[1]["denominator"] != "40000" {
		t.Errorf("%+v", found)
	}
	for _, bad := range []string{"domain=none", "domain=fees&by=persons", "domain=fees&period=2026-13", "domain=fees&unit=nowhere", "domain=fees&as_of=x"} {
		refused(t, ask(a, "all", "GET", api.Prefix+"/adoption?"+bad, nil), 422, "invalid")
	}
	if got := read[list](t, ask(a, "all", "GET", api.Prefix+"/shards", nil)); len(got.Items) != 8 || got.Items[0]["state"] != "running" {
		t.Errorf("%+v", got)
	}
	if testing.Short() {
		return
	}
	status := read[map[string]any](t, ask(a, "all", "GET", api.Prefix+"/organizations/"+fund+"/payout-status?period=2026-09", nil))
	if status["rate"] != nil || status["entitled"] != 0.0 {
		t.Errorf("%+v", status)
	}
}

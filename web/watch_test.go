package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"socho/internal/identity"
	"socho/internal/verification"
)

// fakeConnections are one of every kind, in every state that it can be in.
func fakeConnections(context.Context) ([]Connection, error) {
	return []Connection{
		{Kind: "brokers", Names: []string{"kafka1.example:9092", "kafka2.example:9092"}, State: "slow", Count: 1234, UsedAt: recorded},
		{Kind: "brokers", State: "away"}, {Kind: "database", Names: []string{"db.example:5432/socho"}, State: "good", UsedAt: recorded, Link: "/health"},
		{Kind: "database", State: "slow", Count: 1}, {Kind: "database", State: "away"},
		{Kind: "log", Names: []string{"/log/"}, State: "slow", Count: 7000, UsedAt: recorded}, {Kind: "log", State: "none"}, {Kind: "log", State: "away"},
		{Kind: "witnesses", State: "none"}, {Kind: "provider", Names: []string{"https://id.example"}, State: "away", Count: 3}, {Kind: "provider", State: "none"},
		{Kind: "inbox", Names: []string{"socho.inbox"}, State: "slow", Count: 2, UsedAt: recorded}, {Kind: "inbox", State: "none"}, {Kind: "inbox", State: "away"},
		{Kind: "webhooks", State: "none"}, {Kind: "tokens", State: "none", Link: "/tokens"},
	}, nil
}

// fakeVerifier remembers what was asked of it.
type fakeVerifier struct {
	running *verification.Run
	asked   []string
}

func (f *fakeVerifier) Start(_ context.Context, replay bool) error {
	if f.running != nil {
		return verification.ErrUnderWay
	}
	f.running = &verification.Run{ID: 9, Actor: "u-kiem-toan", Replay: replay, State: verification.Running, StartedAt: recorded, Done: 300, Whole: 12345}
	f.asked = append(f.asked, "start")
	return nil
}

func (f *fakeVerifier) Cancel(context.Context) error {
	if f.running == nil {
		return verification.ErrNone
	}
	f.running = nil
	f.asked = append(f.asked, "cancel")
	return nil
}

func (f *fakeVerifier) Runs(context.Context, int) (runs []verification.Run, err error) {
	if f.running != nil {
		runs = append(runs, *f.running)
	}
	end := recorded.Add(time.Minute)
	return append(runs,
		verification.Run{ID: 2, Actor: "u-kiem-toan", State: verification.Problems, StartedAt: recorded, EndedAt: &end, Transfers: 45678, Position: map[int]int64{0: 12000, 1: 345}, Problems: []string{"transfers 1:4:0: the amount is not the one that was recorded"}, Found: 1},
		verification.Run{ID: 1, Actor: "u-kiem-toan", Replay: true, State: verification.OK, StartedAt: recorded, EndedAt: &end, Transfers: 45678, Position: map[int]int64{0: 12000}}), nil
}

// TestConnections: an administrator of everything sees all of them with what to
// do, one of a single organization what concerns it, nobody a password.
func TestConnections(t *testing.T) {
	var from Sources
	openHouse(t, nil, func(made *Sources, _ string) { from = *made })
	admin := func(organization string) *identity.Principal {
		return &identity.Principal{ID: "u-x", Kind: identity.Person, SteppedUpAt: time.Now(), Grants: []identity.Grant{{Role: identity.Administrator, Organization: organization}}}
	}
	for _, language := range []string{"vi", "en"} {
		_, text := page(t, get(t, as(t, admin(identity.Everywhere), from), "/connections?lang="+language))
		for _, want := range map[string][]string{"vi": {"Kafka", "kafka1.example:9092", "Không nối được", "1.234", "Chưa đơn vị nào nối với ngân hàng", "socho log witness"},
			"en": {"Not reachable", "No organization is connected to its bank", "1,234"}}[language] {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", language, want, text)
			}
		}
		if strings.Contains(text, "connection do") || strings.Contains(text, " away") || strings.Contains(text, "brokers.") {
			t.Errorf("%s: a text is missing: %s", language, text)
		}
	}
	if _, text := page(t, get(t, as(t, admin(market), from), "/connections")); strings.Contains(text, "Kafka") || !strings.Contains(text, "Ngân hàng báo tiền về") {
		t.Errorf("an administrator of one market sees %s", text)
	}
}

// TestVerify: the auditor of everything starts and ends one, sees how far it is
// and what came of others; no other role and no auditor of one organization.
func TestVerify(t *testing.T) {
	fake := &fakeVerifier{}
	var from Sources
	h := openHouse(t, demoPeople, func(made *Sources, _ string) {
		made.Verifier = fake
		from = *made
	})
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Auditor)).sees(200, "/work")
	v.get("/verify").sees(200, "/verify", "Có chỗ sai", "the amount is not the one", "45.678", "1:345")
	v.post("/verify", "do", "start", "how", "replay").sees(200, "/verify?done=verify_start", "300 trên 12.345", "Dựng lại từ đầu")
	v.post("/verify", "do", "start").sees(409, "/verify", "Đang có một lần")
	v.post("/verify", "do", "cancel").sees(200, "/verify?done=verify_cancel")
	v.post("/verify", "do", "cancel").sees(200, "/verify")
	v.post("/verify", "do", "else").sees(400, "/verify")
	if strings.Join(fake.asked, " ") != "start cancel" {
		t.Errorf("asked %v", fake.asked)
	}
	other := as(t, &identity.Principal{ID: "u-x", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Auditor, Organization: market}}}, from)
	if w := get(t, other, "/verify"); w.Code != 403 {
		t.Errorf("an auditor of one market: %d", w.Code)
	}
	if _, text := page(t, get(t, other, "/health")); strings.Contains(text, "Kiểm tra sổ") {
		t.Error("and is led there")
	}
}

package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// fakeVault opens a text that names what it holds: i1.<base64> of the fake's
// events; of an erased person nothing.
type fakeVault struct {
	texts  map[string]string // by event and field
	erased map[string]bool   // by person
	opened []string
}

func (f *fakeVault) Unseal(_ context.Context, at events.Place, person, sealed string) (string, bool, error) {
	f.opened = append(f.opened, string(at.ID)+" "+at.Field)
	if f.erased[person] {
		return "", true, nil
	}
	clear, ok := f.texts[string(at.ID)+" "+at.Field]
	if !ok {
		return "", false, errors.New("tampered")
	}
	return clear, false, nil
}

// personal is the fake with a person whose records are sealed: what was said
// first, and what later.
type personal struct{ *fake }

func (p personal) Trace(ctx context.Context, s readmodel.Subject, page readmodel.Page) ([]projections.TracedEvent, string, error) {
	if s.Kind != projections.SubjectPerson && s.Kind != projections.SubjectPayout {
		return p.fake.Trace(ctx, s, page)
	}
	var found []projections.TracedEvent
	for _, t := range p.traced {
		if t.Organization == s.Organization {
			found = append(found, t)
		}
	}
	return found, "", nil
}

const secretText = "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func openPersonal(t *testing.T) (*house, *fakeVault) {
	f := newFake()
	f.add(1, 20, envelope("market.stall_let", market, "e20", `{"effective_on":"2026-01-01","person":"p1","sealed":{"name":"i1.`+secretText+`","phone":"c1.`+secretText+`"},"stall":"A12"}`), ledger.Recorded, "")
	f.add(1, 21, envelope("market.stall_let", market, "e21", `{"effective_on":"2026-02-01","person":"p9","sealed":{"name":"i1.`+secretText+`"},"stall":"B09"}`), ledger.Recorded, "")
	f.add(1, 22, envelope("market.stall_let", market, "e22", `{"effective_on":"2026-03-01","person":"p1","sealed":{"name":"i1.`+secretText+`"},"stall":"A12"}`), ledger.Recorded, "")
	f.add(1, 23, envelope("benefit.payout_ordered", fund, "e23", `{"effective_on":"2026-09-10","person":"n1","sealed":{"account":"i1.`+secretText+`","name":"i1.`+secretText+`"},"amount":"500000","currency":"VND","payout":"o1","programme":"elderly","period":"2026-09","unit":"00721","method":"account"}`), ledger.Posted, "")
	vault := &fakeVault{erased: map[string]bool{}, texts: map[string]string{"e4 name": "Tên cũ", "e4 phone": "0900", "e20 name": "Giàng Thị Cũ", "e20 phone": "0912345678",
		"e21 name": "Người Khác", "e22 name": "Giàng Thị Mỷ <b>", "e23 account": "0123456789", "e23 name": "Vàng A Pó"}}
	return openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Model, from.Traces, from.Records, from.Outcomes = f, personal{f}, f, f
		from.Unsealer = vault
	}), vault
}

// TestReveal: a name is opened by a button, after a fresh proof, by those who
// have the right; it is the latest of this person; and the trail says so.
func TestReveal(t *testing.T) {
	h, vault := openPersonal(t)
	stall := "/stalls/" + market + "/A12"
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.MarketManager)).sees(200, "/work")
	v.get(stall).sees(200, stall, "Hiện tên", "Hiện liên lạc")
	if strings.Contains(v.text, "Giàng") || len(vault.opened) > 0 {
		t.Fatal("opened unasked")
	}
	v.post(stall, "what", "name").sees(200, stall, "Giàng Thị Mỷ <b>", "Đã ghi vào nhật ký")
	if strings.Contains(v.body, "Mỷ <b>") || strings.Contains(v.text, "Người Khác") || strings.Contains(v.text, "0912") || strings.Contains(v.at, "Gi") {
		t.Errorf("more is shown, or as something else: %s", v.at)
	}
	if cache := v.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("a name may be kept: %q", cache)
	}
	v.post(stall, "what", "contact").sees(200, stall, "0912345678")
	v.get(stall)
	if strings.Contains(v.text, "Giàng") {
		t.Error("it stays open")
	}
	v.post(stall, "what", "papers").sees(400, stall)
	v.post(stall, "what", "").sees(400, stall)
	// Pupils and recipients of others, and what asks for a reason.
	v.post("/payouts/"+fund+"/o1", "what", "name").sees(403, "/payouts/")
	clerk := h.visitor(t)
	clerk.post("/demo", "role", string(identity.Approver))
	clerk.get("/payouts/"+fund+"/o1").sees(200, "/payouts/", "Hiện giấy tờ")
	clerk.post("/payouts/"+fund+"/o1", "what", "papers").sees(400, "/payouts/")
	clerk.post("/payouts/"+fund+"/o1", "what", "papers", "why", "check").sees(200, "/payouts/", "0123456789")
	clerk.post("/payouts/"+fund+"/o1", "what", "contact").sees(400, "/payouts/") // approvers read no telephones

	auditor := h.visitor(t)
	auditor.post("/demo", "role", string(identity.Auditor))
	auditor.post("/events/1/20", "what", "record", "why", "audit").sees(200, "/events/1/20", "Giàng Thị Cũ")
	if strings.Contains(auditor.text, "0912345678") {
		t.Error("an auditor reads a telephone number")
	}
	vault.erased["p1"] = true
	v.post(stall, "what", "name").sees(200, stall, "đã được xóa theo yêu cầu")

	entries, _, err := h.people.Trail(t.Context(), identity.TrailFilter{Action: identity.Unsealed, Organizations: []string{identity.Everywhere}}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range entries {
		said = append(said, strings.Join([]string{e.Organization, e.Object, e.Detail, e.Outcome}, " "))
	}
	if got, want := strings.Join(said, "; "), market+" p1 name ok; "+market+" p1 name audit ok; "+fund+" n1 account check ok; "+market+" p1 phone ok; "+market+" p1 name ok"; got != want {
		t.Errorf("the trail says %s", got)
	}
	auditor.get("/trail").sees(200, "/trail", "Mở niêm phong")
}

// fakeNames finds the market's p1 by one name.
type fakeNames struct{}

func (fakeNames) Find(_ context.Context, organization, text string, limit int) ([]string, error) {
	switch {
	case organization == market && text == "Mỷ Giàng":
		return []string{"p1"}, nil
	case text == "Nguyễn":
		return slices.Repeat([]string{"p1"}, limit), nil
	}
	return nil, nil
}

// TestFind: who may open names finds people by them in their own organization;
// what they asked for is in no address and not in the trail.
func TestFind(t *testing.T) {
	h, _ := openPersonal(t)
	v, at := h.visitor(t), "/find/"+market
	v.post("/demo", "role", string(identity.MarketManager))
	v.get("/markets/"+market).sees(200, "/markets/", "Tìm theo tên")
	v.get(at).sees(200, at, "Tìm theo tên")
	v.post(at, "person_name", "Mỷ Giàng").sees(200, at, "p1", "quầy A12")
	if strings.Contains(v.body, "Giàng") || strings.Contains(v.text, "B09") || v.at != at || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the name asked for, or found, is shown at %s", v.at)
	}
	v.post(at, "person_name", "Nguyễn").sees(200, at, "Còn nhiều người nữa")
	v.post(at, "person_name", "không ai").sees(200, at, "Không tìm thấy")
	v.post(at, "person_name", "a").sees(422, at)
	v.post(at, "person_name", strings.Repeat("a", 101)).sees(422, at)
	v.post("/find/"+fund, "person_name", "Mỷ Giàng").sees(403, "/find/")
	for _, role := range []identity.Role{identity.Trader, identity.Collector, identity.Official, identity.Administrator} {
		other := h.visitor(t)
		other.post("/demo", "role", string(role))
		other.get(at).sees(403, at)
		other.post(at, "person_name", "Mỷ Giàng").sees(403, at)
	}
	entries, _, err := h.people.Trail(t.Context(), identity.TrailFilter{Action: identity.Searched, Organizations: []string{identity.Everywhere}}, 0, "")
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, e := range entries {
		if e.Organization != market || e.Object+e.Detail != "" {
			t.Errorf("the trail says %+v", e)
		}
	}
	for range searchesMost {
		if err := h.people.Record(t.Context(), identity.Entry{Actor: entries[0].Actor, Action: identity.Searched, Outcome: identity.OK}); err != nil {
			t.Fatal(err)
		}
	}
	v.post(at, "person_name", "Mỷ Giàng").sees(429, at)
}

// TestRevealNeeds: no role without the right sees a button or gets an answer,
// and nobody without a fresh proof, who is led to give one and back.
func TestRevealNeeds(t *testing.T) {
	h, vault := openPersonal(t)
	stall := "/stalls/" + market + "/A12"
	for _, role := range []identity.Role{identity.Trader, identity.Collector, identity.Official, identity.Administrator} {
		v := h.visitor(t)
		v.post("/demo", "role", string(role))
		if v.get(stall); strings.Contains(v.text, "Hiện tên") {
			t.Errorf("%s is offered a name", role)
		}
		v.post(stall, "what", "name").sees(403, stall)
	}
	from := Sources{}
	openHouse(t, nil, func(made *Sources, _ string) { from = *made })
	from.Unsealer = vault
	manager := &identity.Principal{ID: "u-x", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.MarketManager, Organization: market}}}
	w := ask(as(t, manager, from), "POST", stall, "what=name")
	if to := w.Header.Get("Location"); w.StatusCode != 303 || to != "/step-up?next=%2Fstalls%2F"+market+"%2FA12" {
		t.Errorf("without a step-up: %d to %s", w.StatusCode, to)
	}
	if len(vault.opened) > 0 {
		t.Errorf("opened %v", vault.opened)
	}
}

// TestRevealSparingly: who opens a great many has to wait.
func TestRevealSparingly(t *testing.T) {
	h, _ := openPersonal(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.MarketManager))
	manager, err := h.people.Staff(identity.With(t.Context(), identity.CLI()), "market.manager")
	if err != nil {
		t.Fatal(err)
	}
	for range revealsMost {
		if err := h.people.Record(t.Context(), identity.Entry{Actor: manager.ID, Action: identity.Unsealed, Outcome: identity.OK}); err != nil {
			t.Fatal(err)
		}
	}
	stall := "/stalls/" + market + "/A12"
	v.post(stall, "what", "name").sees(429, stall, "quá nhiều lần")
	if strings.Contains(v.text, "Giàng") {
		t.Error("it is shown all the same")
	}
}

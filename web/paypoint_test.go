package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payoutreport"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// fakePoints are the pay points of the fake's fund.
type fakePoints struct {
	*fake
	till payoutreport.Till
	out  []payoutreport.OpenLine
	in   []payoutreport.OpenLine
	owed []payoutreport.Owed
}

func (p *fakePoints) ToRecover(context.Context, string, int) ([]payoutreport.Owed, error) {
	return p.owed, p.broken
}

func (p *fakePoints) Recoverable(_ context.Context, _, person, programme, period string) (int64, error) {
	for _, o := range p.owed {
		if o.Person == person && o.Programme == programme && o.Period == period {
			return o.Due, p.broken
		}
	}
	return 0, p.broken
}

func (p *fakePoints) PayoutPeriods(context.Context, string) ([]string, error) {
	return []string{"2026-09", "2026-08"}, p.broken
}

func (p *fakePoints) CashUnits(context.Context, string, string) ([]string, error) {
	return []string{"00721"}, p.broken
}

func (p *fakePoints) CashPayouts(_ context.Context, _, period, unit string, limit int) (all []readmodel.CashPayout, err error) {
	for _, o := range p.payouts {
		if o.Period == period && (unit == "" || o.Unit == unit) && (o.Method == "cash" || o.Returned > 0 || o.PaidCash > 0) {
			all = append(all, readmodel.CashPayout{Payout: o})
		}
	}
	return all[:min(len(all), limit)], p.broken
}

func (p *fakePoints) Points(context.Context, string) ([]payoutreport.Till, error) {
	return []payoutreport.Till{{Point: "buu-dien", Before: 250_000}}, p.broken
}

func (p *fakePoints) Till(context.Context, string, string, string) (payoutreport.Till, error) {
	return p.till, p.broken
}

func (p *fakePoints) OpenLines(_ context.Context, _ string, out bool, limit int) ([]payoutreport.OpenLine, error) {
	if out {
		return p.out, p.broken
	}
	return p.in, p.broken
}

// openPayPoint is a house with a pay point where o2 has come back from the bank,
// o4 waits, and o3 was paid.
func openPayPoint(t *testing.T, more ...func(*Sources, string)) (*house, *book, *fakePoints) {
	t.Helper()
	f := newFake()
	f.payouts = append(f.payouts, projections.Payout{Organization: fund, Payout: "o4", Person: "n4", Programme: "elderly", Period: "2026-09", Unit: "00721", Method: "cash",
		Currency: "VND", Ordered: 750_000, Payable: 750_000, OrderedOn: "2026-09-10"})
	f.add(1, 24, envelope("benefit.person_entitled", fund, "e24", `{"effective_on":"2026-09-01","person":"n4","sealed":{"citizen_id":"i1.`+secretText+`","name":"i1.`+secretText+`"},"amount":"750000","currency":"VND","programme":"elderly","period":"2026-09","unit":"00721"}`), ledger.Recorded, "")
	points := &fakePoints{fake: f, till: payoutreport.Till{Point: "buu-dien", Before: 250_000, Drawn: 2_000_000, Paid: 750_000, Banked: 500_000},
		out: []payoutreport.OpenLine{{Line: "l-out", Left: 3_000_000}}, in: []payoutreport.OpenLine{{Line: "l-in", Left: 500_000}}}
	b := &book{recorder: new(recorder), f: f, taken: map[events.EventID]string{}}
	h := openHouse(t, demoPeople, append([]func(*Sources, string){func(from *Sources, _ string) {
		from.Model, from.Traces, from.Records, from.Outcomes, from.Recorder, from.PayPoints = f, tracedOf{f}, f, f, b, points
		from.Unsealer = &fakeVault{erased: map[string]bool{}, texts: map[string]string{"e24 name": "Vàng Thị Sua", "e24 citizen_id": "002199000456"}}
		from.PersonID = func(organization, citizenID string) string { return "p-of-" + citizenID }
		from.MonthPapers = fakePapers{}
		from.ReceiptPaper = func(_ context.Context, shard int, offset int64) ([]byte, error) {
			return fmt.Appendf(nil, "%%PDF-1.7 of %d:%d", shard, offset), nil
		}
	}}, more...)...)
	return h, b, points
}

// tracedOf finds the traced events of a payout by its id in the record.
type tracedOf struct{ *fake }

func (f tracedOf) Trace(_ context.Context, s readmodel.Subject, _ readmodel.Page) (found []projections.TracedEvent, next string, err error) {
	names := func(value string) bool {
		return strings.Contains(value, fmt.Sprintf(`"%s":%q`, s.Kind, s.ID)) || s.Kind == projections.SubjectPayout && strings.Contains(value, "ledger.reversed")
	}
	for _, e := range f.traced {
		if r := f.records[e.Position]; names(string(r.Value)) {
			found = append(found, e)
		}
	}
	return found, "", f.broken
}

const atPoint = "/paypoints/" + fund + "/buu-dien"

// TestPayPoint: a clerk pays out, line by line, without any script.
func TestPayPoint(t *testing.T) {
	h, b, _ := openPayPoint(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Clerk)).sees(200, "/work", "Chi tiền mặt ở điểm chi")
	v.get("/paypoints/"+fund).sees(200, "/paypoints/", "buu-dien", "250.000 đ", "Xã Đồng Văn")
	v.get("/paypoints/"+fund+"?point=B%C6%B0u+%C4%91i%E1%BB%87n&period=2026-09").sees(422, "/paypoints/", "Mã điểm chi chỉ gồm")
	v.get("/paypoints/"+fund+"?point=buu-dien&period=2026-09&unit=00721").sees(200, atPoint+"?period=2026-09&unit=00721", "Chờ nhận: 2 khoản, 1.250.000 đ", "Đã chi tiền mặt: 1 khoản, 750.000 đ", "1.000.000 đ")
	if v.header.Get("Socho-Keep") == "" || strings.Contains(v.text, "Sua") {
		t.Errorf("it may not stay on the telephone, or names somebody: %v", v.header)
	}
	v.get(atPoint+"?counted=900.000").sees(200, atPoint, "Thiếu", "100.000 đ")
	v.get(atPoint+"?counted=1000000").sees(200, atPoint, "Khớp")
	v.get(atPoint+"?counted=x").sees(422, atPoint, "Gõ số tiền")
	v.get(atPoint+"?code=nobody").sees(422, atPoint, "Không có khoản chi nào")
	v.get(atPoint+"?code=+O4+").sees(200, atPoint+"/payouts/o4", "750.000 đ", "Xem họ tên và số căn cước")

	v.post(atPoint+"/payouts/o4", "what", "receiver").sees(200, atPoint+"/payouts/o4", "Vàng Thị Sua", "002199000456")
	if v.header.Get("Socho-Keep") != "" {
		t.Error("a page with a name may stay on the telephone")
	}
	fact := v.finds(`name="fact" value="([^"]+)"`)
	v.post(atPoint+"/payouts/o4/pay", "fact", fact, "amount", "750000", "receiver_name", "Vàng A Pó").sees(422, atPoint, "cả họ tên và số căn cước")
	for range 2 { // sent twice is said once
		v.post(atPoint+"/payouts/o4/pay", "fact", fact, "amount", "750000", "receiver_name", "Vàng A Pó", "receiver_id", "002199000789").sees(200, atPoint+"?period=2026-09&unit=00721&done=paid_cash", "Đã ghi chi tiền mặt")
	}
	if len(b.said) != 1 {
		t.Fatalf("%d facts", len(b.said))
	}
	paid := b.said[0].Fact.(*events.PaidInCash)
	if paid.Person != "p-of-002199000789" || paid.Amount != "750000" || paid.PayPoint != "buu-dien" || b.said[0].Personal["receiver_name"] != "Vàng A Pó" || !strings.HasPrefix(b.actors[0], "person:") {
		t.Errorf("%+v %v by %v", paid, b.said[0].Personal, b.actors)
	}

	v.get(atPoint+"/payouts/o4").sees(200, atPoint, "Các lần đã chi tiền mặt", "Lấy lại, ghi nhầm", "Biên nhận")
	paper := v.finds(`href="(/payouts/[^"]+/receipts/[^"]+)"`)
	if v.get(paper); v.status != 200 || v.header.Get("Content-Type") != "application/pdf" || !strings.Contains(v.header.Get("Content-Disposition"), "bien-nhan-o4-") || !strings.HasPrefix(v.body, "%PDF-") {
		t.Errorf("the receipt: %d %v", v.status, v.header)
	}
	v.get("/payouts/"+fund+"/o4").sees(200, "/payouts/", "Biên nhận in ra kiểm tra được không cần mạng")
	v.get("/payouts/"+fund+"/o4/receipts/1/24").sees(404, "/payouts/") // it was entitled by that
	v.get("/payouts/"+fund+"/o4/receipts/x/1").sees(404, "/payouts/")
	v.get(atPoint + "/payouts/o4")
	undo, event := v.finds(`/undo"><input type="hidden" name="fact" value="([^"]+)"`), v.finds(`name="reverses" value="([^"]+)"`)
	v.post(atPoint+"/payouts/o4/undo", "fact", undo, "reverses", "e8").sees(400, atPoint)
	v.post(atPoint+"/payouts/o4/undo", "fact", undo, "reverses", event).sees(200, atPoint, "lại chờ chi")
	v.get(atPoint+"/payouts/o4").sees(200, atPoint, "Đã lấy lại")
	if back := b.said[1].Fact.(*events.Reversed); string(back.Reverses) != fact || back.ReversesSource != source {
		t.Errorf("%+v", back)
	}

	trail, _, err := h.people.Trail(t.Context(), identity.TrailFilter{Action: identity.Unsealed, Organizations: []string{identity.Everywhere}}, 0, "")
	if err != nil || len(trail) != 1 || trail[0].Object != "n4" || trail[0].Detail != "name,citizen_id" {
		t.Errorf("the trail: %+v %v", trail, err)
	}
	proposer := h.visitor(t)
	proposer.post("/demo", "role", string(identity.Proposer))
	proposer.get(atPoint).sees(403, atPoint)
	proposer.post(atPoint+"/payouts/o4/pay", "fact", fact, "amount", "750000").sees(403, atPoint)
}

// What the ledger would mark is asked about before it is entered.
func TestPayPointSure(t *testing.T) {
	h, b, points := openPayPoint(t)
	points.payouts = append(points.payouts, projections.Payout{Organization: fund, Payout: "late", Person: "n5", Programme: "elderly", Period: "2026-09", Unit: "00721", Method: "cash",
		Currency: "VND", Ordered: 750_000, Clearing: 750_000, OrderedOn: "2026-09-10"})
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Clerk))
	v.get(atPoint+"/payouts/late").sees(200, atPoint, "đang trên đường qua ngân hàng")
	fact := newID()
	v.post(atPoint+"/payouts/late/pay", "fact", fact, "amount", "750000").sees(200, atPoint, "Tiền đã thật sự giao", "có thể bị trả lần nữa")
	if len(b.said) != 0 {
		t.Fatal("entered unasked")
	}
	v.post(atPoint+"/payouts/late/pay", "fact", fact, "amount", "750000", "sure", "yes").sees(200, atPoint, "Đã ghi chi tiền mặt")
	if len(b.said) != 1 || string(b.said[0].Envelope.ID) != fact {
		t.Errorf("%+v", b.said)
	}
	v.post(atPoint+"/payouts/late/pay", "fact", "x", "amount", "750000", "sure", "yes").sees(400, atPoint)
	v.post(atPoint+"/payouts/late/pay", "fact", newID(), "amount", "0").sees(400, atPoint)
}

// Cash comes to a pay point and goes back by bank lines, an agent's too.
func TestTill(t *testing.T) {
	h, b, points := openPayPoint(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Clerk))
	at := atPoint + "/till"
	v.get(at).sees(200, at, "l-out · 3.000.000 đ", "l-in · 500.000 đ", "1.000.000 đ")
	v.post(at, "do", "drawn", "fact", newID(), "line", "l-out", "amount", "hai triệu").sees(422, at, "Gõ số tiền")
	fact := v.finds(`value="drawn"><input type="hidden" name="fact" value="([^"]+)"`)
	v.post(at, "do", "drawn", "fact", fact, "line", "l-out", "amount", "2.000.000 đ").sees(200, at+"?done=till_drawn")
	v.post(at, "do", "banked", "fact", newID(), "line", "l-in", "amount", "500000").sees(200, at+"?done=till_banked")
	drawn, banked := b.said[0].Fact.(*events.CashDrawn), b.said[1].Fact.(*events.CashBanked)
	if drawn.Amount != "2000000" || drawn.Line != "l-out" || drawn.PayPoint != "buu-dien" || banked.PayPoint != "buu-dien" || banked.Line != "l-in" || banked.Collector != "" {
		t.Errorf("%+v %+v", drawn, banked)
	}
	points.till.Moves = []payoutreport.Move{{On: "2026-09-12", Amount: 2_000_000, Line: "l-out", EventID: fact}, {On: "2026-09-12", Amount: 100, Line: "l-x", EventID: "e8"}}
	v.get(at).sees(200, at, "Lấy lại, ghi nhầm")
	if n := strings.Count(v.body, `value="undo"`); n != 1 {
		t.Errorf("%d may be taken back", n)
	}
	v.post(at, "do", "undo", "fact", newID(), "reverses", fact).sees(200, at+"?done=till_undo")
	v.post(at, "do", "undo", "fact", newID(), "reverses", "e8").sees(400, at)
	v.post(at, "do", "else", "fact", newID()).sees(400, at)
	if !slices.ContainsFunc(b.said, func(d events.Draft) bool { r, ok := d.Fact.(*events.Reversed); return ok && string(r.Reverses) == fact }) {
		t.Error("it was not taken back")
	}
}

func TestReadDong(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "750000": 750_000, "1.250.000": 1_250_000, " 1,250,000 đ ": 1_250_000, "1 000\u00a0000 Đ": 1_000_000} {
		if n, ok := readDong(text); !ok || n != want {
			t.Errorf("%q: %d %v", text, n, ok)
		}
	}
	for _, text := range []string{"12,5", "1.25", "1,0000", "1.2.3", "", "đ", "-1", "1e6", "một", "1234567890123456"} {
		if n, ok := readDong(text); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
}

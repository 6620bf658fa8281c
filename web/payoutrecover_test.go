package web

import (
	"testing"

	"socho/events"
	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/payoutreport"
	"socho/internal/payouts"
)

// What somebody got beyond what was due is written down when it is paid back, at a
// pay point by a clerk, on a bank line by the finance office, and taken back again
// where it was a mistake.
func TestRecover(t *testing.T) {
	h, b, points := openPayPoint(t)
	points.owed = []payoutreport.Owed{{Person: "n4", Programme: "elderly", Period: "2026-09", Due: 750_000}}
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Clerk))
	list, at := "/funds/"+fund+"/recover", "/funds/"+fund+"/recover/elderly/2026-09/n4"
	v.get(list).sees(200, list, "750.000 đ", "n4")
	v.get(at).sees(200, at, "Còn phải thu hồi", "Tiền mặt ở điểm chi buu-dien")
	if fact := v.finds(`name="fact" value="([^"]+)"`); true {
		v.post(at, "fact", fact, "by", "line:l-in", "amount", "1").sees(400, at) // no matter of a clerk's
		v.post(at, "fact", fact, "by", "point:buu-dien", "amount", "bảy trăm").sees(422, at, "Gõ số tiền")
		for range 2 { // sent twice is said once
			v.post(at, "fact", fact, "by", "point:buu-dien", "amount", "750.000").sees(200, at+"?done=recovered", "Đã ghi tiền trả lại")
		}
	}
	if len(b.said) != 1 {
		t.Fatalf("%d facts", len(b.said))
	}
	back := b.said[0].Fact.(*events.Recovered)
	if back.Person != "n4" || back.Programme != "elderly" || back.Period != "2026-09" || back.Amount != "750000" || back.PayPoint != "buu-dien" || back.Line != "" {
		t.Errorf("%+v", back)
	}
	points.owed = nil
	v.get(at).sees(200, at, "Đã thu hồi đủ", "Những lần đã trả lại", "Lấy lại, ghi nhầm")
	undo, event := v.finds(`name="fact" value="([^"]+)"`), v.finds(`name="reverses" value="([^"]+)"`)
	v.post(at, "do", "undo", "fact", undo, "reverses", "e8").sees(400, at)
	v.post(at, "do", "undo", "fact", undo, "reverses", event).sees(200, at+"?done=recover_undone")
	if back, ok := b.said[1].Fact.(*events.Reversed); !ok || string(back.Reverses) != event {
		t.Errorf("%+v", b.said[1])
	}
	v.get(list).sees(200, list, "Không ai phải trả lại tiền")
	v.get("/funds/"+fund+"/recover/elderly/2026-08/n4").sees(404, "/funds/")
	proposer := h.visitor(t)
	proposer.post("/demo", "role", string(identity.Proposer))
	proposer.get(list).sees(403, list)
}

// An administrator says how many approve; asking for less waits for another one.
func TestApprovals(t *testing.T) {
	m := &payoutMonth{t: t}
	said := &book{recorder: new(recorder), f: newFake(), taken: map[events.EventID]string{}}
	h := openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Payouts, from.Chores = func(string, func(int64, int64), func(string) bool) PayoutWork { return m }, &fakeChores{map[string]*chores.Chore{}, map[string][]byte{}}
		from.Recorder = said
	})
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Administrator))
	at := "/approvals/" + fund
	v.get("/people").sees(200, "/people", "Số người duyệt danh sách chi")
	v.get(at).sees(200, at, "chưa quy định", "Một người")
	fact := v.finds(`name="fact" value="([^"]+)"`)
	v.post(at, "fact", fact, "approvers", "1", "above", "nhiều").sees(422, at, "Gõ số tiền")
	v.post(at, "fact", fact, "approvers", "3", "above", "1").sees(400, at)
	v.post(at, "fact", fact, "approvers", "1", "above", "500.000.000").sees(200, at+"?done=approvals", "Đã ghi quy định")
	if len(said.said) != 1 || said.said[0].Envelope.Source != ofIdentity {
		t.Fatalf("%+v", said.said)
	}
	if f := said.said[0].Fact.(*events.ApprovalsRequired); *f.Approvers != 1 || f.Amount != "500000000" || f.Currency != money.VND {
		t.Errorf("%+v", f)
	}
	m.asked = payouts.Approvals{Approvers: 1, Above: 500_000_000, Currency: money.VND, Lower: &payouts.Approvals{}, By: "person:khac"}
	v.get(at).sees(200, at, "danh sách trên 500.000.000 đ cần hai người", "person:khac muốn giảm: chưa quy định")
	proposer := h.visitor(t)
	proposer.post("/demo", "role", string(identity.Approver))
	proposer.get(at).sees(403, at)
}

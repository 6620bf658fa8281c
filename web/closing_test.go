package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/office"
	"socho/internal/reconcile"
	"socho/projections"
)

func (f *fakeFinance) Closed(context.Context, string) (events.Period, error) { return f.closed, nil }
func (f *fakeFinance) Waits(context.Context, string) (int64, error)          { return f.waits, nil }

func (f *fakeFinance) CashSince(context.Context, string, string) (events.Date, error) {
	return "2026-09-03", nil
}

func (f *fakeFinance) Stall(_ context.Context, _, stall string, _ events.Date) (billing.Stall, []events.TraderAbsent, bool, error) {
	return billing.Stall{Stall: "A12", Person: "may", Area: 1250, Class: "1"}, []events.TraderAbsent{{Dated: events.Dated{EffectiveOn: "2026-08-01"}, Stall: "A12", Until: "2026-08-31", Reason: "sick"}}, stall == "A12", nil
}

func (f *fakeFinance) Payments(ctx context.Context, organization, bill string) (b projections.Bill, paid []office.FamilyPayment, err error) {
	if b, err = f.Bill(ctx, organization, bill); err == nil && b.Paid > 0 {
		paid = []office.FamilyPayment{{On: "2026-09-12", Amount: b.Paid, At: projections.Position{Shard: 1, Offset: 77}, Against: "unallocated:in:be1-1"}}
	}
	return b, paid, err
}

// fakeLines is a desk with one payer's credit and one open bill.
type fakeLines struct{ LineSource }

func (fakeLines) Totals(context.Context, string) ([]reconcile.TabTotal, error) {
	return []reconcile.TabTotal{{Tab: reconcile.Unknown, Currency: money.VND, Lines: 2, Amount: 90000, Left: 70000}, {Tab: reconcile.Matched, Currency: money.VND, Lines: 9, Amount: 1}}, nil
}

func (fakeLines) Lines(_ context.Context, _ string, tab reconcile.Tab, _ string, _ int) ([]reconcile.Row, string, error) {
	if tab != reconcile.Unknown {
		return nil, "", nil
	}
	return []reconcile.Row{{Line: "be1-1", Direction: "in", On: "2026-09-20", Currency: money.VND, Amount: 35000, Left: 35000}}, "", nil
}

func (fakeLines) Credits(context.Context, string, int) ([]reconcile.Credit, error) {
	return []reconcile.Credit{{Holder: "stall:A12", Currency: money.VND, Amount: 9000}}, nil
}

func (fakeLines) OpenBill(_ context.Context, _, name string) (reconcile.Bill, error) {
	if name != "b-2608" {
		return reconcile.Bill{}, reconcile.ErrNoBill
	}
	return reconcile.Bill{Bill: "b-2608", Holder: "stall:A12", Owed: 41000}, nil
}

func withLines(from *Sources, _ string) { from.Desk = &Desk{Lines: fakeLines{}} }

// A month is closed after a look at what waits, and opened again with a reason.
func TestMonths(t *testing.T) {
	f := newFinance(newFake())
	f.waits = 12000
	said := new(recorder)
	h := openHouse(t, demoPeople, withFinance(f), withLines, func(from *Sources, _ string) { from.Recorder = said })
	v, base := h.visitor(t), "/office/"+market+"/months"
	v.post("/demo", "role", string(identity.Collector))
	v.get(base)
	if v.status != http.StatusForbidden {
		t.Errorf("a collector closes months: %d", v.status)
	}
	v.post("/demo", "role", string(identity.MarketManager))
	v.get(base).sees(http.StatusOK, base, "Chưa tháng nào khóa sổ", "70.000", "12.000", "Tiền mặt đang giữ")
	if strings.Contains(v.text, "Mở lại") {
		t.Error("nothing is closed, and can be opened")
	}
	fact := v.finds(`name="fact" value="([^"]+)"`)
	v.post(base, "do", "close", "month", "2026-13", "fact", fact).sees(http.StatusUnprocessableEntity, base, "Tháng không đúng")
	v.post(base, "do", "close", "month", "2026-08", "fact", fact).sees(http.StatusOK, base, "Khóa sổ?", "08/2026")
	if len(said.said) != 0 {
		t.Fatal("it was closed before it was meant")
	}
	v.post(base, "do", "close", "month", "2026-08", "fact", fact, "sure", "yes").sees(http.StatusOK, base, "Đã khóa sổ")
	if c, ok := said.said[0].Fact.(*events.MonthClosed); !ok || c.Period != "2026-08" || string(said.said[0].Envelope.ID) != fact {
		t.Errorf("%+v", said.said[0])
	}
	f.closed = "2026-08"
	v.get(base).sees(http.StatusOK, base, "Đã khóa sổ đến hết", "Mở lại")
	fact = v.finds(`name="do" value="reopen"><input type="hidden" name="fact" value="([^"]+)"`)
	v.post(base, "do", "reopen", "again", "2026-08", "reason", "because", "fact", fact).sees(http.StatusBadRequest, base)
	v.post(base, "do", "reopen", "again", "2026-08", "reason", "audit", "fact", fact).sees(http.StatusOK, base, "Mở lại sổ?", "08/2026")
	v.post(base, "do", "reopen", "again", "2026-08", "reason", "audit", "fact", fact, "sure", "yes").sees(http.StatusOK, base, "Đã mở lại")
	if c, ok := said.said[1].Fact.(*events.MonthReopened); !ok || c.Period != "2026-08" || c.Reason != "audit" {
		t.Errorf("%+v", said.said[1])
	}
	approver, books := h.visitor(t), "/office/"+fund+"/months"
	approver.post("/demo", "role", string(identity.Approver))
	approver.get(books).sees(http.StatusOK, books, "Đã khóa sổ đến hết", "Mở lại")
	if strings.Contains(approver.text, "Còn chờ xử lý") {
		t.Error("an approver is asked to close months")
	}
	approver.post(books, "do", "close", "month", "2026-08", "fact", newID()).sees(http.StatusForbidden, books)
	approver.post(books, "do", "reopen", "again", "2026-08", "reason", "audit", "fact", newID(), "sure", "yes").sees(http.StatusOK, books, "Đã mở lại")
	said.refuse = "month_not_over"
	v.post(base, "do", "close", "month", "2026-08", "fact", newID()).sees(http.StatusUnprocessableEntity, base)
}

// Money that waits is placed on a bill, and credit paid back in cash, after a look.
func TestWaitingMoney(t *testing.T) {
	f := newFinance(newFake())
	said := new(recorder)
	h := openHouse(t, demoPeople, withFinance(f), withLines, func(from *Sources, _ string) { from.Recorder = said })
	v, base := h.visitor(t), "/desk/"+market+"/suspense"
	v.post("/demo", "role", string(identity.MarketManager))
	v.get(base).sees(http.StatusOK, base, "Không có tiền nào chờ")
	f.waits = 50000
	v.get(base).sees(http.StatusOK, base, "50.000")
	fact := v.finds(`name="fact" value="([^"]+)"`)
	v.post(base, "open_bill", "none", "fact", fact).sees(http.StatusUnprocessableEntity, base, "none")
	v.post(base, "open_bill", "b-2608", "placed", "x", "fact", fact).sees(http.StatusUnprocessableEntity, base, "Cần số đồng")
	v.post(base, "open_bill", "b-2608", "fact", fact).sees(http.StatusOK, base, "Xếp tiền này vào phiếu?", "41.000", "A12")
	v.post(base, "open_bill", "b-2608", "placed", "", "fact", fact, "sure", "yes").sees(http.StatusOK, base)
	if p, ok := said.said[0].Fact.(*events.SuspensePlaced); !ok || p.Amount != "41000" || p.Bill != "b-2608" {
		t.Errorf("%+v", said.said[0])
	}
	said.refuse = "more_than_suspense"
	v.post(base, "open_bill", "b-2608", "fact", newID()).sees(http.StatusUnprocessableEntity, base)
	said.refuse = ""

	base = "/collect/" + market + "/refund"
	v.get("/collect/"+market+"/cash").sees(http.StatusOK, "/collect", "03/09/2026", "Trả lại bằng tiền mặt", "20/09/2026 · 35.000")
	v.get(base).sees(http.StatusOK, base, "A12 · 9.000", "thu1")
	fact = v.finds(`name="fact" value="([^"]+)"`)
	v.post(base, "credit_of", "stall:A12", "collector", "thu1", "handed", "9.001", "fact", fact).sees(http.StatusUnprocessableEntity, base, "nhiều nhất 9.000")
	v.post(base, "credit_of", "stall:A12", "collector", "thu1", "handed", "9.000", "fact", fact).sees(http.StatusOK, base, "Đã trả tiền mặt?", "9.000")
	v.post(base, "credit_of", "stall:A12", "collector", "thu1", "handed", "9.000", "fact", fact, "sure", "yes").sees(http.StatusOK, base)
	if p, ok := said.said[1].Fact.(*events.RefundedInCash); !ok || p.Amount != "9000" || p.Stall != "A12" || p.Collector != "thu1" {
		t.Errorf("%+v", said.said[1])
	}
}

// Tickets come back unsold, or were paid for otherwise than in cash.
func TestTicketsBack(t *testing.T) {
	f := newFinance(newFake())
	said := new(recorder)
	h := openHouse(t, demoPeople, withFinance(f), func(from *Sources, _ string) { from.Recorder = said })
	v, base := h.visitor(t), "/collect/"+market+"/tickets"
	v.post("/demo", "role", string(identity.Collector))
	me := v.get("/collect/" + market).finds(`<code>([^<]+)</code>`)
	f.ranges = []billing.Range{{Range: "T-1", Collector: me, Item: "ticket", Price: 5000, First: 1, Last: 100, Sold: 90, Returned: 4}, {Range: "T-2", Collector: "another", Price: 5000, First: 1, Last: 9}}
	v.get(base).sees(http.StatusOK, base, "Đã trả lại: 4", "Trả lại số vé này")
	if strings.Contains(v.text, "không trả tiền mặt") {
		t.Error("a collector says what was not paid in cash")
	}
	v.post(base+"/back", "range", "T-1", "count", "7", "fact", newID()).sees(http.StatusUnprocessableEntity, base, "từ 1 đến 6")
	v.post(base+"/back", "range", "T-2", "count", "1", "fact", newID()).sees(http.StatusBadRequest, base)
	v.post(base+"/back", "range", "T-1", "count", "6", "fact", newID()).sees(http.StatusOK, base, "Đã ghi vé trả lại")
	if b, ok := said.said[0].Fact.(*events.TicketsReturned); !ok || b.Range != "T-1" || *b.Count != 6 {
		t.Errorf("%+v", said.said[0])
	}
	v.post(base+"/paid", "range", "T-1", "count", "1", "method", "qr", "fact", newID()).sees(http.StatusForbidden, base)
	manager := h.visitor(t)
	manager.post("/demo", "role", string(identity.MarketManager))
	manager.post(base+"/paid", "range", "T-2", "count", "2", "method", "cash", "fact", newID()).sees(http.StatusBadRequest, base)
	manager.post(base+"/paid", "range", "T-2", "count", "2", "method", "qr", "fact", newID()).sees(http.StatusOK, base, "Đã ghi vé bán được")
	if b, ok := said.said[1].Fact.(*events.TicketsSold); !ok || b.Range != "T-2" || *b.Count != 2 || b.Amount != "10000" || b.Method != "qr" || b.Collector != "" {
		t.Errorf("%+v", said.said[1])
	}
}

// What a stall's bills are made from is said on a page: size, class, absence, and that
// nobody holds it any more.
func TestStallTerms(t *testing.T) {
	said := new(recorder)
	h := openHouse(t, demoPeople, withFinance(newFinance(newFake())), func(from *Sources, _ string) { from.Recorder = said })
	v, base := h.visitor(t), "/office/"+market+"/stall"
	v.post("/demo", "role", string(identity.MarketManager))
	v.get(base).sees(http.StatusOK, base, "Quầy: kích thước, vắng mặt")
	v.get(base+"?stall=Z9").sees(http.StatusUnprocessableEntity, base, "Chưa ai thuê quầy Z9")
	base += "?stall=A12"
	v.get(base).sees(http.StatusOK, base, "12,5", "01/08/2026", "31/08/2026", "Ốm", "Trả quầy")
	for _, c := range []struct {
		do     []string
		status int
		word   string
	}{
		{[]string{"do", "absent", "away_from", "2026-09-01", "away_until", "2026-08-31", "reason", "sick"}, 422, "đứng trước"},
		{[]string{"do", "absent", "away_from", "x", "away_until", "2026-09-30", "reason", "sick"}, 422, "Ngày không đúng"},
		{[]string{"do", "absent", "away_from", "2026-09-01", "away_until", "2026-09-30", "reason", "holiday"}, 400, ""},
		{[]string{"do", "absent", "away_from", "2026-09-01", "away_until", "2026-09-30", "reason", "travel"}, 200, "Đã ghi"},
		{[]string{"do", "describe", "area", "12,555", "described", "2026-09-01"}, 422, "Cần diện tích"},
		{[]string{"do", "describe", "area", "", "class", "", "described", "2026-09-01"}, 422, "Cần diện tích"},
		{[]string{"do", "describe", "area", "7,5", "class", "2", "described", "2026-09-01"}, 200, "Đã ghi"},
		{[]string{"do", "vacate", "vacated", "2026-09-01"}, 200, "Ghi quầy trống?"},
		{[]string{"do", "vacate", "vacated", "2026-09-01", "sure", "yes"}, 200, ""},
	} {
		v.post(base, append(c.do, "fact", newID())...)
		if v.status != c.status || !strings.Contains(v.text, c.word) && c.word != "Đã ghi" {
			t.Errorf("%v: %d %.300s", c.do, v.status, v.text)
		}
	}
	var facts []string
	for _, d := range said.said {
		switch f := d.Fact.(type) {
		case *events.TraderAbsent:
			facts = append(facts, "away "+string(f.EffectiveOn)+" "+string(f.Until)+" "+string(f.Reason))
		case *events.StallDescribed:
			facts = append(facts, "size "+areaText(int64(*f.Area))+" "+string(f.Class))
		case *events.StallVacated:
			facts = append(facts, "empty "+string(f.EffectiveOn))
		}
	}
	if got := strings.Join(facts, "; "); got != "away 2026-09-01 2026-09-30 travel; size 7,5 2; empty 2026-09-01" {
		t.Error(got)
	}
}

func TestArea(t *testing.T) {
	for text, want := range map[string]int64{"12": 1200, "12,5": 1250, "0.05": 5, "12,50 m²": 1250, "9 m2": 900, "0": 0, "": 0, "1,234": 0, "-1": 0, "1e3": 0, "x": 0, "1234567": 0} {
		if n, ok := readArea(text); ok != (want > 0) || ok && n != want {
			t.Errorf("%q: %d %v", text, n, ok)
		}
	}
	for n, want := range map[int64]string{1200: "12", 1250: "12,5", 5: "0,05", 1205: "12,05"} {
		if got := areaText(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// Receipts on paper are of those who may see the bill.
func TestBillPaper(t *testing.T) {
	h := openHouse(t, demoPeople, withFinance(newFinance(newFake())))
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.MarketManager))
	v.get("/bills/" + market + "/b-2607/paper")
	if v.status != http.StatusOK || !strings.HasPrefix(v.body, "%PDF-") {
		t.Errorf("%d %.40s", v.status, v.body)
	}
	v.get("/bills/"+market+"/b-2608").sees(http.StatusOK, "/bills/")
	v.get("/bills/"+market+"/none/paper").sees(http.StatusNotFound, "/bills/")
	other := h.visitor(t)
	other.post("/demo", "role", string(identity.Clerk))
	other.get("/bills/"+market+"/b-2607/paper").sees(http.StatusForbidden, "/bills/")
}

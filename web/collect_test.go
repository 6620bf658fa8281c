package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/identity"
	"socho/ledger"
	"socho/projections"
)

// collected is a recorder that puts what is said into the fake's book, so that pages
// find it again.
type collected struct {
	recorder
	f *fake
}

func (c *collected) Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error) {
	outcomes, err := c.recorder.Say(ctx, actor, facts)
	if err != nil {
		return nil, err
	}
	for i := range facts {
		if !outcomes[i].Status.Accepted() {
			continue
		}
		line, err := facts[i].Line()
		if err != nil {
			return nil, err
		}
		p, err := events.ParseOwn(line)
		if err != nil {
			return nil, err
		}
		value, err := p.Value(nil)
		if err != nil {
			return nil, err
		}
		offset := int64(100 + len(c.said))
		c.f.add(1, offset, string(value), ledger.Posted, "")
		outcomes[i] = c.f.outcomes[projections.Position{Shard: 1, Offset: offset}]
	}
	return outcomes, nil
}

// A collector takes cash for a bill, hands a receipt out, and takes a mistake back.
func TestCollect(t *testing.T) {
	f := newFake()
	said := &collected{f: f}
	h := openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Model, from.Outcomes, from.Records, from.Recorder = f, f, f, said
	})
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Collector)).sees(http.StatusOK, "/work")
	base := "/collect/" + market
	v.get(base).sees(http.StatusOK, base, "Quầy A12", "Phí chợ tháng 08/2026", "Đã nhận tiền mặt")
	if strings.Contains(v.text, "tháng 07/2026") {
		t.Error("a bill that is paid is asked for")
	}
	v.get(base+"?stall=a1").sees(http.StatusOK, base, "Quầy A12")
	if strings.Contains(v.text, "B01") {
		t.Error("another stall is shown")
	}
	fact := v.finds(`name="fact" value="([^"]+)"><input type="hidden" name="bill" value="b-2608"`)
	v.post(base, "bill", "b-2608", "fact", fact, "amount", "nhiều").sees(http.StatusUnprocessableEntity, base)
	for range 2 { // pressing twice is one payment
		v.post(base, "bill", "b-2608", "fact", fact, "amount", "20.000").sees(http.StatusOK, base+"/taken/"+fact, "20.000", "Hai mươi nghìn đồng", "Ghi nhầm")
	}
	first, second := said.said[0], said.said[1]
	paid, ok := first.Fact.(*events.PaymentReceived)
	if !ok || paid.Method != "cash" || paid.Amount != "20000" || paid.Bill != "b-2608" || string(first.Envelope.ID) != fact || second.Envelope.ID != first.Envelope.ID || "person:"+string(paid.Collector) != said.actors[0] {
		t.Errorf("%+v by %v", first, said.actors)
	}
	v.get(base + "/paper/" + fact)
	if v.status != http.StatusOK || !strings.HasPrefix(v.body, "%PDF-") {
		t.Errorf("%d %.20s", v.status, v.body)
	}
	v.get(base+"/taken/none").sees(http.StatusNotFound, base)

	other := h.visitor(t)
	other.post("/demo", "role", string(identity.MarketManager))
	other.post(base, "back", fact, "fact", newID()).sees(http.StatusForbidden, base)
	v.get(base + "/taken/" + fact)
	v.post(base, "back", fact, "fact", v.finds(`name="fact" value="([^"]+)"`)).sees(http.StatusOK, base, "Đã hủy")
	if back, ok := said.said[len(said.said)-1].Fact.(*events.Reversed); !ok || string(back.Reverses) != fact {
		t.Errorf("%+v", said.said[len(said.said)-1])
	}

	// The board banks what collectors hold, by a line of the bank.
	v.get(base+"/cash").sees(http.StatusOK, base, "thu1", "35.000")
	if strings.Contains(v.text, "Nộp vào ngân hàng") {
		t.Error("a collector banks cash by a line of the bank")
	}
	v.post(base+"/cash", "collector", "thu1").sees(http.StatusForbidden, base)
	other.get(base+"/cash").sees(http.StatusOK, base, "Nộp vào ngân hàng")
	id := other.finds(`name="fact" value="([^"]+)"`)
	other.post(base+"/cash", "collector", "thu1", "fact", id, "banked", "x", "bank_line", "").sees(http.StatusUnprocessableEntity, base, "Cần số đồng", "Cần mã dòng sao kê")
	other.post(base+"/cash", "collector", "thu1", "fact", id, "banked", "35.000", "bank_line", "l-1").sees(http.StatusOK, base, "Đã ghi tiền nộp")
	if banked, ok := said.said[len(said.said)-1].Fact.(*events.CashBanked); !ok || banked.Line != "l-1" || banked.Amount != "35000" {
		t.Errorf("%+v", said.said[len(said.said)-1])
	}
	said.refuse = "line_unknown"
	other.get(base + "/cash")
	other.post(base+"/cash", "collector", "thu1", "fact", other.finds(`name="fact" value="([^"]+)"`), "banked", "35000", "bank_line", "l-2").sees(http.StatusUnprocessableEntity, base)
}

// Cash from a telephone is the telephone's owner's: nobody says that somebody else
// took it, or that it came another way.
func TestFillCash(t *testing.T) {
	ctx := identity.With(t.Context(), &identity.Principal{ID: "n-1", Kind: identity.Person})
	f := &queuedFact{Data: map[string]json.RawMessage{"bill": json.RawMessage(`"b"`)}}
	if err := fillCash(nil, ctx, f); err != nil || string(f.Data["collector"]) != `"n-1"` || string(f.Data["method"]) != `"cash"` {
		t.Errorf("%v, %s", err, f.Data)
	}
	for field, value := range map[string]string{"collector": `"n-2"`, "method": `"bank"`, "currency": `"USD"`} {
		if err := fillCash(nil, ctx, &queuedFact{Data: map[string]json.RawMessage{field: json.RawMessage(value)}}); err != errBad {
			t.Errorf("%s %s: %v", field, value, err)
		}
	}
}

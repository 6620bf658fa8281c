package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/internal/sales"
	"socho/ledger"
	"socho/projections"
)

// till is the sales of traders in memory: what the ledger, the read model and the
// index of accounts do together.
type till struct {
	recorder
	mu          sync.Mutex
	sales       []projections.Sale
	connections []projections.SalesConnection
	accounts    map[string]string // by connection
	market      map[string]bool   // connections of which the market hears
	proved      bool
	watchers    []chan struct{}
	next        int64
}

func (c *till) who(s *projections.Sale) readmodel.Trader {
	return readmodel.Trader{Organization: s.Organization, Person: s.Trader, Stall: s.Stall}
}

// Say writes facts down as the ledger and its projection do.
func (c *till) Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error) {
	outcomes, err := c.recorder.Say(ctx, actor, facts)
	for i := range facts {
		if err != nil || !outcomes[i].Status.Accepted() {
			continue
		}
		e := &facts[i].Envelope
		switch f := facts[i].Fact.(type) {
		case *events.SaleReceived:
			c.sell(projections.Sale{Organization: e.Subject, Trader: string(f.Person), Stall: string(f.Stall), EffectiveOn: f.EffectiveOn, Method: string(f.Method),
				Currency: f.Currency, Amount: f.Money().Minor(), Source: string(e.Source), EventID: string(e.ID)})
		case *events.Reversed:
			c.mu.Lock()
			for j := range c.sales {
				if c.sales[j].EventID == string(f.Reverses) {
					c.sales[j].UndoneOn, c.sales[j].Changed = f.EffectiveOn, c.next
					c.next++
				}
			}
			c.mu.Unlock()
		case *events.SalesConnected:
			c.connections = append(c.connections, projections.SalesConnection{Organization: e.Subject, Connection: string(f.Connection), Trader: string(f.Person), Stall: string(f.Stall),
				From: f.EffectiveOn, Until: f.Until, ConnectedAt: time.Now()})
		case *events.SalesDisconnected:
			for j := range c.connections {
				if c.connections[j].Connection == string(f.Connection) {
					c.connections[j].EndedOn, c.connections[j].EndedAt = f.EffectiveOn, time.Now()
				}
			}
		}
	}
	return outcomes, err
}

// sell adds a sale, and tells those who look on.
func (c *till) sell(s projections.Sale) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.At.Offset, s.Changed, s.SaidAt = c.next, c.next, time.Now()
	c.next++
	c.sales = append(c.sales, s)
	for _, w := range c.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (c *till) of(t readmodel.Trader, keep func(*projections.Sale) bool) (found []projections.Sale) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sales {
		if c.who(&s) == t && keep(&s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b projections.Sale) int { return int(a.Changed - b.Changed) })
	return found
}

func (c *till) SumOfDay(_ context.Context, t readmodel.Trader, on events.Date) (d readmodel.DaySum, err error) {
	d.At = -1
	for _, s := range c.of(t, func(*projections.Sale) bool { return true }) {
		d.At = max(d.At, s.Changed)
		if s.EffectiveOn == on && s.UndoneOn == "" {
			d.Count, d.Sum = d.Count+1, d.Sum.Plus(s.Amount)
		}
	}
	return d, nil
}

func (c *till) SalesOfDay(_ context.Context, t readmodel.Trader, on events.Date, limit int) ([]projections.Sale, error) {
	found := c.of(t, func(s *projections.Sale) bool { return s.EffectiveOn == on })
	slices.Reverse(found)
	return found[:min(len(found), limit)], nil
}

func (c *till) SalesAfter(_ context.Context, t readmodel.Trader, after int64, limit int) ([]projections.Sale, error) {
	found := c.of(t, func(s *projections.Sale) bool { return s.Changed > after })
	return found[:min(len(found), limit)], nil
}

func (c *till) SalesBetween(_ context.Context, t readmodel.Trader, from, until events.Date) ([]projections.Sale, error) {
	return c.of(t, func(s *projections.Sale) bool { return from <= s.EffectiveOn && s.EffectiveOn <= until }), nil
}

func (c *till) Sale(_ context.Context, t readmodel.Trader, source, event string) (projections.Sale, error) {
	found := c.of(t, func(s *projections.Sale) bool { return s.Source == source && s.EventID == event })
	if len(found) != 1 {
		return projections.Sale{}, readmodel.ErrNotFound
	}
	return found[0], nil
}

func (c *till) SalesConnections(_ context.Context, t readmodel.Trader) (found []projections.SalesConnection, err error) {
	for _, n := range slices.Backward(c.connections) {
		if n.Organization == t.Organization && n.Trader == t.Person && n.Stall == t.Stall {
			found = append(found, n)
		}
	}
	return found, nil
}

func (c *till) MarketSees(_ context.Context, _, connection string) (bool, error) {
	return c.market[connection], nil
}

func (c *till) Give(_ context.Context, _, _, connection, number string) error {
	for of, other := range c.accounts {
		if other == number && of != connection {
			return sales.ErrTaken
		}
	}
	c.accounts[connection] = number
	return nil
}

func (c *till) Forget(_ context.Context, _, connection string) error {
	delete(c.accounts, connection)
	return nil
}

func (c *till) State(_ context.Context, _, connection string) (string, error) {
	switch {
	case c.accounts[connection] == "":
		return sales.None, nil
	case c.proved:
		return sales.Proved, nil
	}
	return sales.Asked, nil
}

func (c *till) Code(string, string) string { return "XNABCD2345" }

func (c *till) Watch(readmodel.Trader) (<-chan struct{}, func(), bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := make(chan struct{}, 1)
	c.watchers = append(c.watchers, w)
	return w, func() {}, true
}

// openStall is a house with a till.
func openStall(t *testing.T) (*house, *till) {
	c := &till{accounts: map[string]string{}}
	h := openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Recorder = c
		from.Traders = &TraderSources{Sales: c, Accounts: c, Takings: c,
			Receipt: func(context.Context, int, int64) ([]byte, error) { return []byte("%PDF-1.7 a receipt"), nil }}
	})
	return h, c
}

const ownPages = "/trader/" + market + "/A12"

func sold(trader, stall string, amount int64, on events.Date) projections.Sale {
	return projections.Sale{Organization: market, Trader: trader, Stall: stall, EffectiveOn: on, Method: "bank", Connection: "k", Currency: "VND", Amount: amount,
		Source: "urn:socho:bank", EventID: newID()}
}

// TestTraderPages: every page of hers in both languages, and what each must show.
func TestTraderPages(t *testing.T) {
	h, c := openStall(t)
	c.sell(sold("p1", "A12", 41_000, today()))
	c.sell(sold("p0", "A12", 7_777_000, today())) // by whoever held the stall before
	c.sell(sold("p1", "A13", 8_888_000, today())) // her other stall
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader)).sees(200, ownPages, "Hôm nay bán được", "41.000", "1.275.000")
	for address, words := range map[string][2]string{
		ownPages:                          {"Lưu ảnh mã QR", "Save the picture"},
		ownPages + "/takings":             {"1 lần bán", "1 sales"},
		ownPages + "/cash":                {"Khách trả bao nhiêu", "How much was paid"},
		ownPages + "/book":                {"Tổng cộng", "Total"},
		ownPages + "/book?method=income":  {"chưa lập mẫu đó", "does not make"},
		ownPages + "/receipts":            {"Biên nhận", "Receipts"},
		ownPages + "/receipts/b-2608/1/5": {"61.000", "61,000"},
		ownPages + "/account":             {"Ai được xem gì", "Who sees what"},
		ownPages + "/account/connect":     {"Số tài khoản của tôi", "My account number"},
		ownPages + "/code":                {"ban quản lý chợ", "market's management"},
		ownPages + "/bills/b-2609/code":   {"tháng 09/2026", "09/2026"},
	} {
		for i, lang := range []string{"vi", "en"} {
			v.get(withQuery(address, "lang="+lang)).sees(200, address, words[i])
			if strings.Contains(v.text, "7.777") || strings.Contains(v.text, "8.888") || strings.Contains(v.text, "7,777") || strings.Contains(v.text, "8,888") {
				t.Errorf("%s shows what is not hers", address)
			}
		}
	}
	v.get("/?lang=vi")
	for address, kind := range map[string]string{ownPages + "/code?picture=yes": "image/png", ownPages + "/bills/b-2609/code?picture=yes": "image/png",
		ownPages + "/receipts/b-2608/1/5?pdf=yes": "application/pdf"} {
		if v.get(address); v.status != 200 || v.header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %v", address, v.status, v.header)
		}
	}
	v.get(ownPages+"/receipts/b-2608/1/4").sees(404, "") // a record that is no payment of hers
}

// TestTraderAlone: no office and no other trader comes to a trader's pages, nor does
// an account of staff that holds the role.
func TestTraderAlone(t *testing.T) {
	h, c := openStall(t)
	c.sell(sold("p1", "A12", 41_000, today()))
	for _, role := range []identity.Role{identity.MarketManager, identity.Collector, identity.Auditor, identity.Administrator} {
		v := h.visitor(t)
		v.post("/demo", "role", string(role))
		for _, path := range []string{"", "/takings", "/takings/stream?after=-1", "/book", "/account"} {
			if v.get(ownPages + path); v.status != 403 || strings.Contains(v.body, "41.000") {
				t.Errorf("%s at %s: %d", role, path, v.status)
			}
		}
	}
	trader := h.visitor(t)
	trader.post("/demo", "role", string(identity.Trader))
	for _, path := range []string{"/trader/" + market + "/B01", "/trader/hg-cho-khac/A12", "/trader/" + market + "/B01/takings/stream?after=-1"} {
		if trader.get(path); trader.status != 403 {
			t.Errorf("%s: %d", path, trader.status)
		}
	}
	staff := &identity.Principal{ID: "u-x", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Trader, Organization: market, Object: "A12"}}}
	from := sources(t, newFake())
	from.Recorder, from.Traders = c, &TraderSources{Sales: c, Accounts: c, Takings: c}
	if w := get(t, as(t, staff, from), ownPages+"/takings"); w.Code != 403 {
		t.Errorf("an account of staff: %d", w.Code)
	}
	if w := get(t, as(t, nil, from), ownPages+"/takings/stream?after=-1"); w.Code != 401 {
		t.Errorf("a visitor: %d", w.Code)
	}
}

// TestConsent: she connects her account and disconnects it; each is one fact, the
// account is sealed in it and forgotten with it.
func TestConsent(t *testing.T) {
	h, c := openStall(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader))
	v.get(ownPages + "/account/connect")
	id := v.finds(`name="id" value="([^"]+)"`)
	form := func(change ...string) []string {
		return append([]string{"id", id, "own_bank", "970436", "own_number", "0011 001 234 567", "own_name", "VÀNG THỊ MÁY", "consent_months", "3", "agree", "yes"}, change...)
	}
	for _, wrong := range [][]string{{"own_bank", "000000"}, {"own_number", "12"}, {"own_name", " "}, {"consent_months", "99"}, {"agree", ""}} {
		v.post(ownPages+"/account/connect", form(wrong...)...).sees(422, ownPages+"/account/connect")
		if !strings.Contains(v.body, `aria-invalid="true"`) && wrong[0] != "agree" {
			t.Errorf("%v: not said beside the field", wrong)
		}
	}
	if len(c.said) != 0 || len(c.accounts) != 0 {
		t.Fatalf("said %d facts, %v", len(c.said), c.accounts)
	}
	for range 2 {
		v.post(ownPages+"/account/connect", form()...).sees(200, ownPages+"/account", "XNABCD2345", id, "Chợ không được báo gì")
	}
	if len(c.said) != 1 || c.accounts[id] != "0011001234567" {
		t.Fatalf("%d facts, %v", len(c.said), c.accounts)
	}
	fact, ok := c.said[0].Fact.(*events.SalesConnected)
	if !ok || fact.Person != "p1" || fact.Stall != "A12" || string(fact.Connection) != id || fact.Until != monthsLater(today(), "3") ||
		c.said[0].Personal["account_number"] != "0011001234567" || c.said[0].Personal["bank_bin"] != "970436" || c.said[0].Personal["account_name"] != "VÀNG THỊ MÁY" {
		t.Errorf("%+v %v", c.said[0].Fact, c.said[0].Personal)
	}
	if strings.Contains(v.body, "0011001234567") {
		t.Error("the account stands on a page that nobody asked for it")
	}
	v.post(ownPages+"/account/disconnect", "connection", "another", "id", newID()).sees(200, ownPages+"/account")
	if len(c.said) != 1 {
		t.Error("another connection was taken back")
	}
	v.get(ownPages + "/account")
	v.post(ownPages+"/account/disconnect", "connection", v.finds(`name="connection" value="([^"]+)"`), "id", v.finds(`name="id" value="([^"]+)"`)).
		sees(200, ownPages+"/account", "Đã ngắt", "Những lần đồng ý trước")
	if _, ok := c.said[1].Fact.(*events.SalesDisconnected); !ok || len(c.accounts) != 0 {
		t.Errorf("%+v, %v", c.said[1].Fact, c.accounts)
	}
	// That the market hears when receipts fall is hers to allow, and said what it means.
	if fact.VisibleTo != "trader" {
		t.Errorf("without her word visible to %s", fact.VisibleTo)
	}
	v.get(ownPages+"/account/connect").sees(200, ownPages+"/account/connect", "Báo cho ban quản lý chợ", "Họ không thấy số tiền hay tên khách")
	id = v.finds(`name="id" value="([^"]+)"`)
	c.market = map[string]bool{id: true}
	v.post(ownPages+"/account/connect", form("market", "yes")...).sees(200, ownPages+"/account", "Chợ được báo khi")
	if allowed, ok := c.said[2].Fact.(*events.SalesConnected); !ok || allowed.VisibleTo != "market" {
		t.Errorf("%+v", c.said[2].Fact)
	}
	v.post(ownPages+"/account/disconnect", "connection", id, "id", newID()).sees(200, ownPages+"/account", "Đã ngắt")
	// A number that hangs at a neighbour's stall is not hers to connect.
	c.accounts["other"] = "999900001111"
	v.get(ownPages + "/account/connect")
	id = v.finds(`name="id" value="([^"]+)"`)
	v.post(ownPages+"/account/connect", form("own_number", "999900001111")...).sees(422, ownPages+"/account/connect")
}

// TestCashSale: she writes cash down and takes it back; what came by a bank she
// cannot.
func TestCashSale(t *testing.T) {
	h, c := openStall(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader))
	for _, wrong := range []string{"", "0", "-5", "12,5", "một trăm", "99999999999999999"} {
		v.post(ownPages+"/cash", "id", newID(), "sale_amount", wrong).sees(422, ownPages+"/cash")
	}
	// Without her consent no book is kept, of cash neither.
	v.post(ownPages+"/cash", "id", newID(), "book", newID(), "sale_amount", "50000").sees(422, ownPages+"/cash")
	book := newID()
	for range 2 {
		v.post(ownPages+"/cash", "id", newID(), "book", book, "sale_amount", "50000", "agree", "yes").sees(200, ownPages+"/takings")
	}
	if f, ok := c.said[0].Fact.(*events.SalesConnected); !ok || f.VisibleTo != "trader" || len(c.said[0].Personal) > 0 || len(c.said) != 3 {
		t.Fatalf("%+v", c.said)
	}
	for text, want := range map[string]string{"50000": "50000", "50.000": "50000", " 1.250.000 đ": "1250000", "7,000": "7000"} {
		v.post(ownPages+"/cash", "id", newID(), "sale_amount", text).sees(200, ownPages+"/takings", "Đã ghi")
		if f, ok := c.said[len(c.said)-1].Fact.(*events.SaleReceived); !ok || string(f.Amount) != want || f.Person != "p1" || f.Method != "cash" || string(f.Connection) != book {
			t.Errorf("%q: %+v", text, c.said[len(c.said)-1].Fact)
		}
	}
	said := len(c.said)
	event := v.finds(`name="event" value="([^"]+)"`)
	id := v.finds(`name="event" value="` + event + `"><input type="hidden" name="id" value="([^"]+)"`)
	for range 2 {
		v.post(ownPages+"/takings/undo", "event", event, "id", id).sees(200, ownPages+"/takings", "Đã lấy lại")
	}
	if back, ok := c.said[said].Fact.(*events.Reversed); !ok || string(back.Reverses) != event || len(c.said) != said+1 {
		t.Errorf("%+v", c.said[said:])
	}
	bank := sold("p1", "A12", 41_000, today())
	other := sold("p0", "A12", 41_000, today())
	bank.Source, other.Source, other.Method = source, source, "cash"
	c.sell(bank)
	c.sell(other)
	v.post(ownPages+"/takings/undo", "event", bank.EventID, "id", newID()).sees(403, "")
	v.post(ownPages+"/takings/undo", "event", other.EventID, "id", newID()).sees(404, "")
}

// TestCashSaleQueued: a sale from the telephone's queue is in cash and her own,
// whatever the telephone says.
func TestCashSaleQueued(t *testing.T) {
	c := &till{accounts: map[string]string{}, connections: []projections.SalesConnection{
		{Organization: market, Connection: "k-9", Trader: "p1", Stall: "A12", From: "2026-01-01", Until: "2199-12-31"}}}
	f := newFake()
	from := sources(t, f)
	b := &book{recorder: &c.recorder, f: f, taken: map[events.EventID]string{}}
	from.Recorder, from.Traders = b, &TraderSources{Sales: c, Accounts: c, Takings: c}
	her := &identity.Principal{ID: "c-her", Kind: identity.Person, Holder: "p1", Grants: []identity.Grant{{Role: identity.Trader, Organization: market, Object: "A12"}}}
	h := as(t, her, from)
	post := func(facts ...string) []queueAnswer {
		t.Helper()
		r := httptest.NewRequest("POST", "/queue", strings.NewReader(`{"device":"d-1","person":"c-her","facts":[`+strings.Join(facts, ",")+`]}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var said struct{ Answers []queueAnswer }
		if err := json.NewDecoder(w.Body).Decode(&said); err != nil || w.Code != 200 {
			t.Fatal(w.Code, err)
		}
		return said.Answers
	}
	fact := func(n int, kind, data string) string {
		return fmt.Sprintf(`{"id":%q,"seq":%d,"type":%q,"organization":%q,"data":{"effective_on":"2026-09-15",%s}}`, uuid7(n), n, kind, market, data)
	}
	answers := post(
		fact(1, saleReceived, `"amount":"50.000","stall":"A12","method":"bank","person":"p0","connection":"k","line":"l"`),
		fact(2, saleReceived, `"amount":"50000","stall":"B01"`),
		fact(3, saleReceived, `"amount":"mười","stall":"A12"`))
	if !answers[0].Taken || answers[1].Code != "not_allowed" || answers[2].Code != "bad_value" || len(b.said) != 1 {
		t.Fatalf("%+v", answers)
	}
	if f := b.said[0].Fact.(*events.SaleReceived); f.Person != "p1" || f.Method != "cash" || f.Amount != "50000" || f.Connection != "k-9" || f.Line != "" {
		t.Errorf("%+v", f)
	}
	// Her own is taken back from the queue as well; another's is not.
	for n, trader := range map[int]string{1: "p1", 7: "p0"} {
		s := sold(trader, "A12", 50_000, "2026-09-15")
		s.Source, s.EventID, s.Method = source, uuid7(n), "cash"
		c.sell(s)
	}
	f.add(2, 90, envelope(saleReceived, market, uuid7(7), `{"effective_on":"2026-09-15","amount":"50000","currency":"VND","person":"p0","stall":"A12","method":"cash"}`), ledger.Posted, "")
	back := func(n, of int) string {
		return fact(n, reversal, fmt.Sprintf(`"reverses":%q,"reverses_source":"urn:socho:pages","reason":"entered_wrongly"`, uuid7(of)))
	}
	if answers := post(back(4, 1), back(5, 7)); !answers[0].Taken || answers[1].Taken {
		t.Errorf("%+v", answers)
	}
}

// TestTakingsStream: a stream tells what came since the page was made; one that was
// cut off goes on where it ended, and nothing comes twice.
func TestTakingsStream(t *testing.T) {
	h, c := openStall(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader))
	c.sell(sold("p1", "A12", 1_000, today()))
	v.get(ownPages + "/takings")
	after := v.finds(`data-after="(-?\d+)"`)
	c.sell(sold("p0", "A12", 2_000, today()))
	c.sell(sold("p1", "A12", 3_000, today()))
	read := func(last string, want int) (ids []string, amounts []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", h.URL+ownPages+"/takings/stream?after="+after, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		w, err := v.Do(r)
		if err != nil || w.StatusCode != 200 || w.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(w, err)
		}
		defer w.Body.Close()
		id := ""
		for lines := bufio.NewScanner(w.Body); len(amounts) < want && lines.Scan(); {
			line := lines.Text()
			if text, ok := strings.CutPrefix(line, "id: "); ok {
				id = text
			}
			var sale shownSale
			if text, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(text), &sale) == nil && sale.ID != "" {
				ids, amounts = append(ids, id), append(amounts, sale.Amount)
			}
		}
		return ids, amounts
	}
	ids, amounts := read("", 1)
	if fmt.Sprint(amounts) != fmt.Sprint([]string{"3.000" + noBreak + "đ"}) {
		t.Fatalf("%q", amounts)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		for i := range int64(3) {
			c.sell(sold("p1", "A12", 10_000+i, today()))
		}
	}()
	if _, amounts := read(ids[0], 3); len(amounts) != 3 || amounts[0] != "10.000"+noBreak+"đ" || amounts[2] != "10.002"+noBreak+"đ" {
		t.Errorf("%q", amounts)
	}
	for _, bad := range []string{"x", "-2", ""} {
		if v.get(ownPages + "/takings/stream?after=" + bad); v.status != 400 {
			t.Errorf("after %q: %d", bad, v.status)
		}
	}
}

// TestSalesBookFile: the book comes as PDF and Excel, and the trail says that it
// went out.
func TestSalesBookFile(t *testing.T) {
	h, c := openStall(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader))
	for range 3 {
		c.sell(sold("p1", "A12", 41_000, today()))
	}
	v.get(ownPages+"/book").sees(200, "", "123.000")
	for as, begin := range map[string]string{"pdf": "%PDF-", "xlsx": "PK"} {
		v.post(ownPages+"/book", "as", as, "span", string(today()[:7]), "detail", "sale", "method", "below_threshold", "name", "Vàng Thị Máy")
		if v.status != 200 || !strings.HasPrefix(v.body, begin) || !strings.Contains(v.header.Get("Content-Disposition"), as) {
			t.Errorf("%s: %d %v %.20q", as, v.status, v.header, v.body)
		}
	}
	v.post(ownPages+"/book", "as", "pdf", "span", "2026-13").sees(400, "")
	v.post(ownPages+"/book", "as", "exe").sees(400, "")
	found, _, err := h.people.Trail(identity.With(t.Context(), identity.CLI()), identity.TrailFilter{Organizations: []string{identity.Everywhere}}, 20, "")
	if err != nil || !slices.ContainsFunc(found, func(e identity.Entry) bool { return e.Action == identity.Exported }) {
		t.Error(err, found)
	}
}

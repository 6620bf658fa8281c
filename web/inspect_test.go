package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/projections"
	"socho/qr"
)

// hung is the cards of the fake market: one of A12 that was replaced, the one that
// hangs there now, and one of B01.
type hung struct {
	cards   []projections.StallCard
	alerts  []projections.Alert
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	orders  chan CardOrder
	problem error
}

func saltOf(serial string) []byte { return []byte((serial + "0123456789abcdef")[:qr.SaltBytes]) }

const ourAccount = "0011000000001"

func newHung(t *testing.T) *hung {
	t.Helper()
	h := &hung{orders: make(chan CardOrder, 8)}
	var err error
	if h.public, h.private, err = ed25519.GenerateKey(nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ serial, stall, state string }{{"CDV-A12-2", "A12", "posted"}, {"CDV-A12-1", "A12", "replaced"}, {"CDV-B01-1", "B01", "issued"}} {
		h.cards = append(h.cards, projections.StallCard{Organization: market, Card: c.serial, Stall: c.stall, State: c.state, IssuedOn: "2026-09-01", IssuedBy: "cli",
			Copies: 1, PrintedOn: "2026-09-01", PaysTo: qr.PaysTo(c.serial, c.stall, "970436", ourAccount, saltOf(c.serial))})
	}
	h.alerts = []projections.Alert{{Organization: market, Alert: "other-1", Kind: "other_account", Stall: "A12", RaisedOn: "2026-09-09"},
		{Organization: market, Alert: "fell-1", Kind: "receipts_fell", Stall: "B01", Since: "2026-08-31", Expected: 20, Seen: 2, RaisedOn: "2026-09-07", ClosedOn: "2026-09-08", Reason: "stall_closed"}}
	return h
}

func (h *hung) StallCards(_ context.Context, organization, stall string) (some []projections.StallCard, _ error) {
	for _, c := range h.cards {
		if c.Organization == organization && (stall == "" || c.Stall == stall) {
			some = append(some, c)
		}
	}
	return some, nil
}

func (h *hung) LastInspections(context.Context, string) ([]projections.Inspection, error) {
	return []projections.Inspection{{Organization: market, Stall: "A12", Card: "CDV-A12-2", Result: "right", On: events.Date(time.Now().In(vietnam).AddDate(0, 0, -3).Format(time.DateOnly))}}, nil
}

func (h *hung) Inspections(ctx context.Context, organization, stall string) (some []projections.Inspection, _ error) {
	last, err := h.LastInspections(ctx, organization)
	for i := range last {
		if last[i].Stall == stall {
			some = append(some, last[i], projections.Inspection{Organization: organization, Stall: stall, Result: "other_account", On: "2026-09-01", By: "person:u-thu"})
		}
	}
	return some, err
}

func (h *hung) Alerts(_ context.Context, _ string, closed bool) ([]projections.Alert, error) {
	if closed {
		return h.alerts, nil
	}
	return h.alerts[:1], nil
}

func (h *hung) OpenAlerts(context.Context, string) (int64, error) { return 1, nil }

func (h *hung) sources(f *fake) *CardSources {
	return &CardSources{Model: h, Market: f.Organization, Salt: saltOf,
		Serial: func(_ context.Context, serial string) (some []projections.StallCard, _ error) {
			for _, c := range h.cards {
				if c.Card == serial {
					some = append(some, c)
				}
			}
			return some, nil
		},
		Signed: func(text, signature []byte) bool { return ed25519.Verify(h.public, text, signature) },
		Keys:   func() [][]byte { return [][]byte{h.public} },
		Found:  func(_, bin, account string) string { return "fa-" + bin + "-" + account[len(account)-2:] },
		Print: func(_ context.Context, o CardOrder, progress func(done, of int)) ([]byte, error) {
			h.orders <- o
			progress(3, 3)
			return []byte("%PDF-cards"), h.problem
		},
	}
}

// coded is the payment code of a card.
func coded(t testing.TB, account, serial string) string {
	t.Helper()
	payload, err := qr.Encode(qr.Request{BIN: "970436", Account: account, Purpose: "SAP A12 CHO DONG VAN", Terminal: serial})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func (h *hung) link(serial, public string) string {
	for _, c := range h.cards {
		if c.Card == serial {
			mark := qr.CardMark{Serial: c.Card, Stall: c.Stall, PaysTo: c.PaysTo}
			return qr.CardLink{Serial: serial, Salt: saltOf(serial), Signature: ed25519.Sign(h.private, mark.Signed())}.Text(public)
		}
	}
	return ""
}

// judged is every case that an inspection tells apart, for here and the browser.
func (h *hung) judged(t testing.TB) []judgedCase {
	return []judgedCase{
		{"the right card", coded(t, ourAccount, "CDV-A12-2"), "", found{Result: "right", Key: "right", Card: "CDV-A12-2", Stall: "A12"}},
		{"the right card, the stall chosen", coded(t, ourAccount, "CDV-A12-2"), "A12", found{Result: "right", Key: "right", Card: "CDV-A12-2", Stall: "A12"}},
		{"a copy that pays elsewhere", coded(t, "0904881234", "CDV-A12-2"), "", found{Result: "other_account", Key: "other_account", Card: "CDV-A12-2", Stall: "A12", BIN: "970436", Account: "0904881234"}},
		{"a sticker of somebody's", coded(t, "0904881234", ""), "A12", found{Result: "other_account", Key: "other_account", Stall: "A12", BIN: "970436", Account: "0904881234"}},
		{"a sticker, the stall not chosen", coded(t, "0904881234", ""), "", found{Key: "stall"}},
		{"the card that was replaced", coded(t, ourAccount, "CDV-A12-1"), "", found{Result: "revoked", Key: "revoked", Card: "CDV-A12-1", Stall: "A12"}},
		{"another stall's card", coded(t, ourAccount, "CDV-B01-1"), "A12", found{Result: "unknown", Key: "elsewhere", Card: "CDV-B01-1", Stall: "A12", Belongs: "B01"}},
		{"without its serial", coded(t, ourAccount, ""), "A12", found{Result: "right", Key: "right", Card: "CDV-A12-2", Stall: "A12"}},
		{"at a stall without a card", coded(t, "0904881234", ""), "C9", found{Result: "unknown", Key: "unknown", Stall: "C9"}},
		{"the small code", h.link("CDV-A12-2", "https://cho.example"), "", found{Key: "large", Stall: "A12"}},
		{"the small code of the replaced one", h.link("CDV-A12-1", ""), "", found{Result: "revoked", Key: "revoked", Card: "CDV-A12-1", Stall: "A12"}},
		{"no payment code", "https://example.com/", "A12", found{Result: "unknown", Key: "unknown", Stall: "A12"}},
		{"no payment code, no stall", "hello", "", found{Key: "stall"}},
	}
}

type judgedCase struct {
	name, text, stall string
	want              found
}

func (h *hung) known() (all []knownCard) {
	for i := range h.cards {
		c := &h.cards[i]
		all = append(all, knownCard{c.Card, c.Stall, mayHang(c), c.PaysTo, saltOf(c.Card)})
	}
	return all
}

func TestJudge(t *testing.T) {
	h := newHung(t)
	for _, c := range h.judged(t) {
		if got := judge(h.known(), c.text, c.stall); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

var inspector = &identity.Principal{ID: "u-thu", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Collector, Organization: market}}}

var board = &identity.Principal{ID: "u-bql", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.MarketManager, Organization: market}}}

func cardPages(t *testing.T, p *identity.Principal) (*hung, *recorder, http.Handler) {
	t.Helper()
	f, h, said := newFake(), newHung(t), new(recorder)
	from := sources(t, f)
	from.Recorder, from.Cards = said, h.sources(f)
	return h, said, as(t, p, from)
}

// photo is what a telephone sends of a card, large on a grey wall.
func photo(t testing.TB, texts ...string) []byte {
	t.Helper()
	wall := image.NewRGBA(image.Rect(0, 0, 900, 520))
	draw.Draw(wall, wall.Rect, image.NewUniform(color.Gray{190}), image.Point{}, draw.Src)
	for i, text := range texts {
		raw, err := qr.PNG(text, qr.ImageOptions{ModulePixels: 6, Level: qr.LevelM})
		if err != nil {
			t.Fatal(err)
		}
		code, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		draw.Draw(wall, code.Bounds().Add(image.Pt(30+430*i, 40)), code, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, wall); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sendPhoto(t *testing.T, h http.Handler, stall, result string, picture []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{"id": newID(), "stall": stall, "result": result} {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if picture != nil {
		part, err := form.CreateFormFile("photo", "the.png")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(picture) //nolint:errcheck // a buffer
	}
	form.Close() //nolint:errcheck // a buffer
	r := httptest.NewRequest(http.MethodPost, "/inspect/"+market, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %.300s", w.Code, w.Body)
	}
	return w.Body.String()
}

// A photograph is read here, said what it shows, and recorded; what pays elsewhere
// is sealed under an id of its own.
func TestInspectByPhoto(t *testing.T) {
	h, said, pages := cardPages(t, inspector)
	for _, c := range []struct {
		stall, result string
		picture       []byte
		sees          string
		recorded      events.Word
	}{
		{"", "", photo(t, coded(t, ourAccount, "CDV-A12-2"), h.link("CDV-A12-2", "https://cho.example")), "đúng mã", "right"},
		{"A12", "", photo(t, coded(t, "0904881234", "")), "tài khoản khác", "other_account"},
		{"", "", photo(t, coded(t, ourAccount, "CDV-A12-1")), "đã thu hồi", "revoked"},
		{"A12", "", photo(t, "xin chào"), "không biết mã này", "unknown"},
		{"A12", "missing", nil, "không có thẻ", "missing"},
		{"", "", photo(t, coded(t, "0904881234", "")), "chọn quầy", ""},
		{"Z9", "missing", nil, "không có quầy Z9", ""},
		{"A12", "", []byte("no picture"), "Không đọc được mã nào", ""},
	} {
		before := len(said.said)
		if body := sendPhoto(t, pages, c.stall, c.result, c.picture); !strings.Contains(body, c.sees) {
			t.Errorf("%s does not say %q", c.recorded, c.sees)
		}
		if c.recorded == "" {
			if len(said.said) != before {
				t.Errorf("%q was recorded", c.sees)
			}
			continue
		}
		if len(said.said) != before+1 {
			t.Fatalf("%s: %d facts", c.recorded, len(said.said)-before)
		}
		d := said.said[before]
		fact := d.Fact.(*events.CardInspected)
		if fact.Result != c.recorded || fact.Stall != "A12" {
			t.Errorf("%+v", fact)
		}
		if other := c.recorded == "other_account"; other != (fact.Person == "fa-970436-34") || other != (d.Personal["account"] == "0904881234") {
			t.Errorf("%s: person %q, personal %v", c.recorded, fact.Person, d.Personal)
		}
	}
}

// What was recorded by mistake stays, and is set right by looking again: the page says
// so, and leads there whoever may look.
func TestInspectedByMistake(t *testing.T) {
	at, again := "/markets/"+market+"/cards/A12", "/inspect/"+market+"?stall=A12"
	for _, who := range []*identity.Principal{inspector, board} {
		_, _, pages := cardPages(t, who)
		page := get(t, pages, at).Body.String()
		for _, words := range []string{"mã của tài khoản khác", "được tính", "lần sau cùng được tính", again} {
			if !strings.Contains(page, words) {
				t.Errorf("%s does not see %q", who.ID, words)
			}
		}
		if page = get(t, pages, again).Body.String(); !strings.Contains(page, `value="A12"`) || !strings.Contains(page, "lần sau cùng được tính") {
			t.Errorf("%.2000s", page)
		}
	}
	_, _, pages := cardPages(t, &identity.Principal{ID: "u-tinh", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Official, Organization: market}}})
	if page := get(t, pages, at).Body.String(); !strings.Contains(page, "mã của tài khoản khác") || strings.Contains(page, again) {
		t.Error("whoever may not inspect is led there, or sees no history")
	}
}

// Nothing personal comes from a telephone but an account that was found.
func TestInspectionsFromTelephones(t *testing.T) {
	f := newFake()
	b := &book{recorder: new(recorder), f: f, taken: map[events.EventID]string{}}
	from := sources(t, f)
	from.Recorder, from.Cards = b, newHung(t).sources(f)
	pages := as(t, inspector, from)
	send := func(n int, data, personal string) string {
		body := `{"device":"d-1","person":"u-thu","facts":[{"id":"` + uuid7(n) + `","seq":1,"type":"market.card_inspected","organization":"` + market + `","data":{"effective_on":"2026-09-15",` + data + `}` + personal + `}]}`
		r := httptest.NewRequest(http.MethodPost, "/queue", strings.NewReader(body))
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w.Body.String()
	}
	if got := send(1, `"stall":"A12","result":"other_account","person":"p-forged"`, `,"personal":{"account":"0904881234","bank_bin":"970436"}`); !strings.Contains(got, `"taken":true`) {
		t.Error(got)
	}
	if got := b.said[0].Fact.(*events.CardInspected).Person; got != "fa-970436-34" {
		t.Errorf("stands for %q", got)
	}
	for i, personal := range []string{`{"account":"0904881234"}`, `{"account":"0904 881234","bank_bin":"970436"}`, `{"account":"0904881234","bank_bin":"970436","name":"x"}`} {
		if got := send(2+i, `"stall":"A12","result":"other_account"`, `,"personal":`+personal); !strings.Contains(got, `"code":"bad_value"`) {
			t.Errorf("%s: %s", personal, got)
		}
	}
}

// The whole market's cards are one click, a page that tells how far it is, and a
// file.
func TestPrintCards(t *testing.T) {
	h, _, pages := cardPages(t, board)
	page := get(t, pages, "/markets/"+market+"/cards").Body.String()
	if !strings.Contains(page, "CDV-A12-2") || strings.Contains(page, "CDV-A12-1") || !strings.Contains(page, "chưa bao giờ") {
		t.Errorf("%.2000s", page)
	}
	id := newID()
	for range 2 { // sent twice, it is one printing
		w := ask(pages, "POST", "/markets/"+market+"/cards", "id="+id+"&layout=sheet")
		if w.StatusCode != http.StatusSeeOther {
			t.Fatal(w.StatusCode)
		}
	}
	if o := <-h.orders; o.Organization != market || o.Single || o.ID != id || o.Actor != "person:u-bql" {
		t.Errorf("%+v", o)
	}
	at := "/markets/" + market + "/prints/" + id
	var w *httptest.ResponseRecorder
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if w = get(t, pages, at); strings.Contains(w.Body.String(), at+"/file") {
			break
		}
		if w.Header().Get("Refresh") == "" {
			t.Fatal("the page does not come again")
		}
	}
	if w = get(t, pages, at+"/file"); w.Body.String() != "%PDF-cards" || !strings.Contains(w.Header().Get("Content-Disposition"), "the-"+market+".pdf") {
		t.Errorf("%v %.100s", w.Header(), w.Body)
	}
	if len(h.orders) != 0 {
		t.Error("it was printed twice")
	}
	if w = get(t, pages, "/markets/"+market+"/prints/"+newID()); w.Code != http.StatusNotFound {
		t.Errorf("%d for no printing", w.Code)
	}
	h.problem = &CardProblem{"account"}
	other := newID()
	ask(pages, "POST", "/markets/"+market+"/cards/A12", "do=anew&why=worn&id="+other)
	if o := <-h.orders; !o.Anew || o.Why != "worn" || !o.Single || len(o.Stalls) != 1 || o.Stalls[0] != "A12" {
		t.Errorf("%+v", o)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if w = get(t, pages, "/markets/"+market+"/prints/"+other); w.Header().Get("Refresh") == "" {
			break
		}
	}
	if !strings.Contains(w.Body.String(), "chưa có tài khoản nhận tiền") {
		t.Errorf("%.1500s", w.Body)
	}
}

// Cards are hung up and revoked, alerts closed; each by a fact, in one's own name.
func TestCardActs(t *testing.T) {
	_, said, pages := cardPages(t, board)
	at := "/markets/" + market + "/cards/A12"
	if w := ask(pages, "POST", at, "do=posted&card=CDV-A12-2&id="+newID()); w.StatusCode != http.StatusSeeOther {
		t.Fatal(w.StatusCode)
	}
	if w := ask(pages, "POST", at, "do=revoke&why=lost&card=CDV-A12-2&id="+newID()); w.StatusCode != http.StatusOK || len(said.said) != 1 {
		t.Fatalf("revoking does not ask: %d", w.StatusCode)
	}
	if w := ask(pages, "POST", at, "do=revoke&why=lost&sure=yes&card=CDV-A12-2&id="+newID()); w.StatusCode != http.StatusSeeOther {
		t.Fatal(w.StatusCode)
	}
	if w := ask(pages, "POST", at, "do=revoke&why=lost&sure=yes&card=CDV-B01-1&id="+newID()); w.StatusCode != http.StatusBadRequest {
		t.Errorf("another stall's card: %d", w.StatusCode)
	}
	if w := ask(pages, "POST", at, "do=sales&bin=97&account=1&id="+newID()); w.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a bank that is none: %d", w.StatusCode)
	}
	if w := ask(pages, "POST", "/markets/"+market+"/alerts", "alert=other-1&why=swapped_removed&id="+newID()); w.StatusCode != http.StatusSeeOther {
		t.Fatal(w.StatusCode)
	}
	var names []string
	for _, d := range said.said {
		names = append(names, string(d.Envelope.Type))
	}
	if got := strings.Join(names, " "); got != string(events.Type("market.card_posted")+" "+events.Type("market.card_revoked")+" "+events.Type("market.alert_closed")) {
		t.Errorf("%s", got)
	}
	if w := get(t, pages, "/markets/"+market+"/alerts?closed=yes"); !strings.Contains(w.Body.String(), "2 lần") || !strings.Contains(w.Body.String(), "quầy nghỉ bán") {
		t.Errorf("%.2000s", w.Body)
	}
	if w := get(t, pages, "/markets/"+market); !strings.Contains(w.Body.String(), "Cảnh báo: 1") {
		t.Error("the market's page does not count alerts")
	}
	_, _, pages = cardPages(t, inspector)
	if w := ask(pages, "POST", at, "do=posted&card=CDV-A12-2&id="+newID()); w.StatusCode != http.StatusForbidden {
		t.Errorf("a collector: %d", w.StatusCode)
	}
}

// Where a card's small code leads, everybody hears whether it is good.
func TestCardCheck(t *testing.T) {
	f, h := newFake(), newHung(t)
	from := sources(t, f)
	from.Recorder, from.Cards = new(recorder), h.sources(f)
	pages := as(t, nil, from)
	path := func(serial string) string {
		return strings.TrimPrefix(h.link(serial, "https://cho.example"), "HTTPS://CHO.EXAMPLE")
	}
	forged := path("CDV-A12-2")
	forged = forged[:len(forged)-3] + "000"
	for address, want := range map[string]string{
		path("CDV-A12-2"): "Số thẻ này có thật: Chợ Đồng Văn", path("CDV-A12-1"): "đã bị thay hoặc thu hồi", forged: "Thẻ giả",
		"/c/CDV-B01-1": "Sổ có thẻ này", "/c/CDV-Z9-1": "không có thẻ mang số đó",
	} {
		if w := get(t, pages, address); w.Code != 200 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), ourAccount) {
			t.Errorf("%s: %d, want %q\n%.800s", address, w.Code, want, w.Body)
		}
	}
	if w := get(t, pages, "/c/none"); w.Code != http.StatusNotFound {
		t.Errorf("no serial: %d", w.Code)
	}
}

func TestByNumber(t *testing.T) {
	for _, c := range [][2]string{{"A2", "A10"}, {"A10", "B1"}, {"A", "A1"}, {"A09", "A10"}, {"A1-2", "A1-10"}} {
		if byNumber(c[0], c[1]) >= 0 || byNumber(c[1], c[0]) <= 0 || byNumber(c[0], c[0]) != 0 {
			t.Errorf("%s is not before %s", c[0], c[1])
		}
	}
}

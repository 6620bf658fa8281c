package web

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"socho/events"
	"socho/internal/identity"
	"socho/ledger"
)

// mayAlone decides by the principal's grants alone.
type mayAlone struct{}

func (mayAlone) Require(ctx context.Context, right identity.Right, organization string, object ...string) error {
	switch p := identity.From(ctx); {
	case p == nil:
		return identity.ErrNotSignedIn
	case !p.May(right, organization, object...):
		return identity.ErrDenied
	case right.NeedsStepUp() && !p.SteppedUp(time.Now()):
		return identity.ErrStepUp
	}
	return nil
}

func sources(t *testing.T, f *fake) Sources {
	return Sources{Model: f, Figures: f, Traces: f, Outcomes: f, Records: f, Access: mayAlone{}, Receipt: func(shard int, offset int64) string { return fmt.Sprintf("/receipts/%d/%d", shard, offset) }, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// as serves the pages to a principal.
func as(t *testing.T, p *identity.Principal, from Sources) http.Handler {
	t.Helper()
	h, err := New(from)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(identity.With(r.Context(), p)))
	})
}

// serve serves the pages to one who may see everything.
func serve(t *testing.T, f *fake) http.Handler { return as(t, identity.CLI(), sources(t, f)) }

func get(t *testing.T, h http.Handler, address string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	return w
}

// page parses an answer and returns its text, one blank between words.
func page(t *testing.T, w *httptest.ResponseRecorder) (root *html.Node, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return root, strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// pages are all pages with words that each must show, in both languages.
var pages = []struct {
	address string
	vi, en  []string
}{
	{"/", []string{"86,2 %", "946 trên 1.097", "người được hưởng", "tháng 09/2026", "benefits.persons@1", "Tính từ 12.345 bản ghi", "71,6 %"}, []string{"86.2 %", "946 of 1,097", "persons entitled", "Share of persons"}},
	{"/?unit=02&period=2026-Q3", []string{"quý 3 năm 2026"}, []string{"Q3 2026"}},
	{"/figures?domain=benefits&by=persons", []string{"86,2 %", "Từ bản ghi 1 đến 50, trong 60", "đếm một lần", "Dấu kiểm tra"}, []string{"Records 1 to 50 of 60", "counts once"}},
	{"/figures?domain=fees&by=value&unit=00721&period=2026-09", []string{"946.002.838 đ", "Tính theo số tiền", "Xã Đồng Văn"}, []string{"946,002,838 đ", "Share of the money"}},
	{"/figures?domain=fees&by=value&cursor=50", []string{"Từ bản ghi 51 đến 60"}, []string{"Records 51 to 60"}},
	{"/markets", []string{"Chợ Đồng Văn", "Xã Đồng Văn", "01/07/2025"}, []string{"Markets"}},
	{"/markets/" + market, []string{"A12", "1.234.000 đ", "Còn nợ", "Được miễn", "thu1", "35.000 đ"}, []string{"Owing", "1,234,000 đ", "Waived"}},
	{"/markets/" + market + "?period=2026-08", []string{"Trả một phần", "41.000 đ"}, []string{"Part-paid"}},
	{"/stalls/" + market + "/A12", []string{"1.275.000 đ", "Vietcombank", "0011000000001", "CH2609DF4EP", "Quét QR", "trả dư 35.000 đ", "Đã trả đủ"}, []string{"Receiving bank", "Scan QR"}},
	{"/stalls/" + market + "/B01", []string{"không có mã chuyển tiền"}, []string{"no reference code"}},
	{"/schools", []string{"Trường Mèo Vạc"}, []string{"Schools"}},
	{"/schools/" + school + "?period=2026-09&class=3A", []string{"540.000 đ", "3A", "Đã trả đủ", "Xem tiếp"}, []string{"Paid", "Next"}},
	{"/funds", []string{"Quỹ trợ cấp"}, []string{"Benefit funds"}},
	{"/funds/" + fund + "?period=2026-09", []string{"86,2 %", "1.097 người", "473.000.000 đ", "Bị trả về", "Người cao tuổi"}, []string{"Came back", "Carried forward"}},
	{"/bills/" + market + "/b-2609", []string{"Bảo vệ", "15.000 đ", "25/09/2026", "Quét để trả", "1:4"}, []string{"Security", "Scan to pay"}},
	{"/bills/" + market + "/b-free", []string{"Được miễn"}, []string{"Waived"}},
	{"/bills/" + school + "/s-1", []string{"Đã trả đủ"}, []string{"School fee"}},
	{"/payouts/" + fund + "/o2", []string{"Bị trả về", "tài khoản đã đóng", "14/09/2026"}, []string{"Came back", "account closed"}},
	{"/events/1/0", []string{"Mở phần 1 trong 8 phần"}, []string{"Part 1 of 8"}},
	{"/events/1/4", []string{"Chợ tính phí tháng 09/2026 cho quầy A12: 41.000 đ", "được niêm phong", "quầy A12 còn nợ, phiếu b-2609", "Dấu của dòng sổ", "thu: Bảo vệ"}, []string{"The market bills stall A12", "sealed", "Leaf hash"}},
	{"/events/1/5", []string{"người thu thu1 nhận 20.000 đ tiền mặt", "phần dư là tiền của người trả", "Các số liệu có tính bản ghi này", "theo số lần", "Tải biên nhận"}, []string{"the rest is the payer's credit"}},
	{"/events/1/6", []string{"Bị từ chối", "Nhiều hơn số còn nợ", "cần 90.000 đ, chỉ có 41.000 đ"}, []string{"Refused", "More than is owed"}},
	{"/events/1/7", []string{"Sai mẫu", "không đọc được", "chưa được niêm phong"}, []string{"Malformed", "Personal data was not sealed"}},
	{"/events/1/8", []string{"Sai chỗ"}, []string{"Misrouted"}},
	{"/refusals", []string{"Bị từ chối", "Trùng mã, khác nội dung", "Xem tiếp"}, []string{"Refused", "Conflict"}},
	{"/events", []string{"Tìm bản ghi"}, []string{"Find a record"}},
	{"/events?q=nothing", []string{"Không tìm thấy bản ghi nào"}, []string{"No record was found"}},
	{"/work", []string{"Việc của tôi", "Bản ghi không được nhận", "hơn 50"}, []string{"My work", "more than 50"}},
	{"/refusals?status=malformed", []string{"Sai mẫu"}, []string{"Malformed"}},
}

func TestPages(t *testing.T) {
	h := serve(t, newFake())
	for _, p := range pages {
		for lang, words := range map[string][]string{"vi": p.vi, "en": p.en} {
			address := p.address + "?lang=" + lang
			if strings.Contains(p.address, "?") {
				address = p.address + "&lang=" + lang
			}
			w := get(t, h, address)
			root, text := page(t, w)
			if w.Code != http.StatusOK {
				t.Errorf("%s: %d: %.300s", address, w.Code, text)
				continue
			}
			text = strings.ReplaceAll(text, noBreak, " ")
			for _, word := range words {
				if !strings.Contains(text, word) {
					t.Errorf("%s: no %q in %s", address, word, text)
				}
			}
			if strings.Contains(w.Body.String(), "Bí Mật") {
				t.Errorf("%s shows what is personal", address)
			}
			checkPage(t, address, lang, root)
		}
	}
}

// checkPage holds a page to what is true of all: one heading, its language,
// labels on phones, and nothing inline or from elsewhere.
func checkPage(t *testing.T, address, lang string, root *html.Node) {
	t.Helper()
	headings, ids := 0, map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			if attr(n, "lang") != lang {
				t.Errorf("%s: lang is %q", address, attr(n, "lang"))
			}
		case "h1":
			headings++
		case "script":
			if !strings.HasPrefix(attr(n, "src"), "/assets/") || n.FirstChild != nil {
				t.Errorf("%s: a script of its own", address)
			}
		case "style", "iframe":
			t.Errorf("%s: an element %s", address, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: an attribute %s", address, a.Key)
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("%s: id %s twice", address, a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#"):
				t.Errorf("%s: %s leads elsewhere: %s", address, a.Key, a.Val)
			case strings.Contains(a.Val, "ZgotmplZ"):
				t.Errorf("%s: an unsafe %s", address, a.Key)
			}
		}
	}
	if headings != 1 {
		t.Errorf("%s: %d main headings", address, headings)
	}
}

// TestLinks walks from the first page to every page that links lead to.
func TestLinks(t *testing.T) {
	h := serve(t, newFake())
	open, seen := []string{"/"}, map[string]bool{"/": true}
	for visited := 0; len(open) > 0 && visited < 150; visited++ {
		address := open[0]
		open = open[1:]
		w := get(t, h, address)
		if w.Code != http.StatusOK {
			if !strings.HasPrefix(address, "/events/") && !strings.HasPrefix(address, "/receipts/") { // the fake's log has gaps
				t.Errorf("%s: %d", address, w.Code)
			}
			continue
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		root, _ := page(t, w)
		for n := range root.Descendants() {
			link := attr(n, "href")
			if n.Type == html.ElementNode && n.Data == "img" {
				link = attr(n, "src")
			}
			if strings.HasPrefix(link, "/") && !seen[link] {
				seen[link] = true
				open = append(open, link)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d links", len(seen))
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		address string
		status  int
		words   string
	}{
		{"/nothing", 404, "Không có trang này"},
		{"/markets/" + school, 404, "Không tìm thấy trong sổ"},
		{"/stalls/" + school + "/A12", 404, "Không tìm thấy"},
		{"/bills/" + market + "/b0", 404, "Không tìm thấy"},
		{"/payouts/" + fund + "/o9", 404, "Không tìm thấy"},
		{"/events/1/77", 404, "chưa có trong sổ"},
		{"/events/x/1", 404, "Không có trang này"},
		{"/events/1/-1", 404, "Không có trang này"},
		{"/?period=2026-13", 400, "không dùng được"},
		{"/?unit=99999", 400, "Không biết nơi này"},
		{"/figures?domain=none", 400, "không dùng được"},
		{"/figures?domain=fees&by=persons", 400, "không dùng được"},
		{"/markets/" + market + "?period=2026", 400, "không dùng được"},
		{"/schools/" + school + "?cursor=zz", 400, "không dùng được"},
		{"/refusals?status=posted", 400, "không dùng được"},
		{"/refusals?cursor=99999:1", 400, "không dùng được"},
		{"/refusals?cursor=1:99999:1", 400, "không dùng được"},
		{"/design", 404, "Không có trang này"},
		{"/assets/0/socho.css", 404, "not found"},
	} {
		w := get(t, serve(t, newFake()), c.address)
		if _, text := page(t, w); w.Code != c.status || !strings.Contains(text, c.words) {
			t.Errorf("%s: %d, %.200s", c.address, w.Code, text)
		}
	}
	f := newFake()
	f.broken = errors.New("password=hunter2")
	for _, p := range pages {
		if p.address == "/events" {
			continue // asks nothing yet
		}
		w := get(t, serve(t, f), p.address)
		if _, text := page(t, w); w.Code != 500 || !strings.Contains(text, "Có lỗi ở máy chủ") || strings.Contains(text, "hunter2") {
			t.Errorf("%s broken: %d, %.200s", p.address, w.Code, text)
		}
	}
	w := httptest.NewRecorder()
	serve(t, newFake()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/markets", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestEmpty(t *testing.T) {
	f := newFake()
	f.bills, f.payouts, f.outcomes, f.traced = nil, nil, nil, nil
	h := serve(t, f)
	for address, words := range map[string]string{
		"/markets/" + market: "chưa có quầy nào", "/schools/" + school: "Hãy chọn tháng", "/funds/" + fund: "Không có khoản chi", "/refusals": "Không cần làm gì",
	} {
		if _, text := page(t, get(t, h, address)); !strings.Contains(text, words) {
			t.Errorf("%s: no %q in %s", address, words, text)
		}
	}
	f.organizations = nil
	if _, text := page(t, get(t, h, "/markets")); !strings.Contains(text, "Đơn vị hiện ra khi") {
		t.Errorf("no organizations: %s", text)
	}
}

func TestLogAway(t *testing.T) {
	f := newFake()
	f.logAway = true
	w := get(t, serve(t, f), "/events/1/4")
	if _, text := page(t, w); w.Code != 200 || !strings.Contains(text, "Chưa đọc được bản ghi gốc") || !strings.Contains(text, "26.000") {
		t.Errorf("%d %s", w.Code, text)
	}
}

func TestLanguage(t *testing.T) {
	h := serve(t, newFake())
	w := get(t, h, "/markets?lang=en")
	r := httptest.NewRequest(http.MethodGet, "/schools/"+school+"?period=2026-09&class=3A", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	root, text := page(t, w)
	if !strings.Contains(text, "Schools") || w.Header().Get("Content-Language") != "en" {
		t.Errorf("the language is not kept: %s", text)
	}
	for n := range root.Descendants() {
		if attr(n, "class") == "switch" {
			u, err := url.Parse(attr(n, "href"))
			if q := u.Query(); err != nil || q.Get("lang") != "vi" || q.Get("class") != "3A" || q.Get("period") != "2026-09" {
				t.Errorf("the switch leads to %s", attr(n, "href"))
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	h := serve(t, newFake())
	for _, address := range []string{"/", "/nothing", "/healthz", "/assets/0/x"} {
		w := get(t, h, address)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q", address, name, got)
			}
		}
	}
	w := get(t, h, "/")
	css := regexp.MustCompile(`/assets/[0-9a-f]+/socho\.css`).FindString(w.Body.String())
	style := get(t, h, css)
	if style.Code != 200 || !strings.Contains(style.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(style.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", css, style.Code, style.Header())
	}
}

// TestTheme: light and dark are chosen like the language, and dark is written
// twice in the style, for who chose it and for whose device prefers it.
func TestTheme(t *testing.T) {
	h := serve(t, newFake())
	w := get(t, h, "/markets?theme=dark")
	r := httptest.NewRequest(http.MethodGet, "/schools?cursor=more", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if body := w.Body.String(); !strings.Contains(body, `data-theme="dark"`) || !strings.Contains(body, "/schools?cursor=more&amp;theme=light") || !strings.Contains(body, "theme=auto") {
		t.Errorf("the colours are not kept: %.900s", body)
	}
	if body := get(t, h, "/?theme=auto").Body.String(); strings.Contains(body, "data-theme") {
		t.Error("the device's colours are overruled")
	}
	css, err := staticFiles.ReadFile("static/socho.css")
	if err != nil {
		t.Fatal(err)
	}
	dark := regexp.MustCompile(`(?s)\n *(?::root:not\(\[data-theme=light\]\)|\[data-theme=dark\]) \{\n([^}]*--paper[^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(dark) != 2 || strings.Join(strings.Fields(dark[0][1]), " ") != strings.Join(strings.Fields(dark[1][1]), " ") {
		t.Errorf("dark is not the same twice: %q", dark)
	}
}

// TestWeight lists what each page takes on the way with all that belongs to it,
// and holds the first one to what 2G can bring.
func TestWeight(t *testing.T) {
	h := serve(t, newFake())
	weigh := func(address string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.Len(), get(t, h, address).Body.String()
	}
	for _, p := range pages {
		bytes, body := weigh(p.address)
		requests := 1
		belongs := regexp.MustCompile(`/assets/[0-9a-f]+/[a-z.]+`).FindAllString(body, -1)
		slices.Sort(belongs)
		for _, asset := range slices.Compact(belongs) {
			more, _ := weigh(asset)
			bytes, requests = bytes+more, requests+1
		}
		t.Logf("%6d bytes in %d requests: %s", bytes, requests, p.address)
		if p.address == "/" && bytes > firstPageBytes {
			t.Errorf("the first page takes %d bytes, more than %d", bytes, firstPageBytes)
		}
	}
}

// TestPacked: what a browser takes packed it gets packed, and the same.
func TestPacked(t *testing.T) {
	h := serve(t, newFake())
	for _, address := range []string{"/markets", regexp.MustCompile(`/assets/[0-9a-f]+/socho\.css`).FindString(get(t, h, "/").Body.String())} {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Header.Set("Accept-Encoding", "gzip, br")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(address, err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != get(t, h, address).Body.String() {
			t.Errorf("%s: packed is not the same: %v", address, err)
		}
	}
}

func TestHealth(t *testing.T) {
	f := newFake()
	ill := errors.New("down")
	from := sources(t, f)
	from.Health = func(context.Context) error { return ill }
	from.Stopped = func(context.Context) ([]Standstill, error) { return []Standstill{{3, "log_behind_ledger"}}, nil }
	from.Standing = func(context.Context) (Standing, error) { return Standing{Records: 12345, Latest: recorded}, nil }
	from.Sample = func(context.Context) (bool, error) { return true, nil }
	h := as(t, identity.CLI(), from)
	if w := get(t, h, "/healthz"); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := get(t, h, "/readyz"); w.Code != 503 || strings.Contains(w.Body.String(), "down") {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	ill = nil
	if w := get(t, h, "/readyz"); w.Code != 200 {
		t.Errorf("readyz: %d", w.Code)
	}
	root, _ := page(t, get(t, h, "/design"))
	checkPage(t, "/design", "vi", root)
	_, text := page(t, get(t, h, "/markets"))
	if !strings.Contains(text, "Phần 3 của sổ đang tạm dừng") || !strings.Contains(text, "dữ liệu mẫu") || !strings.Contains(text, "12.345 bản ghi đã vào sổ") {
		t.Errorf("no banners: %s", text)
	}
}

// TestWords holds translations to what the program says: every code of a
// refusal and of malformed input, every type of fact, and every text that
// templates name.
func TestWords(t *testing.T) {
	languages, err := loadLanguages() // refuses unequal keys
	if err != nil {
		t.Fatal(err)
	}
	vi := languages["vi"].text
	used := map[string]bool{}
	need := func(key string) {
		used[key] = true
		if vi[key] == "" {
			t.Errorf("no text %q", key)
		}
	}
	for file, pattern := range map[string]string{"../ledger/reason.go": `\t"([a-z_]+)":`, "../events/errors.go": `Code = "([a-z0-9_]+)"`} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(b), -1) {
			need("reason." + m[1])
		}
	}
	for _, full := range events.Types() {
		need("fact." + events.Name(full))
	}
	for _, p := range published {
		for _, end := range []string{"title", "of", "how"} {
			need("figure." + p[0] + "." + p[1] + "." + end)
		}
	}
	names, err := os.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile("templates/" + name.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\(?\bt "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			need(m[1])
		}
	}
	for _, l := range languages {
		for key, text := range l.text {
			if strings.TrimSpace(text) == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s: %q is %q", l.code, key, text)
			}
		}
	}
}

// TestNoFloats: amounts and rates are whole numbers and decimal strings here.
func TestNoFloats(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := []string{"float" + "64", "float" + "32", "Parse" + "Float", "big." + "Float"}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") {
			continue
		}
		b, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(forbidden, func(word string) bool { return strings.Contains(string(b), word) }) {
			t.Errorf("%s holds a float", file.Name())
		}
	}
}

// TestAccountsAndDetails: the accounts and notes of unusual postings are said,
// not spelled.
func TestAccountsAndDetails(t *testing.T) {
	languages, err := loadLanguages()
	if err != nil {
		t.Fatal(err)
	}
	en := languages["en"]
	for path, want := range map[string]string{
		"suspense:in":                           "money in, waiting for its owner or its proof",
		"suspense:in:USD":                       "money in, waiting for its owner or its proof",
		"suspense:out:o1":                       "money that left for payout o1, which nobody has ordered",
		"suspense:out:o1:USD":                   "money that left for payout o1, which nobody has ordered",
		"person:p1:recoverable:elderly:2026-09": "to be recovered from person p1, " + en.word("programme", "elderly") + ", " + month("2026-09"),
	} {
		if got := en.account(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got, want := en.detail(&ledger.Outcome{Detail: "also line_unknown more_than_held"}), "Also: "+en.word("reason", "line_unknown")+"; "+en.word("reason", "more_than_held"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNoDeadStyle: every class that the style names is one that pages use.
func TestNoDeadStyle(t *testing.T) {
	css, err := staticFiles.ReadFile("static/socho.css")
	if err != nil {
		t.Fatal(err)
	}
	names, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, word := range slices.Concat(billStatuses, payoutStatuses) {
		used[word] = true
	}
	for _, status := range ledger.Statuses() {
		used[status.String()] = true
	}
	for _, name := range names {
		b, err := templateFiles.ReadFile("templates/" + name.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:class="|"Kind" ")([^>]*?)"`).FindAllStringSubmatch(string(b), -1) {
			for _, word := range regexp.MustCompile(`[a-z_-]+`).FindAllString(m[1], -1) {
				used[word] = true
			}
		}
	}
	dead := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.([a-z][a-z_-]*)`).FindAllStringSubmatch(regexp.MustCompile(`(?s)\{[^{}]*\}|/\*.*?\*/`).ReplaceAllString(string(css), ""), -1) {
		if !used[m[1]] {
			dead[m[1]] = true
		}
	}
	if len(dead) > 0 {
		t.Errorf("no page uses %v", slices.Sorted(maps.Keys(dead)))
	}
}

package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
)

// house is the pages with people who can sign in, on a database of its own.
type house struct {
	*httptest.Server
	people   *identity.Directory
	sessions *identity.Sessions
}

// more sees what the pages are made from, and where they will be, before they are.
func openHouse(t *testing.T, demo func(context.Context, *identity.Directory) []DemoPerson, more ...func(from *Sources, address string)) *house {
	t.Helper()
	db, err := postgres.Open(t.Context(), testdb.Database(t, "web", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "app", postgres.AppMigrations())
	}), "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	people, err := identity.Open(db.Pool, func(purpose string) ([]byte, error) {
		sum := sha256.Sum256([]byte(purpose))
		return sum[:], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	from := sources(t, newFake())
	from.Access, from.People, from.Recorder = people, people, new(recorder)
	from.Sessions = people.Sessions(false, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	from.Standing = func(context.Context) (Standing, error) { return Standing{Records: 12345, Latest: recorded}, nil }
	from.Shards = func(context.Context) ([]Shard, error) {
		return []Shard{{Shard: 0, Decided: 12000, RecordedAt: recorded, Signed: 12000}, {Shard: 1, Decided: 345, Waiting: 7, RecordedAt: recorded, Stopped: true, Code: "log_behind_ledger"}}, nil
	}
	from.Connections, from.Verifier, from.Unsealer, from.Names = fakeConnections, &fakeVerifier{}, &fakeVault{}, fakeNames{}
	if demo != nil {
		from.Sample = func(context.Context) (bool, error) { return true, nil }
		from.Demo = demo(identity.With(t.Context(), identity.CLI()), people)
	}
	server := httptest.NewUnstartedServer(nil)
	for _, f := range more {
		f(&from, "http://"+server.Listener.Addr().String())
	}
	pages, err := New(from)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = from.Sessions.Handler(pages)
	server.Start()
	t.Cleanup(server.Close)
	return &house{server, people, from.Sessions}
}

// visitor is a browser without a screen.
type visitor struct {
	t *testing.T
	h *house
	http.Client
	status int
	at     string // where the last answer came from
	header http.Header
	body   string
	text   string
}

func (h *house) visitor(t *testing.T) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, h: h, Client: http.Client{Jar: jar}}
}

func (v *visitor) read(w *http.Response, err error) *visitor {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.status, v.at, v.header, v.body = w.StatusCode, w.Request.URL.RequestURI(), w.Header, string(b)
	recorder := httptest.NewRecorder()
	recorder.Body.Write(b)
	_, v.text = page(v.t, recorder)
	return v
}

func (v *visitor) get(path string) *visitor { v.t.Helper(); return v.read(v.Get(v.h.URL + path)) }

// post sends a form; pairs are names and values.
func (v *visitor) post(path string, pairs ...string) *visitor {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return v.read(v.PostForm(v.h.URL+path, values))
}

// sees checks status, address and words of the last answer.
func (v *visitor) sees(status int, at string, words ...string) {
	v.t.Helper()
	if v.status != status || !strings.HasPrefix(v.at, at) {
		v.t.Fatalf("%d at %s, want %d at %s: %.400s", v.status, v.at, status, at, v.text)
	}
	for _, word := range words {
		if !strings.Contains(v.text, word) {
			v.t.Fatalf("%s: no %q in %s", v.at, word, v.text)
		}
	}
}

// finds returns what a pattern's group matches in the last answer.
func (v *visitor) finds(pattern string) string {
	v.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(v.body)
	if m == nil {
		v.t.Fatalf("%s: no %s in %s", v.at, pattern, v.body)
	}
	return m[1]
}

// cookies are what the visitor's browser would send.
func (v *visitor) cookies(t *testing.T) []*http.Cookie {
	t.Helper()
	at, err := url.Parse(v.h.URL)
	if err != nil {
		t.Fatal(err)
	}
	return v.Jar.Cookies(at)
}

const passphrase = "chợ phiên Đồng Văn chủ nhật"

// TestFirstDays plays how an office begins: the first administrator, the second
// factor, a colleague, her roles, and her leaving.
func TestFirstDays(t *testing.T) {
	h := openHouse(t, nil)
	link, err := h.people.SetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	admin := h.visitor(t)
	admin.get("/welcome?link="+link).sees(200, "/welcome", "quản trị đầu tiên")
	admin.post("/welcome", "link", link, "name", "quan.tri", "password", "ngắn").sees(422, "/welcome", "quá ngắn")
	if !strings.Contains(admin.body, `aria-invalid="true"`) || !strings.Contains(admin.body, `value="quan.tri"`) || strings.Contains(admin.body, "ngắn\"") {
		t.Errorf("the error is not beside its field, or the answers are lost: %s", admin.body)
	}
	admin.post("/welcome", "link", link, "name", "quan.tri", "password", passphrase).sees(200, "/me/second-factor", "Đặt mã lần hai")
	secret, offer := admin.finds(`<p class="handed"><code>([A-Z2-7]+)`), admin.finds(`name="offer" value="([^"]+)"`)
	admin.post("/me/second-factor", "offer", offer, "code", "000000").sees(422, "/me/second-factor", "Không đúng")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	admin.post("/me/second-factor", "offer", offer, "code", code).sees(200, "/me/second-factor", "Mã dự phòng của bạn")
	spare := admin.finds(`<li><code>([a-z2-7-]+)</code>`)
	admin.get("/welcome?link="+link).sees(404, "/welcome", "không dùng được nữa")
	admin.post("/sign-out").sees(200, "/?done=signed_out", "đã đăng xuất")

	admin.get("/people").sees(200, "/sign-in?next=%2Fpeople")
	admin.post("/sign-in", "name", "quan.tri", "password", "sai", "next", "/people").sees(422, "/sign-in", "Không đúng")
	admin.post("/sign-in", "name", "quan.tri", "password", passphrase, "next", "/people").sees(200, "/sign-in/code?next=%2Fpeople")
	admin.post("/sign-in/code", "code", spare, "next", "/people").sees(200, "/people", "quan.tri", "mọi đơn vị")
	admin.get("/me").sees(200, "/me", "còn 9 mã dự phòng", "Máy này")

	admin.post("/people/new", "name", "Lan!").sees(422, "/people/new", "chữ thường")
	admin.post("/people/new", "name", "lan.nguyen").sees(200, "/people/new", "dùng được một lần")
	invitation := admin.finds(`(/welcome\?link=[A-Z2-7]+)`)
	person := admin.finds(`(/people/u-[a-z2-7]+)`)
	admin.post(person, "do", "grant", "role", "proposer", "organization", fund).sees(200, person+"?done=person_grant", "Đã cấp vai", "Người lập danh sách")
	admin.post(person, "do", "grant", "role", "approver", "organization", fund).sees(422, person, "không được duyệt")
	admin.post(person, "do", "grant", "role", "proposer", "organization", "Không Có").sees(422, person, "mã đơn vị")

	lan := h.visitor(t)
	lan.get(invitation).sees(200, "/welcome", "Đặt mật khẩu của bạn")
	lan.post("/welcome", "link", strings.TrimPrefix(invitation, "/welcome?link="), "password", "núi đôi Quản Bạ sớm mai").sees(200, "/me/second-factor")
	lan.get("/work").sees(200, "/work", "Quỹ trợ cấp", "Khoản chi bị trả về")
	lan.get("/funds/"+fund).sees(200, "/funds/", "Các khoản chi")
	lan.get("/markets/"+market).sees(403, "/markets/", "không được mở")
	lan.get("/people").sees(403, "/people")
	lan.get("/work?lang=en").sees(200, "/work", "My work")
	elsewhere := h.visitor(t)
	elsewhere.post("/sign-in", "name", "lan.nguyen", "password", "núi đôi Quản Bạ sớm mai").sees(200, "/work", "My work")
	lan.post(strings.Replace(person, "people/u", "people/u", 1), "do", "unlock").sees(403, person)

	admin.post(person, "do", "lock").sees(200, person, "Khóa tài khoản này?")
	admin.post(person, "do", "lock", "sure", "yes").sees(200, person+"?done=person_lock", "Đã khóa", "Hoàn tác")
	lan.get("/work").sees(200, "/sign-in")
	admin.post(person, "do", "unlock").sees(200, person+"?done=person_unlock")
	admin.get("/trail").sees(200, "/trail", "Khóa tài khoản", "Bị từ chối", "Dùng mã dự phòng")
	admin.get("/organizations").sees(200, "/organizations", market)
	admin.get("/health").sees(200, "/health", "Đang dừng", "12.000")
	admin.get("/me/recovery").sees(200, "/me/recovery", "Tạo mã dự phòng mới?")

	admin.post("/tokens/new", "purpose", "kế toán", "right", "see.figures", "organization", "*", "life", "90").sees(200, "/tokens/new", "không hiện lại nữa")
	admin.get("/tokens").sees(200, "/tokens", "kế toán", "Xem số liệu chung, mọi đơn vị")
	token := admin.finds(`action="(/tokens/t-[a-z2-7]+)"`)
	admin.post(token).sees(200, token, "Thu hồi khóa này?")
	admin.post(token, "sure", "yes").sees(200, "/tokens?done=token_revoked", "Đã thu hồi")
}

// TestTrader plays a trader's card: issued, scanned, its PIN chosen anew, the
// phone remembered and forgotten, the card cancelled.
func TestTrader(t *testing.T) {
	h := openHouse(t, nil)
	cli := identity.With(t.Context(), identity.CLI())
	card, token, pin, err := h.people.IssueCard(cli, market, "A12", "p1")
	if err != nil {
		t.Fatal(err)
	}
	v := h.visitor(t)
	v.get("/card?card="+token).sees(200, "/card", "mã PIN")
	if v.at != "/card" || strings.Contains(v.body, token) {
		t.Errorf("the card's token stays in sight: %s", v.at)
	}
	v.post("/card", "pin", "000001").sees(422, "/card", "Không đúng")
	v.post("/card", "pin", pin, "remember", "yes").sees(200, "/me/pin", "mã PIN của riêng bạn")
	v.post("/me/pin", "oldpin", pin, "pin", "111111").sees(422, "/me/pin", "không giống nhau")
	v.post("/me/pin", "oldpin", pin, "pin", "480913").sees(200, "/me?done=pin", "Đã đổi mã PIN", "Điện thoại được nhớ")
	v.get("/work").sees(200, "/work", "Phí quầy của tôi")
	v.get("/stalls/"+market+"/A12").sees(200, "/stalls/", "còn nợ")
	v.get("/stalls/"+market+"/B01").sees(403, "/stalls/")

	// The phone comes back without card or PIN, and may look and no more.
	again := h.visitor(t)
	at, _ := url.Parse(h.URL)
	for _, c := range v.Jar.Cookies(at) {
		if c.Name == deviceCookie {
			again.Jar.SetCookies(at, []*http.Cookie{c})
		}
	}
	again.get("/stalls/"+market+"/A12").sees(200, "/stalls/", "còn nợ")
	device := again.get("/me").finds(`name="device" value="([^"]+)"`)
	again.post("/me/devices", "device", device).sees(200, "/me?done=device")
	if err := h.people.RevokeCard(cli, card.ID); err != nil {
		t.Fatal(err)
	}
	again.get("/me").sees(200, "/sign-in?next=%2Fme", "Đăng nhập")
}

// TestPatience: after too many wrong tries the form says how long to wait.
func TestPatience(t *testing.T) {
	v := openHouse(t, nil).visitor(t)
	for range 5 {
		v.post("/sign-in", "name", "ai.do", "password", "sai").sees(422, "/sign-in")
	}
	v.post("/sign-in", "name", "ai.do", "password", "sai").sees(429, "/sign-in", "Hãy chờ đến")
}

// TestNext: nobody is sent on to another site.
func TestNext(t *testing.T) {
	for next, want := range map[string]string{"/markets?x=1": "/markets?x=1", "": "/work", "//evil.example": "/work", "https://evil.example": "/work", `/\evil.example`: "/work", "/\tx": "/work"} {
		r := &request{Request: httptest.NewRequest(http.MethodGet, "/?next="+url.QueryEscape(next), nil)}
		if got := r.next("/work"); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

// demoPeople makes a person for each role of the demonstration.
func demoPeople(ctx context.Context, people *identity.Directory) (made []DemoPerson) {
	var failed error
	for _, role := range identity.Roles() {
		if role == identity.Trader {
			_, token, pin, err := people.IssueCard(ctx, market, "A12", "p1")
			failed = errors.Join(failed, err)
			made = append(made, DemoPerson{Role: role, Card: token, PIN: pin})
			continue
		}
		organization := map[identity.Role]string{identity.FinanceOfficer: school, identity.Proposer: fund, identity.Approver: fund, identity.Clerk: fund,
			identity.Collector: market, identity.MarketManager: market}[role]
		if organization == "" {
			organization = identity.Everywhere
		}
		name := strings.ReplaceAll(string(role), "_", ".")
		id, token, err := people.Add(ctx, name, "vi")
		failed = errors.Join(failed, err, people.Grant(ctx, id, identity.Grant{Role: role, Organization: organization}))
		_, err = people.Redeem(ctx, token, name, passphrase)
		failed = errors.Join(failed, err)
		made = append(made, DemoPerson{Role: role, Name: name, Password: passphrase})
	}
	if failed != nil {
		panic(failed)
	}
	return made
}

// TestDemo: while the sample is loaded a visitor may be a person of any role;
// else nobody may.
func TestDemo(t *testing.T) {
	v := openHouse(t, demoPeople).visitor(t)
	for _, role := range identity.Roles() {
		v.post("/demo", "role", string(role)).sees(200, "/work")
		if chosen := v.finds(`<option value="([a-z_]+)" selected>`); chosen != string(role) {
			t.Errorf("as %s the page shows %s", role, chosen)
		}
	}
	v.post("/demo", "role", "king").sees(404, "/demo")
	openHouse(t, nil).visitor(t).post("/demo", "role", "auditor").sees(404, "/demo")
}

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"socho/internal/identity"
	"socho/ledger"
)

// ask sends one request as a browser does where pages leave the machine.
func ask(h http.Handler, method, address, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, address, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

const attack = `"'><script>alert(1)</script>{{.}}`

// Whatever publishers, visitors and offices write is text on every page.
func TestSecurityScripts(t *testing.T) {
	f := newFake()
	for i := range f.organizations {
		f.organizations[i].Name = attack
	}
	for i := range f.bills {
		f.bills[i].Person, f.bills[i].Class = attack, attack
	}
	for i := range f.payouts {
		f.payouts[i].Person, f.payouts[i].Programme, f.payouts[i].Reason = attack, attack, attack
	}
	for at, o := range f.outcomes {
		o.Detail, o.EventID, o.Code = attack, attack, attack
		for i := range f.transfers[at] {
			f.transfers[at][i].Debit = attack
		}
	}
	f.add(1, 40, envelope("market.fee_assessed", market, "e40", `{"effective_on":"2026-09-01","person":"p1","bill":"b<script>alert(1)</script>","stall":"A12","period":"2026-09","due_on":"2026-09-25","reference":"CH2609DF4EP","currency":"VND","items":[{"item":"<script>alert(1)</script>","amount":"26000"}]}`), ledger.Posted, attack)
	h := serve(t, f)
	addresses := []string{"/events/1/40", "/refusals?status=" + url.QueryEscape(attack), "/events?q=" + url.QueryEscape(attack), "/?done=" + url.QueryEscape(attack),
		"/figures?domain=" + url.QueryEscape(attack), "/" + url.PathEscape(attack), "/markets?x=" + url.QueryEscape(attack) + "&" + url.QueryEscape(attack) + "=y"}
	for _, p := range pages {
		addresses = append(addresses, p.address)
	}
	script := regexp.MustCompile(`<script>|alert\(1\)"|\s(on[a-z]+|srcdoc)=|href="?(javascript|data):`)
	for _, address := range addresses {
		for _, language := range []string{"vi", "en"} {
			w := get(t, h, address+map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")]+"lang="+language)
			if found := script.FindString(w.Body.String()); found != "" || w.Code >= 500 {
				t.Errorf("%s: %d, %q", address, w.Code, found)
			}
		}
	}
}

// What is no text is a fault of the visitor's, and reaches no database.
func TestSecurityNoText(t *testing.T) {
	h := openHouse(t, nil).Config.Handler
	for _, address := range []string{"/sign-in?next=%00", "/sign-in?next=%ff", "/card?card=%00", "/figures?unit=%00", "/welcome?link=%00", "/?%zz=1", "/?a=%zz", "/%00", "/%ff", "/?%00=1"} {
		if w := ask(h, "GET", address, ""); w.StatusCode != 400 {
			t.Errorf("%s: %d", address, w.StatusCode)
		}
	}
	for _, body := range []string{"name=%00&password=x", "name=%ff&password=x", "name=a&password=%00", "%zz"} {
		if w := ask(h, "POST", "/sign-in", body); w.StatusCode != 400 {
			t.Errorf("%s: %d", body, w.StatusCode)
		}
	}
	if w := ask(h, "POST", "/sign-in", "name="+strings.Repeat("a", maxForm)); w.StatusCode != 413 {
		t.Errorf("a large form: %d", w.StatusCode)
	}
}

// Nobody is led to another site, whatever an address says.
func TestSecurityRedirects(t *testing.T) {
	h := openHouse(t, demoPeople).Config.Handler
	for _, next := range []string{"//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example", "javascript:alert(1)",
		"/\n/evil.example", "/\t/evil.example", " //evil.example", "/.//evil.example", "/x/..//evil.example", "/%0d%0aSet-Cookie:%20a=b", "@evil.example", "/work\r\nSet-Cookie: a=b"} {
		w := ask(h, "POST", "/sign-in", url.Values{"name": {"auditor"}, "password": {passphrase}, "next": {next}}.Encode())
		to, err := url.Parse(w.Header.Get("Location"))
		if w.StatusCode != http.StatusSeeOther || err != nil || to.IsAbs() || to.Host != "" || !regexp.MustCompile(`^/([^/\\]|$)`).MatchString(w.Header.Get("Location")) {
			t.Errorf("%q leads to %q", next, w.Header.Get("Location"))
		}
		if len(w.Cookies()) != 1 {
			t.Errorf("%q sets %v", next, w.Cookies())
		}
	}
	for _, address := range []string{"//evil.example/people", "//evil.example/..", "/%2f%2fevil.example", "/%5cevil.example"} {
		if to := ask(h, "GET", address, "").Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
			t.Errorf("%s leads to %q", address, to)
		}
	}
}

// What another site, or a page that hides where it is from, makes a browser send
// does nothing.
func TestSecurityForeign(t *testing.T) {
	h := openHouse(t, demoPeople).Config.Handler
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://example.com:81"}} {
		for _, address := range []string{"/demo", "/sign-out", "/sign-in", "/me/password", "/people/new", "/tokens/new"} {
			if w := ask(h, "POST", address, "role=auditor", header...); w.StatusCode != http.StatusForbidden || len(w.Cookies()) != 0 {
				t.Errorf("%s with %v: %d", address, header, w.StatusCode)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD"} { // no act without a form
		for _, address := range []string{"/demo", "/sign-out", "/me/sessions", "/me/devices"} {
			if w := ask(h, method, address, ""); w.StatusCode != 404 {
				t.Errorf("%s %s: %d", method, address, w.StatusCode)
			}
		}
	}
}

// Where pages leave the machine every cookie is sent over HTTPS, to this host,
// and is out of scripts' reach; links that hold a secret begin with https also
// behind a proxy; and what is personal stays in no cache and no frame.
func TestSecurityCookies(t *testing.T) {
	house := openHouse(t, demoPeople)
	house.sessions.Cookie.Secure, house.sessions.Cookie.Name = true, "__Host-socho"
	h := house.Config.Handler
	check := func(w *http.Response) (session string) {
		t.Helper()
		for _, c := range w.Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%+v", c)
			}
			if c.Name == "__Host-socho" {
				session = c.Name + "=" + c.Value
			}
		}
		return session
	}
	check(ask(h, "GET", "/?lang=en&theme=dark", ""))
	session := check(ask(h, "POST", "/demo", "role=administrator"))
	if w := ask(h, "GET", "/work", "", "Cookie", strings.TrimPrefix(session, "__Host-")); w.StatusCode != http.StatusSeeOther {
		t.Errorf("a cookie that another host can plant is taken: %d", w.StatusCode)
	}
	w := ask(h, "GET", "/me", "", "Cookie", session)
	if w.StatusCode != 200 || w.Header.Get("Cache-Control") != "no-store" || !strings.Contains(w.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%d %v", w.StatusCode, w.Header)
	}
	body := new(strings.Builder)
	if w := ask(h, "POST", "/people/new", "name=lan.moi", "Cookie", session); w.StatusCode == 200 {
		if err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(body.String(), "https://example.com/welcome?link=") {
		t.Errorf("the link: %.300s", body)
	}

	// A new password leaves nothing to whoever holds a copy of the cookie.
	w = ask(h, "POST", "/me/password", url.Values{"old": {passphrase}, "password": {"núi đôi Quản Bạ sớm mai"}}.Encode(), "Cookie", session)
	if fresh := check(w); w.StatusCode != http.StatusSeeOther || fresh == "" || fresh == session {
		t.Fatalf("%d %v", w.StatusCode, w.Cookies())
	}
	if w := ask(h, "GET", "/me", "", "Cookie", session); w.StatusCode != http.StatusSeeOther {
		t.Errorf("the cookie from before the new password: %d", w.StatusCode)
	}
}

// Signing out on a remembered telephone ends what it is remembered by.
func TestSecurityDevice(t *testing.T) {
	h := openHouse(t, nil)
	_, token, pin, err := h.people.IssueCard(identity.With(t.Context(), identity.CLI()), market, "A12", "p1")
	if err != nil {
		t.Fatal(err)
	}
	v := h.visitor(t)
	v.get("/card?card=" + token)
	v.post("/card", "pin", pin, "remember", "yes").sees(200, "/me/pin")
	at, _ := url.Parse(h.URL)
	stolen := ""
	for _, c := range v.Jar.Cookies(at) {
		if c.Name == deviceCookie {
			stolen = c.Name + "=" + c.Value
		}
	}
	if w := ask(h.Config.Handler, "GET", "/sign-in", "", "Cookie", stolen); stolen == "" || w.StatusCode != http.StatusSeeOther {
		t.Fatalf("the telephone is not remembered: %d", w.StatusCode)
	}
	v.post("/sign-out").sees(200, "/?done=signed_out")
	if w := ask(h.Config.Handler, "GET", "/sign-in", "", "Cookie", stolen); w.StatusCode != 200 {
		t.Errorf("what was copied from the telephone still opens: %d", w.StatusCode)
	}
}

// No path leads out of the assets.
func TestSecurityPaths(t *testing.T) {
	h := serve(t, newFake())
	for _, address := range []string{"/assets/../web.go", "/assets/x/..%2f..%2fweb.go", "/assets/x/%2e%2e%2fweb.go", "/assets//socho.css", "/assets/x/static/socho.css", "/assets/", "/assets/x/"} {
		if w := get(t, h, address); w.Code == 200 {
			t.Errorf("%s: %d", address, w.Code)
		}
	}
}

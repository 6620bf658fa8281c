package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"socho/internal/chores"
	"socho/internal/identity"
)

// openToAll are the routes that nobody has to sign in for.
var openToAll = []string{
	"GET /{$}", "GET /figures", "GET /design",
	"GET /sign-in", "POST /sign-in", "GET /sign-in/code", "POST /sign-in/code", "GET /card", "POST /card",
	"POST /sign-out", "GET /welcome", "POST /welcome", "POST /demo",
	"POST /sign-in/provider", "GET /sign-in/provider", "POST /welcome/provider",
	"GET /c/{serial}", "GET /C/{serial}/{code}",
}

// TestEveryRouteEveryRole walks the table: each route, asked by each role in
// its own organization and in another.
func TestEveryRouteEveryRole(t *testing.T) {
	s := &site{Sources: sources(t, newFake())}
	s.Payouts, s.Chores = func(string, func(int64, int64), func(string) bool) PayoutWork { return nil }, new(chores.Chores)
	all := slices.Concat(s.routes(), s.doors(), s.providers(), s.offices(), s.queues(), s.desk(), s.payPoints(), s.payoutMonth(), s.stallCards())
	// A request about the market's stall A12 and its things; or, of another market.
	request := func(to *route, p *identity.Principal, organization string) *request {
		method, path, _ := strings.Cut(to.pattern, " ")
		r := httptest.NewRequest(method, strings.NewReplacer("{$}", "", "{", "", "}", "").Replace(path), nil)
		for name, value := range map[string]string{"org": organization, "stall": "A12", "bill": "b-2609", "payout": "o1", "shard": "1", "offset": "4"} {
			r.SetPathValue(name, value)
		}
		return &request{Request: r.WithContext(identity.With(r.Context(), p)), who: p}
	}
	for i := range all {
		to := &all[i]
		if open := slices.Contains(openToAll, to.pattern); open != to.open {
			t.Errorf("%s: open is %v", to.pattern, to.open)
		}
		err := s.admit(request(to, nil, market), to)
		if want := identity.ErrNotSignedIn; to.open && err != nil || !to.open && !errors.Is(err, want) {
			t.Errorf("%s: a visitor gets %v", to.pattern, err)
		}
		for _, role := range identity.Roles() {
			for _, own := range []bool{true, false} {
				grant := identity.Grant{Role: role, Organization: market}
				if !own {
					grant.Organization = "hg-cho-khac"
				}
				if role == identity.Trader {
					grant.Object = "A12"
				}
				p := &identity.Principal{ID: "u-x", Kind: identity.Person, Grants: []identity.Grant{grant}}
				has := slices.ContainsFunc(to.rights, func(right identity.Right) bool { return slices.Contains(role.Rights(), right) })
				aboutStall := strings.Contains(to.pattern, "{stall}") || strings.Contains(to.pattern, "{bill}")
				may := to.open || len(to.rights) == 0 || has && (to.where == nil || own && (role != identity.Trader || aboutStall))
				err := s.admit(request(to, p, market), to)
				switch {
				case may && len(to.rights) > 0 && to.rights[0].NeedsStepUp():
					if !errors.Is(err, identity.ErrStepUp) {
						t.Errorf("%s as %s: %v without a step-up", to.pattern, grant, err)
					}
					p.SteppedUpAt = time.Now()
					if err := s.admit(request(to, p, market), to); err != nil {
						t.Errorf("%s as %s: %v after a step-up", to.pattern, grant, err)
					}
				case may && err != nil:
					t.Errorf("%s as %s: %v", to.pattern, grant, err)
				case !may && !errors.Is(err, identity.ErrDenied):
					t.Errorf("%s as %s: %v, want no", to.pattern, grant, err)
				}
			}
		}
	}
}

// TestDenied: whoever has not signed in is led to where they can, and back; who
// lacks the right is told so, and sees nothing of the page.
func TestDenied(t *testing.T) {
	nobody := as(t, nil, sources(t, newFake()))
	if w := get(t, nobody, "/markets/"+market+"?period=2026-09"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?next=%2Fmarkets%2F"+market+"%3Fperiod%3D2026-09" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := get(t, nobody, "/"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `href="/markets"`) {
		t.Errorf("the first page: %d", w.Code)
	}
	other := as(t, &identity.Principal{ID: "u-x", Name: "khac", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.MarketManager, Organization: "hg-cho-khac"}}}, sources(t, newFake()))
	for _, address := range []string{"/markets/" + market, "/stalls/" + market + "/A12", "/bills/" + market + "/b-2609", "/events/1/4", "/funds/" + fund} {
		w := get(t, other, address)
		if _, text := page(t, w); w.Code != http.StatusForbidden || strings.Contains(text, "A12") || !strings.Contains(text, "không được mở") {
			t.Errorf("%s: %d %.200s", address, w.Code, text)
		}
	}
	if _, text := page(t, get(t, other, "/refusals")); strings.Contains(text, "1:6") {
		t.Error("refusals of another organization are shown")
	}
	trader := as(t, &identity.Principal{ID: "c-x", Name: "A12", Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Trader, Organization: market, Object: "A12"}}}, sources(t, newFake()))
	for address, status := range map[string]int{"/stalls/" + market + "/A12": 200, "/bills/" + market + "/b-2609": 200, "/stalls/" + market + "/B01": 403, "/bills/" + market + "/b-none": 403, "/markets/" + market: 403, "/work": 200} {
		w := get(t, trader, address)
		if w.Code != status {
			t.Errorf("the trader's %s: %d", address, w.Code)
		}
		if status == 200 && strings.Contains(w.Body.String(), `href="/markets`) || status == 200 && strings.Contains(w.Body.String(), `href="/events`) {
			t.Errorf("the trader's %s leads where traders may not go", address)
		}
	}
}

// TestForeign: what another site makes a browser send does nothing.
func TestForeign(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/sign-out", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	serve(t, newFake()).ServeHTTP(w, r)
	if _, text := page(t, w); w.Code != http.StatusForbidden || !strings.Contains(text, "trang khác") {
		t.Errorf("%d %.200s", w.Code, text)
	}
}

// TestSecondFactorFirst: where pages leave the machine, staff without a second
// factor come to their own account and nowhere else, until they have one.
func TestSecondFactorFirst(t *testing.T) {
	h := openHouse(t, demoPeople, func(from *Sources, _ string) { from.SecondFactor = true })
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.MarketManager)).sees(200, "/me/second-factor", "Đặt mã lần hai")
	for _, address := range []string{"/work", "/markets/" + market, "/bills/" + market + "/b-2609"} {
		v.get(address).sees(200, "/me/second-factor")
	}
	v.get("/me").sees(200, "/me")
	v.get("/").sees(200, "/")
	v.get("/me/second-factor")
	code, err := totp.GenerateCode(v.finds(`<p class="handed"><code>([A-Z2-7]+)</code>`), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.post("/me/second-factor", "offer", v.finds(`name="offer" value="([^"]+)"`), "code", code).sees(200, "/me/second-factor")
	v.get("/work").sees(200, "/work")
	trader := h.visitor(t)
	trader.post("/demo", "role", string(identity.Trader)).sees(200, "/work") // a card and its PIN are two
}

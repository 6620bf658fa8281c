package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
	"github.com/pquerna/otp/totp"

	"socho/internal/identity"
	"socho/internal/identity/oidc"
)

// atProvider is a person at the provider: when they signed in there, and what is
// wrong with the token they come back with.
type atProvider struct {
	*mockoidc.MockUser
	at   time.Time
	bend func(*mockoidc.IDTokenClaims)
}

func (p atProvider) Claims(_ []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	if p.bend != nil {
		p.bend(base)
	}
	return struct {
		*mockoidc.IDTokenClaims
		AuthTime int64 `json:"auth_time"`
	}{base, p.at.Unix()}, nil
}

type provided struct {
	*house
	idp *mockoidc.MockOIDC
}

// openOffice is a house whose people may come in by a provider.
func openOffice(t *testing.T) *provided {
	t.Helper()
	idp, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { idp.Shutdown() }) //nolint:errcheck // the test is over
	return &provided{openHouse(t, nil, func(from *Sources, address string) {
		from.Provider = &Provider{oidc.New(oidc.Config{Issuer: idp.Issuer(), ClientID: idp.ClientID, ClientSecret: idp.ClientSecret, Redirect: address + ProviderAnswer}), "Cổng cán bộ"}
	}), idp}
}

// goOn follows the page that leads to the provider, as one who is known there by
// a name, and comes back.
func (o *provided) goOn(v *visitor, who string, change ...func(*atProvider)) *visitor {
	v.t.Helper()
	p := atProvider{MockUser: &mockoidc.MockUser{Subject: who, Email: "lan@example.vn"}, at: time.Now()}
	for _, f := range change {
		f(&p)
	}
	o.idp.QueueUser(p)
	return v.read(v.Get(o.there(v)))
}

func (o *provided) there(v *visitor) string {
	v.t.Helper()
	return strings.ReplaceAll(v.finds(`<a href="(`+o.idp.Issuer()+`[^"]*)"`), "&amp;", "&")
}

// person makes an account with a password, and roles.
func (o *provided) person(t *testing.T, name string, grants ...string) (id string) {
	t.Helper()
	ctx := identity.With(t.Context(), identity.CLI())
	id, token, err := o.people.Add(ctx, name, "vi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.people.Redeem(ctx, token, "", passphrase); err != nil {
		t.Fatal(err)
	}
	for _, text := range grants {
		g, err := identity.ParseGrant(text)
		if err == nil {
			err = o.people.Grant(ctx, id, g)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return id
}

// TestProvider plays how staff come in by an OpenID provider: nobody by name or
// e-mail address, whoever has linked their account, and with a fresh proof where
// one is needed.
func TestProvider(t *testing.T) {
	o := openOffice(t)
	o.person(t, "lan", "administrator@*")
	lan := o.visitor(t)
	lan.get("/sign-in").sees(200, "/sign-in", "Đăng nhập bằng Cổng cán bộ")
	// Of her name and address there it follows nothing.
	lan.post("/sign-in/provider", "next", "/people").sees(200, "/sign-in/provider", "Đi tới Cổng cán bộ")
	o.goOn(lan, "lan").sees(403, "/sign-in/provider?problem=not_linked", "Chưa nối với ai")
	lan.get("/work").sees(200, "/sign-in")

	// She links it herself: after a proof, at a provider that asks her anew.
	lan.post("/sign-in", "name", "lan", "password", passphrase).sees(200, "/work")
	lan.get("/me").sees(200, "/me", "Nối tài khoản Cổng cán bộ")
	lan.post("/me/logins")
	if there := o.there(lan); !strings.Contains(there, "prompt=login") || !strings.Contains(there, "max_age=0") || !strings.Contains(there, "code_challenge_method=S256") {
		t.Errorf("asked %s", there)
	}
	o.goOn(lan, "s-17", func(p *atProvider) { p.at = time.Now().Add(-time.Hour) }).sees(403, "/sign-in/provider?problem=provider_token", "không đúng")
	lan.post("/me/logins")
	o.goOn(lan, "s-17").sees(200, "/me", "Đã nối", o.idp.Issuer())
	if strings.Contains(lan.body, "s-17") {
		t.Error("the provider's name for her is shown")
	}

	// From elsewhere she comes in by it, and is where she wanted to be; a session
	// at the provider proves nothing anew.
	other := o.visitor(t)
	other.post("/sign-in/provider", "next", "/me")
	o.goOn(other, "s-17").sees(200, "/me", "lan")
	other.get("/people").sees(200, "/step-up", "Xác nhận bằng Cổng cán bộ")
	other.post("/step-up/provider", "next", "/people")
	o.goOn(other, "s-18").sees(403, "/sign-in/provider?problem=not_yours")
	other.post("/step-up/provider", "next", "/people")
	o.goOn(other, "s-17").sees(200, "/people", "Người dùng")

	// A colleague's account cannot be linked to the same login.
	o.person(t, "hoa")
	hoa := o.visitor(t)
	hoa.post("/sign-in", "name", "hoa", "password", passphrase)
	hoa.post("/me/logins")
	o.goOn(hoa, "s-17").sees(409, "/sign-in/provider?problem=login_taken")

	// A second factor that is set up here is asked for here.
	lan.get("/me/second-factor")
	secret := lan.finds(`<p class="handed"><code>([A-Z2-7]+)</code>`)
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	lan.post("/me/second-factor", "offer", lan.finds(`name="offer" value="([^"]+)"`), "code", code).sees(200, "/me/second-factor")
	third := o.visitor(t)
	third.post("/sign-in/provider", "next", "/me")
	o.goOn(third, "s-17").sees(200, "/sign-in/code?next=%2Fme")
	third.get("/me").sees(200, "/sign-in")

	// She unlinks it, and whatever it opened is shut.
	lan.get("/me").sees(200, "/me", "Gỡ")
	lan.post("/me/logins", "login", lan.finds(`name="login" value="([0-9a-f]+)"`)).sees(200, "/me", "Đã gỡ")
	third.post("/sign-in/provider")
	o.goOn(third, "s-17").sees(403, "/sign-in/provider?problem=not_linked")

	entries, _, err := o.people.Trail(t.Context(), identity.TrailFilter{Organizations: []string{identity.Everywhere}}, 500, "")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Action+" "+e.Outcome] = true
		if strings.Contains(e.Object+e.Detail+e.Actor, "s-17") || strings.Contains(e.Object+e.Detail, "@") {
			t.Errorf("the trail names her as the provider does: %+v", e)
		}
	}
	for _, want := range []string{"sign_in_openid failed", "sign_in_openid ok", "login_link ok", "login_unlink ok", "step_up_openid ok", "openid_answer refused"} {
		if !seen[want] {
			t.Errorf("the trail does not hold %s", want)
		}
	}
}

// TestInvitedToProvider: an administrator's link is taken up at the provider, and
// the person needs no password at all.
func TestInvitedToProvider(t *testing.T) {
	o := openOffice(t)
	ctx := identity.With(t.Context(), identity.CLI())
	id, token, err := o.people.Add(ctx, "mai", "vi")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.people.Grant(ctx, id, identity.Grant{Role: identity.Administrator, Organization: identity.Everywhere}); err != nil {
		t.Fatal(err)
	}
	mai := o.visitor(t)
	mai.get("/welcome?link="+token).sees(200, "/welcome", "vào bằng Cổng cán bộ")
	mai.post("/welcome/provider", "link", "none").sees(404, "/welcome/provider")
	mai.post("/welcome/provider", "link", token)
	o.goOn(mai, "s-20").sees(200, "/work", "mai")
	mai.get("/people").sees(200, "/step-up", "Xác nhận bằng Cổng cán bộ")
	if strings.Contains(mai.body, `name="secret"`) {
		t.Error("she is asked for a password that she does not have")
	}
	mai.post("/step-up/provider", "next", "/me")
	o.goOn(mai, "s-20").sees(200, "/me")
	mai.post("/me/logins", "login", mai.finds(`name="login" value="([0-9a-f]+)"`)).sees(409, "/me/logins", "lối vào duy nhất")
	o.visitor(t).get("/welcome?link="+token).sees(404, "/welcome")
}

// TestProviderAttacks: answers that were not asked for here, come twice, or do
// not hold let nobody in, though the login is linked.
func TestProviderAttacks(t *testing.T) {
	o := openOffice(t)
	id := o.person(t, "lan")
	if err := o.people.LinkLogin(identity.With(t.Context(), identity.CLI()), id, o.idp.Issuer(), "s-17"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bend func(*mockoidc.IDTokenClaims)
		want string
	}{
		"as it should be":    {nil, "/me"},
		"for another client": {func(c *mockoidc.IDTokenClaims) { c.Audience = jwt.ClaimStrings{"other"} }, "provider_token"},
		"expired":            {func(c *mockoidc.IDTokenClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }, "provider_token"},
		"another nonce":      {func(c *mockoidc.IDTokenClaims) { c.Nonce = "other" }, "provider_token"},
		"another issuer":     {func(c *mockoidc.IDTokenClaims) { c.Issuer = "https://id.example" }, "provider_token"},
	} {
		v := o.visitor(t)
		v.post("/sign-in/provider", "next", "/me")
		o.goOn(v, "s-17", func(p *atProvider) { p.bend = c.bend })
		if !strings.Contains(v.at, c.want) || (c.bend == nil) != (v.status == 200) {
			t.Errorf("%s: %d at %s", name, v.status, v.at)
		}
		if v.get("/me"); c.bend != nil && v.at == "/me" {
			t.Errorf("%s: somebody is in", name)
		}
	}
	// An answer that is brought to a browser that asked nothing, with another
	// state, or for a second time.
	asks := o.visitor(t)
	asks.post("/sign-in/provider")
	o.idp.QueueUser(atProvider{MockUser: &mockoidc.MockUser{Subject: "s-17"}, at: time.Now()})
	stay := *asks
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := stay.Get(o.there(asks))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	o.visitor(t).get(back.RequestURI()).sees(400, "/sign-in/provider?problem=provider_state", "không còn dùng được")
	wrong := o.visitor(t)
	wrong.post("/sign-in/provider")
	q := back.Query()
	q.Set("state", "other")
	wrong.get("/sign-in/provider?"+q.Encode()).sees(400, "/sign-in/provider?problem=provider_state")
	asks.get(back.RequestURI()).sees(200, "/work")
	asks.get(back.RequestURI()).sees(400, "/sign-in/provider?problem=provider_state")
	if strings.Contains(asks.body, back.Query().Get("code")) {
		t.Error("the code stays in the page")
	}
	again := o.visitor(t)
	again.post("/sign-in/provider")
	there, err := url.Parse(o.there(again))
	if err != nil {
		t.Fatal(err)
	}
	q.Set("state", there.Query().Get("state"))
	again.get("/sign-in/provider?"+q.Encode()).sees(403, "/sign-in/provider?problem=provider_no")

	o.idp.Shutdown() //nolint:errcheck // it goes away
	gone := openHouse(t, nil, func(from *Sources, address string) {
		from.Provider = &Provider{oidc.New(oidc.Config{Issuer: o.idp.Issuer(), ClientID: "x", Redirect: address + ProviderAnswer}), "Cổng cán bộ"}
	}).visitor(t)
	gone.post("/sign-in/provider").sees(502, "/sign-in/provider", "không trả lời")
	openHouse(t, nil).visitor(t).post("/sign-in/provider").sees(404, "/sign-in/provider")
}

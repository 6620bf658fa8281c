package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"socho/internal/identity/oidc"
)

// session keeps texts, as a browser's session does.
type session map[string]string

func (s session) Put(_ context.Context, key string, value any) { s[key] = value.(string) }

func (s session) PopString(_ context.Context, key string) string {
	value := s[key]
	delete(s, key)
	return value
}

// person is a mock user whose token says when they signed in at the provider;
// bend makes it one that must not be taken.
type person struct {
	*mockoidc.MockUser
	at   time.Time
	bend func(*mockoidc.IDTokenClaims)
}

func (p person) Claims(scope []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	if p.bend != nil {
		p.bend(base)
	}
	return struct {
		*mockoidc.IDTokenClaims
		AuthTime int64 `json:"auth_time,omitempty"`
	}{base, p.at.Unix()}, nil
}

func provider(t *testing.T) (*mockoidc.MockOIDC, *oidc.Provider) {
	t.Helper()
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() }) //nolint:errcheck // the test is over
	return m, oidc.New(oidc.Config{Issuer: m.Issuer(), ClientID: m.ClientID, ClientSecret: m.ClientSecret, Redirect: "https://socho.example/login"})
}

func begin(t *testing.T, p *oidc.Provider, s session, fresh bool) (address string) {
	t.Helper()
	address, err := p.Begin(t.Context(), s, fresh)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// visit goes to the provider as a browser does and returns its answer.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	back, err := r.Location()
	if err != nil {
		t.Fatalf("%s: %v", r.Status, err)
	}
	return back.Query()
}

func user(name string) *mockoidc.MockUser { return &mockoidc.MockUser{Subject: name} }

func TestSignIn(t *testing.T) {
	m, p := provider(t)
	m.QueueUser(person{MockUser: user("lan"), at: time.Now()})
	s := session{}
	address := begin(t, p, s, false)
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == s["oidc_verifier"] || len(q.Get("state")) < 26 || len(q.Get("nonce")) < 26 || q.Get("scope") != "openid" {
		t.Errorf("asked %v", q)
	}
	answer := visit(t, address)
	kept := session{}
	for k, v := range s {
		kept[k] = v
	}
	login, err := p.Finish(t.Context(), s, answer)
	if err != nil || login.Issuer != m.Issuer() || login.Subject != "lan" {
		t.Fatalf("%+v, %v", login, err)
	}
	if len(s) != 0 {
		t.Errorf("left in the session: %v", s)
	}
	if _, err := p.Finish(t.Context(), s, answer); !errors.Is(err, oidc.ErrState) {
		t.Errorf("twice: %v", err)
	}
	if _, err := p.Finish(t.Context(), kept, answer); !errors.Is(err, oidc.ErrRefused) {
		t.Errorf("one code twice: %v", err)
	}
}

// Whatever does not belong to what this session asked is refused.
func TestAnswersOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		who   person
		bend  func(session, url.Values)
		fresh bool
		want  error
	}{
		"another state":              {bend: func(_ session, a url.Values) { a.Set("state", "x") }, want: oidc.ErrState},
		"no state":                   {bend: func(_ session, a url.Values) { a.Del("state") }, want: oidc.ErrState},
		"nothing was asked":          {bend: func(s session, a url.Values) { clear(s); a.Del("state") }, want: oidc.ErrState},
		"too late":                   {bend: func(s session, _ url.Values) { s["oidc_begun"] = time.Now().Add(-time.Hour).Format(time.RFC3339) }, want: oidc.ErrState},
		"another PKCE verifier":      {bend: func(s session, _ url.Values) { s["oidc_verifier"] = strings.Repeat("x", 43) }, want: oidc.ErrRefused},
		"a code of somebody's own":   {bend: func(_ session, a url.Values) { a.Set("code", "x") }, want: oidc.ErrRefused},
		"the person said no":         {bend: func(_ session, a url.Values) { a.Set("error", "access_denied") }, want: oidc.ErrRefused},
		"another nonce":              {who: person{bend: func(c *mockoidc.IDTokenClaims) { c.Nonce = "x" }}, want: oidc.ErrToken},
		"no nonce":                   {who: person{bend: func(c *mockoidc.IDTokenClaims) { c.Nonce = "" }}, want: oidc.ErrToken},
		"for another client":         {who: person{bend: func(c *mockoidc.IDTokenClaims) { c.Audience = jwt.ClaimStrings{"x"} }}, want: oidc.ErrToken},
		"of another issuer":          {who: person{bend: func(c *mockoidc.IDTokenClaims) { c.Issuer = "https://id.example" }}, want: oidc.ErrToken},
		"expired":                    {who: person{bend: func(c *mockoidc.IDTokenClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }}, want: oidc.ErrToken},
		"not asked again":            {who: person{at: time.Now().Add(-time.Hour)}, fresh: true, want: oidc.ErrToken},
		"does not say when":          {who: person{at: time.Unix(0, 0)}, fresh: true, want: oidc.ErrToken},
		"asked again":                {who: person{at: time.Now()}, fresh: true},
		"an old one where that will": {who: person{at: time.Now().Add(-time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := provider(t)
			c.who.MockUser = user("lan")
			m.QueueUser(c.who)
			s := session{}
			address := begin(t, p, s, c.fresh)
			if strings.Contains(address, "prompt=login") != c.fresh {
				t.Error(address)
			}
			answer := visit(t, address)
			if c.bend != nil {
				c.bend(s, answer)
			}
			if _, err := p.Finish(t.Context(), s, answer); !errors.Is(err, c.want) {
				t.Errorf("%v, not %v", err, c.want)
			}
		})
	}
}

// forged signs what the token endpoint hands out with a key that the provider
// does not publish.
type forged struct {
	m   *mockoidc.MockOIDC
	key *mockoidc.Keypair
}

func (f *forged) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.m != nil && strings.HasSuffix(r.URL.Path, mockoidc.TokenEndpoint) {
		right := f.m.Keypair
		f.m.Keypair = f.key
		defer func() { f.m.Keypair = right }()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestForgedToken(t *testing.T) {
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() }) //nolint:errcheck // the test is over
	way := &forged{}
	if way.key, err = mockoidc.RandomKeypair(2048); err != nil {
		t.Fatal(err)
	}
	p := oidc.New(oidc.Config{Issuer: m.Issuer(), ClientID: m.ClientID, ClientSecret: m.ClientSecret,
		Redirect: "https://socho.example/login", Client: &http.Client{Transport: way}})
	for _, forge := range []bool{false, true} {
		if forge {
			way.m = m
		}
		m.QueueUser(person{MockUser: user("lan"), at: time.Now()})
		s := session{}
		_, err := p.Finish(t.Context(), s, visit(t, begin(t, p, s, false)))
		if forge != errors.Is(err, oidc.ErrToken) {
			t.Errorf("forged %v: %v", forge, err)
		}
	}
}

// A provider that is away keeps nobody from starting, and is asked again.
func TestNobodyThere(t *testing.T) {
	gone := true
	way := roundTrip(func(r *http.Request) (*http.Response, error) {
		if gone {
			return nil, errors.New("no way there")
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() }) //nolint:errcheck // the test is over
	p := oidc.New(oidc.Config{Issuer: m.Issuer(), ClientID: m.ClientID, Client: &http.Client{Transport: way}})
	if _, err := p.Begin(t.Context(), session{}, false); !errors.Is(err, oidc.ErrProvider) {
		t.Errorf("nobody there: %v", err)
	}
	if err := p.Reachable(t.Context()); !errors.Is(err, oidc.ErrProvider) {
		t.Errorf("nobody there: %v", err)
	}
	gone = false
	if _, err := p.Begin(t.Context(), session{}, false); err != nil {
		t.Errorf("back again: %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

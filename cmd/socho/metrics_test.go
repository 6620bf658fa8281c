package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/metrics"
)

// whoever is asked for by name in the header.
type whoever map[string]*identity.Principal

func (w whoever) FromRequest(r *http.Request) (*identity.Principal, error) {
	return w[r.Header.Get("Authorization")], nil
}

// This machine scrapes where it alone is served; others do by way of a proxy, and
// only with a token that may run audits everywhere. A proxy that says nothing of
// those behind it opens nothing.
func TestWhoMayScrape(t *testing.T) {
	for _, c := range []struct {
		trusted, header, token string
		private                bool
		code                   int
	}{
		{"", "", "", true, 200},
		{"", "X-Forwarded-For", "", true, 401}, // by a proxy on this machine that nobody told us of
		{"", "X-Real-IP", "", true, 401},
		{"", "Via", "", true, 401},
		{"", "", "", false, 401}, // served beyond this machine: who asks from here may be a proxy
		{"", "", "prometheus", false, 200},
		{"127.0.0.1/32", "", "", false, 401}, // a proxy that is trusted and passes no address on
		{"127.0.0.1/32", "X-Forwarded-For", "", false, 401},
		{"127.0.0.1/32", "X-Forwarded-For", "market", false, 403},
		{"127.0.0.1/32", "X-Forwarded-For", "prometheus", false, 200},
	} {
		var o httpserver.Options
		if c.trusted != "" {
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(c.trusted)}
		}
		server, err := httpserver.New(o)
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		who := whoever{"market": {ID: "t-1", Grants: []identity.Grant{{Right: identity.Verify, Organization: "hg-cho"}}},
			"prometheus": {ID: "t-2", Grants: []identity.Grant{{Right: identity.Verify, Organization: identity.Everywhere}}}}
		go func() {
			done <- server.Serve(ctx, listener, guarded(metrics.New().Handler(), who, c.private, identity.Verify))
		}()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+listener.Addr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		if c.header != "" {
			r.Header.Set(c.header, "203.0.113.7")
		}
		if c.token != "" {
			r.Header.Set("Authorization", c.token)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.code {
			t.Errorf("%+v: %d", c, res.StatusCode)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// What proves the log is everybody's; its records are not.
func TestWhoReadsThePublishedLog(t *testing.T) {
	who := whoever{"auditor": {ID: "t-1", Grants: []identity.Grant{{Right: identity.SeeEvents, Organization: identity.Everywhere}}},
		"market": {ID: "t-2", Grants: []identity.Grant{{Right: identity.SeeEvents, Organization: "hg-cho"}}}}
	log := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		path, token string
		code        int
	}{
		{"/log/0/checkpoint", "", 200}, {"/log/0/tile/0/000", "", 200}, {"/log/0/tile/entries/000", "", 200},
		{"/log/0/records/000", "", 401}, {"/log/0/records/000.p/7", "market", 403}, {"/log/0/records/000", "auditor", 200},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		if c.token != "" {
			r.Header.Set("Authorization", c.token)
		}
		w := httptest.NewRecorder()
		published(log, who, false).ServeHTTP(w, r)
		if w.Code != c.code {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

package main

import (
	"context"
	"net"
	"net/http"
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

// This machine scrapes; others do by way of a proxy, or with a token that may run
// audits everywhere.
func TestWhoMayScrape(t *testing.T) {
	for _, c := range []struct {
		trusted, forwarded, token string
		code                      int
	}{
		{"", "", "", 200},
		{"", "203.0.113.7", "", 401}, // by a proxy on this machine that nobody told us of
		{"127.0.0.1/32", "203.0.113.7", "", 401},
		{"127.0.0.1/32", "203.0.113.7", "market", 403},
		{"127.0.0.1/32", "203.0.113.7", "prometheus", 200},
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
		go func() { done <- server.Serve(ctx, listener, scraped(metrics.New(), who)) }()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+listener.Addr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
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

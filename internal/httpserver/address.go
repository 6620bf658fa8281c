package httpserver

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type addressKey struct{}

// AddressOf returns who asks: the peer, or who the proxies that we trust say
// that it is. It is the zero value outside of a request.
func AddressOf(ctx context.Context) netip.Addr {
	at, _ := ctx.Value(addressKey{}).(netip.Addr)
	return at
}

// network is what an address is counted under: of IPv6 a subscriber holds a
// whole /64.
func network(at netip.Addr) string {
	if at.Is6() {
		if prefix, err := at.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return at.String()
}

// addressed works out who asks.
func (s *Server) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, s.client(r))))
	})
}

// client goes back along X-Forwarded-For as long as proxies that we trust speak;
// whatever stands before the first other one, anybody may have written.
func (s *Server) client(r *http.Request) netip.Addr {
	at := peer(r)
	if !s.trusts(at) {
		return at
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return at
		}
		if at = before.Unmap().WithZone(""); !s.trusts(at) {
			return at
		}
	}
	return at
}

func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

func (s *Server) trusts(at netip.Addr) bool {
	return slices.ContainsFunc(s.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(at) })
}

// here turns away, where this machine alone is served, what does not come from
// it: a page elsewhere whose name was made to lead here, or what a proxy that we
// were not told of passes on. Over TLS the certificate names us.
func (s *Server) here(next http.Handler) http.Handler {
	if !s.options.Private {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.tls == nil && !ownName(r.Host) || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
			Problem(w, http.StatusMisdirectedRequest, "misdirected", "This service answers this machine alone. If a proxy asks for others, it has to be named: --trusted-proxy.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownName says that a Host is this machine itself.
func ownName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	at, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && at.IsLoopback()
}

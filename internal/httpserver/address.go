package httpserver

import (
	"context"
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

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"socho/internal/httpserver"
	"socho/internal/metrics"
)

// ServerFlags are how socho run serves over HTTP; socho config check examines
// the same ones.
type ServerFlags struct {
	Addr          string        `help:"Address to serve at. Beyond this machine only with --tls-cert." default:"127.0.0.1:8080" env:"SOCHO_ADDR" placeholder:"HOST:PORT"`
	TLSCert       string        `name:"tls-cert" help:"Serve over TLS, with this certificate and what leads up to it, as PEM. Read anew when it changes." env:"SOCHO_TLS_CERT" placeholder:"FILE"`
	TLSKey        string        `name:"tls-key" help:"The certificate's private key, as PEM." env:"SOCHO_TLS_KEY" placeholder:"FILE"`
	TrustedProxy  []string      `help:"Proxies whose X-Forwarded-For and X-Request-Id are believed, and that speak TLS to the outside. Without it, nobody's are." env:"SOCHO_TRUSTED_PROXIES" placeholder:"CIDR,…"`
	RateAddress   float64       `help:"Requests a second that one address may make, this machine apart; 0 for any." default:"100" env:"SOCHO_RATE_ADDRESS" placeholder:"N"`
	RatePrincipal float64       `help:"Requests a second that one API token or session may make; 0 for any." default:"200" env:"SOCHO_RATE_PRINCIPAL" placeholder:"N"`
	DrainDelay    time.Duration `help:"On SIGTERM, how long /readyz says no before connections are refused: as long as a load balancer takes to notice." default:"0s" env:"SOCHO_DRAIN_DELAY" placeholder:"TIME"`
	DrainTime     time.Duration `help:"How long requests under way may then take to finish." default:"20s" env:"SOCHO_DRAIN_TIME" placeholder:"TIME"`
	AccessLog     bool          `help:"Log each request: route, status and time, never the address asked for." env:"SOCHO_ACCESS_LOG"`

	SecurityContact string `name:"security-contact" help:"Whom to tell of a flaw, as mailto: or https:, for /.well-known/security.txt; without it there is none." env:"SOCHO_SECURITY_CONTACT" placeholder:"URI"`

	SignInFlags
}

// check finds everything that is wrong with the flags, each with what to do.
func (f *ServerFlags) check() (problems []error) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(f.Addr); err != nil {
		say("--addr %q: expected HOST:PORT, such as 127.0.0.1:8080", f.Addr)
	} else if !f.loopback() && f.TLSCert == "" {
		say("--addr %q: beyond this machine, passwords and tokens would go over the network in clear; give --tls-cert and --tls-key, or use 127.0.0.1 behind a proxy that speaks TLS", f.Addr)
	}
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		say("--tls-cert and --tls-key come together")
	case f.TLSCert != "":
		if _, err := httpserver.New(httpserver.Options{TLSCert: f.TLSCert, TLSKey: f.TLSKey}); err != nil {
			say("--tls-cert: %w", err)
		}
	}
	if _, err := f.proxies(); err != nil {
		problems = append(problems, err)
	}
	if f.RateAddress < 0 || f.RatePrincipal < 0 {
		say("--rate-address, --rate-principal: expected requests a second, or 0 for any number")
	}
	if f.DrainDelay < 0 || f.DrainTime < 0 || f.DrainDelay > time.Hour || f.DrainTime > time.Hour {
		say("--drain-delay, --drain-time: expected times of at most an hour, such as 5s")
	}
	if c, err := url.Parse(f.SecurityContact); f.SecurityContact != "" && (err != nil || c.Scheme != "mailto" && c.Scheme != "https" || strings.ContainsAny(f.SecurityContact, " \r\n")) {
		say("--security-contact: expected mailto:somebody@example.vn or https://…")
	}
	return append(problems, f.SignInFlags.check()...)
}

// loopback says that only this machine can ask.
func (f *ServerFlags) loopback() bool {
	host, _, err := net.SplitHostPort(f.Addr)
	ip, bad := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || bad == nil && ip.IsLoopback())
}

// private says that nobody else comes in, also not by way of a proxy here.
func (f *ServerFlags) private() bool { return f.loopback() && len(f.TrustedProxy) == 0 }

func (f *ServerFlags) proxies() (found []netip.Prefix, err error) {
	for _, text := range f.TrustedProxy {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			at, bad := netip.ParseAddr(text)
			if bad != nil {
				return nil, fmt.Errorf("--trusted-proxy %q: expected an address or a network, such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(at, at.BitLen())
		}
		if prefix.Bits() == 0 {
			return nil, fmt.Errorf("--trusted-proxy %q: that is everybody, so anybody could say that they are somebody else", text)
		}
		found = append(found, prefix.Masked())
	}
	return found, nil
}

// server makes the server that the flags describe.
func (f *ServerFlags) server(call *Call, counted *metrics.Metrics) (*httpserver.Server, error) {
	if problems := f.check(); len(problems) > 0 {
		return nil, usageError{errors.Join(problems...)}
	}
	proxies, err := f.proxies()
	if err != nil {
		return nil, usageError{err}
	}
	return httpserver.New(httpserver.Options{
		TLSCert: f.TLSCert, TLSKey: f.TLSKey, TrustedProxies: proxies, Private: f.private(), AddressRate: f.RateAddress,
		DrainDelay: f.DrainDelay, DrainTime: f.DrainTime, AccessLog: f.AccessLog, Log: call.logger(true), Observer: counted,
	})
}

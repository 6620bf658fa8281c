package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"socho/internal/identity/oidc"
	"socho/web"
)

// SignInFlags are how staff may come in by an OpenID provider.
type SignInFlags struct {
	PublicURL        string `name:"public-url" help:"Where people find these pages, such as https://socho.example; a provider sends them back there." env:"SOCHO_PUBLIC_URL" placeholder:"URL"`
	OIDCIssuer       string `name:"oidc-issuer" help:"OpenID provider that staff may sign in by, exactly as its tokens spell it. Register <public-url>/sign-in/provider there as the redirect address." env:"SOCHO_OIDC_ISSUER" placeholder:"URL"`
	OIDCClientID     string `name:"oidc-client-id" help:"What this service is called at the provider." env:"SOCHO_OIDC_CLIENT_ID" placeholder:"ID"`
	OIDCClientSecret string `name:"oidc-client-secret" help:"The secret that belongs to it; none for a public client." env:"SOCHO_OIDC_CLIENT_SECRET" placeholder:"SECRET" secret:""`
	OIDCName         string `name:"oidc-name" help:"What the button calls the provider; its host without it." env:"SOCHO_OIDC_NAME" placeholder:"NAME"`
}

// origin is the public address, without what follows the host.
func (f *SignInFlags) origin() (string, error) {
	at, err := webAddress("--public-url", f.PublicURL)
	if err == nil && strings.Trim(at.Path, "/")+at.RawQuery+at.Fragment != "" {
		err = fmt.Errorf("--public-url %q: pages stand at the root of their host", f.PublicURL)
	}
	if err != nil {
		return "", err
	}
	return at.Scheme + "://" + at.Host, nil
}

// webAddress reads an address that secrets pass through: over TLS, or on this
// machine.
func webAddress(flag, text string) (*url.URL, error) {
	at, err := url.Parse(text)
	if err != nil || at.Host == "" || at.User != nil {
		return nil, fmt.Errorf("%s: expected an address such as https://socho.example", flag) // it may hold a password
	}
	ip, bad := netip.ParseAddr(at.Hostname())
	local := at.Hostname() == "localhost" || bad == nil && ip.IsLoopback()
	if at.Scheme != "https" && (at.Scheme != "http" || !local) {
		return nil, fmt.Errorf("%s %q: expected https:// (http:// on this machine alone)", flag, text)
	}
	return at, nil
}

// publicOrigin is origin where it is given; the flags have been checked.
func (f *SignInFlags) publicOrigin() string {
	if f.PublicURL == "" {
		return ""
	}
	at, _ := f.origin()
	return at
}

// check finds everything that is wrong with the flags.
func (f *SignInFlags) check() (problems []error) {
	if f.PublicURL != "" {
		if _, err := f.origin(); err != nil {
			problems = append(problems, err)
		}
	}
	if f.OIDCIssuer == "" {
		if f.OIDCClientID+f.OIDCClientSecret+f.OIDCName != "" {
			problems = append(problems, fmt.Errorf("--oidc-issuer is missing, without which the other --oidc flags mean nothing"))
		}
		return problems
	}
	if _, err := webAddress("--oidc-issuer", f.OIDCIssuer); err != nil {
		problems = append(problems, err)
	}
	if f.OIDCClientID == "" || f.PublicURL == "" {
		problems = append(problems, fmt.Errorf("--oidc-issuer takes --oidc-client-id and --public-url as well"))
	}
	return problems
}

// provider is the OpenID provider that the flags describe; nil for none. The
// flags have been checked.
func (f *SignInFlags) provider() *web.Provider {
	if f.OIDCIssuer == "" {
		return nil
	}
	name := f.OIDCName
	if issuer, err := url.Parse(f.OIDCIssuer); name == "" && err == nil {
		name = issuer.Hostname()
	}
	return &web.Provider{Name: name, Provider: oidc.New(oidc.Config{Issuer: f.OIDCIssuer, ClientID: f.OIDCClientID,
		ClientSecret: f.OIDCClientSecret, Redirect: f.publicOrigin() + web.ProviderAnswer})}
}

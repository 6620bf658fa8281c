// Package oidc signs people in at an OpenID provider, such as an office's own
// directory: the authorization code flow with state, nonce and PKCE (RFC 7636,
// S256), as OpenID Connect Core 1.0 and RFC 9700 ask for.
//
// It finds out who somebody is and no more: whose account that is here, and
// what they may do, is for package identity to say. It must never take a name
// or an e-mail address of the provider for an identity; they change hands.
//
//	provider := oidc.New(oidc.Config{Issuer: "https://id.example", …})
//	address, err := provider.Begin(ctx, sessions, false)            // where to send the person
//	login, err := provider.Finish(ctx, sessions, r.URL.Query())     // at the redirect address
//	second, err := sessions.SignInByLogin(ctx, login.Issuer, login.Subject)
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What can go wrong, to be compared with errors.Is.
var (
	// ErrState: the answer is to no question of this session: it was begun
	// elsewhere, too long ago, or answered already.
	ErrState = errors.New("oidc: this sign-in was not begun here, or has expired; begin again")
	// ErrRefused: the provider, or the person there, said no.
	ErrRefused = errors.New("oidc: the provider did not sign the person in")
	// ErrToken: what the provider handed out does not hold.
	ErrToken = errors.New("oidc: the provider's token is not valid")
	// ErrProvider: the provider cannot be reached, or does not speak the protocol.
	ErrProvider = errors.New("oidc: the provider cannot be asked")
)

// answerWithin is how long a person may take at the provider.
const answerWithin = 10 * time.Minute

// freshWithin is how old a sign-in at the provider may be where a fresh one was
// asked for.
const freshWithin = time.Minute

// exchangeTime bounds a question to the provider.
const exchangeTime = 10 * time.Second

// Config says how this installation is known to a provider.
type Config struct {
	Issuer       string // https://…, exactly as its tokens spell it
	ClientID     string
	ClientSecret string // empty for a public client, which PKCE alone protects
	Redirect     string // the address of the page that calls Finish, as registered there
	Client       *http.Client
}

// Provider is one provider. It is safe for concurrent use.
type Provider struct {
	config Config
	now    func() time.Time

	mu    sync.Mutex
	known *known // nil until the provider has answered
}

// known is what a provider has said of itself.
type known struct {
	flow     oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// Session is where the flow keeps what it has asked until the answer comes;
// *identity.Sessions is one.
type Session interface {
	Put(ctx context.Context, key string, value any)
	PopString(ctx context.Context, key string) string
}

// Login is who somebody is at a provider.
type Login struct {
	Issuer, Subject string
	At              time.Time // of the sign-in there; zero where the provider does not say
}

// New returns a provider that is asked for its addresses and keys when they are
// first needed: whoever signs in otherwise does not wait for it.
func New(c Config) *Provider {
	if c.Client == nil {
		// A provider answers where it says that it does.
		stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c.Client = &http.Client{Timeout: exchangeTime, CheckRedirect: stay}
	}
	return &Provider{config: c, now: time.Now}
}

// Issuer is how the provider's tokens name it.
func (p *Provider) Issuer() string { return p.config.Issuer }

// Reachable asks the provider, also where it has answered before.
// Errors: ErrProvider.
func (p *Provider) Reachable(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) discover(ctx context.Context) (*known, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.config.Client), p.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	k := &known{flow: oauth2.Config{ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret,
		Endpoint: found.Endpoint(), RedirectURL: p.config.Redirect, Scopes: []string{oidc.ScopeOpenID}}}
	// The verifier fetches keys anew when they change, long after this request.
	k.verifier = found.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.config.Client), &oidc.Config{ClientID: p.config.ClientID})
	return k, nil
}

// ask returns what the provider has said, asking where it has not yet.
func (p *Provider) ask(ctx context.Context) (*known, error) {
	p.mu.Lock()
	k := p.known
	p.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = k
	return k, nil
}

// What a session keeps meanwhile.
const (
	keyState    = "oidc_state"
	keyNonce    = "oidc_nonce"
	keyVerifier = "oidc_verifier"
	keyFresh    = "oidc_fresh"
	keyBegun    = "oidc_begun"
)

// Begin returns where to send the person. With fresh set the provider asks for
// the password again, for a step-up. Errors: ErrProvider.
func (p *Provider) Begin(ctx context.Context, s Session, fresh bool) (address string, err error) {
	k, err := p.ask(ctx)
	if err != nil {
		return "", err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)}
	asked := ""
	if fresh {
		asked = "yes"
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	for key, value := range map[string]string{
		keyState: state, keyNonce: nonce, keyVerifier: verifier, keyFresh: asked, keyBegun: p.now().UTC().Format(time.RFC3339),
	} {
		s.Put(ctx, key, value)
	}
	return k.flow.AuthCodeURL(state, options...), nil
}

// Finish takes the provider's answer. What Begin has kept is used up, whatever
// comes of it, so that no answer counts twice.
// Errors: ErrState, ErrRefused, ErrToken, ErrProvider.
func (p *Provider) Finish(ctx context.Context, s Session, answer url.Values) (Login, error) {
	state, nonce, verifier := s.PopString(ctx, keyState), s.PopString(ctx, keyNonce), s.PopString(ctx, keyVerifier)
	fresh := s.PopString(ctx, keyFresh) != ""
	begun, err := time.Parse(time.RFC3339, s.PopString(ctx, keyBegun))
	if err != nil || state == "" || p.now().Sub(begun) > answerWithin ||
		subtle.ConstantTimeCompare([]byte(state), []byte(answer.Get("state"))) != 1 {
		return Login{}, ErrState
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return Login{}, ErrRefused
	}
	k, err := p.ask(ctx)
	if err != nil {
		return Login{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.config.Client), exchangeTime)
	defer cancel()
	token, err := k.flow.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		// The provider's words may hold the code; only its verdict goes on.
		if said := (*oauth2.RetrieveError)(nil); errors.As(err, &said) {
			return Login{}, fmt.Errorf("%w: %q", ErrRefused, said.ErrorCode)
		}
		return Login{}, ErrProvider
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Login{}, fmt.Errorf("%w: there is none", ErrToken)
	}
	id, err := k.verifier.Verify(ctx, raw)
	if err != nil {
		return Login{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return Login{}, fmt.Errorf("%w: it answers another question", ErrToken)
	}
	var claims struct {
		AuthTime int64 `json:"auth_time"` // seconds since 1970
	}
	if err := id.Claims(&claims); err != nil {
		return Login{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	login := Login{Issuer: id.Issuer, Subject: id.Subject}
	if claims.AuthTime > 0 {
		login.At = time.Unix(claims.AuthTime, 0)
	}
	// A provider that ignores max_age must not pass for one that asked anew.
	if fresh && login.At.Before(begun.Add(-freshWithin)) {
		return Login{}, fmt.Errorf("%w: the provider did not ask the person again", ErrToken)
	}
	return login, nil
}

package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"socho/internal/identity"
	"socho/internal/identity/oidc"
)

// Provider is the OpenID provider that staff may come in by, such as the
// province's directory.
type Provider struct {
	*oidc.Provider
	Name string // on buttons
}

// ProviderAnswer is where a provider sends people back to.
const ProviderAnswer = "/sign-in/provider"

// providers are the routes by way of an OpenID provider.
func (s *site) providers() []route {
	return []route{
		{pattern: "POST " + ProviderAnswer, open: true, show: s.signInByProvider},
		{pattern: "GET " + ProviderAnswer, open: true, show: s.providerAnswered},
		{pattern: "POST /welcome/provider", open: true, show: s.acceptByProvider},
		{pattern: "POST /step-up/provider", account: true, show: s.stepUpByProvider},
		{pattern: "POST /me/logins", account: true, show: s.changeLogins},
	}
}

// What a session keeps while its owner is at the provider, and what for.
const (
	keyWay  = "provider_for"
	keyNext = "provider_next"

	waySignIn = "sign_in"
	wayInvite = "invite"
	wayStepUp = "step_up"
	wayLink   = "link"
)

// byProvider is the button that leads to the provider; nil where there is none.
func (s *site) byProvider(r *request, key, action string, fields ...formField) *form {
	if s.Provider == nil {
		return nil
	}
	return &form{Action: action, Submit: r.language.say(key, "provider", s.Provider.Name), Fields: fields}
}

// leave sends the visitor to the provider. The answer to a form may not redirect
// to another site, so it is a page that goes on by itself and says where to.
func (s *site) leave(r *request, way, next string, fresh bool) (*view, error) {
	if s.Provider == nil {
		return nil, errNoPage
	}
	address, err := s.Provider.Begin(r.Context(), s.Sessions, fresh)
	if err != nil {
		s.Log.WarnContext(r.Context(), "the OpenID provider does not answer", "error", err)
		return nil, &failure{http.StatusBadGateway, "provider"}
	}
	s.Sessions.Put(r.Context(), keyWay, way)
	s.Sessions.Put(r.Context(), keyNext, next)
	l := r.language
	page := &formPage{Lead: l.say("provider.lead"), Links: []crumb{{l.say("provider.go", "provider", s.Provider.Name), address}}}
	return &view{template: "form", title: l.say("provider.title", "provider", s.Provider.Name), data: page, onward: address}, nil
}

func (s *site) signInByProvider(r *request) (*view, error) {
	return s.leave(r, waySignIn, r.next("/work"), false)
}

// stepUpByProvider has the provider ask the visitor again.
func (s *site) stepUpByProvider(r *request) (*view, error) {
	return s.leave(r, wayStepUp, r.next("/work"), true)
}

// acceptByProvider is where a link may lead instead of to a password. The
// provider asks anew: a session that somebody else has left open there must not
// become the way in.
func (s *site) acceptByProvider(r *request) (*view, error) {
	err := s.Sessions.HoldInvitation(r.Context(), r.PostFormValue("link"))
	if errors.Is(err, identity.ErrLink) {
		return nil, errLink
	}
	if err != nil {
		return nil, err
	}
	return s.leave(r, wayInvite, "/work", true)
}

// changeLogins links an account at the provider to one's own, or takes one away.
func (s *site) changeLogins(r *request) (*view, error) {
	if id := r.PostFormValue("login"); id != "" {
		err := s.People.UnlinkOwnLogin(r.Context(), id)
		if errors.Is(err, identity.ErrOnlyWay) {
			return nil, &failure{http.StatusConflict, "only_way"}
		}
		return see("/me", "login_unlinked"), err
	}
	if !r.who.SteppedUp(time.Now()) {
		return nil, identity.ErrStepUp
	}
	return s.leave(r, wayLink, "/me", true)
}

// providerProblems are what may come of it, with the status of the page that
// says so.
var providerProblems = map[string]int{
	"provider": http.StatusBadGateway, "provider_state": http.StatusBadRequest, "provider_no": http.StatusForbidden, "provider_token": http.StatusForbidden,
	"not_linked": http.StatusForbidden, "not_yours": http.StatusForbidden, "login_taken": http.StatusConflict, "link": http.StatusNotFound,
}

// providerAnswered takes up what the visitor went to the provider for, and leads
// on: what the provider has put into the address is left behind.
func (s *site) providerAnswered(r *request) (*view, error) {
	if s.Provider == nil {
		return nil, errNoPage
	}
	if problem := r.query.Get("problem"); providerProblems[problem] != 0 {
		return nil, &failure{providerProblems[problem], problem}
	}
	ctx := r.Context()
	way, next := s.Sessions.PopString(ctx, keyWay), s.Sessions.PopString(ctx, keyNext)
	login, err := s.Provider.Finish(ctx, s.Sessions, r.query)
	if err != nil {
		s.Log.WarnContext(ctx, "a sign-in by the OpenID provider came to nothing", "error", err)
		// Somebody may have tried to get in by it.
		if err := s.People.Record(ctx, identity.Entry{Action: "openid_answer", Detail: way, Outcome: identity.Refused}); err != nil {
			return nil, err
		}
	} else {
		var second bool
		second, err = s.arrive(ctx, way, login)
		switch {
		case err == nil && second:
			return see("/sign-in/code?next="+url.QueryEscape(next), ""), nil
		case err == nil && way == wayLink:
			return see("/me", "login_linked"), s.Sessions.RenewToken(ctx)
		case err == nil:
			return see(next, ""), nil
		}
	}
	for _, p := range []struct {
		err     error
		problem string
	}{
		{oidc.ErrState, "provider_state"}, {oidc.ErrRefused, "provider_no"}, {oidc.ErrToken, "provider_token"}, {oidc.ErrProvider, "provider"},
		{identity.ErrLink, "link"}, {identity.ErrTaken, "login_taken"}, {identity.ErrSignIn, map[bool]string{true: "not_yours", false: "not_linked"}[way == wayStepUp]},
	} {
		if errors.Is(err, p.err) {
			return see(ProviderAnswer+"?problem="+p.problem, ""), nil
		}
	}
	return nil, err
}

// arrive does what the visitor went to the provider for.
func (s *site) arrive(ctx context.Context, way string, login oidc.Login) (second bool, err error) {
	switch way {
	case waySignIn:
		return s.Sessions.SignInByLogin(ctx, login.Issuer, login.Subject)
	case wayInvite:
		return s.Sessions.RedeemByLogin(ctx, login.Issuer, login.Subject)
	case wayStepUp:
		return false, s.Sessions.StepUpByLogin(ctx, login.Issuer, login.Subject)
	case wayLink:
		return false, s.People.LinkOwnLogin(ctx, login.Issuer, login.Subject)
	}
	return false, oidc.ErrState
}

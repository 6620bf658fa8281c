package web

import (
	"errors"
	"slices"

	"socho/internal/identity"
)

// DemoPerson is a person of the sample whom a visitor may be, to see what one
// in that role sees. They are offered only while the sample is loaded; give
// them only to pages that do not leave the machine.
type DemoPerson struct {
	Role           identity.Role
	Name, Password string // of staff
	Card, PIN      string // of a trader
}

// demoRoles lists whom the visitor may be, and who they are now.
func (s *site) demoRoles(r *request) (roles []option, now string) {
	for _, p := range s.Demo {
		roles = append(roles, option{Value: string(p.Role), Label: r.language.word("role", string(p.Role))})
		if r.who != nil && slices.ContainsFunc(r.who.Grants, func(g identity.Grant) bool { return g.Role == p.Role }) {
			now = string(p.Role)
		}
	}
	return roles, now
}

// demo makes the visitor the sample's person of a role.
func (s *site) demo(r *request) (*view, error) {
	if s.Sample == nil {
		return nil, errNoPage
	}
	if loaded, err := s.Sample(r.Context()); err != nil || !loaded {
		return nil, errNoPage
	}
	i := slices.IndexFunc(s.Demo, func(p DemoPerson) bool { return string(p.Role) == r.PostFormValue("role") })
	if i < 0 {
		return nil, errNoPage
	}
	p := s.Demo[i]
	var err error
	var second bool
	if p.Card != "" {
		_, err = s.Sessions.SignInByCard(r.Context(), p.Card, p.PIN)
	} else {
		second, err = s.Sessions.SignIn(r.Context(), p.Name, p.Password)
	}
	switch {
	case errors.Is(err, identity.ErrSignIn): // the password was changed meanwhile
		return see("/sign-in", ""), nil
	case err != nil:
		return nil, err
	case second:
		return see("/sign-in/code", ""), nil
	}
	return see("/work", ""), nil
}

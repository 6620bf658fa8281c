package web

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"socho/internal/identity"
	"socho/qr"
)

// doors are the routes of signing in and out, and of one's own account.
func (s *site) doors() []route {
	return []route{
		{pattern: "GET /sign-in", open: true, show: s.signIn},
		{pattern: "POST /sign-in", open: true, show: s.signIn},
		{pattern: "GET /sign-in/code", open: true, show: s.signInCode},
		{pattern: "POST /sign-in/code", open: true, show: s.signInCode},
		{pattern: "GET /card", open: true, show: s.signInCard},
		{pattern: "POST /card", open: true, show: s.signInCard},
		{pattern: "POST /sign-out", open: true, show: s.signOut},
		{pattern: "GET /welcome", open: true, show: s.welcome},
		{pattern: "POST /welcome", open: true, show: s.welcome},
		{pattern: "GET /step-up", account: true, show: s.stepUp},
		{pattern: "POST /step-up", account: true, show: s.stepUp},
		{pattern: "POST /demo", open: true, show: s.demo},

		{pattern: "GET /me", account: true, show: s.me},
		{pattern: "GET /me/password", account: true, show: s.changePassword},
		{pattern: "POST /me/password", account: true, show: s.changePassword},
		{pattern: "GET /me/pin", show: s.changePIN},
		{pattern: "POST /me/pin", show: s.changePIN},
		{pattern: "GET /me/second-factor", account: true, show: s.secondFactor},
		{pattern: "POST /me/second-factor", account: true, show: s.secondFactor},
		{pattern: "GET /me/recovery", account: true, show: s.recovery},
		{pattern: "POST /me/recovery", account: true, show: s.recovery},
		{pattern: "POST /me/sessions", account: true, show: s.endSession},
		{pattern: "POST /me/tokens", show: s.personToken},
		{pattern: "POST /me/devices", show: s.forgetDevice},
	}
}

// deviceCookie holds the token of a telephone that a trader has chosen to be
// remembered on.
const deviceCookie = "device"

// signIn takes user name and password. A telephone that is remembered needs
// neither.
func (s *site) signIn(r *request) (*view, error) {
	next := r.next("/work")
	v, page := r.formView("sign_in", "/sign-in", r.ask("name", "text", "username"), r.ask("password", "password", "current-password"), hidden("next", next))
	page.Form.Fields[0].Hint = "" // whoever comes back knows it
	page.Links = []crumb{{r.language.say("sign_in.card"), "/card?next=" + url.QueryEscape(next)}}
	page.Other = s.byProvider(r, "provider.sign_in", ProviderAnswer, hidden("next", next))
	if r.Method != http.MethodPost {
		if c, err := r.Cookie(s.cookieName(deviceCookie)); err == nil && r.who == nil {
			if err := s.Sessions.SignInByDevice(r.Context(), c.Value); err == nil {
				return see(next, ""), nil
			} else if !errors.Is(err, identity.ErrSignIn) {
				return r.refuse(v, page, err)
			}
		}
		return v, nil
	}
	second, err := s.Sessions.SignIn(r.Context(), r.PostFormValue("name"), r.PostFormValue("password"))
	switch {
	case err != nil:
		return r.refuse(v, page, err)
	case second:
		return see("/sign-in/code?next="+url.QueryEscape(next), ""), nil
	}
	return see(next, ""), nil
}

// signInCode takes the second factor after the password.
func (s *site) signInCode(r *request) (*view, error) {
	v, page := r.formView("code", "/sign-in/code", r.ask("code", "text", "one-time-code"), hidden("next", r.next("/work")))
	page.Form.Fields[0].Value = ""
	page.Links = []crumb{{r.language.say("code.again"), "/sign-in"}}
	if r.Method != http.MethodPost {
		return v, nil
	}
	if err := s.Sessions.SecondFactor(r.Context(), r.PostFormValue("code")); err != nil {
		return r.refuse(v, page, err) // too late: back to the password
	}
	return see(r.next("/work"), ""), nil
}

// signInCard takes a trader's card and PIN. The card's QR code leads here; its
// token goes into the session at once, and out of the address.
func (s *site) signInCard(r *request) (*view, error) {
	const inSession = "card"
	if token := r.query.Get("card"); token != "" && r.Method != http.MethodPost {
		s.Sessions.Put(r.Context(), inSession, token)
		return see("/card", ""), nil
	}
	token := s.Sessions.GetString(r.Context(), inSession)
	remember := formField{Name: "remember", Type: "checkbox", Label: r.language.say("ask.remember")}
	fields := []formField{r.ask("pin", "digits", "off"), remember, hidden("next", r.next("/work"))}
	if token == "" {
		fields = append([]formField{r.ask("card", "password", "off")}, fields...)
		token = r.PostFormValue("card")
	}
	fields[len(fields)-3].Type = "password"
	v, page := r.formView("card", "/card", fields...)
	page.Links = []crumb{{r.language.say("card.staff"), "/sign-in"}}
	if r.Method != http.MethodPost {
		return v, nil
	}
	choosePIN, err := s.Sessions.SignInByCard(r.Context(), token, r.PostFormValue("pin"))
	if err != nil {
		return r.refuse(v, page, err)
	}
	to := see(r.next("/work"), "")
	if choosePIN {
		to = see("/me/pin", "")
	}
	if r.PostFormValue("remember") != "" {
		// Who she is is known from the next request on; both pages then remember.
		s.Sessions.Put(r.Context(), "remember", "yes")
		if !choosePIN {
			to = see("/me", "")
		}
	}
	return to, nil
}

// remember keeps the telephone that a trader has just signed in on, if she said so.
func (s *site) remember(r *request) error {
	if s.Sessions == nil || r.who == nil || s.Sessions.PopString(r.Context(), "remember") == "" {
		return nil
	}
	token, err := s.People.RememberDevice(r.Context(), r.UserAgent())
	if err != nil {
		return err
	}
	r.keep = s.cookie(deviceCookie, token, identity.DeviceIdle)
	return nil
}

// signOut ends the session, and what this telephone is remembered by.
func (s *site) signOut(r *request) (*view, error) {
	if c, err := r.Cookie(s.cookieName(deviceCookie)); err == nil {
		if err := s.People.LeaveDevice(r.Context(), c.Value); err != nil {
			return nil, err
		}
	}
	if err := s.Sessions.SignOut(r.Context()); err != nil {
		return nil, err
	}
	r.keep = s.cookie(deviceCookie, "", -time.Second)
	return see("/", "signed_out"), nil
}

// welcome is where links lead that are good once: the first administrator
// makes an account, others set their password.
func (s *site) welcome(r *request) (*view, error) {
	token := r.FormValue("link")
	name, err := s.People.Invitation(r.Context(), token)
	if errors.Is(err, identity.ErrLink) {
		return nil, errLink
	}
	if err != nil {
		return nil, err
	}
	fields := []formField{r.ask("password", "password", "new-password"), hidden("link", token)}
	key := "welcome"
	if name == "" {
		key = "set_up"
		fields = append([]formField{r.ask("name", "text", "username")}, fields...)
	} else {
		fields = append([]formField{r.myName(name)}, fields...)
	}
	fields[1].Hint = r.language.say("ask.password.new", "n", identity.PasswordLeast)
	v, page := r.formView(key, "/welcome", fields...)
	page.Steps, page.At = r.setUpSteps(), 0
	if name != "" {
		page.Other = s.byProvider(r, "provider.accept", "/welcome/provider", hidden("link", token))
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	if _, err := s.People.Redeem(r.Context(), token, r.PostFormValue("name"), r.PostFormValue("password")); err != nil {
		return r.refuse(v, page, err)
	}
	if name == "" {
		name = r.PostFormValue("name")
	}
	second, err := s.Sessions.SignIn(r.Context(), name, r.PostFormValue("password"))
	switch {
	case err != nil:
		return nil, err
	case second: // it was set up before, and the link has left it
		return see("/sign-in/code", ""), nil
	}
	return see("/me/second-factor", ""), nil
}

func (r *request) setUpSteps() []string {
	return []string{r.language.say("steps.password"), r.language.say("steps.second"), r.language.say("steps.recovery")}
}

// stepUp asks whoever is signed in to prove again that it is they.
func (s *site) stepUp(r *request) (*view, error) {
	v, page := r.formView("step_up", "/step-up", r.ask("secret", "password", "one-time-code"), hidden("next", r.next("/work")))
	page.Form.Cancel = "/work"
	if s.Provider != nil && r.who.Kind == identity.Person && !r.who.Card() {
		staff, err := s.People.Staff(r.Context(), r.who.ID)
		if err != nil {
			return nil, err
		}
		if len(staff.Logins) > 0 && !staff.TOTP {
			page.Other = s.byProvider(r, "provider.step_up", "/step-up/provider", hidden("next", r.next("/work")))
			if !staff.Password {
				page.Form, page.Other.Cancel = nil, "/work"
				return v, nil
			}
		}
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	if err := s.Sessions.StepUp(r.Context(), r.PostFormValue("secret")); err != nil {
		return r.refuse(v, page, err)
	}
	return see(r.next("/work"), ""), nil
}

type mePage struct {
	Name     string
	Grants   []grantRow
	Staff    *identity.Staff // nil for a trader
	Sessions []identity.Session
	Devices  []identity.Device
	Tokens   []identity.PersonToken // for commands
	Provider string                 // its name, where people can come in by one
}

// grantRow is a role in an organization, in words.
type grantRow struct{ Role, Where, Object, Text string }

func (s *site) grantRows(r *request, grants []identity.Grant) (rows []grantRow) {
	for _, g := range grants {
		rows = append(rows, grantRow{r.language.word("role", string(g.Role)), s.nameOf(r, g.Organization), g.Object, g.String()})
	}
	return rows
}

// me shows one's own account: roles, second factor, and where one is signed in.
func (s *site) me(r *request) (*view, error) {
	if err := s.remember(r); err != nil {
		return nil, err
	}
	page := mePage{Name: r.who.Name, Grants: s.grantRows(r, r.who.Grants)}
	if s.Provider != nil {
		page.Provider = s.Provider.Name
	}
	var err error
	if page.Sessions, err = s.People.SessionsOf(r.Context(), r.who.ID); err != nil {
		return nil, err
	}
	page.Devices, err = s.People.Devices(r.Context())
	if errors.Is(err, identity.ErrNotSignedIn) { // by a card, that is
		var staff identity.Staff
		staff, err = s.People.Staff(r.Context(), r.who.ID)
		page.Staff = &staff
		if err == nil {
			page.Tokens, err = s.People.PersonTokens(r.Context(), r.who.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	return &view{template: "me", title: r.language.say("me.title"), section: "me", data: page}, nil
}

// myName shows a user name beside a password that is set, so that browsers keep
// the two together.
func (r *request) myName(name string) formField {
	return formField{Name: "name", Label: r.language.say("ask.name"), Value: name, Autocomplete: "username", Fixed: true}
}

// mine leads back to one's account.
func (r *request) mine(v *view, page *formPage) {
	v.crumbs, page.Form.Cancel = []crumb{{r.language.say("me.title"), "/me"}}, "/me"
}

func (s *site) changePassword(r *request) (*view, error) {
	v, page := r.formView("password", "/me/password", r.myName(r.who.Name), r.ask("old", "password", "current-password"), r.ask("password", "password", "new-password"))
	page.Form.Fields[2].Hint = r.language.say("ask.password.new", "n", identity.PasswordLeast)
	r.mine(v, page)
	if r.Method != http.MethodPost {
		return v, nil
	}
	if err := s.People.ChangePassword(r.Context(), r.PostFormValue("old"), r.PostFormValue("password")); err != nil {
		return r.refuse(v, page, err)
	}
	return see("/me", "password"), s.Sessions.RenewToken(r.Context())
}

func (s *site) changePIN(r *request) (*view, error) {
	if err := s.remember(r); err != nil {
		return nil, err
	}
	old, pin := r.ask("oldpin", "digits", "off"), r.ask("pin", "digits", "off")
	pin.Hint = r.language.say("ask.pin.new")
	v, page := r.formView("pin", "/me/pin", old, pin)
	r.mine(v, page)
	if r.Method != http.MethodPost {
		return v, nil
	}
	if err := s.People.ChangePIN(r.Context(), r.PostFormValue("oldpin"), r.PostFormValue("pin")); err != nil {
		return r.refuse(v, page, err)
	}
	return see("/me", "pin"), s.Sessions.RenewToken(r.Context())
}

// secondFactor sets up the app that shows codes.
func (s *site) secondFactor(r *request) (*view, error) {
	if r.Method == http.MethodPost {
		codes, err := s.People.ConfirmTOTP(r.Context(), r.PostFormValue("offer"), r.PostFormValue("code"))
		if err == nil {
			return s.codesView(r, codes), s.Sessions.RenewToken(r.Context())
		}
		if !errors.Is(err, identity.ErrSignIn) {
			return nil, err
		}
	}
	offer, err := s.People.OfferTOTP(r.Context())
	if err != nil {
		return nil, err
	}
	v, page := r.formView("second", "/me/second-factor", r.ask("code", "digits", "one-time-code"), hidden("offer", offer.Sealed))
	page.Steps, page.At, page.Secret = r.setUpSteps(), 1, offer.Secret
	page.Form.Fields[0].Hint = "" // there are no recovery codes yet
	svg, err := qr.SVG(offer.URL, qr.ImageOptions{Level: qr.LevelM, Title: r.language.say("second.picture")})
	if err != nil {
		return nil, err
	}
	page.Picture = template.HTML(svg) //nolint:gosec // drawn by us, text escaped
	r.mine(v, page)
	if r.Method == http.MethodPost {
		return r.refuse(v, page, identity.ErrSignIn)
	}
	return v, nil
}

// codesView hands recovery codes over, this one time: they are shown in the
// answer itself and kept nowhere.
func (s *site) codesView(r *request, codes []string) *view {
	page := &formPage{Lead: r.language.say("codes.lead"), Codes: codes, Steps: r.setUpSteps(), At: 2, Links: []crumb{{r.language.say("codes.done"), "/work"}}}
	return &view{template: "form", title: r.language.say("codes.title"), data: page}
}

func (s *site) recovery(r *request) (*view, error) {
	if r.Method == http.MethodPost {
		codes, err := s.People.NewRecovery(r.Context())
		if err != nil {
			return nil, err
		}
		return s.codesView(r, codes), nil
	}
	v, page := r.formView("recovery", "/me/recovery")
	r.mine(v, page)
	page.Confirm = &confirmation{Question: r.language.say("recovery.question"), Consequence: r.language.say("recovery.consequence"), Form: *page.Form}
	page.Form = nil
	return v, nil
}

func (s *site) endSession(r *request) (*view, error) {
	if id := r.PostFormValue("session"); id != "" {
		if err := s.People.EndSession(r.Context(), id); err != nil {
			return nil, err
		}
		return see("/me", "session"), nil
	}
	if v := r.sure("out_everywhere", "/me"); v != nil {
		return v, nil
	}
	if err := s.People.EndSessions(r.Context(), r.who.ID); err != nil {
		return nil, err
	}
	return see("/", "signed_out"), nil
}

// personToken makes a token for commands, shown this one time, or ends one.
func (s *site) personToken(r *request) (*view, error) {
	if id := r.PostFormValue("token"); id != "" {
		if err := s.People.RevokePersonToken(r.Context(), r.who.ID, id); err != nil {
			return nil, err
		}
		return see("/me", "token_revoked"), nil
	}
	_, secret, err := s.People.CreatePersonToken(r.Context(), r.who.ID)
	if err != nil {
		return nil, err
	}
	page := &formPage{Lead: r.language.say("me.token.lead"), Secret: secret, Links: []crumb{{r.language.say("link.back"), "/me"}}}
	return &view{template: "form", title: r.language.say("me.tokens"), section: "me", data: page}, nil
}

func (s *site) forgetDevice(r *request) (*view, error) {
	if err := s.People.ForgetDevice(r.Context(), r.PostFormValue("device")); err != nil {
		return nil, err
	}
	return see("/me", "device"), nil
}

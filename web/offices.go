package web

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/qr"
)

// offices are the routes of those who manage people and watch over the book.
func (s *site) offices() []route {
	people, tokens := rights{identity.ManagePeople}, rights{identity.ManageTokens}
	return []route{
		{pattern: "GET /people", rights: people, show: s.people},
		{pattern: "GET /people/new", rights: people, show: s.addPerson},
		{pattern: "POST /people/new", rights: people, show: s.addPerson},
		{pattern: "GET /people/{person}", rights: people, show: s.person},
		{pattern: "POST /people/{person}", rights: people, show: s.changePerson},
		{pattern: "GET /cards/{org}", rights: people, where: inPath, show: s.cards},
		{pattern: "POST /cards/{org}", rights: people, where: inPath, show: s.issueCard},
		{pattern: "POST /cards/{org}/{card}", rights: people, where: inPath, show: s.changeCard},
		{pattern: "GET /organizations", rights: rights{identity.SeeTrail}, show: s.allOrganizations},
		{pattern: "GET /tokens", rights: tokens, show: s.tokens},
		{pattern: "GET /tokens/new", rights: tokens, show: s.addToken},
		{pattern: "POST /tokens/new", rights: tokens, show: s.addToken},
		{pattern: "POST /tokens/{token}", rights: tokens, show: s.revokeToken},
		{pattern: "GET /connections", rights: rights{identity.ManageConnections}, show: s.connections},
		{pattern: "GET /verify", rights: rights{identity.Verify}, show: s.verify},
		{pattern: "POST /verify", rights: rights{identity.Verify}, show: s.verify},
		{pattern: "GET /trail", rights: rights{identity.SeeTrail}, show: s.trail},
		{pattern: "GET /health", rights: rights{identity.Verify, identity.SeeTrail}, show: s.health},
	}
}

type peoplePage struct {
	People []personRow
	Cards  []crumb // markets whose traders' cards the visitor manages
	Funds  []crumb // funds for which the visitor says how many approve
}

type personRow struct {
	identity.Staff
	Roles []grantRow
}

func (s *site) people(r *request) (*view, error) {
	staff, err := s.People.People(r.Context())
	if err != nil {
		return nil, err
	}
	var page peoplePage
	for _, one := range staff {
		page.People = append(page.People, personRow{one, s.grantRows(r, one.Grants)})
	}
	markets, _, err := s.own(r, "market", identity.ManagePeople)
	if err != nil {
		return nil, err
	}
	for _, o := range markets {
		page.Cards = append(page.Cards, crumb{o.Name, "/cards/" + o.Organization})
	}
	if page.Funds, err = s.approvalsOf(r); err != nil {
		return nil, err
	}
	return &view{template: "people", title: r.language.say("people.title"), section: "people", data: page}, nil
}

// underPeople leads back to the list of people.
func (r *request) underPeople(v *view) *view {
	v.section, v.crumbs = "people", []crumb{{r.language.say("people.title"), "/people"}}
	return v
}

func (s *site) addPerson(r *request) (*view, error) {
	v, page := r.formView("person_new", "/people/new", r.ask("name", "text", "off"))
	page.Form.Cancel = "/people"
	if r.Method == http.MethodPost {
		id, token, err := s.People.Add(r.Context(), strings.TrimSpace(r.PostFormValue("name")), r.language.code)
		if err != nil {
			return r.refuse(r.underPeople(v), page, err)
		}
		return s.handLink(r, token, "/people/"+id), nil
	}
	return r.underPeople(v), nil
}

// handLink hands a link over that is good once, to be passed on to whom it is
// for: it is shown in the answer itself and kept nowhere.
func (s *site) handLink(r *request, token, back string) *view {
	page := &formPage{Lead: r.language.say("link.lead"), Secret: s.origin(r) + "/welcome?link=" + token,
		Links: []crumb{{r.language.say("link.back"), back}}}
	return r.underPeople(&view{template: "form", title: r.language.say("link.title"), data: page})
}

// origin is where the visitor finds these pages. A link that holds a secret must
// not go over HTTP first because a proxy speaks TLS in our place.
func (s *site) origin(r *request) string {
	if s.secure() {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

type personPage struct {
	Staff  identity.Staff
	Roles  []grantRow
	Self   bool
	Action string
	Acts   []string // what can be done with the account
	Grant  form
}

func (s *site) person(r *request) (*view, error) { return s.personView(r, nil) }

func (s *site) personView(r *request, wrong error) (*view, error) {
	staff, err := s.People.Staff(r.Context(), r.PathValue("person"))
	if err != nil {
		return nil, err
	}
	page := &personPage{Staff: staff, Roles: s.grantRows(r, staff.Grants), Self: staff.ID == r.who.ID, Action: "/people/" + staff.ID}
	if page.Acts = []string{"reset", "restart", "out", "lock"}; staff.LockedAt != nil {
		page.Acts = []string{"unlock"}
	}
	var roles []option
	for _, role := range identity.Roles() {
		if role != identity.Trader { // traders have cards
			roles = append(roles, option{Value: string(role), Label: r.language.word("role", string(role))})
		}
	}
	role, where := r.ask("role", "select", ""), r.ask("organization", "text", "off")
	role.Options = roles
	page.Grant = form{Action: page.Action, Submit: r.language.say("person.grant"), Fields: []formField{role, where, hidden("do", "grant")}}
	v := r.underPeople(&view{template: "person", title: staff.Name, data: page})
	if wrong != nil {
		shown := &formPage{Form: &page.Grant}
		return r.refuse(v, shown, wrong)
	}
	return v, nil
}

// changePerson does one of the acts that the page of a person offers.
func (s *site) changePerson(r *request) (*view, error) {
	ctx, person := r.Context(), r.PathValue("person")
	back, act := "/people/"+person, r.PostFormValue("do")
	var err error
	switch act {
	case "grant":
		err = s.People.Grant(ctx, person, identity.Grant{Role: identity.Role(r.PostFormValue("role")), Organization: strings.TrimSpace(r.PostFormValue("organization"))})
	case "revoke":
		var g identity.Grant
		if g, err = identity.ParseGrant(r.PostFormValue("grant")); err == nil {
			err = s.People.Revoke(ctx, person, g)
		}
	case "lock":
		if v := r.sure("lock", back, hidden("do", act)); v != nil {
			return r.underPeople(v), nil
		}
		err = s.People.Lock(ctx, person)
	case "unlock":
		err = s.People.Unlock(ctx, person)
	case "out":
		err = s.People.EndSessions(ctx, person)
	case "unlink":
		err = s.People.UnlinkLogin(ctx, person, r.PostFormValue("login"))
	case "reset", "restart":
		link := s.People.Reset
		if act == "restart" {
			if v := r.sure("restart", back, hidden("do", act)); v != nil {
				return r.underPeople(v), nil
			}
			link = s.People.Restart
		}
		token, err := link(ctx, person)
		if err != nil {
			return nil, err
		}
		return s.handLink(r, token, back), nil
	default:
		return nil, errBad
	}
	if err != nil {
		return s.personView(r, err)
	}
	return see(back, "person_"+act), nil
}

type cardsPage struct {
	Cards  []identity.Card
	Action string
	Issue  form
}

func (s *site) cards(r *request) (*view, error) { return s.cardsView(r, nil) }

func (s *site) cardsView(r *request, wrong error) (*view, error) {
	org := r.PathValue("org")
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := &cardsPage{Action: "/cards/" + org}
	if page.Cards, err = s.People.Cards(r.Context(), org); err != nil {
		return nil, err
	}
	page.Issue = form{Action: page.Action, Submit: r.language.say("cards.issue"), Fields: []formField{r.ask("stall", "text", "off"), r.ask("holder", "text", "off")}}
	v := r.underPeople(&view{template: "cards", title: r.language.say("cards.title", "market", o.Name), data: page})
	if wrong != nil {
		return r.refuse(v, &formPage{Form: &page.Issue}, wrong)
	}
	return v, nil
}

// issueCard hands a new card over: its QR code and first PIN, this one time.
func (s *site) issueCard(r *request) (*view, error) {
	c, token, pin, err := s.People.IssueCard(r.Context(), r.PathValue("org"), strings.TrimSpace(r.PostFormValue("stall")), strings.TrimSpace(r.PostFormValue("holder")))
	if err != nil {
		return s.cardsView(r, err)
	}
	svg, err := qr.SVG(s.origin(r)+"/card?card="+token, qr.ImageOptions{Level: qr.LevelM, Title: r.language.say("cards.picture", "stall", c.Stall)})
	if err != nil {
		return nil, err
	}
	page := &formPage{Lead: r.language.say("cards.lead", "stall", c.Stall), Picture: template.HTML(svg), Secret: r.language.say("cards.pin", "pin", pin), //nolint:gosec // drawn by us, text escaped
		Links: []crumb{{r.language.say("link.back"), "/cards/" + c.Organization}}}
	return r.underPeople(&view{template: "form", title: r.language.say("cards.new"), data: page}), nil
}

func (s *site) changeCard(r *request) (*view, error) {
	back, card := "/cards/"+r.PathValue("org"), r.PathValue("card")
	if r.PostFormValue("do") == "pin" {
		pin, err := s.People.ResetPIN(r.Context(), card)
		if err != nil {
			return nil, err
		}
		page := &formPage{Lead: r.language.say("cards.pin.lead"), Secret: r.language.say("cards.pin", "pin", pin), Links: []crumb{{r.language.say("link.back"), back}}}
		return r.underPeople(&view{template: "form", title: r.language.say("cards.pin.title"), data: page}), nil
	}
	if v := r.sure("card_revoke", back); v != nil {
		return r.underPeople(v), nil
	}
	if err := s.People.RevokeCard(r.Context(), card); err != nil {
		return nil, err
	}
	return see(back, "card_revoked"), nil
}

// allOrganizations lists who keeps a book here, with the ids that grants name.
func (s *site) allOrganizations(r *request) (*view, error) {
	page := organizationsPage{Kind: "organization"}
	scope := r.scope(identity.SeeTrail)
	if scope == nil {
		list, next, err := s.Model.Organizations(r.Context(), readmodel.OrganizationFilter{}, r.slice(stallsPerPage))
		if err != nil {
			return nil, err
		}
		page.Organizations, page.Pager = list, r.pager(next)
	}
	for _, name := range scope {
		o, err := s.Model.Organization(r.Context(), name)
		if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			page.Organizations = append(page.Organizations, o)
		}
	}
	return &view{template: "organizations", title: r.language.say("organizations.title"), section: "organizations", data: page}, nil
}

type tokensPage struct{ Tokens []tokenRow }

type tokenRow struct {
	identity.APIToken
	Scopes []string
	State  string // open, or why it opens nothing
}

func (s *site) tokens(r *request) (*view, error) {
	all, err := s.People.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	var page tokensPage
	for _, t := range all {
		row := tokenRow{APIToken: t, State: "good"}
		switch {
		case t.RevokedAt != nil:
			row.State = "revoked"
		case t.ExpiresAt.Before(time.Now()):
			row.State = "expired"
		}
		for _, g := range t.Grants {
			row.Scopes = append(row.Scopes, r.language.word("right", string(g.Right))+", "+s.nameOf(r, g.Organization))
		}
		page.Tokens = append(page.Tokens, row)
	}
	return &view{template: "tokens", title: r.language.say("tokens.title"), section: "tokens", data: page}, nil
}

// tokenDays are the lives of a token to choose from.
var tokenDays = []int{30, 90, 365}

func (s *site) addToken(r *request) (*view, error) {
	var scopes []option
	for _, right := range identity.Rights() {
		if right.ForTokens() {
			scopes = append(scopes, option{Value: string(right), Label: r.language.word("right", string(right))})
		}
	}
	name, right, where, life := r.ask("purpose", "text", "off"), r.ask("right", "select", ""), r.ask("organization", "text", "off"), r.ask("life", "select", "")
	right.Options = scopes
	for _, days := range tokenDays {
		life.Options = append(life.Options, option{Value: strconv.Itoa(days), Label: r.language.say("days", "n", days)})
	}
	v, page := r.formView("token_new", "/tokens/new", name, right, where, life)
	v.section, v.crumbs, page.Form.Cancel = "tokens", []crumb{{r.language.say("tokens.title"), "/tokens"}}, "/tokens"
	if r.Method != http.MethodPost {
		return v, nil
	}
	days, err := strconv.Atoi(r.PostFormValue("life"))
	if err != nil || !slices.Contains(tokenDays, days) {
		return nil, errBad
	}
	grant := identity.Grant{Right: identity.Right(r.PostFormValue("right")), Organization: strings.TrimSpace(r.PostFormValue("organization"))}
	_, secret, err := s.People.CreateToken(r.Context(), r.PostFormValue("purpose"), []identity.Grant{grant}, time.Duration(days)*24*time.Hour)
	if err != nil {
		return r.refuse(v, page, err)
	}
	handed := &formPage{Lead: r.language.say("token.lead"), Secret: secret, Links: []crumb{{r.language.say("link.back"), "/tokens"}}}
	return &view{template: "form", title: r.language.say("token.title"), section: "tokens", crumbs: v.crumbs, data: handed}, nil
}

func (s *site) revokeToken(r *request) (*view, error) {
	if v := r.sure("token_revoke", "/tokens"); v != nil {
		v.section = "tokens"
		return v, nil
	}
	if err := s.People.RevokeToken(r.Context(), r.PathValue("token")); err != nil {
		return nil, err
	}
	return see("/tokens", "token_revoked"), nil
}

type trailPage struct {
	Actor   string
	Entries []trailRow
	Pager   pager
}

// trailRow is an entry with what it was about, in words.
type trailRow struct {
	identity.Entry
	About string
}

// about puts the words of a detail into the visitor's language.
func (l *language) about(detail string) string {
	fields, why, _ := strings.Cut(detail, " ")
	var words []string
	for _, f := range strings.Split(fields, ",") {
		if f != "" {
			words = append(words, l.word("field", f))
		}
	}
	text := strings.Join(words, ", ")
	if why != "" {
		text += " – " + l.word("unseal_why", why)
	}
	return text
}

// trail lists what people did: in the organizations where the visitor may see
// that, the latest first.
func (s *site) trail(r *request) (*view, error) {
	page := trailPage{Actor: strings.TrimSpace(r.query.Get("actor"))}
	entries, next, err := s.People.Trail(r.Context(), identity.TrailFilter{Actor: page.Actor, Organizations: r.who.Organizations(identity.SeeTrail)}, eventsPerPage, r.query.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		page.Entries = append(page.Entries, trailRow{e, r.language.about(e.Detail)})
	}
	page.Pager = r.pager(next)
	return &view{template: "trail", title: r.language.say("trail.title"), section: "trail", data: page}, nil
}

// Shard is where one part of the book stands.
type Shard struct {
	Shard      int
	Decided    int64 // records
	Waiting    int64 // records on the log that are not decided
	RecordedAt time.Time
	Stopped    bool
	Code       string // why it stands still
	Signed     int64  // records under the newest signed checkpoint; 0 where none is published
}

type healthPage struct {
	Shards []Shard
	Verify bool // the visitor may have the book examined
}

// health says where every part of the book stands, and how far it is signed.
func (s *site) health(r *request) (*view, error) {
	page := healthPage{Verify: s.Verifier != nil && r.who.May(identity.Verify, identity.Everywhere)}
	if s.Sources.Shards != nil {
		var err error
		if page.Shards, err = s.Sources.Shards(r.Context()); err != nil {
			return nil, err
		}
	}
	return &view{template: "health", title: r.language.say("health.title"), section: "health", data: page}, nil
}

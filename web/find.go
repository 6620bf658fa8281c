package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/projections"
)

// NameSource finds persons by name; *vault.Vault does. It asks for no right.
type NameSource interface {
	// Find returns ids of persons of an organization, at most limit, whose names
	// hold every word of the text or words that begin so.
	Find(ctx context.Context, organization, text string, limit int) (persons []string, err error)
}

// Bounds of a search: persons shown, records looked through of each to say where
// they are met, letters asked for at least, and how often somebody may search.
const (
	foundMost      = 20
	foundRecords   = 8
	searchLetters  = 2
	searchesMost   = 60
	searchesWithin = time.Hour
)

// foundPerson is somebody whom the search has found, by their opaque id: what
// they are called stands on the pages that are linked, behind a button.
type foundPerson struct {
	Person string
	Where  []crumb
}

type findPage struct {
	Form  form
	Asked bool
	More  bool
	Found []foundPerson
}

// mayFind says whether the visitor is led to the search.
func (s *site) mayFind(r *request, organization string) bool {
	return s.Names != nil && s.People != nil && r.who.May(identity.UnsealIdentity, organization)
}

// find looks for persons of one organization by name. What was asked for is in
// no address and no log; that somebody asked is in the trail.
func (s *site) find(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	if s.Names == nil || s.People == nil {
		return nil, errNoPage
	}
	name := r.ask("person_name", "text", "off")
	name.Value, name.Max = "", 100
	page := &findPage{Form: form{Action: r.URL.Path, Submit: r.language.say("find.do"), Fields: []formField{name}}}
	v := &view{template: "find", title: r.language.say("find.title", "organization", o.Name), section: o.Kind, crumbs: r.crumbs(o), data: page}
	if r.Method != http.MethodPost {
		return v, nil
	}
	text := strings.TrimSpace(r.PostFormValue("person_name"))
	if n := utf8.RuneCountInString(text); n < searchLetters || n > name.Max {
		page.Form.Fields[0].Error = r.language.say("find.short", "n", searchLetters)
		v.status = http.StatusUnprocessableEntity
		return v, nil
	}
	entry := identity.Entry{Action: identity.Searched, Organization: o.Organization, Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, searchesMost, searchesWithin); err != nil {
		return nil, err
	}
	persons, err := s.Names.Find(r.Context(), o.Organization, text, foundMost+1)
	if err != nil {
		return nil, err
	}
	page.Asked, page.More = true, len(persons) > foundMost
	for _, person := range persons[:min(len(persons), foundMost)] {
		where, err := s.whereabouts(r, o.Organization, person)
		if err != nil {
			return nil, err
		}
		page.Found = append(page.Found, foundPerson{person, where})
	}
	return v, nil
}

// whereabouts links to the pages that a person is met on, as far as the visitor
// may go there.
func (s *site) whereabouts(r *request, organization, person string) (links []crumb, err error) {
	traced, _, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: organization, Kind: projections.SubjectPerson, ID: person}, readmodel.Page{Limit: foundRecords})
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return nil, err
	}
	for _, t := range traced {
		record, err := s.Records.At(r.Context(), t.Shard, t.Offset)
		if err != nil {
			return nil, err
		}
		e, err := events.Decode(record.Value)
		if err != nil || personOf(e) != person {
			continue // linked by somebody else's doing, such as a stall that changed hands
		}
		var link crumb
		switch f := e.Fact.(type) {
		case *events.StallLet:
			link = r.pageOf(identity.SeeBills, "holder.stall", "/stalls/", organization, string(f.Stall))
		case *events.FeeAssessed:
			link = r.pageOf(identity.SeeBills, "holder.stall", "/stalls/", organization, string(f.Stall))
		case *events.BillIssued:
			link = r.pageOf(identity.SeeBills, "find.bill", "/bills/", organization, string(f.Bill))
		case *events.PayoutOrdered:
			link = r.pageOf(identity.SeePayouts, "find.payout", "/payouts/", organization, string(f.Payout))
		}
		if link.Link != "" && !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	return links, nil
}

// personOf is whom an event is about; empty for nobody in particular.
func personOf(e *events.Event) string {
	var data struct {
		Person string `json:"person"`
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return data.Person
}

// pageOf links to a page of an organization's, where the visitor may go there.
func (r *request) pageOf(right identity.Right, key, base, organization, id string) crumb {
	if id == "" || !r.who.May(right, organization) {
		return crumb{}
	}
	return crumb{r.language.say(key, "id", id), base + organization + "/" + url.PathEscape(id)}
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/readmodel"
	"socho/projections"
)

// Unsealer opens sealed fields. It asks for no right.
type Unsealer interface {
	// Unseal opens one field of one event. erased: its key has been destroyed, and
	// there is nothing to open any more.
	Unseal(ctx context.Context, at events.Place, person, sealed string) (clear string, erased bool, err error)
}

// Bounds of opening: how many of a person's records are looked through, and how
// often somebody may open something.
const (
	recordsRead   = 40
	revealsMost   = 120
	revealsWithin = time.Hour
)

// group is fields that are opened together, because the same work needs them.
type group struct {
	key    string
	fields []string
	why    bool // it has to be said what for
}

var (
	namesOf   = group{key: "name", fields: []string{"name", "full_name", "guardian", "guardian_name", "receiver", "receiver_name"}}
	contactOf = group{key: "contact", fields: []string{"phone", "zalo", "email", "contact"}}
	papersOf  = group{key: "papers", fields: []string{"citizen_id", "passport", "social_insurance_no", "account", "account_number", "account_name", "bank_bin", "bank_name", "wallet", "ewallet", "receiver_id"}, why: true}
)

// reasons are what papers and accounts are opened for.
var reasons = []string{"check", "pay", "correct", "complaint", "audit"}

// rightOf is what opens a field.
func rightOf(field string) identity.Right {
	if events.ClassOf(field) == events.Identity {
		return identity.UnsealIdentity
	}
	return identity.UnsealContact
}

// opens says whether the visitor may open all fields of a group.
func (g group) opens(p *identity.Principal, organization string) bool {
	return !slices.ContainsFunc(g.fields, func(f string) bool { return !p.May(rightOf(f), organization) })
}

// reveal is what a page says of the person that it is about: buttons, or, once
// one was pressed, what they opened.
type reveal struct {
	Action string
	Groups []revealGroup
	Asked  bool
	Shown  []shownField
	Erased bool // something was there, and its key is destroyed
}

type revealGroup struct {
	Key string
	Why []option
}

// shownField is one field in clear, with the record that it stands in.
type shownField struct{ Name, Value, Record string }

// reveal makes the part of a page that opens what is sealed of a person; nil
// where the visitor has no right to. On POST it opens the group that was asked
// for: the latest of what the subjects' records say, written down before it is
// shown.
func (s *site) reveal(r *request, organization, person string, subjects []readmodel.Subject, groups ...group) (*reveal, error) {
	groups = slices.DeleteFunc(groups, func(g group) bool { return !g.opens(r.who, organization) })
	if s.Unsealer == nil || s.People == nil || person == "" || len(groups) == 0 {
		return nil, nil
	}
	part := &reveal{Action: r.URL.Path}
	for _, g := range groups {
		one := revealGroup{Key: g.key}
		if g.why {
			one.Why = r.language.options("unseal_why", reasons)
		}
		part.Groups = append(part.Groups, one)
	}
	if r.Method != http.MethodPost {
		return part, nil
	}
	i := slices.IndexFunc(groups, func(g group) bool { return g.key == r.PostFormValue("what") })
	if i < 0 {
		return nil, errBad
	}
	g, why := groups[i], ""
	if g.why {
		if why = r.PostFormValue("why"); !slices.Contains(reasons, why) {
			return nil, errBad
		}
	}
	sealed, err := s.sealedOf(r.Context(), person, subjects, g.fields)
	if err != nil {
		return nil, err
	}
	part.Asked = true
	return part, s.open(r, part, organization, person, why, sealed)
}

// revealRecord is reveal for all that is sealed in one record, as far as the
// visitor has the right; nil where that is nothing.
func (s *site) revealRecord(r *request, record *events.Record) (*reveal, error) {
	sealed := slices.DeleteFunc(sealedIn(record), func(f sealedField) bool { return !r.who.May(rightOf(f.at.Field), f.at.Organization) })
	if s.Unsealer == nil || s.People == nil || len(sealed) == 0 {
		return nil, nil
	}
	part := &reveal{Action: r.URL.Path, Groups: []revealGroup{{"record", r.language.options("unseal_why", reasons)}}}
	if r.Method != http.MethodPost {
		return part, nil
	}
	why := r.PostFormValue("why")
	if !slices.Contains(reasons, why) || r.PostFormValue("what") != "record" {
		return nil, errBad
	}
	whose := sealed[0].person
	if whose == "" {
		whose = fmt.Sprintf("%d:%d", record.Shard, record.Offset)
	}
	part.Asked = true
	return part, s.open(r, part, sealed[0].at.Organization, whose, why, sealed)
}

// sealedField is one field as the log has it.
type sealedField struct {
	at             events.Place
	person, sealed string
	record         projections.Position
}

// sealedOf finds the latest sealed text of each field in the records behind the
// subjects, of this person alone.
func (s *site) sealedOf(ctx context.Context, person string, subjects []readmodel.Subject, fields []string) ([]sealedField, error) {
	latest := map[string]sealedField{}
	for _, subject := range subjects {
		traced, _, err := s.Traces.Trace(ctx, subject, readmodel.Page{Limit: recordsRead})
		if errors.Is(err, readmodel.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, t := range traced {
			record, err := s.Records.At(ctx, t.Shard, t.Offset)
			if err != nil {
				return nil, err
			}
			for _, f := range sealedIn(&record) {
				if f.person == person && f.at.Organization == subject.Organization && slices.Contains(fields, f.at.Field) {
					latest[f.at.Field] = f
				}
			}
		}
		if len(latest) > 0 {
			break
		}
	}
	found := make([]sealedField, 0, len(latest))
	for _, name := range fields { // in the order that people read them
		if f, ok := latest[name]; ok {
			found = append(found, f)
		}
	}
	return found, nil
}

// sealedIn lists what is sealed in a record.
func sealedIn(record *events.Record) (found []sealedField) {
	e, err := events.Decode(record.Value)
	if err != nil {
		return nil
	}
	add := func(name, person, sealed string) {
		found = append(found, sealedField{events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: name},
			person, sealed, projections.Position{Shard: record.Shard, Offset: record.Offset}})
	}
	if f, ok := e.Fact.(*events.Undecodable); ok {
		add(intake.InputField, string(f.Person), string(f.Input))
		return found
	}
	var data struct {
		Person string            `json:"person"`
		Sealed map[string]string `json:"sealed"`
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(data.Sealed)) {
		add(name, data.Person, data.Sealed[name])
	}
	return found
}

// open writes down who opens what of whom, and only then opens it. Whoever opens
// a great deal has to wait.
func (s *site) open(r *request, part *reveal, organization, person, why string, sealed []sealedField) error {
	var names []string
	for _, f := range sealed {
		names = append(names, f.at.Field)
	}
	detail := strings.Join(names, ",")
	if why != "" {
		detail += " " + why
	}
	entry := identity.Entry{Action: identity.Unsealed, Organization: organization, Object: person, Detail: detail, Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, revealsMost, revealsWithin); err != nil {
		return err
	}
	for _, f := range sealed {
		clear, erased, err := s.Unsealer.Unseal(r.Context(), f.at, f.person, f.sealed)
		if err != nil {
			return err
		}
		if erased {
			part.Erased = true
			continue
		}
		shown := shownField{Name: f.at.Field, Value: clear}
		if r.who.May(identity.SeeEvents, organization) {
			shown.Record = fmt.Sprintf("%d/%d", f.record.Shard, f.record.Offset)
		}
		part.Shown = append(part.Shown, shown)
	}
	return nil
}

package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"socho/events"
	"socho/internal/books"
	"socho/internal/vault"
	"socho/projections"
)

// sealedField is one personal field as the log has it.
type sealedField struct {
	at   events.Place
	text string
}

// latest are the latest of each personal field that terms say of each person.
func latest(terms []projections.Term) (map[string]map[string]sealedField, error) {
	people := map[string]map[string]sealedField{}
	for i := range terms {
		t := &terms[i]
		var data struct {
			Person string            `json:"person"`
			Sealed map[string]string `json:"sealed"`
		}
		if err := json.Unmarshal([]byte(t.Data), &data); err != nil {
			return nil, fmt.Errorf("record %d:%d: %w", t.At.Shard, t.At.Offset, err)
		}
		if data.Person == "" {
			continue
		}
		if people[data.Person] == nil {
			people[data.Person] = map[string]sealedField{}
		}
		for field, text := range data.Sealed {
			people[data.Person][field] = sealedField{events.Place{Organization: t.Organization, Source: events.URI(t.Source), ID: events.EventID(t.EventID), Field: field}, text}
		}
	}
	return people, nil
}

// opened opens fields of many people at once. What an erased key closed is left
// out.
func (o *Office) opened(ctx context.Context, people map[string]map[string]sealedField, organization string, fields ...string) (map[string]map[string]string, error) {
	refs := make([]vault.Ref, 0, len(people))
	for person := range people {
		refs = append(refs, vault.Ref{Organization: organization, Person: person})
	}
	clear := map[string]map[string]string{}
	if len(refs) == 0 {
		return clear, nil
	}
	keys, err := o.Vault.Opener(ctx, refs)
	if err != nil {
		return nil, err
	}
	for person, sealed := range people {
		clear[person] = map[string]string{}
		for _, field := range fields {
			f, ok := sealed[field]
			if !ok {
				continue
			}
			text, err := keys.Open(f.at, person, f.text)
			if errors.Is(err, vault.ErrErased) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", field, person, err)
			}
			clear[person][field] = text
		}
	}
	return clear, nil
}

// called returns the office's words with the organization's own names of items,
// where no translation knows them.
func (o *Office) called(ctx context.Context, organization string) (books.Words, error) {
	terms, _, err := o.Model.Terms(ctx, organization, "organization.tariff_set")
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i := range terms {
		var f events.TariffSet
		if err := json.Unmarshal([]byte(terms[i].Data), &f); err != nil {
			return nil, err
		}
		if f.Name != "" {
			names[string(f.Item)] = string(f.Name)
		}
	}
	return func(set, word string) string {
		text := o.Words(set, word)
		if name := names[word]; set == "item" && name != "" && text == strings.ReplaceAll(word, "_", " ") {
			return name
		}
		return text
	}, nil
}

// Names opens the names of an organization's pupils and traders, by person. Whoever
// asks has the right to, and it is written down before.
func (o *Office) Names(ctx context.Context, organization string) (map[string]string, error) {
	terms, _, err := o.Model.Terms(ctx, organization, "school.pupil_enrolled", "market.stall_let")
	if err != nil {
		return nil, err
	}
	people, err := latest(terms)
	if err != nil {
		return nil, err
	}
	opened, err := o.opened(ctx, people, organization, "name", "full_name")
	names := make(map[string]string, len(opened))
	for person, fields := range opened {
		if names[person] = fields["name"]; names[person] == "" {
			names[person] = fields["full_name"]
		}
	}
	return names, err
}

package events

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits on data.personal.
const (
	MaxPersonalFields = 24
	MaxPersonalChars  = 1000 // of one field
)

// KeyClass says which of a person's two keys seals a field.
type KeyClass byte

const (
	// Identity seals what accounting evidence needs for its legal retention:
	// who was owed or paid. Destroyed when the retention ends.
	Identity KeyClass = 'i'
	// Contact seals contact data, raw text and every field not named in
	// identityFields. Erasable now.
	Contact KeyClass = 'c'
	// OfOrganization seals input that could not be decoded.
	OfOrganization KeyClass = 'o'
)

// identityFields is closed: what is not in it can be erased on request.
var identityFields = map[string]bool{
	"name": true, "account": true, "account_name": true, "bank_bin": true, "citizen_id": true, "tax_code": true,
}

// ClassOf returns the key class of a personal field.
func ClassOf(field string) KeyClass {
	if identityFields[field] {
		return Identity
	}
	return Contact
}

// Published is an event as a publisher hands it in, checked, with its personal
// fields taken out.
type Published struct {
	Event    *Event
	Person   ID                // empty where the fact concerns nobody
	Personal map[string]string // in clear; nil where there is none
	envelope []byte            // canonical, without personal and sealed
}

// Salvage is what can be told of input that is no event: enough to file it,
// nothing that could be personal beyond ids that are opaque by contract.
type Salvage struct {
	ID           EventID
	Source       URI
	Organization string
	Person       ID
	Time         Time
}

// ParsePublished reads one event from a publisher, as strictly as Decode does,
// and takes data.personal out of it. Errors are *Error; Salvaged tells what
// could still be made out.
func ParsePublished(line []byte) (*Published, error) {
	p, err := parsePublished(line)
	if err != nil {
		return nil, located(err)
	}
	return p, nil
}

func parsePublished(line []byte) (*Published, error) {
	line, err := precheck(bytes.TrimRight(line, "\r\n"))
	if err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(line, &members, strict); err != nil {
		return nil, fieldError(err, "")
	}
	p := &Published{}
	if members["data"].Kind() == '{' {
		var data map[string]jsontext.Value
		if err := json.Unmarshal(members["data"], &data, strict); err != nil {
			return nil, fieldError(err, "/data")
		}
		if _, ok := data["sealed"]; ok {
			return nil, errorf(SealedByPublisher, "/data/sealed", "only intake seals")
		}
		if personal, ok := data["personal"]; ok {
			if err := p.takePersonal(personal); err != nil {
				return nil, err
			}
			delete(data, "personal")
			if members["data"], err = json.Marshal(data, json.Deterministic(true)); err != nil {
				return nil, errorf(NotJSON, "/data", "cannot be written back")
			}
		}
	}
	value, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, errorf(NotJSON, "", "cannot be written back")
	}
	if p.envelope, err = Canonical(value); err != nil {
		return nil, err
	}
	if p.Event, err = Decode(p.envelope); err != nil {
		return nil, err
	}
	e, _ := known.find(p.Event.Type)
	if e.kind.internal() {
		return nil, errorf(BadOrganization, "/type", "facts about the log itself are not handed in")
	}
	p.Person = personOf(p.Event.Data)
	if p.Personal != nil {
		// What has no place for sealed fields on the log must not be handed in
		// with any: the ledger would refuse what intake wrote.
		if !slices.Contains(e.kind.versions[e.version-1].fields.names, "sealed") {
			return nil, errorf(UnknownField, "/data/personal", "the fact has no personal fields")
		}
		if p.Person == "" {
			return nil, errorf(PersonMissing, "/data/person", "personal fields need the opaque id of their person")
		}
	}
	return p, nil
}

func (p *Published) takePersonal(raw jsontext.Value) error {
	if raw.Kind() != '{' {
		return errorf(WrongType, "/data/personal", "expected a flat object of strings")
	}
	if err := json.Unmarshal(raw, &p.Personal, strict); err != nil {
		return errorf(WrongType, "/data/personal", "expected a flat object of strings")
	}
	if len(p.Personal) > MaxPersonalFields {
		return errorf(BadValue, "/data/personal", "more than %d fields", MaxPersonalFields)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Personal)) { // the same error each time
		if !validWord(name) {
			return errorf(BadValue, "/data/personal", "expected field names of a-z 0-9 _")
		}
		if utf8.RuneCountInString(p.Personal[name]) > MaxPersonalChars {
			return errorf(BadValue, "/data/personal", "a field of more than %d characters", MaxPersonalChars)
		}
	}
	return nil
}

func personOf(data jsontext.Value) ID {
	var d struct {
		Person ID `json:"person"`
	}
	if json.Unmarshal(data, &d) != nil {
		return ""
	}
	return d.Person
}

// Seal turns one personal field into ciphertext in the vault's text form.
type Seal func(field string, clear string) (string, error)

// Value returns the canonical bytes that go on the log. With a Seal that is
// deterministic, the same fact gives the same bytes each time.
// Errors: those of seal, and too_large where the sealed event has grown beyond
// MaxEventBytes.
func (p *Published) Value(seal Seal) ([]byte, error) {
	if len(p.Personal) == 0 {
		return p.envelope, nil
	}
	sealed := make(map[string]string, len(p.Personal))
	for field, clear := range p.Personal {
		text, err := seal(field, clear)
		if err != nil {
			return nil, err
		}
		sealed[field] = text
	}
	var members, data map[string]jsontext.Value
	if err := errors.Join(json.Unmarshal(p.envelope, &members), json.Unmarshal(p.Event.Data, &data)); err != nil {
		return nil, err
	}
	var err error
	if data["sealed"], err = json.Marshal(sealed); err != nil {
		return nil, err
	}
	if members["data"], err = json.Marshal(data); err != nil {
		return nil, err
	}
	value, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	if value, err = Canonical(value); err != nil {
		return nil, err
	}
	if len(value) > MaxEventBytes {
		return nil, errorf(TooLarge, "", "%d bytes once sealed, at most %d", len(value), MaxEventBytes)
	}
	return value, nil
}

// Salvaged makes out what it can of input that ParsePublished refused, leniently
// and without error: a field that is not clearly well-formed is left empty.
func Salvaged(line []byte) Salvage {
	var s Salvage
	var members map[string]jsontext.Value
	if json.Unmarshal(line, &members, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
		return s
	}
	read := func(name string, into any) { _ = json.Unmarshal(members[name], into) } // unreadable stays empty
	read("id", &s.ID)
	read("source", &s.Source)
	read("time", &s.Time)
	var subject Organization
	read("subject", &subject)
	s.Organization = string(subject)
	if person := personOf(members["data"]); Opaque(string(person)) {
		s.Person = person
	}
	return s
}

// New writes a fact of this ledger's own as canonical bytes, through the same
// strict codec that reads it back.
func New(e Envelope, fact Fact) ([]byte, error) {
	e.SpecVersion = "1.0"
	var err error
	if e.Data, err = json.Marshal(fact); err != nil {
		return nil, err
	}
	value, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	if value, err = Canonical(value); err != nil {
		return nil, err
	}
	if _, err := Decode(value); err != nil {
		return nil, err
	}
	return value, nil
}

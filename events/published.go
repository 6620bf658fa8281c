package events

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/internal/refcode"
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
	// who was owed, paid or paying, and on what account. Destroyed when the
	// retention ends.
	Identity KeyClass = 'i'
	// Contact seals contact data, raw text and every field that has no name of
	// ours. Erasable now.
	Contact KeyClass = 'c'
	// OfOrganization seals input that could not be decoded and names nobody.
	OfOrganization KeyClass = 'o'
)

// personalFields are the names that a personal field has on the log, and the
// key it is sealed under. Fixed for ever: the same fact must give the same
// bytes whatever release publishes it. All other fields of a publisher go
// together into one sealed field, OtherFields, so that not even their names
// stand on the log.
var personalFields = map[string]KeyClass{
	"name": Identity, "full_name": Identity, "date_of_birth": Identity, "address": Identity,
	"citizen_id": Identity, "passport": Identity, "certificate": Identity, "tax_code": Identity, "social_insurance_no": Identity,
	"account": Identity, "account_number": Identity, "account_name": Identity, "bank_bin": Identity, "bank_name": Identity,
	"card": Identity, "wallet": Identity, "ewallet": Identity,
	"payer": Identity, "payer_name": Identity, "payer_account": Identity, "payer_bank": Identity,
	"receiver": Identity, "receiver_name": Identity, "receiver_id": Identity, "guardian": Identity, "guardian_name": Identity,
	"phone": Contact, "email": Contact, "contact": Contact, "zalo": Contact,
	"content": Contact, "raw": Contact, "memo": Contact, "note": Contact, "photo": Contact, "signature": Contact,
}

// OtherFields is the sealed field that holds, as a canonical JSON object of
// strings, the personal fields that have no name of ours.
const OtherFields = "other"

// ClassOf returns the key class of a personal field.
func ClassOf(field string) KeyClass {
	if class, ok := personalFields[field]; ok {
		return class
	}
	return Contact
}

// Place is where a sealed text stands: the associated data of its seal, so that
// it opens nowhere else.
type Place struct {
	Organization string
	Source       URI
	ID           EventID
	Field        string
}

// OwnSources begins the sources of this ledger's own processes. Nobody else's
// events may have one, or their ids could be claimed before they are written.
const OwnSources = "urn:socho:"

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

// maxRawBytes bounds a line as it is handed in: each byte of the canonical form
// may be spelled as an escape of six.
const maxRawBytes = 6 * MaxEventBytes

// ParsePublished reads one event from a publisher, as strictly as Decode does,
// and takes data.personal out of it. Errors are *Error; Salvaged tells what
// could still be made out.
func ParsePublished(line []byte) (*Published, error) { return placed(parsePublished(line, false)) }

// ParseOwn is ParsePublished for an event that one of this ledger's own
// processes wrote, under its own source.
func ParseOwn(line []byte) (*Published, error) { return placed(parsePublished(line, true)) }

func placed(p *Published, err error) (*Published, error) {
	if err != nil {
		return nil, located(err)
	}
	return p, nil
}

func parsePublished(line []byte, own bool) (*Published, error) {
	line, err := precheck(bytes.TrimRight(line, "\r\n"), maxRawBytes)
	if err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(line, &members, strict); err != nil {
		return nil, fieldError(err, "")
	}
	p := &Published{}
	if err := dropContentType(members); err != nil {
		return nil, err
	}
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
	e, _ := Whole.find(p.Event.Type)
	switch {
	case own && e.kind.own:
		if !strings.HasPrefix(string(p.Event.Source), OwnSources) {
			return nil, errorf(BadValue, "/source", "expected %s…", OwnSources)
		}
	case e.kind.internal():
		return nil, errorf(BadOrganization, "/type", "facts of the ledger's own processes are not handed in")
	case !own && strings.HasPrefix(string(p.Event.Source), OwnSources):
		return nil, errorf(BadValue, "/source", "%s… is for the ledger's own processes", OwnSources)
	case !own && !publisherSource(string(p.Event.Source)):
		return nil, errorf(BadValue, "/source", "expected a URI that is nobody's number or address: no @, tel:, mailto:, sms: and the like")
	}
	if f, ok := p.Event.Fact.(referenced); ok {
		if code := f.reference(); code != "" {
			if _, err := refcode.Parse(string(code)); err != nil {
				return nil, errorf(BadValue, "/data/reference", "not a reference code of a kind in use")
			}
		}
	}
	p.Person = personOf(p.Event.Data)
	if f, ok := p.Event.Fact.(*OpeningBalance); ok {
		p.Person = f.person()
	}
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

// dropContentType takes out what data's media type is said to be: it can only be
// JSON, and the same fact must be the same bytes whether it is said or not.
func dropContentType(members map[string]jsontext.Value) error {
	said, ok := members["datacontenttype"]
	if !ok {
		return nil
	}
	var text string
	if said.Kind() != '"' || json.Unmarshal(said, &text) != nil || mediaType(text) != "application/json" {
		return errorf(BadValue, "/datacontenttype", "expected application/json")
	}
	delete(members, "datacontenttype")
	return nil
}

// personalSchemes begin URIs that are a person's number or address, or hold a
// text of their own: no publisher's name.
var personalSchemes = []string{"tel:", "callto:", "sms:", "mailto:", "sip:", "sips:", "im:", "skype:", "whatsapp:", "zalo:", "xmpp:", "geo:", "data:"}

// publisherSource says whether a well-formed source can be a publisher's rather
// than a person's number or address.
func publisherSource(s string) bool {
	for _, scheme := range personalSchemes {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return false
		}
	}
	for i := range len(s) {
		if s[i] == '@' || s[i] == '%' && (i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2])) {
			return false
		}
	}
	return Opaque(strings.Trim(s, "+/"))
}

func hexDigit(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

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

// personOf is the data.person of an event, or of a line that is nearly one.
func personOf(data jsontext.Value) ID {
	var d struct {
		Person ID `json:"person"`
	}
	if json.Unmarshal(data, &d, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
		return ""
	}
	return d.Person
}

// Who a line is about, and whose it is, where its structure does not say: in
// lines that are no JSON, and in JSON that is no event, quoted once more or not.
var (
	aPerson  = regexp.MustCompile(`(?i)"person\\*"\s*:\s*\\*"([A-Za-z0-9._-]{1,64})\\*"`)
	anOwner  = regexp.MustCompile(`(?i)"account\\*"\s*:\s*\\*"(?:person|pupil):([A-Za-z0-9._-]{1,64})`)
	aSubject = regexp.MustCompile(`(?i)"subject\\*"\s*:\s*\\*"([a-z0-9-]{1,64})\\*"`)
)

// found is the first match of the patterns that is an opaque id.
func found(line []byte, patterns ...*regexp.Regexp) string {
	for _, p := range patterns {
		for _, m := range p.FindAllSubmatch(line, maxMatches) {
			if Opaque(string(m[1])) {
				return string(m[1])
			}
		}
	}
	return ""
}

const maxMatches = 100

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
	fields, err := p.fields()
	if err != nil {
		return nil, err
	}
	sealed := make(map[string]string, len(fields))
	for field, clear := range fields {
		if sealed[field], err = seal(field, clear); err != nil {
			return nil, err
		}
	}
	var members, data map[string]jsontext.Value
	if err := errors.Join(json.Unmarshal(p.envelope, &members), json.Unmarshal(p.Event.Data, &data)); err != nil {
		return nil, err
	}
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

// fields are the personal fields by the names they have on the log.
func (p *Published) fields() (map[string]string, error) {
	fields, other := map[string]string{}, map[string]string{}
	for name, clear := range p.Personal {
		if _, ours := personalFields[name]; ours {
			fields[name] = clear
		} else {
			other[name] = clear
		}
	}
	if len(other) > 0 {
		text, err := json.Marshal(other)
		if err == nil {
			text, err = Canonical(text)
		}
		if err != nil {
			return nil, err
		}
		fields[OtherFields] = string(text)
	}
	return fields, nil
}

// Salvaged makes out what it can of input that ParsePublished refused, leniently
// and without error: a field that is not clearly well-formed is left empty.
func Salvaged(line []byte) Salvage {
	var s Salvage
	var members map[string]jsontext.Value
	if json.Unmarshal(line, &members, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) == nil {
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
	}
	if strings.HasPrefix(string(s.Source), OwnSources) || !publisherSource(string(s.Source)) {
		s.Source = ""
	}
	if s.Person == "" {
		s.Person = ID(found(line, aPerson, anOwner))
	}
	if s.Organization == "" {
		if m := aSubject.FindSubmatch(line); m != nil && ValidOrganization(string(m[1])) {
			s.Organization = string(m[1])
		}
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

// Draft is a fact that is about to be handed in: its envelope, but for the data,
// and what is personal of it in clear.
type Draft struct {
	Envelope Envelope
	Fact     Fact
	Personal map[string]string
}

// Line writes the draft as a publisher does, with a line break behind it.
// Errors: *Error where it is no event.
func (d *Draft) Line() ([]byte, error) {
	value, err := New(d.Envelope, d.Fact)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", d.Envelope.Type, d.Envelope.ID, err)
	}
	if len(d.Personal) > 0 {
		fields, err := json.Marshal(d.Personal, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		// Keys of the envelope are sorted and hold no quote, so this is the data.
		head, tail, _ := strings.Cut(string(value), `"data":{`)
		value = []byte(head + `"data":{"personal":` + string(fields) + `,` + tail)
	}
	return append(value, '\n'), nil
}

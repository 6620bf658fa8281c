package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"socho/events"
)

// MaxInput is how much of a line that is no event is kept. Sealed and in
// base64 it fills an event of events.MaxEventBytes but for the envelope.
const MaxInput = 46 << 10

// What a wrapped line gets where none of its own could be made out. All of it
// is constant, so that the same bad line twice is the same bytes.
const (
	undecodableSource = "urn:socho:intake"
	undecodableTime   = "2000-01-01T00:00:00Z"
	undecodableID     = "undecodable-"
)

// NameFields are the personal fields that a person is found by; all of them are
// sealed under the identity key.
var NameFields = []string{"name", "full_name", "guardian", "guardian_name", "receiver_name", "account_name"}

// InputField is the field that input which is no event is sealed as. No personal
// field is called that.
const InputField = "/input"

var undecodableType = events.Type("intake.undecodable")

// parse checks the line and makes out who it is about.
func (it *item) parse(o Options) {
	parse := events.ParsePublished
	if o.Own {
		parse = events.ParseOwn
	}
	fact, err := parse(it.text)
	if err == nil {
		e := fact.Event
		it.fact = fact
		it.salvage = events.Salvage{ID: e.ID, Source: e.Source, Organization: e.Subject, Person: fact.Person, Time: e.Time}
		it.erasure, _ = e.Fact.(*events.Erased)
		return
	}
	if !errors.As(err, &it.reason) {
		it.reason = &events.Error{Code: events.NotJSON}
	}
	it.salvage = events.Salvaged(it.text)
	if it.salvage.Organization == "" {
		it.salvage.Organization = o.DefaultOrg
	}
	if it.salvage.Organization == "" {
		it.salvage.Organization = Unrouted
	}
}

// ref is whose keys the line needs; ok is false where it needs none.
func (it *item) ref() (ref Ref, ok bool) {
	ref = Ref{Organization: it.salvage.Organization, Person: string(it.salvage.Person)}
	if it.fact == nil {
		return ref, true
	}
	ref.Check = len(it.fact.Personal) == 0
	return ref, ref.Person != "" && it.erasure == nil
}

// errErased: the line can only be sealed under a key that is destroyed.
var errErased = errors.New("the person is erased")

// erased reports whether the line may not be published any more, since its
// person's keys are destroyed. What needs none of the destroyed keys goes on:
// after scope contact the accounting of the person, after scope all only what
// a bank says, since an observation must not be lost.
func (it *item) erased(keys Keys) bool {
	gone := func(class events.KeyClass) bool {
		return keys.Erased(it.salvage.Organization, string(it.salvage.Person), class)
	}
	if it.fact == nil {
		return gone(events.Contact) || gone(events.Identity) // raw text is of the contact class
	}
	for field := range it.fact.Personal {
		if gone(events.ClassOf(field)) {
			return true
		}
	}
	_, observed := it.fact.Event.Fact.(*events.LineReceived)
	return gone(events.Identity) && !observed
}

// seal works out the bytes that go on the log. Errors: errErased, those of the keys.
func (it *item) seal(keys Keys) error {
	s := &it.salvage
	if it.fact != nil {
		value, err := it.fact.Value(func(field, clear string) (string, error) {
			return keys.Seal(events.Place{Organization: s.Organization, Source: s.Source, ID: s.ID, Field: field},
				string(s.Person), events.ClassOf(field), clear)
		})
		if err == nil {
			it.value = value
			return nil
		}
		if !errors.As(err, &it.reason) {
			return err
		}
	}
	return it.wrap(keys)
}

// wrap makes the fact intake.undecodable: the line sealed as it stands, under
// its person's contact key where a person could be made out, else under the
// organization's.
//
// Of a line longer than MaxInput the beginning is kept, followed inside the
// seal by the whole line's length and SHA-256, and data.at is /-/cut/LENGTH in
// place of the field's pointer ("-" is no field of any event).
func (it *item) wrap(keys Keys) error {
	s := &it.salvage
	if s.Person != "" && keys.Erased(s.Organization, string(s.Person), events.Contact) {
		return errErased
	}
	input, at := string(it.text), events.SafeField(it.reason.Field)
	if it.length > MaxInput {
		if it.length <= MaxLineBytes {
			it.sum = sha256.Sum256(it.text)
		}
		note := fmt.Sprintf("\n[socho: cut, %d bytes in all, sha256 %x]", it.length, it.sum)
		input, at = string(it.text[:MaxInput-len(note)])+note, "/-/cut/"+strconv.Itoa(it.length)
		it.cut = true
	}
	class := events.OfOrganization
	if s.Person != "" {
		class = events.Contact
	}
	id, source, time := s.ID, s.Source, s.Time
	seal := func() (string, error) {
		return keys.Seal(events.Place{Organization: s.Organization, Source: source, ID: id, Field: InputField}, string(s.Person), class, input)
	}
	if !plainID(string(id)) || source == "" { // one without the other names no event
		// The hash is of sealed text: one of the clear line would let anybody
		// try out guesses.
		id, source = undecodableID, undecodableSource
		first, err := seal()
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(first))
		id = events.EventID(undecodableID + hex.EncodeToString(sum[:16]))
	}
	if time == "" {
		time = undecodableTime
	}
	sealed, err := seal()
	if err != nil {
		return err
	}
	it.value, err = events.New(
		events.Envelope{ID: id, Source: source, Type: undecodableType, Subject: s.Organization, Time: time},
		&events.Undecodable{Reason: events.Word(it.reason.Code), At: events.Pointer(at), Person: s.Person, Input: events.Cipher(sealed)},
	)
	if err != nil {
		return fmt.Errorf("wrapping an undecodable line: %w", err) // never, by the bounds above
	}
	it.wrapped = true
	return nil
}

// plainID reports whether the id of a bad line is one to file it under: short,
// without spaces, and no number of a person's. Anything else may be a name.
func plainID(s string) bool {
	return events.ValidID(strings.NewReplacer(":", "-", "/", "-").Replace(s)) && events.Opaque(s)
}

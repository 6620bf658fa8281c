package events

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// strict is how every event is read: exact names, each once, nothing unknown.
var strict = json.JoinOptions(
	json.RejectUnknownMembers(true),
	json.MatchCaseInsensitiveNames(false),
	jsontext.AllowDuplicateNames(false),
	jsontext.AllowInvalidUTF8(false),
)

// Decode reads an event as it stands on the log. It is strict: every deviation
// is an *Error with a code and the field's place. It keeps no reference to
// value.
//
// Only the canonical spelling is an event: another one of the same content
// would be another hash under the same id.
func Decode(value []byte) (*Event, error) { return Whole.Decode(value) }

// Decode is Decode within a vocabulary: what lies beyond it is no event.
func (voc *Vocabulary) Decode(value []byte) (*Event, error) {
	if event := voc.fast(value); event != nil {
		return event, nil
	}
	event, err := voc.decode(value)
	if err != nil {
		return nil, located(err)
	}
	return event, nil
}

func (voc *Vocabulary) decode(value []byte) (*Event, error) {
	if value == nil {
		return nil, errorf(NoValue, "", "the record has no value")
	}
	value, err := precheck(value, MaxEventBytes)
	if err != nil {
		return nil, err
	}
	if !canonical(value) {
		return nil, errorf(NotCanonical, "", "not in the canonical form of RFC 8785")
	}
	event, entry, err := voc.decodeEnvelope(value)
	if err != nil {
		return nil, err
	}
	if err := voc.decodeFact(event, entry); err != nil {
		return nil, err
	}
	return event, nil
}

// precheck refuses what no field can answer for: size, encoding, syntax,
// trailing data, depth, and values that JSON readers disagree about (null,
// fractions, integers beyond 2^53).
func precheck(value []byte, most int) ([]byte, error) {
	if len(value) > most {
		return nil, errorf(TooLarge, "", "%d bytes, at most %d", len(value), most)
	}
	if !utf8.Valid(value) {
		return nil, errorf(BadUTF8, "", "not UTF-8")
	}
	if loneSurrogate(value) {
		return nil, errorf(BadUTF8, "", "an escape is half of a character")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(value))
	if d.PeekKind() != '{' {
		return nil, errorf(NotJSON, "", "expected a JSON object")
	}
	for {
		token, err := d.ReadToken()
		if err != nil {
			return nil, syntaxError(err)
		}
		switch token.Kind() {
		case 'n':
			return nil, errorf(WrongType, pointer(d), "null is no value")
		case '0':
			if !wholeNumber(token.String()) {
				return nil, errorf(WrongType, pointer(d), "numbers are whole, from 0 to 2^53-1; amounts are strings")
			}
		}
		if d.StackDepth() > MaxDepth {
			return nil, errorf(TooDeep, "", "nested deeper than %d", MaxDepth)
		}
		if d.StackDepth() == 0 {
			break
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errorf(TrailingData, "", "something follows the object")
	}
	return value, nil
}

func wholeNumber(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n >= 0 && n <= int64(MaxCount) && s == strconv.FormatInt(n, 10)
}

// pointer is the place the decoder stands at.
func pointer(d *jsontext.Decoder) string { return plainField(string(d.StackPointer())) }

func syntaxError(err error) error {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return errorf(NotJSON, "", "not JSON")
	}
	at := plainField(string(s.JSONPointer))
	if errors.Is(s.Err, jsontext.ErrDuplicateName) {
		return errorf(DuplicateField, at, "a name stands twice in one object")
	}
	return errorf(NotJSON, at, "not JSON")
}

// fieldError turns a decoder's error into ours.
func fieldError(err error, under string) *Error {
	var s *json.SemanticError
	if !errors.As(err, &s) {
		var e *Error
		if errors.As(syntaxError(err), &e) {
			return e
		}
		return errorf(NotJSON, under, "not JSON")
	}
	at := plainField(under + string(s.JSONPointer))
	var own *Error
	switch {
	case errors.As(s.Err, &own):
		return &Error{own.Code, at, own.Detail}
	case errors.Is(s.Err, json.ErrUnknownName):
		return errorf(UnknownField, at, "the fact has no such field")
	}
	return errorf(WrongType, at, "expected another JSON type")
}

var envelopePlan = planOf(reflect.TypeFor[Envelope]())

func (voc *Vocabulary) decodeEnvelope(value []byte) (*Event, entry, error) {
	event := &Event{}
	if err := json.Unmarshal(value, &event.Envelope, strict); err != nil {
		return nil, entry{}, fieldError(err, "")
	}
	e := &event.Envelope
	// The specification's version first: what another one means is unknown.
	if e.SpecVersion != "1.0" {
		return nil, entry{}, errorf(BadSpecVersion, "/specversion", "expected 1.0")
	}
	if err := envelopePlan.check(reflect.ValueOf(e).Elem(), ""); err != nil {
		return nil, entry{}, err
	}
	if err := e.check(); err != nil {
		return nil, entry{}, err
	}
	if e.Data.Kind() != '{' {
		return nil, entry{}, errorf(WrongType, "/data", "expected an object")
	}
	found, err := voc.find(e.Type)
	if err != nil {
		return nil, entry{}, err
	}
	if found.kind.shard {
		if rest, ok := strings.CutPrefix(e.Subject, "shard:"); !ok || !wholeNumber(rest) {
			return nil, entry{}, errorf(BadOrganization, "/subject", "a fact about a shard has the subject shard:N")
		}
	} else if !ValidOrganization(e.Subject) {
		return nil, entry{}, errOrganizationAt
	}
	event.Version = found.version
	return event, found, nil
}

var errOrganizationAt = errorf(BadOrganization, "/subject", "expected 1 to 64 of a-z 0-9 -")

func (voc *Vocabulary) decodeFact(event *Event, e entry) error {
	v := e.kind.versions[e.version-1]
	fact := v.make()
	if err := json.Unmarshal(event.Data, fact, strict); err != nil {
		own := fieldError(err, "/data")
		if own.Code == UnknownField && own.Field == "/data/personal" {
			return errorf(PersonalInClear, own.Field, "personal data must not stand on the log in clear")
		}
		return own
	}
	if err := v.fields.check(reflect.ValueOf(fact).Elem(), "/data"); err != nil {
		return err
	}
	if c, ok := v.fields.currency(reflect.ValueOf(fact).Elem()); ok && !slices.Contains(voc.currencies, c) {
		return errorf(UnknownCurrency, "/data/currency", "not a currency that the ledger knows")
	}
	if err := fact.check(); err != nil {
		return err
	}
	if err := checkSealed(event.Data); err != nil {
		return err
	}
	for n := e.version; n < voc.newest[e.kind.name]; n++ {
		next, err := e.kind.versions[n-1].upcast(fact)
		if err != nil {
			return errorf(BadValue, "/data", "cannot be read as version %d", n+1)
		}
		fact = next
	}
	event.Fact = fact
	return nil
}

// checkSealed looks at data.sealed once more where there is one: a person, and
// an object of field names and ciphertext. Which of the person's keys sealed a
// field is the text's to say: intake's choice may change, what is on the log
// does not.
func checkSealed(data jsontext.Value) error {
	if !bytes.Contains(data, []byte(`"sealed"`)) { // canonical, so in no other spelling
		return nil
	}
	var d struct {
		Person ID                `json:"person"`
		Sealed map[string]string `json:"sealed"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return fieldError(err, "/data")
	}
	if d.Sealed == nil { // the name stands elsewhere
		return nil
	}
	return checkSealedFields(d.Person, d.Sealed)
}

func checkSealedFields(person ID, sealed map[string]string) error {
	switch {
	case person == "":
		return errorf(PersonMissing, "/data/person", "sealed fields need the opaque id of their person")
	case len(sealed) == 0 || len(sealed) > MaxPersonalFields:
		return errorf(BadValue, "/data/sealed", "expected 1 to %d fields, or none at all", MaxPersonalFields)
	}
	for name, text := range sealed {
		if !validWord(name) || !validCipher(text, Identity) && !validCipher(text, Contact) {
			return errorf(BadValue, "/data/sealed", "expected field names of a-z 0-9 _ and sealed text")
		}
	}
	return nil
}

// Canonical rewrites a JSON value in RFC 8785 form, in place where it can.
func Canonical(value []byte) ([]byte, error) {
	v := jsontext.Value(value)
	if err := v.Canonicalize(); err != nil {
		return nil, syntaxError(err)
	}
	return v, nil
}

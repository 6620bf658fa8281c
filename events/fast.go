package events

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"socho/internal/money"
	"socho/internal/refcode"
)

// Decode twice over: fast reads what is on the log as intake writes it, in one
// pass over the bytes; what it does not understand, for whatever reason, is
// read again by the codec proper, which also knows why it is no event. fast may
// refuse anything; what it takes, the codec takes as well and reads the same
// out of it. A fuzz test holds it to that.
//
// Its strings are all parts of one copy of the value. Who keeps one for long
// clones it.

// validators say of each type of text what UnmarshalText accepts.
var validators = map[reflect.Type]func(string) bool{
	reflect.TypeFor[Organization](): ValidOrganization,
	reflect.TypeFor[ID]():           ValidID,
	reflect.TypeFor[Date]():         validDate,
	reflect.TypeFor[Period]():       validPeriod,
	reflect.TypeFor[Unit]():         validUnit,
	reflect.TypeFor[Decimal]():      func(s string) bool { return money.CheckDecimal(s) == nil },
	reflect.TypeFor[Balance]():      func(s string) bool { return checkBalance(s) == nil },
	reflect.TypeFor[Word]():         validWord,
	reflect.TypeFor[Label]():        validLabel,
	reflect.TypeFor[URI]():          validURI,
	reflect.TypeFor[Reference]():    refcode.WellFormed,
	reflect.TypeFor[BIN]():          validBIN,
	reflect.TypeFor[Account]():      validAccount,
	reflect.TypeFor[PayoutID]():     validPayoutID,
	reflect.TypeFor[Digest]():       validDigest,
	reflect.TypeFor[Pointer]():      validPointer,
	reflect.TypeFor[EventID]():      validEventID,
	reflect.TypeFor[Path]():         ValidPath,
	reflect.TypeFor[Cipher]():       validInput,
	reflect.TypeFor[Time]():         validTime,
	// Read as plain text, and checked by what knows more.
	reflect.TypeFor[money.Currency](): func(s string) bool { return s != "" },
	reflect.TypeFor[string]():         func(s string) bool { return s != "" },
}

// form is how a struct is read: its members in the order of their names, which
// is that of canonical JSON.
type form struct {
	members []member
	data    int // the member that is an event's data; -1 of a fact
}

// member is one field and all that it must hold to by itself.
type member struct {
	name     string // with its quotes and colon, as it stands in the text
	index    []int
	optional bool
	valid    func(string) bool // of a text
	set      []string
	opaque   bool
	bounds   *bounds // of a *Count
	items    *form   // of a list of structs
	sealed   bool    // of a map of texts
}

// formOf works out how a struct is read, and nil where it has a field of a type
// that only the codec proper reads.
func formOf(t reflect.Type) *form {
	f := &form{data: -1}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || name == "" || name == "-" {
			continue
		}
		m := member{name: `"` + name + `":`, index: field.Index, optional: strings.Contains(options, "omitzero"),
			opaque: field.Tag.Get("holds") == "opaque", bounds: boundsOf(field.Tag.Get("within"))}
		if set := field.Tag.Get("in"); set != "" {
			m.set = strings.Split(set, ",")
		}
		switch {
		case validators[field.Type] != nil:
			m.valid = validators[field.Type]
		case field.Type == reflect.TypeFor[*Count]():
		case field.Type == reflect.TypeFor[map[string]string]():
			m.sealed = true
		case field.Type == reflect.TypeFor[jsontext.Value]():
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			if m.items = formOf(field.Type.Elem()); m.items == nil {
				return nil
			}
		default:
			return nil
		}
		f.members = append(f.members, m)
	}
	slices.SortFunc(f.members, func(a, b member) int { return strings.Compare(bare(a.name), bare(b.name)) })
	for i := range f.members {
		if f.members[i].name == `"data":` && t == reflect.TypeFor[Envelope]() {
			f.data = i
		}
	}
	return f
}

func bare(name string) string { return strings.Trim(name, `":`) }

var envelopeForm = formOf(reflect.TypeFor[Envelope]())

// fast decodes a value, or returns nil.
func (voc *Vocabulary) fast(value []byte) *Event {
	const before = `,"type":"`
	if len(value) == 0 || len(value) > MaxEventBytes {
		return nil
	}
	r := reader{text: string(value)}
	// The type stands last, and says how data is read, which stands first.
	at := strings.LastIndex(r.text, before)
	if at < 0 || !strings.HasSuffix(r.text, `"}`) {
		return nil
	}
	name := r.text[at+len(before) : max(len(r.text)-2, at+len(before))]
	found, ok := voc.types[name]
	if !ok {
		return nil
	}
	v := found.kind.versions[found.version-1]
	if v.form == nil {
		return nil
	}
	event, fact := &Event{Version: found.version}, v.make()
	r.fact, r.factForm = reflect.ValueOf(fact).Elem(), v.form
	if !r.object(envelopeForm, reflect.ValueOf(&event.Envelope).Elem()) || r.at != len(r.text) {
		return nil
	}
	e := &event.Envelope
	if e.SpecVersion != "1.0" || e.Type != name || e.check() != nil {
		return nil
	}
	if found.kind.shard {
		if rest, ok := strings.CutPrefix(e.Subject, "shard:"); !ok || !wholeNumber(rest) {
			return nil
		}
	} else if !ValidOrganization(e.Subject) {
		return nil
	}
	if c, ok := v.fields.currency(r.fact); ok && !slices.Contains(voc.currencies, c) {
		return nil
	}
	if fact.check() != nil {
		return nil
	}
	if r.sealed != nil {
		person := r.fact.FieldByName("Person")
		if !person.IsValid() || checkSealedFields(ID(person.String()), r.sealed) != nil {
			return nil
		}
	}
	for n := found.version; n < voc.newest[found.kind.name]; n++ {
		next, err := found.kind.versions[n-1].upcast(fact)
		if err != nil {
			return nil
		}
		fact = next
	}
	event.Fact = fact
	return event
}

// reader goes over a text once.
type reader struct {
	text     string
	at       int
	fact     reflect.Value // that data is read into
	factForm *form
	sealed   map[string]string // of the fact, where it has any
}

func (r *reader) take(b byte) bool {
	if r.at < len(r.text) && r.text[r.at] == b {
		r.at++
		return true
	}
	return false
}

// object reads one object into a struct. Its names are known and stand in
// order, each once, so that no other spelling of it gets through.
func (r *reader) object(f *form, into reflect.Value) bool {
	if !r.take('{') {
		return false
	}
	next, first := 0, true
	for !r.take('}') {
		if !first && !r.take(',') {
			return false
		}
		first = false
		for next < len(f.members) && !strings.HasPrefix(r.text[r.at:], f.members[next].name) {
			if !f.members[next].optional {
				return false
			}
			next++
		}
		if next == len(f.members) {
			return false
		}
		m := &f.members[next]
		r.at += len(m.name)
		if !r.member(m, into, next == f.data) {
			return false
		}
		next++
	}
	for ; next < len(f.members); next++ {
		if !f.members[next].optional {
			return false
		}
	}
	return true
}

func (r *reader) member(m *member, into reflect.Value, data bool) bool {
	switch {
	case data:
		from := r.at
		if !r.object(r.factForm, r.fact) {
			return false
		}
		into.FieldByIndex(m.index).SetBytes([]byte(r.text[from:r.at]))
		return true
	case m.valid != nil:
		s, ok := r.str()
		if !ok || !m.valid(s) || m.opaque && !Opaque(s) || m.set != nil && !slices.Contains(m.set, s) {
			return false
		}
		into.FieldByIndex(m.index).SetString(s)
		return true
	case m.items != nil:
		return r.list(m.items, into.FieldByIndex(m.index))
	case m.sealed:
		return r.texts(into.FieldByIndex(m.index))
	}
	n, ok := r.count()
	if !ok || m.bounds != nil && (n < m.bounds.least || n > m.bounds.most) {
		return false
	}
	into.FieldByIndex(m.index).Set(reflect.ValueOf(&n))
	return true
}

// str reads a text without escapes.
func (r *reader) str() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	from, ascii := r.at, true
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			s := r.text[from:r.at]
			r.at++
			return s, ascii || utf8.ValidString(s)
		case c < 0x20 || c == '\\':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

func (r *reader) count() (n Count, ok bool) {
	from := r.at
	for r.at < len(r.text) && digit(r.text[r.at]) && r.at-from < 16 {
		n = n*10 + Count(r.text[r.at]-'0')
		r.at++
	}
	return n, r.at > from && n <= MaxCount && (r.text[from] != '0' || r.at == from+1)
}

// list reads a list of at least one object.
func (r *reader) list(f *form, into reflect.Value) bool {
	if !r.take('[') {
		return false
	}
	for n := 0; ; n++ {
		if r.take(']') {
			return n > 0
		}
		if n > 0 && !r.take(',') {
			return false
		}
		if n == into.Cap() {
			into.Grow(1)
		}
		into.SetLen(n + 1)
		into.Index(n).SetZero()
		if !r.object(f, into.Index(n)) {
			return false
		}
	}
}

// texts reads an object of texts, its names in order.
func (r *reader) texts(into reflect.Value) bool {
	if !r.take('{') {
		return false
	}
	all, last := map[string]string{}, ""
	for !r.take('}') {
		if len(all) > 0 && !r.take(',') {
			return false
		}
		name, ok := r.str()
		if !ok || !validWord(name) || name <= last || !r.take(':') {
			return false
		}
		text, ok := r.str()
		if !ok {
			return false
		}
		all[name], last = text, name
	}
	r.sealed = all
	into.Set(reflect.ValueOf(all))
	return true
}

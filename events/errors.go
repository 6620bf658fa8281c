package events

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Code says, for programs, why input is no event of the catalogue. Codes are
// part of the log (they enter the leaf of a malformed record): a code may be
// added, never renamed.
type Code string

// The codes of malformed input.
const (
	TooLarge          Code = "too_large"           // above 64 KiB (MaxEventBytes)
	BadUTF8           Code = "bad_utf8"            // not UTF-8, or an unpaired surrogate escape
	NotJSON           Code = "not_json"            // not a JSON object
	TrailingData      Code = "trailing_data"       // something behind the object
	DuplicateField    Code = "duplicate_field"     // a name twice in one object
	UnknownField      Code = "unknown_field"       // a name the type does not have
	MissingField      Code = "missing_field"       // a required name is absent or empty
	WrongType         Code = "wrong_type"          // a string where a number belongs, null, a fraction, …
	BadValue          Code = "bad_value"           // right type, but outside the field's set or bounds
	TooDeep           Code = "too_deep"            // nested beyond 6 levels (MaxDepth)
	BadDecimal        Code = "bad_decimal"         // an amount that is no plain decimal
	WrongScale        Code = "wrong_scale"         // an amount with other decimals than its currency has
	AmountTooLarge    Code = "amount_too_large"    // 10^15 minor units or more
	AmountZero        Code = "amount_zero"         // an amount must be above zero
	UnknownCurrency   Code = "unknown_currency"    // not a currency that the ledger knows
	BadOrganization   Code = "bad_organization"    // subject does not match [a-z0-9-]{1,64}
	UnknownEventType  Code = "unknown_type"        // no such fact
	UnknownVersion    Code = "unknown_version"     // the fact exists, this version does not
	BadSpecVersion    Code = "bad_spec_version"    // specversion is not 1.0
	PersonalInClear   Code = "personal_in_clear"   // data.personal on the log: something bypassed intake
	SealedByPublisher Code = "sealed_by_publisher" // data.sealed handed in: only intake seals
	PersonMissing     Code = "person_missing"      // data.personal without data.person
	NotCanonical      Code = "not_canonical"       // on the log, but not spelled in the one canonical way (RFC 8785)
	NoValue           Code = "no_value"            // a log record without a value (tombstone)
)

// Error is the one error of this package's codecs. Field is a JSON Pointer
// (RFC 6901) into the event; Detail never contains the offending value, which
// may be personal.
type Error struct {
	Code   Code
	Field  string
	Detail string
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " at " + e.Field
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// located is the error with no more of its place than may be shown to whoever
// handed the line in.
func located(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if plain := plainField(e.Field); plain != e.Field {
		return &Error{e.Code, plain, e.Detail}
	}
	return e
}

// SafeField keeps of a JSON Pointer the names of the catalogue and places in a
// list, and nothing below data.personal and data.sealed. Names in a bad line
// are the publisher's own, and one of them may be somebody's. What enters the
// log or a ledger's detail has passed through it.
func SafeField(pointer string) string {
	return cutField(pointer, func(name string) bool {
		return fieldNames()[name] || every(name, 1, 3, digit)
	})
}

// plainField keeps what can be a field's name at all.
func plainField(pointer string) string { return cutField(pointer, plainName) }

func cutField(pointer string, ok func(name string) bool) string {
	end := 0
	for end < len(pointer) && pointer[end] == '/' {
		name, _, _ := strings.Cut(pointer[end+1:], "/")
		if !ok(name) || end+1+len(name) > 200 {
			break
		}
		end += 1 + len(name)
		if at := pointer[:end]; at == "/data/personal" || at == "/data/sealed" {
			break
		}
	}
	return pointer[:end]
}

// fieldNames is every name that an event can have outside data.personal.
var fieldNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{"personal": true}
	var add func(*plan)
	add = func(p *plan) {
		for _, name := range p.names {
			names[name] = true
		}
		for _, d := range p.demands {
			if d.items != nil {
				add(d.items)
			}
		}
	}
	add(envelopePlan)
	for _, e := range Whole.types {
		add(e.kind.versions[e.version-1].fields)
	}
	return names
})

// plainName accepts what validWord does, with at most three digits.
func plainName(s string) bool {
	digits := 0
	for i := range len(s) {
		if digit(s[i]) {
			digits++
		}
	}
	return digits <= 3 && validWord(s)
}

func errorf(code Code, field, format string, args ...any) *Error {
	return &Error{code, field, fmt.Sprintf(format, args...)}
}

package events

import "fmt"

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

func errorf(code Code, field, format string, args ...any) *Error {
	return &Error{code, field, fmt.Sprintf(format, args...)}
}

package events

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"socho/internal/money"
	"socho/internal/refcode"
)

// The types of fields. Each reads itself from a JSON string and refuses what
// is outside its set, so that a fact in memory is a fact well-formed.

// Organization names a market board, school, programme fund or province
// office: [a-z0-9-]{1,64}. It is the Kafka key of everything it owns.
type Organization string

// ID is an opaque identifier given by the publisher: 1–64 characters of
// A–Z a–z 0–9 . _ -. Never a name, number or account of a person.
type ID string

// Date is a calendar day in UTC+7, YYYY-MM-DD, years 2000–2199.
type Date string

// Period is a calendar month, YYYY-MM.
type Period string

// Unit is an administrative unit's code: two digits for a province, five for
// a commune (General Statistics Office numbering).
type Unit string

// Decimal is an amount as written: checked for spelling here, for scale and
// bound together with its currency.
type Decimal string

// Balance is what an account holds: an amount that may be nothing, or negative with
// a sign before it, as written.
type Balance string

// Word is a short code from a publisher's own list (a fee item, a reason, a
// programme): 1–32 characters of a–z 0–9 _.
type Word string

// Label is a public text of at most 120 characters, such as the name of a
// market. Never a person's.
type Label string

// URI names the publisher, 1–256 characters of RFC 3986. Never a person's
// number or address.
type URI string

// Reference is an 11-character reference code with a valid check character,
// of any kind: those in use change, those on the log stay readable.
type Reference string

func every(s string, least, most int, ok func(byte) bool) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

// ValidOrganization reports whether s can be an organization's name.
func ValidOrganization(s string) bool {
	return every(s, 1, 64, func(c byte) bool { return lower(c) || digit(c) || c == '-' })
}

// ValidID reports whether s can be an opaque id.
func ValidID(s string) bool {
	return every(s, 1, 64, func(c byte) bool {
		return lower(c) || upper(c) || digit(c) || c == '.' || c == '_' || c == '-'
	})
}

// Opaque refuses ids that look like a phone, identity card (CMND), citizen
// number (CCCD), card or bank account: digits alone, 9 to 19 of them.
func Opaque(s string) bool { return !every(s, 9, 19, digit) }

func validWord(s string) bool {
	return every(s, 1, 32, func(c byte) bool { return lower(c) || digit(c) || c == '_' })
}

// validText accepts UTF-8 of at most `most` characters without control
// characters. NUL above all: PostgreSQL cannot store it, and one such record
// would block its shard.
func validText(s string, most int) bool {
	if s == "" || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029 || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func validURI(s string) bool {
	return every(s, 1, 256, func(c byte) bool {
		if lower(c) || upper(c) || digit(c) {
			return true
		}
		switch c {
		case '-', '.', '_', '~', ':', '/', '?', '#', '[', ']', '@', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', '%':
			return true
		}
		return false
	})
}

// Valid reports whether the text is a calendar day of the bounds.
func (d Date) Valid() bool {
	if len(d) != 10 || d < "2000" || d >= "2200" {
		return false
	}
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Valid reports whether the text is a month of the bounds.
func (p Period) Valid() bool { return Date(string(p) + "-01").Valid() }

// Of returns the month that the day lies in.
func (d Date) Period() Period { return Period(d[:7]) }

// End returns the last day of the month.
func (p Period) End() Date {
	t, err := time.Parse("2006-01", string(p))
	if err != nil {
		return ""
	}
	return Date(t.AddDate(0, 1, -1).Format(time.DateOnly))
}

// Previous returns the month before.
func (p Period) Previous() Period {
	t, err := time.Parse("2006-01", string(p))
	if err != nil {
		return ""
	}
	return Period(t.AddDate(0, -1, 0).Format("2006-01"))
}

var (
	errOrganization = errorf(BadOrganization, "", "expected 1 to 64 of a-z 0-9 -")
	errID           = errorf(BadValue, "", "expected an id: 1 to 64 of A-Z a-z 0-9 . _ -")
	errDate         = errorf(BadValue, "", "expected a calendar day YYYY-MM-DD between 2000 and 2199")
	errPeriod       = errorf(BadValue, "", "expected a month YYYY-MM")
	errUnit         = errorf(BadValue, "", "expected an administrative unit's code of 2 or 5 digits")
	errWord         = errorf(BadValue, "", "expected a code: 1 to 32 of a-z 0-9 _")
	errLabel        = errorf(BadValue, "", "expected 1 to 120 characters without control characters")
	errURI          = errorf(BadValue, "", "expected a URI of at most 256 characters")
	errReference    = errorf(BadValue, "", "expected a reference code of 11 characters whose check character holds")
	errBIN          = errorf(BadValue, "", "expected a bank identification number of 6 digits")
	errAccount      = errorf(BadValue, "", "expected an account number of 1 to 19 letters or digits")
)

func accept[T ~string](to *T, text []byte, ok func(string) bool, refusal *Error) error {
	s := string(text)
	if s == "" {
		return errorf(MissingField, "", "empty")
	}
	if !ok(s) {
		return refusal
	}
	*to = T(s)
	return nil
}

func (o *Organization) UnmarshalText(b []byte) error {
	return accept(o, b, ValidOrganization, errOrganization)
}
func (i *ID) UnmarshalText(b []byte) error     { return accept(i, b, ValidID, errID) }
func (d *Date) UnmarshalText(b []byte) error   { return accept(d, b, validDate, errDate) }
func (p *Period) UnmarshalText(b []byte) error { return accept(p, b, validPeriod, errPeriod) }
func (u *Unit) UnmarshalText(b []byte) error   { return accept(u, b, validUnit, errUnit) }

func validDate(s string) bool   { return Date(s).Valid() }
func validPeriod(s string) bool { return len(s) == 7 && Period(s).Valid() }
func validUnit(s string) bool   { return (len(s) == 2 || len(s) == 5) && every(s, 2, 5, digit) }

func (w *Word) UnmarshalText(b []byte) error  { return accept(w, b, validWord, errWord) }
func (l *Label) UnmarshalText(b []byte) error { return accept(l, b, validLabel, errLabel) }

func validLabel(s string) bool { return validText(s, 120) }

func (u *URI) UnmarshalText(b []byte) error { return accept(u, b, validURI, errURI) }
func (r *Reference) UnmarshalText(b []byte) error {
	return accept(r, b, refcode.WellFormed, errReference)
}
func (d *Decimal) UnmarshalText(b []byte) error {
	if err := money.CheckDecimal(string(b)); err != nil {
		return moneyError(err)
	}
	*d = Decimal(b)
	return nil
}

func (b *Balance) UnmarshalText(t []byte) error {
	if err := checkBalance(string(t)); err != nil {
		return moneyError(err)
	}
	*b = Balance(t)
	return nil
}

// checkBalance checks the spelling alone. Nothing has no sign.
func checkBalance(s string) error {
	amount, negative := strings.CutPrefix(s, "-")
	if negative && strings.Trim(amount, "0.") == "" {
		return &money.Error{Code: "bad_decimal", Detail: "nothing is neither positive nor negative"}
	}
	return money.CheckDecimal(amount)
}

// BIN is a bank's six-digit identification number in NAPAS' directory.
type BIN string

// Account is an institution's own account number, printed in its QR codes.
// A person's account is personal and never stands here.
type Account string

func (b *BIN) UnmarshalText(t []byte) error     { return accept(b, t, validBIN, errBIN) }
func (a *Account) UnmarshalText(t []byte) error { return accept(a, t, validAccount, errAccount) }

func validBIN(s string) bool { return every(s, 6, 6, digit) }
func validAccount(s string) bool {
	return every(s, 1, 19, func(c byte) bool { return lower(c) || upper(c) || digit(c) })
}

// amount joins a decimal and its currency. It is called by every fact's check,
// so that after decoding Money cannot fail.
func amount(d Decimal, c money.Currency, field string) error {
	a, err := money.Parse(string(d), c)
	if err != nil {
		e := moneyError(err)
		if e.Code == UnknownCurrency {
			field = "/data/currency"
		}
		e.Field = field
		return e
	}
	if a.IsZero() {
		return errorf(AmountZero, field, "an amount must be above zero")
	}
	return nil
}

// Money returns the exact amount. It is valid for decoded facts only.
func Money(d Decimal, c money.Currency) money.Amount {
	a, err := money.Parse(string(d), c)
	if err != nil {
		panic("events: amount was not checked: " + err.Error())
	}
	return a
}

// currency refuses one that is not known, where no amount is beside it.
func currency(c money.Currency) error {
	if _, known := c.Scale(); !known {
		return errorf(UnknownCurrency, "/data/currency", "")
	}
	return nil
}

// balance joins a balance and its currency, as amount does.
func balance(b Balance, c money.Currency, field string) error {
	err := amount(Decimal(strings.TrimPrefix(string(b), "-")), c, field)
	if e, ok := err.(*Error); ok && e.Code == AmountZero {
		return nil
	}
	return err
}

// Minor returns a balance in minor units. It is valid for decoded facts only.
func (b Balance) Minor(c money.Currency) int64 {
	amount, negative := strings.CutPrefix(string(b), "-")
	minor := Money(Decimal(amount), c).Minor()
	if negative {
		return -minor
	}
	return minor
}

func moneyError(err error) *Error {
	if e, ok := err.(*money.Error); ok {
		// The money package's codes are the same words; only a bad spelling's
		// detail is kept, which names a position and never the text.
		detail := ""
		if e.Code == "bad_decimal" || e.Code == "wrong_scale" {
			detail = e.Detail
		}
		return &Error{Code: Code(e.Code), Detail: detail}
	}
	return &Error{Code: BadDecimal}
}

// EventID is the publisher's identifier of one event: 1–64 characters without
// control characters, unique within its organization and source.
type EventID string

// PayoutID names a payout and is its EndToEndId at the bank: an ID of at most 35
// characters (ISO 20022 Max35Text).
type PayoutID string

var errPayoutID = errorf(BadValue, "", "expected an id of 1 to 35 of A-Z a-z 0-9 . _ -")

func (p *PayoutID) UnmarshalText(b []byte) error {
	return accept(p, b, validPayoutID, errPayoutID)
}

func validPayoutID(s string) bool { return len(s) <= 35 && ValidID(s) }

// Digest is a SHA-256 digest as 64 lower-case hexadecimal digits.
type Digest string

var errDigest = errorf(BadValue, "", "expected 64 lower-case hexadecimal digits")

func (d *Digest) UnmarshalText(b []byte) error { return accept(d, b, validDigest, errDigest) }

func validDigest(s string) bool {
	return every(s, 64, 64, func(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' })
}

// Pointer is a JSON Pointer (RFC 6901) of at most 200 printable ASCII
// characters.
type Pointer string

var errPointer = errorf(BadValue, "", "expected a JSON Pointer")

func (p *Pointer) UnmarshalText(b []byte) error { return accept(p, b, validPointer, errPointer) }

func validPointer(s string) bool {
	return every(s, 1, 200, func(c byte) bool { return c > 0x20 && c < 0x7f }) && s[0] == '/'
}

// Path is an account within its organization: segments of an ID's characters
// joined by colons, at most 200 characters, none of them a number of somebody's.
type Path string

// Cipher is sealed text of input that could not be decoded: under the
// organization's key, or a person's contact key.
type Cipher string

// Count is a whole number from 0 to 2^53−1, the integers that every JSON
// reader keeps exact (RFC 8785).
type Count int64

// MaxCount bounds a Count.
const MaxCount Count = 1<<53 - 1

var (
	errEventID = errorf(BadValue, "", "expected 1 to 64 characters without control characters")
	errPath    = errorf(BadValue, "", "expected an account path: ids joined by colons")
	errCipher  = errorf(BadValue, "", "expected sealed text")
)

func (i *EventID) UnmarshalText(b []byte) error { return accept(i, b, validEventID, errEventID) }

func validEventID(s string) bool { return validText(s, 64) }

// ValidPath reports whether s is a well-formed account path.
func ValidPath(s string) bool {
	if len(s) > 200 {
		return false
	}
	for segment := range strings.SplitSeq(s, ":") {
		if !ValidID(segment) || !Opaque(segment) {
			return false
		}
	}
	return true
}

func (p *Path) UnmarshalText(b []byte) error { return accept(p, b, ValidPath, errPath) }

func (c *Cipher) UnmarshalText(b []byte) error { return accept(c, b, validInput, errCipher) }

func validInput(s string) bool { return validCipher(s, OfOrganization) || validCipher(s, Contact) }

// Bounds on sealed text: the class, "1." and base64url of at least the 16
// bytes of AES-SIV's tag.
const (
	minCipher = 3 + 22
	maxCipher = 2 * MaxEventBytes
)

// validCipher reports whether s is text sealed under a key of the class, in
// its one spelling: base64url without padding and without stray bits at the
// end. Clear text is hardly ever spelled so.
func validCipher(s string, class KeyClass) bool {
	if len(s) < minCipher || len(s) > maxCipher || s[0] != byte(class) || s[1:3] != "1." {
		return false
	}
	for i := 3; i < len(s); i++ {
		if sextet(s[i]) < 0 {
			return false
		}
	}
	last := sextet(s[len(s)-1])
	switch (len(s) - 3) % 4 {
	case 1:
		return false
	case 2:
		return last&0xf == 0
	case 3:
		return last&0x3 == 0
	}
	return true
}

// sextet is the value of a base64url digit, -1 where c is none.
func sextet(c byte) int {
	switch {
	case upper(c):
		return int(c - 'A')
	case lower(c):
		return int(c-'a') + 26
	case digit(c):
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return -1
}

func itoa(i int) string { return strconv.Itoa(i) }

// Time is the publisher's own time of the fact, RFC 3339 with a zone and at
// most microseconds. It decides nothing in the ledger.
type Time string

var errTime = errorf(BadValue, "", "expected a time such as 2026-09-30T08:15:00+07:00")

func (t *Time) UnmarshalText(b []byte) error { return accept(t, b, validTime, errTime) }

// validTime holds to RFC 3339 where time.Parse is lenient (a one-digit hour, a
// comma, zones beyond a day).
func validTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > len("2006-01-02T15:04:05.000000+07:00") {
		return false
	}
	day, clock, zone := s[:10], s[10:19], s[19:]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(fraction, "0123456789")
		if n := len(fraction) - len(zone); n < 1 || n > 6 {
			return false
		}
	}
	if zone != "Z" {
		if zone == "" || (zone[0] != '+' && zone[0] != '-') {
			return false
		}
		if _, err := time.Parse("15:04", zone[1:]); err != nil || len(zone) != 6 {
			return false
		}
	}
	_, err := time.Parse("T15:04:05", clock)
	return err == nil && clock[3] == ':' && Date(day).Valid()
}

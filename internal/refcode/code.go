package refcode

import (
	"errors"
	"strings"
)

// Code is one well-formed reference code: eleven characters whose check
// character holds. A Code that did not come from this package's functions
// (a cast, a database column) has to go through Parse first.
type Code string

// Prefix is the first part of a code and says what kind of thing is paid.
type Prefix string

// The prefixes in use. More may come; a new one is added here and to prefixes.
const (
	HP Prefix = "HP" // học phí: school fee; the period is a school year
	CH Prefix = "CH" // chợ: market fee; the period is a month
	VE Prefix = "VE" // vé: ticket or service fee; the period is a month
	BT Prefix = "BT" // bán trú: boarding meals; the period is a month
)

var prefixes = [...]Prefix{HP, CH, VE, BT}

// Length is the number of characters of a code.
const Length = 11

// Where the parts of a code begin.
const (
	periodAt = 2
	drawAt   = 6
	checkAt  = 10
)

// drawAlphabet holds the 32 characters of RRRR: no I, L, O or U, because people
// read those as 1, 1, 0 and V. Thirty-two makes each character exactly 5 bits.
const drawAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// What Parse and New say is wrong. None of them repeats the text it was given,
// so that a transfer's content never reaches a log by way of an error.
var (
	ErrLength    = errors.New("refcode: a reference code has 11 characters")
	ErrPrefix    = errors.New("refcode: the prefix is not one of HP, CH, VE, BT")
	ErrPeriod    = errors.New("refcode: the period must be a school year (2526) for HP, YYMM (2609) otherwise")
	ErrCharacter = errors.New("refcode: characters 7 to 10 must be digits or capital letters other than I, L, O, U")
	ErrCheck     = errors.New("refcode: the check character does not hold")
)

// Parse takes s as a code exactly as it is stored and printed without blanks:
// capital letters, no blanks, no hyphens. Use Find for what people and banks
// write. The period is only asked to be four digits, since a code once issued
// stays readable whatever rules later periods follow.
//
// The errors are ErrLength, ErrPrefix, ErrPeriod, ErrCharacter and ErrCheck. A
// check character of I, L, O or U is refused with ErrCheck, because no such
// code was ever issued.
func Parse(s string) (Code, error) {
	switch {
	case len(s) != Length:
		return "", ErrLength
	case !knownPrefix(s[:periodAt]):
		return "", ErrPrefix
	case !allIn(s[periodAt:drawAt], "0123456789"):
		return "", ErrPeriod
	case !allIn(s[drawAt:checkAt], drawAlphabet):
		return "", ErrCharacter
	case !issuable(s[checkAt]) || Check(s[:checkAt]) != s[checkAt]:
		return "", ErrCheck
	}
	return Code(s), nil
}

// WellFormed is Parse for codes that are on record: whatever two capital
// letters begin them, since kinds come and go.
func WellFormed(s string) bool {
	return len(s) == Length && allIn(s[:periodAt], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && allIn(s[periodAt:drawAt], "0123456789") &&
		allIn(s[drawAt:checkAt], drawAlphabet) && issuable(s[checkAt]) && Check(s[:checkAt]) == s[checkAt]
}

// Prefix returns the first two characters. It panics on a Code that Parse would
// refuse for its length.
func (c Code) Prefix() Prefix { return Prefix(c[:periodAt]) }

// Period returns DDDD: the school year for HP, year and month otherwise.
func (c Code) Period() string { return string(c[periodAt:drawAt]) }

// Printed returns the code in groups, as it stands on slips and stall cards:
// "HP 2526 YK2Y 6". Find reads that form as well, so it may be typed as printed.
func (c Code) Printed() string {
	s := string(c)
	return s[:periodAt] + " " + s[periodAt:drawAt] + " " + s[drawAt:checkAt] + " " + s[checkAt:]
}

// Check returns the ISO 7064 MOD 37,36 check character of body, one of
// 0–9 and A–Z; Check("HP2526YK2Y") is '6'. It returns 0 when body is empty or
// holds anything but digits and capital letters.
//
// The hybrid system of ISO/IEC 7064:2003 (clause 9) carries a product p through
// the body: add the character's value modulo 36, double modulo 37. A remainder
// of 0 counts as 36, which keeps p inside 1–36 and the map one-to-one: that is
// why no single substitution goes unseen.
func Check(body string) byte {
	if body == "" {
		return 0
	}
	p := 36
	for i := range len(body) {
		v := value(body[i])
		if v < 0 {
			return 0
		}
		s := (p + v) % 36
		if s == 0 {
			s = 36
		}
		p = 2 * s % 37
	}
	// p is never 0 here (2s mod 37 with 1 ≤ s ≤ 36), so 37-p lies in 1–36.
	return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(37-p)%36]
}

// value is the character's value in ISO 7064's alphanumeric set, -1 for others.
func value(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'A' <= b && b <= 'Z':
		return int(b-'A') + 10
	}
	return -1
}

// issuable reports whether a check character may end a code: the same letters
// that RRRR avoids are avoided here, by never issuing such a body.
func issuable(check byte) bool {
	return check != 0 && strings.IndexByte(drawAlphabet, check) >= 0
}

func knownPrefix(s string) bool {
	for _, p := range prefixes {
		if string(p) == s {
			return true
		}
	}
	return false
}

func allIn(s, alphabet string) bool {
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}

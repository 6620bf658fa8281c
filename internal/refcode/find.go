package refcode

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Find returns every well-formed code in text, in the order in which they stand
// there, each once. Text is what a bank reports as a transfer's content: wrapped
// in the bank's own words, broken over lines, stripped of diacritics or not.
//
// Diacritics are dropped (đ becomes d), letters raised to capitals, and every
// character outside A–Z and 0–9 removed; then each position is tested. Removing
// everything between glues neighbouring words together, which is wanted: bank
// exports break a code about every 40 characters. The price is small, since what
// comes to look like a code by accident must also hold the check character and
// then be an open bill before anything matches. No character is corrected: O for
// 0 or S for 5 is not a code, and such a line goes to a person.
//
// The time taken is linear in the length of text.
func Find(text string) []Code {
	letters := plain(text)
	var found []Code
	var seen map[Code]bool // made with the first code: most lines hold none
	for at := 0; at+Length <= len(letters); at++ {
		// Cheap refusal first: nearly every position ends here, on its first two bytes.
		if !knownPrefix(string(letters[at : at+periodAt])) {
			continue
		}
		code, err := Parse(string(letters[at : at+Length]))
		if err != nil || seen[code] {
			continue
		}
		if seen == nil {
			seen = make(map[Code]bool)
		}
		seen[code] = true
		found = append(found, code)
	}
	return found
}

// plain reduces text to the capital letters and digits in it.
func plain(text string) []byte {
	out := make([]byte, 0, len(text))
	if !ascii(text) {
		// Canonical decomposition splits ế into e and two marks, and the marks fall
		// away below. Compatibility decomposition is not used: it would turn ① or a
		// full-width digit into a digit, which is a correction.
		text = norm.NFD.String(text)
	}
	for _, r := range text {
		if r == 'đ' || r == 'Đ' { // a letter of its own: no decomposition leads to d
			r = 'D'
		} else if r >= utf8.RuneSelf || 'a' <= r && r <= 'z' {
			r = unicode.ToUpper(r)
		}
		if '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' {
			out = append(out, byte(r))
		}
	}
	return out
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

package qr

import "unicode/utf8"

// object is one data object: two digits of identifier, two digits of length, and
// a value of that many characters.
type object struct {
	id    string
	value string
}

// objects are the data objects of one template, or of the root, in the order in
// which they stand.
type objects []object

// get returns the value under id, or "" when it is not there. The two cannot be
// confused: a length of 00 does not split, so every value has a character.
func (list objects) get(id string) string {
	for i := range list {
		if list[i].id == id {
			return list[i].value
		}
	}
	return ""
}

// duplicate reports whether an identifier stands twice. Which of the two values
// counts would be a reader's choice, and a payer's application might choose
// otherwise than ours: so the whole payload is refused (EMVCo 3.2).
func (list objects) duplicate() bool {
	var seen [100]bool
	for i := range list {
		n := int(list[i].id[0]-'0')*10 + int(list[i].id[1]-'0')
		if seen[n] {
			return true
		}
		seen[n] = true
	}
	return false
}

// split cuts s into objects until s is used up, and names what stops it
// otherwise. In the root (root true) nothing may stand behind the checksum, 63:
// that is told apart because blanks behind a pasted payload are so common.
//
// Lengths count characters, never bytes (NAPAS 5.1). For a payload in the EMV
// common set that is the same; for one with Vietnamese letters it decides
// whether the text splits at all, and software that counted bytes is refused.
func split(s string, root bool) (list objects, fault string) {
	list = make(objects, 0, 16)
	for s != "" {
		header, rest, enough := cut(s, 4)
		switch {
		case !enough:
			return list, FaultTruncated
		case !digits(prefix(header, 2)):
			return list, FaultBadID
		case !digits(header[2:]): // the first two are digits, so byte 2 begins the length
			return list, FaultBadLength
		}
		length := int(header[2]-'0')*10 + int(header[3]-'0')
		if length == 0 {
			// Kept in the list with its empty value: the warning for an empty 62 needs
			// to know which object it was. Nobody reads values of a list with a fault.
			return append(list, object{id: header[:2]}), FaultZeroLength
		}
		value, behind, enough := cut(rest, length)
		if !enough {
			return list, FaultOverrun
		}
		list = append(list, object{id: header[:2], value: value})
		if root && header[:2] == "63" && behind != "" {
			return list, FaultTrailingData
		}
		s = behind
	}
	return list, ""
}

// cut takes n characters off the front of s, or reports that there are not as
// many. An invalid byte counts as one character, as it does for range loops and
// for whoever reads the text after a lossy conversion.
func cut(s string, n int) (head, tail string, ok bool) {
	at := 0
	for ; n > 0; n-- {
		if at == len(s) {
			return "", "", false
		}
		if s[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return s[:at], s[at:], true
}

// lastCharacters returns the last n characters of s, or false when s is shorter.
func lastCharacters(s string, n int) (string, bool) {
	at := len(s)
	for ; n > 0; n-- {
		if at == 0 {
			return "", false
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return s[at:], true
}

// prefix returns the first n bytes of s, or all of it.
func prefix(s string, n int) string {
	if len(s) < n {
		return s
	}
	return s[:n]
}

// characters counts as lengths do.
func characters(s string) int { return utf8.RuneCountInString(s) }

// digits reports whether s consists of the digits 0 to 9 and is not empty. Other
// scripts' digits are not digits here.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// lettersOrDigits is what an account number may consist of.
func lettersOrDigits(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !('0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z') {
			return false
		}
	}
	return s != ""
}

// printable reports whether s is in the EMV common character set, the printable
// ASCII characters from blank to tilde.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

package qr

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold turns Vietnamese text into the EMV common character set, the printable
// ASCII characters: tones and marks are dropped, đ becomes d, typographic dashes
// and quotation marks become plain ones, and whatever remains outside the set is
// removed. Runs of blanks and line breaks become one blank, and none is left at
// either end. Fold("Ban quản lý chợ Mẫu") is "Ban quan ly cho Mau".
//
// NAPAS 5.1 leaves no room for diacritics: a bank's core system would mangle them
// in ways of its own, so we drop them in one known way.
func Fold(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	blank := false // a blank is owed before the next character
	for _, r := range norm.NFD.String(text) {
		switch r {
		case 'đ':
			r = 'd'
		case 'Đ':
			r = 'D'
		case '‐', '‑', '‒', '–', '—', '−':
			r = '-'
		case '‘', '’', 'ʼ':
			r = '\''
		case '“', '”':
			r = '"'
		}
		if unicode.IsSpace(r) {
			blank = true
			continue
		}
		if r <= ' ' || r > '~' {
			continue // a mark split off its letter, a control character, another script
		}
		if blank && out.Len() > 0 {
			out.WriteByte(' ')
		}
		blank = false
		out.WriteByte(byte(r))
	}
	return out.String()
}

// cutAtWord shortens folded text to at most limit characters, at the end of a
// word if there is one: half a word in a transfer's content reads as a mistake,
// half a reference code is one.
func cutAtWord(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	if text[limit] != ' ' { // the cut falls inside a word: go back to where it began
		if at := strings.LastIndexByte(text[:limit], ' '); at > 0 {
			return text[:at]
		}
	}
	return strings.TrimRight(text[:limit], " ")
}

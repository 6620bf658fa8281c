package reconcile

import (
	"strings"
	"unicode"
)

const (
	nameLeast = 3 // words of a name that is looked for in a text
	namesMost = 12
)

// notNames are words of transfer contents that stand in no name.
var notNames = map[string]bool{"NOP": true, "HOC": true, "PHI": true, "TIEN": true, "CHO": true, "LOP": true, "THANG": true, "CK": true, "CHUYEN": true, "KHOAN": true,
	"TU": true, "TOI": true, "CT": true, "QUAY": true, "DONG": true, "TRA": true, "ND": true, "DEN": true, "TAI": true, "NAPAS": true, "CON": true, "CHAU": true, "EM": true, "HOCPHI": true}

// Names are what may be a person's name in a line: the payer's, and runs of three
// and four words of the text that no code or word of banks breaks. They are only
// to be looked for, never kept.
func Names(payer, content string) (found []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !seen[name] && len(found) < namesMost {
			seen[name] = true
			found = append(found, name)
		}
	}
	if words := tokens(payer); len(words) >= 2 {
		add(strings.Join(words, " "))
	}
	var run []string
	flush := func() {
		for _, width := range []int{nameLeast + 1, nameLeast} {
			for from := 0; from+width <= len(run); from++ {
				add(strings.Join(run[from:from+width], " "))
			}
		}
		run = nil
	}
	for _, word := range tokens(content) {
		if notNames[word] || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
			flush()
			continue
		}
		run = append(run, word)
	}
	flush()
	return found
}

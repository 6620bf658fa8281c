package bank

import (
	"slices"
	"strings"

	"socho/internal/refcode"
)

// Slip is a code that a text misses by one character, or whose tail it has lost.
type Slip struct {
	Code   refcode.Code
	Reason Reason
}

// Searched is a set of codes that texts are searched for, with one slip.
type Searched struct {
	all   []refcode.Code
	near  map[string][]int32 // what is left of a code without one of its characters → places in all
	heads map[string][]int32 // its first characters, from which on a cut code counts
}

// NewSearched indexes a set of codes. It holds a dozen short texts for each.
func NewSearched(codes []refcode.Code) *Searched {
	c := &Searched{all: codes, near: make(map[string][]int32, len(codes)*refcode.Length), heads: make(map[string][]int32, len(codes))}
	for i, code := range codes {
		at, text := int32(i), string(code)
		eachWithoutOne(text, func(rest string) { c.near[rest] = append(c.near[rest], at) })
		c.near[text] = append(c.near[text], at)
		if len(text) >= cutFrom {
			c.heads[text[:cutFrom]] = append(c.heads[text[:cutFrom]], at)
		}
	}
	return c
}

// Slips finds the codes that a text misses by one slip, sorted.
// What belongs to a code that stands there whole, of the set or not, is no slip of
// another that begins alike. The time taken grows with the length
// of the text alone: two texts that differ by one character, or by a swap of two
// neighbours, are the same without one character each.
func (c *Searched) Slips(text string) (found []Slip) {
	if len(c.all) == 0 {
		return nil
	}
	letters := withoutCodes(text)
	candidates := map[int32]bool{}
	note := func(rest string) {
		for _, at := range c.near[rest] {
			candidates[at] = true
		}
	}
	for from := range letters {
		for _, width := range [...]int{refcode.Length - 1, refcode.Length, refcode.Length + 1} {
			if from+width > len(letters) {
				break
			}
			window := letters[from : from+width]
			note(window)
			if width >= refcode.Length {
				eachWithoutOne(window, note)
			}
		}
		if from+cutFrom <= len(letters) {
			for _, at := range c.heads[letters[from:from+cutFrom]] {
				candidates[at] = true
			}
		}
	}
	for at := range candidates {
		code := string(c.all[at])
		if r := nearMiss(letters, code); r != "" {
			found = append(found, Slip{c.all[at], r})
		}
	}
	slices.SortFunc(found, func(a, b Slip) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return found
}

// withoutCodes folds a text and leaves a gap where a well-formed code stands.
func withoutCodes(text string) string {
	letters := Fold(text)
	for _, code := range refcode.Find(text) {
		letters = strings.ReplaceAll(letters, string(code), "|")
	}
	return letters
}

func eachWithoutOne(text string, visit func(string)) {
	for i := range text {
		visit(text[:i] + text[i+1:])
	}
}

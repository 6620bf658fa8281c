package events

import (
	"cmp"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// canonical reports whether a value that precheck has passed (an object without
// names that stand twice, with small whole numbers only) is spelled as RFC 8785
// has it: no space, the shortest escapes, names sorted by UTF-16 code units.
func canonical(value []byte) bool {
	c := scanner{text: value}
	return c.value() && c.at == len(value)
}

type scanner struct {
	text []byte
	at   int
}

// take steps over one byte where it is the one expected.
func (c *scanner) take(b byte) bool {
	if c.at < len(c.text) && c.text[c.at] == b {
		c.at++
		return true
	}
	return false
}

func (c *scanner) value() bool {
	switch {
	case c.at >= len(c.text):
		return false
	case c.text[c.at] == '{':
		return c.object()
	case c.text[c.at] == '"':
		return c.str()
	case c.take('['):
		for first := true; !c.take(']'); first = false {
			if (!first && !c.take(',')) || !c.value() {
				return false
			}
		}
		return true
	}
	from := c.at // a number or a literal, both of one spelling by now
	for c.at < len(c.text) && (digit(c.text[c.at]) || lower(c.text[c.at])) {
		c.at++
	}
	return c.at > from
}

func (c *scanner) object() bool {
	c.at++
	var last []byte
	for first := true; !c.take('}'); first = false {
		if !first && !c.take(',') {
			return false
		}
		from := c.at
		if !c.str() {
			return false
		}
		name := c.text[from:c.at]
		if (!first && compareNames(last, name) >= 0) || !c.take(':') || !c.value() {
			return false
		}
		last = name
	}
	return true
}

func (c *scanner) str() bool {
	if !c.take('"') {
		return false
	}
	for c.at < len(c.text) {
		b := c.text[c.at]
		c.at++
		switch {
		case b == '"':
			return true
		case b == '\\' && !c.escape():
			return false
		}
	}
	return false
}

// escape accepts the escapes that have no shorter spelling.
func (c *scanner) escape() bool {
	if c.at >= len(c.text) {
		return false
	}
	b := c.text[c.at]
	c.at++
	switch b {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		n, ok := hex4(c.text[c.at:])
		if !ok || n >= 0x20 || slices.Contains([]rune("\b\f\n\r\t"), n) {
			return false
		}
		if last := c.text[c.at+3]; upper(last) {
			return false
		}
		c.at += 4
		return true
	}
	return false
}

// compareNames compares two quoted names by UTF-16 code units.
func compareNames(a, b []byte) int {
	plain := func(s []byte) bool {
		for _, c := range s {
			if c >= utf8.RuneSelf || c == '\\' {
				return false
			}
		}
		return true
	}
	if plain(a) && plain(b) {
		// Without the quotes: the shorter of two names comes first.
		return slices.Compare(a[1:len(a)-1], b[1:len(b)-1])
	}
	units := func(s []byte) []uint16 {
		clear, err := jsontext.AppendUnquote(nil, s)
		if err != nil {
			return nil
		}
		return utf16.Encode([]rune(string(clear)))
	}
	return slices.CompareFunc(units(a), units(b), cmp.Compare[uint16])
}

// hex4 reads the four digits of a \u escape.
func hex4(s []byte) (n rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case digit(c):
			n = n<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// loneSurrogate reports whether an escape in a string is half of a surrogate
// pair without its other half. Where the text is no JSON, it looks as far as
// its quotes make strings.
func loneSurrogate(text []byte) bool {
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			inside = !inside
		case text[i] == '\\' && inside:
			i++ // the escaped character
			if i >= len(text) || text[i] != 'u' {
				continue
			}
			n, ok := hex4(text[i+1:])
			if !ok {
				continue // no JSON, which is another code
			}
			i += 4
			if !utf16.IsSurrogate(n) {
				continue
			}
			if rest := text[i+1:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
				if low, ok := hex4(rest[2:]); ok && utf16.DecodeRune(n, low) != utf8.RuneError {
					i += 6
					continue
				}
			}
			return true
		}
	}
	return false
}

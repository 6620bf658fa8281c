package bank

import (
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Fold reduces a text to its capital letters A–Z and digits: diacritics dropped,
// đ as d, everything else removed. Headings, contents and references are compared
// in this form.
func Fold(text string) string { return fold(text, false) }

// words is Fold with single blanks between words, in small letters.
func words(text string) string { return strings.ToLower(fold(text, true)) }

func fold(text string, blanks bool) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			text = norm.NFD.String(text)
			break
		}
	}
	for _, r := range text {
		switch {
		case r == 'đ' || r == 'Đ':
			r = 'D'
		case r >= utf8.RuneSelf:
			r = unicode.ToUpper(r)
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		}
		switch {
		case '0' <= r && r <= '9' || 'A' <= r && r <= 'Z':
			out = append(out, byte(r))
		case blanks && len(out) > 0 && out[len(out)-1] != ' ' && !unicode.Is(unicode.Mn, r):
			out = append(out, ' ')
		}
	}
	return string(bytes.TrimRight(out, " "))
}

// charset is how a text file is written down.
type charset struct {
	name    string // utf-8, utf-16le, utf-16be, windows-1258, windows-1252, ascii
	bom     int    // bytes to leave out at the beginning
	crlf    bool
	decoder func() transform.Transformer // nil for UTF-8 and ASCII
}

// String names the encoding for people: "utf-8 with BOM, CRLF".
func (c *charset) String() string {
	name := c.name
	if c.bom > 0 {
		name += " with BOM"
	}
	if c.crlf {
		name += ", CRLF"
	}
	return name
}

// reader decodes src to UTF-8. Windows-1258 writes a vowel and its tone as two
// characters; they are put together.
func (c *charset) reader(src io.Reader) (io.Reader, error) {
	if _, err := io.CopyN(io.Discard, src, int64(c.bom)); err != nil && err != io.EOF {
		return nil, err
	}
	if c.decoder == nil {
		return src, nil
	}
	decoded := transform.NewReader(src, c.decoder())
	if c.name == "windows-1258" {
		return norm.NFC.Reader(decoded), nil
	}
	return decoded, nil
}

// detectCharset reads all of src, since one byte near the end may decide: Unicode
// by its mark or by being valid; else Windows-1258, the one code page that holds
// Vietnamese, unless a byte stands where it cannot; then Windows-1252.
func detectCharset(src io.Reader) (*charset, error) {
	var (
		buffer          [64 << 10]byte
		held            int // bytes of a character that the last read cut through
		offset          int64
		valid, viet     = true, true
		beyondASCII     bool
		crlf, vowel     bool
		last            byte
		nulEven, nulOdd int
		errNUL          = refuse(0, "", "nul_byte", "a text file holds NUL bytes")
		marked          string // by a byte order mark
	)
	for {
		n, err := src.Read(buffer[held:])
		chunk, fresh := buffer[:held+n], buffer[held:held+n]
		if offset == 0 {
			switch {
			case bytes.HasPrefix(fresh, []byte("\xff\xfe")):
				return utf16Charset("utf-16le", 2), nil
			case bytes.HasPrefix(fresh, []byte("\xfe\xff")):
				return utf16Charset("utf-16be", 2), nil
			case bytes.HasPrefix(fresh, []byte("\xef\xbb\xbf")):
				marked = "utf-8"
			}
		}
		for i, b := range fresh {
			switch {
			case b == 0 && (offset+int64(i))%2 == 0:
				nulEven++
			case b == 0:
				nulOdd++
			case b == '\n' && last == '\r':
				crlf = true
			case b >= utf8.RuneSelf:
				beyondASCII = true
				viet = viet && possible1258(b, vowel)
			}
			vowel = vowels1258[b]
			last = b
		}
		offset += int64(n)
		// UTF-16 without its mark: every other byte of western text is NUL.
		switch {
		case nulOdd > 16 && nulEven == 0:
			return utf16Charset("utf-16le", 0), nil
		case nulEven > 16 && nulOdd == 0:
			return utf16Charset("utf-16be", 0), nil
		case nulEven > 16 || nulOdd > 16:
			return nil, errNUL
		}
		whole := len(chunk)
		if err == nil {
			for i := 1; i <= min(utf8.UTFMax-1, len(chunk)); i++ {
				if b := chunk[len(chunk)-i]; utf8.RuneStart(b) {
					if !utf8.FullRune(chunk[len(chunk)-i:]) {
						whole -= i
					}
					break
				}
			}
		}
		valid = valid && utf8.Valid(chunk[:whole])
		held = copy(buffer[:], chunk[whole:])
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	c := &charset{name: "ascii", crlf: crlf}
	switch {
	case nulEven+nulOdd > 0:
		return nil, errNUL
	case valid && marked != "":
		c.name, c.bom = marked, 3
	case valid && beyondASCII:
		c.name = "utf-8"
	case valid:
	case viet:
		c.name, c.decoder = "windows-1258", decoder(charmap.Windows1258)
	default:
		c.name, c.decoder = "windows-1252", decoder(charmap.Windows1252)
	}
	return c, nil
}

// vowels1258 are the letters that a tone mark may follow in Windows-1258.
var vowels1258 = func() (found [256]bool) {
	for _, b := range []byte("aeiouyAEIOUY\xc2\xc3\xca\xd4\xd5\xdd\xe2\xe3\xea\xf4\xf5\xfd") {
		found[b] = true
	}
	return found
}()

// possible1258 reports whether a byte may stand there in Windows-1258: tone marks
// behind a vowel alone, and some bytes nowhere.
func possible1258(b byte, afterVowel bool) bool {
	switch b {
	case 0xcc, 0xd2, 0xde, 0xec, 0xf2:
		return afterVowel
	case 0x8a, 0x8d, 0x8e, 0x8f, 0x90, 0x9a, 0x9d, 0x9e:
		return false
	}
	return true
}

func decoder(e encoding.Encoding) func() transform.Transformer {
	return func() transform.Transformer { return e.NewDecoder() }
}

func utf16Charset(name string, bom int) *charset {
	order := utf16.LittleEndian
	if name == "utf-16be" {
		order = utf16.BigEndian
	}
	return &charset{name: name, bom: bom, decoder: decoder(utf16.UTF16(order, utf16.IgnoreBOM))}
}

// latin1 is for formats of European banks, where Vietnamese is out of the question.
var latin1 = &charset{name: "windows-1252", decoder: decoder(charmap.Windows1252)}

package money

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ones are the digits as they are read out.
var ones = [...]string{"không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"}

// InWords reads whole đồng out in Vietnamese, as receipts and slips must say an
// amount: 1.234.005 is "Một triệu hai trăm ba mươi tư nghìn không trăm linh năm
// đồng". It panics below zero: no amount is.
func InWords(dong int64) string {
	if dong < 0 {
		panic("money: a negative amount has no words")
	}
	var words []string
	switch billions, rest := dong/1_000_000_000, dong%1_000_000_000; {
	case dong == 0:
		words = append(words, ones[0])
	case billions > 0:
		words = append(read(words, billions, false), "tỷ")
		words = read(words, rest, true)
	default:
		words = read(words, rest, false)
	}
	text := strings.Join(append(words, "đồng"), " ")
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// read reads a number out group by group; behind a larger group, each says its
// hundreds even where there are none.
func read(words []string, n int64, behind bool) []string {
	for _, group := range []struct {
		of   int64
		name string
	}{{1_000_000, "triệu"}, {1_000, "nghìn"}, {1, ""}} {
		value := n / group.of % 1000
		if value == 0 {
			continue
		}
		words = hundreds(words, value, behind)
		if group.name != "" {
			words = append(words, group.name)
		}
		behind = true
	}
	return words
}

// hundreds reads 1 to 999 out.
func hundreds(words []string, n int64, behind bool) []string {
	tens, unit := n/10%10, n%10
	if behind || n >= 100 {
		words = append(words, ones[n/100], "trăm")
	}
	switch {
	case tens == 0 && unit == 0:
		return words
	case tens == 0 && (behind || n >= 100):
		return append(words, "linh", ones[unit])
	case tens == 0:
		return append(words, ones[unit])
	case tens == 1:
		words = append(words, "mười")
	default:
		words = append(words, ones[tens], "mươi")
	}
	switch {
	case unit == 0:
		return words
	case unit == 5:
		return append(words, "lăm")
	case unit == 1 && tens > 1:
		return append(words, "mốt")
	case unit == 4 && tens > 1:
		return append(words, "tư")
	}
	return append(words, ones[unit])
}

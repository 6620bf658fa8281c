package refcode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// What New finds wrong beside the series' name.
var (
	// ErrRandom: the source of randomness fails, or keeps yielding bodies that may
	// not be issued, as a stuck source does.
	ErrRandom = errors.New("refcode: the source of randomness failed")
	// ErrFull: nearly all codes of this prefix and period are taken for the account.
	ErrFull = errors.New("refcode: this prefix and period have hardly a code left for this receiving account; bill the rest under the next period, or to another account")
)

// drawBits is the size of RRRR: four characters of five bits.
const drawBits = 20

// maxDraws bounds New's loops. About one body in nine is turned away, so a sound
// source practically never needs more than a handful of draws, a stuck one for ever.
const maxDraws = 64

// New issues a code for prefix and period, drawing RRRR from random, which must
// be a cryptographic source (crypto/rand.Reader): nobody shall be able to guess
// the code of somebody else's bill. taken says whether the receiving account has
// ever seen a code; New never returns one that it has. Between that question and
// the caller's own record another caller may be faster, so the record needs a
// constraint of its own, and a caller that runs into it calls again.
//
// A series holds some 925,000 codes, and free ones are met by drawing. With a
// tenth of them taken, one draw in ten is repeated; with half, every second one.
// Beyond nine tenths New begins to return ErrFull (one call in a thousand there,
// one in thirty at 95 percent), and that is meant: where most codes are open
// bills, a code typed wrong by two characters is too likely somebody's. A market
// of 1,000 stalls takes 1,000 a month.
//
// The errors are ErrPrefix, ErrPeriod, ErrRandom, ErrFull, and whatever taken
// returns.
func New(prefix Prefix, period string, random io.Reader, taken func(Code) (bool, error)) (Code, error) {
	if err := checkSeries(prefix, period); err != nil {
		return "", err
	}
	for range maxDraws {
		code, err := draw(prefix, period, random)
		if err != nil {
			return "", err
		}
		switch known, err := taken(code); {
		case err != nil:
			return "", err
		case !known:
			return code, nil
		}
	}
	return "", ErrFull
}

// draw makes a code that may be issued.
func draw(prefix Prefix, period string, random io.Reader) (Code, error) {
	for range maxDraws {
		var raw [4]byte
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return "", fmt.Errorf("%w: %w", ErrRandom, err)
		}
		// The low 20 bits of a uniform word are uniform: no modulo bias.
		if code, ok := seal(prefix, period, binary.BigEndian.Uint32(raw[:])&(1<<drawBits-1)); ok && !offensive(string(code[drawAt:])) {
			return code, nil
		}
	}
	return "", ErrRandom
}

// FromSeed returns the first code of Sequence: the same arguments always give
// the same code. It is for sample data and tests; codes of real bills come from
// New. Two seeds may meet in one code, so a caller that needs many takes them
// from one Sequence. It panics where New would return ErrPrefix or ErrPeriod.
func FromSeed(prefix Prefix, period string, seed []byte) Code {
	for code := range Sequence(prefix, period, seed) {
		return code
	}
	panic("refcode: a series without a single code") // unreachable: a series holds some 900,000
}

// Sequence yields every code that may be issued for prefix and period, each
// exactly once, in an order that depends on key alone and shows no pattern
// without it. It is for sample data, where codes must be distinct and
// reproducible. It panics where New would return ErrPrefix or ErrPeriod.
//
// The order is a four-round Feistel permutation of the 20-bit counter with
// HMAC-SHA-256 as its round function: a permutation needs no memory of what it
// has already given out, which drawing and discarding would.
func Sequence(prefix Prefix, period string, key []byte) iter.Seq[Code] {
	if err := checkSeries(prefix, period); err != nil {
		panic(err)
	}
	return func(yield func(Code) bool) {
		round := hmac.New(sha256.New, key)
		var sum [sha256.Size]byte
		for counter := range uint32(1 << drawBits) {
			left, right := counter>>10, counter&1023
			for i := range byte(4) {
				round.Reset()
				round.Write([]byte(prefix))
				round.Write([]byte(period))
				round.Write([]byte{i, byte(right >> 8), byte(right)})
				f := uint32(binary.BigEndian.Uint16(round.Sum(sum[:0]))) & 1023
				left, right = right, left^f
			}
			code, ok := seal(prefix, period, left<<10|right)
			if ok && !slices.ContainsFunc(sampleWords[:], func(w string) bool { return strings.Contains(string(code[drawAt:]), w) }) && !yield(code) {
				return
			}
		}
	}
}

// seal turns 20 bits into a code, or reports that this body is never issued.
func seal(prefix Prefix, period string, bits uint32) (Code, bool) {
	body := make([]byte, 0, Length)
	body = append(body, prefix...)
	body = append(body, period...)
	for shift := drawBits - 5; shift >= 0; shift -= 5 {
		body = append(body, drawAlphabet[bits>>shift&31])
	}
	check := Check(string(body))
	if !issuable(check) {
		return "", false
	}
	return Code(append(body, check)), true
}

// checkSeries is stricter than Parse: what is issued now must name a real
// school year or month.
func checkSeries(prefix Prefix, period string) error {
	if !knownPrefix(string(prefix)) {
		return ErrPrefix
	}
	if len(period) != 4 || !allIn(period, "0123456789") {
		return ErrPeriod
	}
	first := int(period[0]-'0')*10 + int(period[1]-'0')
	second := int(period[2]-'0')*10 + int(period[3]-'0')
	if prefix == HP {
		if second != (first+1)%100 { // a school year ends in the year after it began
			return ErrPeriod
		}
		return nil
	}
	if second < 1 || second > 12 {
		return ErrPeriod
	}
	return nil
}

// unwelcome lists what no slip handed to a parent or a trader shall show: coarse
// words and abbreviations in Vietnamese and English, hate groups, death. They are
// looked for anywhere in RRRR and C together, with digits read as the letters
// they stand in for. Turning away too many costs nothing; the list may grow
// without touching codes already issued.
var unwelcome = [...]string{
	"LON", "LOZ", "CAC", "CAK", "BUOI", "DIT", "DJT", "DEO", "DIEM", "CAVE", "NGU", "CHET", "DIE", "DUMA", "DITME",
	"DCM", "DKM", "DMM", "DMCS", "CMM", "CLM", "CLGT", "VCL", "VKL", "VCC", "VLON",
	"ASS", "FAG", "GAY", "SEX", "XXX", "CRAP", "DAMN", "FART", "ARSE", "TWAT", "SHIT", "FUC", "FUK", "FCK", "CUNT", "CUM", "COCK", "DICK",
	"TIT", "SLUT", "PISS", "PORN", "NUDE", "WTF", "BITCH", "RAPE", "DEAD", "HATE", "KILL", "KKK", "NAZI", "NIG", "SATAN", "HELL",
}

// sampleWords is what Sequence leaves out. It never changes, unlike the list
// above: sample data once published come out the same in every version.
var sampleWords = [...]string{
	"DCM", "DKM", "DMM", "CMM", "VCC", "CAC", "CAK", "CHET",
	"ASS", "A55", "FAG", "GAY", "SEX", "S3X", "XXX", "CRAP", "DAMN", "FART", "ARSE", "TWAT",
	"RAPE", "DEAD", "HATE", "KKK", "NAZ", "N4Z",
}

// readAs says which letters a character can be read as, a bit for each.
var readAs = func() (letters [256]uint32) {
	for _, pair := range []string{"0O", "1IL", "2Z", "3E", "4A", "5S", "6G", "7T", "8B", "9G", "JI", "VU"} {
		for _, letter := range pair[1:] {
			letters[pair[0]] |= 1 << (letter - 'A')
		}
	}
	for letter := range 26 {
		letters['A'+letter] |= 1 << letter
	}
	return letters
}()

// offensive reports whether drawn can be read as holding an unwelcome word.
func offensive(drawn string) bool {
	for _, word := range unwelcome {
		for at := 0; at+len(word) <= len(drawn); at++ {
			if reads(drawn[at:at+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// reads reports whether text can be read as word. Digits alone are a number,
// whatever they resemble.
func reads(text, word string) bool {
	number := true
	for i := range len(word) {
		if readAs[text[i]]>>(word[i]-'A')&1 == 0 {
			return false
		}
		number = number && text[i] <= '9'
	}
	return !number
}

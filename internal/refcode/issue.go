package refcode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// ErrRandom is returned by New when its source of randomness fails or keeps
// yielding bodies that may not be issued, as a stuck source does.
var ErrRandom = errors.New("refcode: the source of randomness failed")

// drawBits is the size of RRRR: four characters of five bits.
const drawBits = 20

// maxDraws bounds New's loop. About one body in nine is turned away, so a sound
// source practically never needs more than a handful of draws, a stuck one for ever.
const maxDraws = 64

// New issues a code for prefix and period, drawing RRRR from random, which must
// be a cryptographic source (crypto/rand.Reader): nobody shall be able to guess
// the code of somebody else's bill.
//
// RRRR holds 20 bits. With 1,000 codes of one prefix and period the next draw
// meets one of them once in about a thousand times, so the caller must keep
// issued codes unique for each receiving account (a constraint in its database)
// and draw again when told that a code is taken.
//
// The errors are ErrPrefix, ErrPeriod and ErrRandom.
func New(prefix Prefix, period string, random io.Reader) (Code, error) {
	if err := checkSeries(prefix, period); err != nil {
		return "", err
	}
	for range maxDraws {
		var raw [4]byte
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return "", fmt.Errorf("%w: %w", ErrRandom, err)
		}
		// The low 20 bits of a uniform word are uniform: no modulo bias.
		if code, ok := seal(prefix, period, binary.BigEndian.Uint32(raw[:])&(1<<drawBits-1)); ok {
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
			if code, ok := seal(prefix, period, left<<10|right); ok && !yield(code) {
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
	body = append(body, check)
	if offensive(string(body[drawAt:])) {
		return "", false
	}
	return Code(body), true
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
// words and abbreviations in Vietnamese and English that can be spelt without I,
// L, O and U, death, hate groups, and the digits that stand in for letters. Short
// ones are matched anywhere in RRRR and C together. Turning away too many costs
// nothing; the list may grow without touching codes already issued.
var unwelcome = [...]string{
	"DCM", "DKM", "DMM", "CMM", "VCC", "CAC", "CAK", "CHET",
	"ASS", "A55", "FAG", "GAY", "SEX", "S3X", "XXX", "CRAP", "DAMN", "FART", "ARSE", "TWAT",
	"RAPE", "DEAD", "HATE", "KKK", "NAZ", "N4Z",
}

func offensive(drawn string) bool {
	for _, word := range unwelcome {
		if strings.Contains(drawn, word) {
			return true
		}
	}
	return false
}

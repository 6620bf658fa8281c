package identity

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // common.txt, breached.txt.gz
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

// Bounds of passwords: OWASP ASVS 5.0, 6.2.1 (at least 8, 15 advised), 6.2.9
// (at least 64 allowed). There are no rules of composition (6.2.5), and none
// expires (6.2.10).
const (
	PasswordLeast   = 8   // characters
	PasswordAdvised = 15  // characters, what pages recommend
	PasswordMost    = 512 // bytes
)

const digits = "0123456789"

// common are passwords that are tried first, here and elsewhere, without
// anything but letters and digits: ASVS 6.2.4.
//
//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if word := strings.TrimSpace(line); word != "" && !strings.HasPrefix(word, "#") {
			found[word] = true
			if letters := strings.TrimRight(word, digits); len(letters) >= 5 {
				found[letters] = true
			}
		}
	}
	return found
})

// breached are passwords of eight characters and more that breaches elsewhere
// brought to light, in small letters; see NOTICE. ASVS 6.2.4, 6.2.12.
//
//go:embed breached.txt.gz
var breachedText []byte

var breached = sync.OnceValue(func() map[string]bool {
	z, err := gzip.NewReader(bytes.NewReader(breachedText))
	if err != nil {
		panic(err) // the file above is no gzip; every test would show it
	}
	found := map[string]bool{}
	for lines := bufio.NewScanner(z); lines.Scan(); {
		found[lines.Text()] = true
	}
	return found
})

// CheckPassword says whether a password is good enough for the user name.
// Errors: *PasswordError.
func CheckPassword(name, password string) error {
	text := norm.NFC.String(password)
	bare := plainLetters(text)
	switch {
	case utf8.RuneCountInString(text) < PasswordLeast:
		return &PasswordError{"short"}
	case len(text) > PasswordMost:
		return &PasswordError{"long"}
	case breached()[strings.ToLower(text)], breached()[bare], common()[bare], common()[strings.TrimRight(bare, digits)] && len(bare) < PasswordAdvised, oneLetter(text), oneLetter(bare):
		return &PasswordError{"common"}
	case len(name) >= 3 && strings.Contains(bare, plainLetters(name)):
		return &PasswordError{"name"}
	}
	return nil
}

// plainLetters drops case, diacritics and whatever is no letter or digit: what
// somebody who guesses would not let stop them.
func plainLetters(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'đ':
			return 'd'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r < utf8.RuneSelf || r >= 0x300 && r < 0x370: // punctuation, combining marks
			return -1
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

// oneLetter says that the text is one letter again and again, or none.
func oneLetter(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return !strings.ContainsFunc(text, func(r rune) bool { return r != first })
}

// cost is that of argon2id: OWASP's second choice, 19 MiB and two passes in one
// lane, about 30 ms here.
var cost = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodys is compared with where there is no account, so that a name that
// exists takes no longer than one that does not.
var nobodys = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash("nobody's", cost)
	if err != nil {
		panic(err) // the parameters above are wrong; every test would show it
	}
	return hash
})

// hasher computes a few hashes at a time: each takes 19 MiB, and sign-in must
// not be a way to make the machine run out of it.
type hasher chan struct{}

func (h hasher) enter(ctx context.Context) error {
	select {
	case h <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash returns the argon2id of a secret in PHC form. Text is composed first:
// keyboards disagree on how to write Vietnamese letters.
func (h hasher) hash(ctx context.Context, secret string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h }()
	return argon2id.CreateHash(norm.NFC.String(secret), cost)
}

// match compares a secret with a hash; with an empty one it does the same work
// and says no.
func (h hasher) match(ctx context.Context, secret, hash string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h }()
	if len(secret) > 2*PasswordMost {
		secret = "" // no password is so long; one that is empty matches none
	}
	against := hash
	if against == "" {
		against = nobodys()
	}
	ok, err := argon2id.ComparePasswordAndHash(norm.NFC.String(secret), against)
	return ok && hash != "" && secret != "", err
}

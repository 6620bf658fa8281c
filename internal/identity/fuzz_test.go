package identity_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"socho/internal/identity"
)

// What is read as a grant is written as it was read, and reaches no further than
// its text says.
func FuzzParseGrant(f *testing.F) {
	for _, text := range []string{"auditor@*", "trader@hg-cho/A12", "clerk@hg-quy/diem-1", "see.bills@hg-cho", "publish.events@*", "auditor@hg,x", "@", "trader@*/A", "auditor@hg-cho/a/b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (identity.Grant, error){identity.ParseGrant, identity.ParseScope} {
			g, err := parse(text)
			if err != nil {
				continue
			}
			if strings.TrimSuffix(text, "/") != g.String() {
				t.Errorf("%q is read as %q", text, g)
			}
			if strings.ContainsAny(g.Organization, ", '\"") || g.Role == "" && g.Right == "" || g.Right.NeedsStepUp() {
				t.Errorf("%q is read as %+v", text, g)
			}
		}
	})
}

// Whatever was typed, a good password is long enough and more than one letter.
func FuzzCheckPassword(f *testing.F) {
	for _, text := range []string{good, "matkhau123", "12345678", "\xff\xff\xff\xff\xff\xff\xff\xff", "ｐａｓｓｗｏｒｄ", "đđđđđđđđ", "        "} {
		f.Add("lan", text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		first, _ := utf8.DecodeRuneInString(text)
		one := !strings.ContainsFunc(text, func(r rune) bool { return r != first })
		if err := identity.CheckPassword(name, text); err == nil && (utf8.RuneCountInString(text) < identity.PasswordLeast || one) {
			t.Errorf("%q is good", text)
		}
	})
}

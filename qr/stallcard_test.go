package qr

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
)

// What is on cards that hang, and on the log, is fixed for ever.
func TestCardGolden(t *testing.T) {
	salt := []byte("0123456789abcdef")
	if got, want := PaysTo("CDV3K7Q-A12-1", "A12", "970436", "0011000000001", salt), "341040b6e045676c42f80874a0d03e3cfda6af8468daa29e55620511d9edbcd7"; got != want {
		t.Errorf("pays to %s", got)
	}
	if got, want := string(CardMark{"CDV3K7Q-A12-1", "A12", "ab"}.Signed()), "socho.card.v1\x00CDV3K7Q-A12-1\x00A12\x00ab"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := ShortName("hg-cho-dong-van"), "HCDVFFMT"; got != want {
		t.Errorf("short name %s", got)
	}
	link := CardLink{"CDV3K7Q-A12-1", salt, bytes.Repeat([]byte{7}, SignatureBytes)}
	if got, want := link.Text("https://cho.example"), "HTTPS://CHO.EXAMPLE/C/CDV3K7Q-A12-1/60RK4CSM6MV3EE1SC5H66S35CR3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R70W3GE1R7"; got != want {
		t.Errorf("link %s", got)
	}
}

// A card's two codes belong together, and nothing else passes for them.
func TestCardLink(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := Encode(Request{BIN: "970436", Account: "0011000000001", Purpose: "SAP A-1 CHO", Terminal: "CDV3K7Q-A-1-12"})
	if err != nil {
		t.Fatal(err)
	}
	salt := bytes.Repeat([]byte{9}, SaltBytes)
	mark := CardMark{"CDV3K7Q-A-1-12", "A-1", PaysTo("CDV3K7Q-A-1-12", "A-1", "970436", "0011000000001", salt)}
	link := CardLink{mark.Serial, salt, ed25519.Sign(private, mark.Signed())}
	for _, public := range []string{"", "https://cho.example", "https://cho.example/so/", "http://localhost:8080"} {
		read, err := ReadCardLink(link.Text(public))
		if err != nil || read.Serial != link.Serial || !bytes.Equal(read.Salt, salt) || !bytes.Equal(read.Signature, link.Signature) {
			t.Errorf("%q: %+v, %v", link.Text(public), read, err)
		}
	}
	holds := func(text, payload string) bool {
		read, err := ReadCardLink(text)
		if err != nil {
			return false
		}
		mark, err := read.Mark(Decode(payload))
		return err == nil && ed25519.Verify(public, mark.Signed(), read.Signature)
	}
	text := link.Text("https://cho.example")
	if !holds(text, payload) {
		t.Fatal("a card does not hold")
	}
	other, err := Encode(Request{BIN: "970436", Account: "0011000000002", Purpose: "SAP A-1 CHO", Terminal: "CDV3K7Q-A-1-12"})
	if err != nil {
		t.Fatal(err)
	}
	if holds(text, other) {
		t.Error("another account passes")
	}
	for i := strings.Index(text, "/C/"); i < len(text); i++ {
		for _, c := range "A0-/:" {
			if altered := text[:i] + string(c) + text[i+1:]; altered != text && holds(altered, payload) {
				t.Errorf("altered at %d to %q it passes", i, c)
			}
		}
	}
	for _, none := range []string{"", "https://cho.example/", "https://cho.example/C/A12/", "URN:SOCHO:C:", "javascript:/C/CDV-A-1/0", text + "0", strings.ToLower(text), payload} {
		if _, err := ReadCardLink(none); err == nil {
			t.Errorf("%q is taken for a card's link", none)
		}
	}
}

func TestSerial(t *testing.T) {
	for _, c := range []struct {
		stall string
		n     int
	}{{"A12", 1}, {"B-7.x_y", 120}} {
		short, stall, n, ok := ReadSerial(Serial("CDV3K7Q", c.stall, c.n))
		if !ok || short != "CDV3K7Q" || stall != c.stall || n != c.n {
			t.Errorf("%v: %s %s %d", c, short, stall, n)
		}
	}
	for _, none := range []string{"", "A12", "A12-1", "-A12-1", "X--1", "X-A-0", "X-A-01", "X-A-+1", "X-A-", strings.Repeat("X", 64) + "-A-1"} {
		if _, _, _, ok := ReadSerial(none); ok {
			t.Errorf("%q is taken for a serial", none)
		}
	}
}

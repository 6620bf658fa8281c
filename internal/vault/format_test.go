package vault

import (
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"socho/events"
)

// What is on the log must open for as long as the log is kept: the text form,
// the associated data and the wrapping are fixed.
func TestFormatIsFixed(t *testing.T) {
	secret := make([]byte, subtle.AESSIVKeySize)
	for i := range secret {
		secret[i] = byte(i)
	}
	master, err := MasterFrom(secret[:MasterBytes])
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := master.wrapper()
	if err != nil {
		t.Fatal(err)
	}
	s := slot{"hg-cho", "p-1", events.Identity}
	wrapped, err := wrap.EncryptDeterministically(secret, s.ad())
	if err != nil {
		t.Fatal(err)
	}
	// Both values agree with another implementation of RFC 5297 and RFC 5869.
	const wantWrapped = "jKSeJrvRTpEWGe57-gPb4vqu-CKf0IXqdQ53DAySF1hMoPEboRFeKhy-7l5qNKqmbEVwlyuEzaCIuLYcCGh1WzxzNmshMlp2hmePsCyGozg"
	if got := text.EncodeToString(wrapped); got != wantWrapped {
		t.Errorf("wrapped key: %s", got)
	}
	at := events.Place{Organization: "hg-cho", Source: "urn:test", ID: "e-1", Field: "name"}
	k := &Keys{wrap: wrap, held: map[slot]*held{s: {wrapped: wrapped}}}
	sealed, err := k.Seal(at, "p-1", events.Identity, "Vàng Thị Máy")
	if err != nil {
		t.Fatal(err)
	}
	const wantSealed = "i1.OmiBvO6Fcao4lQSVHpsXNGd4DW0wtt4-ulj3AP6J5jQ"
	if sealed != wantSealed {
		t.Errorf("sealed text: %s", sealed)
	}
	if clear, err := k.Open(at, "p-1", sealed); err != nil || clear != "Vàng Thị Máy" {
		t.Errorf("%q, %v", clear, err)
	}
}

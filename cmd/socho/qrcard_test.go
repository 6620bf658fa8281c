package main

import (
	"crypto/rand"
	"strings"
	"testing"

	"socho/ledger/proof"
	"socho/qr"
)

// A card holds by its two codes and the ledger's public key alone, and by no other
// key, account or card.
func TestVerifyCard(t *testing.T) {
	keys := map[string]*proof.Keys{}
	signers := map[string]*proof.Signer{}
	for _, name := range []string{"ours", "theirs"} {
		line, err := proof.GenerateKey(rand.Reader, name, false)
		if err != nil {
			t.Fatal(err)
		}
		if signers[name], err = proof.ParseSigner(line, nil); err != nil {
			t.Fatal(err)
		}
		if keys[name], err = proof.ParseKeys(signers[name].Public()); err != nil {
			t.Fatal(err)
		}
	}
	salt := []byte("0123456789abcdef")
	payload := func(account string) string {
		text, err := qr.Encode(qr.Request{BIN: "970436", Account: account, Purpose: "SAP A12", Terminal: "HCDVFFMT-A12-1"})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	mark := qr.CardMark{Serial: "HCDVFFMT-A12-1", Stall: "A12", PaysTo: qr.PaysTo("HCDVFFMT-A12-1", "A12", "970436", "0011000000001", salt)}
	signature, err := signers["ours"].Sign(mark.Signed())
	if err != nil {
		t.Fatal(err)
	}
	small := qr.CardLink{Serial: mark.Serial, Salt: salt, Signature: signature}.Text("https://cho.example")
	for name, c := range map[string]struct {
		texts []string
		key   string
		ok    bool
		says  string
	}{
		"both codes":             {[]string{payload("0011000000001"), small}, "ours", true, ""},
		"the other way round":    {[]string{small, payload("0011000000001")}, "ours", true, ""},
		"another account":        {[]string{payload("0011000000002"), small}, "ours", false, "do not belong together"},
		"another ledger's key":   {[]string{payload("0011000000001"), small}, "theirs", false, "do not belong together"},
		"another serial":         {[]string{payload("0011000000001"), strings.Replace(small, "A12-1", "A12-2", 1)}, "ours", false, "do not belong together"},
		"the small code missing": {[]string{payload("0011000000001")}, "ours", false, "small code is missing"},
		"the large code missing": {[]string{small}, "ours", false, "payment code is missing"},
	} {
		v := verifyCard(c.texts, keys[c.key].Own)
		if v.OK != c.ok || !strings.Contains(v.Reason, c.says) || strings.Contains(v.Reason, "00110") {
			t.Errorf("%s: %+v", name, v)
		}
		if c.ok && (v.Card != mark.Serial || v.Stall != "A12") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

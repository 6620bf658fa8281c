package qr

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// A stall card has a serial for life and two codes: the payment code, and a small
// one that says that the payment code is the market's. The small one is a link
// with a salt and a signature over serial, stall and a digest of the account that
// the payment code pays to. Neither holds the account: whoever checks a card reads
// both codes, makes the digest of the account that is really there, and asks
// whether that is what was signed.

// Sizes of what the small code carries, in bytes.
const (
	SaltBytes      = 16
	SignatureBytes = 64 // Ed25519
)

// CardMark is a card's identity: what its signature is over.
type CardMark struct {
	Serial string
	Stall  string
	PaysTo string // see PaysTo
}

// PaysTo is the digest of where a card's payment code pays to, as 64 lower-case
// hexadecimal digits: SHA-256 of
//
//	"socho.card.v1" NUL serial NUL stall NUL bin NUL account NUL salt
//
// The salt, of SaltBytes, is known to whoever made the card and to whoever holds
// it; without it nobody finds the account among all that there are. Format fixed
// for ever.
func PaysTo(serial, stall, bin, account string, salt []byte) string {
	sum := sha256.Sum256([]byte("socho.card.v1\x00" + serial + "\x00" + stall + "\x00" + bin + "\x00" + account + "\x00" + string(salt)))
	return hex.EncodeToString(sum[:])
}

// Signed is the text that a card's signature is over. It begins as no checkpoint
// of a log does, so that one key may sign both. Format fixed for ever.
func (c CardMark) Signed() []byte {
	return []byte("socho.card.v1\x00" + c.Serial + "\x00" + c.Stall + "\x00" + c.PaysTo)
}

// Serial is the serial number of a market's n-th card for a stall, such as
// CDV3K7Q-A12-1. It is a valid events.ID where the stall is one and has at most 48
// characters.
func Serial(short, stall string, n int) string { return short + "-" + stall + "-" + strconv.Itoa(n) }

// ReadSerial takes a serial number apart; not ok where it is none.
func ReadSerial(serial string) (short, stall string, n int, ok bool) {
	first, last := strings.IndexByte(serial, '-'), strings.LastIndexByte(serial, '-')
	if first < 1 || last <= first+1 || len(serial) > 64 {
		return "", "", 0, false
	}
	n, err := strconv.Atoi(serial[last+1:])
	if err != nil || n < 1 || serial[last+1] == '+' || serial[last+1] == '0' {
		return "", "", 0, false
	}
	return serial[:first], serial[first+1 : last], n, true
}

// plain32 is Crockford's alphabet without padding: capitals and digits alone pack
// into a QR code's alphanumeric mode, at 5.5 bits a character.
var plain32 = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ShortName makes the short name that a market's serials begin with: the first
// letters of its name's words, for people, and four characters of a digest, for
// telling markets apart.
func ShortName(organization string) string {
	var letters []byte
	for word := range strings.SplitSeq(organization, "-") {
		if word != "" && len(letters) < 4 {
			letters = append(letters, word[0])
		}
	}
	sum := sha256.Sum256([]byte("socho.market.v1\x00" + organization))
	return strings.ToUpper(string(letters)) + plain32.EncodeToString(sum[:])[:4]
}

// CardLink is what a card's small code says.
type CardLink struct {
	Serial    string
	Salt      []byte
	Signature []byte
}

// ErrCardLink reports a text that is no stall card's small code.
var ErrCardLink = errors.New("this is not the small code of a stall card")

// urn begins a link where the ledger has no public address.
const urn = "URN:SOCHO:C:"

// Text is the link as the small code carries it: https://cho.example becomes
// HTTPS://CHO.EXAMPLE/C/SERIAL/CODE, in capitals wherever addresses do not mind;
// without a public address URN:SOCHO:C:SERIAL:CODE.
func (l CardLink) Text(public string) string {
	code := plain32.EncodeToString(append(append([]byte(nil), l.Salt...), l.Signature...))
	scheme, rest, isAddress := strings.Cut(public, "://")
	if !isAddress {
		return urn + l.Serial + ":" + code
	}
	host, path, _ := strings.Cut(rest, "/")
	if path = strings.TrimSuffix(path, "/"); path != "" {
		path = "/" + path
	}
	return strings.ToUpper(scheme+"://"+host) + path + "/C/" + l.Serial + "/" + code
}

// ReadCardLink reads what Text wrote, at whatever address. Errors: ErrCardLink.
func ReadCardLink(text string) (CardLink, error) {
	between := ":"
	rest, ok := strings.CutPrefix(text, urn)
	if !ok {
		scheme, address, _ := strings.Cut(text, "://")
		host, path, _ := strings.Cut(address, "/")
		if scheme = strings.ToLower(scheme); scheme != "https" && scheme != "http" || host == "" || strings.ContainsAny(text, "?#@ ") {
			return CardLink{}, ErrCardLink
		}
		_, rest, ok = strings.Cut("/"+path, "/C/")
		between = "/"
	}
	serial, code, cut := strings.Cut(rest, between)
	if !ok || !cut {
		return CardLink{}, ErrCardLink
	}
	return CardLinkOf(serial, code)
}

// CardLinkOf joins a serial with the code behind it. Errors: ErrCardLink.
func CardLinkOf(serial, code string) (CardLink, error) {
	_, _, _, ok := ReadSerial(serial)
	b, err := plain32.DecodeString(code)
	// The last character holds unused bits: they are zero, or the text was altered.
	if !ok || err != nil || len(b) != SaltBytes+SignatureBytes || plain32.EncodeToString(b) != code {
		return CardLink{}, ErrCardLink
	}
	return CardLink{Serial: serial, Salt: b[:SaltBytes], Signature: b[SaltBytes:]}, nil
}

// Mark is what the signature of a card has to be over if its payment code, which
// stands beside the small one, is the one that was printed. Errors: ErrCardLink
// where the payment code pays to no account.
func (l CardLink) Mark(payment Result) (CardMark, error) {
	_, stall, _, ok := ReadSerial(l.Serial)
	if !ok || payment.Account == "" || payment.BankBIN == "" {
		return CardMark{}, ErrCardLink
	}
	return CardMark{l.Serial, stall, PaysTo(l.Serial, stall, payment.BankBIN, payment.Account, l.Salt)}, nil
}

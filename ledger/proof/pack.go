package proof

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strings"
)

// Packing shortens a record's texts for a QR code. It is no general compressor
// on purpose: a text has exactly one packed form, fixed for ever by the table
// below, so that a receipt made today re-encodes to the same bytes in any later
// program; DEFLATE's output changes between releases of its libraries.
//
// A packed text is a row of codes:
//
//	00–7F         the ASCII character
//	80–F9         a phrase of the table
//	FA n bytes    4n base64url characters, as the 3n bytes they stand for
//	FB            the leaf's record time, as intake stamps it
//	FC            the record's key
//	FD 16 bytes   a UUID in lower case
//	FE n bytes    n bytes as they are, none of them ASCII
const (
	packPhrase  = 0x80
	packBase64  = 0xFA
	packTime    = 0xFB
	packKey     = 0xFC
	packUUID    = 0xFD
	packForeign = 0xFE
)

// phrases, in the order of their codes. Only ever appended to under a new
// version of the compact receipt.
var phrases = [...]string{
	`","specversion":"1.0","subject":"`, `+07:00","type":"vn.socho.`, `Z","type":"vn.socho.`, `","currency":"VND","`,
	`effective_on":"2026-`, `effective_on":"2027-`, `effective_on":"`, `","source":"https://`, `","source":"urn:`, `{"data":{"amount":"`,
	`{"data":{"account":"`, `{"data":{"`, `"},"id":"`, `"}],"id":"`, `.v1"}`, `","time":"2026-`, `","time":"2027-`, `","time":"`,
	`","period":"2026-`, `","period":"2027-`, `"}],"period":"2026-`, `","period":"`, `","person":"`, `","sealed":{"`, `account_name":"i1.`,
	`name":"i1.`, `phone":"c1.`, `content":"c1.`, `note":"c1.`, `account":"i1.`, `bank_bin":"i1.`, `","items":[{"amount":"`, `"},{"amount":"`,
	`","invoice_duty":"receipt`, `","invoice_duty":"invoice`, `","item":"`, `","method":"`, `","method":"cash`, `","method":"qr`,
	`","method":"account`, `","collector":"`, `","reference":"`, `","bill":"`, `","stall":"`, `","pupil":"`, `","line":"`, `","payout":"`,
	`","programme":"`, `","unit":"`, `","due_on":"2026-`, `","due_on":"`, `","reason":"`, `","direction":"in","`, `","direction":"out","`,
	`","kind":"`, `","code":"`, `","name":"`, `","account":"`, `","amount":"`, `","currency":"`, `"},"device":"`, `","deviceseq":`,
	`,"id":"`, `","ticketrange":"`, `"},"datacontenttype":"application/json","id":"`, `{"causeid":"`, `","causesource":"`,
	`","data":{"amount":"`, `","resubmits":"`, `","resubmitssource":"`,
	`market.payment_received`, `market.fee_assessed`, `market.fee_waived`, `market.cash_banked`, `market.stall_let`,
	`school.bill_issued`, `school.bill_paid`, `school.bill_exempted`, `school.refunded`,
	`benefit.payout_ordered`, `benefit.payout_sent`, `benefit.payout_settled`, `benefit.payout_returned`, `benefit.paid_in_cash`,
	`benefit.person_entitled`, `benefit.person_stopped`, `benefit.`, `bank.line_received`, `bank.line_allocated`, `organization.`, `registry.`,
	`ledger.reversed`, `management`, `security`, `cleaning`, `sanitation`, `meals`, `elderly_80`, `disability_severe`, `disability_`,
	`ewallet`, `payment`, `0000`, `000`, `00`, `2609`, `-09-`, `T0`, `:00`, `":"`, `","`,
	`content-type`, `application/cloudevents+json; charset=UTF-8`, `socho-recorded-at`, `socho-actor`,
}

// known are the texts that a packed one may refer to.
type known struct{ time, key string }

// maxPacked bounds what is packed: what does not compress to a third does not
// fit a QR code anyway. Bytes.
const maxPacked = 8 << 10

// pack returns the shortest row of codes for a text; of equally short ones, the
// one whose first code comes first in the order tried below. ok is false for
// texts beyond maxPacked.
func pack(text string, k known) (packed []byte, ok bool) {
	if len(text) > maxPacked {
		return nil, false
	}
	// cost[i] is the least number of bytes for text[i:], next[i] the code that
	// begins it.
	cost, next := make([]int, len(text)+1), make([]step, len(text))
	b64, foreign := 0, 0 // lengths of the runs that begin at i
	for i := len(text) - 1; i >= 0; i-- {
		cost[i] = math.MaxInt
		try := func(code byte, length, bytes int) {
			if c := cost[i+length] + bytes; c < cost[i] {
				cost[i], next[i] = c, step{code, length}
			}
		}
		b64, foreign = run(b64, base64URL(text[i])), run(foreign, text[i] >= 0x80)
		if text[i] < 0x80 {
			try(text[i], 1, 1)
		}
		for code, phrase := range phrases {
			if strings.HasPrefix(text[i:], phrase) {
				try(byte(packPhrase+code), len(phrase), 1)
			}
		}
		if k.time != "" && strings.HasPrefix(text[i:], k.time) {
			try(packTime, len(k.time), 1)
		}
		if k.key != "" && strings.HasPrefix(text[i:], k.key) {
			try(packKey, len(k.key), 1)
		}
		if _, is := uuidBytes(text[i:]); is {
			try(packUUID, uuidLength, 17)
		}
		for groups := 1; groups <= min(b64/4, 255); groups++ {
			try(packBase64, 4*groups, 2+3*groups)
		}
		for n := 1; n <= min(foreign, 255); n++ {
			try(packForeign, n, 2+n)
		}
	}
	for i := 0; i < len(text); i += next[i].length {
		packed = next[i].append(packed, text[i:i+next[i].length])
	}
	return packed, true
}

type step struct {
	code   byte
	length int // of the text that it stands for
}

func (s step) append(packed []byte, text string) []byte {
	packed = append(packed, s.code)
	switch s.code {
	case packBase64:
		raw, _ := base64.RawURLEncoding.DecodeString(text) // only such characters, in fours
		packed = append(append(packed, byte(len(text)/4)), raw...)
	case packUUID:
		raw, _ := uuidBytes(text)
		packed = append(packed, raw...)
	case packForeign:
		packed = append(append(packed, byte(len(text))), text...)
	}
	return packed
}

func run(length int, goesOn bool) int {
	if goesOn {
		return length + 1
	}
	return 0
}

func base64URL(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

var errPacked = errors.New("its text does not unpack")

// unpack is the inverse of pack. It also takes rows that pack would not have
// chosen; whoever needs the one form packs the result again and compares.
func unpack(packed []byte, k known) (string, error) {
	var text strings.Builder
	c := cutter{b: packed}
	for len(c.b) > 0 && !c.short {
		code := c.fixed(1)[0]
		switch {
		case code < packPhrase:
			text.WriteByte(code)
		case int(code)-packPhrase < len(phrases):
			text.WriteString(phrases[code-packPhrase])
		case code == packBase64:
			text.WriteString(base64.RawURLEncoding.EncodeToString(c.take(3 * int64(c.fixed(1)[0]))))
		case code == packTime:
			text.WriteString(k.time)
		case code == packKey:
			text.WriteString(k.key)
		case code == packUUID:
			text.WriteString(uuidText(c.fixed(16)))
		case code == packForeign:
			text.Write(c.take(int64(c.fixed(1)[0])))
		default:
			return "", errPacked
		}
		if text.Len() > maxPacked {
			return "", errPacked
		}
	}
	if c.short {
		return "", errPacked
	}
	return text.String(), nil
}

const uuidLength = 36

func uuidText(raw []byte) string {
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// uuidBytes reads a UUID at the beginning of a text, in lower case.
func uuidBytes(text string) ([]byte, bool) {
	if len(text) < uuidLength || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	raw, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:36])
	return raw, err == nil && uuidText(raw) == text[:uuidLength]
}

package bank

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Delivery is one webhook call as it arrived.
type Delivery struct {
	Header     func(name string) string // the first value of a header, "" without it
	Body       []byte                   // as sent: signatures are over these bytes
	ReceivedAt time.Time
}

// Notice is one movement that a sender reports.
type Notice struct {
	// ID is the sender's own, unique among its deliveries for one organization: a
	// second delivery with it says nothing new. Senders repeat until answered.
	ID    string
	Entry Entry
}

// Sender is one provider of webhooks. A new one is one file, and a line in
// Senders.
type Sender interface {
	// verify compares in constant time with each secret. Errors: ErrSignature,
	// ErrStale.
	verify(d Delivery, secrets []string) error
	// read takes a verified body apart. Errors: ErrBody.
	read(body []byte) ([]Notice, error)
	// Answer is the body that the sender takes for received, sent with status 200
	// once every notice is safe, and also for what is known already.
	Answer() []byte
}

// Senders are the known providers, by the name in their address.
var Senders = map[string]Sender{"sepay": sepay{}, "casso": casso{}, "payos": payos{}}

// Why a delivery is refused. Nothing of it may be used.
var (
	ErrSignature = errors.New("bank: the delivery is not signed with a live secret") // answer 401
	ErrStale     = errors.New("bank: the delivery is older than its sender allows")  // answer 401
	ErrBody      = errors.New("bank: the delivery is not of the sender's form")      // answer 400
)

// MaxDeliveryBytes bounds the body of a delivery.
const MaxDeliveryBytes = 256 << 10

// MaxSecrets is how many secrets are live at once: the new one and, while it is
// being replaced, the old one.
const MaxSecrets = 2

// Receive verifies a delivery, then reads it; an unverified body is never read.
// Without a secret nothing verifies.
func Receive(s Sender, d Delivery, secrets []string) ([]Notice, error) {
	if len(d.Body) > MaxDeliveryBytes {
		return nil, ErrBody
	}
	var live []string
	for _, secret := range secrets[:min(len(secrets), MaxSecrets)] {
		if secret != "" {
			live = append(live, secret)
		}
	}
	if err := s.verify(d, live); err != nil {
		return nil, err
	}
	return s.read(d.Body)
}

// signed reports whether a hexadecimal MAC is that of one of the texts under one
// of the secrets. It looks at all of them, whichever holds.
func signed(newHash func() hash.Hash, mac string, secrets []string, texts ...[]byte) bool {
	given, err := hex.DecodeString(mac)
	found := false
	for _, secret := range secrets {
		for _, text := range texts {
			h := hmac.New(newHash, []byte(secret))
			h.Write(text)
			found = hmac.Equal(h.Sum(nil), given) || found
		}
	}
	return found && err == nil
}

// same reports whether a token is one of the secrets.
func same(token string, secrets []string) bool {
	found := false
	for _, secret := range secrets {
		found = hmac.Equal([]byte(secret), []byte(token)) || found
	}
	return found
}

// fresh reports whether a moment lies within the window before or after another.
func fresh(signedAt, receivedAt time.Time, window time.Duration) bool {
	return receivedAt.Sub(signedAt).Abs() <= window
}

// body reads JSON strictly: no name twice, valid UTF-8, nothing behind it.
func body(text []byte, into any) error {
	if json.Unmarshal(text, into) != nil {
		return ErrBody
	}
	return nil
}

// number is a JSON number as it is printed.
type number string

func (n *number) UnmarshalJSON(text []byte) error {
	text = bytes.Trim(text, `"`)
	if string(text) == "null" {
		text = nil
	}
	*n = number(text)
	return nil
}

// notice makes the entry that all senders report in much the same words: amounts
// in đồng, day and time local and without a zone.
func notice(id, account string, amount number, out bool, moment, reference, content string) (Notice, error) {
	text, negative := strings.CutPrefix(string(amount), "-")
	sum, ok := ParseAmount(text)
	if ok {
		sum, ok = sum.in("VND")
	}
	on, at := isoDay(moment)
	if !ok || id == "" || account == "" || !calendarDay(on) {
		return Notice{}, ErrBody
	}
	e := Entry{
		Line: 1, Account: account, Booked: true, BookedOn: on, BookedAt: at,
		Direction: Credit, Amount: sum, Currency: "VND", Reference: reference, Remittance: content,
	}
	if negative || out {
		e.Direction = Debit
	}
	return Notice{ID: id, Entry: e}, nil
}

// canonical prints JSON with sorted names and no blanks, as JavaScript does.
func canonical(text []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(text))
	if v.Canonicalize() != nil {
		return nil, ErrBody
	}
	return v, nil
}

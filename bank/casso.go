package bank

import (
	"bytes"
	"crypto/sha512"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// casso reads webhooks of Casso. Version 2 signs time and body
// (X-Casso-Signature: t=…,v1=…); version 1 only sends a token along
// (secure-token), and several movements at once.
type casso struct{}

// cassoWindow: Casso names none. A repeated delivery may carry its first time, and
// is told by its id; after a day nothing is repeated any more.
const cassoWindow = 24 * time.Hour

func (casso) verify(d Delivery, secrets []string) error {
	header := d.Header("X-Casso-Signature")
	if header == "" {
		if same(d.Header("secure-token"), secrets) {
			return nil
		}
		return ErrSignature
	}
	var stamp, mac string
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			stamp = value
		case "v1":
			mac = value
		}
	}
	plain, err := canonical(d.Body)
	if err != nil {
		return err
	}
	// The signature is over the body written anew, in Casso's samples by JavaScript
	// or PHP, which escapes slashes and what is beyond ASCII. All three texts say the
	// same, so any of them proves it.
	slashes := bytes.ReplaceAll(plain, []byte("/"), []byte(`\/`))
	texts := [][]byte{plain, slashes, asciiOnly(slashes)}
	for i := range texts {
		texts[i] = append([]byte(stamp+"."), texts[i]...)
	}
	if !signed(sha512.New, mac, secrets, texts...) {
		return ErrSignature
	}
	millis, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !fresh(time.UnixMilli(millis), d.ReceivedAt, cassoWindow) {
		return ErrStale
	}
	return nil
}

// asciiOnly writes characters beyond ASCII as \uXXXX, which is right inside
// strings, and outside there are none.
func asciiOnly(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}

// cassoMovement holds the fields of both versions.
type cassoMovement struct {
	ID          number `json:"id"`
	Amount      number `json:"amount"` // below zero: money out
	Description string `json:"description"`

	// Version 1.
	TID          string `json:"tid"` // unique within one bank at best
	When         string `json:"when"`
	SubAccID     string `json:"subAccId"` // may lead with the bank: VTB_0123456789
	BankSubAccID string `json:"bank_sub_acc_id"`

	// Version 2.
	Reference           string `json:"reference"`
	TransactionDateTime string `json:"transactionDateTime"`
	AccountNumber       string `json:"accountNumber"`
	CounterName         string `json:"counterAccountName"`
	CounterNumber       string `json:"counterAccountNumber"`
}

func (casso) read(text []byte) ([]Notice, error) {
	var b struct {
		Data jsontext.Value `json:"data"`
	}
	if err := body(text, &b); err != nil {
		return nil, err
	}
	var movements []cassoMovement
	switch b.Data.Kind() {
	case '{':
		movements = make([]cassoMovement, 1)
		if err := body(b.Data, &movements[0]); err != nil {
			return nil, err
		}
	case '[':
		if err := body(b.Data, &movements); err != nil {
			return nil, err
		}
	default:
		return nil, ErrBody
	}
	var notices []Notice
	for _, m := range movements {
		account, reference, moment := m.AccountNumber, m.Reference, m.TransactionDateTime
		if account == "" {
			account, reference, moment = m.BankSubAccID, m.TID, m.When
		}
		if account == "" {
			account = m.SubAccID
		}
		id := string(m.ID)
		if id == "" || id == "0" { // trial calls carry 0
			id = strings.Join([]string{account, reference, moment, string(m.Amount)}, "|")
		}
		n, err := notice(id, account, m.Amount, false, moment, reference, m.Description)
		if err != nil {
			return nil, err
		}
		n.Entry.CounterpartyName, n.Entry.CounterpartyAccount = m.CounterName, m.CounterNumber
		notices = append(notices, n)
	}
	return notices, nil
}

func (casso) Answer() []byte { return []byte(`{"error":0}`) }

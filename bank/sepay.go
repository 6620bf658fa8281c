package bank

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"time"
)

// sepay reads webhooks of SePay (developer.sepay.vn). It authenticates either by
// "Authorization: Apikey KEY" or by an HMAC with a time; a delivery that carries a
// signature is never taken on its key alone.
type sepay struct{}

// sepayWindow: SePay's documentation has older deliveries refused.
const sepayWindow = 5 * time.Minute

func (sepay) verify(d Delivery, secrets []string) error {
	if signature := d.Header("X-SePay-Signature"); signature != "" {
		stamp := d.Header("X-SePay-Timestamp")
		mac, ok := strings.CutPrefix(signature, "sha256=")
		if !ok || !signed(sha256.New, mac, secrets, append([]byte(stamp+"."), d.Body...)) {
			return ErrSignature
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || !fresh(time.Unix(seconds, 0), d.ReceivedAt, sepayWindow) {
			return ErrStale
		}
		return nil
	}
	if key, ok := strings.CutPrefix(d.Header("Authorization"), "Apikey "); ok && same(strings.TrimSpace(key), secrets) {
		return nil
	}
	return ErrSignature
}

func (sepay) read(text []byte) ([]Notice, error) {
	var b struct {
		ID              number `json:"id"`
		TransactionDate string `json:"transactionDate"`
		AccountNumber   string `json:"accountNumber"`
		Content         string `json:"content"`
		TransferType    string `json:"transferType"`
		TransferAmount  number `json:"transferAmount"`
		ReferenceCode   string `json:"referenceCode"`
	}
	if err := body(text, &b); err != nil {
		return nil, err
	}
	if b.TransferType != "in" && b.TransferType != "out" || strings.HasPrefix(string(b.TransferAmount), "-") {
		return nil, ErrBody
	}
	n, err := notice(string(b.ID), b.AccountNumber, b.TransferAmount, b.TransferType == "out", b.TransactionDate, b.ReferenceCode, b.Content)
	if err != nil {
		return nil, err
	}
	return []Notice{n}, nil
}

func (sepay) Answer() []byte { return []byte(`{"success":true}`) }

package bank

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// payos reads webhooks of payOS (payos.vn/docs): a signature beside the fields
// that it is over. It carries no time: a delivery that comes again is told by its
// id.
type payos struct{}

type payosBody struct {
	Fields    map[string]jsontext.Value `json:"data"`
	Signature string                    `json:"signature"`
}

func (payos) verify(d Delivery, secrets []string) error {
	var b payosBody
	if err := body(d.Body, &b); err != nil {
		return err
	}
	text, err := payosText(b.Fields)
	if err != nil {
		return err
	}
	if !signed(sha256.New, b.Signature, secrets, text) {
		return ErrSignature
	}
	return nil
}

// payosText is what is signed: k=v&… by name, values as JavaScript prints them,
// and nothing for null.
func payosText(fields map[string]jsontext.Value) ([]byte, error) {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := ""
		switch v := fields[name]; v.Kind() {
		case 'n':
		case '"':
			if err := json.Unmarshal(v, &value); err != nil {
				return nil, ErrBody
			}
			if value == "null" || value == "undefined" {
				value = ""
			}
		default:
			plain, err := canonical(v)
			if err != nil {
				return nil, err
			}
			value = string(plain)
		}
		pairs = append(pairs, name+"="+value)
	}
	return []byte(strings.Join(pairs, "&")), nil
}

func (payos) read(text []byte) ([]Notice, error) {
	// Only what was signed is used: code and success stand outside data too.
	var b struct {
		Payment struct {
			Code                string `json:"code"`
			Amount              number `json:"amount"`
			Description         string `json:"description"`
			AccountNumber       string `json:"accountNumber"`
			Reference           string `json:"reference"`
			TransactionDateTime string `json:"transactionDateTime"`
			Currency            string `json:"currency"`
			PaymentLinkID       string `json:"paymentLinkId"`
			CounterName         string `json:"counterAccountName"`
			CounterNumber       string `json:"counterAccountNumber"`
		} `json:"data"`
	}
	if err := body(text, &b); err != nil {
		return nil, err
	}
	p := b.Payment
	if p.Code != "00" {
		return nil, nil // a payment that failed moves nothing
	}
	if p.Currency != "VND" || p.Reference == "" || strings.HasPrefix(string(p.Amount), "-") {
		return nil, ErrBody
	}
	n, err := notice(p.PaymentLinkID+"|"+p.Reference, p.AccountNumber, p.Amount, false, p.TransactionDateTime, p.Reference, p.Description)
	if err != nil {
		return nil, err
	}
	n.Entry.CounterpartyName, n.Entry.CounterpartyAccount = p.CounterName, p.CounterNumber
	return []Notice{n}, nil
}

func (payos) Answer() []byte { return []byte(`{"success":true}`) }

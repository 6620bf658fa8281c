package bank

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func headers(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func readShared(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(shared(t, "statements/webhooks/"+name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// TestSePaySigned: the vectors verify, altered ones do not; a window of five
// minutes; the old secret goes on while the new one is live too.
func TestSePaySigned(t *testing.T) {
	var file struct {
		Secret string `json:"secret"`
		Cases  []struct {
			Name    string            `json:"name"`
			Headers map[string]string `json:"headers"`
			RawBody string            `json:"raw_body"`
			Valid   bool              `json:"signature_valid"`
		} `json:"cases"`
	}
	readShared(t, "sepay_hmac_derived.json", &file)
	at := time.Unix(1788940800, 0)
	for _, c := range file.Cases {
		d := Delivery{headers(c.Headers), []byte(c.RawBody), at.Add(time.Minute)}
		notices, err := Receive(Senders["sepay"], d, []string{"new", file.Secret})
		if (err == nil) != c.Valid || c.Valid && len(notices) != 1 || !c.Valid && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v, %v", c.Name, notices, err)
		}
		if !c.Valid {
			continue
		}
		if e := notices[0].Entry; notices[0].ID != "92705" || e.Amount.String() != "815000" || e.BookedOn != "2023-03-25" || e.BookedAt != "14:02:37" || e.Reference != "MBVCB.3278000001" || e.Account != "0123499999" {
			t.Errorf("%s: %+v", c.Name, notices[0])
		}
		for _, late := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
			d.ReceivedAt = at.Add(late)
			if _, err := Receive(Senders["sepay"], d, []string{file.Secret}); !errors.Is(err, ErrStale) {
				t.Errorf("%s %v later: %v", c.Name, late, err)
			}
		}
		d.ReceivedAt = at
		for _, secrets := range [][]string{nil, {""}, {"wrong"}, {"a", "b", file.Secret}} {
			if _, err := Receive(Senders["sepay"], d, secrets); !errors.Is(err, ErrSignature) {
				t.Errorf("%s with %q: %v", c.Name, secrets, err)
			}
		}
	}
}

// TestSePayKey: a key in the header; and the first body again carries the first id
// and the first payment's id.
func TestSePayKey(t *testing.T) {
	var file struct {
		Cases []struct {
			Body jsontext.Value `json:"body"`
		} `json:"cases"`
	}
	readShared(t, "sepay_variants.json", &file)
	seen := map[string]string{}
	var entries []Entry
	for _, c := range file.Cases {
		d := Delivery{Header: headers(map[string]string{"Authorization": "Apikey k1"}), Body: c.Body}
		notices, err := Receive(Senders["sepay"], d, []string{"k1"})
		if err != nil || len(notices) != 1 {
			t.Fatal(err)
		}
		n := notices[0]
		if before, known := seen[n.ID]; known {
			if before != KeyOf(&n.Entry).ID(1) {
				t.Error("the same delivery, another payment")
			}
			continue
		}
		seen[n.ID] = KeyOf(&n.Entry).ID(1)
		entries = append(entries, n.Entry)
	}
	if len(entries) != 5 || entries[4].Direction != Debit || entries[0].Direction != Credit {
		t.Errorf("%d entries", len(entries))
	}
	for _, header := range []map[string]string{
		{"Authorization": "Apikey k2"}, {"Authorization": "k1"}, {"Authorization": "Bearer k1"}, {},
		{"Authorization": "Apikey k1", "X-SePay-Signature": "sha256=00", "X-SePay-Timestamp": "1"}, // no way round the signature
	} {
		if _, err := Receive(Senders["sepay"], Delivery{Header: headers(header), Body: file.Cases[0].Body}, []string{"k1"}); !errors.Is(err, ErrSignature) {
			t.Errorf("%v: %v", header, err)
		}
	}
}

func TestCasso(t *testing.T) {
	var v2 struct {
		Key     string            `json:"checksum_key"`
		Headers map[string]string `json:"headers"`
		Body    jsontext.Value    `json:"body"`
	}
	readShared(t, "casso_v2_signed.json", &v2)
	at := time.UnixMilli(1727948258788)
	d := Delivery{headers(v2.Headers), v2.Body, at.Add(time.Hour)}
	notices, err := Receive(Senders["casso"], d, []string{v2.Key})
	if err != nil || len(notices) != 1 || notices[0].Entry.Amount.String() != "599000" || notices[0].Entry.CounterpartyName != "NGUYEN VAN A" {
		t.Fatalf("%+v, %v", notices, err)
	}
	altered := d
	altered.Body = []byte(strings.Replace(string(v2.Body), "599000", "699000", 1))
	if _, err := Receive(Senders["casso"], altered, []string{v2.Key}); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
	d.ReceivedAt = at.Add(25 * time.Hour)
	if _, err := Receive(Senders["casso"], d, []string{v2.Key}); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
	var v1 struct {
		Bodies []jsontext.Value `json:"bodies"`
	}
	readShared(t, "casso_v1.json", &v1)
	var got []string
	for _, body := range v1.Bodies {
		d := Delivery{Header: headers(map[string]string{"secure-token": "s"}), Body: body}
		notices, err := Receive(Senders["casso"], d, []string{"s"})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range notices {
			got = append(got, fmt.Sprint(n.ID, " ", n.Entry.Account, " ", n.Entry.Direction, " ", n.Entry.Amount))
		}
		d.Header = headers(map[string]string{"secure-token": "t"})
		if _, err := Receive(Senders["casso"], d, []string{"s"}); !errors.Is(err, ErrSignature) {
			t.Error(err)
		}
	}
	want := "[123456789|TF80000001|2026-09-05|850000 123456789 credit 850000 360001 0000000000001 credit 20000 360002 0123456789 credit 500000 360003 0123456789 debit 11000]"
	if fmt.Sprint(got) != want {
		t.Errorf("\n got %v\nwant %s", got, want)
	}
}

// TestCassoPHP: a body signed as PHP writes JSON, slashes and Vietnamese escaped.
func TestCassoPHP(t *testing.T) {
	if got := string(asciiOnly([]byte(`{"a":"Tiền 𝄞"}`))); got != `{"a":"Ti\u1ec1n \ud834\udd1e"}` {
		t.Error(got)
	}
}

func TestPayOS(t *testing.T) {
	type signed struct {
		Body  jsontext.Value `json:"body"`
		Valid *bool          `json:"signature_valid"`
	}
	var documented struct {
		Key string `json:"checksum_key"`
		signed
	}
	readShared(t, "payos_signed.json", &documented)
	var derived struct {
		Key   string   `json:"checksum_key"`
		Cases []signed `json:"cases"`
	}
	readShared(t, "payos_derived.json", &derived)
	check := func(key string, c signed) {
		notices, err := Receive(Senders["payos"], Delivery{Header: headers(nil), Body: c.Body}, []string{key})
		valid := c.Valid == nil || *c.Valid
		if valid != (err == nil) || valid && len(notices) != 1 || !valid && !errors.Is(err, ErrSignature) {
			t.Errorf("%v, %v", notices, err)
		}
		if valid && notices[0].ID != "124c33293c43417ab7879e14c8d9eb18|TF230204212323" && notices[0].Entry.CounterpartyName != "NGUYEN VAN MAU" {
			t.Errorf("%+v", notices[0])
		}
	}
	check(documented.Key, documented.signed)
	for _, c := range derived.Cases {
		check(derived.Key, c)
	}
}

// TestDeliveriesRefused: what is signed and still no movement.
func TestDeliveriesRefused(t *testing.T) {
	good := `{"id":1,"transactionDate":"2026-09-05 01:02:03","accountNumber":"1","content":"x","transferType":"in","transferAmount":1000}`
	for name, text := range map[string]string{
		"not JSON":           `{`,
		"a name twice":       strings.Replace(good, `"id":1`, `"id":1,"id":2`, 1),
		"something behind":   good + "{}",
		"no id":              strings.Replace(good, `"id":1`, `"id":null`, 1),
		"an amount in words": strings.Replace(good, `1000`, `"1e3"`, 1),
		"a fraction":         strings.Replace(good, `1000`, `1000.5`, 1),
		"below zero":         strings.Replace(good, `1000`, `-1000`, 1),
		"neither in nor out": strings.Replace(good, `"in"`, `"IN"`, 1),
		"no such day":        strings.Replace(good, `09-05`, `02-30`, 1),
		"very long":          strings.Replace(good, `"x"`, `"`+strings.Repeat("x", MaxDeliveryBytes)+`"`, 1),
	} {
		d := Delivery{Header: headers(map[string]string{"Authorization": "Apikey k"}), Body: []byte(text)}
		if _, err := Receive(Senders["sepay"], d, []string{"k"}); !errors.Is(err, ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := Delivery{Header: headers(map[string]string{"Authorization": "Apikey k"}), Body: []byte(good)}
	if _, err := Receive(Senders["sepay"], d, []string{"k"}); err != nil {
		t.Error(err)
	}
	for name, s := range Senders {
		if len(s.Answer()) == 0 {
			t.Errorf("%s is not answered", name)
		}
	}
}

// FuzzReceive: no delivery, signed or not, panics, and what it says is a payment.
func FuzzReceive(f *testing.F) {
	f.Add("sepay", `{"id":1,"transactionDate":"2026-09-05 01:02:03","accountNumber":"1","content":"x","transferType":"in","transferAmount":1000}`)
	f.Add("casso", `{"error":0,"data":[{"id":3,"tid":"5017 - 48001","when":"2026-09-05","amount":-20000,"bank_sub_acc_id":"1"}]}`)
	f.Add("casso", `{"error":0,"data":{"id":0,"reference":"M","description":"đ/","amount":1.0,"transactionDateTime":"2024-10-03 15:06:37","accountNumber":"8"}}`)
	f.Add("payos", `{"data":{"code":"00","amount":3000,"accountNumber":"1","reference":"r","transactionDateTime":"2023-02-04 18:25:00","currency":"VND","x":[null,{"b":1,"a":2}]},"signature":"00"}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		s, ok := Senders[name]
		if !ok {
			return
		}
		mac := hmac.New(sha256.New, []byte("k"))
		mac.Write([]byte("0." + text))
		d := Delivery{Body: []byte(text), ReceivedAt: time.Unix(0, 0), Header: headers(map[string]string{
			"X-SePay-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil)), "X-SePay-Timestamp": "0", "secure-token": "k", "X-Casso-Signature": "",
		})}
		Receive(s, d, []string{"k"}) //nolint:errcheck // must not panic
		notices, err := s.read(d.Body)
		for _, n := range notices {
			if err == nil && (n.ID == "" || n.Entry.Amount.Sign() < 0 || n.Entry.Currency != "VND" || !calendarDay(n.Entry.BookedOn)) {
				t.Errorf("%+v", n)
			}
		}
	})
}

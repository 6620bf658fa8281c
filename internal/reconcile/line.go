package reconcile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"socho/bank"
	"socho/events"
	"socho/internal/money"
	"socho/internal/refcode"
)

// mainAccount is what the account is called that an organization is registered with.
const mainAccount = "main"

// accountName is the organization's own name for an account: what it was asked
// to be, "main" for the registered one, else its last digits and a hash, since
// the number itself would look like a person's.
func (im *Importer) accountName(printed string) string {
	folded := bank.Fold(printed)
	switch {
	case im.Account != "":
		return im.Account
	case folded == "" || folded == bank.Fold(im.Known):
		return mainAccount
	}
	sum := sha256.Sum256([]byte(folded))
	return "tk-" + folded[max(0, len(folded)-4):] + "-" + hex.EncodeToString(sum[:4])
}

// line makes the event of one sighting. Its id is of all that it says, so that the
// same sighting is the same bytes, and another one of the same line is a fact of
// its own.
func (r *run) line(e *bank.Entry, id string) (line, error) {
	currency := money.Currency(e.Currency)
	scale, _ := currency.Scale()
	if !e.Amount.Decimal().Equal(e.Amount.Decimal().Truncate(scale)) {
		return line{}, &Refused{fmt.Sprintf("line %d: %s has no such fractions", e.Line, currency)}
	}
	l := line{id: id, on: day(e), currency: currency, incoming: e.Direction == bank.Credit}
	l.codes, l.content = refcode.Find(e.Remittance), e.Remittance
	if sum, err := money.Parse(e.Amount.Decimal().StringFixed(scale), currency); err == nil {
		l.minor = sum.Minor()
	}
	kind := kindOf(e, len(l.codes) > 0)
	l.payment = kind == "payment"
	l.at = l.on + "T" + clock(e.BookedAt) + "+07:00"
	data := map[string]any{
		"effective_on": l.on, "amount": e.Amount.Decimal().StringFixed(scale), "currency": currency,
		"line": id, "account": r.accountName(e.Account), "direction": map[bool]string{true: "in", false: "out"}[l.incoming], "kind": kind,
	}
	personal := map[string]string{}
	for name, text := range map[string]string{
		"content": e.Remittance, "payer_name": e.CounterpartyName, "payer_account": e.CounterpartyAccount,
		"reference": e.Reference, "end_to_end_id": e.EndToEndID, "return_reason": e.ReturnReason,
	} {
		if text != "" {
			personal[name] = first(text, events.MaxPersonalChars)
		}
	}
	if len(personal) > 0 {
		data["person"], data["personal"] = r.payer(e, id), personal
	}
	seen, err := json.Marshal(data, json.Deterministic(true))
	if err != nil {
		return line{}, err
	}
	hash := sha256.Sum256(seen)
	l.event = "line-" + hex.EncodeToString(hash[:20])
	l.text, err = event(l.event, "bank.line_received", r.Organization, l.at, "", data)
	return l, err
}

func (r *run) allocation(l *line, bill string, amount int64) (id string, text []byte, err error) {
	hash := sha256.Sum256([]byte(l.id + " " + bill))
	id = "match-" + hex.EncodeToString(hash[:20])
	sum, err := money.New(amount, l.currency)
	if err != nil {
		return "", nil, err
	}
	text, err = event(id, "bank.line_allocated", r.Organization, l.at, l.event, map[string]any{
		"effective_on": l.on, "amount": sum.String(), "currency": l.currency, "line": l.id, "bill": bill,
	})
	return id, text, err
}

// event is a fact as intake takes it.
func event(id, name, organization, at, cause string, data map[string]any) ([]byte, error) {
	e := map[string]any{"specversion": "1.0", "id": id, "source": source, "type": events.Type(name), "subject": organization, "time": at, "data": data}
	if cause != "" {
		e["causeid"], e["causesource"] = cause, source
	}
	return json.Marshal(e, json.Deterministic(true))
}

// payer is the opaque person of a line: the same for whoever pays from the same
// account, or of the same name where no account is printed; else the line's own.
func (r *run) payer(e *bank.Entry, id string) string {
	who := bank.Fold(e.CounterpartyAccount)
	if who == "" {
		who = bank.Fold(e.CounterpartyName)
	}
	if who == "" {
		who = "line " + id
	}
	return r.opaque(who)
}

func (im *Importer) opaque(who string) string {
	mac := hmac.New(sha256.New, im.Pseudonym)
	fmt.Fprintf(mac, "payer\x00%s\x00%s", im.Organization, who)
	return "py-" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// Payer is the opaque person of whoever pays from an account, or under a name where
// the bank prints no account; empty for a text that is neither.
func (im *Importer) Payer(text string) string {
	who := bank.Fold(text)
	if who == "" {
		return ""
	}
	return im.opaque(who)
}

// day is when the bank booked the line: the value date where the booking day is
// none that a calendar has, else the last day before it; empty where neither
// says anything.
func day(e *bank.Entry) string {
	for _, text := range []string{e.BookedOn, e.ValueDate} {
		if events.Date(text).Valid() {
			return text
		}
	}
	if len(e.BookedOn) >= 7 {
		if month := events.Period(e.BookedOn[:7]); month.Valid() {
			return string(month.End())
		}
	}
	return ""
}

// dayBefore is the day before one that a calendar has.
func dayBefore(on string) events.Date {
	at, err := time.Parse(time.DateOnly, on)
	if err != nil {
		return ""
	}
	return events.Date(at.AddDate(0, 0, -1).Format(time.DateOnly))
}

func clock(text string) string {
	if _, err := time.Parse(time.TimeOnly, text); err != nil {
		return "00:00:00"
	}
	return text
}

// kindOf tells the bank's own charges and interest, by the words that banks use
// for them; whatever carries a code is a payment.
func kindOf(e *bank.Entry, code bool) string {
	text := bank.Fold(e.Remittance)
	switch {
	case code:
	case e.Direction == bank.Debit && anyOf(text, "PHIQUANLYTAIKHOAN", "PHIDUYTRI", "PHISMS", "PHICHUYENTIEN", "PHIDICHVUNGANHANG", "THUPHIDICHVU", "PHIBIENDONGSODU", "PHITHUONGNIEN", "PHIINTERNETBANKING"):
		return "charge"
	case e.Direction == bank.Credit && e.CounterpartyAccount == "" && anyOf(text, "LAITIENGUI", "LAINHAPVON", "TRALAITIENGUI", "LAIKHONGKYHAN", "INTERESTPAYMENT", "CREDITINTEREST"):
		return "interest"
	}
	return "payment"
}

func anyOf(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// first is the beginning of a text, whole characters.
func first(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

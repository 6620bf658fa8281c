package qr

import "strings"

// Request says what a payment code shall ask for. All fields are text as a person
// or a form gives it; empty means absent. BIN and one of Account and Card are
// required.
//
// A code hangs in public and its texts travel through several banks: put no
// personal data into any field that names a person's bill, and a card only where
// its holder asks for it.
type Request struct {
	// BIN is the receiving bank's, six digits. Banks lists those we know; a BIN that
	// is not among them is written all the same.
	BIN string
	// Account is 1–19 letters or digits, never checked further: every bank has its
	// own scheme, and virtual accounts carry letters. Card is 12–19 digits whose
	// Luhn digit must hold. Exactly one of them is given; it decides the service.
	Account string
	Card    string

	// Amount is whole đồng in digits ("61000"), above zero and under NAPAS247Limit.
	// With an amount the code is dynamic (01 = 12), without it static (11).
	Amount string

	// Name, City and Purpose are folded to plain letters and cut at the end of a word
	// to 25, 15 and 25 characters. Purpose may be "***" to ask the payer for it.
	Name    string
	City    string
	Purpose string
	// PostalCode is at most 10 characters, MCC four digits (ISO 18245).
	PostalCode string
	MCC        string

	// Reference is written to 62.05 and leads 62.08, because 62.08 is the only text
	// that banks carry along to the receiver's statement. It is never cut or folded:
	// a reference changed is a reference lost.
	Reference string

	// The other fields of 62, at most 25 characters each and written as they stand.
	Bill     string // 62.01
	Mobile   string // 62.02: digits, a plus sign before them, or ***
	Store    string // 62.03
	Loyalty  string // 62.04
	Customer string // 62.06
	Terminal string // 62.07
	// Prompt asks the payer for data, 62.09: A address, M mobile, E e-mail.
	Prompt string

	// Tip is 55: TipAsk, TipFixed with the đồng in TipAmount, or TipPercent with
	// 00.01 to 99.99 in TipRate.
	Tip       string
	TipAmount string
	TipRate   string
}

// Encode writes the payload that r asks for, or returns a *Refusal naming the
// first field that is wrong. Every payload it returns is a strict VietQR: Decode
// finds it valid and reads the same values back.
//
// Objects stand in the order of their identifiers, which the format leaves open
// and every known reader takes. The same request always gives the same payload.
func Encode(r Request) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	additional, err := r.additional()
	if err != nil {
		return "", err
	}
	name, err := foldTo("name", r.Name, maxName)
	if err != nil {
		return "", err
	}
	city, err := foldTo("city", r.City, maxCity)
	if err != nil {
		return "", err
	}

	receiver, service := r.Account, ServiceAccount
	if r.Card != "" {
		receiver, service = r.Card, ServiceCard
	}
	initiation := "11"
	if r.Amount != "" {
		initiation = "12"
	}

	var transfer, merchant, root writer
	transfer.put("00", r.BIN)
	transfer.put("01", receiver)

	merchant.put("00", aidNAPAS)
	merchant.put("01", transfer.String())
	merchant.put("02", service)

	root.put("00", "01")
	root.put("01", initiation)
	root.put("38", merchant.String())
	root.put("52", r.MCC)
	root.put("53", currencyVND)
	root.put("54", r.Amount)
	root.put("55", r.Tip)
	root.put("56", r.TipAmount)
	root.put("57", r.TipRate)
	root.put("58", countryVN)
	root.put("59", name)
	root.put("60", city)
	root.put("61", r.PostalCode)
	root.put("62", additional)
	root.WriteString("6304")
	payload := root.String()
	payload += crcDigits(CRC(payload))

	// The second assertion of the pair: what we print on a stall is what our own
	// strict reader takes, whatever the code above came to.
	if result := Decode(payload); !result.Valid || result.Account != receiver || result.Amount != r.Amount {
		return "", refuse("payload", CodeInternal)
	}
	return payload, nil
}

// writer appends objects to a template.
type writer struct{ strings.Builder }

// put writes one object, or nothing for an empty value. Its caller has seen to it
// that value is printable ASCII of at most 99 characters, so bytes are characters.
func (w *writer) put(id, value string) {
	if value == "" {
		return
	}
	w.WriteString(id)
	w.WriteByte(byte('0' + len(value)/10))
	w.WriteByte(byte('0' + len(value)%10))
	w.WriteString(value)
}

// check refuses what is wrong outside 62 and the folded texts.
func (r *Request) check() error {
	switch {
	case len(r.BIN) != 6 || !digits(r.BIN):
		return refuse("bin", CodeBINFormat)
	case (r.Account == "") == (r.Card == ""):
		return refuse("account", CodeReceiver)
	case r.Account != "" && (len(r.Account) > maxAccount || !lettersOrDigits(r.Account)):
		return refuse("account", CodeAccountFormat)
	case r.Card != "" && (len(r.Card) < 12 || len(r.Card) > maxAccount || !digits(r.Card)):
		return refuse("card", CodeCardFormat)
	case r.Card != "" && !luhn(r.Card):
		return refuse("card", CodeCardCheckDigit)
	case r.MCC != "" && (len(r.MCC) != 4 || !digits(r.MCC) || r.MCC == "0000"):
		return refuse("mcc", CodeMCCFormat)
	}
	if r.Amount != "" {
		if code := amountRefusal(r.Amount); code != "" {
			return refuse("amount", code)
		}
	}
	if err := identifier("postal_code", r.PostalCode, maxPostalCode); err != nil {
		return err
	}
	return r.checkTip()
}

// amountRefusal is stricter than reading: one spelling for one amount, so that
// two codes for the same bill are equal byte by byte.
func amountRefusal(amount string) Code {
	vnd, fault := amountVND(amount)
	switch {
	case fault == FaultAmountTooLong:
		return CodeAmountTooLong
	case fault == FaultAmountZero:
		return CodeAmountZero
	case fault == FaultAmountDecimals:
		return CodeAmountDecimals
	case fault != "" || !digits(amount) || amount[0] == '0':
		return CodeAmountFormat
	case vnd >= NAPAS247Limit:
		return CodeAmountOverLimit
	}
	return ""
}

func (r *Request) checkTip() error {
	ok := false
	switch r.Tip {
	case "", TipAsk:
		ok = r.TipAmount == "" && r.TipRate == ""
	case TipFixed:
		ok = r.TipRate == "" && amountRefusal(r.TipAmount) == ""
	case TipPercent:
		ok = r.TipAmount == "" && percentage(r.TipRate)
	}
	if !ok {
		return refuse("tip", CodeTipFormat)
	}
	return nil
}

// additional writes the inside of 62.
func (r *Request) additional() (string, error) {
	if r.Reference != "" && (r.Reference == askPayer || r.Purpose == askPayer) {
		return "", refuse("reference", CodeReferencePrompt)
	}
	if r.Mobile != "" && r.Mobile != askPayer && !digits(strings.TrimPrefix(r.Mobile, "+")) {
		return "", refuse("mobile", CodeMobileFormat)
	}
	for i := range len(r.Prompt) {
		if !strings.Contains("AME", r.Prompt[i:i+1]) || strings.Contains(r.Prompt[:i], r.Prompt[i:i+1]) {
			return "", refuse("prompt", CodePromptFormat)
		}
	}
	purpose, err := r.purpose()
	if err != nil {
		return "", err
	}
	var w writer
	for _, f := range [...]struct{ id, field, value string }{
		{"01", "bill", r.Bill},
		{"02", "mobile", r.Mobile},
		{"03", "store", r.Store},
		{"04", "loyalty", r.Loyalty},
		{"05", "reference", r.Reference},
		{"06", "customer", r.Customer},
		{"07", "terminal", r.Terminal},
		{"08", "purpose", purpose},
		{"09", "prompt", r.Prompt},
	} {
		if err := identifier(f.field, f.value, maxAdditional); err != nil {
			return "", err
		}
		w.put(f.id, f.value)
	}
	if w.Len() > maxTemplate {
		return "", refuse("additional", CodeAdditionalTooLong)
	}
	return w.String(), nil
}

// purpose puts the reference before the folded purpose and cuts the whole to 25
// characters. The reference stands first because banks cut at the end; a purpose
// that already begins with it is not given it twice.
func (r *Request) purpose() (string, error) {
	folded := Fold(r.Purpose)
	if r.Purpose != "" && folded == "" {
		return "", refuse("purpose", CodeTextEmpty)
	}
	if err := identifier("reference", r.Reference, maxAdditional); err != nil {
		return "", err // before it is cut: a reference must never be
	}
	if r.Reference == "" || folded == r.Reference || strings.HasPrefix(folded, r.Reference+" ") {
		return cutAtWord(folded, maxAdditional), nil
	}
	whole := strings.TrimRight(r.Reference+" "+folded, " ")
	cut := cutAtWord(whole, maxAdditional)
	if len(cut) < len(r.Reference) { // a reference with blanks in it, cut at one of them
		cut = r.Reference
	}
	return cut, nil
}

// foldTo folds a text for people and cuts it to limit.
func foldTo(field, text string, limit int) (string, error) {
	folded := Fold(text)
	if text != "" && folded == "" {
		return "", refuse(field, CodeTextEmpty)
	}
	return cutAtWord(folded, limit), nil
}

// identifier refuses a value that could not be written exactly as it stands.
// Outer and doubled blanks are refused too: statements lose them, and then two
// references that differ in blanks alone are one.
func identifier(field, value string, limit int) error {
	switch {
	case !printable(value) || value != Fold(value):
		return refuse(field, CodeCharset)
	case len(value) > limit:
		return refuse(field, CodeTooLong)
	}
	return nil
}

package qr

import "strings"

// MaxPayload is the greatest number of characters of a payload (EMVCo 3.1).
const MaxPayload = 512

// aidNAPAS and aidVNPAY name the application of a merchant account template.
const (
	aidNAPAS = "A000000727"
	aidVNPAY = "A000000775"
)

// Scheme says whose code a payload is.
type Scheme string

// The schemes told apart.
const (
	SchemeVietQR Scheme = "vietqr" // 38 carries the NAPAS application
	SchemeVNPAY  Scheme = "vnpay"  // some template of 26–51 carries VNPAY's, and 38 not NAPAS's
	SchemeOther  Scheme = "other"  // any other well-formed EMVCo payload
)

// Result is what a payload says and how far that can be trusted. It marshals to
// the JSON of `socho qr decode`: absent fields are left out, but the two verdicts
// and the two lists of findings are always there.
//
// All fields but those four are empty when EMVOK is false: what does not split,
// or splits and fails its checksum, may say anything. When EMVOK is true and
// Valid false, the fields hold what is printed, right or wrong, for a person to
// see; values that stand for one of a fixed set (PointOfInitiation, ServiceCode,
// AmountVND) are left out when they are outside it.
type Result struct {
	// Valid: a strict VietQR, which may be paid as read.
	Valid bool `json:"valid"`
	// EMVOK: splits completely, with the right checksum.
	EMVOK bool `json:"emv_ok"`

	Scheme Scheme `json:"scheme,omitempty"`
	// PointOfInitiation is "static" (01 = 11, meant for many payments) or "dynamic"
	// (01 = 12, for one).
	PointOfInitiation string `json:"point_of_initiation,omitempty"`
	// BankBIN, Account and ServiceCode come from 38 and are empty unless Scheme is
	// vietqr. The account of service QRIBFTTC is a card number: show it to nobody.
	BankBIN     string `json:"bank_bin,omitempty"`
	Account     string `json:"account,omitempty"`
	ServiceCode string `json:"service_code,omitempty"`
	// Amount is 54 as printed; AmountVND the same in whole đồng, 0 unless the
	// amount is right and the currency is 704.
	Amount    string `json:"amount,omitempty"`
	AmountVND int64  `json:"amount_vnd,omitzero"`
	// Additional holds the objects of 62 under their two digits, 08 the purpose.
	Additional   map[string]string `json:"additional,omitempty"`
	MerchantName string            `json:"merchant_name,omitempty"`
	MerchantCity string            `json:"merchant_city,omitempty"`
	PostalCode   string            `json:"postal_code,omitempty"`
	MCC          string            `json:"mcc,omitempty"`

	// Warnings and Errors are names, listed in this package; never nil, their order
	// without meaning. Valid is true exactly when Errors is empty.
	Warnings []string `json:"warnings"`
	Errors   []string `json:"errors"`
}

// Decode reads a payload exactly as given: it trims nothing, since a blank behind
// the checksum is a finding of its own. It accepts any string, never panics, and
// takes time linear in the length of payload.
func Decode(payload string) Result {
	r := Result{Warnings: []string{}, Errors: []string{}}
	switch {
	case payload == "":
		r.Errors = append(r.Errors, FaultEmpty)
		return r
	case len(payload) > MaxPayload && characters(payload) > MaxPayload:
		// Nothing further is looked at, so that a hostile megabyte costs a count.
		r.Errors = append(r.Errors, FaultTooLong)
		return r
	}

	p := parse(payload)
	r.Errors = append(r.Errors, p.faults...)
	r.EMVOK = len(p.faults) == 0
	if r.EMVOK {
		r.read(p)
		r.Errors = append(r.Errors, p.strictFaults()...)
	}
	// Beside the framing on purpose: text with diacritics frames well when its
	// lengths count characters, and is then readable though not valid.
	if !p.printable(payload) {
		r.Errors = append(r.Errors, FaultNonASCII)
	}
	r.Valid = len(r.Errors) == 0
	r.Warnings = append(r.Warnings, p.warnings(&r)...)
	return r
}

// parsed is a payload cut into its objects, as far as it could be cut.
type parsed struct {
	root      objects
	framed    bool               // the root was cut to its end
	templates map[string]objects // 26–51, 62 and 64 by tag
	transfer  objects            // 38.01
	faults    []string           // why this is no well-formed payload; empty means EMVOK
}

// parse cuts a payload and judges everything that makes up EMVOK.
func parse(payload string) parsed {
	p := parsed{templates: make(map[string]objects, 4)}
	var fault string
	p.root, fault = split(payload, true)
	p.framed = fault == ""
	if !p.framed {
		// Behind the first framing error every boundary is a guess: only the checksum,
		// which stands at the end by its position, is still worth a word.
		p.fail(fault)
		p.checkCRC(payload)
		return p
	}
	first, last := p.root[0], p.root[len(p.root)-1]
	if first.id != "00" {
		p.fail(Fault00NotFirst)
	}
	if p.root.get("00") != "01" {
		p.fail(FaultFormatNot01)
	}
	if last.id != "63" {
		p.fail(Fault63NotLast)
	}
	if last.id == "63" && characters(last.value) != 4 {
		// A checksum of another length is no checksum, even when the text happens to
		// end like one ("63086304ABCD").
		p.fail(FaultCRCMissing)
	} else {
		p.checkCRC(payload)
	}
	if p.root.duplicate() {
		p.fail(FaultDuplicateTag)
	}
	for _, o := range p.root {
		if !isTemplate(o.id) {
			continue // primitives, and 80–99, whose inside is their owners' own affair
		}
		inside, ok := p.splitTemplate(o.id, o.value)
		p.templates[o.id] = inside
		// 38.01 is the one template inside a template (NAPAS 5.2). It must split
		// whatever 38.00 says: the tag, not the application, makes it a template.
		if value := inside.get("01"); ok && o.id == "38" && value != "" {
			p.transfer, _ = p.splitTemplate("38.01", value)
		}
	}
	return p
}

// splitTemplate cuts a template's value and names what is wrong with it.
func (p *parsed) splitTemplate(tag, value string) (inside objects, ok bool) {
	inside, fault := split(value, false)
	if fault != "" {
		p.fail(faultMalformedOpen + tag + faultMalformedClose)
		return inside, false
	}
	if inside.duplicate() {
		p.fail(faultDuplicateIn + tag)
	}
	return inside, true
}

// checkCRC looks at the last eight characters, which is where the checksum is in
// every payload that has one, however badly the rest is cut.
func (p *parsed) checkCRC(payload string) {
	tail, ok := lastCharacters(payload, 8)
	if !ok || !strings.HasPrefix(tail, "6304") {
		p.fail(FaultCRCMissing)
		return
	}
	printed, ok := parseCRCDigits(tail[4:])
	if !ok {
		p.fail(FaultCRCNotHex)
		return
	}
	if printed != CRC(payload[:len(payload)-4]) {
		p.fail(FaultCRCMismatch)
	}
}

func (p *parsed) fail(name string) { p.faults = append(p.faults, name) }

// isTemplate reports whether the value under a root tag is made of objects:
// 26–51 merchant accounts, 62 additional data, 64 the name in another language.
// 02–25 are the card networks' plain numbers (EMVCo 4.7.2).
func isTemplate(id string) bool {
	return "26" <= id && id <= "51" || id == "62" || id == "64"
}

// printable reports whether the payload keeps to printable ASCII. Inside 64 any
// script is allowed: that is what the template is for (EMVCo 3.3). Where the
// root could not be cut nobody can tell what 64 is, and all of it is looked at.
func (p *parsed) printable(payload string) bool {
	if printable(payload) {
		return true
	}
	if !p.framed {
		return false
	}
	for _, o := range p.root {
		if o.id != "64" && !printable(o.value) {
			return false
		}
	}
	return true
}

// read takes the fields out of a well-formed payload.
func (r *Result) read(p parsed) {
	r.Scheme = p.scheme()
	r.PointOfInitiation = pointsOfInitiation[p.root.get("01")]
	if r.Scheme == SchemeVietQR {
		r.BankBIN = p.transfer.get("00")
		r.Account = p.transfer.get("01")
		if code := p.templates["38"].get("02"); serviceCodes[code] {
			r.ServiceCode = code
		}
	}
	r.Amount = p.root.get("54")
	if vnd, fault := amountVND(r.Amount); fault == "" && p.root.get("53") == currencyVND {
		r.AmountVND = vnd
	}
	if additional := p.templates["62"]; len(additional) > 0 {
		r.Additional = make(map[string]string, len(additional))
		for _, o := range additional {
			r.Additional[o.id] = o.value
		}
	}
	r.MerchantName = p.root.get("59")
	r.MerchantCity = p.root.get("60")
	r.PostalCode = p.root.get("61")
	r.MCC = p.root.get("52")
}

// scheme looks at 38 first: a code that offers several networks (ZaloPay prints
// 26 beside 38) is a VietQR for whoever can pay one.
func (p *parsed) scheme() Scheme {
	if p.templates["38"].get("00") == aidNAPAS {
		return SchemeVietQR
	}
	for id, inside := range p.templates {
		if "26" <= id && id <= "51" && inside.get("00") == aidVNPAY {
			return SchemeVNPAY
		}
	}
	return SchemeOther
}

var pointsOfInitiation = map[string]string{"11": "static", "12": "dynamic"}

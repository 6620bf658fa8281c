package qr

// Services of 38.02 (NAPAS 5.2): a transfer to an account or to a card. QRPUSH and
// QRCASH (payment push, cash withdrawal) are read and never written.
const (
	ServiceAccount = "QRIBFTTA"
	ServiceCard    = "QRIBFTTC"
	servicePush    = "QRPUSH"
	serviceCash    = "QRCASH"
)

var serviceCodes = map[string]bool{ServiceAccount: true, ServiceCard: true, servicePush: true, serviceCash: true}

const (
	currencyVND = "704" // ISO 4217
	countryVN   = "VN"  // ISO 3166-1
)

// Bounds, in characters.
const (
	maxAccount    = 19 // NAPAS 5.2
	maxAmount     = 13 // EMVCo 4.4
	maxName       = 25
	maxCity       = 15
	maxPostalCode = 10
	maxAdditional = 25 // each of 62.01–62.08
	maxPrompt     = 3  // 62.09
	maxPercent    = 5  // 57
	maxTemplate   = 99 // what two digits of length can say
)

// strictFaults names everything that keeps a well-formed payload from being a
// strict VietQR.
func (p *parsed) strictFaults() []string {
	var faults []string
	fail := func(wrong bool, name string) {
		if wrong {
			faults = append(faults, name)
		}
	}

	initiation := p.root.get("01")
	fail(initiation == "", Fault01Missing)
	fail(initiation != "" && pointsOfInitiation[initiation] == "", Fault01Value)

	faults = append(faults, p.accountFaults()...)

	mcc := p.root.get("52")
	fail(mcc != "" && (len(mcc) != 4 || !digits(mcc)), FaultMCCFormat)

	currency, country := p.root.get("53"), p.root.get("58")
	fail(currency == "", FaultCurrencyMissing)
	fail(currency != "" && currency != currencyVND, FaultCurrencyNot704)
	fail(country == "", FaultCountryMissing)
	fail(country != "" && country != countryVN, FaultCountryNotVN)

	if amount := p.root.get("54"); amount != "" {
		_, fault := amountVND(amount)
		fail(fault != "", fault)
	}
	faults = append(faults, p.tipFaults()...)

	fail(characters(p.root.get("59")) > maxName, FaultNameTooLong)
	fail(characters(p.root.get("60")) > maxCity, FaultCityTooLong)
	fail(characters(p.root.get("61")) > maxPostalCode, FaultPostalTooLong)

	for _, o := range p.templates["62"] {
		bound := 0
		switch {
		case "01" <= o.id && o.id <= "08":
			bound = maxAdditional
		case o.id == "09":
			bound = maxPrompt
		default:
			continue // 00 and 10–99 are reserved or a network's own: no bound is known
		}
		fail(characters(o.value) > bound, fault62TooLongOpen+o.id+fault62TooLongClose)
	}
	return faults
}

// accountFaults judges 38, the receiver.
func (p *parsed) accountFaults() []string {
	merchant, there := p.templates["38"]
	if !there {
		return []string{Fault38Missing}
	}
	if merchant.get("00") != aidNAPAS {
		// Another network's template: what its objects mean is not ours to judge.
		return []string{Fault38AID}
	}
	var faults []string
	fail := func(wrong bool, name string) {
		if wrong {
			faults = append(faults, name)
		}
	}
	for _, o := range merchant {
		if o.id > "02" {
			faults = append(faults, Fault38Extra)
			break
		}
	}
	if service := merchant.get("02"); service != "" {
		fail(!serviceCodes[service], FaultServiceUnknown)
	}
	if merchant.get("01") == "" {
		return append(faults, Fault3801Missing)
	}
	for _, o := range p.transfer {
		if o.id > "01" {
			// Seen where a generator put the service code inside 38.01.
			faults = append(faults, Fault3801Extra)
			break
		}
	}
	bin, account := p.transfer.get("00"), p.transfer.get("01")
	fail(bin == "", FaultBINMissing)
	fail(bin != "" && (len(bin) != 6 || !digits(bin)), FaultBINFormat)
	fail(account == "", FaultAccountMissing)
	fail(characters(account) > maxAccount, FaultAccountTooLong)
	fail(account != "" && !lettersOrDigits(account), FaultAccountCharset)
	return faults
}

// tipFaults judges 55–57 (EMVCo 4.4.2–4.4.4): 56 is there exactly when 55 is 02, 57
// exactly when it is 03, and both must say something that can be charged.
func (p *parsed) tipFaults() []string {
	indicator, fixed, percent := p.root.get("55"), p.root.get("56"), p.root.get("57")
	var faults []string
	switch indicator {
	case "", TipAsk, TipFixed, TipPercent:
	default:
		faults = append(faults, FaultTipIndicator)
	}
	_, fixedFault := amountVND(fixed)
	if (indicator == TipFixed) != (fixed != "") || fixed != "" && fixedFault != "" {
		faults = append(faults, FaultTipFixed)
	}
	if (indicator == TipPercent) != (percent != "") || percent != "" && !percentage(percent) {
		faults = append(faults, FaultTipPercent)
	}
	return faults
}

// Values of 55.
const (
	TipAsk     = "01" // the application asks the payer
	TipFixed   = "02" // 56 holds the amount
	TipPercent = "03" // 57 holds the percentage
)

// amountVND reads a printed amount as whole đồng, or names what is wrong with it.
//
// Digits with at most one dot and nothing behind it are right: "50000" and
// "50000.". "50.000" is refused rather than understood, for it means fifty
// thousand to a Vietnamese reader and fifty to an application. Zeroes in every
// spelling are named as zero. Thirteen digits fit an int64 with room to spare.
func amountVND(printed string) (vnd int64, fault string) {
	whole, dots, behind, zero := int64(0), 0, 0, true
	if characters(printed) > maxAmount {
		return 0, FaultAmountTooLong
	}
	for i := range len(printed) {
		switch b := printed[i]; {
		case b == '.':
			dots++
		case b < '0' || b > '9':
			return 0, FaultAmountFormat
		default:
			zero = zero && b == '0'
			if dots > 0 {
				behind++
			} else {
				whole = whole*10 + int64(b-'0')
			}
		}
	}
	switch {
	case printed == "" || printed[0] == '.' || dots > 1:
		return 0, FaultAmountFormat
	case zero:
		return 0, FaultAmountZero
	case behind > 0:
		return 0, FaultAmountDecimals
	}
	return whole, ""
}

// percentage reports whether s is a percentage of 57: 00.01 to 99.99 in at most
// five characters, digits with at most one dot and at most two digits before and
// behind it.
func percentage(s string) bool {
	before, behind, dots, zero := 0, 0, 0, true
	for i := range len(s) {
		switch b := s[i]; {
		case b == '.':
			dots++
		case b < '0' || b > '9':
			return false
		default:
			zero = zero && b == '0'
			if dots > 0 {
				behind++
			} else {
				before++
			}
		}
	}
	return len(s) <= maxPercent && dots <= 1 && 1 <= before && before <= 2 && behind <= 2 && !zero
}

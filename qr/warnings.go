package qr

import "strings"

// NAPAS247Limit is the first amount, in đồng, that a NAPAS 247 transfer refuses:
// a transfer must stay under 500,000,000 đ. Larger sums go by other rails.
const NAPAS247Limit = 500_000_000

// askPayer is the value by which a code asks the payer to fill in a field.
const askPayer = "***"

// warnings names what a person should know about a code beyond its errors.
func (p *parsed) warnings(r *Result) []string {
	var names []string
	warn := func(seen bool, name string) {
		if seen {
			names = append(names, name)
		}
	}

	if !r.EMVOK {
		// 6200 is the one framing error with a name of its own: such codes hang in
		// shops, and a person should hear that the code and not the scan is bad.
		if n := len(p.root); !p.framed && n > 0 {
			warn(p.root[n-1] == object{id: "62"}, WarnEmptyAdditional)
		}
		return names
	}

	crc := p.root.get("63")
	warn(crc != strings.ToUpper(crc), WarnLowerCaseCRC)
	warn(r.MCC == "0000", WarnMCC0000)
	warn(characters(r.MerchantName) > maxName, WarnLongName)
	warn(characters(r.Additional["08"]) > maxAdditional, WarnLongPurpose)
	warn(r.PointOfInitiation == "static" && r.Amount != "", WarnStaticAmount)
	warn(r.PointOfInitiation == "dynamic" && r.Amount == "", WarnDynamicNoAmount)
	warn(r.AmountVND > 0 && strings.HasSuffix(r.Amount, "."), WarnAmountDot)
	warn(r.AmountVND >= NAPAS247Limit, WarnAmountOverLimit)

	momo := strings.HasPrefix(r.Account, "99MM") || r.BankBIN == "971025" || strings.HasPrefix(r.Additional["05"], "MOMO")
	zalopay := strings.HasPrefix(r.Account, "99ZP")
	vnpay, private, others, prompt := false, false, false, false
	for _, o := range p.root {
		switch {
		case o.id >= "80":
			private = true
		case "02" <= o.id && o.id <= "51" && o.id != "38":
			others = true
		}
	}
	for id, inside := range p.templates {
		if id < "26" || id > "51" {
			continue
		}
		aid := inside.get("00")
		vnpay = vnpay || aid == aidVNPAY
		zalopay = zalopay || strings.Contains(strings.ToLower(aid), "zalopay")
	}
	for _, value := range r.Additional {
		prompt = prompt || value == askPayer
	}
	warn(momo, WarnWalletMoMo)
	warn(zalopay, WarnWalletZaloPay)
	warn(vnpay, WarnVNPAY)
	warn(others, WarnOtherNetworks)
	warn(private, WarnPrivateTags)
	warn(prompt, WarnPayerPrompt)

	if r.Scheme == SchemeVietQR {
		warn(p.templates["38"].get("02") == "", WarnServiceAbsent)
		warn(r.ServiceCode == ServiceCard && !luhn(r.Account), WarnCardCheckDigit)
		_, known := BankByBIN(r.BankBIN)
		warn(!known, WarnUnknownBank)
	}
	return names
}

// luhn reports whether the last digit of a card number is its check digit
// (ISO/IEC 7812-1, annex B): every second digit from the right is doubled, the
// digits of all are summed, and the sum must be a multiple of ten.
func luhn(number string) bool {
	if !digits(number) {
		return false
	}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

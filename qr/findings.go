package qr

// Names of errors, as Result.Errors lists them. Scripts rely on them, so they
// never change. Two families carry a tag in their name and are built where they
// are found: duplicate_tag_in_NN, tag_NN_malformed and 62.NN_too_long.
//
// The first group makes EMVOK false: the text is no payload at all, or a damaged
// one, and nothing is read out of it.
const (
	FaultEmpty          = "empty"                  // no text
	FaultTooLong        = "payload_too_long"       // more than MaxPayload characters
	FaultTruncated      = "tlv_truncated"          // fewer than four characters left for identifier and length
	FaultBadID          = "tlv_bad_id"             // an identifier that is not two digits
	FaultBadLength      = "tlv_bad_length"         // a length that is not two digits
	FaultZeroLength     = "tlv_zero_length"        // a length of 00
	FaultOverrun        = "tlv_overrun"            // a length beyond the end of the text
	FaultTrailingData   = "trailing_data_after_63" // the checksum is not the end
	FaultDuplicateTag   = "duplicate_tag"          // an identifier twice in the root
	Fault00NotFirst     = "00_not_first"
	FaultFormatNot01    = "payload_format_not_01" // 00 missing or another version
	Fault63NotLast      = "63_not_last"
	FaultCRCMissing     = "crc_missing" // the text does not end in 6304 and four characters
	FaultCRCNotHex      = "crc_not_hex"
	FaultCRCMismatch    = "crc_mismatch"
	faultDuplicateIn    = "duplicate_tag_in_" // + tag of the template
	faultMalformedOpen  = "tag_"              // + tag of the template
	faultMalformedClose = "_malformed"
)

// The second group makes Valid false and leaves EMVOK alone: a well-formed EMVCo
// payload that is not a strict VietQR.
const (
	FaultNonASCII        = "non_ascii" // outside the printable ASCII characters, other than inside 64
	Fault01Missing       = "01_missing"
	Fault01Value         = "01_value" // neither 11 nor 12
	Fault38Missing       = "38_missing"
	Fault38AID           = "38_aid" // 38.00 is not A000000727
	Fault38Extra         = "38_extra_subtag"
	Fault3801Missing     = "38.01_missing"
	Fault3801Extra       = "38.01_extra_subtag"
	FaultBINMissing      = "bank_bin_missing"
	FaultBINFormat       = "bank_bin_format" // not six digits
	FaultAccountMissing  = "account_missing"
	FaultAccountTooLong  = "account_too_long" // more than 19 characters
	FaultAccountCharset  = "account_charset"  // not letters and digits alone
	FaultServiceUnknown  = "service_code_unknown"
	FaultCurrencyMissing = "currency_missing"
	FaultCurrencyNot704  = "currency_not_704"
	FaultCountryMissing  = "country_missing"
	FaultCountryNotVN    = "country_not_VN"
	FaultAmountFormat    = "amount_format" // not digits with at most one dot
	FaultAmountZero      = "amount_zero"
	FaultAmountDecimals  = "amount_decimals" // digits behind the dot: the đồng has none
	FaultAmountTooLong   = "amount_too_long" // more than 13 characters
	FaultNameTooLong     = "merchant_name_too_long"
	FaultCityTooLong     = "merchant_city_too_long"
	FaultPostalTooLong   = "postal_code_too_long"
	FaultMCCFormat       = "mcc_format"               // not four digits
	FaultTipIndicator    = "tip_indicator_value"      // 55 is none of 01, 02, 03
	FaultTipFixed        = "tip_fixed_inconsistent"   // 56 without 55 = 02, missing with it, or no amount
	FaultTipPercent      = "tip_percent_inconsistent" // 57 without 55 = 03, missing with it, or outside 00.01–99.99
	fault62TooLongOpen   = "62."                      // + tag inside 62
	fault62TooLongClose  = "_too_long"
)

// Names of warnings, as Result.Warnings lists them: things seen in real codes
// that a reader should know about and that do not by themselves decide Valid.
const (
	WarnLongPurpose     = "purpose_over_25"       // 62.08 beyond 25 characters, as payOS writes; banks cut it
	WarnLongName        = "merchant_name_over_25" // 59 beyond 25 characters, as EVN writes
	WarnEmptyAdditional = "empty_62"              // 6200: several generators write it, and no strict reader splits it
	WarnMCC0000         = "mcc_0000"              // a placeholder, not a category of ISO 18245
	WarnWalletMoMo      = "wallet_momo"           // the money goes to a MoMo wallet
	WarnWalletZaloPay   = "wallet_zalopay"        // the money goes to a ZaloPay wallet, or the code offers one
	WarnVNPAY           = "vnpay_merchant"        // a VNPAY merchant code: bank applications treat it apart
	WarnPrivateTags     = "private_tags"          // 80–99 are there; they are not opened
	WarnOtherNetworks   = "other_networks"        // card or wallet templates beside or instead of 38
	WarnStaticAmount    = "static_with_amount"    // 01 is 11 yet an amount is printed
	WarnDynamicNoAmount = "dynamic_without_amount"
	WarnAmountDot       = "amount_trailing_dot" // "50000."
	WarnAmountOverLimit = "amount_over_napas_247_limit"
	WarnServiceAbsent   = "service_code_absent" // account or card is left to the bank to find out
	WarnCardCheckDigit  = "card_check_digit"    // QRIBFTTC, but the number fails the Luhn test
	WarnUnknownBank     = "bank_unknown"        // the BIN is not in our directory, which may be older than the bank
	WarnLowerCaseCRC    = "crc_lower_case"
	WarnPayerPrompt     = "payer_prompt" // *** in 62: the payer is asked to type it
)

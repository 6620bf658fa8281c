package qr

// Code names a reason why Encode refuses a request. It never changes; the texts
// beside it may.
type Code string

// Reasons for a refusal.
const (
	CodeBINFormat         Code = "bin_format"
	CodeReceiver          Code = "receiver"
	CodeAccountFormat     Code = "account_format"
	CodeCardFormat        Code = "card_format"
	CodeCardCheckDigit    Code = "card_check_digit"
	CodeAmountFormat      Code = "amount_format"
	CodeAmountZero        Code = "amount_zero"
	CodeAmountDecimals    Code = "amount_decimals"
	CodeAmountTooLong     Code = "amount_too_long"
	CodeAmountOverLimit   Code = "amount_over_limit"
	CodeMCCFormat         Code = "mcc_format"
	CodeTextEmpty         Code = "text_empty"
	CodeCharset           Code = "charset"
	CodeTooLong           Code = "too_long"
	CodeMobileFormat      Code = "mobile_format"
	CodePromptFormat      Code = "prompt_format"
	CodeReferencePrompt   Code = "reference_prompt"
	CodeTipFormat         Code = "tip_format"
	CodeAdditionalTooLong Code = "additional_too_long"
	CodeImageSize         Code = "image_size"
	CodeImagePayload      Code = "image_payload"
	CodeInternal          Code = "internal"
)

// Refusal is the error of Encode, PNG and SVG: what is wrong with which field, for
// programs (Code, Field) and for people in two languages. No text repeats a value
// that was handed in, so a Refusal may be logged and shown.
type Refusal struct {
	Code       Code
	Field      string // as the flags of `socho qr encode` are called: "bin", "account", …
	English    string
	Vietnamese string
}

// Error returns the field and the English sentence.
func (r *Refusal) Error() string { return "qr: " + r.Field + ": " + r.English }

// refuse makes the Refusal for code; every code has its texts in refusalTexts.
func refuse(field string, code Code) error {
	text := refusalTexts[code]
	return &Refusal{Code: code, Field: field, English: text[0], Vietnamese: text[1]}
}

var refusalTexts = map[Code][2]string{
	CodeBINFormat: {
		"the bank's BIN must be six digits",
		"mã BIN của ngân hàng phải gồm đúng sáu chữ số",
	},
	CodeReceiver: {
		"give either an account or a card, not both and not neither",
		"hãy nhập số tài khoản hoặc số thẻ, chỉ một trong hai",
	},
	CodeAccountFormat: {
		"an account number is 1 to 19 letters or digits, without blanks or marks",
		"số tài khoản gồm 1 đến 19 chữ cái không dấu hoặc chữ số, không có khoảng trắng",
	},
	CodeCardFormat: {
		"a card number is 12 to 19 digits",
		"số thẻ gồm 12 đến 19 chữ số",
	},
	CodeCardCheckDigit: {
		"the card number's check digit is wrong; please read it again",
		"số thẻ không đúng chữ số kiểm tra; vui lòng xem lại",
	},
	CodeAmountFormat: {
		"an amount is whole đồng in digits alone, without leading zero, sign or separators",
		"số tiền phải là số đồng nguyên, chỉ gồm chữ số, không có số 0 ở đầu, không có dấu phân cách",
	},
	CodeAmountZero: {
		"an amount must be above zero; leave it out to let the payer choose",
		"số tiền phải lớn hơn 0; để trống nếu muốn người trả tự nhập",
	},
	CodeAmountDecimals: {
		"the đồng has no decimals",
		"tiền đồng không có phần lẻ thập phân",
	},
	CodeAmountTooLong: {
		"an amount has at most 13 characters",
		"số tiền có tối đa 13 ký tự",
	},
	CodeAmountOverLimit: {
		"a NAPAS 247 transfer must be under 500,000,000 đ",
		"chuyển tiền nhanh NAPAS 247 phải dưới 500.000.000 đ",
	},
	CodeMCCFormat: {
		"a merchant category is four digits and not 0000",
		"mã ngành hàng gồm bốn chữ số và khác 0000",
	},
	CodeTextEmpty: {
		"nothing of this text can be written in a payment code, which holds plain letters, digits and signs",
		"không ký tự nào của nội dung này ghi được vào mã QR, vốn chỉ chứa chữ không dấu, chữ số và ký hiệu thường",
	},
	CodeCharset: {
		"only plain letters, digits and signs are possible here, with single blanks inside",
		"chỉ dùng chữ không dấu, chữ số và ký hiệu thường, khoảng trắng đơn ở giữa",
	},
	CodeTooLong: {
		"this text is longer than its field",
		"nội dung dài quá mức cho phép",
	},
	CodeMobileFormat: {
		"a mobile number is digits with an optional plus sign before them, or ***",
		"số điện thoại gồm các chữ số, có thể có dấu cộng phía trước, hoặc ***",
	},
	CodePromptFormat: {
		"the data asked of the payer are a choice of A, M and E, each once",
		"dữ liệu yêu cầu từ người trả là các chữ A, M, E, mỗi chữ nhiều nhất một lần",
	},
	CodeReferencePrompt: {
		"a reference leads the purpose, so neither of them can be ***, which leaves it to the payer",
		"mã tham chiếu đứng đầu nội dung, nên cả hai không thể là *** (để người trả tự nhập)",
	},
	CodeTipFormat: {
		"a tip is asked (01), a fixed amount of đồng (02), or a percentage from 00.01 to 99.99 (03), with that one value alone",
		"tiền phụ thu là do người trả nhập (01), số đồng cố định (02) hoặc phần trăm từ 00.01 đến 99.99 (03), chỉ kèm đúng giá trị đó",
	},
	CodeAdditionalTooLong: {
		"the additional fields together have more than 99 characters",
		"các trường bổ sung cộng lại dài quá 99 ký tự",
	},
	CodeImageSize: {
		"a module is 1 to 32 pixels wide and the level is one of L, M, Q, H",
		"mỗi ô rộng 1 đến 32 điểm ảnh và mức sửa lỗi là L, M, Q hoặc H",
	},
	CodeImagePayload: {
		"this text is empty or does not fit into a QR code",
		"nội dung trống hoặc không vừa một mã QR",
	},
	CodeInternal: {
		"the payload failed our own reading of it; this is a fault of the program, please report it",
		"mã tạo ra không qua được bước tự kiểm tra; đây là lỗi chương trình, vui lòng báo lại",
	},
}

package print

import (
	"strconv"

	"socho/internal/money"
	"socho/internal/refcode"
	"socho/qr"
)

// Slip is what a payer takes home: one bill, how much, and how to pay it.
type Slip struct {
	Payload string // a valid VietQR of an account, with the amount and the reference
	Issuer  string // who bills, and whose account it is: "Ban quản lý chợ Đồng Văn"
	Payer   string // may be empty; a slip is handed to this person alone
	Stall   string // of a market: "A12"; may be empty
	What    string // "Phí chợ tháng 9/2026"
	Class   string // of a school: "3A"; may be empty
	Items   string // what it is made of: "Tiền ăn 400.000 đ (hóa đơn)"; may be empty
	Due     string // "15/09/2026"; may be empty
	Serial  string
	Link    string // text of a small second code: where the payer sees what is owed and paid; may be empty
}

// A slip, in mm: a third of A4, so that envelopes take it.
const (
	slipWidth  = 210.0
	slipHeight = 99.0
	slipCode   = 68.0
	slipLink   = 24.0
)

// Slips prints slips, three on a sheet of A4. The errors are as of Cards; a slip
// without an amount is ErrPayload as well.
func Slips(slips []Slip, o Options) ([]byte, error) {
	return produce(o, paper{slipWidth, 3 * slipHeight, 1, 3}, len(slips), func(i int) (string, piece, error) {
		draw, err := slips[i].prepare()
		return slips[i].Stall, draw, err
	})
}

func (s *Slip) prepare() (piece, error) {
	read, err := payable(s.Payload)
	if err == nil && read.AmountVND == 0 {
		err = ErrPayload
	}
	if err != nil {
		return nil, err
	}
	pay, err := drawn(s.Payload, slipCode)
	if err != nil {
		return nil, err
	}
	var link code
	if s.Link != "" {
		if link, err = drawn(s.Link, slipLink); err != nil {
			return nil, err
		}
	}
	return func(p *page, x, y float64) {
		s.draw(p, x, y, &read, pay)
		if s.Link == "" {
			return
		}
		// Below the amount, where lines are short.
		const at = 12 + 113 - slipLink
		p.code(link, x+at, y+slipHeight-10-slipLink, slipLink)
		p.text(x+at-4, y+slipHeight-10.5, slipLink+8, style{size: 6.5, align: "C", colour: black}, "Xem đã nộp, còn nợ")
	}, nil
}

func (s *Slip) draw(p *page, x, y float64, read *qr.Result, pay code) {
	const left, label, value = 12.0, 27.0, 86.0
	right := x + slipWidth - 12 - slipCode
	plain := style{size: 9, align: "L", colour: black}
	faded := style{size: 7.5, least: 6, align: "L", colour: grey}

	p.text(x+left, y+7, label+value, style{size: 17, bold: true, align: "L", colour: uses[ForFees].band}, "PHIẾU NỘP TIỀN")
	p.text(x+left, y+14, label+value, faded, "Payment slip")
	at := y + 18.5
	at += p.text(x+left, at, label+value, style{size: 11, least: 8, lines: 2, bold: true, align: "L", colour: black}, s.Issuer)
	p.draw(uses[ForFees].band, 0.4)
	p.pdf.Line(x+left, at+0.8, x+left+label+value, at+0.8)
	at += 2

	width := value
	line := func(name, english, text string, s style, least float64) {
		if text == "" {
			return
		}
		took := p.text(x+left+label, at, width, s, text)
		p.text(x+left, at+0.3, label, plain, name)
		p.text(x+left, at+4, label, style{size: 6.5, align: "L", colour: grey}, english)
		at += max(took, least) + 0.9
	}
	strong := style{size: 12, least: 8, bold: true, align: "L", colour: black}
	who := s.Payer
	if s.Stall != "" {
		who = joined("Sạp "+s.Stall, who)
	}
	if s.Class != "" {
		who = joined("Lớp "+s.Class, who)
	}
	line("Người nộp", "Payer", who, style{size: 11, least: 8, align: "L", colour: black}, 7)
	line("Nộp tiền", "For", s.What, style{size: 11, least: 7.5, lines: 2, align: "L", colour: black}, 7)
	line("Gồm", "Items", s.Items, style{size: 8, least: 6, lines: 2, align: "L", colour: black}, 6.4)
	amount := at
	line("Số tiền", "Amount", dong(read.AmountVND), style{size: 18, bold: true, align: "L", colour: black}, 7)
	at = amount + 7.6
	at += p.text(x+left+label, at, value, style{size: 8, least: 6.5, lines: 2, align: "L", colour: black}, money.InWords(read.AmountVND)) + 0.7
	if s.Link != "" {
		width = value - slipLink
	}
	line("Hạn nộp", "Due", s.Due, strong, 6.4)
	line("Tài khoản", "Account", bankName(read.BankBIN)+" · "+grouped(read.Account), strong, 6.4)
	line("Nội dung", "Reference", reference(read), strong, 6.4)
	p.text(x+left, y+slipHeight-5.6, label+value, style{size: 7, least: 5.5, align: "L", colour: black}, "Số phiếu "+s.Serial+" · "+noInvoice)

	p.code(pay, right, y+5, slipCode)
	at = y + 5 + slipCode
	for _, s := range []struct {
		style
		text string
	}{
		{style{size: 10, bold: true, align: "C", colour: black}, "Mở ứng dụng ngân hàng, quét mã."},
		{style{size: 9, align: "C", colour: black}, "Xem đúng tên, đúng số tiền rồi bấm chuyển."},
		{style{size: 9, align: "C", colour: black}, "Chuyển bằng tay: ghi đúng nội dung bên trái."},
		{style{size: 7, align: "C", colour: grey}, "Scan with your bank app; check name and amount."},
	} {
		at += p.text(right-4, at, slipCode+8, s.style, s.text) + 0.4
	}
}

// noInvoice stands on every slip and receipt: none of them is the invoice or fee
// receipt that the tax law asks for.
const noInvoice = "Phiếu nội bộ, không phải hóa đơn, biên lai thuế."

// reference is what the payer's bank carries along, in groups where it begins
// with a reference code: people copy it by hand.
func reference(read *qr.Result) string {
	if code, err := refcode.Parse(read.Additional["05"]); err == nil {
		return code.Printed()
	}
	return note(read.Additional)
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " · " + b
}

// dong writes an amount as people do: 61.000 đ.
func dong(amount int64) string {
	digits := strconv.FormatInt(amount, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return digits + " đ"
}

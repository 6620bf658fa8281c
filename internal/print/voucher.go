package print

import "socho/internal/money"

// Voucher says that a payment was taken: what a payer who asks for paper is given.
type Voucher struct {
	Issuer string // who was paid: "Ban quản lý chợ Đồng Văn"
	Payer  string // may be empty; a voucher is handed to this person alone
	Place  string // "Lớp 3A", "Sạp A12"; may be empty
	What   string // "Phí chợ tháng 9/2026"
	Amount int64  // đồng
	Left   int64  // of the bill, still to be paid
	How    string // "Chuyển khoản", "Tiền mặt, người thu thu1"
	On     string // "15/09/2026"
	Serial string // of the record on the log that says so: "0:123"
}

// Vouchers prints vouchers, three on a sheet of A4. Errors: ErrNothing, ErrTooMany.
func Vouchers(vouchers []Voucher, o Options) ([]byte, error) {
	return produce(o, paper{slipWidth, 3 * slipHeight, 1, 3}, len(vouchers), func(i int) (string, piece, error) {
		return vouchers[i].Place, vouchers[i].draw, nil
	})
}

func (v *Voucher) draw(p *page, x, y float64) {
	const left, label, value = 14.0, 34.0, 146.0
	p.text(x+left, y+7, label+value, style{size: 17, bold: true, align: "L", colour: uses[ForFees].band}, "BIÊN NHẬN ĐÃ NỘP TIỀN")
	p.text(x+left, y+14, label+value, style{size: 7.5, align: "L", colour: grey}, "Payment received")
	at := y + 18.5
	at += p.text(x+left, at, label+value, style{size: 11, least: 8, bold: true, align: "L", colour: black}, v.Issuer)
	p.draw(uses[ForFees].band, 0.4)
	p.pdf.Line(x+left, at+0.8, x+left+label+value, at+0.8)
	at += 2.5
	line := func(name, english, text string, s style) {
		if text == "" {
			return
		}
		took := p.text(x+left+label, at, value, s, text)
		p.text(x+left, at+0.3, label, style{size: 9, align: "L", colour: black}, name)
		p.text(x+left, at+4, label, style{size: 6.5, align: "L", colour: grey}, english)
		at += max(took, 7) + 0.9
	}
	plain := style{size: 11, least: 8, align: "L", colour: black}
	line("Người nộp", "Payer", joined(v.Place, v.Payer), plain)
	line("Nộp tiền", "For", v.What, plain)
	line("Đã nộp", "Paid", dong(v.Amount), style{size: 18, bold: true, align: "L", colour: black})
	at += p.text(x+left+label, at-1, value, style{size: 9, least: 7, align: "L", colour: black}, money.InWords(v.Amount))
	line("Cách nộp", "By", joined(v.How, v.On), plain)
	rest := "Đã nộp đủ."
	if v.Left > 0 {
		rest = "Còn phải nộp " + dong(v.Left)
	}
	line("Phiếu thu", "Bill", rest, plain)
	p.text(x+left, y+slipHeight-5.6, label+value, style{size: 7, least: 5.5, align: "L", colour: black}, "Bản ghi "+v.Serial+" · "+noInvoice)
}

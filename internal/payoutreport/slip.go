package payoutreport

import (
	"cmp"
	"fmt"
	"time"

	"socho/internal/adminunits"
	"socho/internal/money"
	"socho/internal/print"
	"socho/projections"
)

// Slip tells one person of a payout: how much, for which month, where and how to
// collect it. It names nobody; the code is the payout's id, which the pay point
// scans.
type Slip struct {
	Fund   string
	Payout projections.Payout
	At     time.Time
}

// how says how a payout is collected.
func (s *Slip) how() (where, how string) {
	p := &s.Payout
	place := cmp.Or(adminunits.Name(p.Unit), p.Unit)
	if p.Method == "cash" {
		return "Điểm chi trả tiền mặt của " + place, "Mang phiếu này và căn cước đến điểm chi. Xem đúng số tiền rồi ký nhận. Không đi được thì người được ủy quyền mang thêm căn cước của mình."
	}
	return "Tài khoản hoặc ví của người hưởng", "Tiền vào thẳng tài khoản, không phải đi lấy, không phải trả phí cho ai. Tiền chưa vào thì hỏi cán bộ xã, đưa mã trên phiếu này. Không đưa mật khẩu, mã OTP cho bất kỳ ai."
}

// PDF prints the slip on half a sheet of A4.
func (s *Slip) PDF() ([]byte, error) {
	p := newPaper("Phiếu nhận tiền trợ cấp", false, s.At)
	const code = 52.0
	p.page()
	x := p.width - margin - code
	if err := print.Place(p.Fpdf, s.Payout.Payout, x, margin, code); err != nil {
		return nil, err
	}
	p.Rect(margin-4, margin-4, p.width-2*margin+8, 130, "D")
	width := x - margin - 6
	line := func(size float64, bold bool, text string) {
		p.font(size, bold)
		p.SetX(margin)
		p.MultiCell(width, size*0.5, text, "", "L", false)
		p.Ln(1)
	}
	due := s.Payout.Payable + s.Payout.Returned + s.Payout.Clearing
	if due == 0 {
		due = s.Payout.Ordered
	}
	p.SetXY(margin, margin)
	line(9, false, s.Fund)
	line(17, true, "PHIẾU NHẬN TIỀN TRỢ CẤP")
	line(10, false, "Tiền trợ cấp xã hội tháng "+monthOf(s.Payout.Period))
	p.Ln(2)
	line(24, true, dong(due))
	line(10, false, money.InWords(due))
	p.SetXY(margin, max(p.GetY(), margin+code)+3)
	width = p.width - 2*margin
	where, how := s.how()
	line(10, true, "Nhận ở đâu: "+where)
	line(10, false, how)
	line(10, true, "Mã khoản chi: "+s.Payout.Payout)
	status := "Chưa nhận"
	switch {
	case s.Payout.CashOn != "" && s.Payout.Status() == projections.PayoutPaidCash:
		status = "Đã nhận tiền mặt ngày " + dayOf(string(s.Payout.CashOn))
	case s.Payout.Status() == projections.PayoutSettled:
		status = "Ngân hàng đã chuyển ngày " + dayOf(string(s.Payout.SettledOn))
	case s.Payout.Status() == projections.PayoutSent:
		status = "Đang chuyển qua ngân hàng"
	case s.Payout.Status() == projections.PayoutReturned:
		status = "Ngân hàng trả tiền về, còn nợ người nhận"
	}
	line(10, false, fmt.Sprintf("Tình trạng lúc %s: %s", s.At.In(vietnam).Format("15:04 02/01/2006"), status))
	line(8, false, "Mã QR chỉ chứa mã khoản chi, không có tên hay số căn cước. Nhận tiền rồi có thể xin biên nhận có chữ ký của sổ cái, kiểm tra được không cần mạng.")
	return p.bytes()
}

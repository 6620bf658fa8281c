package payoutreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"

	"socho/internal/adminunits"
	"socho/internal/money"
	"socho/internal/payouts"
	"socho/internal/print"
	"socho/qr"
)

// Sheet is the list that people sign for cash at a pay point. Its QR codes hold
// the payouts' opaque ids alone.
type Sheet struct {
	Fund   string // the fund's name
	Period string
	Unit   string // a commune's code; empty for all
	Lines  []SheetLine
	Sum    int64
	At     time.Time
}

// SheetLine is one payout on it.
type SheetLine struct {
	Payout, Name, Citizen, Unit string // the citizen id with its last four digits alone
	Amount                      int64  // to be handed over, or that was
	PaidOn                      string // 15/09/2026 where it was; empty
	Returned                    bool   // the bank sent it back
}

// NewSheet makes the list of a month out of its lines, by commune and name.
func NewSheet(fund, period, unit string, lines []payouts.CashLine, at time.Time) *Sheet {
	s := &Sheet{Fund: fund, Period: period, Unit: unit, At: at}
	for _, l := range lines {
		line := SheetLine{Payout: l.Payout.Payout, Name: l.Name, Citizen: masked(l.Citizen), Unit: l.Unit, Amount: l.Payable + l.Returned, Returned: l.Returned > 0}
		if line.Name == "" {
			line.Name = "(không đọc được tên)"
		}
		if line.Amount == 0 && l.PaidCash > 0 {
			line.Amount, line.PaidOn = l.PaidCash, dayOf(string(l.CashOn))
		}
		if line.Amount == 0 {
			continue // on its way through the bank, or carried out by it
		}
		s.Lines, s.Sum = append(s.Lines, line), s.Sum+line.Amount
	}
	slices.SortStableFunc(s.Lines, func(a, b SheetLine) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(sortKey(a.Name), sortKey(b.Name)), cmp.Compare(a.Payout, b.Payout))
	})
	return s
}

// masked shows the last four digits of a citizen id: enough to tell two of one
// name apart, and to hold against a card.
func masked(citizen string) string {
	if len(citizen) <= 4 {
		return citizen
	}
	return strings.Repeat("•", len(citizen)-4) + citizen[len(citizen)-4:]
}

// sortKey puts names in the order of their last word, as Vietnamese lists have it.
func sortKey(name string) string {
	words := strings.Fields(strings.ToLower(name))
	if n := len(words); n > 1 {
		words = append(words[n-1:n:n], words[:n-1]...)
	}
	bare := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, norm.NFD.String(strings.Join(words, " ")))
	return bare + "\x00" + name
}

func (s *Sheet) place() string {
	if s.Unit == "" {
		return "Tất cả các xã"
	}
	return cmp.Or(adminunits.Name(s.Unit), s.Unit)
}

const sheetTitle = "Danh sách ký nhận tiền trợ cấp xã hội"

// maxOnPaper bounds a printed list: each line has a code that is read back.
const maxOnPaper = 5000

// PDF prints the list on A4. Errors: where it is too long to be printed at once.
func (s *Sheet) PDF() ([]byte, error) {
	if len(s.Lines) > maxOnPaper {
		return nil, fmt.Errorf("%d lines are more than the %d that one paper holds; name one commune", len(s.Lines), maxOnPaper)
	}
	p := newPaper(fmt.Sprintf("%s tháng %s", sheetTitle, monthOf(s.Period)), false, s.At)
	columns := []column{{"STT", 11, "C"}, {"Mã", 19, "C"}, {"Họ và tên", 60, "L"}, {"Số căn cước", 28, "C"}, {"Số tiền (đồng)", 27, "R"}, {"Ký nhận", 41, "L"}}
	const height, code = 19.0, 17.0
	p.again = func() {
		p.SetXY(margin, margin)
		p.say(9, false, "L", s.Fund)
		p.say(14, true, "C", strings.ToUpper(sheetTitle))
		p.say(10, false, "C", fmt.Sprintf("Tháng %s · %s", monthOf(s.Period), s.place()))
		p.Ln(2)
		p.head(columns, 8)
	}
	p.page()
	for i, l := range s.Lines {
		p.room(height)
		y := p.GetY()
		p.row(columns, height, 10, false, fmt.Sprint(i+1), "", "", l.Citizen, number(l.Amount), "")
		if err := print.Place(p.Fpdf, l.Payout, margin+11+1, y+1, code); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		x := margin + 11 + 19.0
		p.SetXY(x, y+2)
		p.fit(l.Name, 60, 6, 11, true, "L")
		p.SetXY(x, y+8)
		p.fit(l.Payout, 60, 4.5, 7.5, false, "L")
		note := ""
		if s.Unit == "" {
			note = adminunits.Name(l.Unit)
		}
		if l.Returned {
			note = strings.TrimPrefix(note+" · ngân hàng trả về", " · ")
		}
		p.SetXY(x, y+12.5)
		p.fit(note, 60, 4.5, 7.5, false, "L")
		if l.PaidOn != "" {
			p.SetXY(margin+11+19+60+28+27, y+2)
			p.fit("Đã nhận ngày "+l.PaidOn, 41, 5, 8, false, "L")
		}
		p.SetXY(margin, y+height)
	}
	p.room(24)
	p.row([]column{{"", 118, "L"}, {"", 27, "R"}, {"", 41, "L"}}, 8, 10, true, fmt.Sprintf("Cộng: %s khoản", number(int64(len(s.Lines)))), number(s.Sum), "")
	p.Ln(1)
	p.say(10, false, "L", "Bằng chữ: "+money.InWords(s.Sum)+".")
	p.say(7.5, false, "L", "Mã QR chỉ chứa mã khoản chi. Người nhận xem đúng tên, đúng số tiền rồi mới ký. Người nhận thay ký và ghi rõ họ tên, số căn cước của mình.")
	p.signatures("Người lập", "Người chi tiền", "Thủ trưởng đơn vị")
	return p.bytes()
}

// maxPictures bounds how many codes a workbook holds.
const maxPictures = 1000

// XLSX writes the list as a workbook; amounts are numbers.
func (s *Sheet) XLSX() ([]byte, error) {
	w, err := newWorkbook(sheetTitle, "Ký nhận", s.At)
	if err != nil {
		return nil, err
	}
	w.add(true, s.Fund)
	w.add(true, fmt.Sprintf("%s, tháng %s, %s", sheetTitle, monthOf(s.Period), s.place()))
	w.add(false)
	w.add(true, "STT", "Mã khoản chi", "Họ và tên", "Số căn cước", "Xã", "Số tiền (đồng)", "Đã nhận ngày", "Ký nhận", "QR")
	w.widths(6, 34, 28, 16, 22, 16, 14, 24, 12)
	for i, l := range s.Lines {
		w.add(false, int64(i+1), l.Payout, l.Name, l.Citizen, cmp.Or(adminunits.Name(l.Unit), l.Unit), l.Amount, l.PaidOn, "")
		if len(s.Lines) > maxPictures {
			continue
		}
		picture, err := qr.PNG(l.Payout, qr.ImageOptions{Level: qr.LevelM, ModulePixels: 2})
		if err != nil {
			return nil, err
		}
		if err := w.SetRowHeight(w.sheet, w.row, 58); err != nil {
			return nil, err
		}
		if err := w.AddPictureFromBytes(w.sheet, fmt.Sprintf("I%d", w.row), &excelize.Picture{Extension: ".png", File: picture, Format: &excelize.GraphicOptions{OffsetX: 2, OffsetY: 2, Positioning: "oneCell"}}); err != nil {
			return nil, err
		}
	}
	w.add(true, "", "Cộng", fmt.Sprintf("%d khoản", len(s.Lines)), "", "", s.Sum)
	w.add(false, "", "Bằng chữ", money.InWords(s.Sum))
	return w.bytes()
}

package salesbook

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"socho/internal/typeface"
)

// The page, in mm: A4 upright, with the widths of the columns A, B and 1.
const (
	family      = "sans"
	margin      = 18.0
	dateWidth   = 30.0
	amountWidth = 42.0
	rowHeight   = 6.5
	footRoom    = 16.0 // for the sum that is carried over and the page's number
)

// text of the form, as Circular 152/2025/TT-BTC has it.
const (
	title = "SỔ DOANH THU BÁN HÀNG HÓA, DỊCH VỤ"
	unit  = "Đơn vị tính: đồng"
)

var columns = [3][2]string{{"Ngày tháng", "A"}, {"Diễn giải", "B"}, {"Số tiền", "1"}}

// PDF draws the book on A4, with the sum carried from page to page. The same book
// gives the same bytes.
func (b *Book) PDF() ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	made, _ := time.Parse(time.DateOnly, string(b.Span.Until))
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(made)
	pdf.SetModificationDate(made)
	pdf.SetTitle(title+", "+b.Span.Words(), true)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AliasNbPages("{pages}")
	pdf.AddUTF8FontFromBytes(family, "", typeface.Regular)
	pdf.AddUTF8FontFromBytes(family, "B", typeface.Bold)
	p := &page{Fpdf: pdf, book: b}
	p.width, p.height = pdf.GetPageSize()
	p.AddPage()
	p.head()
	p.heading()
	for i := range b.Lines {
		p.line(&b.Lines[i])
	}
	if len(b.Lines) == 0 {
		p.row(Line{}, "Trong kỳ không có doanh thu", "")
	}
	p.end()
	p.foot()
	var out bytes.Buffer
	err := pdf.Output(&out)
	return out.Bytes(), err
}

// page draws a book from top to bottom.
type page struct {
	*fpdf.Fpdf
	book          *Book
	width, height float64
	carried       big.Int // of the lines so far
}

// blank is what a field is left with that is to be written by hand.
func blank(text string, dots int) string {
	if text == "" {
		return strings.Repeat(".", dots)
	}
	return text
}

// head says whose book it is, and of when.
func (p *page) head() {
	h := &p.book.Head
	y := p.GetY()
	left := p.width - 2*margin - 66
	p.SetFont(family, "", 9)
	p.SetXY(p.width-margin-62, y)
	p.SetFont(family, "B", 9)
	p.CellFormat(62, 5, "Mẫu số "+p.book.Form.Form, "", 2, "C", false, 0, "")
	p.SetFont(family, "", 8)
	p.MultiCell(62, 4, "(Kèm theo "+p.book.Form.Source+"\ncủa Bộ trưởng Bộ Tài chính)", "", "C", false)
	p.SetXY(margin, y)
	for _, f := range [][2]string{
		{"HỘ, CÁ NHÂN KINH DOANH: ", blank(h.Name, 44)}, {"Địa chỉ: ", blank(h.Address, 70)}, {"Mã số thuế: ", blank(h.TaxCode, 60)},
	} {
		p.SetFont(family, "", 9.5)
		p.SetX(margin)
		p.MultiCell(left, 5.2, f[0]+f[1], "", "L", false)
	}
	p.Ln(5)
	p.SetFont(family, "B", 14)
	p.CellFormat(0, 8, title, "", 1, "C", false, 0, "")
	p.SetFont(family, "", 10)
	p.MultiCell(0, 5.2, "Địa điểm kinh doanh: "+blank(h.Location, 60), "", "C", false)
	p.CellFormat(0, 5.2, "Kỳ kê khai: "+p.book.Span.Words(), "", 1, "C", false, 0, "")
	p.Ln(1)
	p.SetFont(family, "", 9)
	p.CellFormat(0, 5, unit, "", 1, "R", false, 0, "")
}

func (p *page) textWidth() float64 { return p.width - 2*margin - dateWidth - amountWidth }

// heading draws the head of the table: the columns and their signs.
func (p *page) heading() {
	for row := range 2 {
		p.SetFont(family, map[int]string{0: "B", 1: ""}[row], 9.5)
		p.CellFormat(dateWidth, rowHeight, columns[0][row], "1", 0, "C", false, 0, "")
		p.CellFormat(p.textWidth(), rowHeight, columns[1][row], "1", 0, "C", false, 0, "")
		p.CellFormat(amountWidth, rowHeight, columns[2][row], "1", 1, "C", false, 0, "")
	}
}

// line draws a line, on the next page where this one is full: the sum goes with it.
func (p *page) line(l *Line) {
	if p.GetY()+2*rowHeight > p.height-footRoom {
		p.sum("Cộng mang sang trang sau")
		p.foot()
		p.AddPage()
		p.heading()
		p.sum("Số trang trước chuyển sang")
	}
	p.row(*l, l.Description, dong(big.NewInt(l.Amount)))
	p.carried.Add(&p.carried, big.NewInt(l.Amount))
}

func (p *page) row(l Line, text, amount string) {
	p.SetFont(family, "", 9.5)
	p.CellFormat(dateWidth, rowHeight, day(l.On), "1", 0, "C", false, 0, "")
	p.CellFormat(p.textWidth(), rowHeight, text, "1", 0, "L", false, 0, "")
	p.CellFormat(amountWidth, rowHeight, amount, "1", 1, "R", false, 0, "")
}

// sum draws a line of the sum so far.
func (p *page) sum(text string) {
	p.SetFont(family, "B", 9.5)
	p.CellFormat(dateWidth, rowHeight, "", "1", 0, "C", false, 0, "")
	p.CellFormat(p.textWidth(), rowHeight, text, "1", 0, "L", false, 0, "")
	p.CellFormat(amountWidth, rowHeight, dong(&p.carried), "1", 1, "R", false, 0, "")
}

// signRoom is what the place for the signature takes.
const signRoom = 48.0

// end draws the total and the place to sign.
func (p *page) end() {
	p.sum("Tổng cộng")
	if p.GetY()+signRoom > p.height-footRoom {
		p.foot()
		p.AddPage()
	}
	p.Ln(6)
	x := p.width - margin - 84
	for _, s := range []struct {
		style string
		text  string
	}{
		{"", "Ngày ...... tháng ...... năm ........"},
		{"B", "NGƯỜI ĐẠI DIỆN HỘ KINH DOANH/"},
		{"B", "CÁ NHÂN KINH DOANH"},
		{"", "(Ký, ghi rõ họ tên, đóng dấu nếu có)"},
	} {
		p.SetX(x)
		p.SetFont(family, s.style, 9.5)
		p.CellFormat(84, 5, s.text, "", 1, "C", false, 0, "")
	}
}

// foot numbers the page, and says what the book was made from.
func (p *page) foot() {
	p.SetXY(margin, p.height-12)
	p.SetFont(family, "", 7.5)
	p.SetTextColor(90, 90, 90)
	from := "Lập từ Sổ Chợ"
	if p.book.AsOf >= 0 {
		from += fmt.Sprintf(", đến bản ghi %d", p.book.AsOf)
	}
	p.CellFormat(120, 4, from, "", 0, "L", false, 0, "")
	p.CellFormat(0, 4, fmt.Sprintf("Trang %d/{pages}", p.PageNo()), "", 0, "R", false, 0, "")
	p.SetTextColor(0, 0, 0)
}

// dong groups a sum's digits: 1.234.000.
func dong(sum *big.Int) string {
	digits, sign := sum.String(), ""
	if rest, below := strings.CutPrefix(digits, "-"); below {
		digits, sign = rest, "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return sign + digits
}

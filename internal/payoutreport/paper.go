package payoutreport

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"socho/internal/typeface"
)

const (
	family = "sans"
	margin = 12.0 // mm
	foot   = 14.0 // mm kept free below
)

var vietnam = time.FixedZone("ICT", 7*3600)

// paper is a document of A4 pages, in mm, with a heading on each and its number.
type paper struct {
	*fpdf.Fpdf
	width, height float64
	again         func() // draws what every page begins with
}

// newPaper begins a document; wide lays its pages on their side.
func newPaper(title string, wide bool, at time.Time) *paper {
	orientation := "P"
	if wide {
		orientation = "L"
	}
	pdf := fpdf.New(orientation, "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(at)
	pdf.SetModificationDate(at)
	pdf.SetTitle(title, true)
	pdf.SetLang("vi")
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCellMargin(1)
	pdf.AddUTF8FontFromBytes(family, "", typeface.Regular)
	pdf.AddUTF8FontFromBytes(family, "B", typeface.Bold)
	pdf.AliasNbPages("{pages}")
	p := &paper{Fpdf: pdf}
	p.width, p.height = pdf.GetPageSize()
	pdf.SetFooterFunc(func() {
		pdf.SetXY(margin, p.height-10)
		p.font(8, false)
		pdf.CellFormat(p.width-2*margin, 5, fmt.Sprintf("%s · trang %d/{pages}", title, pdf.PageNo()), "", 0, "R", false, 0, "")
	})
	return p
}

func (p *paper) font(size float64, bold bool) {
	weight := ""
	if bold {
		weight = "B"
	}
	p.SetFont(family, weight, size)
}

// say writes a line across the page.
func (p *paper) say(size float64, bold bool, align, text string) {
	p.font(size, bold)
	p.MultiCell(p.width-2*margin, size*0.55, text, "", align, false)
}

// page begins a new page, with what every page begins with.
func (p *paper) page() {
	p.AddPage()
	if p.again != nil {
		p.again()
	}
}

// room begins a new page where so much is not left on this one.
func (p *paper) room(height float64) {
	if p.GetY()+height > p.height-foot {
		p.page()
	}
}

// column is one of a table: its heading, width and alignment.
type column struct {
	heading string
	width   float64
	align   string
}

// head draws the headings of a table, which stand again on each page.
func (p *paper) head(columns []column, height float64) {
	p.font(8, true)
	p.SetFillColor(233, 236, 245)
	x, y := p.GetXY()
	for _, c := range columns {
		p.Rect(x, y, c.width, height, "FD")
		lines := p.SplitText(c.heading, c.width-2)
		for i, line := range lines {
			p.SetXY(x, y+(height-float64(len(lines))*3.6)/2+float64(i)*3.6)
			p.CellFormat(c.width, 3.6, line, "", 0, "C", false, 0, "")
		}
		x += c.width
	}
	p.SetXY(margin, y+height)
}

// row draws one line of a table. A text that is wider than its column is set
// smaller, and cut at last: no name moves what stands beside it.
func (p *paper) row(columns []column, height, size float64, bold bool, cells ...string) {
	x, y := margin, p.GetY()
	for i, c := range columns {
		p.SetXY(x, y)
		p.Rect(x, y, c.width, height, "D")
		p.fit(cells[i], c.width, height, size, bold, c.align)
		x += c.width
	}
	p.SetXY(margin, y+height)
}

func (p *paper) fit(text string, width, height, size float64, bold bool, align string) {
	for p.font(size, bold); size > 6 && p.GetStringWidth(text) > width-2; p.font(size, bold) {
		size -= 0.5
	}
	letters := []rune(text)
	for len(letters) > 1 && p.GetStringWidth(string(letters)) > width-2 {
		letters = append(letters[:len(letters)-2], '…')
	}
	p.CellFormat(width, height, string(letters), "", 0, align+"M", false, 0, "")
}

// signatures draws who signs, side by side, with room to do so.
func (p *paper) signatures(who ...string) {
	p.room(34)
	p.Ln(5)
	width, y := (p.width-2*margin)/float64(len(who)), p.GetY()
	for i, w := range who {
		p.SetXY(margin+width*float64(i), y)
		p.font(10, true)
		p.CellFormat(width, 5, w, "", 2, "C", false, 0, "")
		p.font(8, false)
		p.CellFormat(width, 4, "(Ký, ghi rõ họ tên)", "", 0, "C", false, 0, "")
	}
	p.SetXY(margin, y+30)
}

func (p *paper) bytes() ([]byte, error) {
	var out bytes.Buffer
	err := p.Output(&out)
	return out.Bytes(), err
}

// number groups the digits of a whole number.
func number(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "−"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return sign + digits
}

func dong(n int64) string { return number(n) + " đ" }

// monthOf writes 2026-10 as 10/2026.
func monthOf(period string) string {
	year, month, _ := strings.Cut(period, "-")
	return month + "/" + year
}

func dayOf(day string) string {
	if len(day) != len(time.DateOnly) {
		return ""
	}
	return day[8:10] + "/" + day[5:7] + "/" + day[:4]
}

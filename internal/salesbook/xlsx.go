package salesbook

import (
	"bytes"
	"fmt"
	"math/big"
	"time"

	"github.com/xuri/excelize/v2"
)

const sheet = "S1a-HKD"

// XLSX writes the book as a workbook: amounts are numbers, and every text is a text,
// never a formula, whatever it begins with.
func (b *Book) XLSX() (content []byte, err error) {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // nothing of it lies on a disk
	w := &writer{File: f}
	w.do(f.SetSheetName(f.GetSheetName(0), sheet))
	made, _ := time.Parse(time.DateOnly, string(b.Span.Until))
	w.do(f.SetDocProps(&excelize.DocProperties{Title: title + ", " + b.Span.Words(), Created: made.Format(time.RFC3339), Modified: made.Format(time.RFC3339)}))
	w.do(f.SetColWidth(sheet, "A", "A", 14))
	w.do(f.SetColWidth(sheet, "B", "B", 60))
	w.do(f.SetColWidth(sheet, "C", "C", 20))
	bold := w.style(&excelize.Style{Font: &excelize.Font{Bold: true}})
	large := w.style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	top := w.style(&excelize.Style{Font: &excelize.Font{Bold: true}, Border: lines, Alignment: &excelize.Alignment{Horizontal: "center"}})
	cell := w.style(&excelize.Style{Border: lines})
	const grouped = "#,##0"
	number := grouped
	amount := w.style(&excelize.Style{Border: lines, CustomNumFmt: &number})
	total := w.style(&excelize.Style{Font: &excelize.Font{Bold: true}, Border: lines, CustomNumFmt: &number})

	w.text(1, bold, "HỘ, CÁ NHÂN KINH DOANH: "+b.Head.Name, "", "Mẫu số "+b.Form.Form)
	w.text(2, 0, "Địa chỉ: "+b.Head.Address, "", b.Form.Source)
	w.text(3, 0, "Mã số thuế: "+b.Head.TaxCode)
	w.text(5, large, title)
	w.text(6, 0, "Địa điểm kinh doanh: "+b.Head.Location)
	w.text(7, 0, "Kỳ kê khai: "+b.Span.Words())
	w.text(8, 0, unit)
	w.text(9, top, columns[0][0], columns[1][0], columns[2][0])
	w.text(10, top, columns[0][1], columns[1][1], columns[2][1])
	row := 11
	for _, l := range b.Lines {
		w.text(row, cell, day(l.On), l.Description)
		w.number(row, amount, big.NewInt(l.Amount))
		row++
	}
	w.text(row, total, "", "Tổng cộng")
	w.number(row, total, b.Total)
	w.text(row+2, 0, "", "", "Ngày ...... tháng ...... năm ........")
	w.text(row+3, bold, "", "", "NGƯỜI ĐẠI DIỆN HỘ KINH DOANH/CÁ NHÂN KINH DOANH")
	w.text(row+4, 0, "", "", "(Ký, ghi rõ họ tên, đóng dấu nếu có)")
	if w.err != nil {
		return nil, fmt.Errorf("sales book: %w", w.err)
	}
	var out bytes.Buffer
	err = f.Write(&out)
	return out.Bytes(), err
}

var lines = []excelize.Border{{Type: "left", Color: "000000", Style: 1}, {Type: "right", Color: "000000", Style: 1}, {Type: "top", Color: "000000", Style: 1}, {Type: "bottom", Color: "000000", Style: 1}}

// writer fills cells and keeps the first error.
type writer struct {
	*excelize.File
	err error
}

func (w *writer) do(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) style(s *excelize.Style) int {
	id, err := w.NewStyle(s)
	w.do(err)
	return id
}

func (w *writer) place(column, row, style int) string {
	at, err := excelize.CoordinatesToCellName(column, row)
	w.do(err)
	if style != 0 {
		w.do(w.SetCellStyle(sheet, at, at, style))
	}
	return at
}

// text writes texts into a row, from column A on.
func (w *writer) text(row, style int, texts ...string) {
	for i, t := range texts {
		at := w.place(i+1, row, style)
		if t != "" {
			w.do(w.SetCellStr(sheet, at, t))
		}
	}
}

// number writes a sum into column C. Excel keeps fifteen digits; a sum of more is
// written as a text rather than wrongly.
func (w *writer) number(row, style int, sum *big.Int) {
	at := w.place(3, row, style)
	if sum.CmpAbs(big.NewInt(999_999_999_999_999)) > 0 {
		w.do(w.SetCellStr(sheet, at, sum.String()))
		return
	}
	w.do(w.SetCellInt(sheet, at, sum.Int64()))
}

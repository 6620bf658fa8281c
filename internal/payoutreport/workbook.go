package payoutreport

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook is one sheet of cells.
type workbook struct {
	*excelize.File
	sheet string
	row   int
	err   error
	bold  int
	whole int // style of whole numbers, grouped
	tenth int // of numbers with one decimal
}

func newWorkbook(title, sheet string, at time.Time) (*workbook, error) {
	f := excelize.NewFile()
	w := &workbook{File: f, sheet: sheet}
	when := at.UTC().Format(time.RFC3339)
	bold, err1 := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"}})
	whole, err2 := f.NewStyle(&excelize.Style{NumFmt: 3})
	format := "0.0"
	tenth, err3 := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	w.bold, w.whole, w.tenth = bold, whole, tenth
	return w, errors.Join(f.SetSheetName(f.GetSheetName(0), sheet), f.SetDocProps(&excelize.DocProperties{Title: title, Created: when, Modified: when}), err1, err2, err3)
}

// rate is a percentage with one decimal, as a decimal string; empty for none.
type rate string

// add writes the next row. Texts stay texts, int64 and rate are numbers.
func (w *workbook) add(bold bool, cells ...any) {
	w.row++
	for i, c := range cells {
		cell, err := excelize.CoordinatesToCellName(i+1, w.row)
		style := 0
		switch c := c.(type) {
		case string:
			err = errors.Join(err, w.SetCellStr(w.sheet, cell, inert(c)))
		case int64:
			err, style = errors.Join(err, w.SetCellInt(w.sheet, cell, c)), w.whole
		case rate:
			if c == "" {
				continue
			}
			n, bad := strconv.ParseFloat(string(c), 64) // a share to be shown, no amount
			err, style = errors.Join(err, bad, w.SetCellFloat(w.sheet, cell, n, 1, 64)), w.tenth
		}
		if bold && style == 0 {
			style = w.bold
		}
		if style != 0 {
			err = errors.Join(err, w.SetCellStyle(w.sheet, cell, cell, style))
		}
		w.err = errors.Join(w.err, err)
	}
}

func (w *workbook) widths(widths ...float64) {
	for i, width := range widths {
		name, err := excelize.ColumnNumberToName(i + 1)
		w.err = errors.Join(w.err, err, w.SetColWidth(w.sheet, name, name, width))
	}
}

func (w *workbook) bytes() ([]byte, error) {
	defer w.Close() //nolint:errcheck // it has no file of its own
	if w.err != nil {
		return nil, w.err
	}
	var out bytes.Buffer
	_, err := w.WriteTo(&out)
	return out.Bytes(), err
}

// inert keeps a text from being taken for a formula, here and where the workbook
// is saved as CSV: OWASP, CSV injection.
func inert(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

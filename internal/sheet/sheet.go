// Package sheet reads the tables that offices keep in Excel or CSV: the heading row
// is found by the names of its columns, wherever it stands and in whatever order.
// It never runs a formula, and reads no more than its bounds.
//
//	t, err := sheet.Open(f, map[string][]string{"class": {"LOP"}}, []string{"class"}, "Lớp")
//	for err == nil {
//		if err = t.Next(); err == nil { … t.Get("class") … }
//	}
package sheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"socho/bank"
)

// FileError says why a file cannot be read as a whole, in Vietnamese: whoever
// handed it in reads it.
type FileError struct{ Reason string }

func (e *FileError) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &FileError{fmt.Sprintf(format, args...)} }

// Bounds of a file.
const (
	MaxFileBytes = 8 << 20
	MaxRows      = 20_000
	headerWithin = 30 // rows
	maxColumns   = 64
	maxCell      = 500 // bytes
	maxUnzipped  = 64 << 20
)

// rows gives the rows of a table with their numbers from 1. Errors: io.EOF;
// *FileError; those of the input.
type rows interface {
	next() (cells []string, line int, err error)
	close()
}

// openTable tells CSV from XLSX by the content.
func openTable(src io.ReadSeeker) (rows, error) {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if size > MaxFileBytes {
		return nil, refuse("tệp %d MB; nhiều nhất %d MB", size>>20, MaxFileBytes>>20)
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(src, 64<<10)
	head, err := in.Peek(min(int(size), 4<<10))
	if err != nil {
		return nil, err
	}
	switch {
	case size == 0:
		return nil, refuse("tệp trống")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openWorkbook(in)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, refuse("tệp Excel cũ (.xls) hoặc có mật khẩu; lưu lại thành .xlsx không mật khẩu")
	case bytes.IndexByte(head, 0) >= 0:
		return nil, refuse("không phải CSV UTF-8 hay .xlsx; lưu lại thành .xlsx")
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	comma, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(head, []byte(string(c))); n > most {
			comma, most = c, n
		}
	}
	if mark, err := in.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		if _, err := in.Discard(3); err != nil {
			return nil, err
		}
	}
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = comma, -1, true, true
	return &csvRows{r}, nil
}

type csvRows struct{ r *csv.Reader }

func (c *csvRows) next() ([]string, int, error) {
	cells, err := c.r.Read()
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return nil, 0, refuse("dòng %d: không đọc được như CSV", bad.Line)
	}
	if err != nil {
		return nil, 0, err
	}
	line, _ := c.r.FieldPos(0)
	return cells, line, tidy(cells, line)
}

func (c *csvRows) close() {}

// tidy trims the cells and holds them to their bounds.
func tidy(cells []string, line int) error {
	if len(cells) > maxColumns {
		return refuse("dòng %d: %d cột; nhiều nhất %d cột", line, len(cells), maxColumns)
	}
	for i, c := range cells {
		if len(c) > maxCell {
			return refuse("dòng %d, cột %d: dài hơn %d byte", line, i+1, maxCell)
		}
		if !utf8.ValidString(c) {
			return refuse("dòng %d, cột %d: không phải UTF-8; lưu lại thành CSV UTF-8 hoặc .xlsx", line, i+1)
		}
		cells[i] = strings.Join(strings.Fields(strings.Trim(c, "\ufeff")), " ")
	}
	return nil
}

type sheetRows struct {
	book *excelize.File
	rows *excelize.Rows
	line int
}

func openWorkbook(in io.Reader) (found rows, err error) {
	defer guard(&err)
	book, err := excelize.OpenReader(in, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return nil, refuse("tệp Excel bị hỏng, có mật khẩu hoặc quá lớn")
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(refuse("tệp Excel không có trang nào"), book.Close())
	}
	all, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.Join(refuse("không đọc được trang đầu"), book.Close())
	}
	return &sheetRows{book: book, rows: all}, nil
}

// guard turns a panic of the library over a damaged workbook into a refusal.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = refuse("tệp Excel bị hỏng")
	}
}

func (s *sheetRows) next() (cells []string, line int, err error) {
	defer guard(&err)
	if !s.rows.Next() {
		if s.rows.Error() != nil {
			return nil, 0, refuse("dòng %d: trang bị hỏng", s.line+1)
		}
		return nil, 0, io.EOF
	}
	s.line++
	cells, err = s.rows.Columns()
	if err != nil {
		return nil, 0, refuse("dòng %d: trang bị hỏng", s.line)
	}
	return cells, s.line, tidy(cells, s.line)
}

func (s *sheetRows) close() {
	s.rows.Close() //nolint:errcheck // only read
	s.book.Close() //nolint:errcheck // only read
}

// Table is rows under a heading that was found. Close it.
type Table struct {
	rows
	columns map[string]int // what we call a column → where it is
	cells   []string
	Line    int // of the row that was read last
	count   int
}

// Open finds the heading row: the first that names all columns that are needed. names
// lists how files call a column, folded by bank.Fold. Errors: *FileError; those of src.
func Open(src io.ReadSeeker, names map[string][]string, need []string, wanted string) (*Table, error) {
	known := map[string]string{}
	for name, spellings := range names {
		for _, s := range spellings {
			known[s] = name
		}
	}
	r, err := openTable(src)
	if err != nil {
		return nil, err
	}
	for range headerWithin {
		cells, _, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			r.close()
			return nil, err
		}
		t := &Table{rows: r, columns: map[string]int{}}
		for i, c := range cells {
			if name, ok := known[bank.Fold(c)]; ok {
				if _, twice := t.columns[name]; !twice {
					t.columns[name] = i
				}
			}
		}
		if !slices.ContainsFunc(need, func(name string) bool { return !t.Has(name) }) {
			return t, nil
		}
	}
	r.close()
	return nil, refuse("không thấy dòng tiêu đề trong %d dòng đầu: cần các cột %s", headerWithin, wanted)
}

// Next reads the next row that is not blank. Errors: io.EOF, *FileError.
func (t *Table) Next() error {
	for {
		cells, line, err := t.rows.next()
		if err != nil {
			return err
		}
		for _, c := range cells {
			if c != "" {
				if t.count++; t.count > MaxRows {
					return refuse("hơn %d dòng; chia tệp ra", MaxRows)
				}
				t.cells, t.Line = cells, line
				return nil
			}
		}
	}
}

// Get returns a cell by what we call its column; "" where there is none.
func (t *Table) Get(name string) string {
	if i, ok := t.columns[name]; ok && i < len(t.cells) {
		return t.cells[i]
	}
	return ""
}

// Has says whether the file has a column.
func (t *Table) Has(name string) bool { _, ok := t.columns[name]; return ok }

// Close lets go of the file.
func (t *Table) Close() { t.rows.close() }

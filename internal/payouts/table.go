package payouts

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"socho/bank"
)

// Bounds of a file.
const (
	MaxFileBytes = 256 << 20
	MaxRows      = 500_000
	headerWithin = 30 // rows
	maxColumns   = 64
	maxCell      = 500 // bytes
	maxUnzipped  = 2 << 30
)

// FileError says why a file cannot be read as a whole.
type FileError struct {
	Code   string // a word for it, for pages
	Line   int    // where known
	Reason string
}

func (e *FileError) Error() string { return e.Reason }

func refuse(code, format string, args ...any) error {
	return &FileError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// refuseLine is refuse of what is wrong on a line.
func refuseLine(code string, line int, format string, args ...any) error {
	return &FileError{code, line, fmt.Sprintf("line %d", line) + fmt.Sprintf(format, args...)}
}

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
		return nil, refuse("large", "a file of %d MB; at most %d MB are read", size>>20, MaxFileBytes>>20)
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
		return nil, refuse("empty", "the file is empty")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openWorkbook(in)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, refuse("old_excel", "an old Excel file (.xls) or one with a password; save it as .xlsx without a password")
	case bytes.IndexByte(head, 0) >= 0:
		return nil, refuse("kind", "neither CSV in UTF-8 nor .xlsx; save the sheet as .xlsx")
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
		return nil, 0, refuseLine("csv", bad.Line, ": not readable as CSV")
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
		return refuseLine("columns", line, ": %d columns; at most %d are read", len(cells), maxColumns)
	}
	for i, c := range cells {
		if len(c) > maxCell {
			return refuseLine("cell", line, ", column %d: more than %d bytes", i+1, maxCell)
		}
		if !utf8.ValidString(c) {
			return refuseLine("utf8", line, ", column %d: not in UTF-8; save the file as CSV UTF-8 or .xlsx", i+1)
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
		return nil, refuse("damaged", "the workbook is damaged, has a password or unpacks to too much")
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(refuse("damaged", "the workbook has no sheet"), book.Close())
	}
	all, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.Join(refuse("damaged", "the first sheet cannot be read"), book.Close())
	}
	return &sheetRows{book: book, rows: all}, nil
}

// guard turns a panic of the library over a damaged workbook into a refusal.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = refuse("damaged", "the workbook is damaged")
	}
}

func (s *sheetRows) next() (cells []string, line int, err error) {
	defer guard(&err)
	if !s.rows.Next() {
		if s.rows.Error() != nil {
			return nil, 0, refuseLine("damaged", s.line+1, ": the sheet is damaged")
		}
		return nil, 0, io.EOF
	}
	s.line++
	cells, err = s.rows.Columns()
	if err != nil {
		return nil, 0, refuseLine("damaged", s.line, ": the sheet is damaged")
	}
	return cells, s.line, tidy(cells, s.line)
}

func (s *sheetRows) close() {
	s.rows.Close() //nolint:errcheck // only read
	s.book.Close() //nolint:errcheck // only read
}

// table is rows under a heading that was found.
type table struct {
	rows
	columns map[string]int    // what we call a column → where it is
	labels  map[string]string // … → how the file calls it
	cells   []string
	line    int
}

// openColumns finds the heading row: the first that names enough columns.
func openColumns(src io.ReadSeeker, names map[string][]string, enough func(columns map[string]int) bool, wanted string) (*table, error) {
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
		t := &table{rows: r, columns: map[string]int{}, labels: map[string]string{}}
		for i, c := range cells {
			if name, ok := known[bank.Fold(c)]; ok {
				if _, twice := t.columns[name]; !twice {
					t.columns[name], t.labels[name] = i, c
				}
			}
		}
		if enough(t.columns) {
			return t, nil
		}
	}
	r.close()
	return nil, refuse("heading", "no heading row in the first %d rows: expected columns %s", headerWithin, wanted)
}

// next reads the next row that is not blank. Errors: io.EOF, *FileError.
func (t *table) next() error {
	for {
		cells, line, err := t.rows.next()
		if err != nil {
			return err
		}
		for _, c := range cells {
			if c != "" {
				t.cells, t.line = cells, line
				return nil
			}
		}
	}
}

// get returns a cell by what we call its column; "" where there is none.
func (t *table) get(name string) string {
	if i, ok := t.columns[name]; ok && i < len(t.cells) {
		return t.cells[i]
	}
	return ""
}

// first is the row's first cell that says anything.
func (t *table) first() string {
	for _, c := range t.cells {
		if c != "" {
			return c
		}
	}
	return ""
}

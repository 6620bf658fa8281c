package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// rows gives the rows of a table with their numbers from 1. Errors: io.EOF;
// *FileError; those of the input.
type rows interface {
	next() (cells []string, line int, err error)
	close()
}

var byteMark = []byte("\xef\xbb\xbf") // some editors' mark of UTF-8

// openRows tells CSV from XLSX by the content.
func openRows(src io.ReadSeeker, most Limits) (rows, error) {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if size > most.Bytes {
		return nil, refuse("large", some(size>>20), some(most.Bytes>>20))
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
		return nil, refuse("empty", nil, nil)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		if err := holdUnpacked(src, size, most); err != nil {
			return nil, err
		}
		return openWorkbook(src, most)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, refuse("old_excel", nil, nil)
	case bytes.IndexByte(head, 0) >= 0:
		return nil, refuse("kind", nil, nil)
	}
	text := bytes.TrimPrefix(head, byteMark)
	comma, found := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(text, []byte(string(c))); n > found {
			comma, found = c, n
		}
	}
	if _, err := in.Discard(len(head) - len(text)); err != nil {
		return nil, err
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
		return nil, 0, refuse("csv", nil, nil).at(bad.Line, 0)
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
		return refuse("columns", some(len(cells)), some(maxColumns)).at(line, 0)
	}
	for i, c := range cells {
		if len(c) > MaxCell {
			return refuse("cell", some(len(c)), some(MaxCell)).at(line, i+1)
		}
		if !utf8.ValidString(c) {
			return refuse("utf8", nil, nil).at(line, i+1)
		}
		cells[i] = strings.Join(strings.Fields(strings.Trim(c, "\ufeff")), " ")
	}
	return nil
}

// sheetRows are those of a workbook's first sheet. A cell with a formula gives what
// Excel left there as its result; nothing is worked out here.
type sheetRows struct {
	book *excelize.File
	rows *excelize.Rows
	line int
}

func openWorkbook(src io.ReadSeeker, most Limits) (found rows, err error) {
	defer guard(&err)
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	book, err := excelize.OpenReader(src, excelize.Options{RawCellValue: true, UnzipSizeLimit: most.Unpacked, UnzipXMLSizeLimit: inMemory})
	if err != nil {
		return nil, refuse("damaged", nil, nil)
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(refuse("no_sheet", nil, nil), book.Close())
	}
	all, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.Join(refuse("damaged", nil, nil), book.Close())
	}
	return &sheetRows{book: book, rows: all}, nil
}

// holdUnpacked refuses a workbook that is small to send and large to unpack, before
// any of it is unpacked. What a part says of its size binds: whoever reads on behind
// it meets an error.
func holdUnpacked(src io.ReadSeeker, size int64, most Limits) error {
	parts, err := zip.NewReader(byPlace{src}, size)
	if err != nil {
		return refuse("damaged", nil, nil)
	}
	allowed := min(uint64(most.Unpacked), max(uint64(size)*maxSwelling, inMemory))
	ok := len(parts.File) <= maxParts
	for _, part := range parts.File {
		ok = ok && part.UncompressedSize64 <= allowed
		allowed -= min(allowed, part.UncompressedSize64)
	}
	if !ok {
		return refuse("unpacks", nil, some(most.Unpacked>>20))
	}
	return nil
}

// byPlace reads a source at any place.
type byPlace struct{ io.ReadSeeker }

// ReadAt implements io.ReaderAt, for one reader at a time.
func (b byPlace) ReadAt(p []byte, at int64) (int, error) {
	if _, err := b.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(b, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// guard turns a panic of the library over a damaged workbook into a refusal.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = refuse("damaged", nil, nil)
	}
}

func (s *sheetRows) next() (cells []string, line int, err error) {
	defer guard(&err)
	if !s.rows.Next() {
		if s.rows.Error() != nil {
			return nil, 0, refuse("damaged", nil, nil).at(s.line+1, 0)
		}
		return nil, 0, io.EOF
	}
	s.line++
	cells, err = s.rows.Columns()
	if err != nil {
		return nil, 0, refuse("damaged", nil, nil).at(s.line, 0)
	}
	return cells, s.line, tidy(cells, s.line)
}

func (s *sheetRows) close() {
	s.rows.Close() //nolint:errcheck // only read
	s.book.Close() //nolint:errcheck // only read
}

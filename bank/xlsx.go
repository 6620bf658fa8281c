package bank

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Limits of a workbook. Its directory is believed only where it admits to too
// much: archive/zip stops where a part is longer than declared.
const (
	maxWorkbookBytes = 64 << 20  // the file
	maxUnpackedBytes = 768 << 20 // all parts: a million rows need about half of it
	maxPartBytes     = 8 << 20   // a part other than a sheet and its texts
	maxParts         = 500
	maxRatio         = 200     // how much smaller a part may be packed; sheets come to 40
	ratioFrom        = 4 << 20 // below it, no ratio does harm
	inMemoryBytes    = 16 << 20
)

// parseXLSX reads the first sheet that has a header row. Formulas are never
// computed: the value that the spreadsheet program stored beside one counts.
func (f *file) parseXLSX(r *Result, o Options, t *tally) error {
	r.Encoding = "xlsx"
	if f.size > maxWorkbookBytes {
		return refuse(0, "", "too_large", "a workbook of %d MB; at most %d MB are read", f.size>>20, maxWorkbookBytes>>20)
	}
	if err := f.checkWorkbook(); err != nil {
		return err
	}
	if err := f.rewind(); err != nil {
		return err
	}
	return guarded(func() error {
		book, err := excelize.OpenReader(f, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnpackedBytes, UnzipXMLSizeLimit: inMemoryBytes})
		if err != nil {
			return damagedWorkbook(err)
		}
		defer book.Close() //nolint:errcheck // removes what was unpacked; nothing is written
		properties, err := book.GetWorkbookProps()
		if err != nil {
			return damagedWorkbook(err)
		}
		for _, sheet := range book.GetSheetList() {
			var opened *sheetRows
			open := func() (rows, error) {
				opened.close()
				found, err := book.Rows(sheet)
				if err != nil {
					return nil, damagedWorkbook(err)
				}
				opened = &sheetRows{rows: found}
				return opened, nil
			}
			defer func() { opened.close() }()
			source, err := open()
			if err != nil {
				continue // a sheet of charts
			}
			head, err := firstRows(source)
			if err != nil {
				return err
			}
			o.peek.see(head)
			h := findHeader(head, o.Layouts)
			if h == nil {
				continue
			}
			r.Format = "VN XLSX"
			if h.layout != "" {
				r.Format += ", " + h.layout
			}
			return parseTable(h, head, true, properties.Date1904 != nil && *properties.Date1904, o, t, open)
		}
		return errNoHeader(o)
	})
}

// guarded turns a panic of the library on a hostile workbook into a refusal.
func guarded(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = damagedWorkbook(nil)
		}
	}()
	return f()
}

func damagedWorkbook(err error) error {
	var fault *sourceError
	if errors.As(err, &fault) {
		return err
	}
	if errors.Is(err, excelize.ErrWorkbookPassword) {
		return refuse(0, "", "unsupported_format", "the workbook has a password; save it without one")
	}
	return refuse(0, "", "damaged", "the workbook cannot be read; open it in a spreadsheet program and save it again")
}

// checkWorkbook refuses archives that unpack to too much, and sheets that are not
// the plain XML they should be: excelize ends a sheet where its XML breaks, and a
// statement that ends early must not look whole.
func (f *file) checkWorkbook() error {
	archive, err := zip.NewReader(f, f.size)
	if err != nil {
		return damagedWorkbook(err)
	}
	if len(archive.File) > maxParts {
		return refuse(0, "", "too_large", "a workbook of more than %d parts", maxParts)
	}
	var total uint64
	sheets := 0
	for _, part := range archive.File {
		name := strings.ToLower(strings.ReplaceAll(part.Name, "\\", "/"))
		large := strings.HasPrefix(name, "xl/worksheets/") || name == "xl/sharedstrings.xml"
		size := part.UncompressedSize64
		total += size
		switch {
		case size > maxUnpackedBytes, total > maxUnpackedBytes, !large && size > maxPartBytes,
			size > ratioFrom && size/maxRatio > part.CompressedSize64:
			return refuse(0, "", "too_large", "the workbook unpacks to more than any statement")
		}
		if strings.HasPrefix(name, "xl/worksheets/") && path.Ext(name) == ".xml" {
			sheets++
		}
	}
	if sheets == 0 {
		return refuse(0, "", "unknown_format", "a ZIP archive that is no Excel workbook (.xlsx)")
	}
	for _, part := range archive.File {
		if ext := strings.ToLower(path.Ext(part.Name)); ext != ".xml" && ext != ".rels" {
			continue
		}
		if err := checkPart(part); err != nil {
			return err
		}
	}
	return nil
}

// checkPart reads one part by tokens, under the limits of every XML here.
func checkPart(part *zip.File) error {
	content, err := part.Open()
	if err != nil {
		return damagedWorkbook(err)
	}
	defer content.Close()
	d := newDocument(content)
	if _, err := d.root(); err != nil {
		return workbookPart(err)
	}
	for {
		t, err := d.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return workbookPart(err)
		}
		if s, ok := t.(xml.StartElement); ok && s.Name.Local == "c" {
			for _, a := range s.Attr {
				if a.Name.Local == "r" && len(strings.TrimRight(a.Value, "0123456789")) > 2 {
					return refuse(0, "", "too_large", "a row with more columns than any bank's table has")
				}
			}
		}
	}
}

func workbookPart(err error) error {
	if p, ok := refusedAs(err); ok && p.Code != "damaged" {
		return refuse(0, p.Field, p.Code, "in the workbook: %s", p.Detail)
	}
	return damagedWorkbook(err)
}

// sheetRows are the rows of a sheet.
type sheetRows struct {
	rows *excelize.Rows
	row  int
}

func (s *sheetRows) next() ([]string, int, error) {
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return nil, 0, damagedWorkbook(err)
		}
		return nil, 0, io.EOF
	}
	s.row++
	row, err := s.rows.Columns()
	if err != nil {
		return nil, 0, damagedWorkbook(err)
	}
	if len(row) > maxColumns {
		return nil, 0, refuse(s.row, "", "too_large", "a row with more columns than any bank's table has")
	}
	for i := range row {
		if len(row[i]) > maxCellBytes {
			return nil, 0, refuse(s.row, "", "too_large", "a cell with more text than any bank's table has")
		}
		row[i] = strings.TrimSpace(row[i])
	}
	return row, s.row, nil
}

func (s *sheetRows) close() {
	if s != nil {
		s.rows.Close() //nolint:errcheck // a file that was only read
	}
}

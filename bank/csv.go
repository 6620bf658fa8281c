package bank

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Limits of a table.
const (
	maxColumns   = 512
	maxCellBytes = 32 << 10
	maxRowBytes  = 256 << 10
)

// rows are the rows of a table, from its beginning. next returns io.EOF at the
// end; the row is valid until the next call.
type rows interface {
	next() (row []string, line int, err error)
}

// csvRows reads delimited text (RFC 4180) as leniently as spreadsheets do: a quote
// inside a cell is a character, and a quoted cell may hold line breaks.
type csvRows struct {
	src   *bufio.Reader
	comma byte
	line  int
	cells []string
}

func newCSV(text io.Reader, comma byte) *csvRows {
	return &csvRows{src: bufio.NewReaderSize(text, 64<<10), comma: comma}
}

func (c *csvRows) next() ([]string, int, error) {
	c.cells = c.cells[:0]
	var (
		cell       strings.Builder
		size       int
		quoted     bool // inside quotes
		wasQuoted  bool
		begun      bool
		start      = c.line + 1
		tooLarge   = func(what string) error { return refuse(start, "", "too_large", "a row with %s", what) }
		finishCell = func() error {
			if len(c.cells) >= maxColumns {
				return tooLarge("more columns than any bank's table has")
			}
			c.cells = append(c.cells, strings.TrimSpace(cell.String()))
			cell.Reset()
			wasQuoted = false
			return nil
		}
	)
	for {
		b, err := c.src.ReadByte()
		if err == io.EOF {
			if !begun {
				return nil, 0, io.EOF
			}
			if quoted {
				return nil, 0, refuse(start, "", "damaged", "a quotation mark is opened and never closed")
			}
			c.line++
			return c.cells, start, finishCell()
		}
		if err != nil {
			return nil, 0, err
		}
		begun = true
		if size++; size > maxRowBytes || cell.Len() > maxCellBytes {
			return nil, 0, tooLarge("more text than any bank's table has, or a quotation mark that is never closed")
		}
		switch {
		case quoted && b == '"':
			following, err := c.src.Peek(1)
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				return nil, 0, err
			case len(following) == 1 && following[0] == '"':
				c.src.Discard(1) //nolint:errcheck // just peeked
				cell.WriteByte('"')
			case len(following) == 0 || following[0] == c.comma || following[0] == '\n' || following[0] == '\r':
				quoted = false
			default:
				cell.WriteByte('"') // a quote in the middle: meant as text
			}
		case quoted:
			if b == '\n' {
				c.line++
			}
			cell.WriteByte(b)
		case b == '"' && !wasQuoted && strings.TrimSpace(cell.String()) == "":
			cell.Reset()
			quoted, wasQuoted = true, true
		case b == c.comma:
			if err := finishCell(); err != nil {
				return nil, 0, err
			}
		case b == '\r':
			if following, err := c.src.Peek(1); err == nil && following[0] == '\n' {
				continue
			}
			c.line++
			return c.cells, start, finishCell()
		case b == '\n':
			c.line++
			return c.cells, start, finishCell()
		default:
			cell.WriteByte(b)
		}
	}
}

// parseCSV finds the delimiter that shows a header row, and reads the table.
func (f *file) parseCSV(r *Result, o Options, t *tally, set *charset) error {
	r.Encoding = set.String()
	open := func(comma byte) (rows, error) {
		if err := f.rewind(); err != nil {
			return nil, err
		}
		text, err := set.reader(f)
		if err != nil {
			return nil, err
		}
		return newCSV(text, comma), nil
	}
	var (
		best    *header
		comma   byte
		head    [][]string
		refused error
	)
	for _, candidate := range []byte{',', ';', '\t', '|'} {
		done := f.done
		source, err := open(candidate)
		if err != nil {
			return err
		}
		rows, err := firstRows(source)
		f.done = done // looking for the header is not counted as progress
		if _, ok := refusedAs(err); ok {
			if refused == nil {
				refused = err
			}
			continue
		}
		if err != nil {
			return err
		}
		o.peek.see(rows)
		if h := findHeader(rows, o.Layouts); h != nil && (best == nil || len(h.columns) > len(best.columns)) {
			best, comma, head = h, candidate, rows
		}
	}
	if best == nil {
		if refused != nil {
			return refused
		}
		return errNoHeader(o)
	}
	r.Format = "VN CSV"
	if best.layout != "" {
		r.Format += ", " + best.layout
	}
	if strings.HasPrefix(set.name, "windows-") {
		t.problem(0, "", "encoding_uncertain", "the text is not Unicode; it was read as "+set.name)
	}
	return parseTable(best, head, false, false, o, t, func() (rows, error) { return open(comma) })
}

func errNoHeader(o Options) error {
	if o.Format == "csv" || o.Format == "xlsx" {
		return refuse(0, "", "no_header_row", "no row with the headings of a date and an amount in the first %d rows; a layout may be missing", maxHeaderRows)
	}
	return refuse(0, "", "unknown_format", "not a known format: neither camt, pain, MT940 nor a table with the headings of a date and an amount in the first %d rows", maxHeaderRows)
}

// firstRows copies the rows among which the header row must be.
func firstRows(source rows) ([][]string, error) {
	var found [][]string
	for len(found) < maxHeaderRows+1 {
		row, _, err := source.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		found = append(found, append([]string(nil), row...))
	}
	return found, nil
}

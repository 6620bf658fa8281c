package bank

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Options say how a file is read.
type Options struct {
	// Format is auto (or empty), camt, pain, mt940, csv or xlsx. Auto tells the
	// format from the content; Name only decides where the content says nothing.
	Format string
	Name   string // of the file, as a hint; never shown
	// Account is taken where the file names none.
	Account string
	// Layouts come before the built-in ones.
	Layouts []Layout
	// Progress, if set, is told of bytes read, of all that will be read: a table is
	// read more than once.
	Progress func(done, of int64)
	// MaxBytes bounds the file; DefaultMaxBytes if zero.
	MaxBytes int64

	peek *peek // rows of a table that no layout knows, for who asks
}

// Formats are the values of Options.Format.
var Formats = []string{"auto", "camt", "pain", "mt940", "csv", "xlsx"}

// DefaultMaxBytes is the largest file that is read: three million entries in camt.
const DefaultMaxBytes = 4 << 30

// Parse reads a file from its beginning and hands each entry to visit, which may
// be nil, in the order of the file. Memory does not grow with the number of
// entries.
//
// A file that cannot be read is a Result that is not Valid, no error. Entries may
// have been handed out before its fault was met: who must not act on part of a
// file parses it first without visit. Errors are faults of src, and what visit
// returned.
func Parse(src io.ReadSeeker, o Options, visit func(*Entry) error) (*Result, error) {
	f := &file{src: src, progress: o.Progress}
	t := newTally(visit)
	r := &Result{Format: "unknown"}
	err := f.parse(r, o, t)
	r.Problems = []Problem{}
	if problem, refused := refusedAs(err); refused {
		r.Reason = err.Error()
		r.Problems = append(r.Problems, *problem)
		if r.Order == nil {
			details := t.TransactionDetails
			t = newTally(nil) // not readable: nothing of it is shown as if it were
			if details != nil {
				t.TransactionDetails = new(int)
			}
		}
	} else if err != nil {
		return nil, err
	}
	r.Valid = err == nil
	if r.Order == nil && r.Status == nil {
		r.Statements = t.finished()
		if r.Statements.List == nil {
			r.Statements.List = []Statement{}
		}
	}
	r.Problems = append(r.Problems, t.problems...)
	if t.unlisted > 0 {
		r.Problems = append(r.Problems, Problem{Code: "more_problems", Detail: fmt.Sprintf("%d further problems", t.unlisted)})
	}
	return r, nil
}

// sourceError is a fault of the source, so that it is never taken for a damaged
// file.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// file reads src, possibly several times, and counts.
type file struct {
	src      io.ReadSeeker
	size     int64
	progress func(done, of int64)
	done, of int64
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	f.done += int64(n)
	if f.progress != nil && n > 0 {
		f.progress(min(f.done, f.of), f.of)
	}
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

func (f *file) rewind() error {
	if _, err := f.src.Seek(0, io.SeekStart); err != nil {
		return &sourceError{err}
	}
	return nil
}

// ReadAt serves the directory of a ZIP archive. It is not for concurrent use.
func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	if _, err := f.src.Seek(offset, io.SeekStart); err != nil {
		return 0, &sourceError{err}
	}
	n, err := io.ReadFull(f, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// headBytes are looked at to tell the format.
const headBytes = 64 << 10

func (f *file) parse(r *Result, o Options, t *tally) error {
	size, err := f.src.Seek(0, io.SeekEnd)
	if err != nil {
		return &sourceError{err}
	}
	f.size, f.of = size, size
	limit := o.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if size > limit {
		return refuse(0, "", "too_large", "a file of %d MB; at most %d MB are read", size>>20, limit>>20)
	}
	if err := f.rewind(); err != nil {
		return err
	}
	head := make([]byte, min(size, headBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return err
	}
	f.done = 0
	if len(head) == 0 {
		return refuse(0, "", "unknown_format", "the file is empty")
	}
	kind, err := detect(head, o.Name)
	if err != nil {
		return err
	}
	if o.Format != "" && o.Format != "auto" {
		wanted := o.Format
		if wanted == "camt" || wanted == "pain" {
			wanted = "xml"
		}
		if text := kind == "mt940" || kind == "csv"; wanted != kind && !(text && (wanted == "mt940" || wanted == "csv")) {
			return refuse(0, "", "format_differs", "the file is not %s", o.Format)
		}
		kind = wanted
	}
	if err := f.rewind(); err != nil {
		return err
	}
	switch kind {
	case "xml":
		return f.parseXML(r, o, t, head)
	case "xlsx":
		return f.parseXLSX(r, o, t)
	}
	f.of = 2 * size
	if kind == "csv" {
		f.of = 3 * size
	}
	set, err := detectCharset(f)
	if err != nil {
		return err
	}
	if kind == "mt940" {
		return f.parseMT(r, o, t, set)
	}
	return f.parseCSV(r, o, t, set)
}

// detect tells the format from the first bytes.
func detect(head []byte, name string) (string, error) {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "xlsx", nil
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return "", refuse(0, "", "unsupported_format", "an old Excel file (.xls) or one with a password; save it as .xlsx without a password")
	case bytes.HasPrefix(head, []byte("%PDF")):
		return "", refuse(0, "", "unsupported_format", "a PDF; ask the bank's site for CSV, Excel, MT940 or camt.053")
	}
	text := strings.TrimLeft(plainHead(head), " \t\r\n\x01\x00")
	lower := strings.ToLower(text[:min(len(text), 512)])
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"), strings.HasPrefix(lower, "<table"):
		return "", refuse(0, "", "unsupported_format", "a web page; save it as .xlsx in a spreadsheet program")
	case strings.HasPrefix(text, "<"):
		return "xml", nil
	case strings.HasPrefix(text, "{1:"), mtFields.MatchString(strings.ReplaceAll(text, "\r", "\n")):
		return "mt940", nil
	}
	for _, ending := range []string{".sta", ".mt940", ".mt942", ".940", ".942"} {
		if strings.HasSuffix(strings.ToLower(name), ending) {
			return "mt940", nil
		}
	}
	return "csv", nil
}

// plainHead makes UTF-16 readable enough to tell a format.
func plainHead(head []byte) string {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		head = head[2:]
	}
	if bytes.Count(head, []byte{0})*3 > len(head) {
		head = bytes.ReplaceAll(head, []byte{0}, nil)
	}
	return string(head)
}

func (f *file) parseXML(r *Result, o Options, t *tally, head []byte) error {
	var src io.Reader = f
	for mark, name := range map[string]string{"\xff\xfe": "utf-16le", "\xfe\xff": "utf-16be"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			decoded, err := utf16Charset(name, 2).reader(f)
			if err != nil {
				return err
			}
			src = decoded
		}
	}
	if err := parseXML(newDocument(src), r, o, t); err != nil {
		return err
	}
	if o.Format == "camt" && !strings.HasPrefix(r.Format, "camt.") || o.Format == "pain" && !strings.HasPrefix(r.Format, "pain.") {
		return refuse(0, "", "format_differs", "the file is %s, not %s", r.Format, o.Format)
	}
	return nil
}

func (f *file) parseMT(r *Result, o Options, t *tally, set *charset) error {
	r.Encoding = set.name
	if set.decoder != nil {
		switch set.name {
		case "windows-1258", "windows-1252":
			// SWIFT text is ASCII; what is beyond comes from European banks.
			set = latin1
			r.Encoding = "latin-1 (not valid UTF-8)"
		}
	}
	if err := f.rewind(); err != nil {
		return err
	}
	text, err := set.reader(f)
	if err != nil {
		return err
	}
	return parseMT(text, r, o, t)
}

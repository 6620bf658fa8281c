// Package sheet reads the tables that offices keep in Excel or CSV: the heading row
// is found by the names of its columns, wherever it stands and in whatever order.
// It never runs a formula, and reads no more than its bounds.
//
// It must never know what a table is about: that is for whoever names the columns.
//
//	pupils := sheet.Form{
//		Names:  map[string][]string{"class": {"LOP", "CLASS"}},
//		Need:   [][]string{{"class"}},
//		Wanted: sheet.Words{VI: "Lớp", EN: "Lớp (class)"},
//		Limits: sheet.Office,
//	}
//	t, err := pupils.Open(f)
//	for err == nil {
//		if err = t.Next(); err == nil { … t.Get("class") … }
//	}
package sheet

import (
	"errors"
	"io"
	"path/filepath"
	"slices"

	"socho/bank"
)

// Limits bound what is read of a file.
type Limits struct {
	Bytes    int64 // of the file
	Rows     int   // below the heading, blank ones left out
	Unpacked int64 // bytes of a workbook
}

// Office are the limits of what one school, market or commune keeps.
var Office = Limits{Bytes: 8 << 20, Rows: 20_000, Unpacked: 64 << 20}

// Bounds of every file.
const (
	headerWithin = 30 // rows
	maxColumns   = 64
	MaxCell      = 500      // bytes
	inMemory     = 16 << 20 // bytes of one unpacked part; a larger one is unpacked to a temporary file
	maxSwelling  = 200      // times that a workbook larger than inMemory grows when unpacked; tables of text grow up to forty times
	maxParts     = 4096     // of a workbook
)

// Form is what is known of a table before it is read.
type Form struct {
	Names  map[string][]string // what we call a column → how files call it, folded by bank.Fold
	Need   [][]string          // of each set, one column at least has to be there
	Least  int                 // how many known columns a heading row has at least
	Wanted Words               // the columns that are needed, for people
	Limits Limits
}

// Named is a file with the name that errors call it by.
type Named struct {
	io.ReadSeeker
	File string
}

// Name is the file's.
func (n Named) Name() string { return n.File }

// Table is rows under a heading that was found. Close it.
type Table struct {
	rows
	file    string
	columns map[string]int    // what we call a column → where it is
	labels  map[string]string // … → how the file calls it
	named   []string          // by place, how the file calls a column
	cells   []string
	most    int // rows
	count   int
	Line    int // of the row that was read last, from 1
}

// Open finds the heading row: the first that names all columns that are needed. A
// source that has a name, as files have, is called by it in errors.
// Errors: *FileError; those of src.
func (f *Form) Open(src io.ReadSeeker) (*Table, error) {
	var name string
	if n, ok := src.(interface{ Name() string }); ok {
		name = filepath.Base(n.Name())
	}
	t, err := f.open(src)
	if err != nil {
		return nil, naming(err, name, nil)
	}
	t.file = name
	return t, nil
}

func (f *Form) open(src io.ReadSeeker) (*Table, error) {
	known := map[string]string{}
	for name, spellings := range f.Names {
		for _, s := range spellings {
			known[s] = name
		}
	}
	r, err := openRows(src, f.Limits)
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
		t := &Table{rows: r, columns: map[string]int{}, labels: map[string]string{}, most: f.Limits.Rows}
		for i, c := range cells {
			if name, ok := known[bank.Fold(c)]; ok {
				if _, twice := t.columns[name]; !twice {
					t.columns[name], t.labels[name] = i, c
				}
			}
		}
		if f.enough(t) {
			t.named = slices.Clone(cells)
			return t, nil
		}
	}
	r.close()
	missing := refuse("heading", some(headerWithin), nil)
	missing.Expected = f.Wanted
	return nil, missing
}

func (f *Form) enough(t *Table) bool {
	return len(t.columns) >= f.Least && !slices.ContainsFunc(f.Need, func(set []string) bool { return !slices.ContainsFunc(set, t.Has) })
}

// naming says which file and column an error is of.
func naming(err error, file string, named []string) error {
	var bad *FileError
	if errors.As(err, &bad) {
		bad.File = file
		if bad.Column > 0 && bad.Column <= len(named) {
			bad.Heading = named[bad.Column-1]
		}
	}
	return err
}

// Next reads the next row that is not blank. Errors: io.EOF, *FileError.
func (t *Table) Next() error {
	for {
		cells, line, err := t.rows.next()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return naming(err, t.file, t.named)
		}
		if !slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			continue
		}
		if t.count++; t.count > t.most {
			return naming(refuse("lines", nil, some(t.most)).at(line, 0), t.file, nil)
		}
		t.cells, t.Line = cells, line
		return nil
	}
}

// NoLines is the error of a table with nothing below its heading.
func (t *Table) NoLines() error { return naming(refuse("no_lines", nil, nil), t.file, nil) }

// Get returns a cell by what we call its column; "" where there is none.
func (t *Table) Get(name string) string {
	if i, ok := t.columns[name]; ok && i < len(t.cells) {
		return t.cells[i]
	}
	return ""
}

// First is the row's first cell that says anything.
func (t *Table) First() string {
	for _, c := range t.cells {
		if c != "" {
			return c
		}
	}
	return ""
}

// Has says whether the file has a column.
func (t *Table) Has(name string) bool { _, ok := t.columns[name]; return ok }

// Label is how the file calls a column, or the name given where it has none.
func (t *Table) Label(name string) string {
	if label, ok := t.labels[name]; ok {
		return label
	}
	return name
}

// Close lets go of the file.
func (t *Table) Close() { t.rows.close() }

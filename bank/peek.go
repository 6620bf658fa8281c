package bank

import (
	"io"
	"slices"
)

// peek keeps the first rows of the way to read a table that shows most columns.
type peek struct {
	most  int
	width int
	rows  [][]string
}

// see looks at rows that were read in one way; nil looks at nothing.
func (p *peek) see(rows [][]string) {
	if p == nil {
		return
	}
	width := 0
	for _, row := range rows {
		filled := 0
		for _, c := range row {
			if c != "" {
				filled++
			}
		}
		width = max(width, filled)
	}
	if width <= p.width {
		return
	}
	p.width, p.rows = width, nil
	for _, row := range rows[:min(len(rows), p.most)] {
		p.rows = append(p.rows, slices.Clone(row))
	}
}

// Peek returns the first rows of a file that is a table, at most so many, for a
// person who says which holds the headings and what they mean: that makes
// a Layout. Of other files, and of such that cannot be read, it returns none.
func Peek(src io.ReadSeeker, o Options, most int) [][]string {
	p := &peek{most: most}
	o.peek, o.Progress = p, nil
	if r, err := Parse(src, o, nil); err != nil || r.Order != nil || r.Status != nil || p.width < 3 {
		return nil
	}
	return p.rows
}

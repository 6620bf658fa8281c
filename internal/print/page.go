package print

import (
	"fmt"
	"math"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

const family = "sans"

// Colours. Text and codes are black; bands are dark enough to stay readable when
// a printer knows no colours.
type colour [3]int

var (
	black = colour{0, 0, 0}
	white = colour{255, 255, 255}
	grey  = colour{85, 85, 85}
	faint = colour{170, 170, 170}
)

// page draws on the current page, in mm from its upper left corner.
type page struct{ pdf *fpdf.Fpdf }

// style is how a text is set: its size in points, which shrinks to least where
// the text would not fit into lines, and its alignment, L, C or R.
type style struct {
	size, least float64
	lines       int
	bold        bool
	align       string
	colour      colour
}

// text sets a text into a width and returns the height that it took. What does
// not fit at the least size ends in an ellipsis: names come from people, and no
// name may push a code off its card.
func (p *page) text(x, y, width float64, s style, text string) float64 {
	weight := ""
	if s.bold {
		weight = "B"
	}
	size, lines := s.size, []string(nil)
	for {
		p.pdf.SetFont(family, weight, size)
		lines = p.wrap(text, width)
		if len(lines) <= max(s.lines, 1) || size <= s.least || s.least == 0 {
			break
		}
		size = math.Max(size-0.5, s.least)
	}
	if n := max(s.lines, 1); len(lines) > n {
		last := []rune(lines[n-1])
		for len(last) > 0 && p.pdf.GetStringWidth(string(last)+"…") > width {
			last = last[:len(last)-1]
		}
		lines = append(lines[:n-1:n-1], strings.TrimSpace(string(last))+"…")
	}
	p.pdf.SetTextColor(s.colour[0], s.colour[1], s.colour[2])
	height := size * 25.4 / 72 * 1.22
	for i, line := range lines {
		p.pdf.SetXY(x, y+height*float64(i))
		p.pdf.CellFormat(width, height, line, "", 0, s.align+"M", false, 0, "")
	}
	return height * float64(len(lines))
}

// wrap breaks a text at blanks, and a word that is wider than the line inside.
func (p *page) wrap(text string, width float64) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if next := strings.TrimSpace(line + " " + word); p.pdf.GetStringWidth(next) <= width {
			line = next
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = ""
		for _, r := range word {
			if p.pdf.GetStringWidth(line+string(r)) > width && line != "" {
				lines, line = append(lines, line), ""
			}
			line += string(r)
		}
	}
	return append(lines, line)
}

func (p *page) fill(c colour) { p.pdf.SetFillColor(c[0], c[1], c[2]) }

func (p *page) draw(c colour, width float64) {
	p.pdf.SetDrawColor(c[0], c[1], c[2])
	p.pdf.SetLineWidth(width)
}

// code puts a code into the middle of a square, as large as whole dots of a
// module allow.
func (p *page) code(c code, x, y, side float64) {
	module := math.Floor(side/float64(c.side)/dot) * dot
	took := module * float64(c.side)
	x, y = x+(side-took)/2, y+(side-took)/2
	x, y = math.Round(x/dot)*dot, math.Round(y/dot)*dot
	_, height := p.pdf.GetPageSize()
	const points = 72 / 25.4
	p.pdf.RawWriteStr(fmt.Sprintf("q 0 g %.5f 0 0 %.5f %.4f %.4f cm\n%sQ", module*points, -module*points, x*points, (height-y)*points, c.operators))
}

// cutMarks draws dashes where a sheet is cut, and names them.
func (p *page) cutMarks(paper paper, w, h float64) {
	p.draw(faint, 0.15)
	p.pdf.SetDashPattern([]float64{1.5, 1.5}, 0)
	for i := 1; i < paper.across; i++ {
		p.pdf.Line(w*float64(i), 4, w*float64(i), paper.height-4)
	}
	for i := 1; i < paper.down; i++ {
		p.pdf.Line(4, h*float64(i), paper.width-4, h*float64(i))
	}
	p.pdf.SetDashPattern(nil, 0)
}

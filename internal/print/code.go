package print

import (
	"fmt"
	"image"
	"strings"

	"socho/qr"
	"socho/qr/scan"
)

// dot is what modules are whole multiples of: 1/300 inch, in mm. Printers of 300,
// 600 and 1200 dots an inch then draw every module equally wide.
const dot = 25.4 / 300

// code is a QR code as it is written to a page: PDF operators that fill black
// rectangles, one module a unit, y downwards.
type code struct {
	operators string
	side      int // in modules, quiet zone included
}

// A code that scratches and dirt have to leave readable needs two things that
// stand against each other in one place on paper: redundancy, and modules that
// are wider than a scratch. Measured on scuffed codes of both kinds (see
// TestReadsWhenScuffed), level H reads best as long as its modules are about a
// millimetre wide, below that Q and M do.
const wide = 12 * dot // 1.016 mm

// drawn makes the code of a text for a square of so many mm, and reads it back
// from the very operators that go to the page. The error is a *qr.Refusal, or
// ErrReadBack.
func drawn(text string, square float64) (code, error) {
	var modules [][]bool
	var err error
	for _, level := range []qr.Level{qr.LevelH, qr.LevelQ, qr.LevelM} {
		// A long text may fit the lower levels alone.
		if modules, err = qr.Modules(text, level); err == nil && square/float64(len(modules)) >= wide {
			break
		}
	}
	if err != nil {
		return code{}, err
	}
	c := code{operators(modules), len(modules)}
	return c, c.readBack(text)
}

// operators fills the black modules as few rectangles. They make one path, so
// that no renderer leaves a seam between neighbours.
func operators(modules [][]bool) string {
	var out strings.Builder
	taken := make([][]bool, len(modules))
	for y := range taken {
		taken[y] = make([]bool, len(modules))
	}
	free := func(x, y int) bool { return x < len(modules) && y < len(modules) && modules[y][x] && !taken[y][x] }
	for y := range modules {
		for x := range modules {
			if !free(x, y) {
				continue
			}
			w, h := 1, 1
			for free(x+w, y) {
				w++
			}
			if w == 1 {
				for free(x, y+h) {
					h++
				}
			}
			for i := range h {
				for j := range w {
					taken[y+i][x+j] = true
				}
			}
			fmt.Fprintf(&out, "%d %d %d %d re\n", x, y, w, h)
		}
	}
	return out.String() + "f\n"
}

// readBack paints the operators and reads the picture by the eyes of a reader
// that shares no code with what drew it.
func (c code) readBack(text string) error {
	const pixels = 4 // a module
	side := c.side * pixels
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for line := range strings.Lines(c.operators) {
		var x, y, w, h int
		if n, _ := fmt.Sscanf(line, "%d %d %d %d re\n", &x, &y, &w, &h); n != 4 {
			continue
		}
		black := image.Rect(x, y, x+w, y+h)
		if !black.In(image.Rect(qr.QuietZone, qr.QuietZone, c.side-qr.QuietZone, c.side-qr.QuietZone)) {
			return ErrReadBack
		}
		for py := y * pixels; py < (y+h)*pixels; py++ {
			clear(picture.Pix[py*side+x*pixels : py*side+(x+w)*pixels])
		}
	}
	if scan.Plain(picture) != text {
		return ErrReadBack
	}
	return nil
}

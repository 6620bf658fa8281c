package print

import "codeberg.org/go-pdf/fpdf"

// Place puts the QR code of a text into the middle of a square, in mm, on a page
// that somebody else lays out. It is drawn and read back as on cards. The errors
// are as of Cards.
func Place(pdf *fpdf.Fpdf, text string, x, y, side float64) error {
	c, err := drawn(text, side)
	if err != nil {
		return err
	}
	(&page{pdf}).code(c, x, y, side)
	return nil
}

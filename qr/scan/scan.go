// Package scan reads QR codes out of pictures: a photograph of a stall's card, a
// screenshot, a scanned page.
//
// It must never judge what a code says: that is qr.Decode's business. It knows
// no file, network or clock; what it is handed may come from anybody, so a
// picture is measured before it is unpacked, and no error repeats what a code
// holds.
//
//	texts, err := scan.Read(photograph) // every code in it, from top to bottom
//	result := qr.Decode(texts[0])
//
// The reading itself is gozxing's, which shares no code with what draws our own
// codes: so it also reads back what is about to be printed (Plain).
package scan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode"
	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// Bounds of a picture. Unpacked, one of MaxPixels takes 100 to 300 MB, by its
// format; a telephone's picture has 12 million.
const (
	MaxBytes  = 32 << 20
	MaxPixels = 24_000_000
)

// MaxCodes bounds what is read out of one picture.
const MaxCodes = 64

// What Read finds wrong with a picture.
var (
	ErrFormat   = errors.New("this is no PNG or JPEG picture, or a damaged one")
	ErrTooLarge = fmt.Errorf("the picture is too large: at most %d MB and %d million pixels; save it smaller", MaxBytes>>20, MaxPixels/1_000_000)
	ErrNoCode   = errors.New("no QR code can be read in this picture: take it nearer, in better light, with the whole code and its white border")
)

// Read returns the text of every QR code in a PNG or JPEG file, from top to
// bottom, the same text once. A picture that says it is larger than MaxPixels is
// refused unopened: a file of a few kilobytes can unpack to gigabytes.
//
// The errors are ErrFormat, ErrTooLarge and ErrNoCode.
func Read(file []byte) ([]string, error) {
	if len(file) > MaxBytes {
		return nil, ErrTooLarge
	}
	measure, unpack := png.DecodeConfig, png.Decode
	if bytes.HasPrefix(file, []byte{0xFF, 0xD8}) {
		measure, unpack = jpeg.DecodeConfig, jpeg.Decode
	}
	size, err := measure(bytes.NewReader(file))
	if err != nil || size.Width < 1 || size.Height < 1 {
		return nil, ErrFormat
	}
	if size.Width > MaxPixels/size.Height {
		return nil, ErrTooLarge
	}
	picture, err := unpack(bytes.NewReader(file))
	if err != nil {
		return nil, ErrFormat
	}
	texts := Picture(picture)
	if len(texts) == 0 {
		return nil, ErrNoCode
	}
	return texts, nil
}

// Picture returns the text of every QR code in a picture, from top to bottom,
// the same text once; none where it finds none.
//
// It looks at several sizes, since a code may fill the picture or a corner of
// it, and lets two rules tell dark from light. Beside what it has found it looks for
// one more code, with a broken corner: a scratch may hide the large code of a card and
// leave the small one. Only where all of that finds nothing does it try what few
// pictures need: white on black, and other angles.
func Picture(picture image.Image) []string {
	var found []code
	longest := max(picture.Bounds().Dx(), picture.Bounds().Dy())
	sizes := []int{min(longest, 1200)}
	switch {
	case longest > 2400:
		sizes = append(sizes, 600, min(longest, 4000))
	case longest > 600:
		sizes = append(sizes, longest/2)
	default:
		sizes = append(sizes, 2*longest)
	}
	var rest *image.Gray // of the picture, without what was found in it
	for i, size := range sizes {
		grey := render(picture, size, 0)
		if found = read(found, grey, false); i == 0 {
			rest = grey
		}
	}
	if more, ok := twoCorners(rest); ok && len(found) < MaxCodes && !slices.ContainsFunc(found, func(c code) bool { return c.text == more.text }) {
		found = append(found, more)
	}
	if len(found) == 0 {
		for _, try := range []struct {
			degrees float64
			inverse bool
		}{{0, true}, {17, false}, {45, false}, {17, true}} {
			if found = read(found, render(picture, min(longest, 1200), try.degrees), try.inverse); len(found) > 0 {
				break
			}
		}
	}
	slices.SortStableFunc(found, func(a, b code) int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x)) })
	texts := make([]string, len(found))
	for i, c := range found {
		texts[i] = c.text
	}
	return texts
}

// Plain returns the text of the one undamaged code that a picture shows straight
// and whole, "" where it shows none. It is for reading back what was just drawn:
// what needs more effort than this is not drawn well.
func Plain(picture *image.Gray) string {
	for _, result := range attempt(picture, gozxing.NewHybridBinarizer) {
		return result.GetText()
	}
	return ""
}

// code is what was read, and where its first corner lies, as a share of the
// picture's longer side.
type code struct {
	text string
	x, y float64
}

// render draws a picture in grey on white, its longer side side pixels long,
// turned about its middle.
func render(picture image.Image, side int, degrees float64) *image.Gray {
	b := picture.Bounds()
	scale := float64(side) / float64(max(b.Dx(), b.Dy()))
	w, h := max(1, int(float64(b.Dx())*scale)), max(1, int(float64(b.Dy())*scale))
	if degrees != 0 {
		w, h = side*3/2, side*3/2 // room for the corners
	}
	canvas := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(canvas, canvas.Rect, image.White, image.Point{}, draw.Src)
	if degrees == 0 {
		draw.BiLinear.Scale(canvas, canvas.Rect, picture, b, draw.Over, nil)
	} else {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		sin, cos = sin*scale, cos*scale
		x, y := float64(b.Min.X+b.Max.X)/2, float64(b.Min.Y+b.Max.Y)/2
		draw.BiLinear.Transform(canvas, f64.Aff3{
			cos, -sin, float64(w)/2 - cos*x + sin*y,
			sin, cos, float64(h)/2 - sin*x - cos*y,
		}, picture, b, draw.Over, nil)
	}
	grey := image.NewGray(canvas.Rect)
	for i := range grey.Pix {
		p := canvas.Pix[4*i : 4*i+3 : 4*i+3]
		grey.Pix[i] = byte((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000)
	}
	return grey
}

var hints = map[gozxing.DecodeHintType]any{
	gozxing.DecodeHintType_TRY_HARDER:    true,
	gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
}

// read adds the codes of a picture that are not among those found. What was read
// is painted over and the rest looked at again: among many codes, the corners of
// different ones are easily taken for those of one.
func read(found []code, grey *image.Gray, inverse bool) []code {
	if inverse {
		for i := range grey.Pix {
			grey.Pix[i] = 255 - grey.Pix[i]
		}
	}
	size := grey.Rect.Size()
	for _, binarizer := range []func(gozxing.LuminanceSource) gozxing.Binarizer{gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer} {
		for more := true; more && len(found) < MaxCodes; {
			more = false
			for _, result := range attempt(grey, binarizer) {
				more = erase(grey, result.GetResultPoints()) || more
				text := result.GetText()
				if text == "" || len(found) == MaxCodes || slices.ContainsFunc(found, func(c code) bool { return c.text == text }) {
					continue
				}
				c := code{text: text}
				if points := result.GetResultPoints(); len(points) >= 3 {
					longest := float64(max(size.X, size.Y))
					c.x = min(points[0].GetX(), points[1].GetX(), points[2].GetX()) / longest
					c.y = min(points[0].GetY(), points[1].GetY(), points[2].GetY()) / longest
				}
				found = append(found, c)
			}
		}
	}
	return found
}

// attempt reads a picture once. The reader indexes out of range on a few
// pictures that nobody would call a code; those are pictures without one.
func attempt(grey *image.Gray, binarizer func(gozxing.LuminanceSource) gozxing.Binarizer) (results []*gozxing.Result) {
	defer func() {
		if recover() != nil {
			results = nil
		}
	}()
	size := grey.Rect.Size()
	source, err := gozxing.NewPlanarYUVLuminanceSource(grey.Pix, size.X, size.Y, 0, 0, size.X, size.Y, false)
	if err != nil {
		return nil
	}
	bitmap, err := gozxing.NewBinaryBitmap(binarizer(source))
	if err != nil {
		return nil
	}
	results, err = multi.NewQRCodeMultiReader().DecodeMultiple(bitmap, hints)
	if err != nil {
		return nil
	}
	return results
}

// erase paints a code white, given the centres of its three corners (bottom
// left, top left, top right), and says whether that changed anything.
func erase(grey *image.Gray, points []gozxing.ResultPoint) (changed bool) {
	if len(points) < 3 {
		return false
	}
	x0, y0 := points[1].GetX(), points[1].GetY()
	ax, ay := points[2].GetX()-x0, points[2].GetY()-y0
	bx, by := points[0].GetX()-x0, points[0].GetY()-y0
	area := ax*by - ay*bx
	if area == 0 {
		return false
	}
	const margin = 0.2 // from a corner's centre to beyond the code's edge, as a share of its side
	for y := range grey.Rect.Dy() {
		row := grey.Pix[y*grey.Stride : (y+1)*grey.Stride]
		for x := range row {
			dx, dy := float64(x)-x0, float64(y)-y0
			u, v := (dx*by-dy*bx)/area, (ax*dy-ay*dx)/area
			if u > -margin && u < 1+margin && v > -margin && v < 1+margin && row[x] != 255 {
				row[x], changed = 255, true
			}
		}
	}
	return changed
}

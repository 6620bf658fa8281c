package scan

import (
	"image"
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
)

// The three corner patterns of a code are the one part of it that carries no
// redundancy: a scratch across one of them hides the whole code from a reader that
// looks for three. Of 1,000 cards that were scuffed as a year at a stall does, all
// that could not be read had two whole corners and a broken one. Where the third
// has to be follows from the two; so it is tried there.

// mostCorners bounds how many patterns of a picture are paired: text and window
// frames give false ones.
const mostCorners = 6

// twoCorners reads a code of which two corner patterns are whole. It is for what is
// left of a picture when whole codes have been read.
func twoCorners(grey *image.Gray) (found code, ok bool) {
	defer func() {
		if recover() != nil { // as in attempt
			found, ok = code{}, false
		}
	}()
	size := grey.Rect.Size()
	for _, binarizer := range []func(gozxing.LuminanceSource) gozxing.Binarizer{gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer} {
		source, err := gozxing.NewPlanarYUVLuminanceSource(grey.Pix, size.X, size.Y, 0, 0, size.X, size.Y, false)
		if err != nil {
			return code{}, false
		}
		bitmap, err := gozxing.NewBinaryBitmap(binarizer(source))
		if err != nil {
			return code{}, false
		}
		dark, err := bitmap.GetBlackMatrix()
		if err != nil {
			continue
		}
		finder := detector.NewFinderPatternFinder(dark, nil)
		finder.Find(hints) //nolint:errcheck // that it found no three is why we are here
		corners := finder.GetPossibleCenters()
		corners = corners[:min(len(corners), mostCorners)]
		for i, a := range corners {
			for _, b := range corners[i+1:] {
				if text, at := third(dark, point{a.GetX(), a.GetY()}, point{b.GetX(), b.GetY()}, (a.GetEstimatedModuleSize()+b.GetEstimatedModuleSize())/2); text != "" {
					longest := float64(max(size.X, size.Y))
					return code{text, at.x / longest, at.y / longest}, true
				}
			}
		}
	}
	return code{}, false
}

type point struct{ x, y float64 }

// GetX implements gozxing.ResultPoint.
func (p point) GetX() float64 { return p.x }

// GetY implements gozxing.ResultPoint.
func (p point) GetY() float64 { return p.y }

// third tries each place where the third corner can be. The two are neighbours, and
// it is beside either of them on either side; or they lie across, and it is on either
// side of the line between them. A wrong guess is no text: what is read has to pass
// the code's own error correction.
func third(dark *gozxing.BitMatrix, a, b point, module float64) (text string, at point) {
	dx, dy := b.x-a.x, b.y-a.y
	across := point{(a.x + b.x) / 2, (a.y + b.y) / 2}
	for _, turn := range []float64{1, -1} {
		for _, try := range []struct {
			topLeft, one, two point
			side              float64
		}{
			{a, b, point{a.x - turn*dy, a.y + turn*dx}, math.Hypot(dx, dy)},
			{b, a, point{b.x - turn*dy, b.y + turn*dx}, math.Hypot(dx, dy)},
			{point{across.x - turn*dy/2, across.y + turn*dx/2}, a, b, math.Hypot(dx, dy) / math.Sqrt2},
		} {
			right, below := try.one, try.two
			if (right.x-try.topLeft.x)*(below.y-try.topLeft.y)-(right.y-try.topLeft.y)*(below.x-try.topLeft.x) < 0 {
				right, below = below, right
			}
			if text := sampled(dark, try.topLeft, right, below, try.side/module); text != "" {
				return text, point{min(try.topLeft.x, right.x, below.x), min(try.topLeft.y, right.y, below.y)}
			}
		}
	}
	return "", point{}
}

// sampled reads the code between three corners, whose centres are about so many
// modules apart.
func sampled(dark *gozxing.BitMatrix, topLeft, topRight, bottomLeft point, modules float64) string {
	if modules < 14 || modules > 170 {
		return "" // no code is that small or large
	}
	nearest := int(math.Round((modules+7-17)/4))*4 + 17
	for _, dimension := range []int{nearest, nearest - 4, nearest + 4} { // a scuffed pattern tells its size badly
		if dimension < 21 || dimension > 177 {
			continue
		}
		transform := detector.Detector_createTransform(topLeft, topRight, bottomLeft, nil, dimension)
		bits, err := detector.Detector_sampleGrid(dark, transform, dimension)
		if err != nil {
			continue
		}
		if result, err := decoder.NewDecoder().Decode(bits, hints); err == nil && result.GetText() != "" {
			return result.GetText()
		}
	}
	return ""
}

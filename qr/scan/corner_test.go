package scan

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"testing"

	"github.com/makiuchi-d/gozxing"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"socho/qr"
)

// A code with a scratch through any one of its corner patterns is read, straight and
// askew; without two of them it is not, and nothing else is made of it.
func TestBrokenCorner(t *testing.T) {
	const text = "00020101021138570010A00000072701270006970436011300110000000010208QRIBFTTA53037045802VN62240820SAP D11 CHO DONG VAN63043DF3"
	const scale, quiet = 7, qr.QuietZone
	raw, err := qr.PNG(text, qr.ImageOptions{ModulePixels: scale, Level: qr.LevelH})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	side := picture.Bounds().Dx()
	first, last := (quiet*2+7)*scale/2, side-(quiet*2+7)*scale/2 // middles of the corner patterns
	corners := []image.Point{{first, first}, {last, first}, {first, last}}
	scratched := func(at ...image.Point) *image.Gray {
		canvas := image.NewGray(picture.Bounds())
		draw.Draw(canvas, canvas.Rect, picture, image.Point{}, draw.Src)
		for _, p := range at { // dark across, and white down: no line through the middle stays whole
			draw.Draw(canvas, image.Rect(p.X-4*scale, p.Y-1, p.X+4*scale, p.Y+2), image.NewUniform(color.Gray{40}), image.Point{}, draw.Src)
			draw.Draw(canvas, image.Rect(p.X-1, p.Y-4*scale, p.X+2, p.Y+4*scale), image.NewUniform(color.Gray{230}), image.Point{}, draw.Src)
		}
		return canvas
	}
	turned := func(grey *image.Gray, degrees float64) *image.Gray {
		canvas := image.NewGray(image.Rect(0, 0, side*3/2, side*3/2))
		draw.Draw(canvas, canvas.Rect, image.White, image.Point{}, draw.Src)
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		middle, to := float64(side)/2, float64(side)*0.75
		xdraw.BiLinear.Transform(canvas, f64.Aff3{cos, -sin, to - cos*middle + sin*middle, sin, cos, to - sin*middle - cos*middle}, grey, grey.Rect, draw.Over, nil)
		return canvas
	}
	for i, corner := range corners {
		for _, degrees := range []float64{0, 5, -12, 180} {
			broken := turned(scratched(corner), degrees)
			if got := attempt(broken, gozxing.NewHybridBinarizer); len(got) > 0 && degrees == 0 {
				t.Errorf("corner %d is not broken enough to try anything", i)
			}
			if got := Picture(broken); len(got) != 1 || got[0] != text {
				t.Errorf("corner %d broken, %g degrees: %q", i, degrees, got)
			}
		}
	}
	// The card's small code, which is whole, does not hide that there is a large one.
	small, err := qr.PNG("HTTPS://CHO.EXAMPLE/C/CDV-D11-1/0", qr.ImageOptions{ModulePixels: 4})
	if err != nil {
		t.Fatal(err)
	}
	beside, err := png.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	card := image.NewGray(image.Rect(0, 0, side, side+beside.Bounds().Dy()))
	draw.Draw(card, card.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(card, card.Rect, scratched(corners[0]), image.Point{}, draw.Src)
	draw.Draw(card, image.Rect(0, side, side, card.Rect.Max.Y), beside, image.Point{}, draw.Src)
	if got := Picture(card); len(got) != 2 || got[0] != text {
		t.Errorf("a broken code and a whole one: %q", got)
	}
	if got, ok := twoCorners(scratched(corners[0], corners[1])); ok {
		t.Errorf("with one corner: %v", got)
	}
	blank := image.NewGray(image.Rect(0, 0, 200, 200))
	draw.Draw(blank, blank.Rect, image.White, image.Point{}, draw.Src)
	if got, ok := twoCorners(blank); ok {
		t.Errorf("of nothing: %v", got)
	}
}

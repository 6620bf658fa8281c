package scan_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"socho/qr"
	"socho/qr/scan"
)

const stall = "00020101021138570010A00000072701270006970436011300110000000010208QRIBFTTA53037045802VN62240820SAP A12 CHO DONG VAN6304BD4C"

// code draws a text, pixels to a module.
func code(t testing.TB, text string, pixels int) image.Image {
	t.Helper()
	raw, err := qr.PNG(text, qr.ImageOptions{ModulePixels: pixels})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// photograph lays pictures on a ground of some shade, each turned by degrees.
func photograph(w, h int, ground color.Gray, degrees float64, pictures map[image.Point]image.Image) *image.Gray {
	canvas := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	for at, picture := range pictures {
		middle := float64(picture.Bounds().Dx()) / 2
		x, y := float64(at.X)+middle, float64(at.Y)+middle
		draw.BiLinear.Transform(canvas, f64.Aff3{
			cos, -sin, x - cos*middle + sin*middle, sin, cos, y - sin*middle - cos*middle,
		}, picture, picture.Bounds(), draw.Src, nil)
	}
	return canvas
}

func encoded(t testing.TB, picture image.Image, quality int) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	if quality > 0 {
		err = jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality})
	} else {
		err = png.Encode(&out, picture)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func inverted(picture *image.Gray) *image.Gray {
	for i := range picture.Pix {
		picture.Pix[i] = 255 - picture.Pix[i]
	}
	return picture
}

// shaded is a card in the shade of an awning: dark on one side, bright on the other.
func shaded(picture *image.Gray) *image.Gray {
	w := picture.Rect.Dx()
	for i := range picture.Pix {
		picture.Pix[i] = uint8(int(picture.Pix[i]) * (40 + 215*(i%w)/w) / 255)
	}
	return picture
}

func TestRead(t *testing.T) {
	card := code(t, stall, 6)
	for name, file := range map[string][]byte{
		"png":                  encoded(t, card, 0),
		"jpeg":                 encoded(t, card, 90),
		"a poor jpeg":          encoded(t, card, 15),
		"two pixels a module":  encoded(t, code(t, stall, 2), 0),
		"turned a little":      encoded(t, photograph(900, 900, color.Gray{255}, 8, map[image.Point]image.Image{{200, 200}: card}), 85),
		"turned by 90":         encoded(t, photograph(900, 900, color.Gray{255}, 90, map[image.Point]image.Image{{200, 200}: card}), 85),
		"turned by 45":         encoded(t, photograph(900, 900, color.Gray{200}, 45, map[image.Point]image.Image{{200, 200}: card}), 85),
		"on its head":          encoded(t, photograph(900, 900, color.Gray{128}, 180, map[image.Point]image.Image{{200, 200}: card}), 85),
		"white on black":       encoded(t, inverted(photograph(900, 900, color.Gray{255}, 0, map[image.Point]image.Image{{200, 200}: card})), 85),
		"half in the shade":    encoded(t, shaded(photograph(700, 700, color.Gray{255}, 3, map[image.Point]image.Image{{100, 100}: card})), 85),
		"in a corner of 12 MP": encoded(t, photograph(4000, 3000, color.Gray{190}, 5, map[image.Point]image.Image{{3300, 2300}: card}), 85),
		"the whole of 12 MP":   encoded(t, photograph(4000, 3000, color.Gray{190}, 5, map[image.Point]image.Image{{500, 10}: code(t, stall, 32)}), 85),
	} {
		t.Run(name, func(t *testing.T) {
			if texts, err := scan.Read(file); err != nil || !slices.Equal(texts, []string{stall}) {
				t.Errorf("%d codes, %v", len(texts), err)
			}
		})
	}
}

// All codes of one picture are read, from top to bottom, each text once.
func TestReadSeveral(t *testing.T) {
	pictures, want := map[image.Point]image.Image{}, []string{}
	for i := range 6 {
		text := stall[:20] + strings.Repeat(string(rune('A'+i)), 40)
		pictures[image.Pt(30+i%2*420, 30+i/2*420+i%2*7)] = code(t, text, 6)
		want = append(want, text)
	}
	pictures[image.Pt(30, 30+3*420)] = code(t, want[0], 6) // hangs there twice
	pictures[image.Pt(500, 60+3*420)] = code(t, "https://cho.example/the/A12", 3)
	want = append(want, "https://cho.example/the/A12")
	texts, err := scan.Read(encoded(t, photograph(900, 1700, color.Gray{255}, 0, pictures), 0))
	if err != nil || !slices.Equal(texts, want) {
		t.Errorf("%v: %q, want %q", err, texts, want)
	}
}

// A text in UTF-8 comes out as it went in.
func TestReadsVietnamese(t *testing.T) {
	const text = "Chợ Đồng Văn – sạp A12, phí tháng 9"
	if texts := scan.Picture(code(t, text, 5)); !slices.Equal(texts, []string{text}) {
		t.Errorf("%q", texts)
	}
}

// bomb is a PNG that says it is of a size, and holds nothing of it.
func bomb(w, h uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, w)
	header = append(binary.BigEndian.AppendUint32(header, h), 8, 6, 0, 0, 0)
	chunk := append([]byte("IHDR"), header...)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, byte(len(header)))
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

func TestReadRefuses(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 300, 300))
	whole := encoded(t, code(t, stall, 4), 0)
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":            {nil, scan.ErrFormat},
		"text":               {[]byte("0002010102"), scan.ErrFormat},
		"a cut picture":      {whole[:len(whole)/2], scan.ErrFormat},
		"a JPEG's first two": {[]byte{0xFF, 0xD8}, scan.ErrFormat},
		"no code":            {encoded(t, grey, 0), scan.ErrNoCode},
		"one pixel":          {encoded(t, image.NewGray(image.Rect(0, 0, 1, 1)), 0), scan.ErrNoCode},
		"a thin line":        {encoded(t, image.NewGray(image.Rect(0, 0, 5000, 1)), 0), scan.ErrNoCode},
		"a large file":       {make([]byte, scan.MaxBytes+1), scan.ErrTooLarge},
		"a bomb":             {bomb(100_000, 100_000), scan.ErrTooLarge},
		"a bomb's overflow":  {bomb(1<<31-1, 1<<31-1), scan.ErrFormat},
		"one row too many":   {bomb(scan.MaxPixels/1000, 1001), scan.ErrTooLarge},
	} {
		if texts, err := scan.Read(tc.file); !errors.Is(err, tc.want) || texts != nil {
			t.Errorf("%s: %v, %v, want %v", name, texts, err, tc.want)
		}
	}
}

func TestPlain(t *testing.T) {
	picture := photograph(400, 400, color.Gray{255}, 0, map[image.Point]image.Image{{0, 0}: code(t, stall, 4)})
	if text := scan.Plain(picture); text != stall {
		t.Errorf("read %q", text)
	}
	if text := scan.Plain(image.NewGray(picture.Rect)); text != "" {
		t.Errorf("read %q out of black", text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encoded(f, code(f, "SAP A12", 2), 0))
	f.Add(encoded(f, code(f, "SAP A12", 2), 60))
	f.Add(bomb(100, 100))
	f.Add([]byte{0xFF, 0xD8, 0xFF})
	f.Fuzz(func(t *testing.T, file []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && c.Width*c.Height > 1<<18 {
			return // larger pictures are only slower
		}
		texts, err := scan.Read(file)
		if (err == nil) != (len(texts) > 0) {
			t.Errorf("%d texts, %v", len(texts), err)
		}
	})
}

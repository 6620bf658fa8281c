package qr_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"socho/qr"
)

func stallCode(t *testing.T) string {
	t.Helper()
	payload, err := qr.Encode(qr.Request{
		BIN: "970436", Account: "0011000000001", Amount: "61000", Name: "Ban quản lý chợ Mẫu", City: "Hà Giang",
		Reference: "CH2609DF4EP", Purpose: "Phí chợ tháng 9",
	})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// scan reads a picture with a reader that shares no code with the one that drew.
func scan(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

func TestPNGReadsBack(t *testing.T) {
	payload := stallCode(t)
	for _, options := range []qr.ImageOptions{
		{},
		{Level: qr.LevelL, ModulePixels: 3},
		{Level: qr.LevelM, ModulePixels: 4},
		{Level: qr.LevelH, ModulePixels: 5},
	} {
		raw, err := qr.PNG(payload, options)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := scan(t, picture); got != payload {
			t.Errorf("%+v: scanned %q", options, got)
		}
		again, err := qr.PNG(payload, options)
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%+v: drawn twice, two pictures (%v)", options, err)
		}
	}
}

// At the default level a code still reads with a scratch through it.
func TestScuffedPNGReadsBack(t *testing.T) {
	payload := stallCode(t)
	raw, err := qr.PNG(payload, qr.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	picture := decoded.(*image.Paletted)
	side := picture.Rect.Dx()
	for y := side * 55 / 100; y < side*60/100; y++ {
		for x := side * 25 / 100; x < side*80/100; x++ {
			picture.SetColorIndex(x, y, 0)
		}
	}
	if got := scan(t, picture); got != payload {
		t.Errorf("scanned %q", got)
	}
}

func TestQuietZone(t *testing.T) {
	raw, err := qr.PNG("CHO MAU", qr.ImageOptions{ModulePixels: 1})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	side := picture.Bounds().Dx()
	dark := func(x, y int) bool { r, _, _, _ := picture.At(x, y).RGBA(); return r == 0 }
	for i := range side {
		for border := range qr.QuietZone {
			if dark(i, border) || dark(border, i) || dark(i, side-1-border) || dark(side-1-border, i) {
				t.Fatalf("the quiet zone is not blank at %d, %d", i, border)
			}
		}
	}
	if !dark(qr.QuietZone, qr.QuietZone) {
		t.Error("the quiet zone is wider than four modules")
	}
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// The SVG draws the same modules as the PNG, and says what it is.
func TestSVG(t *testing.T) {
	payload := stallCode(t)
	raw, err := qr.SVG(payload, qr.ImageOptions{Title: `Trả "phí" <chợ> & vé`})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		ViewBox string   `xml:"viewBox,attr"`
		Role    string   `xml:"role,attr"`
		Title   string   `xml:"title"`
		Paths   []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Role != "img" || doc.Title != `Trả "phí" <chợ> & vé` || len(doc.Paths) != 1 {
		t.Fatalf("role %q, title %q, %d paths", doc.Role, doc.Title, len(doc.Paths))
	}

	const scale = 4
	side, err := strconv.Atoi(doc.ViewBox[strings.LastIndexByte(doc.ViewBox, ' ')+1:])
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, m := range run.FindAllStringSubmatch(doc.Paths[0].D, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		w, _ := strconv.Atoi(m[3])
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+w)*scale; px++ {
				picture.Pix[py*picture.Stride+px] = 0
			}
		}
	}
	if rest := run.ReplaceAllString(doc.Paths[0].D, ""); rest != "" {
		t.Fatalf("the path holds more than runs: %q", rest)
	}
	if got := scan(t, picture); got != payload {
		t.Errorf("scanned %q", got)
	}
}

func TestImagesRefuse(t *testing.T) {
	for _, tc := range []struct {
		payload string
		options qr.ImageOptions
		want    qr.Code
	}{
		{"", qr.ImageOptions{}, qr.CodeImagePayload},
		{strings.Repeat("x", 3000), qr.ImageOptions{}, qr.CodeImagePayload},
		{"x", qr.ImageOptions{ModulePixels: 33}, qr.CodeImageSize},
		{"x", qr.ImageOptions{ModulePixels: -1}, qr.CodeImageSize},
		{"x", qr.ImageOptions{Level: 9}, qr.CodeImageSize},
	} {
		_, errPNG := qr.PNG(tc.payload, tc.options)
		_, errSVG := qr.SVG(tc.payload, tc.options)
		for _, err := range []error{errPNG, errSVG} {
			var refusal *qr.Refusal
			if !errors.As(err, &refusal) || refusal.Code != tc.want {
				t.Errorf("%+v: %v, want %s", tc.options, err, tc.want)
			}
		}
	}
}

func TestBanks(t *testing.T) {
	list := qr.Banks()
	if len(list) < 70 {
		t.Fatalf("%d banks", len(list))
	}
	for i, b := range list {
		if len(b.BIN) != 6 || strings.Trim(b.BIN, "0123456789") != "" || b.ShortName == "" || b.Code == "" || b.NameVI == "" {
			t.Errorf("incomplete: %+v", b)
		}
		if b.SWIFT != "" && len(b.SWIFT) != 8 && len(b.SWIFT) != 11 {
			t.Errorf("%s: SWIFT %q", b.ShortName, b.SWIFT)
		}
		if i > 0 && list[i-1].BIN >= b.BIN {
			t.Errorf("%s is out of order or there twice", b.BIN)
		}
		if same, ok := qr.BankByBIN(b.BIN); !ok || same != b {
			t.Errorf("BankByBIN(%s) = %+v, %t", b.BIN, same, ok)
		}
	}
	if b, _ := qr.BankByBIN("970436"); b.Code != "VCB" || b.SWIFT != "BFTVVNVX" {
		t.Errorf("970436 is %+v", b)
	}
	if _, ok := qr.BankByBIN(""); ok {
		t.Error("a bank without BIN")
	}
}

func TestReadBanks(t *testing.T) {
	const header = "bin,short_name,code,swift,name_vi\n"
	list, err := qr.ReadBanks(strings.NewReader("\ufeff" + header + "999001,Mới,MOI,,Ngân hàng Mới\n970436,VCB mới,VCB,BFTVVNVX,Ngân hàng\n"))
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	before := qr.Banks()
	qr.UseBanks(list)
	t.Cleanup(func() { qr.UseBanks(before) })
	if b, ok := qr.BankByBIN("999001"); !ok || b.ShortName != "Mới" || len(qr.Banks()) != len(before)+1 {
		t.Errorf("%+v, %d banks", b, len(qr.Banks()))
	}
	if b, _ := qr.BankByBIN("970436"); b.ShortName != "VCB mới" {
		t.Errorf("%+v", b)
	}
	if !slices.IsSortedFunc(qr.Banks(), func(a, b qr.Bank) int { return strings.Compare(a.BIN, b.BIN) }) {
		t.Error("out of order")
	}
	for text, want := range map[string]string{
		"":                        "line 1",
		"bin,name\n":              "line 1",
		header + "97043,a,a,,a\n": "line 2: expected a BIN",
		header + "970436,a,a,,a\n970436,b,b,,b\n": "line 3: the BIN 970436 is there twice",
		header + "970436,,a,,a\n":                 "line 2: expected a short_name",
		header + "970436,a,a,X,a\n":               "line 2: expected a SWIFT",
		header + "970436,a,a\n":                   "line 2",
		header + "970436,a,a,,\"b\nc\"\n":         "line 2: expected a name_vi",
	} {
		if _, err := qr.ReadBanks(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzReadBanks(f *testing.F) {
	f.Add("bin,short_name,code,swift,name_vi\n970436,Vietcombank,VCB,BFTVVNVX,Ngân hàng\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := qr.ReadBanks(strings.NewReader(text))
		if err != nil && list != nil {
			t.Error("a list and an error")
		}
		for _, b := range list {
			if len(b.BIN) != 6 || b.ShortName == "" || b.NameVI == "" {
				t.Errorf("took %+v", b)
			}
		}
	})
}

package qr

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"
)

// Level is how much of a picture may be lost before it cannot be read any more
// (ISO/IEC 18004: about 7, 15, 25 and 30 percent).
type Level int

// The levels. Q is the default: stall cards hang for months under a lamination
// that gets scuffed, and a payment payload is short enough that Q costs only
// slightly smaller modules. M suits a screen, L a long receipt.
const (
	LevelQ Level = iota
	LevelL
	LevelM
	LevelH
)

var recovery = map[Level]qrcode.RecoveryLevel{
	LevelL: qrcode.Low, LevelM: qrcode.Medium, LevelQ: qrcode.High, LevelH: qrcode.Highest,
}

// QuietZone is the width of the blank border in modules (ISO/IEC 18004 asks for
// four). It is part of every picture, so that no layout can take it away.
const QuietZone = 4

// ImageOptions say how a payload is drawn. The zero value is good for print.
type ImageOptions struct {
	Level Level
	// ModulePixels is the width of one module of a PNG, 1–32; 0 means 8.
	ModulePixels int
	// Title is what a screen reader says of an SVG, in place of the picture; empty
	// means "VietQR".
	Title string
}

const (
	defaultModulePixels = 8
	maxModulePixels     = 32 // the largest QR code, 177 modules, then takes 35 MB while drawn
)

// PNG draws payload as a black and white PNG of one bit per pixel, quiet zone
// included. The same arguments give the same bytes. Any text that fits is drawn:
// receipts are no VietQR.
//
// The error is a *Refusal with CodeImageSize or CodeImagePayload.
func PNG(payload string, options ImageOptions) ([]byte, error) {
	modules, err := draw(payload, options)
	if err != nil {
		return nil, err
	}
	scale := options.ModulePixels
	if scale == 0 {
		scale = defaultModulePixels
	}
	side := len(modules) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		row := picture.Pix[y*picture.Stride:]
		for x, dark := range modules[y/scale] {
			if dark {
				for i := range scale {
					row[x*scale+i] = 1
				}
			}
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, picture); err != nil {
		return nil, refuse("image", CodeInternal) // a buffer does not fail to take bytes
	}
	return out.Bytes(), nil
}

// SVG draws payload as an SVG whose user unit is one module: a white ground and a
// single path of black runs, to be scaled by whoever places it. It carries no
// script, style or reference and may be put into a page as it is. To assistive
// technology it is one image called by its title.
//
// The same arguments give the same bytes; the error is as for PNG.
func SVG(payload string, options ImageOptions) ([]byte, error) {
	modules, err := draw(payload, options)
	if err != nil {
		return nil, err
	}
	title := options.Title
	if title == "" {
		title = "VietQR"
	}
	side := strconv.Itoa(len(modules))
	var out bytes.Buffer
	out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + ` ` + side +
		`" role="img" shape-rendering="crispEdges"><title>`)
	// Escapes what XML reserves and replaces what it cannot carry at all.
	if err := xml.EscapeText(&out, []byte(title)); err != nil {
		return nil, refuse("image", CodeInternal) // a buffer does not fail to take bytes
	}
	out.WriteString(`</title><rect width="` + side + `" height="` + side + `" fill="#fff"/><path fill="#000" d="`)
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			run := 1
			for x+run < len(row) && row[x+run] {
				run++
			}
			// One rectangle per run of black modules: no seams between neighbours when a
			// renderer smooths edges, and a quarter of the size.
			w := strconv.Itoa(run)
			out.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h" + w + "v1h-" + w + "z")
			x += run
		}
	}
	out.WriteString(`"/></svg>`)
	return out.Bytes(), nil
}

// draw is Modules with the options checked.
func draw(payload string, options ImageOptions) ([][]bool, error) {
	if options.ModulePixels < 0 || options.ModulePixels > maxModulePixels {
		return nil, refuse("image", CodeImageSize)
	}
	return Modules(payload, options.Level)
}

// Modules returns the picture of a text row by row, true for black, with the
// quiet zone around it, for whoever draws it on paper. The error is as for PNG.
func Modules(payload string, level Level) ([][]bool, error) {
	recovery, known := recovery[level]
	if !known {
		return nil, refuse("image", CodeImageSize)
	}
	if strings.TrimSpace(payload) == "" {
		return nil, refuse("image", CodeImagePayload)
	}
	code, err := qrcode.New(payload, recovery)
	if err != nil {
		return nil, refuse("image", CodeImagePayload) // its error text would repeat the payload's length alone
	}
	code.DisableBorder = true // the quiet zone is drawn here, where its width is ours to promise
	inner := code.Bitmap()
	side := len(inner) + 2*QuietZone
	modules := make([][]bool, side)
	for y := range modules {
		modules[y] = make([]bool, side)
		if y >= QuietZone && y < side-QuietZone {
			copy(modules[y][QuietZone:], inner[y-QuietZone])
		}
	}
	return modules, nil
}

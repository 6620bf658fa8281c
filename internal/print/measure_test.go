package print

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"socho/qr"
	"socho/qr/scan"
)

// stalls makes n cards of one market, each with a code of its own.
func stalls(t testing.TB, n int) []Card {
	t.Helper()
	cards := make([]Card, n)
	for i := range cards {
		stall := fmt.Sprintf("%c%02d", 'A'+i/100%26, i%100)
		serial := "HCDVFFMT-" + stall + "-1"
		payload, err := qr.Encode(qr.Request{BIN: "970436", Account: "0011000000001", Purpose: "SAP " + stall, Terminal: serial})
		if err != nil {
			t.Fatal(err)
		}
		cards[i] = Card{Payload: payload, Stall: stall, Market: "Chợ Đồng Văn", Receiver: "Ban quản lý chợ Đồng Văn", Serial: serial,
			Link: qr.CardLink{Serial: serial, Salt: make([]byte, qr.SaltBytes), Signature: make([]byte, qr.SignatureBytes)}.Text("https://cho.example")}
	}
	return cards
}

// codes is how many codes are measured: SOCHO_QR_CODES=1000 is the measurement,
// 25 what every run of the tests can afford.
func codes(t testing.TB) int {
	text := os.Getenv("SOCHO_QR_CODES")
	if text == "" {
		return 25
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatal("SOCHO_QR_CODES is no number of codes")
	}
	return n
}

// program finds a program that the machine may lack.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("skipped: %s is not installed here (apt install poppler-utils zbar-tools)", name)
	}
	return path
}

// rasterised returns the pages of a document as a printer of 150 dots an inch
// sees them.
func rasterised(t testing.TB, document []byte) []image.Image {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.pdf")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program(t, "pdftoppm"), "-r", "150", "-gray", "-png", file, filepath.Join(dir, "p")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "p-*.png"))
	pages := make([]image.Image, len(names))
	for i, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if pages[i], err = png.Decode(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		os.Remove(name)
	}
	return pages
}

// zbar reads pictures with the other reader, in one call.
func zbar(t testing.TB, pictures []image.Image) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--quiet", "--xml", "-Sdisable", "-Sqrcode.enable"}
	for i, picture := range pictures {
		file := filepath.Join(dir, strconv.Itoa(i)+".png")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, picture); err != nil {
			t.Fatal(err)
		}
		f.Close()
		args = append(args, file)
	}
	out, err := exec.Command(program(t, "zbarimg"), args...).Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 4) { // 4: some picture holds none
		t.Fatal(err)
	}
	var answer struct {
		Sources []struct {
			Name  string `xml:"href,attr"`
			Index []struct {
				Symbols []struct {
					Data string `xml:"data"`
				} `xml:"symbol"`
			} `xml:"index"`
		} `xml:"source"`
	}
	if err := xml.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %.300s", err, out)
	}
	texts := make([]string, len(pictures))
	for _, s := range answer.Sources {
		i, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(s.Name), ".png"))
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range s.Index {
			for _, symbol := range index.Symbols {
				if texts[i] == "" || !strings.Contains(symbol.Data, "/C/") { // the small code beside it is another matter
					texts[i] = symbol.Data
				}
			}
		}
	}
	return texts
}

func gozxing(pictures []image.Image) []string {
	texts := make([]string, len(pictures))
	for i, picture := range pictures {
		for _, text := range scan.Picture(picture) {
			if texts[i] == "" || !strings.Contains(text, "/C/") {
				texts[i] = text
			}
		}
	}
	return texts
}

// svgRun is one rectangle of our SVG.
var svgRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)

// forms draws a card in every form that leaves the house.
func forms(t testing.TB, cards []Card) map[string][]image.Image {
	t.Helper()
	all := map[string][]image.Image{}
	for _, c := range cards {
		raw, err := qr.PNG(c.Payload, qr.ImageOptions{ModulePixels: 6})
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		all["PNG"] = append(all["PNG"], picture)

		svg, err := qr.SVG(c.Payload, qr.ImageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var side int
		fmt.Sscanf(string(svg[bytes.Index(svg, []byte(`viewBox="0 0 `))+len(`viewBox="0 0 `):]), "%d", &side) //nolint:errcheck // 0 shows
		const scale = 5
		painted := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
		draw.Draw(painted, painted.Rect, image.White, image.Point{}, draw.Src)
		for _, m := range svgRun.FindAllSubmatch(svg, -1) {
			x, _ := strconv.Atoi(string(m[1]))
			y, _ := strconv.Atoi(string(m[2]))
			w, _ := strconv.Atoi(string(m[3]))
			draw.Draw(painted, image.Rect(x*scale, y*scale, (x+w)*scale, (y+1)*scale), image.Black, image.Point{}, draw.Src)
		}
		all["SVG"] = append(all["SVG"], painted)
	}
	document, err := Cards(cards, Options{})
	if err != nil {
		t.Fatal(err)
	}
	all["PDF"] = rasterised(t, document)
	return all
}

// harm is what months at a stall do to a card. Counts are to 100 cm².
type harm struct {
	scratches float64 // 1 to 3 cm long, 0.3 mm wide, worn white or dirty
	blobs     float64 // 0.6 to 2 mm across
	degrees   float64 // held askew by at most this
	blur      float64 // standard deviation in mm
}

// worn scuffs, turns and blurs a picture of a card. width is what the picture
// shows, in mm.
func worn(picture image.Image, width float64, h harm, r *rand.Rand) image.Image {
	b := picture.Bounds()
	scale := float64(b.Dx()) / width // pixels a mm
	canvas := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(canvas, canvas.Rect, picture, b.Min, draw.Src)
	w, ht := float64(b.Dx()), float64(b.Dy())
	shade := func() color.Gray {
		if r.IntN(3) > 0 {
			return color.Gray{uint8(205 + r.IntN(50))} // worn
		}
		return color.Gray{uint8(r.IntN(90))} // dirt
	}
	area := w * ht / (scale * scale) / 1e4
	count := func(to100cm2 float64) int { return int(to100cm2*area + r.Float64()) }
	for range count(h.scratches) {
		x, y, length, angle, c := r.Float64()*w, r.Float64()*ht, (10+20*r.Float64())*scale, r.Float64()*2*math.Pi, shade()
		sin, cos := math.Sincos(angle)
		reach := int(length/2 + scale)
		for py := max(0, int(y)-reach); py <= min(canvas.Rect.Max.Y-1, int(y)+reach); py++ {
			for px := max(0, int(x)-reach); px <= min(canvas.Rect.Max.X-1, int(x)+reach); px++ {
				dx, dy := float64(px)-x, float64(py)-y
				if math.Abs(dx*sin-dy*cos) <= 0.15*scale && math.Abs(dx*cos+dy*sin) <= length/2 {
					canvas.SetGray(px, py, c)
				}
			}
		}
	}
	for range count(h.blobs) {
		cx, cy, radius, c := r.Float64()*w, r.Float64()*ht, (0.3+0.7*r.Float64())*scale, shade()
		for y := max(0, int(cy-radius)); y <= min(canvas.Rect.Max.Y-1, int(cy+radius)); y++ {
			for x := max(0, int(cx-radius)); x <= min(canvas.Rect.Max.X-1, int(cx+radius)); x++ {
				if math.Hypot(float64(x)-cx, float64(y)-cy) < radius {
					canvas.SetGray(x, y, c)
				}
			}
		}
	}
	turned := image.NewGray(canvas.Rect)
	draw.Draw(turned, turned.Rect, image.White, image.Point{}, draw.Src)
	sin, cos := math.Sincos((r.Float64()*2 - 1) * h.degrees * math.Pi / 180)
	draw.BiLinear.Transform(turned, f64.Aff3{cos, -sin, w/2 - cos*w/2 + sin*ht/2, sin, cos, ht/2 - sin*w/2 - cos*ht/2}, canvas, canvas.Rect, draw.Src, nil)
	return blurred(turned, h.blur*scale)
}

// blurred is a Gaussian in two passes.
func blurred(picture *image.Gray, sigma float64) *image.Gray {
	reach := int(math.Ceil(3 * sigma))
	kernel, sum := make([]float64, 2*reach+1), 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-reach)*(i-reach)) / (2 * sigma * sigma))
		sum += kernel[i]
	}
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	pass := func(from *image.Gray, dx, dy int) *image.Gray {
		to := image.NewGray(from.Rect)
		for y := range h {
			for x := range w {
				v := 0.0
				for i, k := range kernel {
					px, py := min(max(x+(i-reach)*dx, 0), w-1), min(max(y+(i-reach)*dy, 0), h-1)
					v += k * float64(from.Pix[py*from.Stride+px])
				}
				to.Pix[y*to.Stride+x] = uint8(v/sum + 0.5)
			}
		}
		return to
	}
	return pass(pass(picture, 1, 0), 0, 1)
}

// everyday is the wear that codes have to stand: eight scratches and a dozen
// blobs on a card, a third of them on its code.
var everyday = harm{scratches: 5, blobs: 8, degrees: 6, blur: 0.25}

// TestReadsWhenScuffed: two readers that share nothing read every clean code,
// and of the scuffed ones at least 99 in a hundred, in each form.
func TestReadsWhenScuffed(t *testing.T) {
	program(t, "pdftoppm")
	program(t, "zbarimg")
	n := codes(t)
	cards := stalls(t, n)
	const batch = 50
	clean, scuffed := map[string]int{}, map[string]int{}
	for from := 0; from < n; from += batch {
		some := cards[from:min(from+batch, n)]
		for form, pictures := range forms(t, some) {
			width := float64(cardWidth) // what a picture shows
			if form != "PDF" {
				width = cardCode
			}
			r := rand.New(rand.NewPCG(uint64(from), uint64(len(form))))
			harmed := make([]image.Image, len(pictures))
			for i, picture := range pictures {
				harmed[i] = worn(picture, width, everyday, r)
			}
			for reader, read := range map[string]func([]image.Image) []string{
				"zbarimg": func(p []image.Image) []string { return zbar(t, p) }, "gozxing": gozxing,
			} {
				for i, text := range read(pictures) {
					if text == some[i].Payload {
						clean[form+" "+reader]++
					}
				}
				for i, text := range read(harmed) {
					switch text {
					case some[i].Payload:
						scuffed[form+" "+reader]++
					case "":
					default:
						t.Errorf("%s, %s: a scuffed code of stall %s reads as another text", form, reader, some[i].Stall)
					}
				}
			}
		}
	}
	for _, form := range []string{"PNG", "SVG", "PDF"} {
		for _, reader := range []string{"zbarimg", "gozxing"} {
			key := form + " " + reader
			t.Logf("%s: %d of %d clean, %d of %d scuffed", key, clean[key], n, scuffed[key], n)
			if clean[key] != n || (n-scuffed[key])*100 > max(n, 100) { // of few codes one may fail
				t.Errorf("%s: too few", key)
			}
		}
	}
}

// TestMarketOf1000 prints a whole market, and says what that costs.
func TestMarketOf1000(t *testing.T) {
	n := 100
	if os.Getenv("SOCHO_QR_CODES") != "" {
		n = codes(t)
	}
	cards := stalls(t, n)
	for name, layout := range map[string]Layout{"cards": OneOnA6, "sheets": FourOnA4} {
		began := time.Now()
		document, err := Cards(cards, Options{Layout: layout})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s for %d stalls: %.1f s, %.2f MB", name, n, time.Since(began).Seconds(), float64(len(document))/1e6)
		if perCard := (len(document) - 100_000) / n; perCard > 6000 {
			t.Errorf("%d bytes a card", perCard)
		}
	}
}

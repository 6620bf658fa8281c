package web

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"socho/events"
	"socho/internal/identity"
	"socho/qr"
)

// film writes what a camera sees: each text's code for some seconds, on a grey
// wall, over and over.
func film(t *testing.T, texts ...string) string {
	t.Helper()
	const width, height, frames = 640, 480, 25 // at 10 a second
	name := filepath.Join(t.TempDir(), "camera.y4m")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	fmt.Fprintf(out, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", width, height)
	grey := bytes.Repeat([]byte{128}, width*height/2) // no colour
	for _, text := range texts {
		raw, err := qr.PNG(text, qr.ImageOptions{ModulePixels: 7, Level: qr.LevelM})
		if err != nil {
			t.Fatal(err)
		}
		code, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		wall := image.NewGray(image.Rect(0, 0, width, height))
		draw.Draw(wall, wall.Rect, image.NewUniform(color.Gray{170}), image.Point{}, draw.Src)
		draw.Draw(wall, code.Bounds().Add(image.Pt((width-code.Bounds().Dx())/2, (height-code.Bounds().Dy())/2)), code, image.Point{}, draw.Src)
		for range frames {
			out.WriteString("FRAME\n") //nolint:errcheck // Flush says
			out.Write(wall.Pix)        //nolint:errcheck // likewise
			out.Write(grey)            //nolint:errcheck // likewise
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return name
}

// camera are the switches that show a film to whoever asks for a camera.
func camera(film string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film),
	}
}

// until waits for an expression to say what is wanted.
func until(t *testing.T, b *browser, expression, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = evaluate[string](t, b, expression); got == want {
			return
		}
	}
	t.Fatalf("%s: %q, want %q; the page says %q", expression, got, want, evaluate[string](t, b, `document.querySelector("main").innerText.slice(0, 900)`))
}

func results(drafts []events.Draft) string {
	var all []string
	for _, d := range drafts {
		if i, ok := d.Fact.(*events.CardInspected); ok {
			all = append(all, string(i.Stall)+" "+string(i.Card)+" "+string(i.Result)+" "+string(i.Person))
		}
	}
	return strings.Join(all, "\n")
}

// A camera is shown the right card, one that pays elsewhere, and one that was
// revoked: three right answers, three inspections on the log. Then the same with
// the network off, and on again.
func TestInspectInBrowser(t *testing.T) {
	f, h := newFake(), newHung(t)
	book := &book{recorder: new(recorder), f: f, taken: map[events.EventID]string{}}
	house := openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Recorder, from.Cards = book, h.sources(f)
	})
	b := openBrowser(t, house.URL, camera(film(t, coded(t, ourAccount, "CDV-A12-2"), coded(t, "0904881234", "CDV-B01-1"), coded(t, ourAccount, "CDV-A12-1")))...)
	b.device(t, 360, "light")
	b.become(t, house, identity.Collector)
	complaints, _, _ := b.open(t, "/inspect/"+market)
	for _, c := range complaints {
		t.Error(c)
	}
	until(t, b, `String(document.getElementById("inspect").hidden)`, "false")
	if width := evaluate[int](t, b, "document.documentElement.scrollWidth"); width > 360 {
		t.Errorf("%d wide on a phone", width)
	}

	// What the script says is what the server says.
	for _, c := range h.judged(t) {
		got := evaluate[string](t, b, fmt.Sprintf(`window.inspect.judge(%q, %q).then((f) => [f.result || "", f.key, f.card || "", f.stall || "", f.belongs || "", f.to ? f.to.account : ""].join("|"))`, c.text, c.stall), chromedp.EvalAwaitPromise)
		if want := strings.Join([]string{c.want.Result, c.want.Key, c.want.Card, c.want.Stall, c.want.Belongs, c.want.Account}, "|"); got != want {
			t.Errorf("%s: the script says %s, the server %s", c.name, got, want)
		}
	}

	round := func(answers map[string]string) {
		t.Helper()
		if err := chromedp.Do(b, chromedp.Click(chromedp.CSS("button[data-begin]"))); err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for end := time.Now().Add(60 * time.Second); len(seen) < 3 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			said := evaluate[string](t, b, `(() => { const s = document.querySelector("#inspect [role=status]"); return s.dataset.result ? s.dataset.result + "|" + s.textContent : ""; })()`)
			if result, text, ok := strings.Cut(said, "|"); ok {
				seen[result] = text
			}
		}
		for result, text := range answers {
			if !strings.Contains(seen[result], text) {
				t.Errorf("%s: the page says %q, want %q", result, seen[result], text)
			}
		}
		if err := chromedp.Do(b, chromedp.Click(chromedp.CSS("button[data-begin]"))); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]string{"right": "Quầy A12: đúng mã", "other_account": "Quầy B01: mã của tài khoản khác", "revoked": "Quầy A12: thẻ đã thu hồi"}
	all := []string{"A12 CDV-A12-1 revoked ", "A12 CDV-A12-2 right ", "B01 CDV-B01-1 other_account fa-970436-34"}
	recordedAll := func(times int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if book.count() >= 3*times {
				break
			}
		}
		got := results(book.all())
		for _, want := range all {
			if n := strings.Count(got+"\n", want+"\n"); n != times {
				t.Errorf("%q is recorded %d times, want %d:\n%s", want, n, times, got)
			}
		}
	}
	round(answers)
	recordedAll(1)

	// Without network, from the page as it is.
	b.open(t, "/inspect/"+market)
	until(t, b, `String(document.getElementById("inspect").hidden)`, "false")
	evaluate[chromedp.Void](t, b, `cards.prepare()`, chromedp.EvalAwaitPromise)
	offline := func(off bool) {
		t.Helper()
		if _, err := chromedp.Call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}}); err != nil {
			t.Fatal(err)
		}
	}
	offline(true)
	round(answers)
	if n := book.count(); n != 3 {
		t.Errorf("%d inspections reached the server without network", n)
	}
	offline(false)
	evaluate[chromedp.Void](t, b, `window.offline.send()`, chromedp.EvalAwaitPromise)
	recordedAll(2)
}

// Anybody's phone holds a card's two codes against each other, without telling
// anybody.
func TestCardCheckInBrowser(t *testing.T) {
	f, h := newFake(), newHung(t)
	house := openHouse(t, demoPeople, func(from *Sources, _ string) { from.Cards = h.sources(f) })
	for result, payload := range map[string]string{"right": coded(t, ourAccount, "CDV-A12-2"), "other": coded(t, "0904881234", "CDV-A12-2")} {
		b := openBrowser(t, house.URL, camera(film(t, payload))...)
		b.device(t, 360, "light")
		complaints, _, _ := b.open(t, strings.TrimPrefix(h.link("CDV-A12-2", "https://cho.example"), "HTTPS://CHO.EXAMPLE"))
		for _, c := range complaints {
			t.Error(c)
		}
		until(t, b, `String(document.getElementById("cardcheck").hidden)`, "false")
		if err := chromedp.Do(b, chromedp.Click(chromedp.CSS("button[data-begin]"))); err != nil {
			t.Fatal(err)
		}
		until(t, b, `document.querySelector("#cardcheck [role=status]").dataset.result || ""`, result)
		tail := evaluate[string](t, b, `document.querySelector("b[data-account]").textContent`)
		if right := result == "right"; right != strings.Contains(tail, "0001") {
			t.Errorf("%s: the account is %q", result, tail)
		}
	}
}

package web

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"socho/internal/identity"
	"socho/internal/identity/oidc"
)

// axeVersion is the release of axe-core that pages are held to.
const axeVersion = "4.10.3"

// firstPageBytes is what the first page may take on the way, with all that
// belongs to it: 2G brings it within half a minute.
const firstPageBytes = 60_000

// browser is one tab of a Chromium, and what it has to complain about.
type browser struct {
	context.Context
	base       string
	mu         sync.Mutex
	complaints []string
	requests   int
	bytes      int64
}

// openBrowser starts a Chromium on the pages; without one the test is skipped.
func openBrowser(t *testing.T, base string, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	if os.Getenv("SOCHO_TEST_BROWSER") == "" {
		t.Skip("the pages are looked at in a browser by make test-browser")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed: the pages are not looked at in a browser")
	}
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true)}, more...)...))
	t.Cleanup(cancel)
	b := &browser{Context: ctx, base: base}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	_, err1 := chromedp.Call(ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	b.device(t, 1280, "light")
	if err1 != nil {
		t.Fatal(err1)
	}
	return b
}

// hear notes what the browser says while a page loads.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, "the console was written to")
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
	case *network.EventLoadingFinished:
		b.requests++
		b.bytes += int64(e.EncodedDataLength)
	}
}

// device makes the browser a phone or a desk, in light or dark.
func (b *browser) device(t *testing.T, width int64, scheme string) {
	t.Helper()
	_, err1 := chromedp.Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 600})
	_, err2 := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
}

// open loads a page and returns what the browser complained about meanwhile.
func (b *browser) open(t *testing.T, address string) (complaints []string, requests int, bytes int64) {
	t.Helper()
	b.mu.Lock()
	b.complaints, b.requests, b.bytes = nil, 0, 0
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(b, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(b.base+address)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complaints, b.requests, b.bytes
}

func evaluate[T any](t *testing.T, b *browser, expression string, options ...chromedp.EvaluateOption) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// everyPage lists one address of every page, by the role that opens it; empty
// for a visitor.
func everyPage() map[identity.Role][]string {
	all := map[identity.Role][]string{
		"":                      {"/", "/figures?domain=benefits&by=persons", "/sign-in", "/sign-in/code", "/card", "/welcome?link=used", "/nothing", "/design"},
		identity.Trader:         {"/work", "/me", "/me/pin", "/stalls/" + market + "/A12", "/markets"},
		identity.MarketManager:  {"/work", "/me", "/me/password", "/markets/" + market, "/find/" + market, "/stalls/" + market + "/A12"},
		identity.Approver:       {"/work", "/funds/" + fund},
		identity.Administrator:  {"/work", "/people", "/people/new", "/organizations", "/cards/" + market, "/tokens", "/tokens/new", "/connections", "/trail", "/me/second-factor", "/step-up"},
		identity.Auditor:        {"/health", "/verify", "/trail"},
		identity.FinanceOfficer: {"/work"},
	}
	for _, p := range pages {
		if p.address != "/" {
			all[identity.Auditor] = append(all[identity.Auditor], p.address)
		}
	}
	return all
}

// expected are complaints that a page makes for good reason: browsers note
// every answer that is an error.
var expected = map[string]string{"/nothing": "404", "/welcome?link=used": "404", "/markets": "403"}

func withQuery(address, more string) string {
	if strings.Contains(address, "?") {
		return address + "&" + more
	}
	return address + "?" + more
}

// TestBrowser looks at every page in a browser: no complaints, nothing wider
// than a phone, another language on request, no barrier that axe can see; and
// lists how heavy each is.
func TestBrowser(t *testing.T) {
	h := openHouse(t, demoPeople, func(from *Sources, _ string) {
		from.Provider = &Provider{oidc.New(oidc.Config{Issuer: "https://id.example"}), "Cổng cán bộ"}
	})
	b := openBrowser(t, h.URL)
	axe, err := axeScript(t.Context())
	if err != nil {
		t.Log("axe-core is not at hand, so pages are not searched for barriers:", err)
	}
	every := everyPage()
	for _, role := range slices.Sorted(maps.Keys(every)) {
		b.become(t, h, role)
		for _, address := range every[role] {
			t.Run(cmp.Or(string(role), "visitor")+address, func(t *testing.T) { b.examine(t, address, axe) })
		}
	}
	// The switch in the frame leads to the same page in the other language.
	b.open(t, "/refusals?lang=vi")
	if err := chromedp.Do(b, chromedp.Click(chromedp.CSS("a.switch")), chromedp.WaitReady(chromedp.CSS("html[lang=en]"))); err != nil {
		t.Error(err)
	}
}

// become signs the browser in as the demonstration's person of a role.
func (b *browser) become(t *testing.T, h *house, role identity.Role) {
	t.Helper()
	if role == "" {
		return // comes first
	}
	v := h.visitor(t)
	v.post("/demo", "role", string(role)).sees(200, "/work")
	b.carry(t, v)
}

// carry has the browser be whom somebody has signed in as.
func (b *browser) carry(t *testing.T, v *visitor) {
	t.Helper()
	at, err := url.Parse(v.h.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Jar.Cookies(at) {
		if _, err := chromedp.Call(b, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: v.h.URL}); err != nil {
			t.Fatal(err)
		}
	}
}

// examine looks at one page at a desk in light, and on a phone in dark.
func (b *browser) examine(t *testing.T, address, axe string) {
	b.device(t, 1280, "light")
	complaints, requests, bytes := b.open(t, withQuery(address, "lang=vi"))
	for _, complaint := range complaints {
		if status := expected[address]; status == "" || !strings.Contains(complaint, status) {
			t.Error(complaint)
		}
	}
	t.Logf("%7d bytes in %d requests", bytes, requests)
	if address == "/" && bytes > firstPageBytes {
		t.Errorf("the first page takes %d bytes on the way, more than %d", bytes, firstPageBytes)
	}
	barriers(t, b, axe, "at a desk, light")
	b.device(t, 360, "dark")
	b.open(t, withQuery(address, "lang=en"))
	if lang := evaluate[string](t, b, "document.documentElement.lang"); lang != "en" {
		t.Errorf("asked for en, got %s", lang)
	}
	if width := evaluate[int](t, b, "document.documentElement.scrollWidth"); width > 360 {
		t.Errorf("%d wide on a phone: %s", width, evaluate[string](t, b, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 361).slice(0, 4).map(e => e.outerHTML.slice(0, 120)).join("\n")`))
	}
	if small := evaluate[string](t, b, `[...document.querySelectorAll("button, select, input:not([type=hidden], [type=checkbox], [type=radio]), .tabs a, .prefer a")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.9).map(e => e.outerHTML.slice(0, 100)).join("\n")`); small != "" {
		t.Errorf("too small for a thumb: %s", small)
	}
	barriers(t, b, axe, "on a phone, dark")
}

// barriers runs axe on the page that is open.
func barriers(t *testing.T, b *browser, axe, where string) {
	t.Helper()
	if axe == "" {
		return
	}
	evaluate[chromedp.Void](t, b, axe)
	found := evaluate[string](t, b, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + n.html.slice(0, 150))}))))`, chromedp.EvalAwaitPromise)
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("%s: %s: %s\n\t%s", where, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// axeScript fetches axe-core once, into the user's cache.
func axeScript(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "socho-tests")
	archive := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(archive); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if said, err := exec.CommandContext(ctx, npm, "pack", "--pack-destination", dir, "axe-core@"+axeVersion).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %.300s", err, said)
		}
	}
	f, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err != nil {
			return "", err
		}
		if h.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
}

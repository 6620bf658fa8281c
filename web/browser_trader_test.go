package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	screen "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"socho/internal/identity"
)

// TestBrowserTrader looks at each of a trader's own pages, as TestBrowser does at
// all others.
func TestBrowserTrader(t *testing.T) {
	t.Parallel()
	h, c := openStall(t)
	b := openBrowser(t, h.URL)
	axe, err := axeScript(t.Context())
	if err != nil {
		t.Log("axe-core is not at hand, so pages are not searched for barriers:", err)
	}
	for i := range int64(5) {
		c.sell(sold("p1", "A12", 41_000+i*1_234_567, today()))
	}
	b.becomeTrader(t, h)
	for _, path := range []string{"", "/code", "/bills/b-2609/code", "/takings", "/cash", "/book", "/book?method=income", "/receipts", "/receipts/b-2608/1/5", "/account", "/account/connect"} {
		t.Run(path, func(t *testing.T) {
			b.examine(t, ownPages+path, axe)
			b.picture(t, ownPages+path)
		})
	}
}

// picture keeps how a page looks on a phone and at a desk in the folder that
// SOCHO_LOOK names, for somebody to look at.
func (b *browser) picture(t *testing.T, address string) {
	t.Helper()
	folder := os.Getenv("SOCHO_LOOK")
	if folder == "" {
		return
	}
	for _, width := range []int64{360, 1280} {
		b.device(t, width, "light")
		b.open(t, withQuery(address, "lang=vi"))
		whole := true
		shot, err := chromedp.Call(b, screen.CaptureScreenshot, screen.CaptureScreenshotParams{CaptureBeyondViewport: &whole})
		if err != nil {
			t.Fatal(err)
		}
		name := strings.NewReplacer("/", "_", "?", "_").Replace(strings.TrimPrefix(address, ownPages))
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("trader%s-%d.png", name, width)), shot.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// becomeTrader signs the browser in by the demonstration's card.
func (b *browser) becomeTrader(t *testing.T, h *house) {
	t.Helper()
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Trader)).sees(200, ownPages)
	for _, c := range v.cookies(t) {
		if _, err := chromedp.Call(b, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: h.URL}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrowserTakings: a hundred payments a minute on a cheap phone over a slow
// network, which is cut twice on the way: each is shown, once, the newest on top, and
// the sum is right.
func TestBrowserTakings(t *testing.T) {
	t.Parallel()
	h, c := openStall(t)
	b := openBrowser(t, h.URL)
	b.device(t, 360, "light")
	b.becomeTrader(t, h)
	// About 3G: 400 ms there and back, 400 kbit/s; a processor six times slower.
	_, err1 := chromedp.Call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
		{Latency: 400, DownloadThroughput: 50_000, UploadThroughput: 50_000}}})
	_, err2 := chromedp.Call(b, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 6})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	c.sell(sold("p1", "A12", 1_000, today()))
	if complaints, _, _ := b.open(t, ownPages+"/takings?lang=vi"); len(complaints) > 0 {
		t.Error(complaints)
	}
	evaluate[chromedp.Void](t, b, `window.seen = {}; new MutationObserver((all) => { for (const m of all) for (const n of m.addedNodes) if (n.dataset) window.seen[n.dataset.id] = [(window.seen[n.dataset.id] || [0])[0] + 1, Date.now()]; }).observe(document.querySelector("[data-list]"), {childList: true});`)
	const payments, pause = 100, 600 * time.Millisecond
	sent := map[string]time.Time{}
	var order []string
	total := int64(1_000)
	cut := map[string]bool{} // told while the network was away, or shortly after
	for i := range payments {
		s := sold("p1", "A12", int64(1_000*(i+1)), today())
		total += s.Amount
		sent[s.EventID], order = time.Now(), append(order, s.EventID)
		if i%40 == 20 {
			h.CloseClientConnections()
		}
		cut[s.EventID] = i%40 >= 20 && i%40 < 30
		c.sell(s)
		time.Sleep(pause)
	}
	time.Sleep(6 * time.Second) // the last cut is mended by then
	var seen map[string][2]int64
	if err := json.Unmarshal([]byte(evaluate[string](t, b, `JSON.stringify(window.seen)`)), &seen); err != nil {
		t.Fatal(err)
	}
	var late []time.Duration
	for _, id := range order {
		one, ok := seen[id]
		if !ok || one[0] != 1 {
			t.Fatalf("payment %d was shown %d times", slices.Index(order, id), one[0])
		}
		if !cut[id] {
			late = append(late, time.UnixMilli(one[1]).Sub(sent[id]))
		}
	}
	slices.Sort(late)
	t.Logf("%d payments in %s; from the sale to the screen %s (median), %s (the slowest), but for those told while the network was cut", payments, payments*pause, late[len(late)/2], late[len(late)-1])
	if late[len(late)-1] > 5*time.Second {
		t.Errorf("the slowest took %s", late[len(late)-1])
	}
	rows := evaluate[[]string](t, b, `[...document.querySelectorAll("[data-list] li")].map((e) => e.dataset.id)`)
	slices.Reverse(order)
	if !slices.Equal(rows[:len(order)], order) || len(rows) != payments+1 {
		t.Errorf("%d rows, or not the newest on top", len(rows))
	}
	if sum := strings.ReplaceAll(evaluate[string](t, b, `document.querySelector("[data-sum]").textContent`), noBreak, " "); sum != "5.051.000 đ" {
		t.Errorf("the sum is %s, and %d was sold", sum, total)
	}
}

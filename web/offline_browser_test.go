package web

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"socho/events"
	"socho/internal/identity"
)

// village is a house whose network comes and goes: while it is away, connections
// end without an answer.
type village struct {
	*house
	away atomic.Bool
}

func (v *village) ServeHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !v.away.Load() {
			next.ServeHTTP(w, r)
			return
		}
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			c.Close()
		}
	})
}

// goes takes the network away, or brings it back, for pages and their worker.
func (v *village) goes(t *testing.T, b *browser, away bool) {
	t.Helper()
	v.away.Store(away)
	if _, err := chromedp.Call(b, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: away, DownloadThroughput: -1, UploadThroughput: -1}); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until an expression is true on the page.
func waitFor(t *testing.T, b *browser, what, expression string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if evaluate[bool](t, b, "!!("+expression+")") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come: %s", what, evaluate[string](t, b, "document.querySelector('main').innerText"))
		}
	}
}

// TestBrowserOffline: at a pay point without network the page opens, money is paid
// out and taken back, the till is right, and all of it reaches the ledger once the
// network is there, each fact once; what the ledger marks is shown; and nothing
// personal stays.
func TestBrowserOffline(t *testing.T) {
	t.Parallel()
	h, book, points := openPayPoint(t)
	v := &village{house: h}
	h.Config.Handler = v.ServeHTTP(h.Config.Handler)
	points.payouts = append(points.payouts, points.payouts[3])
	points.payouts[4].Payout, points.payouts[4].Person = "late", "n5"
	b := openBrowser(t, h.URL)
	b.become(t, h, identity.Clerk)
	list := atPoint + "?period=2026-09&unit=00721"
	if complaints, _, _ := b.open(t, list); len(complaints) > 0 {
		t.Error(complaints)
	}
	waitFor(t, b, "the worker", "navigator.serviceWorker.controller")
	b.open(t, list) // from now on the worker keeps it
	kept := func(what string) int {
		return evaluate[int](t, b, `caches.open("socho-kept").then(c => c.keys()).then(all => all.filter(r => r.url.includes("`+what+`")).length)`, chromedp.EvalAwaitPromise)
	}
	for deadline := time.Now().Add(10 * time.Second); kept("/paypoints/") == 0 || kept("offline.js") == 0 || kept("paypoint.js") == 0 || kept("jsqr.js") == 0 || kept(".css") == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the page is not kept")
		}
	}

	v.goes(t, b, true)
	b.open(t, list)
	if text := evaluate[string](t, b, "document.querySelector('main').innerText"); !strings.Contains(text, "o4") {
		t.Fatalf("the page does not open without network: %s", text)
	}
	waitFor(t, b, "the queue", "window.offline")
	press := func(key, button string) string {
		return `document.querySelector('form[data-key="` + key + `"] ` + button + `').click()`
	}
	said := func(key string) string {
		return `document.querySelector('form[data-key="` + key + `"] [data-said]').textContent`
	}
	evaluate[chromedp.Void](t, b, "offline.ready.then(() => 1)", chromedp.EvalAwaitPromise)
	for _, key := range []string{"o4", "late", "o2"} {
		evaluate[chromedp.Void](t, b, press(key, "button:not([type])"))
		evaluate[chromedp.Void](t, b, press(key, "button:not([type])")) // a second tap
		waitFor(t, b, key, said(key)+`.includes("chưa gửi được")`)
	}
	waitFor(t, b, "the till", `document.querySelector("[data-left]").textContent.startsWith("−1.000.000")`)
	evaluate[chromedp.Void](t, b, press("o2", "[data-undo]"))
	waitFor(t, b, "o2 taken back", said("o2")+`=== "" && !document.querySelector('form[data-key="o2"] button').disabled`)
	waitFor(t, b, "what waits", `document.getElementById("offline-part").innerText.includes("Không có mạng. 4 việc")`)
	b.open(t, list) // the telephone was off in between
	waitFor(t, b, "o4 after opening again", said("o4")+`.includes("chưa gửi được")`)
	if len(book.said) != 0 {
		t.Fatalf("%d facts were said without network", len(book.said))
	}
	// Somebody else receives it: that stays on the telephone until it is sent.
	evaluate[chromedp.Void](t, b, `(() => { const f = document.querySelector('form[data-key="o2"]');
		f.querySelector('[name=receiver_name]').value = "Vàng A Pó"; f.querySelector('[name=receiver_id]').value = "002199000789"; f.querySelector('button').click(); })()`)
	waitFor(t, b, "o2 again", said("o2")+`.includes("chưa gửi được")`)

	v.goes(t, b, false)
	waitFor(t, b, "the answer", said("o4")+`.includes("Đã vào sổ")`)
	waitFor(t, b, "what is marked", `document.getElementById("offline-part").innerText.includes("có thể bị trả lần nữa")`)
	evaluate[chromedp.Void](t, b, "offline.send()", chromedp.EvalAwaitPromise)
	if len(book.said) != 5 {
		t.Fatalf("%d facts were said", len(book.said))
	}
	for i, d := range book.said {
		if d.Envelope.Device != book.said[0].Envelope.Device || d.Envelope.Device == "" || *d.Envelope.DeviceSeq != events.Count(i+1) {
			t.Errorf("%d: device %s, sequence %v", i, d.Envelope.Device, d.Envelope.DeviceSeq)
		}
	}
	if p, ok := book.said[4].Fact.(*events.PaidInCash); !ok || p.Person != "p-of-002199000789" || p.Payout != "o2" {
		t.Errorf("%+v", book.said[4].Fact)
	}
	if kept := evaluate[string](t, b, "offline.facts().then(all => JSON.stringify(all))", chromedp.EvalAwaitPromise); strings.Contains(kept, "Vàng") || strings.Contains(kept, "002199000789") {
		t.Errorf("what is personal stays on the telephone: %s", kept)
	}
	evaluate[chromedp.Void](t, b, `document.querySelector("#offline-part li button").click()`)
	waitFor(t, b, "the notice to go", `document.getElementById("offline-part").hidden`)

	// Signing out leaves no page behind.
	evaluate[chromedp.Void](t, b, `document.querySelector('form[action="/sign-out"] button').click()`)
	waitFor(t, b, "signing out", `location.pathname === "/"`)
	if left := kept("/paypoints/"); left != 0 {
		t.Errorf("%d pages stay after signing out", left)
	}
}

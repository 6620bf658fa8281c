package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"socho/internal/identity"
)

// The camera is shown the code of a line that waits here, and then one that stands
// elsewhere: the line is marked and the camera off, or its page is opened.
func TestPayPointCameraInBrowser(t *testing.T) {
	h, _, _ := openPayPoint(t)
	for code, found := range map[string]string{
		"o4": `document.querySelector("#o4[aria-current=true]") && document.activeElement.closest("#o4")`,
		"o3": `location.pathname.endsWith("/payouts/o3")`,
	} {
		b := openBrowser(t, h.URL, camera(film(t, code))...)
		b.device(t, 360, "light")
		b.become(t, h, identity.Clerk)
		complaints, _, _ := b.open(t, atPoint+"?period=2026-09&unit=00721")
		for _, c := range complaints {
			t.Error(c)
		}
		waitFor(t, b, "the camera's button", `!document.querySelector("[data-scan]").hidden`)
		if width := evaluate[int](t, b, "document.documentElement.scrollWidth"); width > 360 {
			t.Errorf("%d wide on a phone", width)
		}
		if err := chromedp.Do(b, chromedp.Click(chromedp.CSS("button[data-begin]"))); err != nil {
			t.Fatal(err)
		}
		waitFor(t, b, code, found)
		if code == "o4" {
			waitFor(t, b, "the camera's end", `document.querySelector("[data-scan] video").hidden`)
		}
	}
}

// No page may ask for the camera but those that read codes.
func TestCameraAllowed(t *testing.T) {
	h, _, _ := openPayPoint(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Clerk))
	for address, want := range map[string]string{"/": "camera=(), " + neverUsed, atPoint: "camera=(self), " + neverUsed, atPoint + "/till": "camera=(), " + neverUsed} {
		if got := v.get(address).header.Get("Permissions-Policy"); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
}

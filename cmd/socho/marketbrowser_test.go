package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestMarketInBrowser is the month of a market of 400 stalls, in which a collector and
// the board do a part of their work with a telephone, and every page is looked at.
func TestMarketInBrowser(t *testing.T) {
	if os.Getenv("SOCHO_TEST_BROWSER") == "" {
		t.Skip("400 stalls are gone through in a browser by make test-browser")
	}
	m := openMarket(t, 400)
	m.screen = openDesk(t, m.r)
	m.month()
	d := m.screen
	m.be(m.board)
	for name, address := range map[string]string{
		"run": "/office/" + marketOrg + "/run?period=" + m.period, "arrears": "/office/" + marketOrg + "/arrears", "office": "/office/" + marketOrg, "months": "/office/" + marketOrg + "/months",
		"cash": "/collect/" + marketOrg + "/cash", "tickets": "/collect/" + marketOrg + "/tickets", "refund": "/collect/" + marketOrg + "/refund", "suspense": "/desk/" + marketOrg + "/suspense",
		"desk": "/desk/" + marketOrg + "?tab=matched", "spent": "/lines/" + marketOrg + "/" + m.find("TIEN DIEN CHO").line,
	} {
		d.open(address)
		d.look("market-" + name)
	}
}

// be signs in as one of the market's people.
func (m *market) be(o *caller) {
	d := m.screen
	d.open("/")
	d.mark()
	d.run(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = "/sign-out"; document.body.append(f); f.submit(); return ""; })()`)
	d.turned()
	d.open("/sign-in")
	d.do(chromedp.SendKeys(chromedp.CSS("#f-name"), o.name), chromedp.SendKeys(chromedp.CSS("#f-password"), callerPassword))
	d.send("main form")
	d.sees("")
}

// takeOnScreen takes cash with a telephone.
func (m *market) takeOnScreen(c *caller, s *marketStall) {
	d := m.screen
	m.be(c)
	d.do(chromedp.EmulateViewport(360, 760))
	d.open("/collect/" + marketOrg)
	d.look("market-collect")
	d.do(chromedp.EmulateViewport(360, 760), chromedp.SetValue(chromedp.CSS("input[name=stall]"), s.name))
	d.send("form.filter")
	d.sees(s.name)
	form := `main form:has([value="` + s.bill.id + `"])`
	d.do(chromedp.Click(chromedp.CSS(form + " button:not([data-undo])")))
	// The page stays, and says what it has kept; the network is there, so it is sent.
	for until := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		c.get("/collect/" + marketOrg + "?stall=" + s.name)
		if c.status == http.StatusOK && !strings.Contains(c.body, s.bill.id) {
			break
		}
		if time.Now().After(until) {
			m.t.Fatalf("the cash was not sent: %s", d.text())
		}
	}
	d.look("market-taken")
}

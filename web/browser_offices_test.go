package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"socho/internal/identity"
)

// TestBrowserOffices looks at the pages of those who bill and collect, as TestBrowser
// does at the others.
func TestBrowserOffices(t *testing.T) {
	f := newFake()
	finance := newFinance(f)
	h := openHouse(t, demoPeople, withFinance(finance), func(from *Sources, _ string) {
		from.Model, from.Outcomes, from.Records, from.Recorder = f, f, f, &collected{f: f}
	})
	b, axe := lookedAt(t, h)
	for role, addresses := range map[identity.Role][]string{
		identity.Collector: {"/collect/" + market, "/collect/" + market + "?stall=a1", "/collect/" + market + "/cash", "/collect/" + market + "/tickets"},
		identity.FinanceOfficer: {"/office/" + school, "/office/" + school + "/run", "/office/" + school + "/run?period=2026-09",
			"/office/" + school + "/lists/pupils", "/office/" + school + "/lists/tariffs", "/office/" + school + "/year", "/office/" + school + "/arrears", "/office/" + school + "/links"},
		identity.MarketManager: {"/office/" + market, "/office/" + market + "/run?period=2026-09"},
	} {
		b.become(t, h, role)
		for _, address := range addresses {
			t.Run(string(role)+address, func(t *testing.T) { b.examine(t, address, axe) })
		}
	}
}

// lookedAt is a browser on the pages of a house, and what finds barriers in them.
func lookedAt(t *testing.T, h *house) (b *browser, axe string) {
	t.Helper()
	b = openBrowser(t, h.URL)
	axe, err := axeScript(t.Context())
	if err != nil {
		t.Log("axe-core is not at hand, so pages are not searched for barriers:", err)
	}
	return b, axe
}

// TestBrowserDesk looks at the desk with lines on every pile, and at the pages of a
// line that came and of one that left.
func TestBrowserDesk(t *testing.T) {
	h, s := openDesk(t)
	b, axe := lookedAt(t, h)
	codes := make([]string, 8)
	for i := range codes {
		codes[i] = schoolCode(t, 1000+37*i)
	}
	issueBills(t, s, codes...)
	lan := h.officer(t, "lan")
	lan.handIn("thang 9.csv", bankRows(
		"05/09/2026|500000||"+codes[0]+" nop hoc phi",
		"06/09/2026|1000000||"+codes[1]+" va "+codes[2],
		"07/09/2026|500000||"+codes[3][:10]+" hoc phi",
		"08/09/2026|77000||an trua",
		"09/09/2026|500000||"+codes[0]+" nop lai",
		"12/09/2026|700000||"+codes[4]+" dong du",
		"13/09/2026||70000|tra lai tien",
	))
	file := lan.at
	at := "/desk/" + school
	addresses := []string{file, at + "/statements", at + "/bulk", at + "/credits", at + "/find", at + "/find?amount=500000"}
	b.carry(t, lan)
	t.Run("before"+file, func(t *testing.T) { b.examine(t, file, axe) })
	lan.get(file + "?lang=vi") // the browser, who is the same person, asked for English
	lan.post(file, "do", "take", "opening", "yes").sees(200, file, "Dòng mới 7")
	for _, tab := range []string{"needs", "unknown", "duplicates", "matched", "returned"} {
		lan.get(at+"?tab="+tab).sees(200, at)
		addresses = append(addresses, at+"?tab="+tab, "/lines/"+school+"/"+lan.finds(`id="l-(be1-[0-9a-f]+)"`))
	}
	for _, address := range addresses {
		t.Run(address, func(t *testing.T) { b.examine(t, address, axe) })
	}
	// By keyboard: down to the first line, and its first suggestion taken.
	b.device(t, 1280, "light")
	b.open(t, at+"?tab=needs&lang=vi")
	if err := chromedp.Do(b, chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("[data-undo]"))); err != nil {
		t.Fatal(err)
	}
	lan.get(at).sees(200, at, "Cần xem 1", "Đã khớp 3")
	if err := chromedp.Do(b, chromedp.KeyEvent("u"), chromedp.WaitNotPresent(chromedp.CSS("[data-undo]"))); err != nil {
		t.Fatal(err)
	}
	lan.get(at).sees(200, at, "Cần xem 2", "Đã khớp 2")
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// desk is a browser at the pages of a service that runs, as somebody of the sample.
type desk struct {
	context.Context
	t        *testing.T
	at       string
	password string
	files    string // where downloads go
}

func openDesk(t *testing.T, r *running) *desk {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed: the month is not gone through in a browser")
	}
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 1000)))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	d := &desk{ctx, t, r.at, "", t.TempDir()}
	d.do(chromedp.Navigate(r.at + "/?lang=vi"))
	if _, err := chromedp.Call(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: d.files}); err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`proposer +lap\.danh\.sach +(\S+)`).FindStringSubmatch(r.log.String()); m != nil {
		d.password = m[1]
	}
	return d
}

func (d *desk) do(steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d, 90*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		d.t.Fatalf("%v, at %s:\n%s", err, d.address(), d.text())
	}
}

func (d *desk) run(expression string) string {
	d.t.Helper()
	text, err := chromedp.Run(d, chromedp.Evaluate[string](expression))
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

func (d *desk) text() string    { return d.run(`document.querySelector("main")?.innerText ?? ""`) }
func (d *desk) address() string { return d.run(`location.pathname + location.search`) }

// open goes to a page, proving who it is where that is asked.
func (d *desk) open(address string) {
	d.t.Helper()
	d.do(chromedp.Navigate(d.at+address), chromedp.WaitReady(chromedp.CSS("main")))
	if strings.HasPrefix(d.address(), "/step-up") {
		d.do(chromedp.SendKeys(chromedp.CSS("#f-secret"), d.password))
		d.send("main form")
	}
}

// be becomes the sample's person of a role.
func (d *desk) be(role string) {
	d.t.Helper()
	d.open("/")
	d.mark()
	d.run(fmt.Sprintf(`(() => { const f = document.querySelector("form[action='/demo']"); f.elements.role.value = %q; f.submit(); return ""; })()`, role))
	d.turned()
}

// mark and turned wait for the next page: the mark is gone with this one.
func (d *desk) mark() { d.run(`(() => { window.before = "yes"; return ""; })()`) }

func (d *desk) turned() {
	d.t.Helper()
	for until := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		text, err := chromedp.Run(d, chromedp.Evaluate[string](`document.readyState === "complete" ? (window.before ?? "no") : "yes"`))
		if err == nil && text == "no" {
			return
		}
		if time.Now().After(until) {
			d.t.Fatalf("nothing follows at %s:\n%s", d.address(), d.text())
		}
	}
}

// send sends a form by its button, and waits for what follows.
func (d *desk) send(form string) {
	d.t.Helper()
	d.mark()
	d.do(chromedp.Click(chromedp.CSS(form + " button")))
	d.turned()
}

// follow follows a link of this text.
func (d *desk) follow(text string) {
	d.t.Helper()
	d.mark()
	if got := d.run(fmt.Sprintf(`(() => { const a = [...document.querySelectorAll("main a")].find(a => a.innerText.trim() === %q); a?.click(); return a ? "" : "none"; })()`, text)); got != "" {
		d.t.Fatalf("no link %q at %s:\n%s", text, d.address(), d.text())
	}
	d.turned()
	if strings.HasPrefix(d.address(), "/step-up") {
		d.do(chromedp.SendKeys(chromedp.CSS("#f-secret"), d.password))
		d.send("main form")
	}
}

// tick ticks every box of a page that has to be.
func (d *desk) tick() {
	d.run(`(() => { for (const box of document.querySelectorAll("main input[type=checkbox][required]")) box.checked = true; return ""; })()`)
}

// sees waits for words on the page, which looks again by itself while work is under
// way.
func (d *desk) sees(words ...string) {
	d.t.Helper()
	for until := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		missing := ""
		text, err := chromedp.Run(d, chromedp.Evaluate[string](`document.querySelector("main")?.innerText ?? ""`))
		said := strings.Join(strings.Fields(text), " ") // however it is laid out
		for _, w := range words {
			if !strings.Contains(said, w) {
				missing = w
			}
		}
		if err == nil && missing == "" {
			return
		}
		if time.Now().After(until) {
			d.t.Fatalf("no %q at %s:\n%s", missing, d.address(), text)
		}
	}
}

// choose puts a file into a form.
func (d *desk) choose(name, content string) {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.do(chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{path}))
}

// download sends a form that hands a file over.
func (d *desk) download(form string) string {
	d.t.Helper()
	d.do(chromedp.Click(chromedp.CSS(form + " button")))
	for until := time.Now().Add(60 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		found, _ := filepath.Glob(filepath.Join(d.files, "B*.xml"))
		if len(found) == 1 {
			b, err := os.ReadFile(found[0])
			if err == nil && bytes.HasSuffix(bytes.TrimSpace(b), []byte("</Document>")) {
				if err := os.Remove(found[0]); err != nil {
					d.t.Fatal(err)
				}
				return string(b)
			}
		}
	}
	d.t.Fatalf("no file came at %s:\n%s", d.address(), d.text())
	return ""
}

// look keeps pictures of a page on a telephone and at a desk, where a folder for them
// is given, and fails where a telephone's is wider than its screen.
func (d *desk) look(name string) {
	d.t.Helper()
	if status := d.run(`String(performance.getEntriesByType("navigation")[0].responseStatus)`); status != "200" && status != "422" {
		d.t.Errorf("%s was answered with %s: %s", name, status, d.text())
	}
	folder := os.Getenv("SOCHO_TEST_PICTURES")
	for _, width := range []int64{360, 1280} {
		d.do(chromedp.EmulateViewport(width, 900))
		if width == 360 {
			if wide := d.run(`String(document.documentElement.scrollWidth)`); wide != "360" {
				d.t.Errorf("%s is %s wide on a phone: %s", name, wide, d.run(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 361).slice(0, 4).map(e => e.outerHTML.slice(0, 120)).join("\n")`))
			}
		}
		if folder == "" {
			continue
		}
		picture, err := chromedp.Run(d, chromedp.FullScreenshot(100))
		if err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

const browserFund, browserMonth = "hg-quy-bao-tro", "2026-11"

// TestPayoutMonthInBrowser is a month of the sample's fund through the pages, in
// Vietnamese: by whoever draws the list up, whoever approves it, and finance, to the
// last payout. One's own approval, a list that is not as it was seen, one changed
// after its approval, an exhausted fund and an edited file are refused, with the
// reason.
func TestPayoutMonthInBrowser(t *testing.T) {
	if os.Getenv("SOCHO_TEST_BROWSER") == "" {
		t.Skip("the month is gone through in a browser by make test-browser")
	}
	r, data := sampled(t)
	d := openDesk(t, r)
	month := "/funds/" + browserFund + "/month?period=" + browserMonth
	list := "CCCD,Họ và tên,Mã xã,Số tiền,Hình thức,Ngân hàng,Số tài khoản\n"
	for i := 1; i <= 6; i++ {
		list += fmt.Sprintf("00200100000%d,Vàng Thị Mẫu %d,00721,900000000000,tài khoản,Agribank,880000000000%d\n", i, i, min(i, 5))
	}

	// Drawn up: a partly wrong file only once the wrong lines were seen.
	d.be("proposer")
	d.open(month)
	d.sees("Chưa có danh sách tháng này", "Việc tiếp theo")
	d.look("month-empty")
	d.mark()
	d.do(chromedp.Click(chromedp.CSS(".next a")))
	d.turned()
	d.look("import")
	d.choose("danh-sach.csv", list+"00200100000,Lý Thị Mẫu,99999,x,séc,,\n")
	d.send("main form")
	d.sees("Xem trước danh sách", "Dòng 8", "CCCD phải đủ 12 số", "Không có xã nào", "Một tài khoản của nhiều người", "Dòng: 6, 7")
	d.look("preview")
	d.run(`(() => { document.querySelector("main form").noValidate = true; return ""; })()`)
	d.send("main form")
	d.sees("Hãy xem 1 dòng bị bỏ ra")
	d.tick()
	d.send("main form")
	d.sees("Danh sách có 6 khoản")
	d.follow("Mở danh sách")
	d.sees("Đang mở", "lap.danh.sach")
	d.look("list-open")
	entries := d.run(`[...document.querySelectorAll("main input[name=payout]")].map(e => e.value).join(" ")`)
	ids := strings.Fields(entries)
	if len(ids) != 6 || strings.Contains(d.text(), "Vàng Thị Mẫu") {
		t.Fatalf("%v, or names before they were asked for", ids)
	}
	d.send("form:has([value=names])")
	if strings.HasPrefix(d.address(), "/step-up") {
		d.do(chromedp.SendKeys(chromedp.CSS("#f-secret"), d.password))
		d.send("main form")
		d.send("form:has([value=names])")
	}
	d.sees("Vàng Thị Mẫu 6", "8800000000005")
	d.look("list-names")

	// One comes off the open list; the rest is handed over.
	d.do(chromedp.Click(chromedp.CSS(fmt.Sprintf("input[value=%q]", ids[5]))))
	d.send("form.pick")
	d.sees("Đã bỏ khỏi danh sách", "4.500.000.000.000 đ")
	d.follow("Trình duyệt")
	d.look("propose")
	d.tick()
	d.send("main form")
	d.sees("Đã trình duyệt")

	// Nobody approves what they drew up.
	d.open("/funds/" + browserFund + "/lists/monthly-" + browserMonth + "/approve")
	d.tick()
	d.send("main form")
	d.sees("Không ai được duyệt việc do chính mình lập")
	d.look("own")

	// The approver approves what was shown, and nothing else.
	d.be("approver")
	d.open(month)
	d.sees("đang chờ duyệt")
	d.follow("Xem và duyệt")
	d.sees("Duyệt gì thì chi đúng như thế")
	d.look("approve")
	d.tick()
	d.run(`(() => { document.querySelector("[name=digest]").value = "0".repeat(64); return ""; })()`)
	d.send("main form")
	d.sees("Không còn như người gửi đã thấy", "Danh sách đã đổi từ lúc bạn mở trang")
	d.open("/funds/" + browserFund + "/lists/monthly-" + browserMonth + "/approve")
	d.tick()
	d.send("main form")
	d.sees("Đã duyệt")
	d.look("list-approved")

	// A list is not changed after it was approved.
	d.be("proposer")
	d.open("/funds/" + browserFund + "/lists/monthly-" + browserMonth)
	d.mark()
	d.run(fmt.Sprintf(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = location.pathname + "/remove"; f.innerHTML = '<input name="payout" value=%q><input name="reason" value="mistake">'; document.body.append(f); f.submit(); return ""; })()`, ids[0]))
	d.turned()
	d.sees("Danh sách đã được duyệt")

	// The fund has less than that; once the grant has come, it is tried again.
	d.open(month)
	d.sees("Quỹ không còn đủ tiền", "Thử lại")
	d.look("month-refused")
	const at = `"subject":"hg-quy-bao-tro","time":"2026-11-01T08:00:00+07:00"`
	grant := filepath.Join(t.TempDir(), "grant.jsonl")
	if err := os.WriteFile(grant, []byte(`{"specversion":"1.0","id":"g1","source":"urn:test","type":"vn.socho.bank.line_received.v1",`+at+`,"data":{"effective_on":"2026-11-01","amount":"5000000000000","currency":"VND","line":"grant-11","account":"tk","direction":"in","kind":"payment"}}
{"specversion":"1.0","id":"g2","source":"urn:test","type":"vn.socho.benefit.funded.v1",`+at+`,"data":{"effective_on":"2026-11-01","amount":"5000000000000","currency":"VND","line":"grant-11"}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, log := command(t, "--data", data, "publish", grant, "--wait", "--json"); code != 0 || !strings.Contains(out, `"posted":2`) {
		t.Fatalf("%d %s%s", code, out, log)
	}
	d.send("#refused form")
	d.sees("Đã lập thêm 5 lệnh chi")

	// The file for the bank: an edited one is not taken.
	d.open(month)
	d.sees("5 khoản chi đã duyệt đang chờ gửi ngân hàng")
	d.follow("Làm lô chi")
	d.look("export")
	d.send("main form")
	d.sees("5 khoản", "đã khoá")
	d.follow("Mở lô chi")
	d.look("batch")
	d.follow("Lấy tệp cho ngân hàng")
	d.look("file")
	file := d.download("main form")
	if strings.Count(file, "<EndToEndId>") != 5 || !strings.Contains(file, "8800000000001") || strings.Contains(file, ids[5]) {
		t.Fatalf("the file: %.2000s", file)
	}
	if again := d.download("main form"); again != file {
		t.Error("the same batch is another file")
	}
	d.open("/funds/" + browserFund + "/submit?period=" + browserMonth)
	d.choose("chi.xml", strings.Replace(file, "8800000000001", "8800000009999", 1))
	d.send("main form")
	d.sees("Tệp không đúng như khi xuất ra")
	d.look("edited")
	d.choose("chi.xml", file)
	d.send("main form")
	d.sees("Đã nộp ngân hàng", "ngân hàng nhận lô này")

	// The bank's answer, twice; one comes back and goes to another account.
	d.be("finance_officer")
	d.open("/funds/" + browserFund + "/results?period=" + browserMonth)
	d.look("results")
	result := "Mã chi trả,Số tiền,Trạng thái,Lý do\n" + ids[0] + ",,Thất bại,Tài khoản đã đóng\n"
	for _, id := range ids[1:5] {
		result += id + ",,Thành công,\n"
	}
	d.choose("ket-qua.csv", result+"o2611-khong-co,,Thành công,\n")
	d.send("main form")
	d.sees("Đã chi xong 4", "Bị trả về 1", "Không có khoản chi nào của quỹ mang mã này")
	d.look("settled")
	d.open("/funds/" + browserFund + "/results?period=" + browserMonth)
	d.choose("ket-qua.csv", result)
	d.send("main form")
	d.sees("Đã biết từ trước 5")
	d.open("/funds/" + browserFund + "/returned?period=" + browserMonth)
	d.sees("tài khoản đã đóng", "Xin tài khoản khác")
	d.be("proposer")
	d.open("/funds/" + browserFund + "/returned?period=" + browserMonth)
	d.look("returned")
	d.follow("Phát hành lại")
	d.look("reissue")
	d.do(chromedp.SendKeys(chromedp.CSS("#f-bank"), "Ngân hàng X"), chromedp.SendKeys(chromedp.CSS("#f-account_number"), "0011 0099 99999"), chromedp.SendKeys(chromedp.CSS("#f-account_name"), "Vàng Thị Mẫu"))
	d.send("main form")
	d.sees("Không biết ngân hàng này")
	d.do(chromedp.SetValue(chromedp.CSS("#f-bank"), "Vietcombank"))
	d.send("main form")
	d.sees("Đã phát hành lại", "Đang mở")
	d.follow("Trình duyệt")
	d.tick()
	d.send("main form")
	d.be("approver")
	d.open(month)
	d.follow("Xem và duyệt")
	d.tick()
	d.send("main form")
	d.sees("Đã duyệt")
	d.be("proposer")
	for until := time.Now().Add(time.Minute); !strings.Contains(d.text(), "1 khoản chi đã duyệt đang chờ"); time.Sleep(500 * time.Millisecond) {
		if d.open(month); time.Now().After(until) {
			d.sees("1 khoản chi đã duyệt đang chờ")
		}
	}
	d.follow("Làm lô chi")
	d.send("main form")
	d.sees("1 khoản")
	d.follow("Mở lô chi")
	d.follow("Lấy tệp cho ngân hàng")
	second := d.download("main form")
	if strings.Count(second, "<EndToEndId>") != 1 || !strings.Contains(second, "0011009999999") || strings.Contains(second, ids[0]) {
		t.Fatalf("the second file: %.2000s", second)
	}
	d.open("/funds/" + browserFund + "/submit?period=" + browserMonth)
	d.choose("chi.xml", second)
	d.send("main form")
	d.be("finance_officer")
	d.open("/funds/" + browserFund + "/results?period=" + browserMonth)
	_, id, _ := strings.Cut(second, "<EndToEndId>")
	id, _, _ = strings.Cut(id, "<")
	d.choose("ket-qua.csv", "Mã chi trả,Số tiền,Trạng thái\n"+id+",,Thành công\n")
	d.send("main form")
	d.sees("Đã chi xong 1")
	d.open(month)
	d.sees("Không còn việc gì trong tháng này", "5 người", "100,0 %")
	d.look("month-done")
	if code, out, log := command(t, "--data", data, "outcomes", "--status", "refused", "--json"); code != 0 || !strings.Contains(out, "four_eyes") || !strings.Contains(out, "list_differs") || !strings.Contains(out, "file_differs") || !strings.Contains(out, "fund_exhausted") || !strings.Contains(out, "list_approved") {
		t.Errorf("what was refused is not on the log: %d %s%s", code, out, log)
	}
}

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"socho/internal/devstack/iso20022"
	"socho/internal/devstack/testdb"
)

// TestProvinceMonthInBrowser is the pilot's month through the pages in Vietnamese:
// 1,097 persons of twelve communes on one list, which is large enough to take two
// approvers; the file for the bank, its results with 23 returns, cash at two pay
// points, and the report.
func TestProvinceMonthInBrowser(t *testing.T) {
	if os.Getenv("SOCHO_TEST_BROWSER") == "" {
		t.Skip("the month is gone through in a browser by make test-browser")
	}
	const period = browserMonth
	o := &fundOffice{T: t, data: testdb.Dir(t), folder: t.TempDir(), fund: browserFund, check: iso20022.Open(t)}
	r := start(t, "--data", o.data, "run", "--addr", "127.0.0.1:0", "--sample")
	d := openDesk(t, r)
	people := pilot(o.fund, period)
	month := "/funds/" + o.fund + "/month?period=" + period
	at := "/funds/" + o.fund + "/lists/"
	line := func(id, direction string, amount int64) {
		o.publish("bank.line_received", fmt.Sprintf(`"amount":"%d","currency":"VND","line":%q,"account":"tk","direction":%q,"kind":"payment"`, amount, id, direction))
	}
	const grant = 1_000_000_000
	line("pilot-grant", "in", grant)
	o.publish("benefit.funded", fmt.Sprintf(`"amount":"%d","currency":"VND","line":"pilot-grant"`, grant))

	// An administrator asks for two approvers of large lists; a second one comes in.
	d.be("administrator")
	d.open("/approvals/" + o.fund)
	d.look("approvals")
	d.do(chromedp.SetValue(chromedp.CSS("#f-above"), "500.000.000"))
	d.send("main form")
	d.sees("Đã ghi quy định", "danh sách trên 500.000.000 đ cần hai người")
	out, _ := o.runs(0, "", "user", "add", "duyet.hai", "--grant", "approver@"+o.fund)
	link := regexp.MustCompile(`/welcome\?link=\S+`).FindString(out)

	// The list comes in, and is handed over.
	text := pilotHead
	for i := range people {
		text += people[i].line
	}
	d.be("proposer")
	d.open("/funds/" + o.fund + "/import?period=" + period)
	d.sees("Tối đa 48 MB một tệp")
	d.choose("danh-sach.csv", text)
	d.send("main form")
	d.sees("Xem trước danh sách", "1.097")
	d.tick()
	d.send("main form")
	d.sees("Danh sách có 1.097 khoản")
	d.follow("Mở danh sách")
	d.follow("Trình duyệt")
	d.tick()
	d.send("main form")
	d.sees("Đã trình duyệt")

	// One word is not enough, nor is the same person's twice.
	list := at + "monthly-" + period
	d.be("approver")
	for range 2 {
		d.open(list + "/approve")
		d.tick()
		d.send("main form")
	}
	d.sees("Người này đã duyệt rồi")
	d.look("approved-once")
	d.open(month)
	d.sees("đang chờ duyệt")
	// The second approver sets a password, and is signed in by it.
	d.open(link)
	d.do(chromedp.SendKeys(chromedp.CSS("#f-password"), "chợ phiên Đồng Văn chủ nhật"))
	d.send("main form")
	d.open(list + "/approve")
	d.tick()
	d.send("main form")
	d.sees("Đã duyệt")

	// The file goes to the bank.
	d.be("proposer")
	ready := fmt.Sprintf("%d khoản chi đã duyệt đang chờ gửi ngân hàng", pilotAccounts)
	for until := time.Now().Add(3 * time.Minute); !strings.Contains(d.text(), ready); time.Sleep(time.Second) {
		if d.open(month); time.Now().After(until) {
			d.sees(ready)
		}
	}
	file := d.exported()
	o.schema(file)
	ids, amounts := orders(file)
	if len(ids) != pilotAccounts {
		t.Fatalf("%d transfers", len(ids))
	}
	d.submitted(month, file)

	// Its results come back, 23 of them returned.
	paid := ids[pilotBack:]
	line("pilot-out", "out", sumOf(amounts, paid))
	result := "Mã chi trả,Số tiền,Trạng thái,Lý do\n"
	for i, id := range ids {
		state := "Thành công,"
		if i < pilotBack {
			state = "Thất bại,Tài khoản đã đóng"
		}
		result += fmt.Sprintf("%s,%d,%s\n", id, amounts[id], state)
	}
	d.be("finance_officer")
	d.results(result, "pilot-out")
	d.sees(fmt.Sprintf("Đã chi xong %d", pilotAccounts-pilotBack), fmt.Sprintf("Bị trả về %d", pilotBack))

	// Cash at two pay points: the telephone keeps what is handed over, and sends it.
	back := map[string]bool{}
	for _, id := range ids[:pilotBackCash] {
		back[id] = true
	}
	points, absent := map[string][]string{}, 0
	for i := range people {
		p := &people[i]
		if !p.account && absent < pilotAbsent {
			absent++
		} else if !p.account || back[p.payout] {
			points[p.point] = append(points[p.point], p.payout)
		}
	}
	d.be("clerk")
	for point, some := range points {
		page := "/paypoints/" + o.fund + "/" + point + "?period=" + period
		d.open(page)
		for until := time.Now().Add(time.Minute); d.run(`String(!!window.offline)`) != "true" && time.Now().Before(until); {
			time.Sleep(100 * time.Millisecond)
		}
		if _, err := chromedp.Run(d, chromedp.Evaluate[bool](`offline.ready`, chromedp.EvalAwaitPromise)); err != nil {
			t.Fatal(err)
		}
		if missing := d.run(fmt.Sprintf(`(() => { let none = 0; for (const id of %q.split(" ")) { const b = document.querySelector('form[data-key="' + id + '"] button:not([type])'); if (b) b.click(); else none++; } return String(none); })()`, strings.Join(some, " "))); missing != "0" {
			t.Fatalf("%s lines are not at %s", missing, point)
		}
		for until := time.Now().Add(2 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
			waiting := d.run(`String([...document.querySelectorAll("form[data-key] [data-said]")].filter((o) => o.textContent.includes("chưa gửi được")).length)`)
			said := d.run(`String([...document.querySelectorAll("form[data-key] [data-said]")].filter((o) => o.textContent.includes("Đã vào sổ")).length)`)
			if waiting == "0" && said == fmt.Sprint(len(some)) {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("at %s %s of %d are sent, %s wait", point, said, len(some), waiting)
			}
		}
		d.look("paypoint-" + point)
	}

	// Some give another account; the rest is tried again, in vain.
	d.be("proposer")
	for _, id := range ids[pilotBackCash : pilotBackCash+pilotReissue] {
		d.open("/payouts/" + o.fund + "/" + id + "/reissue")
		d.do(chromedp.SetValue(chromedp.CSS("#f-bank"), "Vietcombank"), chromedp.SetValue(chromedp.CSS("#f-account_number"), "0011009999999"), chromedp.SetValue(chromedp.CSS("#f-account_name"), "Vàng Thị Mẫu"))
		d.send("main form")
		d.sees("Đã phát hành lại")
	}
	d.open(at + "monthly-" + period + "-lai-1/propose")
	d.tick()
	d.send("main form")
	d.be("approver")
	d.open(at + "monthly-" + period + "-lai-1/approve")
	d.tick()
	d.send("main form")
	d.sees("Đã duyệt")
	d.be("proposer")
	for until := time.Now().Add(time.Minute); !strings.Contains(d.text(), fmt.Sprintf("%d khoản chi đã duyệt đang chờ", pilotReissue)); time.Sleep(time.Second) {
		if d.open(month); time.Now().After(until) {
			d.sees("khoản chi đã duyệt đang chờ")
		}
	}
	again := d.exported()
	d.submitted(month, again)
	d.open("/funds/" + o.fund + "/export?period=" + period)
	d.run(`(() => { document.querySelector('[name=what][value=account-back]').checked = true; return ""; })()`)
	d.send("main form")
	d.follow("Mở lô chi")
	d.follow("Lấy tệp cho ngân hàng")
	rest := d.download("main form")
	d.submitted(month, rest)
	some, sums := orders(again)
	more, _ := orders(rest)
	if len(some) != pilotReissue || len(more) != pilotStay {
		t.Fatalf("%d issued again, %d sent again", len(some), len(more))
	}
	line("pilot-again", "out", sumOf(sums, some))
	result = "Mã chi trả,Mã lô,Trạng thái,Lý do\n"
	for _, file := range []string{again, rest} {
		all, _ := orders(file)
		_, batch, _ := strings.Cut(file, "<MsgId>")
		batch, _, _ = strings.Cut(batch, "<")
		for _, id := range all {
			state := "Thành công,"
			if file == rest {
				state = "Thất bại,Tài khoản đã đóng"
			}
			result += id + "," + batch + "," + state + "\n"
		}
	}
	d.be("finance_officer")
	d.results(result, "pilot-again")
	d.sees(fmt.Sprintf("Đã chi xong %d", pilotReissue), fmt.Sprintf("Bị trả về %d", pilotStay))

	d.open(month)
	d.sees("1.097 người", fmt.Sprintf("%d người", pilotPaid), fmt.Sprintf("%d người", pilotCash), "86,2 %")
	d.open("/funds/" + o.fund + "/report?period=" + period)
	d.sees("86,2", "1.097", fmt.Sprint(pilotPaid))
	d.look("report")
	o.says(0, `"rate":"86.2"`, "payout", "report", "--org", o.fund, "--period", period, "-o", o.folder+"/bao-cao.pdf", "--json")
	for _, id := range []string{"pilot-grant", "pilot-out", "pilot-again"} {
		if out := o.says(0, `"balance"`, "balances", "--account", o.fund+":unallocated:", "--json"); regexp.MustCompile(`:` + id + `",[^}]*"balance":"-?[1-9]`).MatchString(out) {
			t.Errorf("line %s is not explained: %s", id, out)
		}
	}
	o.says(0, `"ok":true`, "verify", "--replay", "--json")
}

// exported makes a batch of what waits, and hands its file over.
func (d *desk) exported() string {
	d.t.Helper()
	d.follow("Làm lô chi")
	d.send("main form")
	d.sees("đã khoá")
	d.follow("Mở lô chi")
	d.follow("Lấy tệp cho ngân hàng")
	return d.download("main form")
}

// submitted hands a file in that went to the bank.
func (d *desk) submitted(month, file string) {
	d.t.Helper()
	d.open(strings.Replace(month, "/month?", "/submit?", 1))
	d.choose("chi.xml", file)
	d.send("main form")
	d.sees("Đã nộp ngân hàng")
}

// results hands in what a bank answered, carried out on one of its lines.
func (d *desk) results(text, line string) {
	d.t.Helper()
	d.open("/funds/" + browserFund + "/results?period=" + browserMonth)
	d.choose("ket-qua.csv", text)
	d.do(chromedp.SetValue(chromedp.CSS("#f-line"), line))
	d.send("main form")
}

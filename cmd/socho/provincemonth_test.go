package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socho/bank"
	"socho/internal/adminunits"
	"socho/internal/devstack/iso20022"
	"socho/internal/devstack/testdb"
	"socho/internal/payouts"
)

// A month of the pilot as it was published: 1,097 persons entitled in 12 communes, of
// whom 946 are in the end paid by account. 958 have one; the bank sends 23 back, of
// whom 11 give another account, 8 are paid in cash, and 4 are tried again in vain. Of
// those who are paid in cash from the start, 9 do not come.
const (
	pilotEntitled, pilotAccounts           = 1097, 958
	pilotBack, pilotBackCash, pilotReissue = 23, 8, 11
	pilotStay                              = 4
	pilotAbsent                            = 9
	pilotPaid                              = pilotAccounts - pilotBack + pilotReissue
	pilotCash                              = pilotEntitled - pilotAccounts - pilotAbsent + pilotBackCash
)

// recipient is one person of the pilot.
type recipient struct {
	unit, person, payout, line string
	amount                     int64
	account                    bool
	point                      string // where cash is paid
}

// pilot is the month of a fund.
func pilot(organization, period string) (all []recipient) {
	units := adminunits.FormerHaGiang()[:12]
	for i := range pilotEntitled {
		r := recipient{unit: units[i%12].Code, person: fmt.Sprintf("dt-%04d", i), amount: 500_000, account: i < pilotAccounts, point: "dong-van"}
		if i%4 == 0 {
			r.amount = 750_000
		}
		if i%12 >= 6 {
			r.point = "buu-dien"
		}
		r.payout = payouts.PayoutID(organization, "monthly", period, r.person, "regular", 1)
		where := "tiền mặt,,"
		if r.account {
			where = fmt.Sprintf("tài khoản,Agribank,8800%09d", i)
		}
		r.line = fmt.Sprintf("%s,0020%08d,Vàng Thị Mẫu %d,%s,%d,%s\n", r.person, i, i, r.unit, r.amount, where)
		all = append(all, r)
	}
	return all
}

const pilotHead = "Mã đối tượng,CCCD,Họ và tên,Mã xã,Số tiền,Hình thức,Ngân hàng,Số tài khoản\n"

// bankBooks are a bank's: each statement goes on from the one before.
type bankBooks struct {
	account  string
	balance  int64
	n, lines int
}

// booked is one line of a statement; in where money comes.
type booked struct {
	in     bool
	amount int64
	text   string
}

// statement is the next one, with the ids that its lines get.
func (b *bankBooks) statement(t *testing.T, entries ...booked) (text string, ids []string) {
	t.Helper()
	b.n++
	side := func(in bool) string {
		if in {
			return "CRDT"
		}
		return "DBIT"
	}
	balance := func(kind string) string {
		return fmt.Sprintf(`<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="VND">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-10-0%d</Dt></Dt></Bal>`, kind, b.balance, b.n)
	}
	opening, all := balance("OPBD"), ""
	for _, e := range entries {
		b.lines++
		if b.balance += e.amount; !e.in {
			b.balance -= 2 * e.amount
		}
		all += fmt.Sprintf(`<Ntry><Amt Ccy="VND">%d</Amt><CdtDbtInd>%s</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-10-0%d</Dt></BookgDt><AcctSvcrRef>FT2627800000%03d</AcctSvcrRef><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd><AddtlNtryInf>%s</AddtlNtryInf></Ntry>`, e.amount, side(e.in), b.n, b.lines, e.text)
	}
	text = fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M%d</MsgId><CreDtTm>2026-10-0%dT20:00:00</CreDtTm></GrpHdr><Stmt><Id>S%d</Id><CreDtTm>2026-10-0%dT20:00:00</CreDtTm><Acct><Id><Othr><Id>%s</Id></Othr></Id></Acct>`, b.n, b.n, b.n, b.n, b.account) +
		opening + balance("CLBD") + all + `</Stmt></BkToCstmrStmt></Document>`
	ordinals := bank.NewOrdinals()
	if _, err := bank.Parse(strings.NewReader(text), bank.Options{}, func(e *bank.Entry) error {
		ids = append(ids, ordinals.ID(e))
		return nil
	}); err != nil || len(ids) != len(entries) {
		t.Fatalf("the statement: %d of %d, %v", len(ids), len(entries), err)
	}
	return text, ids
}

// orders are the transfers of a payment order, in its order.
func orders(file string) (ids []string, amounts map[string]int64) {
	amounts = map[string]int64{}
	for _, one := range strings.Split(file, "<CdtTrfTxInf>")[1:] {
		_, id, _ := strings.Cut(one, "<EndToEndId>")
		id, _, _ = strings.Cut(id, "<")
		_, sum, _ := strings.Cut(one, `<InstdAmt Ccy="VND">`)
		var amount int64
		fmt.Sscan(strings.SplitN(sum, "<", 2)[0], &amount) //nolint:errcheck // the bank's sums show it
		ids, amounts[id] = append(ids, id), amount
	}
	return ids, amounts
}

func sumOf(amounts map[string]int64, ids []string) (sum int64) {
	for _, id := range ids {
		sum += amounts[id]
	}
	return sum
}

// fundOffice runs commands on one data directory, and knows its fund's bank.
type fundOffice struct {
	*testing.T
	data, folder, fund string
	facts              int
	check              iso20022.Check
}

// runs runs a command that ends with a code, and returns what it printed.
func (o *fundOffice) runs(code int, stdin string, args ...string) (out, log string) {
	o.Helper()
	var stdout, stderr output
	got := (&Main{Args: append([]string{"--data", o.data}, args...), Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr}).Run(context.Background())
	if got != code {
		o.Fatalf("socho %s: %d\n%s%s", strings.Join(args, " "), got, stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String()
}

// says runs a command that is to print some words, on stdout or stderr.
func (o *fundOffice) says(code int, want string, args ...string) string {
	o.Helper()
	out, log := o.runs(code, "", args...)
	if !strings.Contains(out+log, want) {
		o.Fatalf("socho %s does not say %q:\n%s%s", strings.Join(args, " "), want, out, log)
	}
	return out
}

func (o *fundOffice) file(name, content string) string {
	o.Helper()
	path := filepath.Join(o.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		o.Fatal(err)
	}
	return path
}

func (o *fundOffice) read(path string) string {
	o.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		o.Fatal(err)
	}
	return string(b)
}

// publish says facts of the fund: name and data, by turns.
func (o *fundOffice) publish(pairs ...string) {
	o.Helper()
	text := ""
	for i := 0; i < len(pairs); i += 2 {
		o.facts++
		text += fmt.Sprintf(`{"specversion":"1.0","id":"f%d","source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"2026-10-01T08:00:00+07:00","data":{"effective_on":"2026-10-01",%s}}`+"\n", o.facts, pairs[i], o.fund, pairs[i+1])
	}
	out, _ := o.runs(0, "", "publish", o.file("facts.jsonl", text), "--wait", "--json")
	if !strings.Contains(out, `"conflict":0,"duplicate":0,"malformed":0,"misrouted":0,`) || !strings.Contains(out, `"refused":0`) {
		o.Fatal(out)
	}
}

// schema holds a payment order against the schema of ISO 20022.
func (o *fundOffice) schema(file string) {
	o.Helper()
	if o.check != nil {
		if err := o.check(o.T, "pain.001.001.09", []byte(file)); err != nil {
			o.Error(err)
		}
	}
}

// token is a fresh one of a person.
func (o *fundOffice) token(name string) string {
	o.Helper()
	var made struct{ Secret string }
	out, _ := o.runs(0, "", "token", "person", name, "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Secret == "" {
		o.Fatal(out, err)
	}
	return made.Secret
}

// TestProvinceMonth is the pilot's month by commands, from twelve communes' lists to
// the report: 86.2 %, the bank as the ledger has it, and every refusal on the log.
func TestProvinceMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through a month of 1,097 persons")
	}
	const period = "2026-10"
	o := &fundOffice{T: t, data: testdb.Dir(t), folder: t.TempDir(), fund: "hg-quy-thang", check: iso20022.Open(t)}
	start(t, "--data", o.data, "run", "--addr", "127.0.0.1:0")
	people := pilot(o.fund, period)
	ledgerBank := &bankBooks{account: "8800201000001"}
	month := []string{"--org", o.fund, "--period", period}
	payout := func(command string, more ...string) []string {
		return append(append([]string{"payout", command}, month...), more...)
	}
	take := func(entries ...booked) []string {
		text, ids := ledgerBank.statement(t, entries...)
		o.says(0, fmt.Sprintf(`"new":%d`, len(entries)), "bank", "import", o.file("sao-ke.xml", text), "--org", o.fund, "--json")
		return ids
	}
	grant := func(sum int64) {
		line := take(booked{true, sum, "cap kinh phi"})[0]
		o.publish("benefit.funded", fmt.Sprintf(`"amount":"%d","currency":"VND","line":%q`, sum, line))
	}

	o.publish("organization.registered", `"kind":"fund","name":"Quỹ bảo trợ","unit":"02","bank_bin":"970405","account":"8800201000001"`)
	o.runs(0, "", "user", "add", "lan", "--grant", "proposer@"+o.fund)
	o.runs(0, "", "user", "add", "hoa", "--grant", "approver@"+o.fund)
	for until := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if out, _ := o.runs(0, "", "outcomes", "--status", "recorded", "--json"); strings.Count(out, "right_granted") == 2 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("rights do not reach the log")
		}
	}
	grant(300_000_000) // not enough for all of them

	// Twelve lists in, one of each commune; nobody approves what they drew up.
	var units []string
	lan := o.token("lan")
	for _, u := range adminunits.FormerHaGiang()[:12] {
		list, text := "xa-"+u.Code, pilotHead
		units = append(units, list)
		for i := range people {
			if people[i].unit == u.Code {
				text += people[i].line
			}
		}
		o.runs(0, "", append([]string{"payout", "import", o.file(list+".csv", text)}, append(month, "--list", list)...)...)
		o.says(0, "is proposed", payout("propose", "--list", list, "--token", lan)...)
	}
	o.says(1, "four_eyes", payout("approve", "--list", units[0], "--token", lan)...)
	hoa := o.token("hoa")
	o.says(1, "list_differs", payout("approve", "--list", units[0], "--token", hoa, "--digest", strings.Repeat("0", 64))...)
	for _, list := range units {
		o.says(0, "is approved", payout("approve", "--list", list, "--token", hoa)...)
	}
	o.says(1, "list_approved", append([]string{"payout", "remove", people[0].payout}, append(month, "--list", units[0])...)...)

	// The fund has not enough for all: the rest is ordered once the grant has come.
	o.says(0, "fund_exhausted", payout("status", "--refusals")...)
	grant(700_000_000)
	o.says(0, "payouts ordered", payout("order")...)

	// One file, whole: an edited one is not taken.
	first := filepath.Join(o.folder, "chi.xml")
	o.says(0, fmt.Sprintf("%d payouts", pilotAccounts), payout("export", "--format", "pain.001", "-o", first)...)
	file := o.read(first)
	o.schema(file)
	o.says(1, "file_differs", "payout", "submit", o.file("sua.xml", strings.Replace(file, "8800000000001", "8800000009999", 1)))
	o.runs(0, "", "payout", "submit", first)
	ids, amounts := orders(file)
	if len(ids) != pilotAccounts {
		t.Fatalf("%d transfers", len(ids))
	}
	back, paid := ids[:pilotBack], ids[pilotBack:]

	// Cash goes to two pay points; what is not needed comes back.
	handed := map[string]int64{}
	var facts []string
	pay := func(r *recipient) {
		handed[r.point] += r.amount
		facts = append(facts, "benefit.paid_in_cash", fmt.Sprintf(`"amount":"%d","currency":"VND","payout":%q,"pay_point":%q`, r.amount, r.payout, r.point))
	}
	byPayout := map[string]*recipient{}
	absent := 0
	for i := range people {
		byPayout[people[i].payout] = &people[i]
		if people[i].account {
			continue
		}
		if absent < pilotAbsent {
			absent++
			continue
		}
		pay(&people[i])
	}
	for _, id := range back[:pilotBackCash] {
		pay(byPayout[id])
	}
	const over = 1_000_000
	lines := take(booked{false, sumOf(amounts, paid), "chi tro cap"}, booked{false, handed["dong-van"] + over, "rut tien mat"}, booked{false, handed["buu-dien"] + over, "rut tien mat"})

	// The bank's results, twice.
	result := "Mã chi trả,Mã lô,Số tiền,Trạng thái,Lý do\n"
	_, batch, _ := strings.Cut(file, "<MsgId>")
	batch, _, _ = strings.Cut(batch, "<")
	for i, id := range ids {
		state := "Thành công,"
		if i < pilotBack {
			state = "Thất bại,Tài khoản đã đóng"
		}
		result += fmt.Sprintf("%s,%s,%d,%s\n", id, batch, amounts[id], state)
	}
	results := o.file("ket-qua.csv", result)
	o.says(0, fmt.Sprintf(`"settled":%d,"returned":%d`, pilotAccounts-pilotBack, pilotBack), "payout", "settle", results, "--org", o.fund, "--line", lines[0], "--json")
	o.says(0, fmt.Sprintf(`"already_known":%d`, pilotAccounts), "payout", "settle", results, "--org", o.fund, "--line", lines[0], "--json")

	for i, point := range []string{"dong-van", "buu-dien"} {
		facts = append(facts, "benefit.cash_drawn", fmt.Sprintf(`"amount":"%d","currency":"VND","pay_point":%q,"line":%q`, handed[point]+over, point, lines[i+1]))
	}
	o.publish(facts...)
	over2 := take(booked{true, over, "nop lai"}, booked{true, over, "nop lai"})
	o.publish("market.cash_banked", fmt.Sprintf(`"amount":"%d","currency":"VND","pay_point":"dong-van","line":%q`, over, over2[0]),
		"market.cash_banked", fmt.Sprintf(`"amount":"%d","currency":"VND","pay_point":"buu-dien","line":%q`, over, over2[1]))

	// Some give another account, which a second person approves; the others are tried
	// again, in vain.
	for _, id := range back[pilotBackCash : pilotBackCash+pilotReissue] {
		o.runs(0, "8800 0009 99999\nVàng Thị Mẫu\n", "payout", "reissue", id, "--org", o.fund, "--bank", "Agribank")
	}
	const again = "monthly-" + period + "-lai-1"
	o.runs(0, "", payout("propose", "--list", again, "--token", o.token("lan"))...)
	o.runs(0, "", payout("approve", "--list", again, "--token", o.token("hoa"))...)
	var out []booked
	for i, returned := range []bool{false, true} {
		name := filepath.Join(o.folder, fmt.Sprintf("lai-%d.xml", i))
		args := payout("export", "--format", "pain.001", "-o", name)
		if returned {
			args = append(args, "--returned")
		}
		o.says(0, fmt.Sprintf("%d payouts", []int{pilotReissue, pilotStay}[i]), args...)
		second := o.read(name)
		o.schema(second)
		o.runs(0, "", "payout", "submit", name)
		some, sums := orders(second)
		_, number, _ := strings.Cut(second, "<MsgId>")
		number, _, _ = strings.Cut(number, "<")
		if returned {
			text := "Mã chi trả,Mã lô,Trạng thái,Lý do\n"
			for _, id := range some {
				text += id + "," + number + ",Thất bại,Tài khoản đã đóng\n"
			}
			o.says(0, fmt.Sprintf(`"returned":%d`, pilotStay), "payout", "settle", o.file("lai.csv", text), "--org", o.fund, "--json")
			continue
		}
		out = append(out, booked{false, sumOf(sums, some), "chi " + number})
	}
	text, _ := ledgerBank.statement(t, out...)
	last := o.file("sao-ke.xml", text)
	o.says(0, `"agrees":true`, "bank", "import", last, "--org", o.fund, "--json")
	o.says(0, fmt.Sprintf(`"settled":%d`, pilotReissue), "payout", "settle", last, "--org", o.fund, "--json")

	// The month's figures, its report, and the books.
	o.says(0, fmt.Sprintf(`{"entitled":%d,"paid_account":%d,"paid_cash":%d,"returned":%d,"carried_forward":%d,`, pilotEntitled, pilotPaid, pilotCash, pilotStay, pilotEntitled-pilotPaid-pilotCash), payout("status", "--json")...)
	o.says(0, fmt.Sprintf(`"numerator":%d,"denominator":%d,"rate":"86.2"`, pilotPaid, pilotEntitled), "adoption", "--domain", "benefits", "--by", "persons", "--period", period, "--json")
	for _, end := range []string{"xlsx", "pdf"} {
		o.says(0, `"rate":"86.2"`, payout("report", "-o", filepath.Join(o.folder, "bao-cao."+end), "--json")...)
	}
	o.balanced(ledgerBank.balance)
	refused, _ := o.runs(0, "", "outcomes", "--status", "refused", "--json")
	for _, code := range []string{"four_eyes", "list_differs", "list_approved", "fund_exhausted", "file_differs"} {
		if !strings.Contains(refused, `"code":"`+code+`","reason":"`) {
			t.Errorf("%s is not on the log with its reason", code)
		}
	}
	o.says(0, `"ok":true`, "verify", "--replay", "--json")
}

// balanced holds the fund's books: debits are credits, the bank account is what the
// bank says, and nothing that moved lies about unexplained.
func (o *fundOffice) balanced(atBank int64) {
	o.Helper()
	out, _ := o.runs(0, "", "balances", "--json")
	sum := new(big.Int)
	for line := range strings.Lines(out) {
		var b struct{ Account, Balance string }
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			o.Fatal(err)
		}
		n, ok := new(big.Int).SetString(b.Balance, 10)
		if !ok {
			o.Fatal(line)
		}
		sum.Add(sum, n)
		path, ours := strings.CutPrefix(b.Account, o.fund+":")
		switch {
		case !ours:
		case strings.HasPrefix(path, "bank:") && n.Int64() != atBank:
			o.Errorf("%s: %s, the bank says %d", b.Account, n, atBank)
		case (strings.HasPrefix(path, "unallocated:") || strings.HasPrefix(path, "suspense:") || strings.HasPrefix(path, "cash:")) && n.Sign() != 0:
			o.Errorf("%s holds %s", b.Account, n)
		}
	}
	if sum.Sign() != 0 {
		o.Errorf("debits and credits differ by %s", sum)
	}
}

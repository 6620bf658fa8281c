package payouts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/bank"
	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/payouts"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/internal/sheet"
	"socho/internal/vault"
	"socho/ledger"
)

const (
	fund  = "hg-quy-thu"
	month = "2026-10"
)

// office is a fund on the embedded default, with the people who work there.
type office struct {
	t      testing.TB
	fund   string
	data   string
	s      *service.Service
	people *identity.Directory
	ids    map[string]string
	trail  []identity.Entry
	key    []byte
	lines  int
}

func openOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, fund: fund, data: testdb.Data(t, "service", service.Migrate), ids: map[string]string{}}
	o.open()
	o.publish(o.fact("org", "organization.registered", `"kind":"fund","name":"Quỹ bảo trợ thử","unit":"02","bank_bin":"970405","account":"8800201000001"`))
	o.caughtUp()
	for _, name := range []string{"lan", "hoa"} {
		id, _, err := o.people.Add(identity.With(t.Context(), identity.CLI()), name, "vi")
		o.must(err)
		o.ids[name] = "person:" + id
	}
	o.allow()
	return o
}

// allow lets lan propose in the fund, and hoa approve.
func (o *office) allow() {
	o.t.Helper()
	for name, role := range map[string]identity.Role{"lan": identity.Proposer, "hoa": identity.Approver} {
		o.must(o.people.Grant(identity.With(o.t.Context(), identity.CLI()), strings.TrimPrefix(o.ids[name], "person:"), identity.Grant{Role: role, Organization: o.fund}))
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		held, err := o.s.DB.Rights(o.t.Context())
		o.must(err)
		held = slices.DeleteFunc(held, func(r postgres.Right) bool { return r.Organization != o.fund })
		if len(held) == 2 {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatal("rights do not reach the log")
		}
	}
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) open() {
	o.t.Helper()
	var err error
	o.s, err = service.Open(o.t.Context(), service.Options{Data: o.data, Own: true})
	o.must(err)
	s := o.s
	o.t.Cleanup(func() { s.Close() }) //nolint:errcheck // closed twice where the test restarts it
	o.must(s.Start(o.t.Context()))
	master, err := vault.LoadMaster(filepath.Join(o.data, "master.key"))
	o.must(err)
	o.key, err = master.Derive("persons by citizen id")
	o.must(err)
	o.people, err = identity.Open(s.DB.Pool, master.Derive)
	o.must(err)
}

// restart ends the process and begins another one.
func (o *office) restart() {
	o.t.Helper()
	o.must(o.s.Close())
	o.open()
}

func (o *office) caughtUp() {
	o.t.Helper()
	o.must(o.s.WaitForProjections(o.t.Context()))
}

// as is the process in somebody's name.
func (o *office) as(name string) *payouts.Process {
	actor := name
	if id, ok := o.ids[name]; ok {
		actor = id
	}
	p := o.s.Payouts(actor)
	p.Persons = o.key
	p.Trail = func(_ context.Context, e identity.Entry) error {
		o.trail = append(o.trail, e)
		return nil
	}
	return p
}

func (o *office) fact(id, name, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"2026-10-01T08:00:00+07:00","data":{"effective_on":"2026-10-01",%s}}`, id, name, o.fund, data) + "\n"
}

func (o *office) publish(lines string) map[ledger.Status]int64 {
	o.t.Helper()
	report, err := o.s.Publish(o.t.Context(), strings.NewReader(lines), intake.Options{Actor: "test"})
	o.must(err)
	counts, err := o.s.Decided(o.t.Context(), report)
	o.must(err)
	return counts
}

// grant brings money into the fund.
func (o *office) grant(dong int64) {
	o.t.Helper()
	o.lines++
	o.publish(o.fact(fmt.Sprint("in", o.lines), "bank.line_received", fmt.Sprintf(`"amount":"%d","currency":"VND","line":"in%d","account":"tk","direction":"in","kind":"payment"`, dong, o.lines)) +
		o.fact(fmt.Sprint("fund", o.lines), "benefit.funded", fmt.Sprintf(`"amount":"%d","currency":"VND","line":"in%d"`, dong, o.lines)))
}

// listOf is a list of persons from to before n, the last of each ten in cash.
func listOf(from, n int, amount int64) string {
	var b strings.Builder
	b.WriteString("UỶ BAN NHÂN DÂN XÃ;;;;;;;\nDanh sách chi trả;;;;;;;\nSTT;Số CCCD;Họ và tên;Mã xã;Số tiền;Ngân hàng;Số tài khoản;Ghi chú\n")
	for i := from; i < n; i++ {
		commune := []string{"00721", "00745", "00769"}[i%3]
		bank, account := "Agribank", fmt.Sprintf("8800%09d", i)
		if i%10 == 9 {
			bank, account = "", ""
		}
		fmt.Fprintf(&b, "%d;0020%08d;Vàng Thị Mẫu %d;%s;%d;%s;%s;\n", i, i, i, commune, amount, bank, account)
	}
	b.WriteString(";Tổng cộng;;;999;;;\n")
	return b.String()
}

func (o *office) read(text string, m payouts.Month) *payouts.File {
	o.t.Helper()
	m.Organization, m.Programme = o.fund, "monthly"
	if m.Period == "" {
		m.Period = month
	}
	f, err := payouts.ReadList(strings.NewReader(text), m, o.key)
	o.must(err)
	return f
}

func (o *office) export(e payouts.Export) ([]byte, *payouts.Exported, error) {
	o.t.Helper()
	return o.exportBy(o.as("cli"), e)
}

func (o *office) exportBy(p *payouts.Process, e payouts.Export) ([]byte, *payouts.Exported, error) {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "out")
	e.Organization, e.Period = o.fund, month
	if e.Format == "" {
		e.Format = "pain.001"
	}
	done, err := p.Export(o.t.Context(), e, path)
	if err != nil {
		if _, there := os.Stat(path); there == nil {
			o.t.Error("a file lies where the export failed")
		}
		return nil, done, err
	}
	b, err := os.ReadFile(path)
	o.must(err)
	return b, done, nil
}

func (o *office) settle(text string) *payouts.Settled {
	o.t.Helper()
	done, err := o.as("cli").Settle(o.t.Context(), strings.NewReader(text), payouts.Results{Organization: o.fund})
	o.must(err)
	return done
}

// received says the lines of a statement, as importing it does.
func (o *office) received(text string) {
	o.t.Helper()
	ids := bank.NewOrdinals()
	_, err := bank.Parse(strings.NewReader(text), bank.Options{}, func(e *bank.Entry) error {
		id, direction := ids.ID(e), map[bank.Direction]string{bank.Credit: "in", bank.Debit: "out"}[e.Direction]
		o.publish(o.fact(id, "bank.line_received", fmt.Sprintf(`"amount":"%s","currency":"VND","line":%q,"account":"tk","direction":%q,"kind":"payment"`, e.Amount, id, direction)))
		return nil
	})
	o.must(err)
}

func (o *office) status() *payouts.Status {
	o.t.Helper()
	s, err := o.as("cli").Status(o.t.Context(), o.fund, month)
	o.must(err)
	return s
}

func code(err error) string {
	var refused *payouts.RefusedError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return fmt.Sprint(err)
}

// TestMonth is one month of a o.fund, from the list to the last payout: two persons
// approve and draw up, the bank sends some of it back, one is paid in cash, and one
// again by account.
func TestMonth(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(20_000_000)

	f := o.read(listOf(0, 30, 500_000), payouts.Month{})
	if len(f.Faults) > 0 || len(f.Rows) != 30 {
		t.Fatalf("%d rows, %v", len(f.Rows), f.Faults)
	}
	lan, hoa := o.as("lan"), o.as("hoa")
	for again := range 2 {
		done, err := lan.Import(ctx, f)
		if err != nil || done.Entries != 30 || done.Sum != 15_000_000 || len(done.Codes) > 0 {
			t.Fatalf("import %d: %+v, %v", again, done, err)
		}
		if again == 1 && (done.Known != 30 || done.Outcomes["recorded"] != 0) {
			t.Errorf("importing twice changes something: %+v", done)
		}
	}
	changed := o.read(listOf(0, 30, 600_000), payouts.Month{})
	var refused *sheet.FileError
	if done, err := lan.Import(ctx, changed); !errors.As(err, &refused) || !strings.Contains(err.Error(), "holds 30 of these") {
		t.Errorf("other amounts under the same list: %+v, %v", done, err)
	}
	elsewhere := o.read(strings.Replace(listOf(0, 30, 500_000), "8800000000003", "8800000000033", 1), payouts.Month{})
	if done, err := lan.Import(ctx, elsewhere); err != nil || done.Codes["other_content"] != 1 {
		t.Errorf("another account under the same list: %+v, %v", done, err)
	}

	shown, err := lan.Show(ctx, o.fund, f.List)
	o.must(err)
	if shown.Count != 30 || shown.Sum.Amount != "15000000" {
		t.Errorf("%+v", shown)
	}
	o.must(lan.Propose(ctx, o.fund, shown))
	if _, err := lan.Approve(ctx, o.fund, shown); code(err) != "four_eyes" {
		t.Errorf("one's own list: %v", err)
	}
	if _, err := o.as("cli").Approve(ctx, o.fund, shown); code(err) != "right_missing" {
		t.Errorf("a local command: %v", err)
	}
	other := *shown
	other.Count = 29
	if _, err := hoa.Approve(ctx, o.fund, &other); code(err) != "list_differs" {
		t.Errorf("another count: %v", err)
	}
	if _, _, err := o.export(payouts.Export{}); !errors.Is(err, payouts.ErrNothing) {
		t.Errorf("export before the approval: %v", err)
	}
	if more, err := hoa.Approve(ctx, o.fund, shown); err != nil || more {
		t.Fatal(more, err)
	}

	// One file, however often; altered it goes nowhere.
	file, made, err := o.export(payouts.Export{ExecuteOn: "2026-10-05"})
	o.must(err)
	if made.Count != 27 || made.Sum != "13500000" || !made.New {
		t.Errorf("%+v", made)
	}
	again, twice, err := o.export(payouts.Export{})
	o.must(err)
	if !bytes.Equal(file, again) || twice.New || twice.Batch != made.Batch {
		t.Error("the same batch is another file")
	}
	xlsx, _, err := o.export(payouts.Export{Format: "xlsx"})
	o.must(err)
	if second, _, err := o.export(payouts.Export{Format: "xlsx"}); err != nil || !bytes.Equal(xlsx, second) {
		t.Error("the same batch is another sheet", err)
	}
	altered := bytes.Replace(file, []byte("8800000000001"), []byte("8800000009999"), 1)
	if _, err := o.as("cli").Submit(ctx, bytes.NewReader(altered)); code(err) != "file_differs" {
		t.Errorf("an altered file: %v", err)
	}
	for range 2 {
		if sent, err := o.as("cli").Submit(ctx, bytes.NewReader(file)); err != nil || sent.Batch != made.Batch {
			t.Fatal(sent, err)
		}
	}

	// The bank carries all but two out in one line; one of the others comes back.
	ids := between(string(file), "<EndToEndId>", "</EndToEndId>")
	if len(ids) != 27 {
		t.Fatalf("%d transfers", len(ids))
	}
	report := fmt.Sprintf(pain002, made.Batch, ids[0], ids[1])
	if got := o.settle(report); got.Returned != 2 || got.Problems != 0 {
		t.Errorf("rejected: %+v", got)
	}
	debit := entry("out-1", "DBIT", 25*500_000, "<AddtlNtryInf>"+made.Batch+"</AddtlNtryInf>")
	if got := o.settle(camt(debit)); got.Settled != 25 || got.Problems != 0 {
		t.Errorf("bulk debit: %+v", got)
	}
	back := entry("back-1", "CRDT", 500_000, fmt.Sprintf(`<NtryDtls><TxDtls><Refs><EndToEndId>%s</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>`, ids[5]))
	unknown := entry("back-2", "CRDT", 1, `<NtryDtls><TxDtls><Refs><EndToEndId>o2610-nobody</EndToEndId></Refs></TxDtls></NtryDtls>`)
	o.received(camt(debit, back))
	if got := o.settle(camt(debit, back, unknown)); got.Known != 25 || got.Returned != 1 || got.Problems != 1 {
		t.Errorf("a return: %+v", got)
	}
	results := "Mã chi trả,Mã lô,Số tiền,Trạng thái,Lý do\n"
	for i, id := range ids {
		state := "Thành công"
		if i < 2 {
			state = "Thất bại"
		}
		results += fmt.Sprintf("%s,%s,500.000,%s,Sai số tài khoản\n", id, made.Batch, state)
	}
	if got := o.settle(results); got.Known != 27 || got.Settled+got.Returned+got.Problems != 0 {
		t.Errorf("the same by sheet: %+v", got)
	}
	if got := o.settle(report); got.Known != 2 {
		t.Errorf("the report again: %+v", got)
	}

	// One that was rejected goes out again, in a batch of its own; the other is
	// handed over in cash, with the three that were ordered so.
	o.publish(o.fact("cash1", "benefit.paid_in_cash", fmt.Sprintf(`"amount":"500000","currency":"VND","payout":%q,"pay_point":"dong-van"`, ids[1])))
	second, next, err := o.export(payouts.Export{Returned: true})
	o.must(err)
	sent := between(string(second), "<EndToEndId>", "</EndToEndId>")
	if !next.New || next.Batch == made.Batch || len(sent) != 2 || !slices.Contains(sent, ids[0]) || !slices.Contains(sent, ids[5]) {
		t.Errorf("%+v %v", next, sent)
	}
	if got := o.settle(report); got.Late+got.Known != 2 || got.Returned != 0 {
		t.Errorf("a late report of the first batch takes a payout out of the second: %+v", got)
	}
	_, err = o.as("cli").Submit(ctx, bytes.NewReader(second))
	o.must(err)
	if got := o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Trạng thái\n%s,%s,Thành công\n", ids[0], next.Batch)); got.Settled != 1 {
		t.Errorf("the second time: %+v", got)
	}

	s := o.status()
	if s.Entitled != 30 || s.PaidAccount != 25 || s.PaidCash != 1 || s.Amounts["paid_account"] != "12500000" || s.Rate == nil || *s.Rate != "83.3" {
		t.Errorf("%+v %v", s, *s.Rate)
	}
	if len(o.trail) == 0 || o.trail[0].Action != identity.Unsealed || o.trail[0].Object != made.Batch {
		t.Errorf("who opened what: %+v", o.trail)
	}
	audit, err := o.s.Verify(ctx, false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Fatalf("%v %+v", err, audit)
	}
	o.must(o.s.RebuildProjection(ctx, "lists"))
	if b, _, err := o.export(payouts.Export{Batch: made.Batch}); err != nil || !bytes.Equal(b, file) {
		t.Error("after a rebuild the file is another", err)
	}
}

func between(text, from, to string) (found []string) {
	for {
		_, rest, ok := strings.Cut(text, from)
		if !ok {
			return found
		}
		one, rest, _ := strings.Cut(rest, to)
		found, text = append(found, one), rest
	}
}

const pain002 = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-10-05T10:00:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>%[1]s</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>%[1]s</OrgnlPmtInfId>
<TxInfAndSts><OrgnlEndToEndId>%[2]s</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>%[3]s</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>
</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`

func entry(ref, direction string, amount int64, more string) string {
	return fmt.Sprintf(`<Ntry><Amt Ccy="VND">%d</Amt><CdtDbtInd>%s</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-10-05</Dt></BookgDt><AcctSvcrRef>REFERENCE-%s</AcctSvcrRef><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>%s</Ntry>`, amount, direction, ref, more)
}

func camt(entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-10-05T10:00:00</CreDtTm></GrpHdr><Ntfctn><Id>N1</Id><CreDtTm>2026-10-05T10:00:00</CreDtTm><Acct><Id><Othr><Id>8800201000001</Id></Othr></Id></Acct>` +
		strings.Join(entries, "") + `</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`
}

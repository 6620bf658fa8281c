package payouts_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/internal/payouts"
	"socho/internal/readmodel"
)

// transfer is what the bank knows of one line of a file it was given.
type transfer struct {
	batch, payout string
	amount        int64
	state         string // waiting, carried, rejected, back
	reported      bool
	onLine        bool // the bank has named its line
}

// funding is a fund's month beside a bank that does what it is told, once a file,
// and answers in any order, late and twice.
type funding struct {
	*office
	entitled  map[string]int64 // payouts' amounts
	drawn     int              // lists
	files     map[string][]byte
	given     map[string]bool // batches
	transfers []*transfer
	answers   []string // files of results, to be given again
	entries   int
}

// TestRandomMonths: whatever order a month takes, with restarts between, nobody
// gets more than they are entitled to, and what has left is what the ledger says
// was settled and is open.
func TestRandomMonths(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", "6"); err != nil {
			t.Fatal(err)
		}
	}
	o := openOffice(t)
	funds := 0
	rapid.Check(t, func(r *rapid.T) {
		funds++
		o.fund = fmt.Sprintf("hg-quy-%d", funds)
		m := &funding{office: o, entitled: map[string]int64{}, files: map[string][]byte{}, given: map[string]bool{}}
		o.begin()
		m.list(r)
		r.Repeat(map[string]func(*rapid.T){
			"list":     m.list,
			"export":   m.export,
			"again":    m.exportAgain,
			"reissue":  m.reissue,
			"submit":   m.submit,
			"carry":    m.carry,
			"answer":   m.answer,
			"repeat":   m.repeat,
			"sendback": m.sendBack,
			"confirm":  m.confirm,
			"restart": func(r *rapid.T) {
				if rapid.IntRange(0, 4).Draw(r, "really") == 0 {
					o.restart()
				}
			},
			"": m.check,
		})
		// The month ends, whatever came before: everything goes out and is answered,
		// something comes back and goes out again.
		for _, last := range []func(*rapid.T){m.export, m.sendBack, m.reissue} {
			last(r)
			for b := range m.files {
				m.given[b] = true
				_, err := m.as("cli").Submit(t.Context(), bytes.NewReader(m.files[b]))
				m.must(err)
			}
			m.carry(r)
			m.tell(r, true)
			m.confirm(r)
			m.check(r)
		}
		m.agree(r)
	})
}

// begin registers the office's fund, lets its people work there, and fills it.
func (o *office) begin() {
	o.t.Helper()
	o.publish(o.fact("org", "organization.registered", `"kind":"fund","name":"Quỹ","unit":"02","bank_bin":"970405","account":"8800201000001"`))
	o.grant(1_000_000_000)
	o.allow()
}

func (m *funding) list(r *rapid.T) {
	if m.drawn == 3 {
		return
	}
	m.drawn++
	kind, amount := []string{"hằng tháng", "truy lĩnh", "một lần"}[m.drawn-1], int64(m.drawn)*100_000
	n := rapid.IntRange(2, 6).Draw(r, "persons")
	text := "CCCD,Họ tên,Mã xã,Số tiền,Loại,Ngân hàng,Số tài khoản\n"
	for i := range n {
		text += fmt.Sprintf("0020010000%02d,Mẫu,00721,%d,%s,970405,88000%d\n", i, amount, kind, i)
	}
	f, err := payouts.ReadList(strings.NewReader(text), payouts.Month{Organization: m.fund, Programme: "monthly", Period: month, List: fmt.Sprintf("list-%d", m.drawn)}, m.key)
	m.must(err)
	for range rapid.IntRange(1, 2).Draw(r, "times") {
		_, err := m.as("lan").Import(m.t.Context(), f)
		m.must(err)
	}
	shown, err := m.as("lan").Show(m.t.Context(), m.fund, f.List)
	m.must(err)
	m.must(m.as("lan").Propose(m.t.Context(), m.fund, shown))
	_, err = m.as("hoa").Approve(m.t.Context(), m.fund, shown)
	m.must(err)
	for _, row := range f.Rows {
		m.entitled[row.Payout] = row.Amount
	}
}

func (m *funding) take(r *rapid.T, e payouts.Export) {
	file, done, err := m.office.export(e)
	if errors.Is(err, payouts.ErrNothing) {
		return
	}
	m.must(err)
	if before, ok := m.files[done.Batch]; ok {
		if !bytes.Equal(before, file) {
			r.Fatalf("batch %s is two files", done.Batch)
		}
		return
	}
	m.files[done.Batch] = file
	amounts := between(string(file), `<InstdAmt Ccy="VND">`, "<")
	for i, id := range between(string(file), "<EndToEndId>", "<") {
		var amount int64
		fmt.Sscan(amounts[i], &amount) //nolint:errcheck // the sum below shows it
		m.transfers = append(m.transfers, &transfer{batch: done.Batch, payout: id, amount: amount, state: "waiting"})
	}
}

func (m *funding) export(r *rapid.T)  { m.take(r, payouts.Export{}) }
func (m *funding) reissue(r *rapid.T) { m.take(r, payouts.Export{Returned: true}) }

func (m *funding) exportAgain(r *rapid.T) {
	if len(m.files) == 0 {
		return
	}
	m.take(r, payouts.Export{Batch: m.batch(r)})
}

func (m *funding) batch(r *rapid.T) string {
	var all []string
	for b := range m.files {
		all = append(all, b)
	}
	slices.Sort(all)
	return rapid.SampledFrom(all).Draw(r, "batch")
}

func (m *funding) submit(r *rapid.T) {
	if len(m.files) == 0 {
		return
	}
	b := m.batch(r)
	_, err := m.as("cli").Submit(m.t.Context(), bytes.NewReader(m.files[b]))
	m.must(err)
	m.given[b] = true
}

// carry has the bank do what some lines of files say.
func (m *funding) carry(r *rapid.T) {
	for _, x := range m.transfers {
		if x.state == "waiting" && m.given[x.batch] {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0, 1:
				x.state = "carried"
			case 2:
				x.state = "rejected"
			}
		}
	}
}

func (m *funding) answer(r *rapid.T) { m.tell(r, false) }

// tell has the bank answer for some or all of what it did: by a sheet, or by a
// statement and a sheet of what it rejected.
func (m *funding) tell(r *rapid.T, all bool) {
	sheet, lines := "Mã chi trả,Mã lô,Số tiền,Trạng thái\n", []string{}
	statement := rapid.Bool().Draw(r, "statement")
	for _, x := range m.transfers {
		if x.reported || x.state != "carried" && x.state != "rejected" || !all && !rapid.Bool().Draw(r, "this one") {
			continue
		}
		x.reported = true
		switch {
		case x.state == "rejected":
			sheet += fmt.Sprintf("%s,%s,%d,Thất bại\n", x.payout, x.batch, x.amount)
		case statement:
			m.entries++
			x.onLine = true
			lines = append(lines, entry(fmt.Sprint(m.entries), "DBIT", x.amount, "<NtryDtls><TxDtls><Refs><EndToEndId>"+x.payout+"</EndToEndId></Refs></TxDtls></NtryDtls>"))
		default:
			sheet += fmt.Sprintf("%s,%s,,Thành công\n", x.payout, x.batch)
		}
	}
	for _, text := range []string{sheet, camt(lines...)} {
		if text == camt() || text == "Mã chi trả,Mã lô,Số tiền,Trạng thái\n" {
			continue
		}
		if text != sheet {
			m.received(text)
		}
		if got := m.settle(text); got.Problems != 0 || len(got.Refused) != 0 {
			r.Fatalf("%+v", got)
		}
		m.answers = append(m.answers, text)
	}
}

// repeat gives an old file of results again: nothing may come of it.
func (m *funding) repeat(r *rapid.T) {
	if len(m.answers) == 0 {
		return
	}
	if got := m.settle(rapid.SampledFrom(m.answers).Draw(r, "answer")); got.Settled != 0 || got.Returned != 0 {
		r.Fatalf("an answer again: %+v", got)
	}
}

// confirm has the statement show what a sheet said was carried out: the same money.
func (m *funding) confirm(r *rapid.T) {
	var lines []string
	for _, x := range m.transfers {
		if x.state == "carried" && x.reported && !x.onLine {
			m.entries++
			x.onLine = true
			lines = append(lines, entry(fmt.Sprint(m.entries), "DBIT", x.amount, "<NtryDtls><TxDtls><Refs><EndToEndId>"+x.payout+"</EndToEndId></Refs></TxDtls></NtryDtls>"))
		}
	}
	if len(lines) == 0 {
		return
	}
	m.received(camt(lines...))
	if got := m.settle(camt(lines...)); got.Settled != 0 || got.Known != len(lines) {
		r.Fatalf("the statement's lines for what a sheet had said: %+v", got)
	}
}

// sendBack has money come back that the bank has said it carried out.
func (m *funding) sendBack(r *rapid.T) {
	for _, x := range m.transfers {
		if x.state == "carried" && x.reported && rapid.IntRange(0, 3).Draw(r, "back") == 0 {
			m.entries++
			text := camt(entry(fmt.Sprint(m.entries), "CRDT", x.amount, "<NtryDtls><TxDtls><Refs><EndToEndId>"+x.payout+"</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>"))
			m.received(text)
			if got := m.settle(text); got.Returned != 1 {
				r.Fatalf("%+v", got)
			}
			x.state = "back"
			m.answers = append(m.answers, text)
			return
		}
	}
}

// check is of the bank alone: whatever files it holds or may still be given, nobody
// can get more than they are entitled to.
func (m *funding) check(r *rapid.T) {
	sums := map[string]int64{}
	for _, x := range m.transfers {
		if x.state == "waiting" || x.state == "carried" {
			sums[x.payout] += x.amount
		}
	}
	for payout, sum := range sums {
		if sum > m.entitled[payout] {
			r.Fatalf("payout %s: %d has left or can leave, %d is entitled", payout, sum, m.entitled[payout])
		}
	}
}

// agree compares the ledger with the bank, once the bank has answered.
func (m *funding) agree(r *rapid.T) {
	m.caughtUp()
	left, open := map[string]int64{}, map[string]int64{}
	for _, x := range m.transfers {
		switch x.state {
		case "carried":
			left[x.payout] += x.amount
		case "waiting":
			open[x.payout] += x.amount
		}
	}
	p := readmodel.Page{Limit: readmodel.MaxLimit}
	all, _, err := m.s.Read.Payouts(m.t.Context(), m.fund, readmodel.PayoutFilter{}, p)
	m.must(err)
	if len(all) != len(m.entitled) {
		r.Fatalf("%d payouts of %d are ordered", len(all), len(m.entitled))
	}
	for _, o := range all {
		if o.Settled-o.CameBack != left[o.Payout] || o.Clearing != open[o.Payout] || o.Recoverable != 0 || o.Settled-o.CameBack+o.Clearing+o.Payable+o.Returned != m.entitled[o.Payout] {
			r.Fatalf("payout %s: the bank carried %d out and has %d open, the ledger says %+v", o.Payout, left[o.Payout], open[o.Payout], o)
		}
	}
}

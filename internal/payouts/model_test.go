package payouts_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/internal/payouts"
)

// transfer is what the bank knows of one line of a file it was given.
type transfer struct {
	batch, payout string
	amount        int64
	state         string // waiting, carried, rejected, back, cancelled
	reported      bool
	onLine        bool // the bank has named its line
}

// funding is a fund's month beside a bank that does what it is told, once a file,
// and answers in any order, late and twice; and beside pay points whose telephones
// are at times without network.
type funding struct {
	*office
	rows      map[string]payouts.Row // by payout, as lists have them
	root      map[string]string      // payout → the one that it was issued for at first
	half      map[string]bool        // persons of lists that were withdrawn while half of them was there
	lists     []string               // that may be approved
	drawn     int                    // lists
	files     map[string][]byte
	given     map[string]bool // batches
	transfers []*transfer
	answers   []string // files of results, to be given again
	entries   int
	cash      []*handed
	kept      []due        // the pay point's page as a telephone keeps it
	pending   []unfinished // acts whose process has died
}

// TestRandomMonths: whatever order a month takes, wherever processes die, nobody
// gets more than they are entitled to, and what has left is what the ledger says
// was settled and is open.
func TestRandomMonths(t *testing.T) {
	checks(t, 6)
	o := openOffice(t)
	funds := 0
	rapid.Check(t, func(r *rapid.T) {
		funds++
		o.fund = fmt.Sprintf("hg-quy-%d", funds)
		m := &funding{office: o, rows: map[string]payouts.Row{}, root: map[string]string{}, half: map[string]bool{}, files: map[string][]byte{}, given: map[string]bool{}}
		o.begin()
		m.list(r)
		m.approve(r)
		r.Repeat(map[string]func(*rapid.T){
			"list":     m.list,
			"approve":  m.approve,
			"withdraw": m.withdraw,
			"export":   m.export,
			"again":    m.exportAgain,
			"resend":   m.resend,
			"reissue":  m.reissue,
			"cancel":   m.cancel,
			"submit":   m.submit,
			"carry":    m.carry,
			"answer":   m.answer,
			"repeat":   m.repeat,
			"sendback": m.sendBack,
			"confirm":  m.confirm,
			"counter":  m.counter,
			"leave":    m.leave,
			"handover": m.handOver,
			"sync":     m.sync,
			"resume":   m.resume,
			"restart": func(r *rapid.T) {
				if rapid.IntRange(0, 4).Draw(r, "really") == 0 {
					o.restart()
				}
			},
			"": m.check,
		})
		// The month ends, whatever came before: what was begun is completed, everything
		// goes out and is answered, something comes back and goes out again.
		m.finish(r)
		m.approve(r)
		m.sync(r)
		for _, last := range []func(*rapid.T){m.export, m.sendBack, m.resend} {
			last(r)
			m.finish(r)
			for _, b := range slices.Sorted(maps.Keys(m.files)) {
				m.give(b)
			}
			m.carry(r)
			m.tell(r, true)
			m.confirm(r)
			m.finish(r)
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

// list draws a list up. Some of it may stand on another one: then it stays there.
func (m *funding) list(r *rapid.T) {
	if m.drawn == 5 {
		return
	}
	m.drawn++
	kind := rapid.IntRange(0, 2).Draw(r, "kind")
	amount := int64(kind+1) * 100_000
	text := "CCCD,Họ tên,Mã xã,Số tiền,Loại,Ngân hàng,Số tài khoản\n"
	for i := range rapid.IntRange(2, 6).Draw(r, "persons") {
		where := fmt.Sprintf("970405,88000%d", i)
		if i%3 == 2 {
			where = "," // in cash
		}
		text += fmt.Sprintf("0020010000%02d,Mẫu,00721,%d,%s,%s\n", i, amount, []string{"hằng tháng", "truy lĩnh", "một lần"}[kind], where)
	}
	f, err := payouts.ReadList(strings.NewReader(text), payouts.Month{Organization: m.fund, Programme: "monthly", Period: month, List: fmt.Sprintf("list-%d", m.drawn)}, m.key)
	m.must(err)
	m.try(r, "lan", func(p *payouts.Process) error {
		for range rapid.IntRange(1, 2).Draw(r, "times") {
			_, err := p.Import(m.t.Context(), f)
			if errors.Is(err, payouts.ErrWithdrawn) {
				// While half of it was there: what it entitles its persons to stays said,
				// and nothing is ordered by it.
				for _, row := range f.Rows {
					m.half[row.Person] = true
				}
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, func() {
		m.lists = append(m.lists, f.List)
		for _, row := range f.Rows {
			m.rows[row.Payout], m.root[row.Payout] = row, row.Payout
		}
	})
}

// approve has one person propose lists and another one approve them.
func (m *funding) approve(r *rapid.T) {
	waiting := m.lists
	m.lists = nil
	for _, list := range waiting {
		m.try(r, "lan", func(p *payouts.Process) error {
			m.caughtUp()
			l, err := p.List(m.t.Context(), m.fund, list)
			if err != nil || l.Count == 0 || l.State != "open" && l.State != "proposed" {
				return err
			}
			shown, err := l.Shown()
			if err == nil && l.State == "open" {
				err = p.Propose(m.t.Context(), m.fund, shown)
			}
			if err != nil {
				return err
			}
			hoa := m.as("hoa")
			hoa.Service = p.Service
			_, err = hoa.Approve(m.t.Context(), m.fund, shown)
			return err
		}, func() {})
	}
}

// withdraw takes a list back, at any time.
func (m *funding) withdraw(r *rapid.T) {
	list := fmt.Sprintf("list-%d", rapid.IntRange(1, 5).Draw(r, "list"))
	m.try(r, "hoa", func(p *payouts.Process) error {
		err := p.Withdraw(m.t.Context(), m.fund, list, "mistake")
		if c := code(err); c == "list_unknown" || c == "list_withdrawn" {
			return nil
		}
		return err
	}, func() {})
}

// take makes a batch of what waits, or writes one again.
func (m *funding) take(r *rapid.T, e payouts.Export) {
	m.try(r, "cli", func(p *payouts.Process) error {
		file, done, err := m.exportBy(p, e)
		if errors.Is(err, payouts.ErrNothing) {
			return nil
		}
		if err != nil {
			return err
		}
		if before, ok := m.files[done.Batch]; ok {
			if !bytes.Equal(before, file) {
				r.Fatalf("batch %s is two files", done.Batch)
			}
			return nil
		}
		m.files[done.Batch] = file
		amounts := between(string(file), `<InstdAmt Ccy="VND">`, "<")
		for i, id := range between(string(file), "<EndToEndId>", "<") {
			var amount int64
			fmt.Sscan(amounts[i], &amount) //nolint:errcheck // the sum below shows it
			m.transfers = append(m.transfers, &transfer{batch: done.Batch, payout: id, amount: amount, state: "waiting"})
		}
		return nil
	}, func() {})
}

func (m *funding) export(r *rapid.T) { m.take(r, payouts.Export{}) }
func (m *funding) resend(r *rapid.T) { m.take(r, payouts.Export{Returned: true}) }

func (m *funding) exportAgain(r *rapid.T) {
	if b := m.batch(r); b != "" && m.state(b) != "cancelled" {
		m.take(r, payouts.Export{Batch: b})
	}
}

// batch is one that there is a file of; "" where there is none yet.
func (m *funding) batch(r *rapid.T) string {
	all := slices.Sorted(maps.Keys(m.files))
	if len(all) == 0 {
		return ""
	}
	return rapid.SampledFrom(all).Draw(r, "batch")
}

func (m *funding) state(batch string) string {
	b, err := m.as("cli").Batch(m.t.Context(), m.fund, batch)
	m.must(err)
	return b.State
}

func (m *funding) submit(r *rapid.T) {
	if b := m.batch(r); b != "" {
		m.give(b)
	}
}

// give hands a file to the bank, which takes what the ledger let go.
func (m *funding) give(b string) {
	_, err := m.as("cli").Submit(m.t.Context(), bytes.NewReader(m.files[b]))
	if code(err) == "batch_cancelled" {
		return
	}
	m.must(err)
	m.given[b] = true
}

// cancel takes a batch back that the bank has not had.
func (m *funding) cancel(r *rapid.T) {
	b := m.batch(r)
	if b == "" {
		return
	}
	m.try(r, "cli", func(p *payouts.Process) error {
		_, err := p.Cancel(m.t.Context(), m.fund, b, "wrong_day")
		if code(err) == "batch_submitted" {
			return nil
		}
		if err == nil {
			for _, x := range m.transfers {
				if x.batch == b {
					x.state = "cancelled"
				}
			}
		}
		return err
	}, func() {})
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

const sheetHead = "Mã chi trả,Mã lô,Số tiền,Trạng thái\n"

func debit(n int, x *transfer) string {
	return entry(fmt.Sprint(n), "DBIT", x.amount, "<NtryDtls><TxDtls><Refs><EndToEndId>"+x.payout+"</EndToEndId></Refs></TxDtls></NtryDtls>")
}

// tell has the bank answer for some or all of what it did: by a sheet, or by a
// statement and a sheet of what it rejected.
func (m *funding) tell(r *rapid.T, all bool) {
	sheet, lines := sheetHead, []string{}
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
			lines = append(lines, debit(m.entries, x))
		default:
			sheet += fmt.Sprintf("%s,%s,,Thành công\n", x.payout, x.batch)
		}
	}
	for _, text := range []string{sheet, camt(lines...)} {
		if text != camt() && text != sheetHead {
			m.hear(r, text, func(got *payouts.Settled) string {
				if got.Problems != 0 || len(got.Refused) != 0 {
					return "refused, or not understood"
				}
				return ""
			})
		}
	}
}

// hear takes a file of results, and a statement's lines before it.
func (m *funding) hear(r *rapid.T, text string, wrong func(*payouts.Settled) string) {
	if strings.HasPrefix(text, "<") {
		m.received(text)
	}
	died := false
	m.try(r, "cli", func(p *payouts.Process) error {
		got, err := p.Settle(m.t.Context(), strings.NewReader(text), payouts.Results{Organization: m.fund})
		died = died || err != nil
		if err == nil && !died { // else some of it is known from before
			if problem := wrong(got); problem != "" {
				r.Fatalf("%s: %+v", problem, got)
			}
		}
		return err
	}, func() { m.answers = append(m.answers, text) })
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
		if x.state == "carried" && x.reported && !x.onLine && len(m.pending) == 0 {
			m.entries++
			x.onLine = true
			lines = append(lines, debit(m.entries, x))
		}
	}
	if len(lines) == 0 {
		return
	}
	m.hear(r, camt(lines...), func(got *payouts.Settled) string {
		if got.Settled != 0 || got.Known != len(lines) {
			return "the statement's lines for what a sheet had said"
		}
		return ""
	})
}

// sendBack has money come back that the bank has said it carried out.
func (m *funding) sendBack(r *rapid.T) {
	for _, x := range m.transfers {
		if x.state == "carried" && x.reported && len(m.pending) == 0 && rapid.IntRange(0, 3).Draw(r, "back") == 0 {
			m.entries++
			x.state = "back"
			m.hear(r, camt(entry(fmt.Sprint(m.entries), "CRDT", x.amount, "<NtryDtls><TxDtls><Refs><EndToEndId>"+x.payout+"</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>")),
				func(got *payouts.Settled) string {
					if got.Returned != 1 {
						return "money that came back"
					}
					return ""
				})
			return
		}
	}
}

// reissue puts what came back, whole, on a list under a new id.
func (m *funding) reissue(r *rapid.T) {
	var back []string
	for _, o := range m.payouts() {
		if o.Returned > 0 && o.Returned == m.rows[o.Payout].Amount && o.Clearing+o.Payable == 0 {
			back = append(back, o.Payout)
		}
	}
	if len(back) == 0 {
		return
	}
	slices.Sort(back)
	again := payouts.Reissue{Organization: m.fund, Payout: rapid.SampledFrom(back).Draw(r, "payout"), Method: "cash"}
	if rapid.Bool().Draw(r, "account") {
		again.Method, again.BIN, again.Account, again.AccountName = "account", "970436", "0011009999999", "Mẫu"
	}
	m.try(r, "lan", func(p *payouts.Process) error {
		done, err := p.Reissue(m.t.Context(), again)
		var notBack *payouts.NotBackError
		if errors.As(err, &notBack) || code(err) == "in_batch" || code(err) == "limit_exceeded" {
			return nil // paid in cash or sent out since it was begun, or the bank may still have its file
		}
		if err != nil {
			return err
		}
		row := m.rows[again.Payout]
		row.Payout = done.Payout
		m.rows[done.Payout], m.root[done.Payout] = row, m.root[again.Payout]
		if !slices.Contains(m.lists, done.List) {
			m.lists = append(m.lists, done.List)
		}
		return nil
	}, func() {})
}

// check is of what the bank holds or may still be given, and what pay points have
// told: nobody can get more than they are entitled to but by what the ledger has
// marked. And money out is what was settled and is open, by payout, once nothing is
// half done.
func (m *funding) check(r *rapid.T) {
	out, instructed, cash, marked := map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, x := range m.transfers {
		if x.state == "waiting" || x.state == "carried" {
			out[m.root[x.payout]] += x.amount
		}
		if x.state == "waiting" || x.state == "carried" || x.state == "rejected" && !x.reported {
			instructed[x.payout] += x.amount
		}
	}
	for _, h := range m.cash {
		if h.told {
			out[m.root[h.payout]] += h.amount
			cash[h.payout] += h.amount
			if h.marked {
				marked[m.root[h.payout]] += h.amount
			}
		}
	}
	for root, sum := range out {
		if sum > m.rows[root].Amount+marked[root] {
			r.Fatalf("payout %s: %d has left or can leave, of %d", root, sum, m.rows[root].Amount)
		}
	}
	if len(m.pending) > 0 {
		return
	}
	for _, o := range m.payouts() {
		if o.PaidCash != cash[o.Payout] {
			r.Fatalf("payout %s: %d was handed over, the ledger says %+v", o.Payout, cash[o.Payout], o)
		}
		if o.Settled-o.CameBack+o.Clearing != instructed[o.Payout] && marked[m.root[o.Payout]] == 0 {
			r.Fatalf("payout %s: %d has left or is on its way, the ledger says %+v", o.Payout, instructed[o.Payout], o)
		}
		if o.Recoverable != 0 && marked[m.root[o.Payout]] == 0 {
			r.Fatalf("payout %s is to be recovered, and nobody was paid twice: %+v", o.Payout, o)
		}
	}
}

// agree compares the ledger with the bank and the pay points, once all is answered.
func (m *funding) agree(r *rapid.T) {
	left, persons := map[string]int64{}, map[string]int64{}
	for _, x := range m.transfers {
		if x.state == "carried" {
			left[x.payout] += x.amount
		}
	}
	for _, h := range m.cash {
		left[h.payout] += h.amount
	}
	recoverable, standing, counted := map[string]int64{}, map[string]int64{}, map[string]bool{}
	for _, o := range m.payouts() {
		if o.Settled-o.CameBack+o.PaidCash != left[o.Payout] {
			r.Fatalf("payout %s: %d has reached somebody, the ledger says %+v", o.Payout, left[o.Payout], o)
		}
		person := m.rows[o.Payout].Person
		persons[person] += left[o.Payout]
		recoverable[person] += o.Recoverable
	}
	for _, l := range m.allLists() {
		entries, err := m.as("cli").Entries(m.t.Context(), m.fund, l.List, -1, 100)
		m.must(err)
		for _, e := range entries {
			old, err := m.s.Read.Payout(m.t.Context(), m.fund, e.Payout)
			if (err == nil && old.Ordered > 0 || err != nil && l.State != "withdrawn") && !counted[e.Payout] {
				standing[e.Person] += e.Amount // once, also where it was on a list before that was withdrawn
				counted[e.Payout] = true
			}
		}
	}
	for person, sum := range persons {
		said, err := m.s.Read.EntitlementOf(m.t.Context(), m.fund, person, "monthly", month)
		m.must(err)
		if sum > standing[person]+recoverable[person] {
			r.Fatalf("%s got %d, of which %d is to be recovered; lists say %d", person, sum, recoverable[person], standing[person])
		}
		if said.Amount > standing[person] && !m.half[person] {
			r.Fatalf("%s is entitled to %d; lists say %d", person, said.Amount, standing[person])
		}
	}
	audit, err := m.s.Verify(m.t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		r.Fatalf("%v %+v", err, audit)
	}
}

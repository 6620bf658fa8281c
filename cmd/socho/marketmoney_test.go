package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"socho/bank"
	"socho/internal/money"
	"socho/internal/refcode"
)

// Payers pay in one of these ways, twenty to a round. What is said of the machine is
// what it may do without a person.
const (
	byCode      = 0  // to 5: the code, on the statement alone
	byCodeTwice = 6  // to 8: the code, by webhook and statement
	byCodeNoRef = 9  // the same, and the bank prints no reference
	byNoCode    = 10 // words alone, the same for all, on one day, by webhook and statement
	byNearMiss  = 11 // a code with one wrong character
	forTwo      = 12 // two codes: her own, and the next one's
	byNeighbour = 13
	inParts     = 14 // a part by code, the rest in cash
	tooMuch     = 15
	doubly      = 16 // pays the same code again some days later
	cashOne     = 17
	cashTwo     = 18
	notAtAll    = 19
	payers      = 20
)

// movement is a line of the bank's statement, with the truth about it.
type movement struct {
	on, ref, content string
	amount           int64
	hook             bool             // a webhook tells of it first
	line             string           // its id on the log
	bills            map[string]int64 // what it was meant for
}

// statement is what the bank prints.
type statement struct {
	rows    []*movement
	balance int64
}

// pay draws who pays in which way. Everybody pays the month before by code, but for
// those who pay the next month doubly or not at all.
func (m *market) pay() {
	draw := rand.New(rand.NewPCG(20, 26))
	order := draw.Perm(len(m.stalls))
	for place, i := range order {
		m.stalls[i].kind = place % payers
		if place == byCode {
			m.away = m.stalls[i]
		}
	}
	m.statement.balance = marketOpening
}

// of lists the stalls that pay in a way.
func (m *market) of(kinds ...int) (some []*marketStall) {
	for _, s := range m.stalls {
		for _, kind := range kinds {
			if s.kind == kind {
				some = append(some, s)
			}
		}
	}
	return some
}

// moves adds a movement to the statement.
func (m *market) moves(on, ref, content string, amount int64, bills map[string]int64) *movement {
	l := &movement{on: on, ref: ref, content: content, amount: amount, bills: bills}
	m.statement.rows, m.lines = append(m.statement.rows, l), append(m.lines, l)
	return l
}

// csv prints rows of the statement, from a day on.
func (st *statement) csv(from string) []byte {
	balance := int64(marketOpening)
	var b strings.Builder
	fmt.Fprintf(&b, "SAO KÊ TÀI KHOẢN,,,,,\nSố tài khoản: %s,,,,,\nNgày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Số dư,Diễn giải\n", marketAccount)
	for _, l := range st.rows {
		balance += l.amount
		if l.on < from {
			continue
		}
		debit, credit := "", strconv.FormatInt(l.amount, 10)
		if l.amount < 0 {
			debit, credit = strconv.FormatInt(-l.amount, 10), ""
		}
		day, err := time.Parse(time.DateOnly, l.on)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%d,%s\n", day.Format("02/01/2006"), l.ref, debit, credit, balance, l.content)
	}
	st.balance = balance
	return []byte(b.String())
}

// take hands a statement in at the desk, and says what became of it.
func (m *market) take(name string, from string, words ...string) {
	m.t.Helper()
	content := m.statement.csv(from)
	at := "/desk/" + marketOrg + "/statements"
	m.board.upload(at, "file", name, content)
	m.board.sees(at + "/")
	file := m.board.where
	m.board.post(file, "do", "take", "account", "", "opening", "yes")
	for until := time.Now().Add(2 * time.Minute); strings.Contains(m.board.body, "data-reload") && time.Now().Before(until); m.board.get(file) {
		time.Sleep(200 * time.Millisecond)
	}
	m.board.sees(file, words...)
	// Which line on the log is which row, as every reader of the file has it.
	ordinals := bank.NewOrdinals()
	row := 0
	for row < len(m.statement.rows) && m.statement.rows[row].on < from {
		row++
	}
	if _, err := bank.Parse(strings.NewReader(string(content)), bank.Options{Name: name}, func(e *bank.Entry) error {
		m.statement.rows[row].line = ordinals.ID(e)
		row++
		return nil
	}); err != nil || row != len(m.statement.rows) {
		m.t.Fatalf("%d of %d rows, %v", row, len(m.statement.rows), err)
	}
}

// moneyBefore is the month before: all alike, by code, on three days.
func (m *market) moneyBefore() {
	for i, s := range m.stalls {
		if s.kind == doubly || s.kind == notAtAll {
			continue
		}
		l := m.moves(m.before+"-"+[]string{"10", "11", "12"}[i%3], fmt.Sprintf("FT%s%08d", m.before[2:4], i), wrapped(i, s.old.code), 55_000, map[string]int64{s.old.id: 55_000})
		s.old.owed -= l.amount
	}
	m.moves(m.before+"-28", "", "THU PHI DICH VU NGAN HANG THANG", -11_000, nil)
	m.book["charges:bank"] = 11_000
	m.take("thang-truoc.csv", "", "đúng như sổ")
	m.sure()
}

// wrapped is a code as banks and people bring it along.
func wrapped(i int, code string) string {
	switch i % 5 {
	case 1:
		return fmt.Sprintf("MBVCB.%d.%s nop phi cho.CT tu 0021000123456 NGUOI BAN toi %s", 3_000_000_000+i, code, marketAccount)
	case 2:
		return "phi cho " + code[:4] + " " + code[4:] + " cam on"
	case 3:
		return strings.ToLower(code) + " tien cho"
	case 4:
		return "CT nhanh 247 den: " + code
	}
	return code
}

// moneyOf is the month itself: webhooks first, then a statement that has all of it
// and overlaps the one before.
func (m *market) moneyOf() {
	ref := 0
	reference := func() string { ref++; return fmt.Sprintf("FT%s%08d", m.period[2:4], 500_000+ref) }
	whole := func(s *marketStall) map[string]int64 { return map[string]int64{s.bill.id: s.bill.owed} }
	neighbours := m.of(byNeighbour)
	pairs := 0
	var again []func()
	for i, s := range m.stalls {
		on := m.day(5 + i%4)
		switch s.kind {
		case byNoCode:
			m.moves(m.day(7), "", "NOP TIEN CHO", s.bill.owed, whole(s)).hook = true
		case byNearMiss:
			m.moves(on, reference(), "nop "+m.missed(s.bill.code), s.bill.owed, whole(s))
		case forTwo:
			other := neighbours[pairs]
			pairs++
			m.moves(on, reference(), s.bill.code+" va "+other.bill.code, s.bill.owed+other.bill.owed, map[string]int64{s.bill.id: s.bill.owed, other.bill.id: other.bill.owed})
			other.bill.owed = 0
		case inParts:
			m.moves(on, reference(), wrapped(i, s.bill.code), 30_000, map[string]int64{s.bill.id: 30_000})
			s.bill.owed -= 30_000
			continue
		case tooMuch:
			m.moves(on, reference(), wrapped(i, s.bill.code), s.bill.owed+9_000, map[string]int64{s.bill.id: s.bill.owed, "credit of " + s.name: 9_000})
			m.book["stall:"+s.name+":credit"] -= 9_000
		case doubly:
			m.moves(on, reference(), s.bill.code, s.bill.owed, whole(s))
			// She owed for the month before, and has paid more than that: the rest is hers.
			amount, code := s.bill.owed, s.bill.code
			again = append(again, func() {
				m.moves(m.day(20), reference(), code, amount, map[string]int64{s.old.id: s.old.owed, "credit of " + s.name: amount - s.old.owed})
				m.book["stall:"+s.name+":credit"] -= amount - s.old.owed
				s.old.owed = 0
			})
		case cashOne, cashTwo, notAtAll, byNeighbour:
			continue
		default:
			l := m.moves(on, reference(), wrapped(i, s.bill.code), s.bill.owed, whole(s))
			if l.hook = s.kind >= byCodeTwice; s.kind == byCodeNoRef {
				l.ref = ""
			}
		}
		s.bill.owed = 0
	}
	sortRows(m.statement.rows)
	m.hooks()
	m.take("thang.csv", m.before+"-12", "đúng như sổ")
	for _, f := range again {
		f()
	}
	m.moves(m.day(21), reference(), "CK NHAM", 61_000, nil)               // a stranger's, who gets it back
	m.moves(m.day(22), reference(), "THUE BAI GUI XE", 500_000, nil)      // the market's own
	m.moves(m.day(23), reference(), "TRA LAI TIEN CK NHAM", -61_000, nil) // to the stranger
	m.moves(m.day(24), reference(), "TIEN DIEN CHO", -320_000, nil)
	m.moves(m.day(24), reference(), "MUA 2 VE CHO", 10_000, nil)
	m.take("thang-2.csv", m.day(7), "đúng như sổ")
	m.sure()
}

// sortRows brings rows into the order of their days, as a bank prints them.
func sortRows(rows []*movement) {
	for i := range rows {
		for j := i; j > 0 && rows[j].on < rows[j-1].on; j-- {
			rows[j], rows[j-1] = rows[j-1], rows[j]
		}
	}
}

// missed is a code with one wrong character, in which there is no code at all.
func (m *market) missed(code string) string {
	for _, c := range "23456789ABCDEFGHJKMNPQRSTVWXYZ" {
		if wrong := code[:7] + string(c) + code[8:]; wrong != code && len(refcode.Find("nop "+wrong)) == 0 {
			return wrong
		}
	}
	m.t.Fatal("no wrong code")
	return ""
}

// sure says what the machine must have placed by now: what carries one code of a bill
// that was open, and nothing else.
func (m *market) sure() {
	paid := map[string]bool{}
	for _, l := range m.lines {
		codes := refcode.Find(l.content)
		if len(codes) != 1 || paid[string(codes[0])] {
			continue
		}
		paid[string(codes[0])] = true
		for bill, amount := range l.bills {
			m.auto[l.line+"|"+bill] = amount
		}
	}
	for _, l := range m.lines {
		for bill, amount := range l.bills {
			m.placed[l.line+"|"+bill] = amount
		}
	}
}

// hooks sends the provider's messages, some of them twice.
func (m *market) hooks() {
	m.t.Helper()
	var made struct{ Secret string }
	if err := json.Unmarshal([]byte(m.command("secret", "--json", "webhook", "connect", "--org", marketOrg, "--provider", "sepay")), &made); err != nil {
		m.t.Fatal(err)
	}
	id := 1000
	for _, l := range m.statement.rows {
		if !l.hook {
			continue
		}
		id++
		body, err := json.Marshal(map[string]any{"id": id, "gateway": "Vietcombank", "transactionDate": l.on + " 09:30:00", "accountNumber": marketAccount, "content": l.content,
			"transferType": "in", "transferAmount": l.amount, "referenceCode": l.ref})
		if err != nil {
			m.t.Fatal(err)
		}
		for range 1 + id%2 {
			req, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, m.r.at+"/hooks/sepay/"+marketOrg, strings.NewReader(string(body)))
			if err != nil {
				m.t.Fatal(err)
			}
			req.Header.Set("Authorization", "Apikey "+made.Secret)
			res, err := m.r.client.Do(req)
			if err != nil {
				m.t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				m.t.Fatalf("a message of the bank: %d", res.StatusCode)
			}
		}
	}
}

// cash is what collectors take at the stalls, with a receipt each; one mistakes the
// stall, and takes that back.
func (m *market) cash() {
	for i, kinds := range [][]int{{inParts, cashOne}, {cashTwo}} {
		c := m.collectors[i]
		for n, s := range m.of(kinds...) {
			if m.screen != nil && n == 0 {
				m.takeOnScreen(c, s)
			} else {
				m.takeCash(c, s)
			}
			m.book["cash:collector:"+c.id] += s.bill.owed
			s.bill.owed = 0
		}
	}
	wrong, c := m.of(notAtAll)[0], m.collectors[0]
	fact := m.takeCash(c, wrong)
	m.collectors[1].post("/collect/"+marketOrg, "back", fact, "fact", newFact())
	if m.collectors[1].status != http.StatusForbidden {
		m.t.Errorf("another one takes it back: %d", m.collectors[1].status)
	}
	c.post("/collect/"+marketOrg, "back", fact, "fact", newFact())
	c.sees("/collect/"+marketOrg, "Đã hủy")
	c.get("/collect/" + marketOrg)
	c.sees("/collect/"+marketOrg, "Bạn đang giữ "+dongs(m.book["cash:collector:"+c.id]))
}

// takeCash takes what a stall owes for the month, pressing twice, and reads the
// receipt.
func (m *market) takeCash(c *caller, s *marketStall) (fact string) {
	m.t.Helper()
	fact = newFact()
	for range 2 {
		c.post("/collect/"+marketOrg, "bill", s.bill.id, "fact", fact, "amount", strconv.FormatInt(s.bill.owed, 10))
	}
	c.sees("/collect/"+marketOrg+"/taken/"+fact, dongs(s.bill.owed), money.InWords(s.bill.owed), s.name)
	c.get("/collect/" + marketOrg + "/paper/" + fact)
	if !strings.HasPrefix(c.body, "%PDF-") {
		m.t.Fatalf("the receipt is %.40q", c.body)
	}
	return fact
}

// tickets are handed out, sold for cash, and brought back.
func (m *market) tickets() {
	c, at := m.collectors[0], "/collect/"+marketOrg+"/tickets"
	m.board.post(at+"/new", "ticket_collector", c.id, "ticket_range", "T-01", "ticket_price", "5.000", "ticket_first", "1", "ticket_last", "100", "fact", newFact())
	m.board.sees(at, "Đã giao tập vé")
	for _, n := range []int64{30, 7} {
		c.post(at, "range", "T-01", "count", strconv.FormatInt(n, 10), "fact", newFact())
		c.sees(at, "Đã ghi vé bán được")
		m.book["cash:collector:"+c.id] += n * 5_000
		m.book["income:ticket"] -= n * 5_000
	}
	c.post(at+"/back", "range", "T-01", "count", "20", "fact", newFact())
	c.sees(at, "Đã ghi vé trả lại", "Còn lại 43")
}

// lastDay is when collectors bank what they hold; the first keeps some change.
func (m *market) lastDay() {
	for i, keep := range []int64{50_000, 0} {
		box := "cash:collector:" + m.collectors[i].id
		m.moves(m.today(), fmt.Sprintf("FT%s%08d", m.period[2:4], 900_000+i), "NOP TIEN MAT", m.book[box]-keep, nil)
		m.book[box] = keep
	}
	m.take("hom-nay.csv", m.day(24), "đúng như sổ")
	m.sure()
}

// desk does what is left for a person, who has asked the traders.
func (m *market) desk() {
	for _, l := range m.lines {
		at := "/lines/" + marketOrg + "/" + l.line
		own := func(more ...string) {
			m.t.Helper()
			m.board.post(at, append([]string{"id", newFact(), "amount", ""}, more...)...)
			m.board.sees(at, "Đã ghi")
		}
		switch l.content {
		case "CK NHAM":
			m.board.get(at)
			m.board.post(at, "do", "offset", "id", newFact(), "out", m.find("TRA LAI TIEN CK NHAM").line, "reason", "refund")
			m.board.sees(at)
			continue
		case "THUE BAI GUI XE":
			own("do", "explain", "purpose", "earned:parking")
			m.book["income:parking"] -= l.amount
			continue
		case "TIEN DIEN CHO":
			own("do", "explain", "purpose", "spent:electricity")
			m.book["expense:electricity"] -= l.amount
			continue
		case "MUA 2 VE CHO":
			own("do", "market", "use", "tickets", "range", "T-01")
			m.book["income:ticket"] -= l.amount
			continue
		}
		if strings.HasPrefix(l.content, "NOP TIEN MAT") {
			own("do", "market", "use", "banked", "collector", m.collectors[l.ref[len(l.ref)-1]-'0'].id)
			continue
		}
		pairs := []string{"do", "place"}
		for bill, amount := range l.bills {
			if m.auto[l.line+"|"+bill] != 0 || strings.HasPrefix(bill, "credit") {
				continue
			}
			if len(l.bills) == 2 && l.bills["credit of "+m.stallOf(bill)] > 0 {
				amount = l.amount // all of it, the rest is hers
			}
			pairs = append(pairs, "id", newFact(), "bill", bill, "amount", strconv.FormatInt(amount, 10))
		}
		if len(pairs) > 2 {
			m.board.post(at, pairs...)
			m.board.sees(at, "Đã xếp tiền vào phiếu")
		}
	}
	m.board.get("/desk/" + marketOrg)
	m.board.sees("/desk/" + marketOrg)
	held := m.book["cash:collector:"+m.collectors[0].id] + m.book["cash:collector:"+m.collectors[1].id]
	for _, c := range append(m.collectors[:], m.board) {
		c.get("/collect/" + marketOrg + "/cash")
		c.sees("/collect/"+marketOrg+"/cash", "đang giữ tất cả "+dongs(held))
	}
}

func (m *market) find(content string) *movement {
	for _, l := range m.lines {
		if l.content == content {
			return l
		}
	}
	m.t.Fatal(content)
	return nil
}

func (m *market) stallOf(bill string) string {
	for _, s := range m.stalls {
		if s.old.id == bill || s.bill.id == bill {
			return s.name
		}
	}
	return ""
}

// arrears are told apart by how long they have been due: at the month's end, what is
// left of the month before for one to two months, and of the month itself for days.
func (m *market) arrears() {
	var old, fresh int64
	for _, s := range m.stalls {
		old, fresh = old+s.old.owed, fresh+s.bill.owed
	}
	if old == 0 || fresh == 0 {
		m.t.Fatal("nobody owes anything")
	}
	at := "/office/" + marketOrg + "/arrears"
	m.board.get(at + "?on=" + m.day(28))
	m.board.sees(at, dongs(old+fresh), strings.TrimSuffix(dongs(old), " đ"), strings.TrimSuffix(dongs(fresh), " đ"))
	for _, row := range m.board.sheet("debts", "") {
		for _, s := range m.stalls {
			if row["Quầy"] == s.name && s.old.owed+s.bill.owed == 0 {
				m.t.Errorf("%s owes nothing, and is on the list", s.name)
			}
		}
	}
}

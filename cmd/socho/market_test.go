package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"socho/internal/devstack/testdb"
)

// caller is somebody at the pages of a service that runs, without a screen.
type caller struct {
	http.Client
	t           *testing.T
	at          string
	name, id    string
	status      int
	where, body string // of the last answer
}

const callerPassword = "chợ phiên Đồng Văn chủ nhật"

// hire makes an account by command, and has its owner come in by the link.
func hire(t *testing.T, r *running, data, name, grant string) *caller {
	t.Helper()
	code, out, log := command(t, "--data", data, "--json", "user", "add", name, "--grant", grant)
	var made struct{ ID, Link string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 {
		t.Fatal(code, err, log)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &caller{Client: http.Client{Jar: jar, Timeout: 2 * time.Minute}, t: t, at: r.at, name: name, id: made.ID}
	_, link, _ := strings.Cut(made.Link, "link=")
	o.get(made.Link)
	o.post("/welcome", "link", link, "password", callerPassword)
	o.sees("/me/second-factor")
	return o
}

func (o *caller) read(w *http.Response, err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	o.status, o.where, o.body = w.StatusCode, w.Request.URL.RequestURI(), string(b)
}

func (o *caller) get(path string) { o.t.Helper(); o.read(o.Get(o.at + path)) }

// post sends a form; pairs are names and values, a name as often as it is given.
func (o *caller) post(path string, pairs ...string) {
	o.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	o.read(o.PostForm(o.at+path, values))
}

// upload sends a form that has a file in it.
func (o *caller) upload(path, field, file string, content []byte, pairs ...string) {
	o.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			o.t.Fatal(err)
		}
	}
	if field != "" {
		part, err := form.CreateFormFile(field, file)
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		o.t.Fatal(err)
	}
	o.read(o.Client.Post(o.at+path, form.FormDataContentType(), &body))
}

var tags = regexp.MustCompile(`<[^>]*>`)

// sees checks where the last answer came from, and its words, however they are laid
// out.
func (o *caller) sees(where string, words ...string) {
	o.t.Helper()
	text := strings.Join(strings.Fields(strings.ReplaceAll(tags.ReplaceAllString(o.body, " "), "\u00a0", " ")), " ")
	if o.status != http.StatusOK || !strings.HasPrefix(o.where, where) {
		o.t.Fatalf("%s: %d at %s, want %s: %.1500s", o.name, o.status, o.where, where, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			o.t.Fatalf("%s at %s: no %q in %.3000s", o.name, o.where, w, text)
		}
	}
}

// field is the value of the first field of that name in the last answer.
func (o *caller) field(name string) string {
	o.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(o.body)
	if m == nil {
		o.t.Fatalf("%s at %s: no field %s", o.name, o.where, name)
	}
	return html.UnescapeString(m[1])
}

// sheet takes a sheet away as CSV.
func (o *caller) sheet(kind, period string) []map[string]string {
	o.t.Helper()
	o.post("/office/"+marketOrg+"/export", "kind", kind, "period", period, "format", "csv")
	o.sees("/office/" + marketOrg + "/export")
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(o.body, "\ufeff")))
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil {
		o.t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		one := map[string]string{}
		for i := range row {
			one[rows[0][i]] = row[i]
		}
		all = append(all, one)
	}
	return all
}

// newFact is the id that a form's hidden field carries.
func newFact() string { return uuid.Must(uuid.NewV7()).String() }

// dongs writes đồng as pages do.
func dongs(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "." + text[i:]
	}
	return text + " đ"
}

const (
	marketOrg     = "hg-cho-bon-tram"
	marketAccount = "0011000000400"
	marketOpening = 5_000_000
)

// TestMarket: a month at a market of stalls whose fees are all alike, through the
// pages of the service that runs.
func TestMarket(t *testing.T) {
	m := openMarket(t, 40)
	m.month()
}

// market is a market with the truth about every payment, which its author knows and
// the program does not.
type market struct {
	t          *testing.T
	data       string
	r          *running
	board      *caller
	collectors [2]*caller
	screen     *desk     // a browser, where the month is gone through in one
	now        time.Time // in Vietnam
	before     string    // the month before the one that is collected
	period     string    // the month that is collected
	stalls     []*marketStall
	away       *marketStall // whose trader is away through the month
	statement  statement
	book       map[string]int64 // what each account must hold in the end: debits less credits
	placed     map[string]int64 // line|bill: what must be placed there in the end
	auto       map[string]int64 // of placed, what the machine must place by itself
	lines      []*movement
}

// marketStall is a stall with its two bills.
type marketStall struct {
	name, person string
	kind         int // of payer, see payers
	old, bill    marketBill
}

type marketBill struct {
	id, code string
	owed     int64
}

// openMarket starts the service, and registers a market with stalls that are let,
// one that nobody holds, and one whose trader is away.
func openMarket(t *testing.T, stalls int) *market {
	m := &market{t: t, data: testdb.Dir(t), now: time.Now().In(time.FixedZone("ICT", 7*3600)), book: map[string]int64{}, placed: map[string]int64{}, auto: map[string]int64{}}
	month := m.now.AddDate(0, 0, -40)
	m.period = month.Format("2006-01")
	m.before = time.Date(month.Year(), month.Month(), 0, 0, 0, 0, 0, time.UTC).Format("2006-01")
	m.r = start(t, "--data", m.data, "run", "--addr", "127.0.0.1:0")
	var facts strings.Builder
	say := func(id, name, on, data string) {
		fmt.Fprintf(&facts, `{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"%sT08:00:00+07:00","data":{"effective_on":%q,%s}}`+"\n", id, name, marketOrg, on, on, data)
	}
	day := m.before + "-01"
	say("o", "organization.registered", day, `"kind":"market","name":"Chợ Bốn Trăm","unit":"00721","bank_bin":"970436","account":"`+marketAccount+`"`)
	for i := range stalls {
		s := &marketStall{name: fmt.Sprintf("A%03d", i+1), person: fmt.Sprintf("tr-%03d", i+1)}
		m.stalls = append(m.stalls, s)
		say("let-"+s.name, "market.stall_let", day, fmt.Sprintf(`"stall":%q,"person":%q,"personal":{"full_name":"Người Bán %d"}`, s.name, s.person, i+1))
	}
	say("let-Z1", "market.stall_let", day, `"stall":"Z001","person":"tr-gone"`)
	say("left-Z1", "market.stall_vacated", day, `"stall":"Z001"`)
	file := filepath.Join(t.TempDir(), "cho.jsonl")
	if err := os.WriteFile(file, []byte(facts.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m.command(`"recorded":`+strconv.Itoa(stalls+3), "publish", file, "--wait", "--json")
	m.board = hire(t, m.r, m.data, "ban.quan.ly", "market_manager@"+marketOrg)
	for i, name := range []string{"thu.mot", "thu.hai"} {
		m.collectors[i] = hire(t, m.r, m.data, name, "collector@"+marketOrg)
	}
	m.pay()
	m.say("away", "market.trader_absent", m.period+"-01", fmt.Sprintf(`"stall":%q,"until":%q,"reason":"sick"`, m.away.name, m.day(31)))
	return m
}

// say publishes one fact.
func (m *market) say(id, name, on, data string) {
	m.t.Helper()
	line := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"%sT08:00:00+07:00","data":{"effective_on":%q,%s}}`, id, name, marketOrg, on, on, data)
	file := filepath.Join(m.t.TempDir(), id+".jsonl")
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.command(`"published":1`, "publish", file, "--wait", "--json")
}

// command runs a command that has to succeed and print a text.
func (m *market) command(prints string, args ...string) string {
	m.t.Helper()
	code, out, log := command(m.t, append([]string{"--data", m.data}, args...)...)
	if code != 0 || !strings.Contains(out, prints) {
		m.t.Fatalf("%v: %d, no %s in %s%s", args, code, prints, out, log)
	}
	return out
}

// day is a day of the month that is collected, or its last where there is none so
// late.
func (m *market) day(n int) string {
	first, err := time.Parse(time.DateOnly, m.period+"-01")
	if err != nil {
		m.t.Fatal(err)
	}
	return first.AddDate(0, 0, min(n, first.AddDate(0, 1, -1).Day())-1).Format(time.DateOnly)
}

func (m *market) today() string { return m.now.Format(time.DateOnly) }

// month goes through the month, and holds the book against the truth.
func (m *market) month() {
	m.tariffs("Quyết định 11", m.before+"-01", 14_000)
	m.charge(m.before, func(s *marketStall) *marketBill { return &s.old }, map[string]int64{"management": 26_000, "security": 15_000, "sanitation": 14_000})
	m.tariffs("Quyết định 12", m.period+"-01", 20_000)
	m.charge(m.period, func(s *marketStall) *marketBill { return &s.bill }, map[string]int64{"management": 26_000, "security": 15_000, "sanitation": 20_000})
	m.codes()
	m.moneyBefore()
	m.moneyOf()
	m.asAccounted("what the machine placed", m.auto)
	m.cash()
	m.tickets()
	m.lastDay()
	m.desk()
	m.arrears()
	m.asAccounted("what stands in the end", m.placed)
	m.pages()
	m.closing()
}

// pages are those that the month did not go through.
func (m *market) pages() {
	for _, address := range []string{"/office/" + marketOrg + "/months", "/collect/" + marketOrg + "/refund", "/desk/" + marketOrg + "/suspense", "/desk/" + marketOrg + "/find?amount=61000",
		"/office/" + marketOrg + "/stall?stall=" + m.stalls[0].name, "/bills/" + marketOrg + "/" + m.stalls[0].bill.id} {
		m.board.get(address)
		m.board.sees(address)
	}
	m.board.get("/office/" + marketOrg + "/months")
	at := "/office/" + marketOrg + "/months"
	m.board.post(at, "do", "close", "month", m.before, "fact", m.board.field("fact"), "sure", "yes")
	m.board.sees(at, "Đã khóa sổ đến hết")
}

// tariffs sets what a stall pays, by a decision and from its day on: an absent
// trader pays the management alone.
func (m *market) tariffs(decision, from string, sanitation int64) {
	m.t.Helper()
	list := "Khoản thu,Số tiền,Tính theo,Vắng mặt,Chứng từ,Quyết định\nQuản lý,26.000,sạp,thu,hóa đơn," + decision + "\nBảo vệ,15.000,sạp,không thu,hóa đơn," + decision +
		fmt.Sprintf("\nVệ sinh,%d,sạp,không thu,hóa đơn,%s\n", sanitation, decision)
	at := "/office/" + marketOrg + "/lists/tariffs"
	m.board.upload(at, "list_file", "muc-thu.csv", []byte(list), "from_day", from)
	m.board.sees(at)
	m.board.upload(at, "", "", nil, "content", m.board.field("content"), "from_day", from, "sure", "yes")
	m.board.sees("/office/" + marketOrg)
}

// charge looks at a month's run, and issues it; once more issues nothing.
func (m *market) charge(period string, of func(*marketStall) *marketBill, items map[string]int64) {
	m.t.Helper()
	at := "/office/" + marketOrg + "/run"
	asked := []string{"period", period, "on", period + "-01", "due_on", period + "-25", "series", "CH"}
	m.board.get(at + "?" + query(asked))
	m.board.sees(at, "hằng tháng", "Quầy trống", strconv.Itoa(len(m.stalls)))
	m.board.post(at, append(asked, "digest", m.board.field("digest"))...)
	m.board.sees("/")
	m.board.get(at + "?" + query(asked))
	m.board.sees(at, "Không có ai cần lập phiếu mới")
	for _, row := range m.board.sheet("items", period) {
		i := slices.IndexFunc(m.stalls, func(s *marketStall) bool { return s.name == row["Quầy"] })
		if i < 0 {
			continue // the sum, and as of when
		}
		b := of(m.stalls[i])
		amount, err := strconv.ParseInt(row["Số tiền"], 10, 64)
		if err != nil {
			m.t.Fatal(err)
		}
		b.id, b.code, b.owed = row["Số phiếu"], row["Mã chuyển tiền"], b.owed+amount
	}
	for _, s := range m.stalls {
		due := items
		if s == m.away && period == m.period {
			due = map[string]int64{"management": items["management"]}
		}
		sum := int64(0)
		for item, amount := range due {
			m.book["income:"+item] -= amount
			sum += amount
		}
		if b := of(s); b.owed != sum || b.code == "" {
			m.t.Fatalf("stall %s was billed %+v, want %d", s.name, b, sum)
		}
	}
}

func query(pairs []string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

// codes keeps money that waits apart from what stalls owe, so that the journal says
// each placement.
func (m *market) codes() {
	at := "/office/" + marketOrg + "/codes"
	m.board.get(at)
	mended := regexp.MustCompile(`(?m)^(unallocated:in:\*)([,;])131`).ReplaceAllString(m.board.body, "${1}${2}3388")
	if mended == m.board.body {
		m.t.Fatalf("no such account: %.2000s", mended)
	}
	m.board.upload(at, "list_file", "ma.csv", []byte(mended))
	m.board.sees("/office/" + marketOrg)
}

// asAccounted holds every placement of a line on a bill that the journal has against
// the truth: one too many is a false match.
func (m *market) asAccounted(what string, want map[string]int64) {
	m.t.Helper()
	got := map[string]int64{}
	for _, row := range m.board.sheet("journal", "") {
		line, from := strings.CutPrefix(row["Tài khoản nợ"], "unallocated:in:")
		sign := int64(1)
		against := row["Tài khoản có"]
		if back, ok := strings.CutPrefix(row["Tài khoản có"], "unallocated:in:"); ok {
			line, from, sign, against = back, true, -1, row["Tài khoản nợ"]
		}
		parts := strings.Split(against, ":")
		if !from || len(parts) < 3 || parts[0] != "stall" {
			continue
		}
		amount, err := strconv.ParseInt(row["Số tiền"], 10, 64)
		if err != nil {
			m.t.Fatal(err)
		}
		place := line + "|credit of " + parts[1]
		if parts[2] == "receivable" {
			place = line + "|" + parts[3]
		}
		got[place] += sign * amount
	}
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	if !maps.Equal(got, want) {
		for place, amount := range got {
			if want[place] != amount {
				m.t.Errorf("%s: %d on %s, want %d (%s)", what, amount, place, want[place], m.told(place))
			}
		}
		for place, amount := range want {
			if got[place] == 0 {
				m.t.Errorf("%s: %s should have got %d (%s)", what, place, amount, m.told(place))
			}
		}
		m.t.FailNow()
	}
}

// told is the text of a placement's line.
func (m *market) told(place string) string {
	line, _, _ := strings.Cut(place, "|")
	for _, l := range m.lines {
		if l.line == line {
			return l.on + " " + l.content
		}
	}
	return "no line of the statements"
}

// closing holds the whole book against the truth, and has it replayed.
func (m *market) closing() {
	m.book["bank:main"], m.book["equity:opening"] = m.statement.balance, -marketOpening
	for _, s := range m.stalls {
		for _, b := range []*marketBill{&s.old, &s.bill} {
			m.book["stall:"+s.name+":receivable:"+b.id] = b.owed
		}
	}
	got := map[string]int64{}
	for text := range strings.Lines(m.command("", "balances", "--account", marketOrg+":", "--json")) {
		var b struct{ Account, Balance string }
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			m.t.Fatal(err)
		}
		n, err := strconv.ParseInt(b.Balance, 10, 64)
		if err != nil {
			m.t.Fatal(err)
		}
		if n != 0 {
			got[strings.TrimPrefix(b.Account, marketOrg+":")] = n
		}
	}
	maps.DeleteFunc(m.book, func(_ string, n int64) bool { return n == 0 })
	for _, account := range slices.Sorted(maps.Keys(m.book)) {
		if got[account] != m.book[account] {
			m.t.Errorf("%s holds %d, want %d", account, got[account], m.book[account])
		}
		delete(got, account)
	}
	for account, n := range got {
		m.t.Errorf("%s holds %d, and nothing should be there", account, n)
	}
	m.command(`"ok":true`, "verify", "--replay", "--json")
}

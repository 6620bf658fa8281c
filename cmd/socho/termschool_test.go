package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/reconcile"
	"socho/internal/service"
	"socho/projections"
)

// TestSchoolTerm is a small school's term by its pages, without a browser; and
// TestSchoolTermInBrowser one of 1,200 pupils in a browser, in both languages.
func TestSchoolTerm(t *testing.T) {
	playTerm(t, school{pupils: 60, many: 1, few: 1, messages: 20, both: 4}, func(r *running) pages { return newByHand(t, r) })
}

// TestSchoolTermInBrowser: see TestSchoolTerm.
func TestSchoolTermInBrowser(t *testing.T) {
	if os.Getenv("SOCHO_TEST_BROWSER") == "" {
		t.Skip("the term is gone through in a browser by make test-browser")
	}
	playTerm(t, school{pupils: 1200, many: 4, few: 3, messages: 400, both: 40, awkward: 60}, func(r *running) pages { return byBrowser{openDesk(t, r)} })
}

// school is how large a term is: messages of the bank, of which some stand on
// statements as well, and awkward payments.
type school struct{ pupils, many, few, messages, both, awkward int }

// officer works through a term by its pages.
type officer struct {
	pages
	*testing.T
	*term
	data  string
	files string
	byIt  map[string]*payment // by content
	left  map[string]int      // payments by what they were, that no suggestion led to
}

func playTerm(t *testing.T, size school, by func(*running) pages) {
	data := testdb.Dir(t)
	r := start(t, "--data", data, "run", "--addr", "127.0.0.1:0")
	term := newTerm(2026, size.pupils)
	o := &officer{nil, t, term, data, t.TempDir(), map[string]*payment{}, map[string]int{}}
	o.found()
	secret := o.connects()
	o.pages = by(r)
	o.arrives()
	o.bills()
	awkward := term.stories(size.many, size.few)
	if size.awkward != 0 && awkward != size.awkward {
		t.Errorf("%d awkward payments, want %d", awkward, size.awkward)
	}
	messages := o.choose(size)
	for _, p := range term.payments {
		if o.byIt[p.content] != nil {
			t.Fatalf("two payments say %q", p.content)
		}
		o.byIt[p.content] = p
	}
	term.settle()

	// The bank: some messages, statements that overlap, one of them again, and the
	// messages of what no statement shows yet.
	half := size.both / 2
	term.notify(t, r, secret, messages[:half])
	known := map[*payment]bool{}
	for _, p := range messages[:half] {
		known[p] = true
	}
	o.takes("thang-9.csv", term.csv("2026-09-01", "2026-09-30"), "2026-09-01", "2026-09-30", known, true)
	o.takes("thang-10.xml", term.camt("2026-09-20", "2026-10-31"), "2026-09-20", "2026-10-31", known, false)
	o.takes("thang-9 (1).csv", term.csv("2026-09-01", "2026-09-30"), "2026-09-01", "2026-09-30", known, false)
	term.notify(t, r, secret, messages[half:])
	for _, p := range messages {
		known[p] = true
	}
	o.takes("thang-11.xlsx", term.xlsx(t, "2026-10-15", "2026-11-20"), "2026-10-15", "2026-11-20", known, false)
	term.notify(t, r, secret, messages[:min(10, len(messages))]) // senders repeat

	// Nothing was placed but what carries one code, and everything lies where it
	// belongs.
	o.looks(false)
	o.works()
	o.looks(true)
	o.adds()
	if code, out, log := command(t, "--data", data, "--json", "verify", "--replay"); code != 0 || !strings.Contains(out, `"ok":true`) {
		t.Errorf("verify: %d %s%s", code, out, log)
	}
}

// found registers the school, and another one that somebody's money is meant for.
func (o *officer) found() {
	o.Helper()
	const event = `{"specversion":"1.0","id":"%s","source":"urn:test","type":"vn.socho.%s.v1","subject":"%s","time":"2026-08-01T08:00:00+07:00","data":%s}` + "\n"
	text := fmt.Sprintf(event, "o1", "organization.registered", o.org, `{"effective_on":"2026-08-01","kind":"school","name":"Trường Học Kỳ","unit":"00721","bank_bin":"970436","account":"`+termAccount+`"}`) +
		fmt.Sprintf(event, "o2", "organization.registered", o.other, `{"effective_on":"2026-08-01","kind":"school","name":"Trường Khác","unit":"00721","bank_bin":"970436","account":"0011000000099"}`) +
		fmt.Sprintf(event, "b1", "school.bill_issued", o.other, `{"effective_on":"2026-10-01","person":"p1","bill":"b1","class":"1A","period":"2026-10","due_on":"2026-10-30","reference":"BT2610YZXTX","currency":"VND","items":[{"item":"meals","amount":"310000"}]}`)
	if code, out, log := command(o.T, "--data", o.data, "publish", o.file("school.jsonl", text), "--wait", "--json"); code != 0 || !strings.Contains(out, `"posted":1`) {
		o.Fatal(code, out, log)
	}
}

func (o *officer) file(name, content string) string {
	o.Helper()
	path := filepath.Join(o.files, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		o.Fatal(err)
	}
	return path
}

// connects lets the bank's messages in.
func (o *officer) connects() (secret string) {
	o.Helper()
	var made struct{ Secret string }
	code, out, log := command(o.T, "--data", o.data, "--json", "webhook", "connect", "--org", o.org, "--provider", "sepay")
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 {
		o.Fatal(code, err, log)
	}
	return made.Secret
}

// arrives signs in by the link that a new colleague is given.
func (o *officer) arrives() {
	o.Helper()
	var made struct{ Link string }
	code, out, log := command(o.T, "--data", o.data, "--json", "user", "add", "hoa.ke.toan", "--grant", "finance_officer@"+o.org)
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 {
		o.Fatal(code, err, log)
	}
	o.open(made.Link)
	o.send(form("@", "/welcome"), form("password", "mot cau that dai de nho"))
}

// form are fields of a form by name: pairs of name and value.
func form(pairs ...string) map[string][]string {
	all := map[string][]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = append(all[pairs[i]], pairs[i+1])
	}
	return all
}

// says fails where the page does not.
func (o *officer) says(words ...string) {
	o.Helper()
	text := inMain(o.source())
	for _, w := range words {
		if !strings.Contains(text, w) {
			o.Fatalf("no %q in: %s", w, text)
		}
	}
}

// list hands a list in, and takes it after a look.
func (o *officer) list(list, content, on string, more ...string) {
	o.Helper()
	o.open("/office/" + o.org + "/lists/" + list)
	fill := form(append([]string{"list_file", "@" + o.file(list+on+".csv", content), "from_day", on}, more...)...)
	o.send(form("@", "/lists/"+list), fill)
	o.send(form("sure", "yes"), nil)
}

// run bills a month after a look.
func (o *officer) run(month string) {
	o.Helper()
	o.open("/office/" + o.org + "/run")
	o.send(form("@", "/run", "!", "get"), form("period", month, "on", month+"-01", "due_on", month+"-25"))
	o.send(form("@", "/run", "!", "post"), nil)
}

// bills enrols the school, and bills September and November; some leave between.
func (o *officer) bills() {
	o.Helper()
	o.list("pupils", o.term.list(), "2026-09-01")
	o.list("tariffs", termItems, "2026-09-01")
	o.list("reductions", o.reduced(), "2026-09-01")
	o.run("2026-09")
	left := 0
	for i := 7; left < max(1, len(o.pupils)/400); i += 30 {
		o.pupils[i].left = true
		left++
	}
	o.list("pupils", o.term.list(), "2026-10-15", "leavers", "yes")
	o.run("2026-11")
	path := filepath.Join(o.files, "items.csv")
	if code, _, log := command(o.T, "--data", o.data, "books", "export", "items", "--org", o.org, "--names", "-o", path); code != 0 {
		o.Fatal(code, log)
	}
	f, err := os.Open(path)
	if err != nil {
		o.Fatal(err)
	}
	defer f.Close()
	sheet := csv.NewReader(f)
	sheet.FieldsPerRecord = -1
	rows, err := sheet.ReadAll()
	if err != nil {
		o.Fatal(err)
	}
	byName := map[string]*pupil{}
	for _, p := range o.pupils {
		byName[p.name] = p
	}
	for _, row := range rows {
		if len(row) < 9 || byName[row[2]] == nil || o.refs[row[5]] != nil {
			continue
		}
		p := byName[row[2]]
		b := &owing{of: p, id: row[4], ref: row[5], period: row[3], owed: p.costs()}
		p.person = row[1]
		o.refs[b.ref] = b
		p.bills = append(p.bills, b)
	}
	for _, p := range o.pupils {
		slices.SortFunc(p.bills, func(a, b *owing) int { return strings.Compare(a.period, b.period) })
		if want := map[bool]int{false: 2, true: 1}[p.left]; len(p.bills) != want {
			o.Fatalf("%s has %d bills, want %d", p.code, len(p.bills), want)
		}
	}
}

// choose says which payments the bank's messages show: usual ones, some of which
// stand on statements as well; the others are of the last days, that none shows.
func (o *officer) choose(size school) (messages []*payment) {
	for _, p := range o.payments {
		if p.what != "usual" || len(messages) == size.messages {
			continue
		}
		p.noticed = true
		if len(messages) >= size.both {
			p.printed, p.on = false, fmt.Sprintf("2026-11-%02d", 21+o.IntN(10))
		}
		messages = append(messages, p)
	}
	if len(messages) != size.messages {
		o.Fatalf("%d messages", len(messages))
	}
	return messages
}

var number = regexp.MustCompile(`<dd[^>]*>([0-9.,]+)</dd>`)

// takes hands a statement in and takes it: as many lines are new as were not known.
func (o *officer) takes(name, content, from, until string, known map[*payment]bool, opening bool) {
	o.Helper()
	fresh, again := 0, 0
	for _, p := range o.shown(from, until) {
		if known[p] {
			again++
		} else {
			fresh++
		}
		known[p] = true
	}
	o.open("/desk/" + o.org + "/statements")
	o.send(form("@", "/statements"), form("file", "@"+o.file(name, content)))
	fill := form()
	if opening {
		fill = form("opening", "yes")
	}
	o.send(form("do", "take"), fill)
	for until := time.Now().Add(3 * time.Minute); strings.Contains(o.source(), "data-reload"); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(until) {
			o.Fatalf("%s is not taken: %s", name, inMain(o.source()))
		}
		if h, ok := o.pages.(*byHand); ok { // a browser looks again by itself
			h.open(h.at.Path)
		}
	}
	numbers := number.FindAllStringSubmatch(o.source(), 2)
	if len(numbers) < 2 || plainNumber(numbers[0][1]) != fresh || plainNumber(numbers[1][1]) != again {
		o.Fatalf("%s: want %d new and %d known lines: %s", name, fresh, again, inMain(o.source()))
	}
	if !strings.Contains(o.source(), "note good") || strings.Contains(o.source(), "note bad") {
		o.Fatalf("%s does not agree: %s", name, inMain(o.source()))
	}
}

func plainNumber(text string) int {
	n, err := strconv.Atoi(strings.NewReplacer(".", "", ",", "").Replace(text))
	if err != nil {
		return -1
	}
	return n
}

// want is where the money of a payment went by the paths of accounts, once it is
// placed.
func (p *payment) want() map[string]int64 {
	want := map[string]int64{}
	for _, g := range p.goes {
		holder, paid := "pupil:"+g.bill.of.person, min(g.amount, g.bill.owed)
		if p.what == "twice" {
			paid = 0
		}
		if paid > 0 {
			want[holder+":receivable:"+g.bill.id] = paid
		}
		if g.amount > paid {
			want[holder+":credit"] = g.amount - paid
		}
	}
	switch {
	case p.explanation != "":
		_, item, _ := strings.Cut(p.explanation, ":")
		want["income:"+item] = p.amount
	case len(p.goes) == 0 && p.back != nil:
		want["unallocated:out:"+p.back.line] = p.amount
	}
	return want
}

// looks compares every line with the truth, before the desk was worked through or
// after: where it lies, and what its money was placed on.
func (o *officer) looks(worked bool) {
	o.Helper()
	s, err := service.Open(o.Context(), service.Options{Data: o.data})
	if err != nil {
		o.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // only read
	if err := s.WaitForProjections(o.Context()); err != nil {
		o.Fatal(err)
	}
	lines, texts := reconcile.NewDesk(s.DB.Pool), textsOf(s)
	counted, wanted := map[reconcile.Tab]int{}, map[reconcile.Tab]int{}
	seen := map[*payment]bool{}
	for _, tab := range reconcile.Tabs {
		for after := ""; ; {
			rows, next, err := lines.Lines(o.Context(), o.org, tab, after, 500)
			if err != nil {
				o.Fatal(err)
			}
			var at []projections.Position
			for i := range rows {
				at = append(at, rows[i].At)
			}
			opened, err := texts.Of(o.Context(), at)
			if err != nil {
				o.Fatal(err)
			}
			counted[tab] += len(rows)
			for i := range rows {
				o.looksAt(&rows[i], o.byIt[opened[rows[i].At].Clear["content"]], seen, worked)
			}
			if after = next; next == "" {
				break
			}
		}
	}
	for _, p := range o.payments {
		pile := p.pile
		if worked && p.amount > 0 && pile != "" {
			pile = reconcile.Matched
		}
		if pile != "" {
			wanted[pile]++
		}
		if pile != "" && !seen[p] {
			o.Errorf("%s: %q is on no pile", p.what, p.content)
		}
	}
	if !maps.Equal(counted, wantedWith(wanted)) {
		o.Errorf("on the piles lie %v, want %v", counted, wanted)
	}
	o.Logf("%d payments on the piles: %v", len(o.payments), counted)
	books, err := lines.Books(o.Context(), o.org)
	if err != nil || len(books) != 1 {
		o.Fatal(err, books)
	}
	if b := books[0]; b.Bank != o.holds("2026-12-31") || b.Before() != o.opening || b.In != b.Placed+b.Waiting || b.Out != b.Explained+b.Left || worked && (b.Waiting != 0 || b.Left != 0) {
		o.Errorf("the book: %+v; the bank holds %d", b, o.holds("2026-12-31"))
	}
}

// wantedWith has every pile, also those on which nothing lies.
func wantedWith(some map[reconcile.Tab]int) map[reconcile.Tab]int {
	all := map[reconcile.Tab]int{}
	for _, tab := range reconcile.Tabs {
		all[tab] = some[tab]
	}
	return all
}

// looksAt compares one line.
func (o *officer) looksAt(l *reconcile.Row, p *payment, seen map[*payment]bool, worked bool) {
	o.Helper()
	if p == nil || seen[p] {
		o.Errorf("line %s shows nothing that was, or something twice", l.Line)
		return
	}
	seen[p], p.line = true, l.Line
	got, want := map[string]int64{}, p.want()
	for _, u := range l.Uses {
		got[u.Against] += u.Amount
	}
	switch {
	case l.Amount != max(p.amount, -p.amount):
		o.Errorf("%s: %q is of %d, the line of %d", p.what, p.content, p.amount, l.Amount)
	case p.amount < 0 && worked:
		if l.Left != 0 {
			o.Errorf("%s: %d of %q is not explained", p.what, l.Left, p.content)
		}
	case p.amount < 0:
	case worked && !maps.Equal(got, want):
		o.Errorf("%s: %q was placed on %v, want %v", p.what, p.content, got, want)
	case !worked && l.Tab != p.pile:
		o.Errorf("%s: %q lies on %s, want %s", p.what, p.content, l.Tab, p.pile)
	case !worked && p.pile == reconcile.Matched && !maps.Equal(got, want):
		o.Errorf("%s: %q was placed by itself on %v, want %v", p.what, p.content, got, want)
	case !worked && p.pile != reconcile.Matched && len(got) > 0:
		o.Errorf("%s: %q was placed by itself on %v", p.what, p.content, got)
	}
}

var (
	caseID   = regexp.MustCompile(`id="l-(be1-[0-9a-f]+)"`)
	caseText = regexp.MustCompile(`<dd><b>([^<]*)</b></dd>`)
	further  = regexp.MustCompile(`rel="next" href="([^"]*)"`)
)

// pile opens what lies on a pile, page by page, and tells the payments by what is
// written there.
func (o *officer) pile(tab reconcile.Tab) (all []*payment) {
	o.Helper()
	for address := "/desk/" + o.org + "?tab=" + string(tab); address != ""; {
		o.open(address)
		next := further.FindStringSubmatch(o.source())
		if address = ""; next != nil {
			address = html.UnescapeString(next[1])
		}
		if !strings.Contains(o.source(), `class="case"`) {
			break
		}
		o.send(form("do", "open"), nil)
		for _, part := range strings.Split(o.source(), `class="case"`)[1:] {
			id := caseID.FindStringSubmatch(part)
			var p *payment
			for _, text := range caseText.FindAllStringSubmatch(part, -1) {
				if found := o.byIt[html.UnescapeString(text[1])]; found != nil {
					p = found
				}
			}
			if id == nil || p == nil {
				o.Fatalf("nobody knows what this says: %s", part)
			}
			if p.line != id[1] {
				o.Errorf("%q is line %s, and %s", p.content, p.line, id[1])
			}
			all = append(all, p)
		}
	}
	return all
}

package bank

import (
	"bufio"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxLine bounds a line of MT940. SWIFT has 65 characters; exports join them.
const maxLine = 16 << 10

// The fields of MT940 and MT942 (SWIFT Standards MT, category 9). Only these begin
// a field: what else looks like a tag is text of :86: that a bank broke badly.
var tags = map[string]bool{
	"12": true, "13": true, "13D": true, "20": true, "21": true, "25": true, "25P": true, "28": true, "28C": true, "34F": true,
	"60F": true, "60M": true, "61": true, "62F": true, "62M": true, "64": true, "65": true, "86": true, "90C": true, "90D": true,
	"940": true, "942": true, "NS": true,
}

var (
	tagLine = regexp.MustCompile(`^:([0-9]{2,3}[A-Z]?|NS):`)
	// mtFields recognizes the format: one of these begins a line in every message.
	mtFields = regexp.MustCompile(`(?m)^:(?:20|25P?|28C?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]):`)
	// Date, entry date, mark, third letter of the currency, amount, and the rest.
	// The mark comes before the letter: "DR800," is a debit in EUR, "RD" a debit reversed.
	entryField   = regexp.MustCompile(`^([0-9]{6})([0-9]{4})?(RC|RD|EC|ED|C|D)([A-Z])?([0-9]{1,15},[0-9]*)(.*)$`)
	withoutComma = regexp.MustCompile(`^[0-9]{6,10}[RE]?[CD][A-Z]?[0-9]+(?:[^0-9,]|$)`)
	balanceField = regexp.MustCompile(`^([CD])([0-9]{6})([A-Z]{3})([0-9]{1,15},[0-9]*)$`)
	summaryField = regexp.MustCompile(`^([0-9]{1,5})([A-Z]{3})([0-9]{1,15},[0-9]*)$`)
	// Subfields of :86: as German, Austrian and Polish banks write them.
	subfield = regexp.MustCompile(`\?([0-9]{2})`)
	nextWord = regexp.MustCompile(`/[A-Z]{4}/`)
)

// message is one MT940 or MT942 message: a statement, or a page of one.
type message struct {
	Statement
	line           int
	currency       string
	sums           statementSums
	reported       [2]*summary // :90C:, :90D:
	interim        bool        // MT942
	balanceInvalid bool
}

type summary struct {
	count int
	sum   Amount
}

// mtReader holds what is open while lines go by: a message, an entry that its
// :86: may still follow, and a field.
type mtReader struct {
	t        *tally
	account  string // where the file names none
	open     *message
	entry    *Entry
	info     []string // lines of :86:; until it comes, of :61: behind the first
	informed bool     // :86: has come
	tag      string
	value    []string
	line     int // where the field begins
	begun    bool
	interim  bool
	booked   bool // an opening balance was seen: MT940
}

// parseMT reads MT940 or MT942 text that is UTF-8 by now.
func parseMT(text io.Reader, r *Result, o Options, t *tally) error {
	r.Format = "MT940"
	m := &mtReader{t: t, account: o.Account}
	lines := bufio.NewReaderSize(text, maxLine)
	for n := 1; ; n++ {
		raw, err := lines.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return refuse(n, "", "too_large", "a line of more than %d KB", maxLine>>10)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if lineErr := m.take(clean(string(raw)), n); lineErr != nil {
			return lineErr
		}
		if err == io.EOF {
			break
		}
	}
	if err := m.close(); err != nil {
		return err
	}
	if m.interim && !m.booked {
		r.Format = "MT942"
	}
	if !m.begun {
		return refuse(0, ":20:", "missing_element", "no :20: field, not a complete MT940 message")
	}
	return nil
}

// clean drops line ends and the control characters that some banks frame a
// message with.
func clean(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(line, "\ufeff"))
}

// take reads one line.
func (m *mtReader) take(line string, n int) error {
	// Blocks 1 to 3 of a SWIFT envelope, and the first field behind them.
	if strings.HasPrefix(line, "{") {
		if strings.Contains(line, "{2:O942") || strings.Contains(line, "{2:I942") {
			m.interim = true
		}
		at := strings.LastIndex(line, "{4:")
		if at < 0 {
			return nil
		}
		line = line[at+len("{4:"):]
		if line == "" {
			return nil
		}
	}
	if trimmed := strings.TrimRight(line, " "); trimmed == "-" || strings.HasPrefix(trimmed, "-}") {
		return m.endField()
	}
	if found := tagLine.FindStringSubmatch(line); found != nil && tags[found[1]] {
		if err := m.endField(); err != nil {
			return err
		}
		m.tag, m.value, m.line = found[1], []string{line[len(found[0]):]}, n
		return nil
	}
	if m.tag != "" {
		m.value = append(m.value, line)
		if len(m.value) > 1000 {
			return refuse(n, ":"+m.tag+":", "too_large", "a field of more than 1,000 lines")
		}
	}
	return nil
}

// endField uses the field that is complete now.
func (m *mtReader) endField() error {
	tag, value, line := m.tag, m.value, m.line
	m.tag, m.value = "", nil
	if tag == "" {
		return nil
	}
	first := strings.TrimSpace(value[0])
	if tag == "20" {
		if err := m.close(); err != nil {
			return err
		}
		m.begun = true
		m.open = &message{line: line, Statement: Statement{ID: &first, Account: m.account}}
		return nil
	}
	if m.open == nil {
		return nil // before the first :20:, such as Rabobank's :940:
	}
	s := m.open
	switch tag {
	case "25", "25P":
		s.Account = first
	case "34F":
		m.interim, s.interim = true, true
		if len(first) >= 3 && currencyCode(first[:3]) && s.currency == "" {
			s.currency = first[:3]
		}
	case "60F", "60M":
		m.booked = true
		if s.Opening == nil {
			s.Opening, s.OpeningCurrency = m.balance(tag, first, line)
			s.OpeningTag = tag
		}
	case "62F", "62M":
		if err := m.endEntry(); err != nil {
			return err
		}
		s.Closing, s.ClosingCurrency = m.balance(tag, first, line)
		s.ClosingTag = tag
	case "61":
		return m.entryLine(first, value[1:], line)
	case "86":
		switch {
		case m.entry == nil: // it is about the statement
		case m.informed: // Rabobank begins a field for each line
			m.info = append(m.info, value...)
		default:
			m.info, m.informed = value, true
		}
	case "90C", "90D":
		if f := summaryField.FindStringSubmatch(first); f != nil {
			count, _ := strconv.Atoi(f[1])
			if sum, ok := commaAmount(f[3]); ok {
				s.reported[strings.IndexByte("CD", tag[2])] = &summary{count, sum}
			}
		}
	}
	return nil
}

// balance reads :60a: and :62a:.
func (m *mtReader) balance(tag, text string, line int) (*Amount, *string) {
	f := balanceField.FindStringSubmatch(text)
	if f == nil {
		m.open.balanceInvalid = true
		m.t.problem(line, ":"+tag+":", "balance_malformed", "expected C or D, YYMMDD, currency and an amount with a comma")
		return nil, nil
	}
	amount, ok := commaAmount(f[4])
	if !ok {
		m.open.balanceInvalid = true
		m.t.problem(line, ":"+tag+":", "balance_malformed", "the amount cannot be read")
		return nil, nil
	}
	m.t.checkDay(line, ":"+tag+":", mtDay(f[2]))
	if f[1] == "D" {
		amount = amount.Negated()
	}
	if whole, ok := amount.in(f[3]); ok {
		amount = whole
	}
	if m.open.currency == "" {
		m.open.currency, m.open.BalanceCurrency = f[3], f[3]
	}
	return &amount, &f[3]
}

// commaAmount reads an amount as SWIFT prints it: digits with a comma, which is
// there even where no decimals follow.
func commaAmount(text string) (Amount, bool) {
	whole, decimals, _ := strings.Cut(text, ",")
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if decimals != "" {
		whole += "." + decimals
	}
	return ParseAmount(whole)
}

// mtDay spells YYMMDD as a day.
func mtDay(text string) string {
	n := func(at int) int { v, _ := strconv.Atoi(text[at : at+2]); return v }
	return day(century(n(0)), n(2), n(4))
}

// entryLine begins an entry, :61:.
func (m *mtReader) entryLine(text string, more []string, line int) error {
	if err := m.endEntry(); err != nil {
		return err
	}
	s := m.open
	s.Entries++
	f := entryField.FindStringSubmatch(text)
	if f == nil {
		why := "the line does not have the form of :61:"
		if withoutComma.MatchString(text) {
			why = "amount in :61: without the mandatory decimal comma"
		}
		m.t.malformed(line, ":61:", "entry_malformed", why)
		return nil
	}
	amount, ok := commaAmount(f[5])
	if !ok {
		m.t.malformed(line, ":61:", "entry_malformed", "the amount has too many digits")
		return nil
	}
	if amount, ok = amount.in(s.currency); !ok {
		m.t.malformed(line, ":61:", "fraction_of_dong", "an amount in đồng with decimals")
		return nil
	}
	e := &Entry{
		Line: line, Statement: m.t.Count + 1, Account: s.Account, Currency: s.currency, Amount: amount,
		Booked: f[3][0] != 'E', Reversal: f[3][0] == 'R', Direction: Debit, ValueDate: mtDay(f[1]),
	}
	// C and RD bring money in, D and RC take it out; E marks what is only expected.
	if f[3] == "C" || f[3] == "RD" || f[3] == "EC" {
		e.Direction = Credit
	}
	e.BookedOn = entryDay(f[1], f[2])
	m.t.checkDay(line, ":61:", e.ValueDate)
	if !calendarDay(e.ValueDate) && s.ImpossibleValueDate == "" {
		s.ImpossibleValueDate = f[1]
	}
	if e.BookedOn != e.ValueDate {
		m.t.checkDay(line, ":61:", e.BookedOn)
	}
	// Four characters say what kind it is; then the customer's and the bank's reference.
	rest := f[6]
	if len(rest) >= 4 {
		customer, bank, _ := strings.Cut(rest[4:], "//")
		e.InstructionID, e.Reference = reference(customer), reference(bank)
	}
	m.entry, m.info, m.informed = e, more, false
	return nil
}

// reference drops what banks write where there is none.
func reference(text string) string {
	text = strings.TrimSpace(text)
	if text == "NONREF" || text == "KREF+" {
		return ""
	}
	return text
}

// entryDay is the booking day MMDD with the year that brings it nearest to the
// value date; without one it is the value date.
func entryDay(value, entry string) string {
	if entry == "" {
		return mtDay(value)
	}
	year, _ := strconv.Atoi(value[:2])
	month, _ := strconv.Atoi(value[2:4])
	booked, _ := strconv.Atoi(entry[:2])
	switch {
	case booked-month > 6:
		year--
	case month-booked > 6:
		year++
	}
	return mtDay(pad(((year%100)+100)%100) + entry)
}

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// endEntry hands the entry on, with what its :86: said.
func (m *mtReader) endEntry() error {
	e := m.entry
	if e == nil {
		return nil
	}
	m.entry = nil
	information(e, m.info)
	m.info = nil
	if e.Currency == "" {
		m.t.malformed(e.Line, ":61:", "entry_malformed", "no field before it says the currency")
		return nil
	}
	m.open.sums.add(e)
	return m.t.entry(e)
}

// information reads :86: into the entry: subfields ?20 (words), ?31 (account), ?32
// (name), or /REMI/ and /NAME/, or else all of it as words.
func information(e *Entry, lines []string) {
	joined := strings.Join(lines, "")
	if head := strings.TrimSpace(joined); len(head) > 3 && digitsOnly(head[:3]) && strings.Contains(head, "?20") {
		var text, name strings.Builder
		at := subfield.FindAllStringSubmatchIndex(joined, -1)
		for i, f := range at {
			end := len(joined)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			value := joined[f[1]:end]
			switch number := joined[f[2]:f[3]]; {
			case number >= "20" && number <= "29", number >= "60" && number <= "63":
				text.WriteString(value)
			case number == "31", number == "38" && e.CounterpartyAccount == "":
				e.CounterpartyAccount = strings.TrimSpace(value)
			case number == "32", number == "33":
				name.WriteString(value)
			}
		}
		e.Remittance, e.CounterpartyName = strings.TrimSpace(text.String()), strings.TrimSpace(name.String())
		return
	}
	if remittance, ok := slashField(joined, "REMI"); ok {
		e.Remittance = strings.TrimSuffix(strings.TrimPrefix(remittance, "USTD//"), "/")
		e.CounterpartyName, _ = slashField(joined, "NAME")
		e.CounterpartyAccount, _ = slashField(joined, "IBAN")
		if id, _ := slashField(joined, "EREF"); id != "NOTPROVIDED" {
			e.EndToEndID = id
		}
		return
	}
	e.Remittance = strings.TrimSpace(strings.Join(lines, "\n"))
}

// slashField returns what stands behind /NAME/ up to the next such word.
func slashField(text, name string) (string, bool) {
	_, rest, ok := strings.Cut(text, "/"+name+"/")
	if !ok {
		return "", false
	}
	if at := nextWord.FindStringIndex(rest); at != nil {
		rest = rest[:at[0]]
	}
	return strings.TrimSpace(rest), true
}

// close ends the open message.
func (m *mtReader) close() error {
	if err := m.endField(); err != nil {
		return err
	}
	if err := m.endEntry(); err != nil {
		return err
	}
	s := m.open
	if s == nil {
		return nil
	}
	m.open = nil
	for i, reported := range s.reported {
		counted := summary{s.sums.credits.n, s.sums.credits.sum}
		if i == 1 {
			counted = summary{s.sums.debits.n, s.sums.debits.sum}
		}
		if reported != nil && (reported.count != counted.count || !reported.sum.Equal(counted.sum)) {
			m.t.problem(s.line, ":90"+"CD"[i:i+1]+":", "summary_mismatch", "the reported count and sum are not those of the entries")
		}
	}
	if !s.interim && !s.balanceInvalid && (s.Opening == nil || s.Closing == nil) {
		m.t.problem(s.line, ":60F:", "balance_missing", "the statement has no opening or no closing balance; the file may be cut off")
	}
	return m.t.statement(s.line, &s.Statement, s.sums.moved, false)
}

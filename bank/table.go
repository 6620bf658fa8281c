package bank

import (
	"io"
	"slices"
	"strings"
)

// table reads the rows under a header row. It is read twice: how a column prints
// its numbers and dates is known only when all of it has been seen.
type table struct {
	*header
	t           *tally
	s           Statement
	styles      map[Column]style
	minusDebits bool // debits are printed below zero, so their sign says nothing
	dates       dates
	account     string

	currency string // of the table, where a row says none
	day      string // the last date, which holds for rows with a blank one
	held     *Entry // the last entry, since its text may go on in the next row
	ended    bool   // a total has been seen: text below belongs to no entry
	sums     statementSums

	opening, closing *Amount // as printed
	openingLine      int
	trail            trail
}

var amountColumns = []Column{ColumnDebit, ColumnCredit, ColumnAmount, ColumnBalance}

// parseTable reads the table whose header row was found.
func parseTable(h *header, head [][]string, sheet, epoch1904 bool, o Options, t *tally, open func() (rows, error)) error {
	b := &table{header: h, t: t, styles: map[Column]style{}, currency: h.currency, account: o.Account}
	if err := b.survey(open, sheet, epoch1904); err != nil {
		return err
	}
	for i := range h.row + 1 - h.rows {
		b.letterhead(head[i])
	}
	if b.currency == "" {
		b.currency = "VND"
	}
	source, err := open()
	if err != nil {
		return err
	}
	for index := 0; ; index++ {
		row, line, err := source.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if index <= h.row || blank(row) || b.repeated(row) {
			continue
		}
		if err := b.row(row, line); err != nil {
			return err
		}
	}
	if err := b.release(); err != nil {
		return err
	}
	return b.close()
}

// survey reads all rows for what proves how columns print.
func (b *table) survey(open func() (rows, error), sheet, epoch1904 bool) error {
	source, err := open()
	if err != nil {
		return err
	}
	numbers := map[Column]*styleEvidence{}
	for _, c := range amountColumns {
		numbers[c] = &styleEvidence{}
	}
	var days dateEvidence
	for index := 0; ; index++ {
		row, _, err := source.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if index <= b.header.row {
			continue
		}
		for _, c := range amountColumns {
			if at, ok := b.columns[c]; ok {
				numbers[c].add(cell(row, at))
			}
		}
		days.add(b.get(row, ColumnDate))
	}
	for _, c := range amountColumns {
		b.styles[c] = numbers[c].style()
	}
	b.minusDebits = numbers[ColumnDebit].negative > numbers[ColumnDebit].positive
	b.dates = dates{monthFirst: b.monthFirst || days.monthFirst > 0 && days.dayFirst == 0, serial: sheet, epoch1904: epoch1904}
	return nil
}

func (b *table) get(row []string, c Column) string {
	at, ok := b.columns[c]
	if !ok {
		return ""
	}
	return cell(row, at)
}

func blank(row []string) bool {
	return !slices.ContainsFunc(row, func(c string) bool { return c != "" })
}

// repeated reports whether a row is the header row again, as on each printed page.
func (b *table) repeated(row []string) bool {
	same := 0
	for _, at := range b.columns {
		if text := Fold(cell(row, at)); text == "" || b.rows == 1 && text != b.texts[at] || b.rows == 2 && !strings.HasSuffix(b.texts[at], text) && !strings.HasPrefix(b.texts[at], text) {
			if b.rows == 1 || text != "" {
				return false
			}
			continue
		}
		same++
	}
	return same >= 2
}

// row reads one row under the header row.
func (b *table) row(row []string, line int) error {
	on, at, dated := b.dates.read(b.get(row, ColumnDate))
	reference := oneLine(b.get(row, ColumnReference))
	m := b.movement(row)
	if b.total(row, line, m, dated, reference) {
		return nil
	}
	if kind := b.balanceLabel(row, m, dated, reference); kind != "" {
		cells := row
		if text := b.get(row, ColumnBalance); text != "" {
			cells = []string{text}
		}
		for i, text := range cells { // the value may stand in the label's own cell
			if k, _ := label(text, kind); k != "" {
				cells = slices.Replace(slices.Clone(cells), i, i+1, afterColon(text))
				break
			}
		}
		b.balanceRow(kind, cells, line)
		return nil
	}
	if dated {
		b.day = on
	}
	description := b.get(row, ColumnDescription)
	payment := dated || reference != "" || digitsOnly(b.get(row, ColumnNumber))
	switch {
	case m.none && m.wrong == "":
		switch {
		case payment && (dated || reference != "") && description != "":
			if err := b.release(); err != nil {
				return err
			}
			b.malformed(line, "amount", "entry_malformed", "a row with a date or a reference and no amount")
		case description != "" && !b.ended && b.alone(row, ColumnDescription) && b.held != nil:
			b.held.Remittance = join(b.held.Remittance, description) // wrapped into this row
			if len(b.held.Remittance) > maxCellBytes {
				return refuse(line, string(ColumnDescription), "too_large", "a text that goes on over too many rows")
			}
		}
		return nil
	case m.none && !payment:
		return nil // a footer, with words where amounts stand
	case !payment && b.day == "" || !payment && description == "" && b.get(row, ColumnBalance) == "":
		b.t.problem(line, "", "row_not_understood", "a row with amounts that is neither entry, total nor balance")
		return nil
	}
	if err := b.release(); err != nil {
		return err
	}
	switch {
	case m.wrong != "":
		b.malformed(line, string(m.wrong), "entry_malformed", "the amount cannot be read")
		return nil
	case m.both:
		b.malformed(line, "debit", "entry_malformed", "both debit and credit in one row")
		return nil
	case m.fraction:
		b.malformed(line, "amount", "fraction_of_dong", "an amount in đồng with decimals")
		return nil
	case b.day == "" || !dated && strings.Trim(b.get(row, ColumnDate), "-\"' ") != "":
		b.malformed(line, "date", "entry_malformed", "no date that can be read, and none above it")
		return nil
	}
	e := &Entry{
		Line: line, Statement: 1, Booked: true, BookedOn: b.day, BookedAt: at,
		Direction: m.way, Amount: m.amount, Currency: m.currency, Reversal: m.reversal,
		Reference: reference, Remittance: description,
		CounterpartyName: oneLine(b.get(row, ColumnName)), CounterpartyAccount: oneLine(b.get(row, ColumnAccount)),
	}
	if e.BookedAt == "" {
		e.BookedAt = timeOf(b.get(row, ColumnTime))
	}
	if day, _, ok := b.dates.read(b.get(row, ColumnValueDate)); ok {
		e.ValueDate = day
		b.t.checkDay(line, string(ColumnValueDate), day)
	}
	if dated {
		b.t.checkDay(line, string(ColumnDate), e.BookedOn)
	}
	b.held = e
	b.follow(row, line, e)
	return nil
}

// follow checks the running balance.
func (b *table) follow(row []string, line int, e *Entry) {
	f, ok := readFigure(b.get(row, ColumnBalance))
	if !ok {
		return
	}
	balance, ok := b.styles[ColumnBalance].amount(f)
	if !ok {
		b.t.problem(line, string(ColumnBalance), "balance_malformed", "the balance cannot be read")
		return
	}
	if f.negative {
		balance = balance.Negated()
	}
	if whole, ok := balance.in(e.Currency); ok {
		balance = whole
	}
	move := e.Amount
	if e.Direction == Debit {
		move = move.Negated()
	}
	b.trail.add(line, balance, move)
}

func (b *table) malformed(line int, field, code, detail string) {
	b.s.Entries++
	b.t.malformed(line, field, code, detail)
}

// release hands on the entry whose text is complete now.
func (b *table) release() error {
	e := b.held
	if e == nil {
		return nil
	}
	b.held = nil
	e.Account = b.s.Account
	if e.Account == "" {
		e.Account = b.account
	}
	b.s.Entries++
	b.sums.add(e)
	return b.t.entry(e)
}

// alone reports whether one column is the only one with a text.
func (b *table) alone(row []string, c Column) bool {
	for i, text := range row {
		if text != "" && i != b.columns[c] {
			return false
		}
	}
	return true
}

// total reports whether a row is a total, and compares it with the entries above.
// A payment may say "tong cong" too, so the words alone decide only outside the
// description, or where they are all that it says.
func (b *table) total(row []string, line int, m movement, dated bool, reference string) bool {
	if reference != "" {
		return false
	}
	var kind string
	exact, outside := false, false
	at, described := b.columns[ColumnDescription]
	for i, text := range row {
		if k, e := label(text, "total"); k != "" && !b.counterparty(i) {
			kind, exact, outside = k, e, !described || i != at
			break
		}
	}
	bare := kind == "" && !dated && m.both && b.get(row, ColumnDescription) == ""
	if kind == "" && !bare {
		return false
	}
	credits, debits := b.sums.credits.sum, b.sums.debits.sum
	if e := b.held; e != nil { // counted, but not released yet
		if e.Direction == Credit {
			credits = credits.Plus(e.Amount)
		} else {
			debits = debits.Plus(e.Amount)
		}
	}
	equal := m.wrong == "" && m.debit.Equal(debits) && m.credit.Equal(credits)
	switch {
	case bare && !equal:
		return false
	case dated && !(exact && equal):
		return false
	case !outside && !exact && !bare:
		return false
	}
	if !m.none && !equal && m.amount.Sign() != 0 && outside && b.t.Malformed == 0 && b.grandTotal(row) {
		b.t.problem(line, "total", "total_mismatch", "the printed total is not the sum of the entries above")
	}
	b.ended = true
	return true
}

// counterparty reports whether a column names who paid: there, a company may well be
// called like a total.
func (b *table) counterparty(at int) bool {
	for _, c := range []Column{ColumnName, ColumnAccount} {
		if i, ok := b.columns[c]; ok && i == at {
			return true
		}
	}
	return false
}

// grandTotal tells a total over everything from one over a page.
func (b *table) grandTotal(row []string) bool {
	return !slices.ContainsFunc(row, func(text string) bool {
		w := words(text)
		return strings.Contains(w, "trang") || strings.Contains(w, "page") || strings.Contains(w, "sub") || strings.Contains(w, "luy ke")
	})
}

// balanceLabel tells a row with an opening or closing balance from a payment. A
// dated row with an amount is one only where its label says nothing else.
func (b *table) balanceLabel(row []string, m movement, dated bool, reference string) string {
	if reference != "" {
		return ""
	}
	for i, text := range row {
		if kind, exact := label(text, "opening", "closing"); kind != "" && !b.counterparty(i) && (exact || !dated || m.none) {
			return kind
		}
	}
	return ""
}

// close checks the balances and ends the only statement.
func (b *table) close() error {
	s := &b.s
	if s.Account == "" {
		s.Account = b.account
	}
	derived := false
	if b.trail.n > 0 {
		opening, closing, broken := b.trail.ends()
		if b.opening == nil {
			b.opening, derived = &opening, true
		} else if !b.opening.Equal(opening) {
			b.t.problem(b.openingLine, "balance", "opening_differs", "the printed opening balance is not the one that the first row implies")
		}
		if b.closing == nil {
			b.closing = &closing
		}
		if broken > 0 {
			b.t.problem(broken, string(ColumnBalance), "running_balance", "the running balance does not follow from the row before: rows may be missing")
		}
	}
	set := func(to **Amount, currency **string, from *Amount) {
		if from == nil {
			return
		}
		if whole, ok := from.in(b.currency); ok {
			from = &whole
		}
		*to, *currency = from, &b.currency
	}
	set(&s.Opening, &s.OpeningCurrency, b.opening)
	set(&s.Closing, &s.ClosingCurrency, b.closing)
	b.t.Opening, b.t.Closing, b.t.OpeningDerived = s.Opening, s.Closing, &derived
	return b.t.statement(0, s, b.sums.moved, b.sums.mixed(b.currency))
}

// oneLine puts a text that a cell wraps on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

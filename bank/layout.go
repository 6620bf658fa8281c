package bank

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Column is what a column of a bank's table means.
type Column string

// The columns. A table needs a date and an amount: debit and credit, one of them,
// or amount, which is signed or has direction beside it.
const (
	ColumnDate        Column = "date"
	ColumnValueDate   Column = "value_date"
	ColumnTime        Column = "time"
	ColumnNumber      Column = "number" // STT
	ColumnReference   Column = "reference"
	ColumnDescription Column = "description"
	ColumnDebit       Column = "debit"
	ColumnCredit      Column = "credit"
	ColumnAmount      Column = "amount"
	ColumnDirection   Column = "direction"
	ColumnBalance     Column = "balance"
	ColumnName        Column = "name"    // counterparty
	ColumnAccount     Column = "account" // counterparty
	ColumnCurrency    Column = "currency"
)

// Layout says by which headings a bank names the columns of its export. It is
// configuration: a person who meets a new export writes one, and no code changes.
//
//	{"name": "Ngân hàng Mẫu", "columns": {"date": ["Ngày"], "credit": ["Tiền vào"], "description": ["Lời nhắn"]}}
//
// Headings are compared without case, diacritics and punctuation. A layout is that
// of a table when each of its columns has one of its headings in the header row.
// Tables that no layout names are read by the built-in synonyms.
type Layout struct {
	Name    string              `json:"name"`
	Columns map[Column][]string `json:"columns"`
	// MonthFirst says that dates are printed month/day/year.
	MonthFirst bool `json:"month_first,omitzero"`
}

//go:embed layouts.json
var layoutsJSON []byte

// vocabulary is layouts.json. Its column synonyms, directions and labels are
// written as words gives them: small letters without diacritics.
type vocabulary struct {
	Columns    map[Column][]string    `json:"columns"`
	Layouts    []Layout               `json:"layouts"`
	Directions map[Direction][]string `json:"directions"`
	Labels     map[string][]string    `json:"labels"`
	synonyms   map[string]synonym
	firstWords map[string]map[string]bool // of the labels: nearly every cell ends there
}

type synonym struct {
	column Column
	rank   int // among the column's synonyms: the first is the surest
}

var builtin = func() vocabulary {
	var v vocabulary
	if err := json.Unmarshal(layoutsJSON, &v); err != nil {
		panic("bank: layouts.json: " + err.Error()) // embedded; the first test shows it
	}
	v.synonyms = map[string]synonym{}
	for _, column := range slices.Sorted(maps.Keys(v.Columns)) {
		for rank, text := range v.Columns[column] {
			if _, taken := v.synonyms[text]; !taken {
				v.synonyms[text] = synonym{column, rank}
			}
		}
	}
	v.firstWords = map[string]map[string]bool{}
	for kind, labels := range v.Labels {
		v.firstWords[kind] = map[string]bool{}
		for _, text := range labels {
			first, _, _ := strings.Cut(text, " ")
			v.firstWords[kind][first] = true
		}
	}
	return v
}()

// header is what the header row of a table says.
type header struct {
	row        int // its index among the rows; the last of two
	rows       int // 1, or 2 where headings stand in two rows
	columns    map[Column]int
	texts      []string // folded, to pass over its repetition on later pages
	layout     string
	currency   string // where a heading names it: "Số tiền (VND)"
	monthFirst bool
}

// maxHeaderRows: how deep a header row may sit under letterhead and notes.
const maxHeaderRows = 120

// findHeader looks for the header row: the first that names a date, an amount and
// a third column.
func findHeader(rows [][]string, custom []Layout) *header {
	for i := range rows {
		found := readHeader(rows[i], custom)
		if i+1 < len(rows) && (found != nil || anyHeading(rows[i])) && !strings.ContainsAny(strings.Join(rows[i+1], ""), "0123456789") {
			// "Số tiền" over "Nợ" and "Có": the second row says more.
			joined := make([]string, max(len(rows[i]), len(rows[i+1])))
			for at := range joined {
				joined[at] = strings.TrimSpace(cell(rows[i], at) + "\n" + cell(rows[i+1], at))
			}
			if both := readHeader(joined, custom); both != nil && (found == nil || len(both.columns) > len(found.columns)) {
				both.row, both.rows = i+1, 2
				return both
			}
		}
		if found != nil {
			found.row, found.rows = i, 1
			return found
		}
	}
	return nil
}

func anyHeading(row []string) bool {
	for _, c := range row {
		if _, ok := headingOf(c); ok {
			return true
		}
	}
	return false
}

// readHeader reads one row as a header row; nil if it is none.
func readHeader(row []string, custom []Layout) *header {
	h := &header{texts: make([]string, len(row))}
	at := map[string]int{}
	for i, text := range row {
		h.texts[i] = Fold(text)
		if _, twice := at[h.texts[i]]; !twice {
			at[h.texts[i]] = i
		}
		for _, part := range parts(text) {
			if code := strings.ToUpper(part); code == "VND" || code == "USD" || code == "EUR" || code == "CNY" || code == "LAK" {
				h.currency = code
			}
		}
	}
	for _, l := range slices.Concat(custom, builtin.Layouts) {
		columns := map[Column]int{}
		for column, headings := range l.Columns {
			for _, heading := range headings {
				if i, ok := at[Fold(heading)]; ok {
					columns[column] = i
					break
				}
			}
		}
		if len(columns) == len(l.Columns) && usable(columns) {
			h.columns, h.layout, h.monthFirst = columns, l.Name, l.MonthFirst
			return h
		}
	}
	h.columns = map[Column]int{}
	ranks := map[Column]int{}
	for i, text := range row {
		s, ok := headingOf(text)
		if !ok {
			continue
		}
		if rank, taken := ranks[s.column]; !taken || s.rank < rank {
			h.columns[s.column], ranks[s.column] = i, s.rank
		}
	}
	// A bare "No" heads the row numbers, unless "Co" stands beside it.
	if i, ok := h.columns[ColumnDebit]; ok && h.texts[i] == "NO" && strings.TrimSpace(row[i]) != "Nợ" {
		switch credit, ok := h.columns[ColumnCredit]; {
		case !ok || h.texts[credit] != "CO":
			delete(h.columns, ColumnDebit)
		case credit > 0 && h.texts[credit-1] == "NO":
			h.columns[ColumnDebit] = credit - 1
		}
	}
	if !usable(h.columns) {
		return nil
	}
	if _, ok := h.columns[ColumnDate]; !ok {
		h.columns[ColumnDate] = h.columns[ColumnValueDate]
	}
	return h
}

// usable: a date, an amount, and anything third.
func usable(columns map[Column]int) bool {
	has := func(c Column) bool { _, ok := columns[c]; return ok }
	return len(columns) >= 3 && (has(ColumnDate) || has(ColumnValueDate)) && (has(ColumnDebit) || has(ColumnCredit) || has(ColumnAmount))
}

// headingOf tells a column from its heading, whole or by one of the parts between
// / ( ) | and line breaks, as bilingual headings have them.
func headingOf(text string) (synonym, bool) {
	if len(text) > 120 {
		return synonym{}, false
	}
	if s, ok := builtin.synonyms[words(text)]; ok {
		return s, true
	}
	var best synonym
	found := false
	for _, part := range parts(text) {
		s, ok := builtin.synonyms[part]
		if !ok {
			for _, unit := range []string{" vnd", " dong", " usd", " d"} {
				if bare, cut := strings.CutSuffix(part, unit); cut && !ok {
					s, ok = builtin.synonyms[bare]
				}
			}
		}
		// Debit and credit say more than the amount that stands over them.
		if ok && (!found || best.column == ColumnAmount && (s.column == ColumnDebit || s.column == ColumnCredit)) {
			best, found = s, true
		}
	}
	return best, found
}

// parts splits a cell where bilingual texts are split, as words.
func parts(text string) []string {
	var found []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/()|\n\r[]:;", r) }) {
		if w := words(part); w != "" {
			found = append(found, w)
		}
	}
	return found
}

// label tells what a row without a payment is about, by a cell of it: "total",
// "opening", "closing", or "". exact means that the cell says nothing else.
func label(text string, kinds ...string) (kind string, exact bool) {
	if len(text) > 200 || text == "" || text[0] >= '0' && text[0] <= '9' {
		return "", false
	}
	split := parts(text)
	for _, kind := range kinds {
		all, prefix := true, false
		for _, part := range split {
			bare := strings.TrimRight(strings.TrimSuffix(part, " vnd"), " 0123456789")
			matched := bare == "" || bare == "vnd"
			// "Tổng công ty" is a company.
			if first, _, _ := strings.Cut(part, " "); builtin.firstWords[kind][first] && !strings.HasPrefix(part, "tong cong ty") {
				for _, known := range builtin.Labels[kind] {
					rest, ok := strings.CutPrefix(part, known)
					matched = matched || bare == known
					prefix = prefix || ok && (rest == "" || rest[0] == ' ')
				}
			}
			all = all && matched
		}
		if prefix {
			return kind, all
		}
	}
	return "", false
}

// cell returns a row's cell, "" beyond its end.
func cell(row []string, at int) string {
	if at < 0 || at >= len(row) {
		return ""
	}
	return row[at]
}

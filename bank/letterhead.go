package bank

import (
	"strings"
)

// letterhead reads a row above the header row: account, currency, balances.
func (b *table) letterhead(row []string) {
	for i, text := range row {
		switch kind, _ := label(text, "account", "currency", "opening", "closing"); kind {
		case "account":
			for _, part := range append([]string{afterColon(text)}, row[i+1:]...) {
				if number := accountNumber(part); number != "" && b.s.Account == "" {
					b.s.Account = number
				}
			}
		case "currency":
			for _, part := range append([]string{afterColon(text)}, row[i+1:min(len(row), i+4)]...) {
				if code := Fold(part); currencyCode(code) && b.currency == "" {
					b.currency = code
				}
			}
		case "opening", "closing":
			b.balanceRow(kind, append([]string{afterColon(text)}, row[i+1:]...), 0)
		}
	}
}

// afterColon is what stands behind the label in its own cell.
func afterColon(text string) string {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return ""
	}
	return strings.TrimSpace(text[at+1:])
}

// accountNumber finds an account in a cell: six to 34 letters and digits, most of
// them digits.
func accountNumber(text string) string {
	if bare := Fold(text); len(bare) >= 6 && len(bare) <= 34 && digitsOnly(bare) && strings.Trim(text, "0123456789 .-") == "" {
		return bare // printed in groups
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" /-–;,()\n", r) }) {
		digits := 0
		for i := range len(word) {
			if word[i] >= '0' && word[i] <= '9' {
				digits++
			}
		}
		if digits >= 6 && digits*2 > len(word) && len(word) <= 34 && Fold(word) == strings.ToUpper(word) {
			return word
		}
	}
	return ""
}

// balanceRow takes the printed opening or closing balance from the last number of
// some cells.
func (b *table) balanceRow(kind string, cells []string, line int) {
	for i := len(cells) - 1; i >= 0; i-- {
		f, ok := readFigure(cells[i])
		if !ok {
			continue
		}
		amount, ok := b.styles[ColumnBalance].amount(f)
		if !ok || strings.Contains(cells[i], "/") || strings.Contains(cells[i], ":") {
			continue
		}
		if f.negative {
			amount = amount.Negated()
		}
		if kind == "opening" && b.opening == nil {
			b.opening, b.openingLine = &amount, line
		} else if kind == "closing" {
			b.closing = &amount
		}
		return
	}
}

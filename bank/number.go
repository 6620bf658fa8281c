package bank

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// figure is a cell with a number, taken apart: the digits with their separators,
// the sign, and a currency where one stands in the cell.
type figure struct {
	core     string
	negative bool
	currency string
}

var scientific = regexp.MustCompile(`^[0-9](?:\.[0-9]+)?E\+?[0-9]{1,2}$`)

// readFigure takes a cell apart; ok is false where it holds no number.
func readFigure(cell string) (f figure, ok bool) {
	if len(cell) > 64 {
		return f, false
	}
	var core, letters strings.Builder
	digits := false
	for _, r := range strings.TrimSpace(cell) {
		switch {
		case r >= '0' && r <= '9':
			if letters.Len() > 0 && digits && !strings.HasSuffix(letters.String(), "E") {
				return f, false // digits, letters, digits: a reference
			}
			if letters.String() == "E" && digits {
				core.WriteString("E")
				letters.Reset()
			}
			digits = true
			core.WriteRune(r)
		case r == '.' || r == ',':
			core.WriteRune(r)
		case r == '-' || r == '−' || r == '–' || r == '(':
			f.negative = true
		case r == '+' || r == ')' || r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\'' || r == '’' || r == '\n':
		case r == '₫':
			letters.WriteString("VND")
		default:
			letters.WriteRune(r)
		}
	}
	if !digits {
		return f, false
	}
	switch word := Fold(letters.String()); {
	case letters.Len() == 0:
	case word == "D" || word == "DONG" || word == "VND":
		f.currency = "VND"
	case word == "DR":
		f.negative = true
	case word == "CR":
	case currencyCode(word):
		f.currency = word
	default:
		return f, false
	}
	f.core = core.String()
	return f, true
}

// style is how one column prints its numbers. One cell cannot tell: 740.000 is
// seven hundred and forty thousand or seven hundred and forty. In the zero style
// both separators group thousands.
type style struct{ thousands, point byte }

// styleEvidence counts what the cells of a column prove.
type styleEvidence struct {
	dotGroups, commaGroups int // the separator can only group thousands
	dotPoint, commaPoint   int // the separator can only stand before decimals
	negative, positive     int
}

func (e *styleEvidence) add(cell string) {
	f, ok := readFigure(cell)
	if !ok || strings.Trim(f.core, "0.,") == "" {
		return
	}
	if f.negative {
		e.negative++
	} else {
		e.positive++
	}
	if strings.ContainsRune(f.core, 'E') {
		return
	}
	dots, commas := strings.Count(f.core, "."), strings.Count(f.core, ",")
	dot, comma := strings.LastIndexByte(f.core, '.'), strings.LastIndexByte(f.core, ',')
	switch {
	case dots > 0 && commas > 0 && dot < comma:
		e.dotGroups++
		e.commaPoint++
	case dots > 0 && commas > 0:
		e.commaGroups++
		e.dotPoint++
	case dots > 1:
		e.dotGroups++
	case commas > 1:
		e.commaGroups++
	case dots == 1 && !groupsThousands(f.core, dot):
		e.dotPoint++
	case commas == 1 && !groupsThousands(f.core, comma):
		e.commaPoint++
	}
}

// groupsThousands reports whether one separator could group thousands: one to
// three digits before it, not starting with 0, and three behind.
func groupsThousands(core string, at int) bool {
	return at >= 1 && at <= 3 && core[0] != '0' && len(core)-at-1 == 3
}

// style decides. What groups somewhere never stands before decimals elsewhere in
// the column; without any proof both separators group, since đồng have no decimals.
func (e *styleEvidence) style() style {
	switch {
	case e.dotGroups+e.commaGroups+e.dotPoint+e.commaPoint == 0:
		return style{}
	case e.dotGroups > e.commaGroups, e.commaGroups == 0 && e.commaPoint > 0:
		return style{'.', ','}
	}
	return style{',', '.'}
}

// amount reads a figure in the column's style. ok is false where its groups are
// not of three digits or a separator stands where it cannot.
func (s style) amount(f figure) (Amount, bool) {
	core := f.core
	if scientific.MatchString(core) {
		d, err := decimal.NewFromString(core)
		if err != nil || len(d.String()) > maxDigits+1 {
			return Amount{}, false
		}
		return ParseAmount(d.String())
	}
	var whole, decimals string
	if s == (style{}) {
		whole = strings.ReplaceAll(core, ",", ".")
	} else {
		whole, decimals, _ = strings.Cut(core, string(s.point))
		whole = strings.ReplaceAll(whole, string(s.thousands), ".")
		if strings.ContainsAny(decimals, ".,") || strings.ContainsAny(whole, ",") {
			return Amount{}, false
		}
	}
	groups := strings.Split(whole, ".")
	for i, g := range groups {
		if len(groups) > 1 && (i == 0 && (len(g) < 1 || len(g) > 3) || i > 0 && len(g) != 3) {
			return Amount{}, false
		}
	}
	whole = strings.TrimLeft(strings.Join(groups, ""), "0")
	if whole == "" {
		whole = "0"
	}
	if decimals != "" {
		whole += "." + decimals
	}
	return ParseAmount(whole)
}

// dates is how one column prints its dates.
type dates struct {
	monthFirst bool
	serial     bool // numbers are days since 1900, as spreadsheets count
	epoch1904  bool
}

// dateEvidence counts what the cells of a column prove about day and month.
type dateEvidence struct{ dayFirst, monthFirst int }

var (
	numericDate = regexp.MustCompile(`^(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\s+)?([0-9]{1,2})\s*[/.\-]\s*([0-9]{1,2})\s*[/.\-]\s*([0-9]{4}|[0-9]{2})(?:[^0-9].*)?$`)
	yearFirst   = regexp.MustCompile(`^([0-9]{4})[/.\-]([0-9]{1,2})[/.\-]([0-9]{1,2})(?:[^0-9].*)?$`)
	compactDate = regexp.MustCompile(`^(20[0-9]{2})([01][0-9])([0-3][0-9])$`)
	namedMonth  = regexp.MustCompile(`(?i)^([0-9]{1,2})[\s/.\-]+([a-z]{3})[a-z]*[\s/.,\-]+([0-9]{4}|[0-9]{2})(?:[^0-9].*)?$`)
	clock       = regexp.MustCompile(`([0-2]?[0-9]):([0-5][0-9])(?::([0-5][0-9]))?(?:\.[0-9]+)?\s*(?i:(am|pm|sa|ch)\b)?`)
	serialDate  = regexp.MustCompile(`^[2-7][0-9]{4}(?:\.[0-9]+)?$`)
)

func (e *dateEvidence) add(cell string) {
	if f := numericDate.FindStringSubmatch(strings.TrimSpace(cell)); f != nil {
		first, _ := strconv.Atoi(f[1])
		second, _ := strconv.Atoi(f[2])
		if first > 12 {
			e.dayFirst++
		}
		if second > 12 {
			e.monthFirst++
		}
	}
}

// read spells a cell's day as YYYY-MM-DD, possibly one that does not exist, and
// its time of day. ok is false where the cell holds no date.
func (d dates) read(cell string) (on, at string, ok bool) {
	cell = strings.TrimSpace(cell)
	if cell == "" || len(cell) > 64 {
		return "", "", false
	}
	n := func(text string) int { v, _ := strconv.Atoi(text); return v }
	year := func(text string) int {
		if len(text) == 2 {
			return century(n(text))
		}
		return n(text)
	}
	if f := numericDate.FindStringSubmatch(cell); f != nil {
		first, second := n(f[1]), n(f[2])
		if d.monthFirst {
			first, second = second, first
		}
		return day(year(f[3]), second, first), timeOf(cell), true
	}
	if f := yearFirst.FindStringSubmatch(cell); f != nil {
		return day(n(f[1]), n(f[2]), n(f[3])), timeOf(cell), true
	}
	if f := compactDate.FindStringSubmatch(cell); f != nil {
		return day(n(f[1]), n(f[2]), n(f[3])), "", true
	}
	if f := namedMonth.FindStringSubmatch(cell); f != nil {
		month := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(f[2]))
		if month < 0 || month%3 != 0 {
			return "", "", false
		}
		return day(year(f[3]), month/3+1, n(f[1])), timeOf(cell), true
	}
	if d.serial && serialDate.MatchString(cell) {
		return d.fromSerial(cell)
	}
	return "", "", false
}

// fromSerial reads the number of days since 1899-12-30 (or 1904-01-01), and the
// fraction of a day.
func (d dates) fromSerial(cell string) (on, at string, ok bool) {
	number, err := decimal.NewFromString(cell)
	if err != nil {
		return "", "", false
	}
	begin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if d.epoch1904 {
		begin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	seconds := number.Mul(decimal.NewFromInt(86400)).Round(0).IntPart()
	moment := begin.Add(time.Duration(seconds) * time.Second)
	if strings.Contains(cell, ".") {
		at = moment.Format(time.TimeOnly)
	}
	return moment.Format(time.DateOnly), at, true
}

// timeOf finds a time of day in a cell.
func timeOf(cell string) string {
	if strings.IndexByte(cell, ':') < 0 {
		return ""
	}
	f := clock.FindStringSubmatch(cell)
	if f == nil {
		return ""
	}
	hour, _ := strconv.Atoi(f[1])
	switch strings.ToLower(f[4]) {
	case "pm", "ch":
		hour = hour%12 + 12
	case "am", "sa":
		hour %= 12
	}
	if hour > 23 {
		return ""
	}
	seconds := f[3]
	if seconds == "" {
		seconds = "00"
	}
	return pad(hour) + ":" + f[2] + ":" + seconds
}

package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"socho/bank"
	"socho/internal/refcode"
)

// Reading is what the sealed text of a line says of bills, without the text: it
// holds codes, and names of stalls and classes, and nothing of the payer.
type Reading struct {
	Codes []string    // well-formed ones, in the order of the text
	Slips []bank.Slip // codes of open bills that it misses by one character
	Marks []string    // stalls and classes of open bills that it names
}

// Bill is a bill that something is owed on.
type Bill struct {
	Bill, Holder, Person, Stall, Class, Period, DueOn, Reference string
	Owed                                                         int64 // đồng
}

// mark is what a payer may call the bill's place by: its stall or class.
func (b *Bill) mark() string { return cmp.Or(b.Stall, b.Class) }

// Open is what texts are read against: an organization's open bills.
type Open struct {
	Bills []Bill
	codes *bank.Searched
	marks map[string]string // as texts write them → as bills do
}

// NewOpen indexes bills.
func NewOpen(bills []Bill) *Open {
	o := &Open{Bills: bills, marks: map[string]string{}}
	codes := make([]refcode.Code, 0, len(bills))
	for i := range bills {
		if bills[i].Reference != "" {
			codes = append(codes, refcode.Code(bills[i].Reference))
		}
		// A mark of one letter, or of digits alone, stands in any text.
		if m := bills[i].mark(); len(m) >= 2 && strings.ContainsFunc(m, unicode.IsLetter) {
			o.marks[strings.ToUpper(m)] = m
		}
	}
	o.codes = bank.NewSearched(codes)
	return o
}

// Read finds in a text what leads to bills. It is pure; the time it takes does not
// grow with the number of bills.
func (o *Open) Read(text string) (r Reading) {
	for _, code := range refcode.Find(text) {
		r.Codes = append(r.Codes, string(code))
	}
	marks := map[string]bool{}
	for _, w := range tokens(text) {
		if m, ok := o.marks[w]; ok {
			marks[m] = true
		}
	}
	r.Slips, r.Marks = o.codes.Slips(text), sorted(marks)
	r.Slips = r.Slips[:min(len(r.Slips), maxSlips)]
	r.Marks = r.Marks[:min(len(r.Marks), maxMarks)]
	r.Codes = r.Codes[:min(len(r.Codes), maxCodes)]
	return r
}

// Bounds of a reading: more than that leads nowhere.
const (
	maxCodes = 20
	maxSlips = 20
	maxMarks = 20
)

// tokens takes a text apart into capital words of letters, digits, - and _, as
// stalls and classes are written.
func tokens(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == 'đ' || r == 'Đ':
			return 'D'
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToUpper(r)
		}
		return ' '
	}, norm.NFD.String(text))
	return strings.Fields(plain)
}

// Strength says in a word how sure a suggestion is. No strength places money by
// itself.
type Strength string

// The strengths.
const (
	Strong Strength = "strong" // codes, character by character, and the amounts agree
	Fair   Strength = "fair"   // a code with a slip, several codes, or who has paid before
	Weak   Strength = "weak"   // an amount, a name, a place
)

// Part is what of a line's money would go to one bill.
type Part struct {
	Bill
	Amount int64
}

// Suggestion is a way to place a line's money, and why. Above is what the last
// bill does not owe, which becomes its payer's credit; Rest stays unplaced.
type Suggestion struct {
	Parts       []Part
	Above, Rest int64
	Reasons     []bank.Reason // strongest first
	Slips       []bank.Slip   // of the codes that were written with one
	Score       int
	Strength    Strength
}

// Key names a suggestion among those of its line.
func (s *Suggestion) Key() string {
	names := make([]string, len(s.Parts))
	for i := range s.Parts {
		names[i] = s.Parts[i].Bill.Bill
	}
	return strings.Join(names, " ")
}

// Evidence is what is known of a line that waits for a person.
type Evidence struct {
	On   string // the day, YYYY-MM-DD
	Left int64  // đồng that are not placed
	Reading
	Paid  map[string]bool // holders for whom the same payer has paid before
	Named map[string]bool // persons whose name was found; nil where nobody may know
}

const (
	mostSuggestions = 6
	// mostAlike is how many bills an amount alone may suggest: where half the
	// market owes the same, it says nothing.
	mostAlike = 3
	dueWithin = 45 * 24 * time.Hour
)

// Suggest ranks ways to place a line's money among the open bills, best first;
// equals by bill. It decides nothing: a person takes one, or none.
func Suggest(e Evidence, open []Bill) []Suggestion {
	if e.Left <= 0 {
		return nil
	}
	slips := map[string]bank.Slip{}
	for _, s := range e.Slips {
		slips[string(s.Code)] = s
	}
	alike := 0
	for i := range open {
		if open[i].Owed == e.Left {
			alike++
		}
	}
	var found []Suggestion
	for i := range open {
		b := &open[i]
		var reasons []bank.Reason
		var slip []bank.Slip
		evident := true
		if at := slices.Index(e.Codes, b.Reference); at >= 0 && b.Reference != "" {
			reasons = append(reasons, bank.ReasonCodeAmong)
			if len(e.Codes) == 1 {
				reasons[0] = bank.ReasonCode
			}
		} else if s, ok := slips[b.Reference]; ok && b.Reference != "" {
			reasons, slip = append(reasons, s.Reason), []bank.Slip{s}
		} else if !e.Paid[b.Holder] && !(e.Named[b.Person] && b.Person != "") && !slices.Contains(e.Marks, b.mark()) {
			evident = false
		}
		if e.Paid[b.Holder] {
			reasons = append(reasons, bank.ReasonSender)
		}
		if e.Named[b.Person] && b.Person != "" {
			reasons = append(reasons, bank.ReasonName)
		}
		if m := b.mark(); m != "" && slices.Contains(e.Marks, m) {
			reasons = append(reasons, bank.ReasonPlace)
		}
		if b.Owed == e.Left && (evident || alike <= mostAlike) {
			reasons = append(reasons, bank.ReasonAmount)
		}
		if len(reasons) == 0 {
			continue
		}
		if due(e.On, b.DueOn) {
			reasons = append(reasons, bank.ReasonDue)
		}
		found = append(found, weighed(e.Left, reasons, slip, *b))
	}
	if split, ok := e.split(open); ok {
		found = append(found, split)
	}
	slices.SortFunc(found, func(a, b Suggestion) int {
		return cmp.Or(b.Score-a.Score, strings.Compare(a.Key(), b.Key()))
	})
	return found[:min(len(found), mostSuggestions)]
}

// again is what may be done with money for a bill that is paid: it becomes its
// payer's credit. It is never more than fair, since the payer may want it back.
func (e *Evidence) again(codes []Known) (s Suggestion, ok bool) {
	if len(codes) != 1 || codes[0].Bill == "" || codes[0].Owed > 0 || e.Left <= 0 {
		return s, false
	}
	k := codes[0]
	reasons := []bank.Reason{bank.ReasonCode}
	return Suggestion{Parts: []Part{{Bill{Bill: k.Bill, Holder: k.Holder, Class: k.Class, Period: k.Period, Reference: e.Codes[0]}, e.Left}},
		Above: e.Left, Reasons: reasons, Score: bank.Points(reasons), Strength: Fair}, true
}

// split shares a line among the bills of its codes, in their order: each takes
// what it is owed, as far as the money goes.
func (e *Evidence) split(open []Bill) (s Suggestion, ok bool) {
	var bills []Bill
	var owed int64
	for _, code := range e.Codes {
		for i := range open {
			if open[i].Reference == code {
				bills, owed = append(bills, open[i]), owed+open[i].Owed
			}
		}
	}
	if len(bills) < 2 {
		return s, false
	}
	reasons := []bank.Reason{bank.ReasonCodeAmong}
	if owed == e.Left && len(bills) == len(e.Codes) {
		reasons = append(reasons, bank.ReasonAmountOfMany)
	}
	s = weighed(e.Left, reasons, nil, bills...)
	s.Score += bank.Points(reasons[:1]) // all codes of the line say more than one of them
	return s, len(s.Parts) >= 2
}

// weighed gives each bill what it is owed, in order, as far as the money goes; what
// is above goes to the last.
func weighed(left int64, reasons []bank.Reason, slips []bank.Slip, bills ...Bill) Suggestion {
	bank.Strongest(reasons)
	s := Suggestion{Reasons: reasons, Slips: slips, Score: bank.Points(reasons), Strength: Weak}
	for _, b := range bills {
		if part := min(left, b.Owed); part > 0 {
			s.Parts, left = append(s.Parts, Part{b, part}), left-part
		}
	}
	has := func(r bank.Reason) bool { return slices.Contains(reasons, r) }
	switch {
	case len(bills) == 1:
		// One bill takes all: what is above it becomes its payer's credit by rule.
		s.Parts[0].Amount, s.Above = s.Parts[0].Amount+left, left
	default:
		s.Rest = left
	}
	switch {
	case has(bank.ReasonCode) && s.Above == 0, has(bank.ReasonCodeAmong) && has(bank.ReasonAmountOfMany):
		s.Strength = Strong
	case has(bank.ReasonCode), has(bank.ReasonCodeAmong), len(slips) > 0, has(bank.ReasonSender):
		s.Strength = Fair
	}
	return s
}

// due reports whether two days lie close together.
func due(on, by string) bool {
	one, err := time.Parse(time.DateOnly, on)
	other, err2 := time.Parse(time.DateOnly, by)
	return err == nil && err2 == nil && one.Sub(other).Abs() <= dueWithin
}

// The reasons why a line waits, each a closed word.
const (
	WhyUnread    = "unread"    // its text has not been read, or is erased
	WhyCodes     = "codes"     // several codes
	WhyOpen      = "open"      // one code, of an open bill: taken back by a person, or issued since
	WhyClosed    = "closed"    // one code, of a bill that owes nothing any more
	WhyElsewhere = "elsewhere" // one code, of another organization
	WhyUnknown   = "unknown"   // one code, of no bill at all
	WhySlip      = "slip"      // a code with one slip
	WhySender    = "sender"    // no code, but somebody who has paid before
	WhyAmount    = "amount"    // no code; the amount is that of some bills
	WhyNothing   = "nothing"   // nothing leads anywhere
	WhyPartly    = "partly"    // a part was placed, and the rest waits
	WhyCurrency  = "currency"  // other money than đồng
	WhyOut       = "out"       // money that left, and nothing says what for
)

// Known is what is known of a code that stands in a text.
type Known struct {
	Bill      string // of this organization; empty where it is none of its
	Owed      int64
	Holder    string // of the bill, with its class and period
	Class     string
	Period    string
	Elsewhere bool // another organization has such a bill
}

// Why says why a line waits. codes is what is known of the codes of its text, in
// their order, and alike how many open bills owe exactly what is left.
func Why(e Evidence, read bool, codes []Known, alike int) string {
	switch {
	case !read:
		return WhyUnread
	case len(codes) > 1:
		return WhyCodes
	case len(codes) == 1 && codes[0].Bill != "" && codes[0].Owed > 0:
		return WhyOpen
	case len(codes) == 1 && codes[0].Bill != "":
		return WhyClosed
	case len(codes) == 1 && codes[0].Elsewhere:
		return WhyElsewhere
	case len(codes) == 1:
		return WhyUnknown
	case len(e.Slips) > 0:
		return WhySlip
	case len(e.Paid) > 0:
		return WhySender
	case alike > 0:
		return WhyAmount
	}
	return WhyNothing
}

package bank

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"socho/internal/refcode"
)

// Match says which well-formed codes a line holds, in order, each once, and
// whether it may be taken without a person: exactly one, and that one is open.
// Everything else is a case: a wrong match is far worse than none.
func Match(line string, open func(refcode.Code) bool) (codes []refcode.Code, auto bool) {
	codes = refcode.Find(line)
	return codes, len(codes) == 1 && open(codes[0])
}

// Bill is something open that a line may be meant for. What is not known stays
// empty.
type Bill struct {
	Code     refcode.Code
	Amount   Amount // what is still owed
	Currency string
	Name     string   // of who owes it, a pupil or a trader
	Senders  []string // accounts from which the same name was paid before
	DueOn    string   // YYYY-MM-DD
}

// Reason is why a bill is suggested for a line.
type Reason string

// The reasons, from the strongest to the weakest, and their points. Points only
// rank; no number of them ever matches a line by itself.
const (
	ReasonCode         Reason = "code"           // its code, alone in the line
	ReasonCodeAmong    Reason = "code_among"     // its code, among others
	ReasonCodeSwapped  Reason = "code_swapped"   // its code with two neighbours swapped
	ReasonCodeWrong    Reason = "code_wrong"     // its code with one wrong character
	ReasonCodeMissing  Reason = "code_missing"   // its code without one character
	ReasonCodeExtra    Reason = "code_extra"     // its code with one character too many
	ReasonCodeCut      Reason = "code_cut"       // the first eight to ten characters of its code
	ReasonSender       Reason = "sender"         // the account has paid for the same name before
	ReasonPlace        Reason = "place"          // the stall or class is named in the text
	ReasonName         Reason = "name"           // the name is in the text or the sender's name
	ReasonAmount       Reason = "amount"         // exactly what is owed
	ReasonAmountOfMany Reason = "amount_of_many" // the codes of the line together owe exactly this
	ReasonDue          Reason = "due"            // due within 45 days of the payment
)

var points = map[Reason]int{
	ReasonCode: 100, ReasonCodeAmong: 60, ReasonCodeSwapped: 45, ReasonCodeWrong: 40, ReasonCodeMissing: 40, ReasonCodeExtra: 40, ReasonCodeCut: 30,
	ReasonSender: 30, ReasonName: 25, ReasonPlace: 15, ReasonAmount: 20, ReasonAmountOfMany: 15, ReasonDue: 5,
}

// Points sums what reasons weigh together.
func Points(reasons []Reason) (sum int) {
	for _, r := range reasons {
		sum += points[r]
	}
	return sum
}

// Strongest sorts reasons, the strongest first.
func Strongest(reasons []Reason) {
	slices.SortStableFunc(reasons, func(a, b Reason) int { return points[b] - points[a] })
}

// Suggestion is a bill that a person may choose for a line, and why.
type Suggestion struct {
	Code    refcode.Code `json:"code"`
	Score   int          `json:"score"`
	Reasons []Reason     `json:"reasons"` // strongest first
}

// maxSuggestions is how many a person can look through.
const maxSuggestions = 10

// dueDays is how far payment and due date may lie apart to say anything.
const dueDays = 45

// Suggest ranks the open bills for a line that Match left to a person: best first,
// equals by code, at most ten. A due date alone suggests nothing. The time taken
// grows with the number of bills times the length of the text.
func Suggest(e *Entry, bills []Bill) []Suggestion {
	letters := Fold(e.Remittance)
	who := letters + " " + Fold(e.CounterpartyName)
	codes := refcode.Find(e.Remittance)
	var named Amount // what the codes of the line owe together
	for _, b := range bills {
		if slices.Contains(codes, b.Code) {
			named = named.Plus(b.Amount)
		}
	}
	var found []Suggestion
	for _, b := range bills {
		var reasons []Reason
		switch {
		case slices.Contains(codes, b.Code) && len(codes) == 1:
			reasons = append(reasons, ReasonCode)
		case slices.Contains(codes, b.Code):
			reasons = append(reasons, ReasonCodeAmong)
			if named.Equal(e.Amount) && b.Currency == e.Currency {
				reasons = append(reasons, ReasonAmountOfMany)
			}
		default:
			if r := nearMiss(letters, string(b.Code)); r != "" {
				reasons = append(reasons, r)
			}
		}
		if from := Fold(e.CounterpartyAccount); from != "" && slices.ContainsFunc(b.Senders, func(s string) bool { return Fold(s) == from }) {
			reasons = append(reasons, ReasonSender)
		}
		// One word is no name: half the market is called Nguyen.
		if name := Fold(b.Name); len(strings.Fields(b.Name)) >= 2 && len(name) >= 6 && strings.Contains(who, name) {
			reasons = append(reasons, ReasonName)
		}
		if b.Currency == e.Currency && b.Amount.Sign() > 0 && b.Amount.Equal(e.Amount) {
			reasons = append(reasons, ReasonAmount)
		}
		if len(reasons) == 0 {
			continue
		}
		if near(e.BookedOn, b.DueOn) {
			reasons = append(reasons, ReasonDue)
		}
		slices.SortStableFunc(reasons, func(a, b Reason) int { return points[b] - points[a] })
		s := Suggestion{Code: b.Code, Reasons: reasons}
		for _, r := range reasons {
			s.Score += points[r]
		}
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b Suggestion) int {
		return cmp.Or(b.Score-a.Score, strings.Compare(string(a.Code), string(b.Code)))
	})
	return found[:min(len(found), maxSuggestions)]
}

// near reports whether two days lie close together.
func near(a, b string) bool {
	one, err := time.Parse(time.DateOnly, a)
	other, err2 := time.Parse(time.DateOnly, b)
	return err == nil && err2 == nil && one.Sub(other).Abs() <= dueDays*24*time.Hour
}

// cutFrom is the least of a code that says anything: kind and period, which
// thousands share, and two of the four drawn characters.
const cutFrom = 8

// nearMiss finds a code with one slip in folded text. All windows are looked at,
// and the strongest reason counts.
func nearMiss(letters, code string) (best Reason) {
	consider := func(r Reason) {
		if best == "" || points[r] > points[best] {
			best = r
		}
	}
	for at := range len(letters) {
		same := commonPrefix(letters[at:], code)
		if same >= cutFrom && same < len(code) {
			consider(ReasonCodeCut)
		}
		// What follows the first difference must go on as the code does.
		rest, after := letters[at+same:], code[min(same, len(code)):]
		if len(after) == 0 || len(rest) == 0 || same == 0 && len(rest) < len(after) {
			continue
		}
		switch {
		case len(after) >= 2 && len(rest) >= 2 && rest[0] == after[1] && rest[1] == after[0] && strings.HasPrefix(rest[2:], after[2:]):
			consider(ReasonCodeSwapped)
		case strings.HasPrefix(rest[1:], after[1:]):
			consider(ReasonCodeWrong)
		case strings.HasPrefix(rest, after[1:]) && len(after) > 1:
			consider(ReasonCodeMissing)
		case strings.HasPrefix(rest[1:], after):
			consider(ReasonCodeExtra)
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

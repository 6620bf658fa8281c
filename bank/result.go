package bank

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Result is what a file says as a whole. Exactly one of Statements, Order and
// Status is there, and none where the format could not be told.
type Result struct {
	Format   string // "camt.053.001.08", "MT940", "VN CSV, Agribank", …; "unknown"
	Encoding string // of text files; empty for XML
	*Statements
	Order    *Order
	Status   *Status
	Valid    bool      // readable as a whole
	Reason   string    // why not
	Problems []Problem // the reason first, then findings by line; at most maxProblems
}

// Statements sums up a file of account statements or notifications.
type Statements struct {
	Count              int         `json:"statements"`
	Entries            int         `json:"entries"` // all, with those not booked and malformed
	NotBooked          int         `json:"entries_not_booked"`
	Reversals          int         `json:"entries_reversal"`
	Malformed          int         `json:"entries_malformed,omitzero"` // left out of the totals; each is a Problem
	MalformedReason    string      `json:"malformed_reason,omitzero"`  // of the first of them
	TransactionDetails *int        `json:"transaction_details,omitzero"`
	Totals             []Total     `json:"totals"` // of booked entries, by currency
	List               []Statement `json:"statement_list"`

	// Of tables alone.
	Opening        *Amount `json:"opening,omitzero"`
	OpeningDerived *bool   `json:"opening_derived,omitzero"` // not printed, but the first balance less the first movement
	Closing        *Amount `json:"closing,omitzero"`
}

// Total sums the booked entries of one currency.
type Total struct {
	Currency    string `json:"currency"`
	CreditCount int    `json:"credit_count"`
	CreditSum   Amount `json:"credit_sum"`
	DebitCount  int    `json:"debit_count"`
	DebitSum    Amount `json:"debit_sum"`
}

// Statement is one statement, report or notification of a file.
type Statement struct {
	ID              *string `json:"id"` // null for tables, which carry none
	Account         string  `json:"account"`
	Entries         int     `json:"entries"`
	Opening         *Amount `json:"opening"` // a debit balance is negative; null where absent
	Closing         *Amount `json:"closing"`
	OpeningCurrency *string `json:"opening_currency"`
	ClosingCurrency *string `json:"closing_currency"`
	BalanceCheck    *string `json:"balance_check"` // ok, mismatch, or null where it cannot be computed

	// Of MT940 and MT942 alone.
	OpeningTag          string `json:"opening_tag,omitzero"`
	ClosingTag          string `json:"closing_tag,omitzero"`
	BalanceCurrency     string `json:"balance_currency,omitzero"`
	ImpossibleValueDate string `json:"impossible_value_date,omitzero"` // YYMMDD as printed, the first
}

// Order sums up a payment order, pain.001.
type Order struct {
	MessageID            string       `json:"message_id"`
	PaymentBlocks        int          `json:"payment_blocks"`
	Transactions         int          `json:"transactions"`
	DeclaredTransactions *int         `json:"declared_transactions"`
	DeclaredControlSum   *Amount      `json:"declared_control_sum"` // over all currencies, as the standard has it
	Totals               []OrderTotal `json:"totals"`
}

// OrderTotal sums the transfers of one currency.
type OrderTotal struct {
	Currency string `json:"currency"`
	Count    int    `json:"count"`
	Sum      Amount `json:"sum"`
}

// Status is what the bank says of a payment order, pain.002. A group or block
// status holds for all transfers in it that are not named.
type Status struct {
	OriginalMessageID   string              `json:"original_message_id"`
	OriginalMessageName string              `json:"original_message_name"`
	GroupStatus         *string             `json:"group_status"`
	PaymentBlocks       []BlockStatus       `json:"payment_blocks"`
	Transactions        []TransactionStatus `json:"transactions"`
	GroupReasons        []string            `json:"group_reasons"`
}

// BlockStatus is the status of one payment block.
type BlockStatus struct {
	ID      string   `json:"id"`
	Status  *string  `json:"status"`
	Reasons []string `json:"-"` // ISO codes
}

// TransactionStatus is the status of one transfer.
type TransactionStatus struct {
	EndToEndID    string   `json:"end_to_end_id"`
	InstructionID string   `json:"-"`
	Block         string   `json:"-"` // the id of its payment block
	Status        *string  `json:"status"`
	Reasons       []string `json:"reasons"` // ISO codes, such as AC01
}

// MarshalJSONTo writes one object with the fields of what the file is.
func (r *Result) MarshalJSONTo(e *jsontext.Encoder) error {
	type head struct {
		Format   string `json:"format"`
		Encoding string `json:"encoding,omitzero"`
	}
	type tail struct {
		Valid    bool      `json:"valid"`
		Reason   *string   `json:"reason"`
		Problems []Problem `json:"problems"`
	}
	h, t := head{r.Format, r.Encoding}, tail{r.Valid, nil, r.Problems}
	if !r.Valid {
		t.Reason = &r.Reason
	}
	switch {
	case r.Order != nil:
		return json.MarshalEncode(e, struct {
			head
			*Order
			tail
		}{h, r.Order, t})
	case r.Status != nil:
		return json.MarshalEncode(e, struct {
			head
			*Status
			tail
		}{h, r.Status, t})
	default:
		s := r.Statements
		if s == nil {
			s = &Statements{}
		}
		return json.MarshalEncode(e, struct {
			head
			*Statements
			tail
		}{h, s, t})
	}
}

// tally adds up a file while it is read.
type tally struct {
	Statements
	totals   map[string]*Total
	problems []Problem
	unlisted int
	visit    func(*Entry) error
}

// maxProblems and maxStatements bound what a result holds.
const (
	maxProblems   = 500
	maxStatements = 200_000
)

func newTally(visit func(*Entry) error) *tally {
	return &tally{totals: map[string]*Total{}, visit: visit}
}

func (t *tally) problem(line int, field, code, detail string) {
	if len(t.problems) >= maxProblems {
		t.unlisted++
		return
	}
	t.problems = append(t.problems, Problem{line, field, code, detail})
}

// malformed counts an entry that could not be read.
func (t *tally) malformed(line int, field, code, detail string) {
	t.Entries++
	t.Malformed++
	detail += "; the entry was left out of the totals"
	if t.MalformedReason == "" {
		t.MalformedReason = detail
	}
	t.problem(line, field, code, detail)
}

// checkDay reports a day that was printed but does not exist.
func (t *tally) checkDay(line int, field, day string) {
	if day != "" && !calendarDay(day) {
		t.problem(line, field, "impossible_date", "a date that no calendar has; it is kept as printed")
	}
}

// entry counts an entry and hands it on.
func (t *tally) entry(e *Entry) error {
	t.Entries++
	if e.Reversal {
		t.Reversals++
	}
	if !e.Booked {
		t.NotBooked++
	} else {
		sum := t.totals[e.Currency]
		if sum == nil {
			sum = &Total{Currency: e.Currency}
			t.totals[e.Currency] = sum
		}
		if e.Direction == Credit {
			sum.CreditCount++
			sum.CreditSum = sum.CreditSum.Plus(e.Amount)
		} else {
			sum.DebitCount++
			sum.DebitSum = sum.DebitSum.Plus(e.Amount)
		}
	}
	if t.visit == nil {
		return nil
	}
	return t.visit(e)
}

// statement closes one statement: moved is the sum of its booked entries, credits
// less debits, and mixed tells that not all were in the balances' currency.
func (t *tally) statement(line int, s *Statement, moved Amount, mixed bool) error {
	if len(t.List) >= maxStatements {
		return refuse(line, "", "too_large", "more than %d statements in one file", maxStatements)
	}
	if mixed {
		t.problem(line, "currency", "currency_unexpected", "not all entries are in the currency of the statement, so its balances cannot be checked")
	}
	if s.Opening != nil && s.Closing != nil && !mixed && *s.OpeningCurrency == *s.ClosingCurrency {
		check := "ok"
		if !s.Opening.Plus(moved).Equal(*s.Closing) {
			check = "mismatch"
			t.problem(line, "balance", "balance_mismatch", "opening balance and entries do not lead to the closing balance: entries may be missing")
		}
		s.BalanceCheck = &check
	}
	t.List = append(t.List, *s)
	t.Count++
	return nil
}

// finished returns the sums.
func (t *tally) finished() *Statements {
	s := t.Statements
	s.Totals = make([]Total, 0, len(t.totals))
	for _, sum := range t.totals {
		s.Totals = append(s.Totals, *sum)
	}
	slices.SortFunc(s.Totals, func(a, b Total) int { return cmp.Compare(a.Currency, b.Currency) })
	return &s
}

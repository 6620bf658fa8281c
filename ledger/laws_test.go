package ledger_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"socho/events"
	"socho/ledger"
)

// theme is what a run of random facts keeps to.
type theme struct {
	first []events.Fact // before the random ones
	facts []string
	ids   int // of bills, lines and payouts: the greatest number
	set   int // the first rule set that knows its facts; 0: any
}

var themes = []theme{
	{ids: 3, facts: []string{
		"market.fee_assessed", "school.bill_issued", "market.payment_received", "market.cash_banked", "market.fee_waived",
		"school.refunded", "benefit.person_entitled", "benefit.funded", "benefit.payout_ordered", "benefit.payout_sent",
		"benefit.payout_settled", "benefit.payout_returned", "benefit.cash_drawn", "benefit.paid_in_cash", "benefit.person_stopped",
		"bank.line_received", "bank.line_allocated", "ledger.reversed", "organization.opening_balance",
	}},
	{ids: 1, facts: []string{
		"benefit.payout_ordered", "benefit.payout_sent", "benefit.payout_settled", "benefit.payout_returned", "benefit.paid_in_cash",
		"bank.line_received", "ledger.reversed",
	}, first: []events.Fact{
		lineIn("grant", "90000"), funded("grant", "90000"), entitledTo("p0", "5000"), entitledTo("p1", "3000"),
		lineIn("l0", "5000"), lineOut("l0", "90000"), drawn("l0", "9000"), orderedFor("p0", "o0", "3000"), orderedFor("p1", "o1", "3000"),
	}},
	{ids: 2, facts: []string{
		"benefit.payout_ordered", "benefit.payout_sent", "benefit.payout_settled", "benefit.payout_returned", "benefit.paid_in_cash",
		"benefit.person_entitled", "benefit.person_stopped", "ledger.reversed",
	}, first: []events.Fact{
		lineIn("grant", "90000"), funded("grant", "90000"), entitledTo("p0", "5000"), lineIn("l0", "9000"), lineIn("l1", "9000"),
	}},
	{ids: 1, facts: []string{
		"market.fee_assessed", "market.payment_received", "market.cash_banked", "school.refunded",
		"bank.line_received", "bank.line_allocated", "ledger.reversed", "organization.opening_balance",
	}, first: []events.Fact{fee("b0", "2000"), lineIn("l0", "2000")}},
	{ids: 2, set: 3, facts: []string{
		"market.fee_assessed", "school.bill_issued", "market.payment_received", "market.cash_banked", "market.fee_waived", "school.refunded",
		"benefit.funded", "bank.line_received", "bank.line_allocated", "ledger.reversed", "ledger.reversed",
		"organization.credit_applied", "organization.suspense_placed", "organization.passed_on", "benefit.grant_returned", "bank.lines_offset",
		"organization.spent", "organization.earned", "organization.refunded_in_cash", "organization.month_closed", "organization.month_reopened",
	}, first: []events.Fact{fee("b0", "5000"), lineIn("l0", "5000"), lineOut("l1", "5000"), paid("b9", "", "3000")}},
	{ids: 1, set: 3, facts: []string{
		"market.payment_received", "organization.suspense_placed", "market.fee_assessed", "market.tickets_sold", "ledger.reversed",
	}, first: []events.Fact{fee("b0", "5000")}},
	{ids: 2, set: 3, facts: []string{
		"market.tickets_handed_out", "market.tickets_sold", "market.tickets_returned", "market.sales_connected", "market.sales_disconnected", "market.sale_received", "market.sale_received",
		"market.card_issued", "market.card_posted", "market.card_inspected", "market.card_replaced", "market.card_revoked", "market.alert_raised", "market.alert_closed",
		"bank.statement_received", "bank.line_noted", "bank.line_received", "organization.suspense_placed", "market.fee_assessed", "ledger.reversed", "ledger.reversed",
	}, first: []events.Fact{connected("2026-09-30"), sale("l0", "2000", "2026-09-01")}},
}

func entitledTo(person, amount string) events.Fact {
	f := entitled(amount).(*events.PersonEntitled)
	f.Person = events.ID(person)
	return f
}

func orderedFor(person, payout, amount string) events.Fact {
	f := ordered(payout, amount).(*events.PayoutOrdered)
	f.Person = events.ID(person)
	return f
}

// observations happened: they are never refused, and move money but for the
// codes that say why there is none to move.
var observations = []string{
	"market.payment_received", "market.cash_banked", "benefit.funded", "benefit.payout_settled",
	"benefit.payout_returned", "benefit.cash_drawn", "benefit.paid_in_cash", "bank.line_received",
	"market.tickets_sold",
}

// laws holds outcomes against what may never happen, from facts and transfers
// alone: it knows nothing of rules or their state.
type laws struct {
	*rapid.T
	balances map[string]int64 // debits less credits
	out      map[string]int64 // person → what banks and pay points gave, less what came back
	entries  map[string]int   // a bank line's movement → how often it stands
	first    map[string]int   // event id → place in done
	done     []deed
}

// deed is an accepted fact.
type deed struct {
	fact events.Fact
	void bool // taken back
}

func newLaws(t *rapid.T) *laws {
	return &laws{T: t, balances: map[string]int64{}, out: map[string]int64{}, entries: map[string]int{}, first: map[string]int{}}
}

// standing calls each for the facts of a type that were not taken back.
func standing[F events.Fact](l *laws, each func(F)) {
	for _, d := range l.done {
		if f, ok := d.fact.(F); ok && !d.void {
			each(f)
		}
	}
}

func (l *laws) hold(r *events.Record, o *ledger.Outcome, transfers []ledger.Transfer) {
	event, err := events.Decode(r.Value)
	if err != nil {
		l.Fatal(err)
	}
	name := events.Name(o.Type)
	said := fmt.Sprintf("offset %d (%s %s, %s %s)", o.Offset, name, o.EventID, o.Status, o.Code)
	if o.Status == ledger.Refused && slices.Contains(observations, name) {
		l.Errorf("%s: an observation was refused", said)
	}
	moves := !slices.Contains([]string{"line_known", "line_differs", "nothing_sent"}, o.Code)
	if f, ok := event.Fact.(*events.PayoutReturned); ok && f.Line == "" && o.Code == "payout_unknown" {
		moves = false // rejected, and nobody knows what
	}
	if o.Status == ledger.Recorded && slices.Contains(observations, name) && moves {
		l.Errorf("%s: an observation moved nothing", said)
	}
	l.moneyProved(said, transfers)
	l.move(said, name, transfers)
	if o.RuleSet >= 3 {
		l.ofOffices(said, transfers)
	}
	if !o.Status.Accepted() {
		return
	}
	if f, ok := event.Fact.(*events.Reversed); ok {
		l.done[l.first[string(f.Reverses)]].void = true
	} else {
		l.first[o.EventID] = len(l.done)
	}
	l.done = append(l.done, deed{fact: event.Fact})
	l.openedOnce(said)
	l.ordersKept(said)
	switch f := event.Fact.(type) {
	case *events.PayoutOrdered:
		l.paidOnce(said, string(f.Person), f.Period)
	case *events.PayoutSent:
		standing(l, func(order *events.PayoutOrdered) {
			if order.Payout == f.Payout {
				l.paidOnce(said, string(order.Person), order.Period)
			}
		})
	}
}

// moneyProved: what can be paid out again comes from lines that hold it.
func (l *laws) moneyProved(said string, transfers []ledger.Transfer) {
	taken, widening := map[string]int64{}, map[string]bool{}
	for _, t := range transfers {
		can := strings.HasSuffix(t.Credit, ":credit") || t.Credit == "grants:received" || strings.HasPrefix(t.Credit, "person:") || t.Code == "offset"
		if strings.HasPrefix(t.Debit, "clearing:") && can {
			l.Errorf("%s: %s of an operator's money goes to %s", said, t.Amount, t.Credit)
		}
		if strings.HasPrefix(t.Debit, "unallocated:in:") && t.Code != "reversal" && t.Credit != "suspense:in" {
			taken[t.Debit] += t.Amount.Minor()
			widening[t.Debit] = widening[t.Debit] || can
		}
	}
	for path := range widening {
		if widening[path] && taken[path] > -l.balances[path] {
			l.Errorf("%s: %d is taken of %s, which holds %d", said, taken[path], path, -l.balances[path])
		}
	}
}

// move keeps the balances; only bank lines move a bank, each entry once; what
// lands in suspense is said.
func (l *laws) move(said, name string, transfers []ledger.Transfer) {
	for _, t := range transfers {
		l.balances[t.Debit] += t.Amount.Minor()
		l.balances[t.Credit] -= t.Amount.Minor()
		if strings.HasPrefix(t.Debit+t.Credit, "suspense:") && strings.HasSuffix(said, " )") && t.Code != "reversal" && t.Code != "suspense_placed" {
			l.Errorf("%s: %s went to suspense without a word", said, t.Amount)
		}
		if s := strings.Split(t.Debit, ":"); s[0] == "person" && !strings.HasPrefix(t.Credit, "person:") {
			l.out[s[1]] += t.Amount.Minor()
		}
		if s := strings.Split(t.Credit, ":"); s[0] == "person" && !strings.HasPrefix(t.Debit, "person:") {
			l.out[s[1]] -= t.Amount.Minor()
		}
		debit, credit := strings.HasPrefix(t.Debit, "bank:"), strings.HasPrefix(t.Credit, "bank:")
		if !debit && !credit {
			continue
		}
		if !slices.Contains([]string{"bank.line_received", "ledger.reversed", "organization.opening_balance"}, name) {
			l.Errorf("%s: moved the bank account", said)
		}
		if strings.HasPrefix(t.Code, "bank_line") {
			l.entries[t.Debit+" "+t.Credit+" "+t.Amount.String()]++
		} else if t.Code == "reversal" {
			l.entries[t.Credit+" "+t.Debit+" "+t.Amount.String()]--
		}
	}
	for entry, n := range l.entries {
		if n > 1 {
			l.Errorf("%s: the bank line %s stands %d times", said, entry, n)
		}
	}
}

func (l *laws) openedOnce(said string) {
	opened := map[events.Path]int{}
	standing(l, func(f *events.OpeningBalance) {
		if opened[f.Path]++; opened[f.Path] > 1 {
			l.Errorf("%s: %s is opened twice", said, f.Path)
		}
	})
}

// ordersKept: a payout is owed and on its way for no more than its order.
func (l *laws) ordersKept(said string) {
	ordered := map[string]int64{}
	standing(l, func(f *events.PayoutOrdered) { ordered[string(f.Person)+" "+string(f.Payout)] = f.Money().Minor() })
	open := map[string]int64{}
	for path, left := range l.balances {
		if s := strings.Split(path, ":"); len(s) == 4 && s[0] == "person" {
			open[s[1]+" "+s[3]] -= left
		}
	}
	for payout, n := range open {
		if n > ordered[payout] {
			l.Errorf("%s: payout %s is owed for %d, ordered was %d", said, payout, n, ordered[payout])
		}
	}
}

// paidOnce: after a decision, what was ordered of a person's month, and what has
// left or is on its way, is within the entitlement, and the month is not
// stopped.
func (l *laws) paidOnce(said, person string, period events.Period) {
	entitled, granted, out := int64(0), int64(0), l.out[person]
	standing(l, func(f *events.PersonEntitled) {
		if string(f.Person) == person {
			entitled = f.Money().Minor()
		}
	})
	standing(l, func(f *events.PersonStopped) {
		if string(f.Person) == person && period >= f.FromPeriod {
			l.Errorf("%s: %s is stopped from %s", said, person, f.FromPeriod)
		}
	})
	standing(l, func(f *events.PayoutOrdered) {
		if string(f.Person) == person {
			granted += f.Money().Minor()
		}
	})
	for path, left := range l.balances {
		if strings.HasPrefix(path, "person:"+person+":clearing:") {
			out -= left
		}
	}
	if granted > entitled || out > entitled {
		l.Errorf("%s: %s may receive %d, ordered is %d, out is %d", said, person, entitled, granted, out)
	}
}

package ledger

import "socho/events"

// stateOf1 names the rule state that deciding an event looks at.
func stateOf1(e *events.Event) []string {
	switch f := e.Fact.(type) {
	case *events.FeeAssessed:
		return withReference(billKey(f.Bill), f.Reference)
	case *events.BillIssued:
		return withReference(billKey(f.Bill), f.Reference)
	case *events.PaymentReceived:
		return withLine(billKey(f.Bill), f.Line)
	case *events.BillPaid:
		return withLine(billKey(f.Bill), f.Line)
	case *events.FeeWaived:
		return []string{billKey(f.Bill)}
	case *events.BillExempted:
		return []string{billKey(f.Bill)}
	case *events.PersonEntitled:
		return []string{entitlementKey(f.Person, f.Programme, f.Period)}
	case *events.OpeningBalance:
		return []string{openedKey(inCurrency(string(f.Path), f.Currency))}
	case *events.Refunded:
		return []string{lineKey(f.Line)}
	case *events.CashDrawn:
		return []string{lineKey(f.Line)}
	case *events.PersonStopped:
		return []string{stopKey(f.Person, f.Programme)}
	case *events.Funded:
		return []string{lineKey(f.Line)}
	case *events.CashBanked:
		return []string{lineKey(f.Line)}
	case *events.PayoutOrdered:
		return []string{payoutKey(f.Payout), stopKey(f.Person, f.Programme), entitlementKey(f.Person, f.Programme, f.Period)}
	case *events.PayoutSent:
		return []string{payoutKey(f.Payout)}
	case *events.PayoutSettled:
		return []string{payoutKey(f.Payout), lineKey(f.Line)}
	case *events.PayoutReturned:
		return withLine(payoutKey(f.Payout), f.Line)
	case *events.PaidInCash:
		return []string{payoutKey(f.Payout)}
	case *events.LineReceived:
		return []string{lineKey(f.Line)}
	case *events.LineAllocated:
		if f.Bill == "" {
			return []string{lineKey(f.Line)}
		}
		return []string{lineKey(f.Line), billKey(f.Bill)}
	case *events.Reversed:
		return []string{reversedKey(f.ReversesSource, f.Reverses)}
	}
	return nil
}

func withLine(key string, line events.ID) []string {
	if line == "" {
		return []string{key}
	}
	return []string{key, lineKey(line)}
}

func withReference(key string, reference events.Reference) []string {
	if reference == "" {
		return []string{key}
	}
	return []string{key, referenceKey(reference)}
}

// noRecord is what an event is decided as while nothing is decided.
var noRecord = events.Record{Offset: -1}

// lookahead names the accounts that deciding an event is going to touch, and what
// further state, as far as the state that was read tells: it decides the event
// against a ledger without accounts and notes what it asked for.
func lookahead(decide func(*decision)) func(*events.Event, *view) (paths, keys []string) {
	return func(e *events.Event, v *view) (paths, keys []string) {
		if _, ok := e.Fact.(*events.Reversed); ok {
			return nil, nil // its accounts are read with its transfers
		}
		if v.probe == nil {
			v.probe = &view{ctx: v.ctx, shard: v.shard, under: v, accounts: map[AccountName]*entry{}, state: map[StateKey][]byte{}}
		}
		clear(v.probe.accounts)
		clear(v.probe.state)
		d := &v.probe.dry
		*d = decision{view: v.probe, head: &Head{}, record: &noRecord, event: e, transfers: d.transfers[:0]}
		if f, ok := plainPayment(e); ok {
			return d.paymentAccounts(f), nil
		}
		decide(d)
		paths = make([]string, 0, len(v.probe.accounts)+2*len(d.transfers))
		for name := range v.probe.accounts {
			paths = append(paths, name.Path)
		}
		for i := range d.transfers {
			paths = append(paths, d.transfers[i].Debit, d.transfers[i].Credit)
		}
		for key := range v.probe.state {
			keys = append(keys, key.Key)
		}
		return paths, keys
	}
}

// plainPayment returns what most facts are: a payment that names no bank line.
func plainPayment(e *events.Event) (*events.Payment, bool) {
	switch f := e.Fact.(type) {
	case *events.PaymentReceived:
		return &f.Payment, f.Line == ""
	case *events.BillPaid:
		return &f.Payment, f.Line == ""
	}
	return nil, false
}

// paymentAccounts names the accounts of such a payment without deciding it: where
// the money is from, what is owed, and where it goes that is not owed.
func (d *decision) paymentAccounts(f *events.Payment) []string {
	c := f.Currency
	from := inCurrency("clearing:"+string(f.Method), c)
	if f.Method == "cash" {
		from = inCurrency("cash:collector:"+string(f.Collector), c)
	}
	bill, ok := d.knownBill(f.Bill)
	switch {
	case !ok || bill.Currency != c:
		return []string{from, suspenseIn(c).path}
	case f.Method == "cash":
		return []string{from, receivable(bill.Holder, f.Bill, c), inCurrency(bill.Holder+":credit", c)}
	}
	return []string{from, receivable(bill.Holder, f.Bill, c), suspenseIn(c).path}
}

package ledger

import (
	"slices"
	"strings"

	"socho/events"
)

// The rules of set 1 for taking things back.

// reversed takes an event back: the transfers of one that posted, line by line,
// the last first; what was set by one that was recorded. Letting a stall and
// registering an organization need no reversal: what is said later stands.
func (d *decision) reversed(f *events.Reversed) {
	target := Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)}
	held, ok := d.claimed(target)
	switch {
	case !ok || target == claimOf(d.event):
		d.refuse("event_unknown", "no such event of this organization")
		return
	case !held.Status.Accepted():
		d.refuse("nothing_to_reverse", "the event was %s", held.Status)
		return
	case events.Name(held.Type) == "ledger.reversed":
		d.refuse("reversal_of_reversal", "enter the fact again instead")
		return
	}
	key := reversedKey(f.ReversesSource, f.Reverses)
	if before, done := get[mark](d, key); done {
		d.refuse("already_reversed", "by %d:%d", d.record.Shard, before.Offset)
		return
	}
	if held.Status == Posted {
		ok = d.takeBack(held.Offset)
	} else {
		ok = d.unset(held)
	}
	if ok {
		d.put(key, mark{Offset: d.record.Offset})
	}
}

func (d *decision) takeBack(offset int64) bool {
	original := d.transfersAt(offset)
	for i := len(original) - 1; i >= 0; i-- {
		t := original[i]
		if t.Code == "payout_ordered" {
			// An order is taken back from wherever it is owed now: what came back
			// from a person who has died is given back to the fund.
			payable := split(t.Credit)
			payable[2] = "returned"
			returned := strings.Join(payable, ":")
			d.move("reversal", t.Amount, []slot{{t.Credit, d.held(t.Credit)}, all(returned)}, []slot{all(t.Debit)})
			continue
		}
		if person, payout, ok := payoutOf(t.Credit); ok && t.Code == "payout_returned" && strings.HasPrefix(t.Debit, "unallocated:in:") {
			// Where the order was taken back since, out of what had come back, the
			// money has left for the person's month after all.
			row, _ := get[payoutRow](d, payoutKey(payout))
			month := monthAccount(person, "recoverable", row.Programme, row.Period, t.Amount.Currency())
			d.move("reversal", t.Amount, []slot{{t.Credit, d.after(t.Credit)}, all(month)}, []slot{all(t.Debit)})
			continue
		}
		d.transfer("reversal", t.Amount, t.Credit, t.Debit)
	}
	return d.free(offset, original) && d.withinOrders()
}

// free lets the ids that a reversed event took be entered again: its bill, its
// payout, its bank line, the account it opened. A line whose money has been
// placed is in use, and is not taken back before what stands on it.
func (d *decision) free(offset int64, original []Transfer) bool {
	for _, t := range original {
		debit, credit := split(t.Debit), split(t.Credit)
		switch t.Code {
		case "opening_balance":
			path := t.Debit
			if strings.HasPrefix(path, equity) {
				path = t.Credit
			}
			alter(d, openedKey(path), func(row *mark) { row.Void = true })
			fallthrough
		case "assessed":
			if _, bill, ok := isReceivable(t.Debit); ok {
				alter(d, billKey(events.ID(bill)), func(row *billRow) { row.Void = true })
			}
		case "payout_ordered":
			alter(d, payoutKey(events.PayoutID(credit[3])), func(row *payoutRow) { row.Void = true })
		case "bank_line_in", "bank_line_out":
			line, left := credit, int64(0)
			if t.Code == "bank_line_out" {
				line, left = debit, d.owed(t.Debit)
			} else {
				left = d.held(t.Credit)
			}
			// A charge or interest stands on its line by itself and goes with it.
			if len(original) == 1 && left < t.Amount.Minor() {
				d.refuse("line_in_use", "placed %d of %s", t.Amount.Minor()-left, t.Amount)
				return false
			}
			alter(d, lineKey(events.ID(line[2])), func(row *lineRow) {
				row.Variants = slices.DeleteFunc(row.Variants, func(v variant) bool { return v.Offset == offset })
			})
			bank, direction := debit, events.Word("in")
			if t.Code == "bank_line_out" {
				bank, direction = credit, "out"
			}
			alter(d, entryKey(events.ID(line[2]), events.ID(bank[1]), direction, t.Amount), func(row *mark) { row.Void = true })
		}
	}
	return true
}

// alter changes a row that is there.
func alter[T any](d *decision, key string, change func(*T)) {
	if row, ok := get[T](d, key); ok {
		change(&row)
		d.put(key, row)
	}
}

// withinOrders refuses a reversal after which a payout would be owed, or be on
// its way, for more than was ordered: money that left came back since, or was
// paid in another way, and that is to be taken back first.
func (d *decision) withinOrders() bool {
	for _, t := range d.transfers {
		for _, path := range [2]string{t.Debit, t.Credit} {
			person, payout, ok := payoutOf(path)
			if !ok {
				continue
			}
			c, ordered, open := t.Amount.Currency(), int64(0), int64(0)
			// A payout that this reversal voids holds nothing afterwards, by the
			// limits of its accounts.
			if row, _ := get[payoutRow](d, payoutKey(payout)); !row.Void && row.Person == person && row.Currency == c {
				ordered = events.Money(row.Amount, c).Minor()
			}
			for _, stage := range payoutStages {
				open += d.after(payoutAccount(person, stage, payout, c))
			}
			if open > ordered {
				d.refuse("more_than_ordered", "asked %d, ordered %d", open, ordered)
				return false
			}
		}
	}
	return true
}

var payoutStages = []string{"payable", "clearing", "returned"}

// payoutOf takes the path of a payout's account apart.
func payoutOf(path string) (person events.ID, payout events.PayoutID, ok bool) {
	s := bare(path, 4)
	if len(s) == 4 && s[0] == "person" && slices.Contains(payoutStages, s[2]) {
		return events.ID(s[1]), events.PayoutID(s[3]), true
	}
	return "", "", false
}

// after is what a liability will owe once the decision has posted.
func (d *decision) after(path string) int64 {
	left := d.held(path)
	for _, t := range d.transfers {
		if t.Credit == path {
			left += t.Amount.Minor()
		}
		if t.Debit == path {
			left -= t.Amount.Minor()
		}
	}
	return left
}

// unset takes back a stop or an entitlement: what was set before it counts
// again. An entitlement that payouts stand on stays until they are taken back.
func (d *decision) unset(held Claimed) bool {
	which, ok := get[setRow](d, setKey(held.Offset))
	if !ok {
		d.refuse("nothing_to_reverse", "the event was %s", held.Status)
		return false
	}
	if which.Period == "" {
		alter(d, stopKey(which.Person, which.Programme), func(row *stopRow) {
			row.Set = slices.DeleteFunc(row.Set, func(s stop) bool { return s.Offset == held.Offset })
		})
		d.note("")
		return true
	}
	key := entitlementKey(which.Person, which.Programme, which.Period)
	row, _ := get[entitlementRow](d, key)
	before, _ := row.last()
	row.Set = slices.DeleteFunc(row.Set, func(e entitlement) bool { return e.Offset == held.Offset })
	if now, _ := row.last(); now != before {
		granted := d.owed(monthAccount(which.Person, "granted", which.Programme, which.Period, before.Currency))
		if now.Currency != "" && now.Currency != before.Currency {
			granted = d.committed(which.Person, which.Programme, which.Period, before.Currency)
		}
		if left := now.in(before.Currency); granted > left {
			d.refuse("entitlement_in_use", "asked %d, granted %d", left, granted)
			return false
		}
	}
	d.put(key, row)
	d.note("")
	return true
}

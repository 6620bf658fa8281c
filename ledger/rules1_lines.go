package ledger

import (
	"socho/events"
	"socho/internal/money"
)

// The rules of set 1 for bank lines. A line alone moves a bank account; what
// the money is for is said by facts that name the line and move its own
// account, unallocated:in:<line> or unallocated:out:<line>.

// sameEntry reports whether two sightings are of one entry of a statement: one
// bank account moved in one direction by one amount. How the entry is
// classified (its kind) moves no bank.
func (v variant) sameEntry(w variant) bool {
	v.Offset, v.Kind = w.Offset, w.Kind
	return v == w
}

// lineReceived moves the bank account. Every line goes through an account of
// its own, charges and interest too, so that a reversal knows its line.
//
// The ledger's bank account equals the statement: a second sighting of an entry
// moves nothing, another entry under a taken id (another account, direction,
// amount or currency) moves the bank all the same. Both are marked where they
// differ, and a reversal takes one entry back and leaves the others known.
func (d *decision) lineReceived(f *events.LineReceived) {
	seen := variant{d.record.Offset, f.Account, f.Direction, f.Amount, f.Currency, f.Kind}
	row, _ := get[lineRow](d, lineKey(f.Line))
	for _, before := range row.Variants {
		if before.sameEntry(seen) {
			if before.Kind != seen.Kind {
				d.note("line_differs")
			} else {
				d.note("line_known") // a second sighting is its own recorded fact
			}
			return
		}
	}
	a := f.Money()
	if len(row.Variants) > 0 {
		d.unusual("line_differs")
	}
	// An id with more entries than that names nothing any more: they move the
	// bank, each once, but no payment is proved by them.
	if key := entryKey(f.Line, f.Account, f.Direction, a); len(row.Variants) < maxVariants {
		row.Variants = append(row.Variants, seen)
		d.put(lineKey(f.Line), row)
	} else if before, known := get[mark](d, key); known && !before.Void {
		d.note("line_known")
		return
	} else {
		d.put(key, mark{Offset: d.record.Offset})
	}
	bank := inCurrency("bank:"+string(f.Account), a.Currency())
	own := unallocated(f.Direction, f.Line, a.Currency())
	charges := inCurrency("charges:bank", a.Currency())
	if f.Kind == "interest" {
		charges = inCurrency("interest:bank", a.Currency())
	}
	if f.Direction == "in" {
		d.transfer("bank_line_in", a, bank, own)
		if f.Kind != "payment" {
			d.transfer("bank_"+string(f.Kind), a, own, charges)
		}
		return
	}
	d.transfer("bank_line_out", a, own, bank)
	if f.Kind != "payment" {
		d.transfer("bank_"+string(f.Kind), a, charges, own)
	}
}

// entryKey is where an entry is remembered that its line's row has no room for.
func entryKey(line, account events.ID, direction events.Word, a money.Amount) string {
	return "entry:" + string(line) + ":" + string(account) + ":" + string(direction) + ":" + a.String() + ":" + string(a.Currency())
}

func unallocated(direction events.Word, line events.ID, c money.Currency) string {
	return inCurrency("unallocated:"+string(direction)+":"+string(line), c)
}

// incoming returns the account of an incoming line's money, and how much of it
// is proved and not placed yet. A line that is not known, or not of this
// direction and currency, proves nothing; nor does an id that several entries
// claim, until all but one are taken back. The code says so, or that less is left
// than asked.
func (d *decision) incoming(line events.ID, a money.Amount) (path string, left int64, code string) {
	path = unallocated("in", line, a.Currency())
	if code = d.claimedLine("in", line, a.Currency()); code != "" {
		return path, 0, code
	}
	left = d.held(path)
	return path, left, aboveLine(a, left)
}

// outgoing does the same for money that left. Nothing is decided by what such a
// line still holds.
func (d *decision) outgoing(line events.ID, a money.Amount) (path, code string) {
	path = unallocated("out", line, a.Currency())
	if code = d.claimedLine("out", line, a.Currency()); code != "" {
		return path, code
	}
	return path, aboveLine(a, d.owed(path))
}

// claimedLine says why an id names no one line; empty where it does.
func (d *decision) claimedLine(direction events.Word, line events.ID, c money.Currency) string {
	row, _ := get[lineRow](d, lineKey(line))
	n := 0
	for _, v := range row.Variants {
		if v.Direction == direction && v.Currency == c {
			n++
		}
	}
	switch {
	case n == 0:
		return "line_unknown"
	case n > 1 || len(row.Variants) == maxVariants:
		return "line_differs"
	}
	return ""
}

func aboveLine(a money.Amount, left int64) string {
	if a.Minor() > left {
		return "more_than_line"
	}
	return ""
}

func (d *decision) lineAllocated(f *events.LineAllocated) {
	a := f.Money()
	c := a.Currency()
	from, left, code := d.incoming(f.Line, a)
	bill, ok := d.knownBill(f.Bill)
	owed, credit := receivable(bill.Holder, f.Bill, c), inCurrency(bill.Holder+":credit", c)
	if ok {
		d.looksAt(owed, credit)
	}
	switch code {
	case "":
	case "more_than_line":
		d.refuse(code, "asked %s, unallocated %d", a, left)
		return
	default:
		d.refuse(code, "line %s", f.Line)
		return
	}
	if f.Clearing != "" {
		clearing := inCurrency("clearing:"+string(f.Clearing), c)
		if open := d.owed(clearing); a.Minor() > open {
			d.refuse("more_than_clearing", "asked %s, open %d", a, open)
			return
		}
		d.transfer("allocation", a, from, clearing)
		return
	}
	if !ok || bill.Currency != c {
		d.refuse("bill_unknown", "bill %s", f.Bill)
		return
	}
	due := d.owed(owed)
	if a.Minor() > due {
		d.unusual("overpaid")
	}
	d.move("allocation", a, []slot{all(from)}, []slot{{owed, due}, all(credit)})
}

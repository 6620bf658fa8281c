package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"socho/events"
	"socho/internal/money"
)

// The rules of set 2 for lists of payouts.

// RunningDigest is the digest of a list or batch once a record is added to it:
// SHA-256 over the label "socho.list.v1", the digest so far and the value hash of
// the record, which covers its sealed fields too. It begins with the value hash
// of the record that opened it. Format fixed for ever.
func RunningDigest(before events.Digest, added Hash) events.Digest {
	h := sha256.New()
	fmt.Fprintf(h, "socho.list.v1\x00%s", before)
	h.Write(added[:])
	return events.Digest(hex.EncodeToString(h.Sum(nil)))
}

// FirstDigest is the digest of a list or batch that has just been opened.
func FirstDigest(opened Hash) events.Digest { return events.Digest(hex.EncodeToString(opened[:])) }

// add counts a record in, or refuses what grows beyond an amount's bound.
func (t *totals) add(d *decision, minor int64) bool {
	if t.Sum > money.MaxMinor-minor || t.Count == maxEntries {
		d.refuse("list_too_large", "above %d, or %d entries", money.MaxMinor, maxEntries)
		return false
	}
	t.Sum += minor
	t.Count++
	t.Digest = RunningDigest(t.Digest, d.outcome.ValueHash)
	return true
}

// agree refuses what somebody says of a list or batch that is not so.
func (t totals) agree(d *decision, count *events.Count, sum money.Amount, digest events.Digest) bool {
	if int64(*count) == t.Count && sum.Currency() == t.Currency && sum.Minor() == t.Sum && digest == t.Digest {
		return true
	}
	d.refuse("list_differs", "count %d, sum %d, digest %s", t.Count, t.Sum, t.Digest)
	return false
}

// listOpened begins a list. Its digest begins with the opening's own content.
func (d *decision) listOpened(f *events.ListOpened) {
	actor := d.actor()
	if _, taken := get[listRow](d, listKey(f.List)); taken {
		d.refuse("list_exists", "list %s", f.List)
		return
	}
	if !d.drawsUp(actor) {
		return
	}
	d.put(listKey(f.List), listRow{State: "open", Programme: f.Programme, Period: f.Period, DrawnUp: []string{actor},
		totals: totals{Currency: f.Currency, Digest: FirstDigest(d.outcome.ValueHash)}})
	d.note("")
}

// list finds a list in one of the states that a fact asks for, or refuses.
func (d *decision) list(id events.ID, states ...string) (row listRow, ok bool) {
	row, known := get[listRow](d, listKey(id))
	switch {
	case !known:
		d.refuse("list_unknown", "list %s", id)
	case !slices.Contains(states, row.State):
		d.refuse("list_"+row.State, "list %s", id)
	default:
		return row, true
	}
	return row, false
}

// listEntryAdded counts a payout in. A payout stands on one list, until that is
// withdrawn before the payout was ordered.
func (d *decision) listEntryAdded(f *events.ListEntryAdded) {
	actor := d.actor()
	row, ok := d.list(f.List, "open")
	if !ok || !d.drawsUp(actor) {
		return
	}
	if before, there := get[listedRow](d, listedKey(f.Payout)); there && !before.Removed {
		if other, _ := get[listRow](d, listKey(before.List)); other.State != "withdrawn" {
			d.refuse("payout_listed", "on list %s", before.List)
			return
		}
	}
	if row, ordered := get[payoutRow](d, payoutKey(f.Payout)); ordered && !row.Void {
		d.refuse("payout_exists", "payout %s", f.Payout)
		return
	}
	if f.Currency != row.Currency {
		d.refuse("other_currency", "the list is in %s", row.Currency)
		return
	}
	if f.Method != "cash" && !slices.ContainsFunc(accountFields, func(field string) bool { return f.Sealed[field] != "" }) {
		d.refuse("account_missing", "method %s", f.Method)
		return
	}
	if !row.hand(d, actor) || !row.add(d, f.Money().Minor()) {
		return
	}
	entry := listedRow{List: f.List, Person: f.Person, Programme: row.Programme, Period: row.Period,
		Amount: f.Amount, Currency: f.Currency, Unit: f.Unit, Method: f.Method}
	if f.Programme != "" {
		entry.Programme = f.Programme
	}
	if f.Period != "" {
		entry.Period = f.Period
	}
	d.put(listKey(f.List), row)
	d.put(listedKey(f.Payout), entry)
	d.note("")
}

// accountFields are the sealed fields that say where money goes.
var accountFields = []string{"account", "account_number", "card", "ewallet", "wallet"}

// hand remembers who had a hand in a list, so that they never approve it.
func (row *listRow) hand(d *decision, actor string) bool {
	if slices.Contains(row.DrawnUp, actor) {
		return true
	}
	if len(row.DrawnUp) == maxHands {
		d.refuse("too_many_hands", "%d", maxHands)
		return false
	}
	row.DrawnUp = append(row.DrawnUp, actor)
	return true
}

// listEntryRemoved takes a payout off an open list. The digest runs on over the
// removal, so that it tells how the list came about.
func (d *decision) listEntryRemoved(f *events.ListEntryRemoved) {
	actor := d.actor()
	row, ok := d.list(f.List, "open")
	if !ok || !d.drawsUp(actor) {
		return
	}
	entry, there := get[listedRow](d, listedKey(f.Payout))
	if !there || entry.Removed || entry.List != f.List {
		d.refuse("not_listed", "payout %s", f.Payout)
		return
	}
	if !row.hand(d, actor) {
		return
	}
	row.Sum -= events.Money(entry.Amount, entry.Currency).Minor()
	row.Count--
	row.Digest = RunningDigest(row.Digest, d.outcome.ValueHash)
	entry.Removed = true
	d.put(listKey(f.List), row)
	d.put(listedKey(f.Payout), entry)
	d.note("")
}

func (d *decision) listProposed(f *events.ListTotal) {
	actor := d.actor()
	row, ok := d.list(f.List, "open")
	if !ok || !d.answers(actor, false) || !row.agree(d, f.Count, f.Money(), f.Digest) {
		return
	}
	if !slices.Contains(row.DrawnUp, actor) { // whoever answers for it needs no room
		row.DrawnUp = append(row.DrawnUp, actor)
	}
	row.State = "proposed"
	d.put(listKey(f.List), row)
	d.note("")
}

// listApproved counts one person's word. It is a person's who holds the right
// and had no hand in the list.
func (d *decision) listApproved(f *events.ListTotal) {
	actor := d.actor()
	row, ok := d.list(f.List, "proposed")
	if !ok || !row.agree(d, f.Count, f.Money(), f.Digest) {
		return
	}
	switch {
	case slices.Contains(row.DrawnUp, actor):
		d.refuse("four_eyes", "drew the list up")
		return
	case !d.holds(approvePayouts, actor):
		d.refuse("right_missing", "right %s", approvePayouts)
		return
	}
	again := slices.Contains(row.Approved, actor)
	row.Approved = slices.DeleteFunc(row.Approved, func(said string) bool { return !d.holds(approvePayouts, said) }) // words of those who hold it still
	if !again {
		row.Approved = append(row.Approved, actor)
	}
	policy, _ := get[approvalsRow](d, approvalsKey)
	code := "one_more_approval"
	switch {
	case len(row.Approved) >= policy.words(row):
		row.State, code = "approved", ""
	case again:
		d.refuse("approved_before", "by the same person")
		return
	}
	d.put(listKey(f.List), row)
	d.note(code)
}

// words is how many persons must approve a list, at least one.
func (p approvals) words(list listRow) int {
	n := max(p.Approvers, 1)
	if p.Approvers > 0 && (list.Currency != p.Currency || list.Sum > events.Money(p.Above, p.Currency).Minor()) {
		n = 2
	}
	return n
}

// listWithdrawn is for those who propose and those who approve; where approvals
// are required, for programs only while it is open.
func (d *decision) listWithdrawn(f *events.ListWithdrawn) {
	actor := d.actor()
	row, ok := d.list(f.List, "open", "proposed", "approved")
	switch {
	case !ok, d.holds(approvePayouts, actor):
	case row.State == "open":
		ok = d.drawsUp(actor)
	default:
		ok = d.answers(actor, true)
	}
	if !ok {
		return
	}
	row.State = "withdrawn"
	d.put(listKey(f.List), row)
	d.note("")
}

// listed is the gate before an order: it is what an approved list says, to the
// account, or stands on no list where none is asked for.
func (d *decision) listed(f *events.PayoutOrdered) bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	entry, there := get[listedRow](d, listedKey(f.Payout))
	there = there && !entry.Removed
	row, _ := get[listRow](d, listKey(entry.List))
	said := listedRow{entry.List, f.Person, f.Programme, f.Period, f.Amount, f.Currency, f.Unit, f.Method, false}
	switch {
	case d.under != nil: // reading ahead: the list may be approved by then
		return true
	case !there && policy.Approvers > 0:
		d.refuse("not_listed", "payout %s", f.Payout)
	case !there:
		return true
	case row.State != "approved":
		d.refuse("list_not_approved", "list %s is %s", entry.List, row.State)
	case entry != said, len(f.Sealed) > 0:
		d.refuse("differs_from_list", "list %s", entry.List)
	default:
		return true
	}
	return false
}

package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/money"
)

// The rules of set 2: those of set 1, and who may approve what is paid out. A
// list of payouts is drawn up by some and approved by others, who say which
// entries they mean by count, sum and digest; only its payouts are then ordered.
// They go to the bank in batches; see rules2_batches.go.

// Rows of rule state beside those of set 1.
type (
	// rightRow is whether somebody holds a right.
	rightRow struct {
		Held bool `json:"held"`
	}
	// approvalsRow is how many words a list needs.
	approvalsRow struct {
		Approvers int            `json:"approvers"`
		Above     events.Decimal `json:"above"` // two words for a list of more than that
		Currency  money.Currency `json:"currency"`
	}
	// totals are what a list or batch holds so far.
	totals struct {
		Currency money.Currency `json:"currency"`
		Count    int64          `json:"count"`
		Sum      int64          `json:"sum"` // minor units
		Digest   events.Digest  `json:"digest"`
	}
	listRow struct {
		totals
		State     string        `json:"state"` // open, proposed, approved or withdrawn
		Programme events.Word   `json:"programme"`
		Period    events.Period `json:"period"`
		DrawnUp   []string      `json:"drawn_up"`          // by whom, each once
		Approved  []string      `json:"approved,omitzero"` // likewise
	}
	// listedRow is a payout as a list has it.
	listedRow struct {
		List     events.ID      `json:"list"`
		Person   events.ID      `json:"person"`
		Amount   events.Decimal `json:"amount"`
		Currency money.Currency `json:"currency"`
		Unit     events.Unit    `json:"unit"`
		Method   events.Word    `json:"method"`
	}
)

// maxHands bounds how many persons draw up one list.
const maxHands = 16

// The rights that rules ask for.
const (
	proposePayouts = "propose_payouts"
	approvePayouts = "approve_payouts"
)

const approvalsKey = "approvals"

func listKey(id events.ID) string          { return "list:" + string(id) }
func listedKey(id events.PayoutID) string  { return "listed:" + string(id) }
func rightKey(right, holder string) string { return "right:" + right + ":" + holder }

func decide2(d *decision) {
	switch f := d.event.Fact.(type) {
	case *events.RightGranted:
		d.rightGranted(&f.Grant)
	case *events.RightRevoked:
		d.rightRevoked(&f.Grant)
	case *events.ApprovalsRequired:
		d.approvalsRequired(f)
	case *events.PersonResumed:
		d.resumed(f)
	case *events.ListOpened:
		d.listOpened(f)
	case *events.ListEntryAdded:
		d.listEntryAdded(f)
	case *events.ListProposed:
		d.listProposed(&f.ListTotal)
	case *events.ListApproved:
		d.listApproved(&f.ListTotal)
	case *events.ListWithdrawn:
		d.listWithdrawn(f)
	case *events.PayoutOrdered:
		if d.listed(f) {
			d.payoutOrdered(f)
		}
	case *events.PayoutSent:
		if !d.waitsInBatch(f.Payout, "") {
			d.payoutSent(f)
		}
	case *events.BatchOpened:
		d.batchOpened(f)
	case *events.PayoutBatched:
		d.payoutBatched(f)
	case *events.BatchClosed:
		d.batchClosed(f)
	case *events.BatchExported:
		d.batchExported(f)
	case *events.BatchSubmitted:
		d.batchSubmitted(f)
	case *events.BatchCancelled:
		d.batchCancelled(f)
	case *events.Reversed:
		if !d.inBatch(f) {
			d.reversed(f)
		}
	default:
		decide1(d)
	}
}

// stateOf2 names the rule state that deciding an event looks at.
func stateOf2(e *events.Event) []string {
	switch f := e.Fact.(type) {
	case *events.ListOpened:
		return []string{listKey(f.List), approvalsKey}
	case *events.ListEntryAdded:
		return []string{listKey(f.List), listedKey(f.Payout), payoutKey(f.Payout), approvalsKey}
	case *events.ListProposed:
		return []string{listKey(f.List), approvalsKey}
	case *events.ListApproved:
		return []string{listKey(f.List), approvalsKey}
	case *events.ListWithdrawn:
		return []string{listKey(f.List), approvalsKey}
	case *events.PersonResumed:
		return []string{stopKey(f.Person, f.Programme)}
	case *events.PayoutSent:
		return append(stateOf1(e), batchedKey(f.Payout))
	case *events.BatchOpened:
		return []string{batchKey(f.Batch)}
	case *events.PayoutBatched:
		return []string{batchKey(f.Batch), batchedKey(f.Payout), payoutKey(f.Payout)}
	case *events.BatchClosed:
		return []string{batchKey(f.Batch)}
	case *events.BatchExported:
		return []string{batchKey(f.Batch)}
	case *events.BatchSubmitted:
		return []string{batchKey(f.Batch)}
	case *events.BatchCancelled:
		return []string{batchKey(f.Batch)}
	case *events.PayoutOrdered:
		return append(stateOf1(e), listedKey(f.Payout), approvalsKey)
	}
	return stateOf1(e)
}

// actor is who handed the fact in, as intake stamped it: "person:" and an id of
// whoever is signed in, "token:" and an id, or "cli". Empty where the record has
// not one such stamp.
func (d *decision) actor() string {
	var stamp []byte
	found := 0
	for _, h := range d.record.Headers {
		if h.Name == events.HeaderActor {
			stamp = h.Value
			found++
		}
	}
	if found != 1 {
		return ""
	}
	return string(stamp)
}

func (d *decision) holds(right, actor string) bool {
	holder, ok := strings.CutPrefix(actor, "person:")
	if !ok {
		return false
	}
	row, _ := get[rightRow](d, rightKey(right, holder))
	return row.Held
}

// own refuses what does not come from where people sign in.
func (d *decision) own() bool {
	if strings.HasPrefix(string(d.event.Source), events.OwnSources) {
		return true
	}
	d.refuse("not_ours", "source of another publisher")
	return false
}

// rightGranted: nobody gives a right to themselves, and nobody holds both.
func (d *decision) rightGranted(f *events.Grant) {
	other := string(proposePayouts)
	if f.Right == proposePayouts {
		other = approvePayouts
	}
	switch {
	case !d.own():
	case d.actor() == "person:"+string(f.Holder):
		d.refuse("own_right", "right %s", f.Right)
	case d.holds(other, "person:"+string(f.Holder)):
		d.refuse("four_eyes", "holds %s", other)
	default:
		d.put(rightKey(string(f.Right), string(f.Holder)), rightRow{Held: true})
		d.note("")
	}
}

func (d *decision) rightRevoked(f *events.Grant) {
	if d.own() {
		d.put(rightKey(string(f.Right), string(f.Holder)), rightRow{})
		d.note("")
	}
}

// approvalsRequired: not by one who proposes or approves here.
func (d *decision) approvalsRequired(f *events.ApprovalsRequired) {
	actor := d.actor()
	switch {
	case !d.own():
	case d.holds(proposePayouts, actor), d.holds(approvePayouts, actor):
		d.refuse("own_right", "proposes or approves")
	default:
		d.put(approvalsKey, approvalsRow{int(*f.Approvers), f.Amount, f.Currency})
		d.note("")
	}
}

// resumed lets payments go on from a month on, whatever was stopped before.
func (d *decision) resumed(f *events.PersonResumed) {
	key := stopKey(f.Person, f.Programme)
	row, _ := get[stopRow](d, key)
	switch {
	case !row.closes(f.FromPeriod):
		d.refuse("not_stopped", "period %s", f.FromPeriod)
	case len(row.Set) == maxSet:
		d.refuse("too_many_changes", "%d", maxSet)
	default:
		row.Set = append(row.Set, stop{d.record.Offset, f.FromPeriod, true})
		d.setRow(key, row, setRow{Person: f.Person, Programme: f.Programme})
	}
}

// drawsUp refuses whoever may not draw lists up: where approvals are required,
// persons without the right. Commands and tokens have been asked for theirs.
func (d *decision) drawsUp(actor string) bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	switch {
	case actor == "":
		d.refuse("actor_unknown", "no stamp")
	case policy.Approvers > 0 && strings.HasPrefix(actor, "person:") && !d.holds(proposePayouts, actor):
		d.refuse("right_missing", "right %s", proposePayouts)
	default:
		return true
	}
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
	if t.Sum > money.MaxMinor-minor {
		d.refuse("list_too_large", "above %d", money.MaxMinor)
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
	if before, there := get[listedRow](d, listedKey(f.Payout)); there {
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
	if !slices.Contains(row.DrawnUp, actor) {
		if len(row.DrawnUp) == maxHands {
			d.refuse("too_many_hands", "%d", maxHands)
			return
		}
		row.DrawnUp = append(row.DrawnUp, actor)
	}
	if !row.add(d, f.Money().Minor()) {
		return
	}
	d.put(listKey(f.List), row)
	d.put(listedKey(f.Payout), listedRow{f.List, f.Person, f.Amount, f.Currency, f.Unit, f.Method})
	d.note("")
}

func (d *decision) listProposed(f *events.ListTotal) {
	actor := d.actor()
	row, ok := d.list(f.List, "open")
	if !ok || !d.drawsUp(actor) || !row.agree(d, f.Count, f.Money(), f.Digest) {
		return
	}
	if !slices.Contains(row.DrawnUp, actor) {
		if len(row.DrawnUp) == maxHands {
			d.refuse("too_many_hands", "%d", maxHands)
			return
		}
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
	case slices.Contains(row.Approved, actor):
		d.refuse("approved_before", "by the same person")
		return
	case !d.holds(approvePayouts, actor):
		d.refuse("right_missing", "right %s", approvePayouts)
		return
	}
	row.Approved = append(row.Approved, actor)
	policy, _ := get[approvalsRow](d, approvalsKey)
	if len(row.Approved) >= policy.words(row) {
		row.State = "approved"
	}
	d.put(listKey(f.List), row)
	d.note("")
	if row.State != "approved" {
		d.outcome.Code = "one_more_approval"
	}
}

// words is how many persons must approve a list, at least one.
func (p approvalsRow) words(list listRow) int {
	n := max(p.Approvers, 1)
	if p.Approvers > 0 && (list.Currency != p.Currency || list.Sum > events.Money(p.Above, p.Currency).Minor()) {
		n = 2
	}
	return n
}

// listWithdrawn is for those who propose and those who approve.
func (d *decision) listWithdrawn(f *events.ListWithdrawn) {
	actor := d.actor()
	row, ok := d.list(f.List, "open", "proposed", "approved")
	if !ok || !d.holds(approvePayouts, actor) && !d.drawsUp(actor) {
		return
	}
	row.State = "withdrawn"
	d.put(listKey(f.List), row)
	d.note("")
}

// listed is the gate before an order: it is what an approved list says, or
// stands on no list where none is asked for.
func (d *decision) listed(f *events.PayoutOrdered) bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	entry, there := get[listedRow](d, listedKey(f.Payout))
	if !there {
		if policy.Approvers > 0 {
			d.refuse("not_listed", "payout %s", f.Payout)
			return false
		}
		return true
	}
	row, _ := get[listRow](d, listKey(entry.List))
	switch {
	case row.State != "approved":
		d.refuse("list_not_approved", "list %s is %s", entry.List, row.State)
	case entry != listedRow{entry.List, f.Person, f.Amount, f.Currency, f.Unit, f.Method}, row.Programme != f.Programme, row.Period != f.Period:
		d.refuse("differs_from_list", "list %s", entry.List)
	default:
		return true
	}
	return false
}

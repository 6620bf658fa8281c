package ledger

import (
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
	// approvals are how many words a list needs.
	approvals struct {
		Approvers int            `json:"approvers"`
		Above     events.Decimal `json:"above"` // two words for a list of more than that
		Currency  money.Currency `json:"currency"`
	}
	// approvalsRow is what is asked for, and what one person wants to ask for
	// instead, if that is less.
	approvalsRow struct {
		approvals
		Lower approvals `json:"lower,omitzero"`
		By    string    `json:"by,omitzero"`
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
		List      events.ID      `json:"list"`
		Person    events.ID      `json:"person"`
		Programme events.Word    `json:"programme"`
		Period    events.Period  `json:"period"`
		Amount    events.Decimal `json:"amount"`
		Currency  money.Currency `json:"currency"`
		Unit      events.Unit    `json:"unit"`
		Method    events.Word    `json:"method"`
		Removed   bool           `json:"removed,omitzero"`
	}
)

// Bounds on lists and batches.
const (
	maxHands   = 16         // persons who draw up one list
	maxEntries = 10_000_000 // as ListTotal and BatchClosed can say
)

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
	case *events.ListEntryRemoved:
		d.listEntryRemoved(f)
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
		if d.mayGo(f.Payout, "") {
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
	case *events.ListEntryRemoved:
		return []string{listKey(f.List), listedKey(f.Payout), approvalsKey}
	case *events.ListProposed:
		return []string{listKey(f.List), approvalsKey}
	case *events.ListApproved:
		return []string{listKey(f.List), approvalsKey}
	case *events.ListWithdrawn:
		return []string{listKey(f.List), approvalsKey}
	case *events.PersonResumed:
		return []string{stopKey(f.Person, f.Programme)}
	case *events.PayoutSent:
		return append(stateOf1(e), batchedKey(f.Payout), listedKey(f.Payout))
	case *events.BatchOpened:
		return []string{batchKey(f.Batch), approvalsKey}
	case *events.PayoutBatched:
		return []string{batchKey(f.Batch), batchedKey(f.Payout), listedKey(f.Payout), payoutKey(f.Payout), approvalsKey}
	case *events.BatchClosed:
		return []string{batchKey(f.Batch), approvalsKey}
	case *events.BatchExported:
		return []string{batchKey(f.Batch), approvalsKey}
	case *events.BatchSubmitted:
		return []string{batchKey(f.Batch), approvalsKey}
	case *events.BatchCancelled:
		return []string{batchKey(f.Batch), approvalsKey}
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

// ofIdentity is the source of what is said where people sign in.
const ofIdentity = events.OwnSources + "identity"

// own refuses what does not come from where people sign in, or names nobody. It
// keeps out what intake takes from others; who can write to the log past intake
// can write this source too (decision 7).
func (d *decision) own() bool {
	switch {
	case string(d.event.Source) != ofIdentity:
		d.refuse("not_ours", "source of another publisher")
	case d.actor() == "":
		d.refuse("actor_unknown", "no stamp")
	default:
		return true
	}
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
	switch {
	case !d.own():
	case d.actor() == "person:"+string(f.Holder):
		d.refuse("own_right", "right %s", f.Right)
	default:
		d.put(rightKey(string(f.Right), string(f.Holder)), rightRow{})
		d.note("")
	}
}

// approvalsRequired: not by one who proposes or approves here, and to ask for
// less, by two persons who say the same and neither of whom does so by now.
func (d *decision) approvalsRequired(f *events.ApprovalsRequired) {
	actor := d.actor()
	if !d.own() {
		return
	}
	if d.holds(proposePayouts, actor) || d.holds(approvePayouts, actor) {
		d.refuse("own_right", "proposes or approves")
		return
	}
	row, before := get[approvalsRow](d, approvalsKey)
	asked := approvals{int(*f.Approvers), f.Amount, f.Currency}
	code := ""
	switch {
	case !before || !asked.less(row.approvals):
		row = approvalsRow{approvals: asked}
	case !strings.HasPrefix(actor, "person:"):
		d.refuse("not_a_person", "to ask for less")
		return
	case row.Lower == asked && row.By != actor && !d.holds(proposePayouts, row.By) && !d.holds(approvePayouts, row.By):
		row = approvalsRow{approvals: asked}
	default:
		row.Lower, row.By, code = asked, actor, "one_more_approval"
	}
	d.put(approvalsKey, row)
	d.note(code)
}

// less reports whether fewer words are asked for than by another, of any list.
func (p approvals) less(than approvals) bool {
	switch {
	case p.Approvers != than.Approvers:
		return p.Approvers < than.Approvers
	case p.Approvers == 0:
		return false
	}
	return p.Currency != than.Currency || events.Money(p.Above, p.Currency).Minor() > events.Money(than.Above, than.Currency).Minor()
}

// resumed lets payments go on from a month on, whatever was stopped before. What
// was said last of a month counts: a stop that is heard of later closes it again,
// from its own month on.
func (d *decision) resumed(f *events.PersonResumed) {
	key := stopKey(f.Person, f.Programme)
	row, _ := get[stopRow](d, key)
	switch {
	case !row.closes(f.FromPeriod):
		d.refuse("not_stopped", "period %s", f.FromPeriod)
	case len(row.Set) >= maxSet-1:
		d.refuse("too_many_changes", "%d", maxSet-1)
	default:
		row.Set = append(row.Set, stop{d.record.Offset, f.FromPeriod, true})
		d.setRow(key, row, setRow{Person: f.Person, Programme: f.Programme})
	}
}

// drawsUp refuses whoever may not draw lists up: where approvals are required,
// all but persons who hold the right, programs that come with a token and local
// commands, which have been asked for theirs.
func (d *decision) drawsUp(actor string) bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	switch {
	case actor == "":
		d.refuse("actor_unknown", "no stamp")
	case policy.Approvers > 0 && actor != "cli" && !strings.HasPrefix(actor, "token:") && !d.holds(proposePayouts, actor):
		d.refuse("right_missing", "right %s", proposePayouts)
	default:
		return true
	}
	return false
}

// answers refuses whoever may not hand a list over, or a batch to the bank: where
// approvals are required, all but persons who hold the right. So that one who may
// not approve answers for what a program or command has drawn up. A local command
// may do the rest of a batch.
func (d *decision) answers(actor string, commands bool) bool {
	policy, _ := get[approvalsRow](d, approvalsKey)
	switch {
	case actor == "":
		d.refuse("actor_unknown", "no stamp")
	case policy.Approvers > 0 && !d.holds(proposePayouts, actor) && !(commands && actor == "cli"):
		d.refuse("right_missing", "right %s", proposePayouts)
	default:
		return true
	}
	return false
}

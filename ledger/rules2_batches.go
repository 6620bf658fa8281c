package ledger

import (
	"slices"

	"socho/events"
)

// The rules of set 2 for batches. A payout is in one batch at a time, so that no
// two files tell the bank to pay it: it goes into another one only once the bank
// has had the file of the first and sent the payout back, or once that batch was
// cancelled and the payout taken back.

type (
	batchRow struct {
		totals
		State  string      `json:"state"` // open, closed, submitted or cancelled
		Method events.Word `json:"method"`
		Files  []fileMade  `json:"files,omitzero"`
	}
	fileMade struct {
		Format events.Word   `json:"format"`
		Digest events.Digest `json:"digest"`
	}
	// batchedRow is the batch that a payout went into last.
	batchedRow struct {
		Batch events.PayoutID `json:"batch"`
	}
)

// maxFiles bounds in how many formats a batch is exported.
const maxFiles = 8

func batchKey(id events.PayoutID) string   { return "batch:" + string(id) }
func batchedKey(id events.PayoutID) string { return "batched:" + string(id) }

// batch finds a batch in one of the states that a fact asks for, or refuses.
func (d *decision) batch(id events.PayoutID, states ...string) (row batchRow, ok bool) {
	row, known := get[batchRow](d, batchKey(id))
	switch {
	case !known:
		d.refuse("batch_unknown", "batch %s", id)
	case !slices.Contains(states, row.State):
		d.refuse("batch_"+row.State, "batch %s", id)
	default:
		return row, true
	}
	return row, false
}

func (d *decision) batchOpened(f *events.BatchOpened) {
	if _, taken := get[batchRow](d, batchKey(f.Batch)); taken {
		d.refuse("batch_exists", "batch %s", f.Batch)
		return
	}
	if !d.drawsUp(d.actor()) {
		return
	}
	d.put(batchKey(f.Batch), batchRow{State: "open", Method: f.Method, totals: totals{Currency: f.Currency, Digest: FirstDigest(d.outcome.ValueHash)}})
	d.note("")
}

// payoutBatched sends a payout on its way and counts it in.
func (d *decision) payoutBatched(f *events.PayoutBatched) {
	sent := &events.PayoutSent{Dated: f.Dated, Sum: f.Sum, Payout: f.Payout}
	if d.under != nil { // reading ahead: the batch may be opened by then
		d.payoutSent(sent)
		return
	}
	row, ok := d.batch(f.Batch, "open")
	if !ok || !d.drawsUp(d.actor()) {
		return
	}
	if f.Currency != row.Currency {
		d.refuse("other_currency", "the batch is in %s", row.Currency)
		return
	}
	if order, known := get[payoutRow](d, payoutKey(f.Payout)); known && order.Method != row.Method {
		d.refuse("other_method", "ordered by %s", order.Method) // under set 1: by nobody knows what
		return
	}
	if p, known := d.payout(f.Payout, f.Currency); known {
		if owed := p.payable.limit + p.returned.limit - p.recoverable.limit; f.Money().Minor() < owed {
			d.refuse("part_of_payout", "asked %s, owed %d", f.Money(), owed)
			return
		}
	}
	if !d.mayGo(f.Payout, f.Batch) {
		return
	}
	d.payoutSent(sent)
	if d.outcome.Status != Posted || !row.add(d, f.Money().Minor()) {
		return
	}
	d.put(batchKey(f.Batch), row)
	d.put(batchedKey(f.Payout), batchedRow{f.Batch})
}

// mayGo refuses to send a payout whose list was withdrawn; one whose batch the bank
// has not had yet; and one that was in the same batch before.
func (d *decision) mayGo(payout, again events.PayoutID) bool {
	if entry, there := get[listedRow](d, listedKey(payout)); there && !entry.Removed && d.under == nil {
		if list, _ := get[listRow](d, listKey(entry.List)); list.State == "withdrawn" {
			d.refuse("list_withdrawn", "list %s", entry.List)
			return false
		}
	}
	last, before := get[batchedRow](d, batchedKey(payout))
	if !before {
		return true
	}
	row, _ := get[batchRow](d, batchKey(last.Batch))
	if d.under == nil && (last.Batch == again || row.State == "open" || row.State == "closed") {
		d.refuse("in_batch", "in batch %s", last.Batch)
		return false
	}
	return true
}

// inBatch refuses to take back that a payout went into a batch, or the order of one
// whose batch the bank may still have: its file would pay it all the same. That the
// bank never carried it out is said by a return without a line.
func (d *decision) inBatch(f *events.Reversed) bool {
	held, ok := d.claimed(Claim{d.event.Subject, string(f.ReversesSource), string(f.Reverses)})
	if ok && held.Status.Accepted() && events.Name(held.Type) == "benefit.payout_batched" {
		d.refuse("in_batch", "say that it came back")
		return true
	}
	if !ok || held.Status != Posted || events.Name(held.Type) != "benefit.payout_ordered" {
		return false
	}
	for _, t := range d.transfersAt(held.Offset) {
		_, payout, isPayout := payoutOf(t.Credit)
		if !isPayout {
			continue
		}
		last, before := get[batchedRow](d, batchedKey(payout))
		if !before {
			continue
		}
		if row, _ := get[batchRow](d, batchKey(last.Batch)); row.State == "open" || row.State == "closed" {
			d.refuse("in_batch", "in batch %s", last.Batch)
			return true
		}
	}
	return false
}

func (d *decision) batchClosed(f *events.BatchClosed) {
	row, ok := d.batch(f.Batch, "open")
	if !ok || !d.answers(d.actor(), true) || !row.agree(d, f.Count, f.Money(), f.Digest) {
		return
	}
	row.State = "closed"
	d.put(batchKey(f.Batch), row)
	d.note("")
}

// batchExported: the same batch is the same file, whenever it is made.
func (d *decision) batchExported(f *events.BatchExported) {
	row, ok := d.batch(f.Batch, "closed", "submitted")
	if !ok || !d.answers(d.actor(), true) {
		return
	}
	for _, file := range row.Files {
		if file.Format == f.Format {
			if file.Digest != f.Digest {
				d.refuse("file_differs", "exported as %s", file.Digest)
			} else {
				d.note("file_known")
			}
			return
		}
	}
	if len(row.Files) == maxFiles {
		d.refuse("too_many_changes", "%d", maxFiles)
		return
	}
	row.Files = append(row.Files, fileMade{f.Format, f.Digest})
	d.put(batchKey(f.Batch), row)
	d.note("")
}

// batchSubmitted refuses a file that is not as it was exported.
func (d *decision) batchSubmitted(f *events.BatchSubmitted) {
	row, ok := d.batch(f.Batch, "closed")
	if !ok || !d.answers(d.actor(), true) {
		return
	}
	if !slices.ContainsFunc(row.Files, func(file fileMade) bool { return file.Digest == f.Digest }) {
		d.refuse("file_differs", "no file of batch %s", f.Batch)
		return
	}
	row.State = "submitted"
	d.put(batchKey(f.Batch), row)
	d.note("")
}

func (d *decision) batchCancelled(f *events.BatchCancelled) {
	row, ok := d.batch(f.Batch, "open", "closed")
	if !ok || !d.answers(d.actor(), true) {
		return
	}
	row.State = "cancelled"
	d.put(batchKey(f.Batch), row)
	d.note("")
}

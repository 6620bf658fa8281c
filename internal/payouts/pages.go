package payouts

import (
	"bytes"
	"context"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
)

// What pages ask beside what commands do.

// BatchState is a batch as the ledger has it, and where its payouts stand.
type BatchState struct {
	projections.Batch
	Count  int64
	Sum    int64 // minor units
	Digest events.Digest
	Files  []projections.BatchFile
	Stands map[string]int64 // payouts by status
}

// Batches reads the batches of a month.
func (p *Process) Batches(ctx context.Context, organization, period string) ([]BatchState, error) {
	batches, err := p.Read.Batches(ctx, organization, "B"+monthOf(period)+"-")
	if err != nil {
		return nil, err
	}
	all := make([]BatchState, len(batches))
	for i, b := range batches {
		if all[i], err = p.batchState(ctx, b); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Batch reads one batch. Errors: readmodel.ErrNotFound.
func (p *Process) Batch(ctx context.Context, organization, batch string) (BatchState, error) {
	b, err := p.Read.BatchIn(ctx, organization, batch)
	if err != nil {
		return BatchState{}, err
	}
	return p.batchState(ctx, b)
}

func (p *Process) batchState(ctx context.Context, b projections.Batch) (BatchState, error) {
	out := BatchState{Batch: b}
	t, found, err := p.total(ctx, b.Organization, "batch:"+b.Batch)
	if err != nil || !found {
		return out, err
	}
	out.State, out.Count, out.Sum, out.Digest = t.State, t.Count, t.Sum, t.Digest
	if out.Files, err = p.Read.BatchFiles(ctx, b.Organization, b.Batch); err != nil {
		return out, err
	}
	out.Stands, err = p.Read.BatchStands(ctx, b.Organization, b.Batch)
	return out, err
}

// ListsIn reads the lists of an organization that are in a state, of all months.
func (p *Process) ListsIn(ctx context.Context, organization, state string) ([]projections.PayoutList, error) {
	return p.Read.PayoutLists(ctx, organization, "", state)
}

// Entries lists what a list holds, in the order of the log, from behind an offset
// on, at most limit of them.
func (p *Process) Entries(ctx context.Context, organization, list string, after int64, limit int) ([]readmodel.Entry, error) {
	return p.Read.ListEntries(ctx, organization, list, after, limit)
}

// Ordered counts what an approved list holds, and what of it was ordered.
func (p *Process) Ordered(ctx context.Context, organization, list string) (entries, ordered int64, err error) {
	return p.Read.Ordered(ctx, organization, list)
}

// Waits says what of a month waits for the bank, by way of paying.
func (p *Process) Waits(ctx context.Context, organization, period string) ([]readmodel.Waiting, error) {
	return p.Read.Waits(ctx, organization, period)
}

// CaughtUp waits until what was said before is seen.
func (p *Process) CaughtUp(ctx context.Context) error { return p.Service.WaitForProjections(ctx) }

// Examined is what a file comes to, as a person is shown it before anything is
// said: counts and lines, and nothing of what stands there.
type Examined struct {
	Entries int      `json:"entries"`
	Sum     int64    `json:"sum"`
	Left    int      `json:"left"` // lines with faults
	Faults  []Fault  `json:"faults"`
	Found   int      `json:"found"` // faults there are
	Against *Preview `json:"against"`
	Other   int      `json:"other"` // rows that stand on the list already, and otherwise
	State   string   `json:"state"` // of the list, where there is one
}

// maxShown bounds how many faults or lines are shown.
const maxShown = 500

// Examine reads a list and says what it comes to. Errors: *sheet.FileError.
func (p *Process) Examine(ctx context.Context, content []byte, m Month) (*Examined, error) {
	f, err := ReadList(bytes.NewReader(content), m, p.Persons)
	if err != nil {
		return nil, err
	}
	p.far(len(f.Rows)/2, len(f.Rows))
	out := &Examined{Entries: len(f.Rows), Left: f.Left, Found: len(f.Faults), Faults: f.Faults[:min(len(f.Faults), maxShown)]}
	for i := range f.Rows {
		out.Sum += f.Rows[i].Amount
	}
	if out.Against, err = p.Preview(ctx, f); err != nil {
		return nil, err
	}
	state, found, err := p.total(ctx, f.Organization, "list:"+f.List)
	if err != nil {
		return nil, err
	}
	if found {
		out.State = state.State
	}
	out.Other, err = p.differs(ctx, f, state)
	for _, lines := range []*[]int{&out.Against.Otherwise, &out.Against.Stopped, &out.Against.Elsewhere} {
		*lines = (*lines)[:min(len(*lines), MaxRows)]
	}
	for _, groups := range []*[][]int{&out.Against.Twice, &out.Against.Shared} {
		*groups = (*groups)[:min(len(*groups), maxShown)]
	}
	return out, err
}

// Take puts the lines of a file on a list that can be taken. Errors: *sheet.FileError,
// *RefusedError.
func (p *Process) Take(ctx context.Context, content []byte, m Month) (*Imported, error) {
	f, err := ReadList(bytes.NewReader(content), m, p.Persons)
	if err != nil {
		return nil, err
	}
	if len(f.Rows) == 0 {
		return nil, refuse("nothing")
	}
	return p.Import(ctx, f)
}

// Refused says of a month's approved lists what is not ordered and why, at most
// most of it, and how often each reason occurs.
func (p *Process) Refused(ctx context.Context, organization, period string, most int) (some []NotOrdered, codes map[string]int, err error) {
	codes = map[string]int{}
	err = p.EachNotOrdered(ctx, organization, period, func(n NotOrdered) error {
		if codes[n.Code]++; len(some) < most && n.Code != "waiting" {
			some = append(some, n)
		}
		return nil
	})
	return some, codes, err
}

package projections

import (
	"time"

	"socho/events"
	"socho/internal/money"
)

// States of a list of payouts, and of a batch.
const (
	ListOpen      = "open"
	ListProposed  = "proposed"
	ListApproved  = "approved" // by as many as it takes
	ListWithdrawn = "withdrawn"

	BatchOpen      = "open"
	BatchClosed    = "closed"
	BatchSubmitted = "submitted"
	BatchCancelled = "cancelled"
)

// PayoutList is a list of payouts of a programme for a month. As a change, empty
// fields say nothing. Approval names the event of the last word that was needed.
type PayoutList struct {
	Organization   string
	List           string
	Programme      string
	Period         string
	Currency       money.Currency
	State          string
	Approval       string
	ApprovalSource string
	ApprovedOn     events.Date
	ApprovedAt     time.Time
	At             Position // of the record that changed it last
}

// ListEntry is a payout as a list has it. At is the record that says so, which
// holds the account it goes to, sealed. Amount is in minor units.
type ListEntry struct {
	Organization string
	List         string
	Payout       string
	Person       string
	Programme    string // as a change, empty where it is the list's
	Period       string // likewise
	Unit         string
	Method       string
	Kind         string
	Currency     money.Currency
	Amount       int64
	At           Position
}

// RemovedEntry takes a payout off a list, as it was put on before At.
type RemovedEntry struct {
	Organization string
	List         string
	Payout       string
	At           Position
}

// Batch is what one file for the bank holds. As a change, empty fields say
// nothing.
type Batch struct {
	Organization string
	Batch        string
	Account      string
	Method       string
	Currency     money.Currency
	ExecuteOn    events.Date
	OpenedOn     events.Date
	OpenedAt     time.Time
	State        string
	At           Position
}

// BatchFile is a file that was made of a batch: the only one in its format.
type BatchFile struct{ Organization, Batch, Format, Digest string }

// Kinds of moves.
const (
	MoveBatched  = "batched"
	MoveSettled  = "settled"
	MoveReturned = "returned"
)

// PayoutMove is one step of a payout on its way through the bank. Batch is that
// of MoveBatched, Line the bank line of the others, empty where a return names
// none. Amount is in minor units.
type PayoutMove struct {
	Organization string
	Payout       string
	Kind         string
	Batch        string
	Line         string
	Amount       int64
	At           Position
	Source       string
	EventID      string
}

// WithdrawnMove takes the move of a payout back that an event said.
type WithdrawnMove struct{ Organization, Payout, Source, EventID string }

// FoldLists keeps lists, their entries and batches, for the process that orders
// and pays what was approved.
func FoldLists(c *Changes, a *Accepted) {
	at := Position{a.Shard, a.Offset}
	list := func(id events.ID, state string) *PayoutList {
		c.Lists = append(c.Lists, PayoutList{Organization: a.Event.Subject, List: string(id), State: state, At: at})
		return &c.Lists[len(c.Lists)-1]
	}
	batch := func(id events.PayoutID, state string) *Batch {
		c.Batches = append(c.Batches, Batch{Organization: a.Event.Subject, Batch: string(id), State: state, At: at})
		return &c.Batches[len(c.Batches)-1]
	}
	move := func(kind string, payout, batch events.PayoutID, line events.ID, sum money.Amount) {
		c.Moves = append(c.Moves, PayoutMove{a.Event.Subject, string(payout), kind, string(batch), string(line), sum.Minor(), at, string(a.Event.Source), string(a.Event.ID)})
	}
	switch f := a.Event.Fact.(type) {
	case *events.ListOpened:
		l := list(f.List, ListOpen)
		l.Programme, l.Period, l.Currency = string(f.Programme), string(f.Period), f.Currency
	case *events.ListEntryAdded:
		c.ListEntries = append(c.ListEntries, ListEntry{a.Event.Subject, string(f.List), string(f.Payout), string(f.Person), string(f.Programme), string(f.Period), string(f.Unit),
			string(f.Method), string(f.Kind), f.Currency, f.Money().Minor(), at})
	case *events.ListEntryRemoved:
		c.Removed = append(c.Removed, RemovedEntry{a.Event.Subject, string(f.List), string(f.Payout), at})
	case *events.ListProposed:
		list(f.List, ListProposed)
	case *events.ListApproved:
		if a.Outcome.Code != "one_more_approval" {
			l := list(f.List, ListApproved)
			l.Approval, l.ApprovalSource = string(a.Event.ID), string(a.Event.Source)
			l.ApprovedOn, l.ApprovedAt = f.EffectiveOn, a.RecordedAt
		}
	case *events.ListWithdrawn:
		list(f.List, ListWithdrawn)
	case *events.BatchOpened:
		b := batch(f.Batch, BatchOpen)
		b.Account, b.Method, b.Currency = string(f.Account), string(f.Method), f.Currency
		b.ExecuteOn, b.OpenedOn, b.OpenedAt = f.ExecuteOn, f.EffectiveOn, a.RecordedAt
	case *events.BatchClosed:
		batch(f.Batch, BatchClosed)
	case *events.BatchExported:
		if a.Outcome.Code == "" { // else the file is known
			c.Files = append(c.Files, BatchFile{a.Event.Subject, string(f.Batch), string(f.Format), string(f.Digest)})
		}
	case *events.BatchSubmitted:
		batch(f.Batch, BatchSubmitted)
	case *events.BatchCancelled:
		batch(f.Batch, BatchCancelled)
	case *events.PayoutBatched:
		move(MoveBatched, f.Payout, f.Batch, "", f.Money())
	case *events.PayoutSettled:
		move(MoveSettled, f.Payout, "", f.Line, f.Money())
	case *events.PayoutReturned:
		move(MoveReturned, f.Payout, "", f.Line, f.Money())
	case *events.Reversed:
		for i := range a.Transfers {
			for _, path := range [2]string{a.Transfers[i].Debit, a.Transfers[i].Credit} {
				if _, _, payout, ok := stageOf(path); ok {
					w := WithdrawnMove{a.Event.Subject, payout, string(f.ReversesSource), string(f.Reverses)}
					if n := len(c.MovesWithdrawn); n == 0 || c.MovesWithdrawn[n-1] != w {
						c.MovesWithdrawn = append(c.MovesWithdrawn, w)
					}
				}
			}
		}
	}
}

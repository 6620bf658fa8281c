package payouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// ListState is a list as the ledger's rules have it.
type ListState struct {
	projections.PayoutList
	Count    int64
	Sum      int64 // minor units
	Digest   events.Digest
	DrawnUp  []string // by whom, as intake stamps them
	Approved []string // likewise
	Words    int      // how many have to approve it
}

// Lists reads a month's lists.
func (p *Process) Lists(ctx context.Context, organization, period string) ([]ListState, error) {
	lists, err := p.Read.PayoutLists(ctx, organization, period, "")
	if err != nil {
		return nil, err
	}
	all := make([]ListState, len(lists))
	for i := range lists {
		if all[i], err = p.state(ctx, lists[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// List reads one list. Errors: readmodel.ErrNotFound.
func (p *Process) List(ctx context.Context, organization, list string) (ListState, error) {
	l, err := p.Read.PayoutList(ctx, organization, list)
	if err != nil {
		return ListState{}, err
	}
	return p.state(ctx, l)
}

func (p *Process) state(ctx context.Context, l projections.PayoutList) (ListState, error) {
	out := ListState{PayoutList: l}
	value, found, err := p.DB.RuleState(ctx, l.Organization, "list:"+l.List)
	if err != nil || !found {
		return out, err
	}
	var row struct {
		total
		DrawnUp  []string `json:"drawn_up"`
		Approved []string `json:"approved"`
	}
	if err := json.Unmarshal([]byte(value), &row); err != nil {
		return out, err
	}
	out.State, out.Count, out.Sum, out.Digest, out.DrawnUp, out.Approved = row.State, row.Count, row.Sum, row.Digest, row.DrawnUp, row.Approved
	asked, err := p.Approvals(ctx, l.Organization)
	out.Words = asked.words(out.Sum, l.Currency)
	return out, err
}

// Approvals is how many persons have to approve a list: one, or two where it comes to
// more than Above. None has to where Approvers is 0: payouts are then ordered from
// anywhere.
type Approvals struct {
	Approvers int
	Above     int64 // minor units
	Currency  money.Currency
	Lower     *Approvals // what one person wants to ask for instead, where that is less
	By        string     // whoever wants it, as intake stamps them
}

// Approvals reads what an organization asks for.
func (p *Process) Approvals(ctx context.Context, organization string) (Approvals, error) {
	value, found, err := p.DB.RuleState(ctx, organization, "approvals")
	if err != nil || !found {
		return Approvals{}, err
	}
	type asked struct {
		Approvers int            `json:"approvers"`
		Above     events.Decimal `json:"above"`
		Currency  money.Currency `json:"currency"`
	}
	var row struct {
		asked
		Lower *asked `json:"lower"`
		By    string `json:"by"`
	}
	if err := json.Unmarshal([]byte(value), &row); err != nil {
		return Approvals{}, err
	}
	read := func(a *asked) Approvals {
		return Approvals{Approvers: a.Approvers, Above: events.Money(a.Above, a.Currency).Minor(), Currency: a.Currency}
	}
	out := read(&row.asked)
	if row.Lower != nil {
		lower := read(row.Lower)
		out.Lower, out.By = &lower, row.By
	}
	return out, nil
}

// words is how many have to approve a list of a sum.
func (a Approvals) words(sum int64, currency money.Currency) int {
	if a.Approvers > 0 && (a.Currency != currency || sum > a.Above) {
		return 2
	}
	return max(a.Approvers, 1)
}

// Shown is the list as somebody proposes or approves it.
func (l *ListState) Shown() (*Shown, error) {
	amount, err := money.New(l.Sum, l.Currency)
	return &Shown{l.List, l.State, l.Count, events.Sum{Amount: events.Decimal(amount.String()), Currency: l.Currency}, l.Digest}, err
}

// Removed says what became of entries that were to be taken off.
type Removed struct {
	Removed int
	Refused []Refusal
}

// Remove takes payouts off an open list, and says what their persons are entitled
// to without them: what other lists say, or nothing. A crash in between leaves the
// entitlement as it was; calling it again completes it.
func (p *Process) Remove(ctx context.Context, organization, list, reason string, payouts []string) (*Removed, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	at, err := p.Read.PayoutList(ctx, organization, list)
	if errors.Is(err, readmodel.ErrNotFound) {
		return nil, fmt.Errorf("%s has no list %s", organization, list)
	}
	if err != nil {
		return nil, err
	}
	var entries []readmodel.PlacedEntry
	for _, payout := range payouts {
		places, err := p.Read.EntriesOf(ctx, organization, payout)
		if err != nil {
			return nil, err
		}
		for _, e := range places {
			if e.List == list {
				entries = append(entries, e)
				break
			}
		}
	}
	done, err := p.publish(ctx, organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		for _, payout := range payouts {
			if err := say(p.envelope(organization, uuid.Must(uuid.NewV7()).String(), "benefit.list_entry_removed"),
				&events.ListEntryRemoved{Dated: events.Dated{EffectiveOn: p.today()}, List: events.ID(list), Payout: events.PayoutID(payout), Reason: events.Word(reason)}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &Removed{int(done.counts[ledger.Recorded]), done.refused}
	for _, e := range entries {
		if err := p.entitleAnew(ctx, at, e); err != nil {
			return out, err
		}
	}
	return out, p.Service.WaitForProjections(ctx)
}

// entitleAnew lowers what somebody is entitled to for a month to what stands on
// lists, as far as this process has said it.
func (p *Process) entitleAnew(ctx context.Context, list projections.PayoutList, e readmodel.PlacedEntry) error {
	for range attempts { // each taken back lets the one before it count again
		if err := p.Service.WaitForProjections(ctx); err != nil {
			return err
		}
		said, err := p.Read.EntitlementOf(ctx, list.Organization, e.Person, e.Programme, e.Period)
		if errors.Is(err, readmodel.ErrNotFound) || err == nil && (said.Source != Source || said.Currency != money.VND) {
			return nil
		}
		if err != nil {
			return err
		}
		listed, err := p.Read.ListedOf(ctx, list.Organization, e.Person, e.Programme, e.Period)
		if err != nil || listed >= said.Amount {
			return err
		}
		on := events.Dated{EffectiveOn: events.Date(e.Period + "-01")}
		if listed > 0 {
			amount, err := sum(listed)
			if err != nil {
				return err
			}
			id := "entitled-" + monthOf(e.Period) + "-" + hashed(40, "lowered", said.EventID, string(amount.Amount))
			_, err = p.say(ctx, p.envelope(list.Organization, id, "benefit.person_entitled"), &events.PersonEntitled{Dated: on, Of: events.Of{Person: events.ID(e.Person)}, Sum: amount,
				Programme: events.Word(e.Programme), Period: events.Period(e.Period), Unit: events.Unit(said.Unit)})
			return err
		}
		_, err = p.say(ctx, p.envelope(list.Organization, "unentitled-"+hashed(40, "unentitled", said.EventID), "ledger.reversed"),
			&events.Reversed{Dated: events.Dated{EffectiveOn: p.today()}, Reverses: events.EventID(said.EventID), ReversesSource: Source, Reason: "not_listed"})
		if refused := (*RefusedError)(nil); errors.As(err, &refused) {
			return nil // something was ordered of it, and it stands
		} else if err != nil {
			return err
		}
	}
	return nil
}

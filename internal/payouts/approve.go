package payouts

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"socho/events"
	"socho/projections"
)

// Shown is a list as the ledger has it: what somebody proposes or approves.
type Shown struct {
	List   string        `json:"list"`
	State  string        `json:"state"`
	Count  int64         `json:"count"`
	Sum    events.Sum    `json:"sum"`
	Digest events.Digest `json:"digest"`
}

// FindList returns the list that is meant: the one named, or the only one of the
// month that was not withdrawn. Errors: none or several, naming them.
func (p *Process) FindList(ctx context.Context, organization, period, list string) (string, error) {
	if list != "" {
		return list, nil
	}
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return "", err
	}
	all, err := p.Read.PayoutLists(ctx, organization, period, "")
	if err != nil {
		return "", err
	}
	var names []string
	for _, l := range all {
		if l.State != projections.ListWithdrawn {
			names = append(names, l.List)
		}
	}
	switch len(names) {
	case 0:
		return "", fmt.Errorf("%s has no list for %s; socho payout import makes one", organization, period)
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("there are several lists for %s; name one of them with --list: %s", period, strings.Join(names, ", "))
}

// Show reads how the ledger has a list. Errors: no such list, or an empty one.
func (p *Process) Show(ctx context.Context, organization, list string) (*Shown, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	t, found, err := p.total(ctx, organization, "list:"+list)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("%s has no list %s", organization, list)
	case t.Count == 0:
		return nil, fmt.Errorf("nothing stands on list %s yet", list)
	}
	amount, err := t.sum()
	return &Shown{list, t.State, t.Count, amount, t.Digest}, err
}

// Propose hands a list over for approval, as it was shown.
// Errors: *RefusedError.
func (p *Process) Propose(ctx context.Context, organization string, s *Shown) error {
	e, what := p.word(organization, s, "benefit.list_proposed")
	_, err := p.say(ctx, e, &events.ListProposed{ListTotal: what})
	return err
}

// Approve gives the actor's word for a list as it was shown. more is set where
// one more person's is needed; else the payouts are ordered. Errors: *RefusedError.
func (p *Process) Approve(ctx context.Context, organization string, s *Shown) (more bool, err error) {
	if more, err = p.GiveWord(ctx, organization, s); err != nil || more {
		return more, err
	}
	return false, p.orderNow(ctx, organization, s.List)
}

// GiveWord is Approve without waiting for the orders, which the service gives by
// itself. Errors: *RefusedError.
func (p *Process) GiveWord(ctx context.Context, organization string, s *Shown) (more bool, err error) {
	e, what := p.word(organization, s, "benefit.list_approved")
	o, err := p.say(ctx, e, &events.ListApproved{ListTotal: what})
	return err == nil && o.Code != "", err
}

// orderNow orders what has just been approved, so that whoever approved it sees
// what came of it. Where it does not come to its end, the service orders the rest.
func (p *Process) orderNow(ctx context.Context, organization, list string) error {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return err
	}
	approved, err := p.Read.PayoutLists(ctx, organization, "", projections.ListApproved)
	if err != nil {
		return err
	}
	self := *p
	self.Actor = Orders
	for _, l := range approved {
		if l.List == list {
			if _, err := self.Order(ctx, l, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// word is one act of a person, of its own each time.
func (p *Process) word(organization string, s *Shown, fact string) (events.Envelope, events.ListTotal) {
	count := events.Count(s.Count)
	return p.envelope(organization, uuid.Must(uuid.NewV7()).String(), fact),
		events.ListTotal{Dated: events.Dated{EffectiveOn: p.today()}, Sum: s.Sum, List: events.ID(s.List), Count: &count, Digest: s.Digest}
}

// Withdraw takes a list back; what was not ordered of it may stand on another.
// Errors: *RefusedError.
func (p *Process) Withdraw(ctx context.Context, organization, list, reason string) error {
	_, err := p.say(ctx, p.envelope(organization, uuid.Must(uuid.NewV7()).String(), "benefit.list_withdrawn"),
		&events.ListWithdrawn{Dated: events.Dated{EffectiveOn: p.today()}, List: events.ID(list), Reason: events.Word(reason)})
	return err
}

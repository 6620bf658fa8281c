package payouts

import (
	"context"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// attempts bounds how often one payout is ordered in vain.
const attempts = 50

func orderID(list, payout string, attempt int) string {
	return "order-" + hashed(40, "order", list, payout, strconv.Itoa(attempt))
}

// Order orders what an approved list holds. What was ordered before, or tried and
// refused, is passed over; with again set, what was refused is tried once more. It
// holds one page at a time, and looks for the next while the ledger decides the one
// before.
//
// Ids follow from the list, the payout and the attempt, so a crash anywhere leaves
// nothing that calling it again does not complete, and nothing is ordered twice.
// One process at a time orders a list, so that none says what another has said.
func (p *Process) Order(ctx context.Context, list projections.PayoutList, again bool) (ordered int64, err error) {
	release, err := p.DB.LockOnce(ctx, "orders:"+list.Organization+":"+list.List)
	if err != nil {
		return 0, err
	}
	defer release()
	state, _, err := p.total(ctx, list.Organization, "list:"+list.List)
	if err != nil {
		return 0, err
	}
	done, err := p.publish(ctx, list.Organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		seen := 0
		for after := int64(-1); ; {
			entries, err := p.Read.ListEntries(ctx, list.Organization, list.List, after, page)
			if err != nil || len(entries) == 0 {
				return err
			}
			after = entries[len(entries)-1].At.Offset
			tried, err := p.tried(ctx, list, entries)
			if err != nil {
				return err
			}
			p.far(seen, int(state.Count))
			seen += len(entries)
			for i := range entries {
				if !tried[i].due(again) {
					continue
				}
				if err := p.order(say, list, &entries[i], tried[i].attempt+1); err != nil {
					return err
				}
			}
		}
	})
	return done.counts[ledger.Posted], err
}

// OrderAgain tries once more what was refused of a month's approved lists.
func (p *Process) OrderAgain(ctx context.Context, organization, period string) (ordered int64, err error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return 0, err
	}
	lists, err := p.Read.PayoutLists(ctx, organization, period, projections.ListApproved)
	for _, list := range lists {
		n, failed := p.Order(ctx, list, true)
		if ordered += n; failed != nil {
			return ordered, failed
		}
	}
	return ordered, err
}

// attempt is the last time that an entry was ordered; none where outcome is nil.
type attempt struct {
	attempt int
	outcome *ledger.Outcome
}

// due says whether the entry is to be ordered.
func (a attempt) due(again bool) bool {
	return a.outcome == nil || again && a.outcome.Status == ledger.Refused && a.attempt < attempts
}

func (p *Process) tried(ctx context.Context, list projections.PayoutList, entries []readmodel.Entry) ([]attempt, error) {
	last := make([]attempt, len(entries))
	looking := make([]int, len(entries))
	for i := range entries {
		looking[i] = i
	}
	for n := 1; len(looking) > 0 && n <= attempts; n++ {
		ids := make([]string, len(looking))
		for k, i := range looking {
			ids[k] = orderID(list.List, entries[i].Payout, n)
		}
		found, err := p.DB.Claims(ctx, list.Organization, Source, ids)
		if err != nil {
			return nil, err
		}
		var further []int
		for k, i := range looking {
			if o := found[ids[k]]; o != nil {
				last[i] = attempt{n, o}
				if o.Status == ledger.Refused {
					further = append(further, i)
				}
			}
		}
		looking = further
	}
	return last, nil
}

func (p *Process) order(say func(events.Envelope, events.Fact, map[string]string) error, list projections.PayoutList, entry *readmodel.Entry, n int) error {
	a, err := money.New(entry.Amount, entry.Currency)
	if err != nil {
		return err
	}
	e := p.envelope(list.Organization, orderID(list.List, entry.Payout, n), "benefit.payout_ordered")
	e.Time = events.Time(list.ApprovedAt.In(ict).Format(time.RFC3339))
	e.CauseID, e.CauseSource = events.EventID(list.Approval), events.URI(list.ApprovalSource)
	if n > 1 {
		e.Resubmits, e.ResubmitsSource = events.EventID(orderID(list.List, entry.Payout, n-1)), Source
	}
	return say(e, &events.PayoutOrdered{Dated: events.Dated{EffectiveOn: list.ApprovedOn}, Of: events.Of{Person: events.ID(entry.Person)},
		Sum: events.Sum{Amount: events.Decimal(a.String()), Currency: entry.Currency}, Payout: events.PayoutID(entry.Payout),
		Programme: events.Word(entry.Programme), Period: events.Period(entry.Period), Unit: events.Unit(entry.Unit), Method: events.Word(entry.Method)}, nil)
}

// NotOrdered is an entry of an approved list that the ledger refused to order, or
// that was not tried yet.
type NotOrdered struct {
	List   string `json:"list"`
	Payout string `json:"payout"`
	Code   string `json:"code"` // waiting where it was not tried yet
	Reason string `json:"reason"`
}

// EachNotOrdered calls each for the entries of a month's approved lists that are
// not ordered.
func (p *Process) EachNotOrdered(ctx context.Context, organization, period string, each func(NotOrdered) error) error {
	lists, err := p.Read.PayoutLists(ctx, organization, period, projections.ListApproved)
	if err != nil {
		return err
	}
	for _, list := range lists {
		for after := int64(-1); ; {
			entries, err := p.Read.NotOrdered(ctx, organization, list.List, after, page)
			if err != nil {
				return err
			}
			if len(entries) == 0 {
				break
			}
			after = entries[len(entries)-1].At.Offset
			tried, err := p.tried(ctx, list, entries)
			if err != nil {
				return err
			}
			for i := range entries {
				n := NotOrdered{list.List, entries[i].Payout, "waiting", "its turn has not come yet"}
				if o := tried[i].outcome; o != nil && !o.Status.Accepted() {
					n.Code, n.Reason = o.Code, ledger.Reason(o)
				}
				if err := each(n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Status is where a month stands, in persons, and in đồng by state.
type Status struct {
	Entitled       int64             `json:"entitled"`
	PaidAccount    int64             `json:"paid_account"`
	PaidCash       int64             `json:"paid_cash"`
	Returned       int64             `json:"returned"`
	CarriedForward int64             `json:"carried_forward"`
	Amounts        map[string]string `json:"amounts"`
	Rate           *string           `json:"rate"` // paid by account ÷ entitled, in percent; none where nobody is entitled
}

// Status reads where a month stands.
func (p *Process) Status(ctx context.Context, organization, period string) (*Status, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	s, err := p.Read.PayoutSummary(ctx, organization, period)
	if err != nil {
		return nil, err
	}
	paid := s.PaidAccountSum.Big()
	paid.Add(paid, s.PaidCashSum.Big())
	carried := s.EntitledSum.Big()
	if carried.Sub(carried, paid); carried.Sign() < 0 { // more has left than anybody is entitled to
		carried.SetInt64(0)
	}
	vnd := func(t money.Total) string { return t.Format(money.VND) }
	return &Status{s.Entitled, s.PaidAccount, s.PaidCash, s.Returned, s.CarriedForward, map[string]string{
		"entitled": vnd(s.EntitledSum), "paid_account": vnd(s.PaidAccountSum), "paid_cash": vnd(s.PaidCashSum), "returned": vnd(s.ReturnedSum),
		"carried_forward": money.FormatSigned(carried, money.VND),
	}, s.Rate}, nil
}

// monthOf writes a period as ids of batches begin.
func monthOf(period string) string { return strings.ReplaceAll(period, "-", "") }

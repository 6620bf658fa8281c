package payouts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/internal/sheet"
	"socho/ledger"
	"socho/projections"
)

// Reissue says how a payout that came back is to be paid instead.
type Reissue struct {
	Organization string
	Payout       string
	List         string // an open one, or a new one; one of its own for the month if empty
	Method       string // account, ewallet or cash
	BIN          string // personal, as are the next two
	Account      string
	AccountName  string
}

// Reissued is a payout that took another one's place.
type Reissued struct {
	Payout string `json:"payout"` // the new one
	Old    string `json:"old"`
	List   string `json:"list"` // where it waits to be proposed and approved
	Amount int64  `json:"amount"`
}

// Check reads what a person has typed: a bank by name or BIN, an account with
// blanks. It returns which of bank, account, account_name or method is wrong; "" for
// none.
func (r *Reissue) Check() (wrong string) {
	switch r.Method {
	case "cash":
		r.BIN, r.Account, r.AccountName = "", "", ""
		return ""
	case "account", "ewallet":
	default:
		return "method"
	}
	var ok bool
	r.AccountName = strings.Join(strings.Fields(r.AccountName), " ")
	if r.BIN, ok = BankBIN(strings.TrimSpace(r.BIN)); !ok {
		return "bank"
	}
	if r.Account = bareAccount(r.Account); !plainAccount(r.Account) {
		return "account"
	}
	if r.AccountName == "" || len(r.AccountName) > sheet.MaxCell {
		return "account_name"
	}
	return ""
}

// ReissueID is the id of the payout that takes another one's place: it follows from
// the old one's, so that one payout is issued again once. Fixed for ever.
func ReissueID(organization, old string) string {
	head, _, _ := strings.Cut(old, "-")
	if len(head) != 5 || head[0] != 'o' {
		head = "o0000"
	}
	return head + "-" + hashed(25, "reissue", organization, old)
}

// NotBackError says why a payout cannot be issued again.
type NotBackError struct {
	Code   string // a word for it, for pages
	Reason string
}

func (e *NotBackError) Error() string { return e.Reason }

// Reissue takes the order of a payout back whose money has come back whole, and
// puts the money on a list under a new id, to another account or in cash. A second
// person approves the list, and so the account.
//
// Nobody is paid twice by it: the order is taken back first, which the ledger
// refuses while any of the money is under way or has left, and while a batch that
// the bank may still be given holds it; the new payout is within the entitlement,
// which is not raised; and what leaves for the old one all the same, later, holds
// the new one up, or is to be recovered.
//
// Its ids follow from the old payout's. A crash between the two leaves an order
// taken back and nothing on a list, which calling it again completes.
// Errors: *NotBackError, *RefusedError, readmodel.ErrNotFound.
func (p *Process) Reissue(ctx context.Context, r Reissue) (*Reissued, error) {
	release, err := p.DB.LockOnce(ctx, "payouts:"+r.Organization)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	old, err := p.Read.Payout(ctx, r.Organization, r.Payout)
	if err != nil {
		return nil, err
	}
	places, err := p.Read.EntriesOf(ctx, r.Organization, r.Payout)
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		return nil, &NotBackError{"no_list", "it stands on no list, so nothing says how it was approved"}
	}
	out := &Reissued{Payout: ReissueID(r.Organization, r.Payout), Old: r.Payout, Amount: places[0].Amount}
	again, err := p.Read.EntriesOf(ctx, r.Organization, out.Payout)
	if err != nil {
		return nil, err
	}
	for _, e := range again {
		if !e.Removed && e.State != projections.ListWithdrawn {
			out.List = e.List
			return out, nil // done before
		}
	}
	if old.Status() != projections.PayoutReversed {
		if old.Returned != places[0].Amount || old.Clearing != 0 || old.Payable != 0 {
			return nil, &NotBackError{"not_back", "its money has not come back whole: it is still owed, under way, or has arrived"}
		}
	}
	if out.List, err = p.reissueList(ctx, r, places[0]); err != nil {
		return nil, err
	}
	reversal, err := p.takeBack(ctx, old)
	if err != nil {
		return nil, err
	}
	on := events.Dated{EffectiveOn: p.today()}
	e := p.envelope(r.Organization, "entry-"+monthOf(places[0].Period)+"-"+hashed(38, "reissued", out.List, out.Payout, fmt.Sprint(len(again))), "benefit.list_entry_added")
	e.CauseID, e.CauseSource = reversal, Source // which names the order that it takes the place of
	amount, err := sum(out.Amount)
	if err != nil {
		return nil, err
	}
	entry := &events.ListEntryAdded{Dated: on, Of: events.Of{Person: events.ID(places[0].Person)}, Sum: amount, List: events.ID(out.List), Payout: events.PayoutID(out.Payout),
		Programme: events.Word(places[0].Programme), Period: events.Period(places[0].Period), Unit: events.Unit(places[0].Unit), Method: events.Word(r.Method), Kind: events.Word(places[0].Kind)}
	// The person keeps the name under which they stood on the list.
	if err := p.unsealed(ctx, r.Organization, r.Payout, "payout_reissue", []string{"name"}); err != nil {
		return nil, err
	}
	before, err := p.opened(ctx, r.Organization, []projections.Position{places[0].At}, []string{"name"})
	if err != nil {
		return nil, err
	}
	personal := fields("account", r.Account, "bank_bin", r.BIN, "account_name", r.AccountName, "name", before[0]["name"])
	done, err := p.publish(ctx, r.Organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		return say(e, entry, personal)
	})
	switch {
	case err != nil:
		return nil, err
	case len(done.refused) > 0:
		return nil, &RefusedError{&ledger.Outcome{Status: ledger.Refused, Code: done.refused[0].Code}}
	case done.missing > 0:
		return nil, &NotBackError{"erased", "the person is erased"}
	}
	return out, p.Service.WaitForProjections(ctx)
}

// reissueList is the open list that payouts of a month go on that are issued again.
func (p *Process) reissueList(ctx context.Context, r Reissue, e readmodel.PlacedEntry) (string, error) {
	name := r.List
	if name == "" {
		lists, err := p.Read.PayoutLists(ctx, r.Organization, e.Period, "")
		if err != nil {
			return "", err
		}
		for n := 1; ; n++ { // the first that is open, or that nobody has opened
			name = fmt.Sprintf("%s-%s-lai-%d", e.Programme, e.Period, n)
			i := slices.IndexFunc(lists, func(l projections.PayoutList) bool { return l.List == name })
			if i < 0 {
				break
			}
			if lists[i].State == projections.ListOpen {
				return name, nil
			}
		}
	}
	at := p.envelope(r.Organization, "list-"+monthOf(e.Period)+"-"+hashed(40, "list", r.Organization, name), "benefit.list_opened")
	if _, err := p.say(ctx, at, &events.ListOpened{Dated: events.Dated{EffectiveOn: p.today()}, List: events.ID(name), Programme: events.Word(e.Programme), Period: events.Period(e.Period), Currency: money.VND}); err != nil {
		return "", err
	}
	t, _, err := p.total(ctx, r.Organization, "list:"+name)
	if err == nil && t.State != projections.ListOpen {
		err = &NotBackError{"list_closed", "list " + name + " is " + t.State + ", and takes no entries"}
	}
	return name, err
}

// takeBack reverses the order of a payout, and returns the reversal's id.
func (p *Process) takeBack(ctx context.Context, old projections.Payout) (events.EventID, error) {
	at, err := p.Log.At(ctx, old.First.Shard, old.First.Offset)
	if err != nil {
		return "", err
	}
	order, err := events.Decode(at.Value)
	if err != nil {
		return "", err
	}
	if f, ok := order.Fact.(*events.PayoutOrdered); !ok || string(f.Payout) != old.Payout {
		return "", errors.New("the first record of the payout is not its order")
	}
	id := "takeback-" + hashed(40, "takeback", string(order.Source), string(order.ID))
	o, err := p.say(ctx, p.envelope(old.Organization, id, "ledger.reversed"),
		&events.Reversed{Dated: events.Dated{EffectiveOn: p.today()}, Reverses: order.ID, ReversesSource: order.Source, Reason: "reissued"})
	if err != nil {
		return "", err
	}
	return events.EventID(o.EventID), nil
}

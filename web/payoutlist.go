package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"socho/events"
	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/projections"
)

// payoutListPage is a list: what stands on it, its totals as they are approved, what
// is worth a second look, and who did what.
type payoutListPage struct {
	Organization projections.Organization
	List         listRow
	By           string // who drew it up
	Approvers    string
	Entries      []entryRow
	Named        bool // names were asked for, and are shown
	MayName      bool
	Next         string // page
	First        string
	May          monthRights
	Own          bool // the visitor had a hand in it
	Ordered      int64
	Look         *payouts.Look
	Looking      bool // it is being compared
	Events       []actRow
	More         string // all events
	Problem      string
}

// entryRow is a payout on a list, with the name and account of whom it goes to where
// they were asked for.
type entryRow struct {
	readmodel.Entry
	Name, Account, Bank string
	Erased              bool
}

// actRow is what somebody did with a list.
type actRow struct {
	projections.TracedEvent
	Who string
}

// orderedWithin is how long after its approval a list's page looks again by itself:
// what is not ordered by then was refused.
const orderedWithin = 10 * time.Minute

// entriesPerPage is how many entries of a list stand on a page, and are opened
// together.
const entriesPerPage = 50

// listAsked finds the list that an address names.
func (s *site) listAsked(r *request) (projections.Organization, payouts.ListState, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return o, payouts.ListState{}, err
	}
	l, err := s.payouts(r).List(r.Context(), o.Organization, r.PathValue("list"))
	return o, l, err
}

func (s *site) payoutList(r *request) (*view, error) {
	o, l, err := s.listAsked(r)
	if err != nil {
		return nil, err
	}
	v, page, err := s.listView(r, o, l)
	if err != nil || r.Method != http.MethodPost {
		return v, err
	}
	return v, s.nameEntries(r, page)
}

// listView shows a list.
func (s *site) listView(r *request, o projections.Organization, l payouts.ListState) (*view, *payoutListPage, error) {
	ctx, work := r.Context(), s.payouts(r)
	page := &payoutListPage{Organization: o, List: rowOf(l), May: r.monthRights(o.Organization), Own: slices.Contains(l.DrawnUp, actor(r.who)),
		MayName: s.Unsealer != nil && s.People != nil && r.who.May(identity.UnsealIdentity, o.Organization)}
	name := s.whoActed(r, append(slices.Clone(l.DrawnUp), l.Approved...)...)
	for i, who := range [2][]string{l.DrawnUp, l.Approved} {
		for n, one := range who {
			text := name(one)
			if n > 0 {
				text = ", " + text
			}
			if i == 0 {
				page.By += text
			} else {
				page.Approvers += text
			}
		}
	}
	after := int64(-1)
	if text := r.query.Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return nil, nil, errBad
		}
		page.First = r.with("after", "")
	}
	entries, err := work.Entries(ctx, o.Organization, l.List, after, entriesPerPage+1)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) > entriesPerPage {
		entries = entries[:entriesPerPage]
		page.Next = r.with("after", strconv.FormatInt(entries[len(entries)-1].At.Offset, 10))
	}
	for _, e := range entries {
		page.Entries = append(page.Entries, entryRow{Entry: e})
	}
	if l.State == projections.ListApproved {
		if _, page.Ordered, err = work.Ordered(ctx, o.Organization, l.List); err != nil {
			return nil, nil, err
		}
	}
	if page.Look, page.Looking, err = s.compared(r, o, l, false); err != nil {
		return nil, nil, err
	}
	if page.Events, err = s.listActs(r, o, l); err != nil {
		return nil, nil, err
	}
	v := s.underMonth(r, &view{template: "payout_list", title: r.language.say("list.title", "list", l.List), data: page}, o, l.Period)
	if l.State == projections.ListApproved && page.Ordered < l.Count && time.Since(l.ApprovedAt) < orderedWithin && r.Method == http.MethodGet {
		v.again = 3 * time.Second
	}
	return v, page, nil
}

// nameEntries opens the names and accounts of the entries on a page, written down
// before they are shown.
func (s *site) nameEntries(r *request, page *payoutListPage) error {
	if !page.MayName || r.PostFormValue("what") != "names" {
		return errBad
	}
	fields := []string{"name", "account", "bank_bin"}
	entry := identity.Entry{Action: identity.Unsealed, Organization: page.Organization.Organization, Object: page.List.List, Detail: "name,account,bank_bin check", Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, revealsMost, revealsWithin); err != nil {
		return err
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		record, err := s.Records.At(r.Context(), e.At.Shard, e.At.Offset)
		if err != nil {
			return err
		}
		for _, f := range sealedIn(&record) {
			if f.person != e.Person || !slices.Contains(fields, f.at.Field) {
				continue
			}
			clear, erased, err := s.Unsealer.Unseal(r.Context(), f.at, f.person, f.sealed)
			if err != nil {
				return err
			}
			e.Erased = e.Erased || erased
			switch f.at.Field {
			case "name":
				e.Name = clear
			case "account":
				e.Account = clear
			case "bank_bin":
				e.Bank = bankName(clear)
			}
		}
	}
	page.Named = true
	return nil
}

// actsShown is how many acts of a list's history stand on its page.
const actsShown = 12

// listActs is a list's history: what was done with it, by whom, the entries apart.
func (s *site) listActs(r *request, o projections.Organization, l payouts.ListState) ([]actRow, error) {
	acts, err := s.payouts(r).Acts(r.Context(), o.Organization, l.List)
	if err != nil {
		return nil, err
	}
	actors := make([]string, len(acts))
	for i := range acts {
		actors[i] = acts[i].Actor
	}
	name := s.whoActed(r, actors...)
	rows := make([]actRow, 0, len(acts))
	for _, a := range acts[max(len(acts)-actsShown, 0):] {
		rows = append(rows, actRow{projections.TracedEvent{Position: a.At, Type: events.Type(a.Fact), Status: a.Status, Code: a.Code, RecordedAt: a.RecordedAt}, name(a.Actor)})
	}
	return rows, nil
}

// lookOwner is whose a comparison of a list is: everybody's who may see the list, as
// long as the list is as it was.
const lookOwner = "process:look"

// compared finds what is worth a second look in a list as it is now; nil where nobody has
// compared it, which begin does.
func (s *site) compared(r *request, o projections.Organization, l payouts.ListState, begin bool) (found *payouts.Look, under bool, err error) {
	if l.Count == 0 {
		return nil, false, nil
	}
	about := choreAbout{Period: l.Period, List: l.List, Digest: l.Digest}
	c, err := s.Chores.Latest(r.Context(), lookOwner, o.Organization, choreLook, about)
	if errors.Is(err, chores.ErrNone) && begin {
		c = chores.Chore{State: chores.Kept}
		c.ID, err = s.Chores.Keep(r.Context(), chores.Order{Kind: choreLook, Owner: lookOwner, Organization: o.Organization, About: about})
	}
	if err == nil && begin && c.State != chores.Done && c.State != chores.Working {
		if c, err = s.Chores.Find(r.Context(), lookOwner, c.ID); err == nil {
			if err = s.Chores.Start(r.Context(), lookOwner, c.ID, false, s.choreWork(r, c, false)); errors.Is(err, chores.ErrUnderWay) {
				err = nil
			}
			for deadline := time.Now().Add(soon); err == nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if c, err = s.Chores.Find(r.Context(), lookOwner, c.ID); err != nil || c.State != chores.Working {
					break
				}
			}
		}
	}
	if errors.Is(err, chores.ErrNone) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	found, err = lookOf(c)
	return found, c.State == chores.Working, err
}

// removeEntries takes ticked payouts off an open list.
func (s *site) removeEntries(r *request) (*view, error) {
	o, l, err := s.listAsked(r)
	if err != nil {
		return nil, err
	}
	chosen := r.PostForm["payout"]
	reason := r.PostFormValue("reason")
	if len(chosen) == 0 {
		return see(listLink(o.Organization, l.List), "list_none"), nil
	}
	if len(chosen) > entriesPerPage || !slices.Contains(removeReasons, reason) || slices.ContainsFunc(chosen, func(id string) bool { return !events.ValidID(id) }) {
		return nil, errBad
	}
	done, err := s.payouts(r).Remove(r.Context(), o.Organization, l.List, reason, chosen)
	if err != nil {
		return nil, refusal(err)
	}
	if done.Removed == 0 && len(done.Refused) > 0 {
		v, page, err := s.listView(r, o, l)
		if err == nil {
			page.Problem = r.language.say("problem.refused", "reason", r.language.word("reason", done.Refused[0].Code))
			v.status = http.StatusUnprocessableEntity
		}
		return v, err
	}
	return see(listLink(o.Organization, l.List), "list_removed"), nil
}

// removeReasons are why a payout is taken off a list, and why lists are withdrawn.
var removeReasons = []string{"duplicate", "wrong_person", "wrong_account", "wrong_amount", "died", "moved", "ineligible", "mistake"}

// proposeList hands a list over for approval, as it was shown.
func (s *site) proposeList(r *request) (*view, error) {
	o, l, err := s.listAsked(r)
	if err != nil {
		return nil, err
	}
	return s.word(r, o, l, "propose", func(ctx context.Context, shown *payouts.Shown) (string, error) {
		err := s.payouts(r).Propose(ctx, o.Organization, shown)
		if err == nil {
			// For whoever approves: it is compared while they are told. Where it cannot
			// be begun now, their page begins it.
			if err := s.payouts(r).CaughtUp(ctx); err == nil {
				_, _, err = s.compared(r, o, l, true)
				if err != nil {
					s.Log.WarnContext(ctx, "a list is not compared yet", "error", err)
				}
			}
		}
		return "list_proposed", err
	})
}

// approveList gives the visitor's word for a list: what is approved is what is paid.
func (s *site) approveList(r *request) (*view, error) {
	if !r.who.SteppedUp(time.Now()) {
		return nil, identity.ErrStepUp
	}
	o, l, err := s.listAsked(r)
	if err != nil {
		return nil, err
	}
	return s.word(r, o, l, "approve", func(ctx context.Context, shown *payouts.Shown) (string, error) {
		more, err := s.payouts(r).GiveWord(ctx, o.Organization, shown)
		if more {
			return "list_one_more", err
		}
		return "list_approved", err
	})
}

// wordPage is a list as somebody proposes or approves it.
type wordPage struct {
	*payoutListPage
	Act      string // propose or approve
	Unlooked bool   // it could not be compared, so nobody's word is taken
	Action   string
	Doubts   int
}

// word shows a list with its count, sum and digest, and takes the visitor's word for
// exactly those.
func (s *site) word(r *request, o projections.Organization, l payouts.ListState, act string, give func(context.Context, *payouts.Shown) (done string, _ error)) (*view, error) {
	v, list, err := s.listView(r, o, l)
	if err != nil {
		return nil, err
	}
	waits := l.State == projections.ListOpen || l.State == projections.ListProposed
	if list.Look == nil && waits {
		if list.Look, list.Looking, err = s.compared(r, o, l, true); err != nil {
			return nil, err
		}
	}
	page := &wordPage{payoutListPage: list, Act: act, Action: listLink(o.Organization, l.List) + "/" + act}
	if list.Look != nil {
		page.Doubts = list.Look.Found()
	}
	page.Unlooked = list.Look == nil && waits && !list.Looking
	v.template, v.title, v.data, v.again = "payout_word", r.language.say("list."+act+".title", "list", l.List), page, 0
	if r.Method != http.MethodPost {
		if list.Looking {
			v.again = 2 * time.Second
		}
		return v, nil
	}
	refuse := func(text string) (*view, error) {
		list.Problem, v.status = text, http.StatusUnprocessableEntity
		return v, nil
	}
	if list.Look == nil && waits {
		return refuse(r.language.say("list.unlooked"))
	}
	if page.Doubts > 0 && r.PostFormValue("seen") != "yes" {
		return refuse(r.language.say("list.unseen", "n", r.language.number(int64(page.Doubts))))
	}
	// What is said is what the page has shown, and not what stands there by now.
	count, err := strconv.ParseInt(r.PostFormValue("count"), 10, 64)
	digest := events.Digest(r.PostFormValue("digest"))
	sum, bad := strconv.ParseInt(r.PostFormValue("sum"), 10, 64)
	if err != nil || bad != nil || count <= 0 || sum <= 0 || len(digest) != 64 {
		return nil, errBad
	}
	said := l
	said.Count, said.Sum, said.Digest = count, sum, digest
	shown, err := said.Shown()
	if err != nil {
		return nil, errBad
	}
	done, err := give(r.Context(), shown)
	var refused *refusedFact
	if err = refusal(err); errors.As(err, &refused) {
		text := r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code))
		if refused.Code == "list_differs" {
			text += " " + r.language.say("list.differs")
		}
		if l, err := s.payouts(r).List(r.Context(), o.Organization, l.List); err == nil {
			list.List = rowOf(l) // as it is now
		}
		return refuse(text)
	}
	if err != nil {
		return nil, err
	}
	if err := s.payouts(r).CaughtUp(r.Context()); err != nil {
		return nil, err
	}
	return see(listLink(o.Organization, l.List), done), nil
}

// withdrawList takes a list back, with the reason.
func (s *site) withdrawList(r *request) (*view, error) {
	o, l, err := s.listAsked(r)
	if err != nil {
		return nil, err
	}
	right := identity.ProposePayouts
	if r.who.May(identity.ApprovePayouts, o.Organization) {
		right = identity.ApprovePayouts
	}
	if err := s.Access.Require(r.Context(), right, o.Organization); err != nil {
		return nil, err
	}
	reason := r.ask("reason", "select", "off")
	reason.Options = r.language.options("why", removeReasons)
	v, page := r.formView("list_withdraw", listLink(o.Organization, l.List)+"/withdraw", reason)
	page.Form.Danger, page.Form.Cancel = true, listLink(o.Organization, l.List)
	s.underMonth(r, v, o, l.Period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	if !slices.Contains(removeReasons, reason.Value) {
		return nil, errBad
	}
	if err := s.payouts(r).Withdraw(r.Context(), o.Organization, l.List, reason.Value); err != nil {
		return r.refuse(v, page, refusal(err))
	}
	if err := s.payouts(r).CaughtUp(r.Context()); err != nil {
		return nil, err
	}
	return see(listLink(o.Organization, l.List), "list_withdrawn"), nil
}

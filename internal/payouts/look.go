package payouts

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
)

// way is how somebody is paid: personal.
type way struct{ method, bin, account string }

// differs says in what two months differ: method, account, or nothing. What was
// not readable in either is no difference.
func (w way) differs(was way) string {
	switch {
	case w.method != was.method:
		return "method"
	case w.account != "" && was.account != "" && (w.account != was.account || w.bin != was.bin):
		return "account"
	}
	return ""
}

// wayFields say where money goes.
var wayFields = []string{"account", "bank_bin"}

// lastMonth calls each for how persons were paid regularly by a programme's lists
// of a month.
func (p *Process) lastMonth(ctx context.Context, organization, programme, period, why string, want func(person string) bool, each func(person string, was way)) error {
	lists, err := p.Read.PayoutLists(ctx, organization, period, "")
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list.Programme != programme || list.State == projections.ListWithdrawn {
			continue
		}
		if err := p.ways(ctx, organization, list.List, why, func(e *readmodel.Entry) bool { return e.Kind == "regular" && want(e.Person) }, func(e *readmodel.Entry, w way) {
			each(e.Person, w)
		}); err != nil {
			return err
		}
	}
	return nil
}

// ways opens where the money of a list's entries goes, of those that are wanted.
// That it is opened is written down first.
func (p *Process) ways(ctx context.Context, organization, list, why string, want func(*readmodel.Entry) bool, each func(*readmodel.Entry, way)) error {
	noted := false
	for after := int64(-1); ; {
		entries, err := p.Read.ListEntries(ctx, organization, list, after, page)
		if err != nil || len(entries) == 0 {
			return err
		}
		after = entries[len(entries)-1].At.Offset
		entries = slices.DeleteFunc(entries, func(e readmodel.Entry) bool { return !want(&e) })
		var places []projections.Position
		for i := range entries {
			if entries[i].Method != "cash" {
				places = append(places, entries[i].At)
			}
		}
		if len(places) > 0 && !noted {
			if err := p.unsealed(ctx, organization, list, why, wayFields); err != nil {
				return err
			}
			noted = true
		}
		clear, err := p.opened(ctx, organization, places, wayFields)
		if err != nil {
			return err
		}
		next := 0
		for i := range entries {
			w := way{method: entries[i].Method}
			if w.method != "cash" {
				w.bin, w.account = clear[next]["bank_bin"], clear[next]["account"]
				next++
			}
			each(&entries[i], w)
		}
	}
}

// maxGroups bounds how many groups of a kind a look names.
const maxGroups = 500

// Doubt is a payout that somebody should look at before a list is approved, and
// beside which others.
type Doubt struct {
	Payout string   `json:"payout"`
	Person string   `json:"person"`
	What   string   `json:"what,omitempty"` // of Otherwise: account or method
	Beside []string `json:"beside,omitempty"`
	Lists  []string `json:"lists,omitempty"` // other lists that those stand on
}

// Look is what is worth a second look in a list before it is approved. Payouts and
// persons are named by their ids alone.
type Look struct {
	Otherwise []Doubt `json:"otherwise"` // paid elsewhere, or otherwise, than the month before
	Twice     []Doubt `json:"twice"`     // one person several times, here or on other lists of the month
	Shared    []Doubt `json:"shared"`    // one account of several persons, likewise
	Same      []Doubt `json:"same"`      // one citizen under several ids
	CameBack  []Doubt `json:"came_back"` // to an account that sent the money back the month before
	Counts    struct {
		Otherwise, Twice, Shared, Same, CameBack int
	} `json:"counts"`
}

// Found is how many doubts there are.
func (l *Look) Found() int {
	return l.Counts.Otherwise + l.Counts.Twice + l.Counts.Shared + l.Counts.Same + l.Counts.CameBack
}

// seen is an entry as a look compares it.
type seen struct {
	payout, person, list string
	here                 bool
}

// Look compares a list with the month before, with the other lists of its month
// that may still be paid, whichever programme they are of, and with itself.
func (p *Process) Look(ctx context.Context, organization, name string) (*Look, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	list, err := p.Read.PayoutList(ctx, organization, name)
	if err != nil {
		return nil, err
	}
	lists, err := p.Read.PayoutLists(ctx, organization, list.Period, "")
	if err != nil {
		return nil, err
	}
	before := string(events.Period(list.Period).Previous())
	returned, err := p.Read.CameBack(ctx, organization, before)
	if err != nil {
		return nil, err
	}
	const why = "payout_look"
	out := &Look{}
	persons, accounts, now := map[string][]seen{}, map[string][]seen{}, map[string]way{}
	regular := map[string]string{} // person → payout, here
	all := func(*readmodel.Entry) bool { return true }
	for _, l := range lists {
		here := l.List == name
		if l.State == projections.ListWithdrawn {
			continue
		}
		if err := p.ways(ctx, organization, l.List, why, all, func(e *readmodel.Entry, w way) {
			s := seen{e.Payout, e.Person, l.List, here}
			persons[e.Person] = append(persons[e.Person], s)
			if w.account != "" {
				accounts[w.bin+" "+w.account] = append(accounts[w.bin+" "+w.account], s)
			}
			if here && e.Kind == "regular" {
				now[e.Person], regular[e.Person] = w, e.Payout
			}
		}); err != nil {
			return nil, err
		}
	}
	if err := p.lastMonth(ctx, organization, list.Programme, before, why, func(person string) bool { return regular[person] != "" }, func(person string, was way) {
		what := now[person].differs(was)
		if what != "" && regular[person] != "" {
			out.Otherwise = append(out.Otherwise, Doubt{Payout: regular[person], Person: person, What: what})
		} else if returned[person] && now[person].account != "" && regular[person] != "" {
			out.CameBack = append(out.CameBack, Doubt{Payout: regular[person], Person: person})
		}
		delete(regular, person)
	}); err != nil {
		return nil, err
	}
	out.Twice = doubts(persons, false)
	out.Shared = doubts(accounts, true)
	if out.Same, err = p.sameCitizen(ctx, list, persons); err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		doubts *[]Doubt
		count  *int
	}{{&out.Otherwise, &out.Counts.Otherwise}, {&out.Twice, &out.Counts.Twice}, {&out.Shared, &out.Counts.Shared}, {&out.Same, &out.Counts.Same}, {&out.CameBack, &out.Counts.CameBack}} {
		*kind.count = len(*kind.doubts)
		slices.SortFunc(*kind.doubts, func(a, b Doubt) int { return strings.Compare(a.Payout, b.Payout) })
		*kind.doubts = (*kind.doubts)[:min(len(*kind.doubts), maxGroups)]
	}
	return out, nil
}

// doubts are the groups that an entry of the list stands in beside others, those of
// different persons where apart is set.
func doubts(groups map[string][]seen, apart bool) (all []Doubt) {
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group := groups[key]
		first := slices.IndexFunc(group, func(s seen) bool { return s.here })
		if first < 0 || len(group) < 2 {
			continue
		}
		d := Doubt{Payout: group[first].payout, Person: group[first].person}
		others := false
		for i, s := range group {
			if i == first {
				continue
			}
			others = others || s.person != d.Person
			if len(d.Beside) < 20 {
				d.Beside = append(d.Beside, s.payout)
			}
			if !s.here && !slices.Contains(d.Lists, s.list) {
				d.Lists = append(d.Lists, s.list)
			}
		}
		if others == apart {
			all = append(all, d)
		}
	}
	return all
}

// sameCitizen finds persons of the list who are one citizen under several ids, as
// far as their entitlements say whose they are.
func (p *Process) sameCitizen(ctx context.Context, list projections.PayoutList, persons map[string][]seen) ([]Doubt, error) {
	citizens := map[string][]seen{}
	noted := false
	type place struct {
		person string
		at     projections.Position
	}
	var some []place
	take := func() error {
		if len(some) == 0 {
			return nil
		}
		if !noted {
			if err := p.unsealed(ctx, list.Organization, list.List, "payout_look", []string{"citizen_id"}); err != nil {
				return err
			}
			noted = true
		}
		slices.SortFunc(some, func(a, b place) int { return cmp.Compare(a.at.Offset, b.at.Offset) })
		places := make([]projections.Position, len(some))
		for i := range some {
			places[i] = some[i].at
		}
		clear, err := p.opened(ctx, list.Organization, places, []string{"citizen_id"})
		if err != nil {
			return err
		}
		for i, c := range clear {
			if id := c["citizen_id"]; id != "" && !slices.ContainsFunc(citizens[id], func(s seen) bool { return s.person == some[i].person }) {
				citizens[id] = append(citizens[id], persons[some[i].person][0])
			}
		}
		some = some[:0]
		return nil
	}
	if err := p.Read.EntitledAt(ctx, list.Organization, list.Period, func(person string, at projections.Position) error {
		if len(persons[person]) == 0 {
			return nil
		}
		some = append(some, place{person, at})
		if len(some) < page {
			return nil
		}
		return take()
	}); err != nil {
		return nil, err
	}
	if err := take(); err != nil {
		return nil, err
	}
	return doubts(citizens, true), nil
}

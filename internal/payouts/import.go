package payouts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
	"socho/projections"
)

// Preview compares a file with the month before and with itself. Lines are those
// of the file.
type Preview struct {
	Joined          int     // persons who had nothing from the programme the month before
	Left            int     // who had, and are not listed now
	Changed         int     // with another amount
	AccountsChanged int     // with another account, where both months have one
	MethodsChanged  int     // paid in another way
	Otherwise       []int   // lines of those two: whose money goes elsewhere than the month before
	Stopped         []int   // lines of persons whose payments were stopped; they will not be ordered
	Elsewhere       []int   // lines of persons who stand on another list of the month
	Twice           [][]int // lines of one person
	Shared          [][]int // lines with one account and several persons
}

// Duplicates is how many groups of lines look doubled.
func (v *Preview) Duplicates() int { return len(v.Twice) + len(v.Shared) }

// Preview reads what is known and publishes nothing.
func (p *Process) Preview(ctx context.Context, f *File) (*Preview, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	before := string(events.Period(f.Period).Previous())
	earlier := map[string]int64{}
	if err := p.Read.EntitledTo(ctx, f.Organization, f.Programme, before, func(person, _ string, _ money.Currency, amount, _ int64) error {
		earlier[person] = amount
		return nil
	}); err != nil {
		return nil, err
	}
	elsewhere, err := p.Read.ListedElsewhere(ctx, f.Organization, f.Programme, f.Period, f.List)
	if err != nil {
		return nil, err
	}
	stopped, err := p.Read.StoppedBy(ctx, f.Organization, f.Programme, f.Period)
	if err != nil {
		return nil, err
	}
	v := &Preview{}
	now, lines, accounts := map[string]int64{}, map[string][]int{}, map[string][]int{}
	of := map[string]string{} // account → its only person, "" for several
	for i := range f.Rows {
		r := &f.Rows[i]
		now[r.Person] += r.Amount
		lines[r.Person] = append(lines[r.Person], r.Line)
		if stopped[r.Person] {
			v.Stopped = append(v.Stopped, r.Line)
		}
		if elsewhere[r.Person] > 0 {
			v.Elsewhere = append(v.Elsewhere, r.Line)
		}
		if r.Account != "" {
			account := r.BIN + " " + r.Account
			if accounts[account] = append(accounts[account], r.Line); of[account] != r.Person && len(accounts[account]) > 1 {
				of[account] = ""
			} else {
				of[account] = r.Person
			}
		}
	}
	for person, sum := range now {
		was, known := earlier[person]
		switch {
		case !known:
			v.Joined++
		case was != sum+elsewhere[person]:
			v.Changed++
		}
		if len(lines[person]) > 1 {
			v.Twice = append(v.Twice, lines[person])
		}
	}
	for person := range earlier {
		if now[person] == 0 && elsewhere[person] == 0 {
			v.Left++
		}
	}
	for account, at := range accounts {
		if of[account] == "" {
			v.Shared = append(v.Shared, at)
		}
	}
	for _, groups := range [][][]int{v.Twice, v.Shared} {
		slices.SortFunc(groups, func(a, b []int) int { return a[0] - b[0] })
	}
	return v, p.compared(ctx, f, before, v)
}

// page is how many payouts are looked at together.
const page = 4000

// compared finds whose money goes elsewhere than the month before.
func (p *Process) compared(ctx context.Context, f *File, before string, v *Preview) error {
	rows := map[string]*Row{}
	for i := range f.Rows {
		if r := &f.Rows[i]; r.Kind == "regular" {
			rows[r.Person] = r
		}
	}
	err := p.lastMonth(ctx, f.Organization, f.Programme, before, "payout_import", func(person string) bool { return rows[person] != nil }, func(person string, was way) {
		r := rows[person]
		if r == nil {
			return
		}
		switch now := (way{r.Method, r.BIN, r.Account}); now.differs(was) {
		case "account":
			v.AccountsChanged++
		case "method":
			v.MethodsChanged++
		default:
			return
		}
		v.Otherwise = append(v.Otherwise, r.Line)
		delete(rows, person)
	})
	slices.Sort(v.Otherwise)
	return err
}

// Imported says what became of a file.
type Imported struct {
	Entries  int // that stand on the list now
	Known    int // of them, those that stood there before
	Sum      int64
	Outcomes map[string]int64
	Codes    map[string]int64 // of what was refused
	Refused  []Refusal
	Missing  int // not published: their persons are erased
}

// ErrWithdrawn reports a list that was withdrawn: nothing is added to it any more.
var ErrWithdrawn = errors.New("it was withdrawn; import under another --list")

// Import opens the list and puts the rows on it, with what their persons are
// entitled to. Importing the same file again changes nothing.
// Errors: *RefusedError where the list cannot be opened; ErrWithdrawn; *sheet.FileError where it holds
// other entries for the same payouts.
func (p *Process) Import(ctx context.Context, f *File) (*Imported, error) {
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	on := events.Dated{EffectiveOn: events.Date(f.Period + "-01")}
	envelope := func(fact, id string) events.Envelope {
		e := p.envelope(f.Organization, id, fact)
		e.Time = events.Time(f.Period + "-01T00:00:00+07:00")
		return e
	}
	month := strings.ReplaceAll(f.Period, "-", "")
	open := envelope("benefit.list_opened", "list-"+month+"-"+hashed(40, "list", f.Organization, f.List))
	if _, err := p.say(ctx, open, &events.ListOpened{Dated: on, List: events.ID(f.List), Programme: events.Word(f.Programme), Period: events.Period(f.Period), Currency: money.VND}); err != nil {
		return nil, err
	}
	state, _, err := p.total(ctx, f.Organization, "list:"+f.List)
	if err != nil {
		return nil, err
	}
	if state.State == projections.ListWithdrawn {
		return nil, fmt.Errorf("list %s: %w", f.List, ErrWithdrawn)
	}
	// What was taken off the list stays off: the same file again changes nothing.
	removed, err := p.Read.RemovedFrom(ctx, f.Organization, f.List)
	if err != nil {
		return nil, err
	}
	standing := *f
	standing.Rows = slices.DeleteFunc(slices.Clone(f.Rows), func(r Row) bool { return removed[r.Payout] })
	f = &standing
	if n, err := p.differs(ctx, f, state); err != nil || n > 0 {
		if err == nil {
			err = refuse("list_differs", f.List, n)
		}
		return nil, err
	}
	entitle, err := p.entitlements(ctx, f, state.State == projections.ListOpen)
	if err != nil {
		return nil, err
	}
	done, err := p.publish(ctx, f.Organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		for i := range f.Rows {
			if i%page == 0 {
				p.far(i, len(f.Rows))
			}
			r := &f.Rows[i]
			if e, ok := entitle[r.Person]; ok {
				delete(entitle, r.Person)
				amount, err := sum(e.amount)
				if err != nil {
					return err
				}
				personal := fields("name", r.Name, "citizen_id", r.Citizen)
				id := "entitled-" + month + "-" + hashed(40, "entitled", f.Organization, f.Programme, f.Period, r.Person, e.unit, string(amount.Amount), strconv.FormatInt(e.since, 10))
				if err := say(envelope("benefit.person_entitled", id), &events.PersonEntitled{Dated: on, Of: events.Of{Person: events.ID(r.Person)}, Sum: amount,
					Programme: events.Word(f.Programme), Period: events.Period(f.Period), Unit: events.Unit(e.unit)}, personal); err != nil {
					return err
				}
			}
			amount, err := sum(r.Amount)
			if err != nil {
				return err
			}
			personal := fields("name", r.Name, "account", r.Account, "bank_bin", r.BIN, "account_name", r.AccountName, "note", r.Note)
			if err := say(envelope("benefit.list_entry_added", "entry-"+month+"-"+hashed(40, "entry", f.Organization, f.List, r.Payout)),
				&events.ListEntryAdded{Dated: on, Of: events.Of{Person: events.ID(r.Person)}, Sum: amount, List: events.ID(f.List), Payout: events.PayoutID(r.Payout),
					Unit: events.Unit(r.Unit), Method: events.Word(r.Method), Kind: events.Word(r.Kind)}, personal); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &Imported{Outcomes: map[string]int64{}, Codes: done.codes, Refused: done.refused, Missing: done.missing, Known: int(done.counts[ledger.Duplicate])}
	for status, n := range done.counts {
		out.Outcomes[status.String()] = n
	}
	state, _, err = p.total(ctx, f.Organization, "list:"+f.List)
	out.Entries, out.Sum = int(state.Count), state.Sum
	return out, err
}

// differs counts rows that stand on the list already, and otherwise: nothing is said
// of what their persons are entitled to then.
func (p *Process) differs(ctx context.Context, f *File, state total) (n int, err error) {
	if state.Count == 0 {
		return 0, nil
	}
	rows := make(map[string]*Row, len(f.Rows))
	for i := range f.Rows {
		rows[f.Rows[i].Payout] = &f.Rows[i]
	}
	for after := int64(-1); ; {
		entries, err := p.Read.ListEntries(ctx, f.Organization, f.List, after, page)
		if err != nil || len(entries) == 0 {
			return n, err
		}
		after = entries[len(entries)-1].At.Offset
		for _, e := range entries {
			if r := rows[e.Payout]; r != nil && (r.Amount != e.Amount || r.Unit != e.Unit || r.Method != e.Method) {
				n++
			}
		}
	}
}

// fields keeps those that say something.
func fields(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

// entitled is what a person is to be entitled to, and since which record the
// entitlement is another one.
type entitled struct {
	unit   string
	amount int64
	since  int64
}

// entitlements are those to be said: of a person and month in all, what is on this
// file and on other lists, where that is not what stands. None where the list takes
// no entries any more.
func (p *Process) entitlements(ctx context.Context, f *File, open bool) (map[string]entitled, error) {
	wanted := map[string]entitled{}
	if !open {
		return wanted, nil
	}
	// What stands on another list already will not stand on this one as well: nobody is
	// entitled to it twice.
	standing, err := p.Read.StandElsewhere(ctx, f.Organization, f.Programme, f.Period, f.List)
	if err != nil {
		return nil, err
	}
	for i := range f.Rows {
		r := &f.Rows[i]
		if standing[r.Payout] {
			continue
		}
		e := wanted[r.Person]
		wanted[r.Person] = entitled{r.Unit, e.amount + r.Amount, -1}
	}
	elsewhere, err := p.Read.ListedElsewhere(ctx, f.Organization, f.Programme, f.Period, f.List)
	if err != nil {
		return nil, err
	}
	for person, more := range elsewhere {
		if e, ok := wanted[person]; ok {
			e.amount += more
			wanted[person] = e
		}
	}
	back, err := p.Read.EntitlementsBack(ctx, f.Organization, f.Programme, f.Period)
	if err != nil {
		return nil, err
	}
	for person, since := range back {
		if e, ok := wanted[person]; ok { // said again after it was taken back, it is another fact
			e.since = since
			wanted[person] = e
		}
	}
	err = p.Read.EntitledTo(ctx, f.Organization, f.Programme, f.Period, func(person, unit string, currency money.Currency, amount, offset int64) error {
		if e, ok := wanted[person]; ok {
			if e.amount == amount && e.unit == unit && currency == money.VND {
				delete(wanted, person)
				return nil
			}
			e.since = offset
			wanted[person] = e
		}
		return nil
	})
	return wanted, err
}

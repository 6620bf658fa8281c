// Package billing works out what a school bills its pupils, and a market its
// stalls, for a month: tariffs that were in force, times who was there, less what
// was reduced. It takes the facts that bills are made from and returns a plan; it
// knows no clock, log or file, decides nothing, and the same facts give the same
// plan whoever asks and whenever.
//
//	terms, err := billing.Read(facts)
//	plan := terms.School(billing.Run{Organization: "hg-truong-mau", Period: "2026-09", On: "2026-09-05", DueOn: "2026-09-25"}, billed)
//	for _, b := range plan.Bills { … }
package billing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"socho/events"
	"socho/projections"
)

// Terms are the facts of one organization that bills are made from.
type Terms struct {
	pupils     map[string][]pupilFact
	tariffs    map[string][]tariffFact
	over       map[string]tariffEnd
	reductions map[string]reductionFact
	ended      map[string]events.Date // of reductions, the earliest
	stalls     map[string]*stallFacts
	Ranges     []Range
}

// A fact holds from its own day on; of two for one day, the later on the log.
type since struct {
	on events.Date
	at projections.Position
}

type pupilFact struct {
	since
	Pupil
	name string // of the class
	left bool
}

type tariffFact struct {
	since
	events.TariffSet
}

// tariffEnd says since when a tariff is good no longer; setting it again later makes
// it good again.
type tariffEnd struct{ since }

type reductionFact struct {
	since
	events.ReductionGranted
}

type stallFacts struct {
	held   []holderFact
	size   []sizeFact
	absent []events.TraderAbsent
}

type holderFact struct {
	since
	person string // empty: nobody
}

type sizeFact struct {
	since
	area  int64
	class string
}

// Range is a range of tickets that a collector was given, and what it sold.
type Range struct {
	Range, Collector, Item string
	Price, First, Last     int64
	HandedOn               events.Date
	Sold                   int64 // tickets
	Returned               int64 // unsold
	Taken                  int64 // đồng, by whichever way
}

// Left is how many tickets are neither sold nor back.
func (r *Range) Left() int64 { return max(r.Last-r.First+1-r.Sold-r.Returned, 0) }

// Pupil is a pupil as of a day.
type Pupil struct {
	Person    string
	Class     string
	Household string
	At        projections.Position // of the record that says so
}

// Read takes facts in, in the order of the log. Errors: a fact that cannot be
// read, which only damage can bring about.
func Read(terms []projections.Term) (*Terms, error) {
	t := &Terms{pupils: map[string][]pupilFact{}, tariffs: map[string][]tariffFact{}, over: map[string]tariffEnd{}, reductions: map[string]reductionFact{}, ended: map[string]events.Date{}, stalls: map[string]*stallFacts{}}
	for i := range terms {
		if err := t.read(&terms[i]); err != nil {
			return nil, fmt.Errorf("%s of record %d:%d: %w", terms[i].Type, terms[i].At.Shard, terms[i].At.Offset, err)
		}
	}
	return t, nil
}

func (t *Terms) read(term *projections.Term) error {
	from := since{term.EffectiveOn, term.At}
	data := []byte(term.Data)
	switch term.Type {
	case "organization.tariff_set":
		f := tariffFact{since: from}
		if err := json.Unmarshal(data, &f.TariffSet); err != nil {
			return err
		}
		t.tariffs[term.Subject] = append(t.tariffs[term.Subject], f)
	case "organization.tariff_ended":
		t.over[term.Subject] = tariffEnd{from} // the latest said
	case "school.pupil_enrolled":
		var f events.PupilEnrolled
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		t.pupils[term.Subject] = append(t.pupils[term.Subject], pupilFact{since: from, Pupil: Pupil{term.Subject, string(f.Class), string(f.Household), term.At}, name: string(f.ClassName)})
	case "school.pupil_left":
		t.pupils[term.Subject] = append(t.pupils[term.Subject], pupilFact{since: from, Pupil: Pupil{Person: term.Subject, At: term.At}, left: true})
	case "school.reduction_granted":
		f := reductionFact{since: from}
		if err := json.Unmarshal(data, &f.ReductionGranted); err != nil {
			return err
		}
		t.reductions[term.Subject] = f // of the same id, the later replaces the earlier
	case "school.reduction_ended":
		if before, ok := t.ended[term.Subject]; !ok || term.EffectiveOn < before {
			t.ended[term.Subject] = term.EffectiveOn
		}
	default:
		return t.market(term, from, data)
	}
	return nil
}

func (t *Terms) market(term *projections.Term, from since, data []byte) error {
	stall := func() *stallFacts {
		s := t.stalls[term.Subject]
		if s == nil {
			s = &stallFacts{}
			t.stalls[term.Subject] = s
		}
		return s
	}
	switch term.Type {
	case "market.stall_let":
		var f events.StallLet
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		stall().held = append(stall().held, holderFact{from, string(f.Person)})
	case "market.stall_vacated":
		stall().held = append(stall().held, holderFact{from, ""})
	case "market.stall_described":
		var f events.StallDescribed
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		s := sizeFact{since: from, class: string(f.Class)}
		if f.Area != nil {
			s.area = int64(*f.Area)
		}
		stall().size = append(stall().size, s)
	case "market.trader_absent":
		var f events.TraderAbsent
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		stall().absent = append(stall().absent, f)
	case "market.tickets_handed_out":
		var f events.TicketsHandedOut
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		t.Ranges = append(t.Ranges, Range{Range: term.Subject, Collector: string(f.Collector), Item: string(f.Item), Price: f.Money().Minor(), First: int64(*f.First), Last: int64(*f.Last), HandedOn: term.EffectiveOn})
	case "market.tickets_returned":
		var f events.TicketsReturned
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		if i := slices.IndexFunc(t.Ranges, func(r Range) bool { return r.Range == term.Subject }); i >= 0 {
			t.Ranges[i].Returned += int64(*f.Count)
		}
	case "market.tickets_sold":
		var f events.TicketsSold
		if err := json.Unmarshal(data, &f); err != nil {
			return err
		}
		if i := slices.IndexFunc(t.Ranges, func(r Range) bool { return r.Range == term.Subject }); i >= 0 {
			t.Ranges[i].Sold += int64(*f.Count)
			t.Ranges[i].Taken += f.Money().Minor()
		}
	}
	return nil
}

// latest returns the fact that holds on a day, and false where none does yet.
func latest[F any](facts []F, on events.Date, since func(*F) since) (found F, ok bool) {
	var best int = -1
	for i := range facts {
		s := since(&facts[i])
		if s.on > on {
			continue
		}
		if best < 0 || cmp.Or(cmp.Compare(s.on, since(&facts[best]).on), cmp.Compare(s.at.Offset, since(&facts[best]).at.Offset)) > 0 {
			best = i
		}
	}
	if best < 0 {
		return found, false
	}
	return facts[best], true
}

// Pupils lists who is in a class on a day, by class and person; and who was in one
// before and has left.
func (t *Terms) Pupils(on events.Date) (here, left []Pupil) {
	for _, facts := range t.pupils {
		f, ok := latest(facts, on, func(f *pupilFact) since { return f.since })
		switch {
		case !ok:
		case f.left:
			f.Class = "" // and which one it was, the fact before it says
			left = append(left, f.Pupil)
		default:
			here = append(here, f.Pupil)
		}
	}
	order := func(a, b Pupil) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Person, b.Person))
	}
	slices.SortFunc(here, order)
	slices.SortFunc(left, order)
	return here, left
}

// ClassNames says what people call classes on a day, where that is another text than
// the log's: as whoever was put in last says.
func (t *Terms) ClassNames(on events.Date) map[string]string {
	names, said := map[string]string{}, map[string]since{}
	for _, facts := range t.pupils {
		for i := range facts {
			f := &facts[i]
			if f.left || f.name == "" || f.on > on {
				continue
			}
			if before, ok := said[f.Class]; !ok || cmp.Or(cmp.Compare(f.on, before.on), cmp.Compare(f.at.Offset, before.at.Offset)) > 0 {
				names[f.Class], said[f.Class] = f.name, f.since
			}
		}
	}
	return names
}

// Tariff is what an item costs, as of a day.
type Tariff struct {
	events.TariffSet
	Amount int64
	At     projections.Position
}

// Tariffs lists what is in force on a day, by tariff.
func (t *Terms) Tariffs(on events.Date) (found []Tariff) {
	for _, facts := range t.tariffs {
		f, ok := latest(facts, on, func(f *tariffFact) since { return f.since })
		end, ended := t.over[string(f.Tariff)]
		ended = ended && end.on <= on && (end.on > f.on || end.on == f.on && end.at.Offset > f.at.Offset)
		if ok && !ended && (f.Until == "" || f.Until >= on) {
			found = append(found, Tariff{f.TariffSet, f.Money().Minor(), f.at})
		}
	}
	slices.SortFunc(found, func(a, b Tariff) int { return cmp.Compare(a.Tariff, b.Tariff) })
	return found
}

// Reductions lists what reduces a person's bills on a day, by reduction.
func (t *Terms) Reductions(on events.Date) map[string][]events.ReductionGranted {
	found := map[string][]events.ReductionGranted{}
	for id, f := range t.reductions {
		end, ended := t.ended[id]
		if f.on > on || f.Until != "" && f.Until < on || ended && end <= on {
			continue
		}
		found[string(f.Person)] = append(found[string(f.Person)], f.ReductionGranted)
	}
	for _, all := range found {
		slices.SortFunc(all, func(a, b events.ReductionGranted) int { return cmp.Compare(a.Reduction, b.Reduction) })
	}
	return found
}

// Away lists when a stall's trader is or was away, the latest first.
func (t *Terms) Away(stall string) (all []events.TraderAbsent) {
	if s := t.stalls[stall]; s != nil {
		all = slices.Clone(s.absent)
	}
	slices.SortStableFunc(all, func(a, b events.TraderAbsent) int { return cmp.Compare(b.EffectiveOn, a.EffectiveOn) })
	return all
}

// Stall is a stall as of a day.
type Stall struct {
	Stall, Person string
	Area          int64 // in 0.01 m²; 0: not known
	Class         string
	Absent        bool // through the whole of the month
}

// Stalls lists the stalls that somebody holds on a day, by stall, and those that
// nobody does.
func (t *Terms) Stalls(on events.Date, period events.Period) (let []Stall, empty []string) {
	for name, s := range t.stalls {
		holder, ok := latest(s.held, on, func(f *holderFact) since { return f.since })
		if !ok || holder.person == "" {
			empty = append(empty, name)
			continue
		}
		one := Stall{Stall: name, Person: holder.person}
		// A description says what has changed: size, class or both.
		sized := slices.DeleteFunc(slices.Clone(s.size), func(f sizeFact) bool { return f.area == 0 })
		classed := slices.DeleteFunc(slices.Clone(s.size), func(f sizeFact) bool { return f.class == "" })
		if f, ok := latest(sized, on, func(f *sizeFact) since { return f.since }); ok {
			one.Area = f.area
		}
		if f, ok := latest(classed, on, func(f *sizeFact) since { return f.since }); ok {
			one.Class = f.class
		}
		for _, a := range s.absent {
			if a.EffectiveOn <= events.Date(period+"-01") && a.Until >= period.End() {
				one.Absent = true
			}
		}
		let = append(let, one)
	}
	slices.SortFunc(let, func(a, b Stall) int { return cmp.Compare(a.Stall, b.Stall) })
	slices.Sort(empty)
	return let, empty
}

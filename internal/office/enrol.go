package office

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/projections"
)

// Enrolment is what a list of pupils changes.
type Enrolment struct {
	New       []Change `json:"new"`
	Moved     []Change `json:"moved"`   // to another class
	Changed   []Change `json:"changed"` // name, birth, guardian, phone or household
	Back      []Change `json:"back"`    // had left
	Unchanged int      `json:"unchanged"`
	Missing   []Change `json:"missing"` // in a class, and not on the list
	drafts    []events.Draft
}

// Change is one pupil of an enrolment.
type Change struct {
	Line   int    `json:"line,omitempty"`
	Person string `json:"person"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// Facts is how many facts the enrolment says.
func (e *Enrolment) Facts() int { return len(e.drafts) }

// Enrol finds out what a list changes as of a day. leavers says that who is not on
// the list has left.
func (o *Office) Enrol(ctx context.Context, organization string, rows []PupilRow, on events.Date, leavers bool) (*Enrolment, error) {
	terms, _, err := o.Model.Terms(ctx, organization)
	if err != nil {
		return nil, err
	}
	sealed, err := latest(terms)
	if err != nil {
		return nil, err
	}
	known, err := o.opened(ctx, sealed, organization, "name", "date_of_birth", "guardian", "phone")
	if err != nil {
		return nil, err
	}
	return o.EnrolFrom(terms, known, organization, rows, on, leavers)
}

// EnrolFrom is Enrol where the facts are at hand, and what is sealed of people is
// known.
func (o *Office) EnrolFrom(terms []projections.Term, known map[string]map[string]string, organization string, rows []PupilRow, on events.Date, leavers bool) (*Enrolment, error) {
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	here, left := book.Pupils(on)
	in, gone := map[string]billing.Pupil{}, map[string]bool{}
	for _, p := range here {
		in[p.Person] = p
	}
	for _, p := range left {
		gone[p.Person] = true
	}
	e := &Enrolment{}
	listed := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		person, household := PupilID(o.Persons, organization, r.Code), ""
		if r.Household != "" {
			household = householdID(o.Persons, organization, r.Household)
		}
		listed[person] = true
		before, enrolled := in[person]
		change := Change{r.Line, person, before.Class, r.Class}
		switch same := maps.Equal(known[person], r.personal()) && before.Household == household; {
		case gone[person]:
			e.Back = append(e.Back, change)
		case !enrolled:
			e.New = append(e.New, change)
		case before.Class != r.Class:
			e.Moved = append(e.Moved, change)
		case !same:
			e.Changed = append(e.Changed, change)
		default:
			e.Unchanged++
			continue
		}
		fact := &events.PupilEnrolled{Dated: events.Dated{EffectiveOn: on}, Of: events.Of{Person: events.ID(person)}, Class: events.ID(r.Class), ClassName: events.Label(r.ClassName), Household: events.ID(household)}
		// The same row for the same day is the same fact; only who has the key can tell
		// from its id what the row said.
		words := fmt.Sprintf("%s %q %s %s %q %q", on, r.Name, r.Birth, r.Class, r.Guardian, r.Phone)
		if r.ClassName != "" {
			words += fmt.Sprintf(" %q", r.ClassName)
		}
		e.drafts = append(e.drafts, o.draft(organization, opaque(o.Persons, "", "enrolled", organization, person+household+words), "school.pupil_enrolled", on, fact, r.personal()))
	}
	for _, p := range here {
		if listed[p.Person] {
			continue
		}
		e.Missing = append(e.Missing, Change{Person: p.Person, From: p.Class})
		if leavers {
			e.drafts = append(e.drafts, o.leave(organization, p.Person, on, "left"))
		}
	}
	return e, nil
}

func (o *Office) leave(organization, person string, on events.Date, reason events.Word) events.Draft {
	fact := &events.PupilLeft{Dated: events.Dated{EffectiveOn: on}, Of: events.Of{Person: events.ID(person)}, Reason: reason}
	return o.draft(organization, opaque(o.Persons, "", "left", organization, person+string(on)), "school.pupil_left", on, fact, nil)
}

// SayEnrolment says what an enrolment changes. Errors: *RefusedError.
func (o *Office) SayEnrolment(ctx context.Context, e *Enrolment, progress Progress) error {
	return o.say(ctx, e.drafts, progress)
}

// RollOver moves whole classes on as of a day, but for those who stay; who goes to
// no class leaves. Nothing is said before Say.
func (o *Office) RollOver(ctx context.Context, organization string, on events.Date, moves billing.Moves, stay []string) (*Rollover, error) {
	terms, _, err := o.Model.Terms(ctx, organization)
	if err != nil {
		return nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	staying := map[string]bool{}
	for _, code := range stay {
		staying[code] = true // an id, or the code that it stands for
		staying[PupilID(o.Persons, organization, code)] = true
	}
	here, _ := book.Pupils(on)
	households := map[string]string{}
	for _, p := range here {
		households[p.Person] = p.Household
	}
	r := &Rollover{Moves: book.RollOver(on, moves, staying)}
	called := book.ClassNames(on)
	for _, m := range r.Moves {
		if m.To == "" {
			r.drafts = append(r.drafts, o.leave(organization, m.Person, on, "finished"))
			continue
		}
		fact := &events.PupilEnrolled{Dated: events.Dated{EffectiveOn: on}, Of: events.Of{Person: events.ID(m.Person)}, Class: events.ID(m.To), ClassName: events.Label(called[m.To]), Household: events.ID(households[m.Person])}
		id := opaque(o.Persons, "", "moved", organization, strings.Join([]string{m.Person, m.From, m.To, string(on)}, " "))
		r.drafts = append(r.drafts, o.draft(organization, id, "school.pupil_enrolled", on, fact, nil))
	}
	return r, nil
}

// Rollover is a new year: who goes from which class to which.
type Rollover struct {
	Moves  []billing.Move
	drafts []events.Draft
}

// ByClass counts the moves from class to class.
func (r *Rollover) ByClass() (all []ClassMove) {
	for _, m := range r.Moves {
		i := slices.IndexFunc(all, func(c ClassMove) bool { return c.From == m.From && c.To == m.To })
		if i < 0 {
			i, all = len(all), append(all, ClassMove{From: m.From, To: m.To})
		}
		all[i].Pupils++
	}
	return all
}

// ClassMove is how many go from one class to another; to none where they leave.
type ClassMove struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Pupils int    `json:"pupils"`
}

// SayRollover says it. Errors: *RefusedError.
func (o *Office) SayRollover(ctx context.Context, r *Rollover, progress Progress) error {
	return o.say(ctx, r.drafts, progress)
}

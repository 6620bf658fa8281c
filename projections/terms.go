package projections

import "socho/events"

// Term is a fact that bills are made from, as the log has it: a tariff, a pupil's
// class, a reduction, a stall and who holds it, tickets. All of them are kept, since
// a run asks what was true on a day, and may be repeated much later.
type Term struct {
	Organization string
	Type         string // the event's name, such as school.pupil_enrolled
	Subject      string // the pupil, stall, tariff, reduction or range
	EffectiveOn  events.Date
	Source       string
	EventID      string
	Data         string // of the event, with what is sealed in it
	At           Position
}

// FoldTerms keeps what bills are made from. What was said by mistake is taken back,
// or corrected by a later fact about the same subject.
func FoldTerms(c *Changes, a *Accepted) {
	var subject events.ID
	switch f := a.Event.Fact.(type) {
	case *events.TariffSet:
		subject = f.Tariff
	case *events.PupilEnrolled:
		subject = f.Person
	case *events.PupilLeft:
		subject = f.Person
	case *events.ReductionGranted:
		subject = f.Reduction
	case *events.ReductionEnded:
		subject = f.Reduction
	case *events.StallLet:
		subject = f.Stall
	case *events.StallDescribed:
		subject = f.Stall
	case *events.StallVacated:
		subject = f.Stall
	case *events.TraderAbsent:
		subject = f.Stall
	case *events.TicketsHandedOut:
		subject = f.Range
	case *events.TicketsSold:
		subject = f.Range
	case *events.TicketsReturned:
		subject = f.Range
	case *events.TariffEnded:
		subject = f.Tariff
	case *events.Reversed:
		c.TermsWithdrawn = append(c.TermsWithdrawn, Withdrawn{a.Event.Subject, string(f.ReversesSource), string(f.Reverses)})
		return
	default:
		return
	}
	c.Terms = append(c.Terms, Term{a.Event.Subject, events.Name(a.Event.Type), string(subject), a.Event.Fact.Effective(), string(a.Event.Source), string(a.Event.ID),
		string(a.Event.Data), Position{a.Shard, a.Offset}})
}

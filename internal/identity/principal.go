package identity

import (
	"context"
	"slices"
	"time"
)

// Kind tells how a principal came in.
type Kind string

// The kinds.
const (
	Person  Kind = "person" // signed in, staff or trader
	Token   Kind = "token"  // a program, over the API
	Command Kind = "cli"    // whoever can reach the data directory and its keys
)

// StepUpFor is how long a step-up holds.
const StepUpFor = 5 * time.Minute

// Principal is whoever is asking, with what they may do at this moment. It is
// made anew for each request, so a grant revoked is gone with the next one.
// A nil Principal is a visitor who has not signed in.
type Principal struct {
	ID          string // u-… staff, c-… a trader's card, t-… a token, cli; no personal data, fit for the trail and the actor of events
	Name        string // what pages greet by; the user name for staff, the stall for a trader
	Kind        Kind
	Grants      []Grant
	SteppedUpAt time.Time // zero: never
	Second      bool      // a second factor is set up here, or a provider answers for one, or it is a card
	Language    string    // vi or en; empty where not chosen
	Holder      string    // of a card: the person's id in its organization, as facts call them
}

// CLI is the principal of local commands. Whoever runs them has the master key
// and the database's owner at hand, so there is nothing to withhold.
func CLI() *Principal { return &Principal{ID: "cli", Name: "cli", Kind: Command} }

// May says whether the principal has the right in the organization, and with an
// object named, such as a stall, on that object. A grant that is bound to an
// object gives nothing where no object is named. Asking for Everywhere asks for
// a grant that holds everywhere.
//
// May knows no clock: for a right that NeedsStepUp, ask SteppedUp as well.
func (p *Principal) May(right Right, organization string, object ...string) bool {
	if p == nil || organization == "" {
		return false
	}
	if p.Kind == Command {
		return true
	}
	return slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return g.gives(right) && g.in(organization) &&
			(g.Object == "" || len(object) == 1 && object[0] == g.Object)
	})
}

// MaySomewhere says whether there is any organization, or object in one, where
// the principal has the right: what a menu asks before it shows an entry.
func (p *Principal) MaySomewhere(right Right) bool {
	return p != nil && (p.Kind == Command || slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.gives(right) }))
}

// Organizations returns where the principal has the right on every object,
// sorted; Everywhere alone where that is everywhere.
func (p *Principal) Organizations(right Right) []string {
	var found []string
	if p.May(right, Everywhere) {
		return []string{Everywhere}
	}
	if p == nil {
		return nil
	}
	for _, g := range p.Grants {
		if g.gives(right) && g.Object == "" {
			found = append(found, g.Organization)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// SteppedUp says that the principal has proved within StepUpFor before now that
// it is really them. Local commands have.
func (p *Principal) SteppedUp(now time.Time) bool {
	if p == nil {
		return false
	}
	age := now.Sub(p.SteppedUpAt)
	return p.Kind == Command || !p.SteppedUpAt.IsZero() && age >= 0 && age < StepUpFor
}

// Card says that the principal came in by a trader's card, and has no account of
// staff.
func (p *Principal) Card() bool { return p != nil && isCard(p.ID) }

// Actor is what events and the trail call the principal.
func (p *Principal) Actor() string {
	if p == nil {
		return "nobody"
	}
	return p.ID
}

type contextKey struct{}

// With returns a context that carries the principal.
func With(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal that the context carries, nil where nobody has
// signed in.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(contextKey{}).(*Principal)
	return p
}

package projections

import "sync"

// Step brings one projection from one position of a shard to a later one.
type Step struct {
	Projection string
	From, To   int64
	Changes    *Changes
}

// rooms holds *Changes that Free has emptied.
var rooms sync.Pool

// NewStep begins a step at an offset, with nothing folded yet. Give it back to
// Free when it is written.
func NewStep(projection string, from int64) Step {
	c, ok := rooms.Get().(*Changes)
	if !ok {
		c = &Changes{}
	}
	return Step{Projection: projection, From: from, To: from, Changes: c}
}

// Fold takes in the accepted records of a shard that lie at or behind the step's
// end and before to, which is its end from then on.
func (s *Step) Fold(p Projection, accepted []Accepted, to int64) {
	for i := range accepted {
		if accepted[i].Offset >= s.To {
			p.Fold(s.Changes, &accepted[i])
		}
	}
	s.To = to
}

// Free forgets what was folded and keeps the room for another step. Nothing of
// the steps may be used after it.
func Free(steps []Step) {
	for i := range steps {
		steps[i].Changes.reset()
		rooms.Put(steps[i].Changes)
		steps[i].Changes = nil
	}
}

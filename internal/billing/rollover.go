package billing

import (
	"fmt"
	"strings"

	"socho/events"
)

// Move is one pupil who goes to another class, or leaves where To is empty.
type Move struct{ Person, From, To string }

// Moves says which class becomes which; leaving is an empty one.
type Moves map[string]string

// ParseMoves reads 3A=4A,4A=5A,5A= (those of 5A leave).
func ParseMoves(text string) (Moves, error) {
	moves := Moves{}
	for pair := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !events.ValidID(from) || to != "" && !events.ValidID(to) {
			return nil, fmt.Errorf("%q: expected classes such as 3A=4A,5A= (those of 5A leave)", pair)
		}
		if _, twice := moves[from]; twice {
			return nil, fmt.Errorf("%q: class %s stands here twice", text, from)
		}
		moves[from] = to
	}
	return moves, nil
}

// RollOver moves whole classes on, all at once, so that who came from 3A to 4A does
// not go on to 5A. Who is in stay remains where they are.
func (t *Terms) RollOver(on events.Date, moves Moves, stay map[string]bool) (moved []Move) {
	here, _ := t.Pupils(on)
	for _, p := range here {
		to, ok := moves[p.Class]
		if ok && !stay[p.Person] && to != p.Class {
			moved = append(moved, Move{p.Person, p.Class, to})
		}
	}
	return moved
}

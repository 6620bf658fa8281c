package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"socho/events"
	"socho/internal/vault"
	"socho/projections"
)

// Log is where the sealed texts of lines lie.
type Log interface {
	Read(ctx context.Context, shard int, offset int64, wait time.Duration) ([]events.Record, error)
}

// Keys opens them.
type Keys interface {
	Opener(ctx context.Context, refs []vault.Ref) (*vault.Keys, error)
}

// Texts opens what is sealed in the records of lines, many at once. It asks for no
// right: whoever shows any of it to a person has asked, and written it down.
type Texts struct {
	Log  Log
	Keys Keys
}

// Text is the record of a line, opened.
type Text struct {
	Event  *events.Event
	Line   *events.LineReceived
	Clear  map[string]string // by field
	Erased bool              // something was there, and its key is destroyed
}

// logPatience is how long the log may take to answer.
const logPatience = 5 * time.Second

// Of reads and opens the records at these places; what is no bank line is left
// out. Errors: those of the log and the database.
func (t *Texts) Of(ctx context.Context, at []projections.Position) (map[projections.Position]Text, error) {
	at = slices.Clone(at)
	slices.SortFunc(at, func(a, b projections.Position) int { return cmp.Or(a.Shard-b.Shard, cmp.Compare(a.Offset, b.Offset)) })
	at = slices.Compact(at)
	found := map[projections.Position]Text{}
	var refs []vault.Ref
	for len(at) > 0 {
		records, err := t.Log.Read(ctx, at[0].Shard, at[0].Offset, logPatience)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 || records[0].Offset != at[0].Offset {
			return nil, fmt.Errorf("the log does not answer with %d:%d", at[0].Shard, at[0].Offset)
		}
		// Lines of one statement lie close together: one answer holds many.
		first, shard := records[0].Offset, at[0].Shard
		for len(at) > 0 && at[0].Shard == shard && at[0].Offset < first+int64(len(records)) {
			if e, err := events.Decode(records[at[0].Offset-first].Value); err == nil {
				if f, ok := e.Fact.(*events.LineReceived); ok {
					found[at[0]] = Text{Event: e, Line: f, Clear: map[string]string{}}
					refs = append(refs, vault.Ref{Organization: e.Subject, Person: string(f.Person)})
				}
			}
			at = at[1:]
		}
	}
	if len(refs) == 0 {
		return found, nil
	}
	keys, err := t.Keys.Opener(ctx, refs)
	if err != nil {
		return nil, err
	}
	for place, text := range found {
		for _, field := range slices.Sorted(maps.Keys(text.Line.Sealed)) {
			e := text.Event
			clear, err := keys.Open(events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: field}, string(text.Line.Person), text.Line.Sealed[field])
			switch {
			case errors.Is(err, vault.ErrErased):
				text.Erased = true
			case err != nil:
				return nil, err
			default:
				text.Clear[field] = clear
			}
		}
		found[place] = text
	}
	return found, nil
}

package office

import (
	"context"
	"fmt"

	"socho/events"
	"socho/ledger"
)

// Recorder says facts on somebody's behalf; *service.Service does.
type Recorder interface {
	Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error)
	TrySay(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error)
}

// RefusedError says that the ledger did not take a fact. What stands before it in
// the same piece of work was taken; the work is done again from the start, and
// passes over that.
type RefusedError struct{ *ledger.Outcome }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s %s was not taken: %s", events.Name(e.Type), e.EventID, ledger.Reason(e.Outcome))
}

// perSay is how many facts go to the log together.
const perSay = 400

// say says facts in order and waits until they are decided. Errors: *RefusedError
// for the first that was not taken.
//
// A crash in the middle leaves what was said before: ids come from what the facts
// are about, so that the same work done again is the same facts.
func (o *Office) say(ctx context.Context, drafts []events.Draft, progress Progress) error {
	for from := 0; from < len(drafts); from += perSay {
		progress.tell(from, len(drafts))
		outcomes, err := o.Recorder.Say(ctx, o.Actor, drafts[from:min(from+perSay, len(drafts))])
		if err != nil {
			return err
		}
		for _, outcome := range outcomes {
			if !outcome.Status.Accepted() {
				return &RefusedError{outcome}
			}
		}
	}
	progress.tell(len(drafts), len(drafts))
	return nil
}

// draft is a fact of an organization under an id that comes from what it is about.
// Its time is the morning of its day, so that the same fact is the same bytes.
func (o *Office) draft(organization, id, name string, on events.Date, fact events.Fact, personal map[string]string) events.Draft {
	return events.Draft{Envelope: events.Envelope{ID: events.EventID(id), Source: Source, Type: events.Type(name), Subject: organization,
		Time: events.Time(string(on) + "T08:00:00+07:00")}, Fact: fact, Personal: personal}
}

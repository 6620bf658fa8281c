package web

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"socho/events"
	"socho/internal/identity"
	"socho/ledger"
)

// Recorder says facts on somebody's behalf; *service.Service does. The facts of
// one call are of one organization.
type Recorder interface {
	// Say returns what was decided of each fact, in order, once pages show it. A
	// refusal is an outcome and no error.
	Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error)
	// TrySay returns what would be decided, and publishes nothing.
	TrySay(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error)
}

// source names what people say on pages.
const source = events.OwnSources + "pages"

// actor is who says something, as intake stamps it.
func actor(p *identity.Principal) string { return string(p.Kind) + ":" + p.ID }

// newID is the id of a fact that a form is about to ask for. It goes with the
// form as a hidden field, so that sending the form twice says one fact.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// draft is a fact of an organization under a form's id. Its time is the id's, so
// that the same form gives the same bytes.
// Errors: errBad where the id is none of newID.
func (r *request) draft(organization, id, name string, fact events.Fact, personal map[string]string) (events.Draft, error) {
	at, err := askedAt(id)
	if err != nil {
		return events.Draft{}, err
	}
	return events.Draft{Envelope: events.Envelope{ID: events.EventID(id), Source: source, Type: events.Type(name),
		Subject: organization, Time: events.Time(at.Format(time.RFC3339))}, Fact: fact, Personal: personal}, nil
}

// askedAt is when a form was made. Errors: errBad where the id is none of newID.
func askedAt(id string) (time.Time, error) {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 7 {
		return time.Time{}, errBad
	}
	sec, nsec := parsed.Time().UnixTime()
	return time.Unix(sec, nsec).Truncate(time.Second).In(vietnam), nil
}

// refusedFact is a fact that the ledger did not take.
type refusedFact struct{ *ledger.Outcome }

func (e *refusedFact) Error() string { return e.Code }

// record says facts in the visitor's name. Errors: *refusedFact for the first that
// the ledger did not take.
func (s *site) record(r *request, facts ...events.Draft) ([]*ledger.Outcome, error) {
	outcomes, err := s.Recorder.Say(r.Context(), actor(r.who), facts)
	var bad *events.Error
	if errors.As(err, &bad) {
		return nil, errBad
	}
	if err != nil {
		return outcomes, err
	}
	for _, o := range outcomes {
		if !o.Status.Accepted() {
			return outcomes, &refusedFact{o}
		}
	}
	return outcomes, nil
}

package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"socho/events"
	"socho/internal/intake"
	"socho/ledger"
)

// ErrErased reports a fact about a person whose keys are destroyed: nothing may
// be said of them any more, and it was not published.
var ErrErased = errors.New("the person was erased")

// ErrConflict reports a fact under an id that another fact holds: the same form
// was sent twice with different contents.
var ErrConflict = errors.New("another fact holds this id")

// Say hands facts of one organization and one of this ledger's own sources in, in
// order and in somebody's name, and returns what was decided of each once pages
// show it. Saying a fact a second time answers what was decided the first time.
// What the ledger refuses is no error.
// Errors: *events.Error for a fact that is none, and *ledger.OldRulesError for one
// that the rules in force cannot read yet, before anything is published; ErrErased
// and ErrConflict, after which the other facts stand; those of Publish.
func (s *Service) Say(ctx context.Context, actor string, drafts []events.Draft) ([]*ledger.Outcome, error) {
	lines, err := written(drafts)
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	for i := range drafts {
		e := &drafts[i].Envelope
		if err := heads[events.ShardOf([]byte(e.Subject), s.Log.shards)].Reads(e.Type); err != nil {
			return nil, err
		}
	}
	report, err := s.publish(ctx, heads, lines, intake.Options{Actor: actor, Own: true})
	if err != nil {
		return nil, err
	}
	if _, err := s.Decided(ctx, report); err != nil {
		return nil, err
	}
	if err := s.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	conflicts := false
	for _, at := range report.Ranges {
		if err := s.DB.Outcomes(ctx, at.Shard, at.First, at.Next, func(o *ledger.Outcome) error {
			conflicts = conflicts || o.Status == ledger.Conflict
			return nil
		}); err != nil {
			return nil, err
		}
	}
	ids := make([]string, len(drafts))
	for i := range drafts {
		ids[i] = string(drafts[i].Envelope.ID)
	}
	claimed, err := s.DB.Claims(ctx, drafts[0].Envelope.Subject, string(drafts[0].Envelope.Source), ids)
	if err != nil {
		return nil, err
	}
	outcomes := make([]*ledger.Outcome, len(drafts))
	for i, id := range ids {
		if outcomes[i] = claimed[id]; outcomes[i] == nil && report.NotPublished == 0 {
			return nil, fmt.Errorf("%s %s was not decided", drafts[i].Envelope.Type, id)
		}
	}
	switch {
	case report.NotPublished > 0:
		return outcomes, ErrErased
	case conflicts:
		return outcomes, ErrConflict
	}
	return outcomes, nil
}

// TrySay answers what Say would, and publishes nothing. Of a fact about an erased
// person there is no outcome.
func (s *Service) TrySay(ctx context.Context, actor string, drafts []events.Draft) ([]*ledger.Outcome, error) {
	lines, err := written(drafts)
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	trial, err := s.Try(ctx, lines, intake.Options{Actor: actor, Own: true})
	if err != nil {
		return nil, err
	}
	byID := map[string]*ledger.Outcome{}
	for _, some := range trial.Outcomes {
		for i := range some {
			byID[some[i].EventID] = &some[i]
		}
	}
	outcomes := make([]*ledger.Outcome, len(drafts))
	for i := range drafts {
		outcomes[i] = byID[string(drafts[i].Envelope.ID)]
	}
	return outcomes, nil
}

func written(drafts []events.Draft) (*bytes.Buffer, error) {
	var lines bytes.Buffer
	for i := range drafts {
		d, first := &drafts[i], &drafts[0]
		if d.Envelope.Subject != first.Envelope.Subject || d.Envelope.Source != first.Envelope.Source {
			return nil, errors.New("facts that are said together are of one organization and source")
		}
		line, err := d.Line()
		if err != nil {
			return nil, err
		}
		lines.Write(line)
	}
	return &lines, nil
}

package api

import (
	"context"
	"strconv"
	"time"

	"socho/events"
	"socho/internal/postgres"
	"socho/ledger"
)

// Outcome is what became of a record.
type Outcome struct {
	Shard        int         `json:"shard"`
	Offset       int64       `json:"offset"`
	EventID      string      `json:"event_id" doc:"Empty where the record could not be read, likewise source, organization and type."`
	Source       string      `json:"source"`
	Organization string      `json:"organization"`
	Type         string      `json:"type"`
	Status       string      `json:"status" enum:"posted,recorded,duplicate,conflict,refused,malformed,misrouted"`
	Code         string      `json:"code" doc:"Why, or what was unusual; empty for an ordinary posting."`
	Reason       string      `json:"reason" doc:"The code in a sentence."`
	RecordedAt   time.Time   `json:"recorded_at"`
	EffectiveOn  events.Date `json:"effective_on" doc:"Empty where the record could not be read."`
	RuleSet      int         `json:"rule_set" doc:"The rules that decided."`
}

func outcomeOf(o *ledger.Outcome) Outcome {
	return Outcome{o.Shard, o.Offset, o.EventID, o.Source, o.Organization, o.Type, o.Status.String(), o.Code, ledger.Reason(o), o.RecordedAt, o.EffectiveOn, o.RuleSet}
}

type outcomesInput struct {
	Paging
	Organization string   `query:"organization" maxLength:"64" doc:"Only of this one."`
	Status       []string `query:"status" enum:"posted,recorded,duplicate,conflict,refused,malformed,misrouted" maxItems:"7" doc:"Only these."`
	Type         string   `query:"type" maxLength:"128" doc:"Only this type of event." example:"vn.socho.market.fee_assessed.v1"`
	Since        string   `query:"since" maxLength:"2048" doc:"From these records on: SHARD:OFFSET,…"`
}

func (a *API) outcomes(ctx context.Context, in *outcomesInput) (*pageOutput[Outcome], error) {
	statuses := make([]ledger.Status, len(in.Status))
	for i, name := range in.Status {
		statuses[i], _ = ledger.ParseStatus(name) // the enum above has been checked
	}
	return a.outcomePage(ctx, "outcomes", statuses, in)
}

func (a *API) outcomePage(ctx context.Context, list string, statuses []ledger.Status, in *outcomesInput) (*pageOutput[Outcome], error) {
	f := postgres.OutcomeFilter{Statuses: statuses, Organizations: scope(ctx, in.Organization), Type: in.Type}
	if in.Since != "" {
		if f.Since = positions(in.Since); f.Since == nil {
			return nil, wrong("query.since", "Expected positions such as 0:120,1:80.")
		}
	}
	shard, offset, err := in.position(list)
	if err != nil {
		return nil, err
	}
	found, err := a.Readers.Ledger.OutcomePage(ctx, f, shard, offset, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		next = cursor(list, strconv.Itoa(last.Shard), strconv.FormatInt(last.Offset, 10))
	}
	items := make([]Outcome, len(found))
	for i, o := range found {
		items[i] = outcomeOf(o)
	}
	return page(items, next), nil
}

type refusalsInput struct {
	Paging
	Organization string `query:"organization" maxLength:"64" doc:"Only of this one."`
	Type         string `query:"type" maxLength:"128" doc:"Only this type of event."`
	Since        string `query:"since" maxLength:"2048" doc:"From these records on: SHARD:OFFSET,…"`
}

func (a *API) refusals(ctx context.Context, in *refusalsInput) (*pageOutput[Outcome], error) {
	refused := []ledger.Status{ledger.Conflict, ledger.Refused, ledger.Malformed, ledger.Misrouted}
	return a.outcomePage(ctx, "refusals", refused, &outcomesInput{Paging: in.Paging, Organization: in.Organization, Type: in.Type, Since: in.Since})
}

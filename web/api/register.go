package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"socho/events"
)

// register gives every operation of the table its handler.
func (a *API) register() {
	handle(a, "list-organizations", a.organizations)
	handle(a, "get-organization", a.organization)

	event := a.eventSchema()
	handle(a, "publish-event", a.publishOne, describePublishing(map[string]*huma.Schema{oneEvent: event, plainJSON: event}, maxEvent, "A CloudEvent."))
	many := &huma.Schema{Type: huma.TypeArray, Items: event, MinItems: new(1), MaxItems: new(maxEvents)}
	handle(a, "publish-events", a.publishMany, describePublishing(map[string]*huma.Schema{
		manyEvents: many, plainJSON: many, eventLines: {Type: huma.TypeString, Description: "A CloudEvent a line."}}, maxBulk, "CloudEvents."))
	handle(a, "get-event", a.record)
	handle(a, "get-receipt", a.receipt, describeReceipt)

	handle(a, "list-outcomes", a.outcomes)
	handle(a, "list-refusals", a.refusals)
	handle(a, "list-balances", a.balances)
	handle(a, "list-transfers", a.transfers)
	handle(a, "list-bills", a.bills)
	handle(a, "get-bill", a.bill)
	handle(a, "list-payouts", a.payouts)
	handle(a, "get-payout", a.payout)
	handle(a, "get-payout-status", a.payoutStatus)
	handle(a, "get-adoption", a.adoption)
	handle(a, followAdoption, a.follow, describeLive)
	handle(a, "list-shards", a.shards)
	handle(a, "list-checkpoints", a.checkpoints)
}

// eventSchema is what every event has in common. What belongs into data, the
// schema of its type says: socho events schema TYPE.
func (a *API) eventSchema() *huma.Schema {
	types := make([]any, 0, 32)
	for _, t := range events.Types() {
		if area, _, _ := strings.Cut(events.Name(t), "."); area != "shard" && area != "intake" { // the ledger's own
			types = append(types, t)
		}
	}
	text := func(doc string, most int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc, MinLength: new(1), MaxLength: &most}
	}
	schema := &huma.Schema{
		Type: huma.TypeObject, Title: "Event", Description: "A CloudEvent 1.0 in structured mode, of a type that the ledger knows.",
		Required: []string{"specversion", "id", "source", "type", "subject", "time", "data"},
		Properties: map[string]*huma.Schema{
			"specversion": {Type: huma.TypeString, Enum: []any{"1.0"}},
			"id":          text("Unique within the organization and source.", 64),
			"source":      text("A URI that names the publisher.", 256),
			"type":        {Type: huma.TypeString, Enum: types},
			"subject":     {Type: huma.TypeString, Description: "The organization.", Pattern: "^[a-z0-9-]{1,64}$"},
			"time":        {Type: huma.TypeString, Format: "date-time"},
			"data":        {Type: huma.TypeObject, AdditionalProperties: true, Description: "As the schema of the type says: socho events schema TYPE."},
		},
		AdditionalProperties: true,
	}
	a.huma.OpenAPI().Components.Schemas.Map()["Event"] = schema
	return &huma.Schema{Ref: "#/components/schemas/Event"}
}

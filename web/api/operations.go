package api

import (
	"net/http"

	"socho/internal/identity"
)

// Scope says where an operation's organization comes from, and so where the
// right is asked for.
type Scope string

// The scopes.
const (
	// InPath: the organization stands in the path. Without the right there, 403,
	// whether it exists or not.
	InPath Scope = "path"
	// InQuery: the parameter organization names one; 403 without the right there.
	// Without it the list holds those organizations where the right is held.
	InQuery Scope = "query"
	// InAccount: as InQuery, by the beginning of the parameter account.
	InAccount Scope = "account"
	// InRecord: the organization is that of the record at the position. A record of
	// another one is not found.
	InRecord Scope = "record"
	// InBody: each event of the body names its own. One without the right keeps
	// the whole request from being published.
	InBody Scope = "body"
	// Nowhere: nothing of a single organization is in the answer; the right is to
	// be held anywhere.
	Nowhere Scope = "nowhere"
)

// Operation is one thing that the API does.
type Operation struct {
	ID      string
	Method  string
	Path    string
	Right   identity.Right
	Scope   Scope
	Summary string
	Detail  string
	Tag     string
}

// Operations is every operation. The guard asks for the rights that stand here.
var Operations = []Operation{
	{"list-organizations", http.MethodGet, Prefix + "/organizations", identity.SeeBoard, InQuery, "List organizations", "Sorted by identifier.", "organizations"},
	{"get-organization", http.MethodGet, Prefix + "/organizations/{organization}", identity.SeeBoard, InPath, "Get an organization", "", "organizations"},

	{"publish-event", http.MethodPost, Prefix + "/events", identity.PublishEvents, InBody, "Publish one event",
		"One CloudEvent. It is on the log once this answers, and decided soon after; with wait=true, when this answers. Publishing the same event again is safe: it becomes a duplicate.", "events"},
	{"publish-events", http.MethodPost, Prefix + "/events/bulk", identity.PublishEvents, InBody, "Publish many events",
		"CloudEvents, one JSON object a line or in an array. All of them are checked first: if one is no event, or may not be published, none is.", "events"},
	{"get-event", http.MethodGet, Prefix + "/events/{shard}/{offset}", identity.SeeEvents, InRecord, "Get a record with its outcome and postings",
		"Personal fields are sealed.", "events"},
	{"get-receipt", http.MethodGet, Prefix + "/events/{shard}/{offset}/receipt", identity.SeeEvents, InRecord, "Get a record's receipt",
		"What socho receipt verify takes, to the byte. A record that was just decided may not be in a signed checkpoint yet: not_published.", "events"},

	{"list-outcomes", http.MethodGet, Prefix + "/outcomes", identity.SeeEvents, InQuery, "List what became of records", "By shard and offset.", "outcomes"},
	{"list-refusals", http.MethodGet, Prefix + "/refusals", identity.SeeRefusals, InQuery, "List records that were not accepted, and why",
		"Those that are in conflict, refused, malformed or misrouted, by shard and offset.", "outcomes"},

	{"list-balances", http.MethodGet, Prefix + "/balances", identity.SeeEvents, InAccount, "List accounts with their sums", "By organization and path. balance = debits − credits, always.", "accounts"},
	{"list-transfers", http.MethodGet, Prefix + "/transfers", identity.SeeEvents, InAccount, "List one account's transfers", "The latest first.", "accounts"},

	{"list-bills", http.MethodGet, Prefix + "/organizations/{organization}/bills", identity.SeeBills, InPath, "List bills", "By holder, period and bill. Whoever may see a single stall names it.", "bills"},
	{"get-bill", http.MethodGet, Prefix + "/organizations/{organization}/bills/{bill}", identity.SeeBills, InPath, "Get a bill", "", "bills"},

	{"list-payouts", http.MethodGet, Prefix + "/organizations/{organization}/payouts", identity.SeePayouts, InPath, "List payouts", "By period, person and payout.", "payouts"},
	{"get-payout", http.MethodGet, Prefix + "/organizations/{organization}/payouts/{payout}", identity.SeePayouts, InPath, "Get a payout", "", "payouts"},
	{"get-payout-status", http.MethodGet, Prefix + "/organizations/{organization}/payout-status", identity.SeePayouts, InPath, "Say where a fund's month stands", "As socho payout status.", "payouts"},

	{"get-adoption", http.MethodGet, Prefix + "/adoption", identity.SeeFigures, Nowhere, "Say how much is paid without cash", "As socho adoption; one figure for each kind of rate.", "figures"},
	{"follow-adoption", http.MethodGet, Prefix + "/adoption/live", identity.SeeFigures, Nowhere, "Follow figures as they change",
		"Server-sent events: figures at once and whenever they may have changed, and position now and then.", "figures"},

	{"list-shards", http.MethodGet, Prefix + "/shards", identity.SeeFigures, Nowhere, "Say where each shard stands", "", "service"},
	{"list-checkpoints", http.MethodGet, Prefix + "/checkpoints", identity.SeeFigures, Nowhere, "List the newest signed checkpoints", "", "service"},
}

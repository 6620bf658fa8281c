package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"socho/events"
	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/ledger"
)

// answerTime bounds every request but streams.
const answerTime = 30 * time.Second

type operationKey struct{}

// handle makes an operation of the table out of a function: the guard before it,
// the description beside it.
func handle[I, O any](a *API, id string, f func(context.Context, *I) (*O, error), change ...func(*huma.Operation)) {
	o := a.known[id]
	if o == nil || a.made[id] {
		panic("api: " + id + " is not in the table, or has a handler")
	}
	a.made[id] = true
	described := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Tags: []string{o.Tag}, Security: a.security(),
		Description: strings.TrimSpace(o.Detail + " " + o.asks()),
		Errors:      []int{400, 401, 403, 422, 429, 500, 503},
		Middlewares: huma.Middlewares{a.guard(o)},
		Extensions:  map[string]any{"x-right": string(o.Right), "x-organization": string(o.Scope)},
	}
	if strings.Contains(o.Path, "{") || o.Scope == InAccount {
		described.Errors = append(described.Errors, 404)
	}
	for _, c := range change {
		c(&described)
	}
	huma.Register(a.huma, described, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return out, nil
	})
	a.complete(o)
}

// complete describes what huma does not see: the header of an answer to a request
// that came too fast, and that 202 looks like 200.
func (a *API) complete(o *Operation) {
	item := a.huma.OpenAPI().Paths[o.Path]
	op := item.Get
	if o.Method == http.MethodPost {
		op = item.Post
	}
	op.Responses["429"].Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
	if accepted := op.Responses["202"]; accepted != nil {
		accepted.Content, accepted.Headers = op.Responses["200"].Content, op.Responses["200"].Headers
	}
}

func (a *API) security() (all []map[string][]string) {
	all = []map[string][]string{{"token": {}}}
	if a.SessionCookie != "" {
		all = append(all, map[string][]string{"session": {}})
	}
	return all
}

// asks says in a sentence what right is needed where.
func (o *Operation) asks() string {
	right := "Needs the right " + string(o.Right)
	switch o.Scope {
	case InPath:
		return right + " in the organization."
	case InQuery:
		return right + "; without an organization named, the list holds those where it is held."
	case InAccount:
		return right + " in the account's organization; without one named, the list holds those where it is held."
	case InRecord:
		return right + " in the record's organization; of others there is no record here."
	case InBody:
		return right + " in the organization of every event."
	}
	return right + " anywhere."
}

// guard lets through who has signed in, does not come too fast, and has the
// right where that can be told from the address. The rest is the handlers'.
func (a *API) guard(o *Operation) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(c)
		ctx := c.Context()
		p, err := a.Who.FromRequest(r)
		if err == nil {
			err = a.mayPass(o, p, c, r)
		}
		if err != nil {
			a.write(c, a.problemOf(ctx, err))
			return
		}
		ctx = context.WithValue(identity.With(ctx, p), operationKey{}, o)
		if o.ID != followAdoption {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, answerTime)
			defer cancel()
		}
		next(huma.WithContext(c, ctx))
	}
}

func (a *API) mayPass(o *Operation, p *identity.Principal, c huma.Context, r *http.Request) error {
	if p == nil {
		return problem(http.StatusUnauthorized, "not_signed_in", "Present an API token, or sign in.")
	}
	if ok, after := a.Limits.Take(p.ID, time.Now()); !ok {
		a.Observer.Limited("principal")
		slow := problem(http.StatusTooManyRequests, "too_many_requests", "Too many requests come from this token or session.")
		slow.retryAfter = httpserver.RetryAfter(after)
		return slow
	}
	if err := legible(r); err != nil {
		return err
	}
	organization := ""
	switch o.Scope {
	case InPath:
		if organization = c.Param("organization"); o.mayObject(p, organization, c) {
			return nil
		}
		return notAllowed(o)
	case InQuery:
		organization = c.Query("organization")
	case InAccount:
		organization, _, _ = strings.Cut(c.Query("account"), ":")
		if !strings.Contains(c.Query("account"), ":") {
			organization = "" // the beginning of several organizations' names
		}
	}
	if organization != "" && !p.May(o.Right, organization) || organization == "" && !p.MaySomewhere(o.Right) {
		return notAllowed(o)
	}
	return nil
}

// legible checks that the address holds text alone, PostgreSQL takes no other,
// and each parameter once and not empty: a filter that is overlooked in silence
// is worse than an error.
func legible(r *http.Request) error {
	text := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }
	if !text(r.URL.Path) {
		return wrong("path", "It holds what is no text.")
	}
	for name, values := range r.URL.Query() {
		switch {
		case !text(name):
			return wrong("query", "It holds what is no text.")
		case len(values) != 1:
			return wrong("query."+name, "It is given %d times.", len(values))
		case values[0] == "":
			return wrong("query."+name, "It is empty; leave it out.")
		case !text(values[0]):
			return wrong("query."+name, "It holds what is no text.")
		}
	}
	return nil
}

// mayObject also lets those through whose right is bound to a stall: to lists
// that name it, and to single bills, whose handler looks which stall they are of.
func (o *Operation) mayObject(p *identity.Principal, organization string, c huma.Context) bool {
	if p.May(o.Right, organization) {
		return true
	}
	switch o.ID {
	case "list-bills":
		return p.May(o.Right, organization, c.Query("stall"))
	case "get-bill":
		return slices.ContainsFunc(p.Grants, func(g identity.Grant) bool { return p.May(o.Right, organization, g.Object) })
	}
	return false
}

func notAllowed(o *Operation) *Problem {
	return problem(http.StatusForbidden, "not_allowed", "This needs the right %s there.", o.Right)
}

func (a *API) write(c huma.Context, p *Problem) {
	for name, values := range p.GetHeaders() {
		c.SetHeader(name, values[0])
	}
	c.SetHeader("Content-Type", p.ContentType(""))
	c.SetStatus(p.Status)
	a.huma.Marshal(c.BodyWriter(), "application/json", p) //nolint:errcheck // the client has left
}

// scope returns the organizations that a list is to hold: the one that was named
// and that the guard has let through, else those where the caller has the right;
// nil means every one.
func scope(ctx context.Context, named string) []string {
	if named != "" {
		return []string{named}
	}
	o, _ := ctx.Value(operationKey{}).(*Operation)
	mine := identity.From(ctx).Organizations(o.Right)
	if slices.Contains(mine, identity.Everywhere) {
		return nil
	}
	if mine == nil {
		mine = []string{}
	}
	return mine
}

// mayRead says whether the caller may know of a record. One that names no
// organization is for those who have the right everywhere.
func mayRead(ctx context.Context, organization string) bool {
	o, _ := ctx.Value(operationKey{}).(*Operation)
	if organization == "" {
		organization = identity.Everywhere
	}
	return identity.From(ctx).May(o.Right, organization)
}

// ofTraders are facts about a trader's own sales: her market has no part in them.
var ofTraders = []string{"market.sale_received", "market.sales_connected", "market.sales_disconnected"}

// mayReadRecord is mayRead for a record of a type. What is a trader's own is for
// those who have the right everywhere.
func mayReadRecord(ctx context.Context, o *ledger.Outcome) bool {
	organization := o.Organization
	if slices.Contains(ofTraders, events.Name(o.Type)) {
		organization = ""
	}
	return mayRead(ctx, organization)
}

// withoutTraders leaves accounts out that are a trader's own, for those who have the
// right in her market alone. Where the tables stand as they are, the database has
// done so.
func withoutTraders(ctx context.Context, items []postgres.Balance) []postgres.Balance {
	if mayRead(ctx, "") {
		return items
	}
	return slices.DeleteFunc(items, func(b postgres.Balance) bool {
		_, path, _ := strings.Cut(b.Account, ":")
		return strings.HasPrefix(path, "trader:")
	})
}

// actor is what a published record says of who handed it in: the kind of door
// and the opaque id of whoever came through it.
func actor(p *identity.Principal) string {
	if p.Kind == identity.Command {
		return string(p.Kind)
	}
	return string(p.Kind) + ":" + p.ID
}

// Position is the path's SHARD and OFFSET.
type Position struct {
	Shard  int   `path:"shard" minimum:"0" maximum:"32767" doc:"The shard of the log."`
	Offset int64 `path:"offset" minimum:"0" doc:"The record's place in it."`
}

func (p Position) path() string {
	return Prefix + "/events/" + strconv.Itoa(p.Shard) + "/" + strconv.FormatInt(p.Offset, 10)
}

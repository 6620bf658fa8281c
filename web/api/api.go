// Package api answers programs: what the commands say as JSON, over HTTP, with
// the same names and meanings, within the rights of whoever asks.
//
// One table, Operations, lists every operation with the right that it needs and
// where its organization comes from; the guard, the OpenAPI document and the
// tests are made from it. Errors are problem documents (RFC 9457) with a code.
//
// Amounts are decimal strings. Lists come page by page: a page holds as many
// items as its limit, whatever the filter, and leads on by a cursor; fewer mean
// that there are no more.
//
//	handler, err := api.New(api.Options{Service: s, Readers: readers, Proof: at, Who: identities})
//	mux.Handle("/api/", handler)
//	mux.Handle("/openapi.json", handler)
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/service"
)

// Prefix is where the API lies.
const Prefix = "/api/v1"

// Authenticator finds out who asks, by a token or a session.
type Authenticator interface {
	// FromRequest returns nil and no error for a visitor who presents nothing.
	// Errors: what is presented is not valid, or cannot be looked up now.
	FromRequest(*http.Request) (*identity.Principal, error)
}

// Options say what the API answers from. Service, Readers and Who are required.
type Options struct {
	Service       *service.Service
	Readers       Readers
	Figures       *readmodel.Live    // nil: made of the service's tables
	Proof         service.Proof      // the published log, for receipts and checkpoints
	Who           Authenticator      //
	Limits        *httpserver.Limits // of each principal; nil: none
	Draining      <-chan struct{}    // closed when streams are to end; nil: never
	Observer      Observer           // nil: nobody
	SessionCookie string             // its name, for the description
	Log           *slog.Logger
}

// Readers see the rows of the caller's organizations alone, by the database's own
// rules: what is listed by organization is read through them, so that a filter
// forgotten here shows nothing. The service itself answers where figures sum up
// all organizations, or a question about the past has to look at the whole log.
type Readers struct {
	Ledger *postgres.DB
	Model  *readmodel.DB
}

// OpenReaders connects to the database of a service. Close them.
func OpenReaders(ctx context.Context, s *service.Service) (r Readers, err error) {
	if r.Ledger, err = postgres.OpenReader(ctx, s.URL, "ledger", identity.ScopeConn); err != nil {
		return r, err
	}
	if r.Model, err = readmodel.OpenReader(ctx, s.URL, identity.ScopeConn); err != nil {
		r.Ledger.Close()
	}
	return r, err
}

// Close closes every connection.
func (r Readers) Close() {
	r.Ledger.Close()
	r.Model.Close()
}

// Observer hears of what only the API sees.
type Observer interface {
	Limited(by string)
	Stream() (ended func())
}

type nobody struct{}

func (nobody) Limited(string) {}
func (nobody) Stream() func() { return func() {} }

// API is the handler with what it answers from.
type API struct {
	Options
	huma  huma.API
	mux   *http.ServeMux
	live  *live
	known map[string]*Operation // by id
	made  map[string]bool       // operations that have a handler
}

// New returns the API. Errors: an operation of the table without a handler, or
// the other way round.
func New(o Options) (*API, error) {
	if o.Service == nil || o.Readers.Ledger == nil || o.Readers.Model == nil || o.Who == nil {
		return nil, errors.New("api: Service, Readers and Who are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Limits == nil {
		o.Limits = httpserver.NewLimits(0)
	}
	if o.Figures == nil {
		o.Figures = readmodel.NewLive(o.Service.Read)
	}
	a := &API{Options: o, mux: http.NewServeMux(), live: newLive(o.Service, o.Figures),
		known: map[string]*Operation{}, made: map[string]bool{}}
	for i := range Operations {
		a.known[Operations[i].ID] = &Operations[i]
	}
	a.huma = humago.New(a.mux, a.config())
	a.register()
	for id := range a.known {
		if !a.made[id] {
			return nil, errors.New("api: operation " + id + " has no handler")
		}
	}
	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(document) //nolint:errcheck // the client has left
	})
	a.elsewhere()
	return a, nil
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // it depends on who asks
	a.mux.ServeHTTP(w, r)
}

// Document is the OpenAPI document.
func (a *API) Document() *huma.OpenAPI { return a.huma.OpenAPI() }

func (a *API) config() huma.Config {
	format := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false)
			return e.Encode(v)
		},
		Unmarshal: json.Unmarshal,
	}
	schemes := map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "An API token."}}
	if a.SessionCookie != "" {
		schemes["session"] = &huma.SecurityScheme{Type: "apiKey", In: "cookie", Name: a.SessionCookie, Description: "Signed in over the pages."}
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Sổ Chợ", Version: "1",
				Description: "The account book of markets, schools and benefit funds: facts in, exact postings and traceable figures out. Amounts are decimal strings; the meanings are those of the commands' JSON. A parameter is given once and not empty, or left out."},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer), SecuritySchemes: schemes},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// elsewhere answers what no operation does: another method, or nothing there.
func (a *API) elsewhere() {
	methods := map[string][]string{}
	for _, o := range Operations {
		methods[o.Path] = append(methods[o.Path], o.Method)
	}
	for path, allowed := range methods {
		if slices.Contains(allowed, http.MethodGet) {
			allowed = append(allowed, http.MethodHead)
		}
		slices.Sort(allowed)
		a.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", strings.Join(slices.Compact(allowed), ", "))
			httpserver.Problem(w, http.StatusMethodNotAllowed, "method_not_allowed", "This address answers to other methods.")
		})
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		httpserver.Problem(w, http.StatusNotFound, "not_found", "There is nothing at this address. See /openapi.json.")
	})
}

// compacted is JSON without white space; the text otherwise stays as it is.
func compacted(text []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.Bytes(), err
}

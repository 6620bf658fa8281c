package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"socho/internal/readmodel"
	"socho/projections"
)

// ReadModel answers what the pages ask of projections; *readmodel.DB does.
// Every method returns readmodel.ErrNotFound where there is no such thing and
// readmodel.ErrCursor for a cursor that is none of its own.
type ReadModel interface {
	FigureSource
	OrganizationSource
	BillSource
	BoardSource
	PayoutSource
	TraceSource
}

// Standstill says that a shard is not being decided at present.
type Standstill struct {
	Shard int
	Code  string // shown in words where known
}

// Sources is everything that the pages read from. Model, Outcomes and Records
// are required.
type Sources struct {
	Model    ReadModel
	Outcomes OutcomeSource
	Records  RecordSource
	Health   func(context.Context) error                  // nil: always ready
	Stopped  func(context.Context) ([]Standstill, error)  // nil: never
	Sample   func(context.Context) (loaded bool, _ error) // nil: never; true puts a note on every page that the data is made up
	Log      *slog.Logger
}

// Bounds of a request.
const (
	pageTime  = 20 * time.Second
	maxRawURL = 4096
)

// site is the pages with what they read from.
type site struct {
	Sources
	languages map[string]*language
	assets    *assets
}

// New checks translations and templates and returns the pages. Errors: a text
// that one language lacks, a template that does not parse, a source that is
// missing.
func New(from Sources) (http.Handler, error) {
	if from.Model == nil || from.Outcomes == nil || from.Records == nil {
		return nil, errors.New("web: Model, Outcomes and Records are required")
	}
	if from.Log == nil {
		from.Log = slog.New(slog.DiscardHandler)
	}
	s := &site{Sources: from}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.languages, err = loadLanguages(); err != nil {
		return nil, err
	}
	for _, l := range s.languages {
		if l.pages, err = s.parse(l); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	for pattern, show := range s.routes() {
		mux.Handle("GET "+pattern, s.page(show))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /assets/{sum}/{name}", s.assets.serve)
	mux.Handle("/", s.page(func(r *request) (*view, error) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return nil, &failure{http.StatusMethodNotAllowed, "method"}
		}
		return nil, errNoPage
	}))
	return secured(mux), nil
}

// routes lists every page.
func (s *site) routes() map[string]func(*request) (*view, error) {
	return map[string]func(*request) (*view, error){
		"/{$}":                     s.overview,
		"/figures":                 s.figure,
		"/markets":                 s.markets,
		"/markets/{org}":           s.market,
		"/stalls/{org}/{stall}":    s.stall,
		"/schools":                 s.schools,
		"/schools/{org}":           s.school,
		"/funds":                   s.funds,
		"/funds/{org}":             s.fund,
		"/bills/{org}/{bill}":      s.bill,
		"/payouts/{org}/{payout}":  s.payout,
		"/events/{shard}/{offset}": s.event,
		"/refusals":                s.refusals,
	}
}

// secured sets the headers that hold for everything served.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// request is one visit with the language it is answered in.
type request struct {
	*http.Request
	language *language
	query    url.Values
}

// view is what a page's handler found out: which template shows it, under
// which title, and what goes into it.
type view struct {
	template string
	title    string // in the visitor's language
	section  string // of the navigation
	data     any
}

// failure is an error that the visitor is told: the status, and under which
// key its words stand.
type failure struct {
	status int
	key    string
}

func (f *failure) Error() string { return f.key }

var (
	errNoPage = &failure{http.StatusNotFound, "page"}
	errBad    = &failure{http.StatusBadRequest, "bad"}
)

// asFailure is the one table from errors to what a visitor is told.
func asFailure(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, readmodel.ErrNotFound):
		return &failure{http.StatusNotFound, "thing"}
	case errors.Is(err, readmodel.ErrCursor), errors.Is(err, projections.ErrPeriod), errors.Is(err, projections.ErrQuery):
		return errBad
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{http.StatusServiceUnavailable, "slow"}
	}
	return &failure{http.StatusInternalServerError, "fault"}
}

// frame is what the layout needs of every page.
type frame struct {
	Title, Section string
	Switch         string // this page in the other language
	Stopped        []Standstill
	Sample         bool
	Page           any
}

// page answers a visit: it chooses the language, lets the handler look things
// up, and renders into memory first, so that nothing half done is sent.
func (s *site) page(show func(*request) (*view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		visit := &request{r.WithContext(ctx), s.choose(w, r), r.URL.Query()}
		v, err := s.look(visit, show)
		status := http.StatusOK
		if err != nil {
			if ctx.Err() != nil && r.Context().Err() != nil {
				return // the visitor has left
			}
			f := asFailure(err)
			if status = f.status; status >= http.StatusInternalServerError {
				s.Log.ErrorContext(ctx, "page failed", "path", r.URL.Path, "error", err)
			}
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD")
			}
			v = &view{template: "error", title: visit.language.text["error."+f.key], data: f.key}
		}
		body, err := s.render(visit, v)
		if err != nil {
			s.Log.ErrorContext(ctx, "page does not render", "path", r.URL.Path, "error", err)
			plain(w, http.StatusInternalServerError, visit.language.text["error.fault"]+"\n")
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", visit.language.code)
		h.Set("Cache-Control", "private, no-cache")
		h.Add("Vary", "Cookie")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			w.Write(body) //nolint:errcheck // the visitor has left
		}
	})
}

// look runs a handler; a panic is a fault of this page alone.
func (s *site) look(r *request, show func(*request) (*view, error)) (v *view, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if len(r.RequestURI) > maxRawURL {
		return nil, errBad
	}
	return show(r)
}

func (s *site) render(r *request, v *view) ([]byte, error) {
	f := frame{Title: v.title, Section: v.section, Page: v.data, Switch: r.with("lang", r.language.other)}
	// What the banners say is no reason to withhold the page.
	if s.Stopped != nil {
		var err error
		if f.Stopped, err = s.Stopped(r.Context()); err != nil {
			s.Log.WarnContext(r.Context(), "shards are not known", "error", err)
		}
	}
	if s.Sample != nil {
		var err error
		if f.Sample, err = s.Sample(r.Context()); err != nil {
			s.Log.WarnContext(r.Context(), "sample is not known", "error", err)
		}
	}
	var out bytes.Buffer
	if err := r.language.pages[v.template].ExecuteTemplate(&out, "layout", f); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// with returns the address of this page with one part of its query changed;
// an empty value takes it out. A chosen language is not carried along.
func (r *request) with(name, value string) string {
	q := url.Values{}
	for k, v := range r.query {
		if k != "lang" {
			q[k] = v
		}
	}
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return r.URL.EscapedPath()
	}
	return r.URL.EscapedPath() + "?" + q.Encode()
}

// pager leads on through a list.
type pager struct{ First, Next string }

func (r *request) pager(next string) (p pager) {
	if next != "" {
		p.Next = r.with("cursor", next)
	}
	if r.query.Get("cursor") != "" {
		p.First = r.with("cursor", "")
	}
	return p
}

func (r *request) slice(limit int) readmodel.Page {
	return readmodel.Page{Limit: limit, Cursor: r.query.Get("cursor")}
}

func (s *site) ready(w http.ResponseWriter, r *http.Request) {
	if s.Health != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := s.Health(ctx); err != nil {
			s.Log.WarnContext(ctx, "not ready", "error", err)
			plain(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write([]byte(text)) //nolint:errcheck // the visitor has left
}

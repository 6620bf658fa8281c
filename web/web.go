package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
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

// Standing is what all figures rest on: how many records are decided, and when
// the latest of them was recorded.
type Standing struct {
	Records int64
	Latest  time.Time
}

// Sources is everything that the pages read from. Model, Outcomes and Records
// are required.
type Sources struct {
	Model    ReadModel
	Outcomes OutcomeSource
	Records  RecordSource
	Health   func(context.Context) error                  // nil: always ready
	Standing func(context.Context) (Standing, error)      // nil: not said
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
	for _, r := range s.routes() {
		mux.Handle("GET "+r.pattern, s.page(r.show))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /assets/{sum}/{name}", s.assets.serve)
	mux.Handle("/", s.page(func(r *request) (*view, error) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return nil, errMethod
		}
		return nil, errNoPage
	}))
	return secured(mux), nil
}

// route is one page and where it stands.
type route struct {
	pattern string
	show    func(*request) (*view, error)
}

// routes lists every page.
func (s *site) routes() []route {
	return []route{
		{"/{$}", s.overview},
		{"/figures", s.figure},
		{"/markets", s.markets},
		{"/markets/{org}", s.market},
		{"/stalls/{org}/{stall}", s.stall},
		{"/schools", s.schools},
		{"/schools/{org}", s.school},
		{"/funds", s.funds},
		{"/funds/{org}", s.fund},
		{"/bills/{org}/{bill}", s.bill},
		{"/payouts/{org}/{payout}", s.payout},
		{"/events/{shard}/{offset}", s.event},
		{"/refusals", s.refusals},
		{"/design", s.design},
	}
}

// secured sets the headers that hold for everything served.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

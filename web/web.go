package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"socho/internal/identity"
)

// ReadModel answers what the pages ask of projections; *readmodel.DB does. It
// may hold back what is of organizations that the principal of the context has
// nothing to do with.
// Every method returns readmodel.ErrNotFound where there is no such thing and
// readmodel.ErrCursor for a cursor that is none of its own.
type ReadModel interface {
	OrganizationSource
	BillSource
	BoardSource
	PayoutSource
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

// Sources is everything that the pages read from. Model, Figures, Traces,
// Outcomes, Records and Access are required.
type Sources struct {
	Access      Access
	People      *identity.Directory // with Sessions; nil: nobody can sign in
	Sessions    *identity.Sessions
	Provider    *Provider                                      // nil: people sign in by what we keep of them alone
	Receipt     func(shard int, offset int64) (address string) // nil: receipts are not handed out
	Demo        []DemoPerson                                   // whom a visitor may be while the sample is loaded; nil: nobody
	Shards      func(context.Context) ([]Shard, error)         // nil: not shown
	Connections ConnectionSource                               // nil: none are shown
	Verifier    Verifier                                       // nil: pages start no audit
	Unsealer    Unsealer                                       // nil: pages open nothing that is sealed
	Names       NameSource                                     // nil: nobody is found by name
	PersonID    func(organization, citizenID string) string    // nil: nobody is written down as somebody's receiver
	PayPoints   PayPointSource                                 // with Recorder and MonthPapers; nil: no cash is paid out on pages
	MonthPapers MonthSource                                    // reports and signed lists
	Traders     *TraderSources                                 // with Recorder; nil: traders have no pages of their own
	Cards       *CardSources                                   // with Recorder; nil: there are no pages about stall cards
	Model       ReadModel
	Figures     FigureSource // of all organizations, whoever asks
	Traces      TraceSource  // of the organization asked for, found along chains through the whole log
	Outcomes    OutcomeSource
	Records     RecordSource
	Desk        *Desk    // with Recorder; nil: nobody matches payments here
	Recorder    Recorder // with People: pages say facts through it
	Payouts     Payouts  // with Chores; nil: no fund is worked with on pages
	Chores      ChoreKeeper
	Finance     func(actor string) Finance                   // nil: no bills are run, and no sheets handed on
	Health      func(context.Context) error                  // nil: always ready
	Standing    func(context.Context) (Standing, error)      // nil: not said
	Stopped     func(context.Context) ([]Standstill, error)  // nil: never
	Sample      func(context.Context) (loaded bool, _ error) // nil: never; true puts a note on every page that the data is made up
	Log         *slog.Logger

	// ReceiptPaper is the proof of a record on paper; nil: none is handed out.
	ReceiptPaper func(ctx context.Context, shard int, offset int64) (pdf []byte, err error)

	SecondFactor    bool   // whoever of the staff has none is led to set one up first
	PublicURL       string // where visitors find the pages, without a slash at its end; empty: not said
	SecurityContact string // mailto:… or https://…, for security.txt; empty: there is none
}

// Bounds of a request.
const (
	pageTime  = 20 * time.Second
	slowTime  = 5 * time.Minute // of a page that hands a large file over
	maxRawURL = 4096
)

// site is the pages with what they read from.
type site struct {
	Sources
	languages map[string]*language
	assets    *assets
	prints    printings
}

// New checks translations and templates and returns the pages. Errors: a text
// that one language lacks, a template that does not parse, a source that is
// missing.
func New(from Sources) (*Pages, error) {
	if from.Model == nil || from.Figures == nil || from.Traces == nil || from.Outcomes == nil || from.Records == nil || from.Access == nil {
		return nil, errors.New("web: Model, Figures, Traces, Outcomes, Records and Access are required")
	}
	if from.People != nil && from.Recorder == nil {
		return nil, errors.New("web: Recorder is required where people can sign in")
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
	routes := s.routes()
	if s.Sessions != nil {
		routes = slices.Concat(routes, s.doors(), s.providers(), s.offices(), s.payoutMonth())
	}
	if s.Finance != nil {
		routes = slices.Concat(routes, s.finance(), s.families(), s.tickets(), s.closing(), s.stallTerms(), s.billPapers())
	}
	if s.Recorder != nil {
		routes = slices.Concat(routes, s.queues(), s.collecting(), s.desk())
		if s.Cards != nil {
			routes = slices.Concat(routes, s.stallCards())
		}
	}
	if s.PayPoints != nil && s.Recorder != nil {
		routes = slices.Concat(routes, s.payPoints())
	}
	if s.Traders != nil {
		routes = slices.Concat(routes, s.traders())
	}
	for _, r := range routes {
		mux.Handle(r.pattern, s.page(&r))
	}
	if s.Traders != nil {
		mux.Handle("GET /trader/{org}/{stall}/takings/stream", s.takingsStream())
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /.well-known/security.txt", s.securityText)
	mux.HandleFunc("GET /assets/{sum}/{name}", s.assets.serve)
	mux.HandleFunc("GET "+keeper, s.assets.keeper)
	mux.Handle("/", s.page(&route{open: true, show: nowhere}))
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(s.page(&route{open: true, show: func(*request) (*view, error) { return nil, errForeign }}))
	pages := &Pages{secured(foreign.Handler(mux)), s}
	if s.Sessions != nil {
		s.Sessions.OnFault(pages.Unavailable)
	}
	return pages, nil
}

// routes lists every page and act, and who may come to it.
func (s *site) routes() []route {
	unseal := rights{identity.UnsealIdentity}
	return []route{
		{pattern: "GET /{$}", open: true, show: s.overview},
		{pattern: "GET /figures", open: true, show: s.figure},
		{pattern: "GET /design", open: true, show: s.design},

		{pattern: "GET /work", show: s.work},
		{pattern: "GET /markets", rights: rights{identity.SeeBoard}, show: s.markets},
		{pattern: "GET /markets/{org}", rights: rights{identity.SeeBoard}, where: inPath, show: s.market},
		{pattern: "GET /stalls/{org}/{stall}", rights: rights{identity.SeeBills}, where: inPath, show: s.stall},
		{pattern: "GET /schools", rights: rights{identity.SeeBoard}, show: s.schools},
		{pattern: "GET /schools/{org}", rights: rights{identity.SeeBoard}, where: inPath, show: s.school},
		{pattern: "GET /funds", rights: rights{identity.SeeBoard, identity.SeePayouts}, show: s.funds},
		{pattern: "GET /funds/{org}", rights: rights{identity.SeeBoard, identity.SeePayouts}, where: inPath, show: s.fund},
		{pattern: "GET /bills/{org}/{bill}", rights: rights{identity.SeeBills}, where: ofBill, show: s.bill},
		{pattern: "GET /payouts/{org}/{payout}", rights: rights{identity.SeePayouts}, where: inPath, show: s.payout},
		{pattern: "POST /stalls/{org}/{stall}", rights: unseal, where: inPath, page: true, show: s.stall},
		{pattern: "POST /bills/{org}/{bill}", rights: unseal, where: ofBill, page: true, show: s.bill},
		{pattern: "POST /payouts/{org}/{payout}", rights: unseal, where: inPath, page: true, show: s.payout},
		{pattern: "POST /events/{shard}/{offset}", rights: unseal, where: ofRecord, page: true, show: s.event},
		{pattern: "GET /find/{org}", rights: unseal, where: inPath, show: s.find},
		{pattern: "POST /find/{org}", rights: unseal, where: inPath, page: true, show: s.find},
		{pattern: "GET /events", rights: rights{identity.SeeEvents}, show: s.search},
		{pattern: "GET /events/{shard}/{offset}", rights: rights{identity.SeeEvents}, where: ofRecord, show: s.event},
		{pattern: "GET /refusals", rights: rights{identity.SeeRefusals}, show: s.refusals},
	}
}

type rights = []identity.Right

// nowhere answers what no route takes.
func nowhere(r *request) (*view, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, errMethod
	}
	return nil, errNoPage
}

// secured sets the headers that hold for everything served.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		next.ServeHTTP(w, r)
	})
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), "+neverUsed)
}

// neverUsed is what no page here asks a device for.
const neverUsed = "accelerometer=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"

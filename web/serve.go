package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// request is one visit: who comes, and the language and colours they are
// answered in.
type request struct {
	*http.Request
	who      *identity.Principal // nil: nobody who has signed in
	language *language
	theme    string // light, dark, or empty for what the device prefers
	query    url.Values
	keep     *http.Cookie // to be kept by the browser
}

// view is what a page's handler found out: which template shows it, under
// which title, and what goes into it.
type view struct {
	template string
	title    string // in the visitor's language
	section  string // of the navigation
	crumbs   []crumb
	data     any
	status   int           // 200 where not said
	redirect string        // to there, and nothing is shown here
	onward   string        // to there on another site, once this is shown
	again    time.Duration // after which it is looked at again, while something is under way
	hidden   bool          // whoever has the address may see it: no search engine and no other site learns it
	file     *file         // handed over to be kept, and nothing is shown
	keep     bool          // the browser may keep the page for use without network: it names nobody
	camera   bool          // the page reads codes with the camera, which no other page may ask for
}

// file is something that a browser keeps, or that a script of ours asked for.
type file struct {
	name    string // plain letters; empty for a script's
	kind    string // its media type
	content []byte
	from    io.Reader // instead of content, where it is large
}

// hand gives a file over. No page ever runs it: it is kept, or opened elsewhere.
func hand(w http.ResponseWriter, f *file) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	if f.name != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	}
	h.Set("Cache-Control", "no-store")
	if f.from != nil {
		io.Copy(w, f.from) //nolint:errcheck // the visitor has left
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(f.content)))
	w.Write(f.content) //nolint:errcheck // the visitor has left
}

// see sends the visitor on after something was done, to a page that says so
// under the key done.….
func see(address, done string) *view {
	if done != "" {
		address += map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")] + "done=" + done
	}
	return &view{redirect: address}
}

// crumb is one step of the way down to a page.
type crumb struct{ Label, Link string }

// failure is an error that the visitor is told: the status, and under which
// key its words stand.
type failure struct {
	status int
	key    string
}

func (f *failure) Error() string { return f.key }

var (
	errNoPage    = &failure{http.StatusNotFound, "page"}
	errBad       = &failure{http.StatusBadRequest, "bad"}
	errForbidden = &failure{http.StatusForbidden, "forbidden"}
	errForeign   = &failure{http.StatusForbidden, "foreign"}
	errLink      = &failure{http.StatusNotFound, "link"}
	errMethod    = &failure{http.StatusMethodNotAllowed, "method"}
	errTooLarge  = &failure{http.StatusRequestEntityTooLarge, "large"}
	errTooOften  = &failure{http.StatusTooManyRequests, "often"}
	errFault     = &failure{http.StatusInternalServerError, "fault"}
	errRefused   = &failure{http.StatusConflict, "refused"}
	errSlow      = &failure{http.StatusServiceUnavailable, "slow"}
	errOldRules  = &failure{http.StatusConflict, "rules_too_old"}
)

// asFailure is the one table from errors to what a visitor is told.
func asFailure(err error) *failure {
	var f *failure
	var large *http.MaxBytesError
	var wait *identity.WaitError
	var refused *refusedFact
	var old *ledger.OldRulesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &old):
		return errOldRules
	case errors.As(err, &refused):
		return errRefused
	case errors.As(err, &large):
		return errTooLarge
	case errors.As(err, &wait):
		return errTooOften
	case errors.Is(err, identity.ErrDenied):
		return errForbidden
	case errors.Is(err, readmodel.ErrNotFound), errors.Is(err, identity.ErrNotFound):
		return &failure{http.StatusNotFound, "thing"}
	case errors.Is(err, readmodel.ErrCursor), errors.Is(err, identity.ErrCursor), errors.Is(err, projections.ErrPeriod), errors.Is(err, projections.ErrQuery):
		return errBad
	case errors.Is(err, context.DeadlineExceeded):
		return errSlow
	}
	return errFault
}

// errorPage is what the error template shows.
type errorPage struct {
	Status int
	Key    string
	Again  string // address to try once more, where that can help
	Wait   int    // seconds to wait before; 0 where it is not known
}

func (r *request) errorView(f *failure) *view {
	page := errorPage{Status: f.status, Key: f.key}
	if r.Method == http.MethodGet && (f.status >= http.StatusInternalServerError || f.status == http.StatusTooManyRequests) {
		page.Again = r.with("", "")
	}
	return &view{template: "error", title: r.language.say("error." + f.key), status: f.status, data: page}
}

// frame is what the layout needs of every page.
type frame struct {
	Title, Section string
	Crumbs         []crumb
	Theme          string
	Switch         string // this page in the other language
	Light, Dark    string // this page in these colours
	Auto           string // this page as the device prefers; empty where it is shown so
	Standing       *Standing
	Stopped        []Standstill
	Sample         bool
	Nav            []navItem
	Who            *whoArea // nil: nobody is signed in
	Door           bool     // people can sign in here
	Demo           []option // sample persons to be, by role
	Role           string   // whom the visitor plays
	Done           string   // what was just done
	Undo           string   // the act that takes it back; empty for none
	Offline        *offline // nil: the page needs the network
	Page           any
}

// offline is whom a page that may be kept is for, and when it was made, in
// milliseconds since 1970.
type offline struct {
	Person, Worker string
	At             int64
}

// maxForm bounds what a form may send.
const maxForm = 64 << 10

// page answers a visit: it chooses language and colours, asks whether the
// visitor may come, lets the handler look things up, and renders into memory
// first, so that nothing half done is sent.
func (s *site) page(to *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := pageTime
		if to.slow {
			most = slowTime
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowTime + pageTime)) //nolint:errcheck // where it cannot be set, it is as for others
		}
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm+to.upload)
		}
		visit := &request{r.WithContext(ctx), identity.From(ctx), s.choose(w, r), s.chooseTheme(w, r), r.URL.Query(), nil}
		v, err := s.look(visit, to)
		if err != nil {
			if ctx.Err() != nil && r.Context().Err() != nil {
				return // the visitor has left
			}
			if address, ok := visit.elsewhere(err, to); ok {
				v, err = see(address, ""), nil
			}
		}
		if err != nil {
			f := asFailure(err)
			if f.status >= http.StatusInternalServerError {
				s.Log.ErrorContext(ctx, "page failed", "route", r.Pattern, "error", err)
			}
			if f.status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD")
			}
			v = visit.errorView(f)
		}
		if visit.keep != nil {
			http.SetCookie(w, visit.keep)
		}
		if v.redirect != "" {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, v.redirect, http.StatusSeeOther)
			return
		}
		if v.file != nil {
			hand(w, v.file)
			return
		}
		s.send(w, visit, v)
	})
}

// send renders a view and hands it over.
func (s *site) send(w http.ResponseWriter, r *request, v *view) {
	body, err := s.render(r, v)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "page does not render", "route", r.Pattern, "error", err)
		plain(w, http.StatusInternalServerError, r.language.text["error.fault"]+"\n")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", r.language.code)
	h.Set("Cache-Control", "private, no-cache")
	if r.who != nil {
		h.Set("Cache-Control", "no-store") // nothing is left on a shared machine
	}
	if v.hidden {
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Vary", "Cookie, Accept-Encoding")
	if v.keep && r.who != nil && r.Method == http.MethodGet { // what was opened on a POST is never kept
		h.Set("Socho-Keep", "page")
	}
	if v.camera {
		h.Set("Permissions-Policy", "camera=(self), "+neverUsed)
	}
	if v.again > 0 {
		h.Set("Refresh", strconv.Itoa(int(v.again.Seconds())))
	}
	if v.onward != "" {
		h.Set("Refresh", "0; url="+v.onward)
		h.Set("Cache-Control", "no-store")
	}
	if accepts(r.Request) {
		h.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(cmp.Or(v.status, http.StatusOK))
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // the visitor has left
	}
}

// accepts reports whether a browser takes answers packed, as all do.
func accepts(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// compress packs an answer: a page is a quarter of its size on the way.
func compress(body []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(body) / 3)
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&out)
	z.Write(body) //nolint:errcheck // a buffer takes everything
	z.Close()     //nolint:errcheck // likewise
	return out.Bytes()
}

// packers are used again: each takes eight hundred kilobytes.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// look runs a handler; a panic is a fault of this page alone.
func (s *site) look(r *request, to *route) (v *view, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if len(r.RequestURI) > maxRawURL || !legible(r.URL.Path) {
		return nil, errBad
	}
	if err := s.admit(r, to); err != nil {
		return nil, err
	}
	if err := r.read(to); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, err
		}
		return nil, errBad
	}
	for name, values := range r.Form {
		if !legible(append(values, name)...) {
			return nil, errBad
		}
	}
	return to.show(r)
}

// read takes a form in, with its files where the route takes any: all of it in
// memory, which the bound on the body keeps small.
func (r *request) read(to *route) error {
	if to.upload == 0 || !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return r.ParseForm()
	}
	return r.ParseMultipartForm(to.upload + maxForm)
}

// uploaded is a file of a form: its name and content; nil where none was chosen.
func (r *request) uploaded(field string) (name string, content []byte, err error) {
	f, header, err := r.FormFile(field)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	content, err = io.ReadAll(f)
	return header.Filename, content, err
}

// legible says that all of it is text. PostgreSQL takes no other, and what a
// visitor writes is no fault of ours.
func legible(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) })
}

// undoes are the acts that take back what was just done on a page.
var undoes = map[string]string{"person_lock": "unlock"}

func (s *site) render(r *request, v *view) ([]byte, error) {
	f := frame{Title: v.title, Section: v.section, Crumbs: v.crumbs, Page: v.data, Theme: r.theme,
		Switch: r.with("lang", r.language.other), Light: r.with("theme", "light"), Dark: r.with("theme", "dark")}
	if r.theme != "" {
		f.Auto = r.with("theme", "auto")
	}
	if done := "done." + r.query.Get("done"); r.language.text[done] != "" {
		f.Done, f.Undo = r.language.say(done), undoes[r.query.Get("done")]
	}
	if v.keep && r.who != nil {
		f.Offline = &offline{r.who.ID, keeper, time.Now().UnixMilli()}
	}
	f.Nav, f.Who, f.Door = s.nav(r), s.whoArea(r), s.Sessions != nil
	// What the frame says is no reason to withhold the page.
	note := func(what string, err error) {
		if err != nil {
			s.Log.WarnContext(r.Context(), what+" not known", "error", err)
		}
	}
	if s.Standing != nil {
		standing, err := s.Standing(r.Context())
		if note("standing", err); err == nil && standing.Records > 0 {
			f.Standing = &standing
		}
	}
	if s.Stopped != nil {
		var err error
		f.Stopped, err = s.Stopped(r.Context())
		note("stopped shards", err)
	}
	if s.Sample != nil {
		var err error
		f.Sample, err = s.Sample(r.Context())
		note("sample", err)
		if f.Sample {
			f.Demo, f.Role = s.demoRoles(r)
		}
	}
	var out bytes.Buffer
	if err := r.language.pages[v.template].ExecuteTemplate(&out, "layout", f); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// with returns the address of this page with one part of its query changed; an
// empty value takes it out. A choice of language or colours is not carried along.
func (r *request) with(name, value string) string {
	q := url.Values{}
	for k, v := range r.query {
		if k != "lang" && k != "theme" && k != "done" {
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

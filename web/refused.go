package web

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Pages are everything that this package shows, and how to say that it cannot be
// shown now: to whoever guards the way there.
type Pages struct {
	http.Handler
	site *site
}

// ForBrowser says that a request wants a page to read, not an answer for a
// program.
func ForBrowser(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// TooMany tells a visitor who asks too fast how long to wait.
func (p *Pages) TooMany(w http.ResponseWriter, r *http.Request, after time.Duration) {
	seconds := max(int(math.Ceil(after.Seconds())), 1)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	p.site.bare(w, r, errorPage{Status: http.StatusTooManyRequests, Key: "requests", Wait: seconds})
}

// Unavailable tells a visitor that sessions cannot be read or written now.
func (p *Pages) Unavailable(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	p.site.bare(w, r, errorPage{Status: http.StatusServiceUnavailable, Key: "away", Wait: 5})
}

// bare shows an error without asking anything of the database: it may be what
// does not answer, and whoever asks too fast must cost little.
func (s *site) bare(w http.ResponseWriter, r *http.Request, page errorPage) {
	l := s.languages["vi"]
	if c, err := r.Cookie(s.cookieName(languageCookie)); err == nil && s.languages[c.Value] != nil {
		l = s.languages[c.Value]
	}
	visit := &request{Request: r, language: l, theme: s.chooseTheme(w, r), query: r.URL.Query()}
	f := frame{Title: l.say("error." + page.Key), Theme: visit.theme, Switch: visit.with("lang", l.other),
		Light: visit.with("theme", "light"), Dark: visit.with("theme", "dark"), Page: page}
	secure(w.Header())
	var out bytes.Buffer
	if err := l.pages["error"].ExecuteTemplate(&out, "layout", f); err != nil {
		s.Log.ErrorContext(r.Context(), "page does not render", "error", err)
		plain(w, page.Status, l.say("error."+page.Key)+"\n")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.code)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	w.WriteHeader(page.Status)
	if r.Method != http.MethodHead {
		w.Write(out.Bytes()) //nolint:errcheck // the visitor has left
	}
}

// contactLife is how far ahead security.txt says that it holds; RFC 9116, 2.5.5
// advises less than a year.
const contactLife = 180 * 24 * time.Hour

// securityText is /.well-known/security.txt (RFC 9116): whom to tell of a flaw.
func (s *site) securityText(w http.ResponseWriter, r *http.Request) {
	if s.SecurityContact == "" {
		s.page(&route{open: true, show: nowhere}).ServeHTTP(w, r)
		return
	}
	text := fmt.Sprintf("Contact: %s\nExpires: %s\nPreferred-Languages: vi, en\n", s.SecurityContact, time.Now().UTC().Add(contactLife).Truncate(24*time.Hour).Format(time.RFC3339))
	if s.PublicURL != "" {
		text += "Canonical: " + s.PublicURL + "/.well-known/security.txt\n"
	}
	plain(w, http.StatusOK, text)
}

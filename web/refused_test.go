package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/identity"
)

// Who asks too fast, or comes while sessions cannot be read, gets a page in their
// language, for which nothing is looked up.
func TestRefused(t *testing.T) {
	f := newFake()
	f.broken = errors.New("nothing can be asked")
	from := sources(t, f)
	from.Standing = func(context.Context) (Standing, error) { t.Error("the standing is asked for"); return Standing{}, nil }
	pages, err := New(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		language, want string
		show           func(http.ResponseWriter, *http.Request)
		status         int
		after          string
	}{
		{"vi", "chờ 3 giây", func(w http.ResponseWriter, r *http.Request) { pages.TooMany(w, r, 2100*time.Millisecond) }, 429, "3"},
		{"en", "Wait 1 seconds", func(w http.ResponseWriter, r *http.Request) { pages.TooMany(w, r, 0) }, 429, "1"},
		{"vi", "tạm thời không mở được", pages.Unavailable, 503, "5"},
		{"en", "cannot be opened", pages.Unavailable, 503, "5"},
	} {
		r := httptest.NewRequest("GET", "/work?x=1", nil)
		r.AddCookie(&http.Cookie{Name: "lang", Value: c.language})
		w := httptest.NewRecorder()
		c.show(w, r)
		if _, text := page(t, w); w.Code != c.status || !strings.Contains(text, c.want) || w.Header().Get("Retry-After") != c.after ||
			w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v %.300s", c.language, w.Code, w.Header(), text)
		}
	}
}

// Sessions that cannot be read show that page, not a bare line.
func TestSessionsAway(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db, err := identity.Open(pool, func(string) ([]byte, error) { return make([]byte, 32), nil })
	if err != nil {
		t.Fatal(err)
	}
	from := sources(t, newFake())
	from.Access, from.People, from.Recorder = db, db, new(recorder)
	from.Sessions = db.Sessions(false, nil, slog.New(slog.DiscardHandler))
	pages, err := New(from)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "socho", Value: "anything"})
	w := httptest.NewRecorder()
	from.Sessions.Handler(pages).ServeHTTP(w, r)
	if _, text := page(t, w); w.Code != 503 || !strings.Contains(text, "tạm thời không mở được") {
		t.Errorf("%d %.300s", w.Code, text)
	}
}

// security.txt is there where whom to tell is known, and says how long it holds.
func TestSecurityText(t *testing.T) {
	from := sources(t, newFake())
	if w := get(t, as(t, nil, from), "/.well-known/security.txt"); w.Code != 404 {
		t.Errorf("nobody to tell: %d", w.Code)
	}
	from.SecurityContact, from.PublicURL = "mailto:an-toan@example.vn", "https://socho.example"
	w := get(t, as(t, nil, from), "/.well-known/security.txt")
	said := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		said[name] = value
	}
	expires, err := time.Parse(time.RFC3339, said["Expires"])
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || said["Contact"] != from.SecurityContact || err != nil ||
		expires.Before(time.Now().AddDate(0, 3, 0)) || expires.After(time.Now().AddDate(1, 0, 0)) || said["Canonical"] != "https://socho.example/.well-known/security.txt" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
}

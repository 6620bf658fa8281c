package httpserver

import (
	"io"
	"net/http"
	"sync/atomic"
)

// Later stands in for a handler that is not there yet: whoever asks while a
// service starts hears that it lives and is not ready, instead of nothing.
type Later struct{ handler atomic.Pointer[http.Handler] }

// Set hands over to the handler.
func (l *Later) Set(handler http.Handler) { l.handler.Store(&handler) }

// ServeHTTP implements http.Handler.
func (l *Later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handler := l.handler.Load(); handler != nil {
		(*handler).ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/healthz" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok\n") //nolint:errcheck // the client has left
		return
	}
	w.Header().Set("Retry-After", "2")
	Problem(w, http.StatusServiceUnavailable, "starting", "The service is starting.")
}

package httpserver

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

type (
	requestKey struct{}
	routeKey   struct{}
)

// Routed tells the server which route a request took. Put it right around each
// mux: what stands in between may copy the request, and the pattern is lost.
func Routed(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if route, ok := r.Context().Value(routeKey{}).(*string); ok && *route == "" {
				*route = r.Pattern // the innermost mux knows best
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

// RequestID names a request in logs and problem documents; empty outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// requestID is what a proxy that we trust may call a request.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// watched names each request, counts it and logs it. What is logged is the
// route's pattern, never the address asked for: names and codes may stand in it.
func (s *Server) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := r.Header.Get("X-Request-Id")
		if !s.trusts(peer(r)) || !requestID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		route := new(string)
		ctx := context.WithValue(context.WithValue(r.Context(), requestKey{}, id), routeKey{}, route)
		answer := &answer{ResponseWriter: w}
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler {
				s.options.Log.ErrorContext(ctx, "request failed", "route", *route, "panic", p, "stack", string(debug.Stack()))
				if answer.status == 0 {
					Problem(answer, http.StatusInternalServerError, "internal_error", "The request failed. The request id names it in the log.")
				}
			}
			if answer.status == 0 {
				answer.status = http.StatusOK
			}
			took := time.Since(began)
			stream := strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
			s.options.Observer.Request(*route, r.Method, answer.status, took, stream)
			level := slog.LevelDebug
			if s.options.AccessLog {
				level = slog.LevelInfo
			}
			s.options.Log.Log(ctx, level, "request", "method", r.Method, "route", *route, "status", answer.status, "bytes", answer.bytes, "ms", took.Milliseconds())
			if p == http.ErrAbortHandler {
				panic(p)
			}
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Logs adds the request's id to whatever is logged in its context.
func Logs(h slog.Handler) slog.Handler { return logs{h} }

type logs struct{ slog.Handler }

// Handle implements slog.Handler.
func (l logs) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l logs) WithAttrs(attrs []slog.Attr) slog.Handler { return logs{l.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (l logs) WithGroup(name string) slog.Handler { return logs{l.Handler.WithGroup(name)} }

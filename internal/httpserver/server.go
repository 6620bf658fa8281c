// Package httpserver makes a handler safe to expose: TLS that follows its
// files, limits on how fast, how much and how slowly a client may ask, headers
// that browsers keep to, one log line and one count a request, and an end in
// which requests under way finish.
//
// It knows no page, no right and no ledger.
//
//	s, err := httpserver.New(httpserver.Options{…})
//	err = s.Serve(ctx, listener, httpserver.Routed(httpserver.SameOrigin(mux))) // until ctx ends and all is drained
package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"
)

// Options say how to serve. The zero value serves without TLS, trusts no proxy
// and limits nothing but size and time.
type Options struct {
	TLSCert, TLSKey string         // files; both or neither
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed, and who speak TLS to the outside
	Private         bool           // for this machine alone: other names, and what proxies pass on, are turned away
	AddressRate     float64        // requests a second from one address, loopback apart; 0: any
	DrainDelay      time.Duration  // between saying not ready and taking no more connections
	DrainTime       time.Duration  // for requests under way to finish; default 20 s
	AccessLog       bool           // a line for each request, not only for faults
	Log             *slog.Logger
	Observer        Observer
}

// Observer hears of each request once it is answered.
type Observer interface {
	Request(route, method string, status int, took time.Duration, stream bool)
	Limited(by string)
}

type nobody struct{}

func (nobody) Request(string, string, int, time.Duration, bool) {}
func (nobody) Limited(string)                                   {}

// Bounds of every request. A stream extends its own time to write.
const (
	headerTime     = 10 * time.Second
	readTime       = 60 * time.Second
	writeTime      = 90 * time.Second
	idleTime       = 120 * time.Second
	maxHeader      = 32 << 10
	maxBody        = 16 << 20
	maxConnections = 4096
	ownConnections = 512 // from one address; a whole market may be behind one
)

// Server serves one handler.
type Server struct {
	options  Options
	tls      *tls.Config // nil without TLS
	limits   *Limits
	draining chan struct{}
}

// New reads the certificate. Errors: files that do not make one.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.DrainTime == 0 {
		o.DrainTime = 20 * time.Second
	}
	s := &Server{options: o, limits: NewLimits(o.AddressRate), draining: make(chan struct{})}
	if o.TLSCert != "" || o.TLSKey != "" {
		pair, err := loadPair(o.TLSCert, o.TLSKey, o.Log)
		if err != nil {
			return nil, err
		}
		s.tls = secure(pair)
	}
	return s, nil
}

// SameOrigin turns away what a page of another site has a browser send, session
// and all. Programs, which are no browsers, are let through.
func SameOrigin(handler http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Problem(w, http.StatusForbidden, "cross_origin", "A page of another site may not ask for this.")
	}))
	return foreign.Handler(handler)
}

// Draining is closed when the server begins to end: who is asked whether it is
// ready says no, and streams end.
func (s *Server) Draining() <-chan struct{} { return s.draining }

// Scheme is http or https.
func (s *Server) Scheme() string {
	if s.tls != nil {
		return "https"
	}
	return "http"
}

// Serve serves until the context ends, then lets requests under way finish. It
// closes the listener. Errors: the listener's; requests that did not finish in
// time.
func (s *Server) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: s.wrap(handler), TLSConfig: s.tls, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
	}
	served := make(chan error, 1)
	spared := func(at netip.Addr) bool { return at.IsLoopback() || s.trusts(at) }
	listener = netutil.LimitListener(&crowd{Listener: listener, most: ownConnections, exempt: spared, held: map[string]int{}}, maxConnections)
	go func() {
		if s.tls != nil {
			served <- server.ServeTLS(listener, "", "")
			return
		}
		served <- server.Serve(listener)
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	close(s.draining)
	time.Sleep(s.options.DrainDelay) // whoever deals requests out sees that we are not ready
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.DrainTime)
	defer cancel()
	err := server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(errors.New("requests under way were cut off"), server.Close())
	}
	return err
}

// wrap puts the guards around a handler, the outermost first: a request gets its
// name, is counted and logged whatever becomes of it, then has to pass.
func (s *Server) wrap(handler http.Handler) http.Handler {
	handler = http.MaxBytesHandler(handler, maxBody)
	handler = s.limited(handler)
	handler = s.here(handler)
	handler = s.headers(handler)
	handler = s.addressed(handler)
	return s.watched(handler)
}

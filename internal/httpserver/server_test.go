package httpserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func server(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(handler http.Handler, method, from string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://socho.example/secret-path?token=secret", strings.NewReader("x"))
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestWhoAsks(t *testing.T) {
	s := server(t, Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.7:1", "", "203.0.113.7"},
		{"203.0.113.7:1", "198.51.100.1", "203.0.113.7"}, // anybody may write that
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "1.1.1.1, 198.51.100.1, 10.2.3.4", "198.51.100.1"},
		{"10.0.0.1:1", "1.1.1.1, nonsense", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1", "2001:db8::1", "2001:db8::1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
	} {
		var got netip.Addr
		ask(s.wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = AddressOf(r.Context()) })), "GET", c.peer, "X-Forwarded-For", c.forwarded)
		if got.String() != c.want {
			t.Errorf("%s forwarding %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := server(t, Options{AddressRate: 2}).wrap(http.NotFoundHandler())
		for range 6 {
			if w := ask(handler, "GET", "203.0.113.7:1"); w.Code != 404 {
				t.Fatal(w.Code)
			}
		}
		w := ask(handler, "GET", "203.0.113.7:2")
		if w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "too_many_requests") {
			t.Error(w.Code, w.Header(), w.Body)
		}
		if w := ask(handler, "GET", "203.0.113.7:2", "Accept", "text/html,*/*"); w.Code != 429 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(w.Body.String(), "chờ 1 giây") {
			t.Error("a browser:", w.Code, w.Header(), w.Body)
		}
		if w := ask(handler, "GET", "203.0.113.8:2"); w.Code != 404 {
			t.Error("another address:", w.Code)
		}
		for range 20 {
			if w := ask(handler, "GET", "127.0.0.1:2"); w.Code != 404 {
				t.Fatal("this machine:", w.Code)
			}
		}
		time.Sleep(time.Second)
		if w := ask(handler, "GET", "203.0.113.7:2"); w.Code != 404 {
			t.Error("a second later:", w.Code)
		}
	})
}

// However many callers come, few are remembered, and a busy one is among them.
func TestLimitsAreBounded(t *testing.T) {
	l, now := NewLimits(1), time.Now()
	for i := range 5 * generation {
		l.Take(fmt.Sprint(i), now)
		l.Take("busy", now)
	}
	if n := len(l.young) + len(l.aged); n > 2*generation {
		t.Error(n, "callers remembered")
	}
	if ok, _ := l.Take("busy", now); ok {
		t.Error("the busy one was forgotten")
	}
}

func TestHeadersAndOrigins(t *testing.T) {
	handler := server(t, Options{}).wrap(SameOrigin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	w := ask(handler, "POST", "127.0.0.1:1")
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "X-Request-Id"} {
		if w.Header().Get(name) == "" {
			t.Error("no", name)
		}
	}
	if w.Code != 200 || w.Header().Get("Strict-Transport-Security") != "" {
		t.Error(w.Code, w.Header())
	}
	if w := ask(handler, "POST", "127.0.0.1:1", "Sec-Fetch-Site", "cross-site"); w.Code != 403 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Error("from another site:", w.Code, w.Header())
	}
}

type observed struct {
	nobody
	routes []string
}

func (o *observed) Request(route, method string, status int, _ time.Duration, _ bool) {
	o.routes = append(o.routes, fmt.Sprint(route, " ", method, " ", status))
}

// A fault is one answer, one log line with its name, and no word of the address.
func TestPanicIsOneFault(t *testing.T) {
	var log strings.Builder
	seen := &observed{}
	s := server(t, Options{Log: slog.New(Logs(slog.NewJSONHandler(&log, nil))), Observer: seen, AccessLog: true})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{path}", func(http.ResponseWriter, *http.Request) { panic("at the disco") })
	w := ask(s.wrap(Routed(mux)), "GET", "127.0.0.1:1")
	id := w.Header().Get("X-Request-Id")
	if w.Code != 500 || id == "" || strings.Count(log.String(), id) != 2 || strings.Contains(log.String(), "secret") {
		t.Error(w.Code, w.Body, log.String())
	}
	if len(seen.routes) != 1 || seen.routes[0] != "GET /{path} GET 500" {
		t.Error(seen.routes)
	}
}

// certificate writes a pair for 127.0.0.1 with a serial number.
func certificate(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir, 1)
	s := server(t, Options{TLSCert: cert, TLSKey: key})
	if s.Scheme() != "https" {
		t.Error(s.Scheme())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener, http.NotFoundHandler()) }()
	serial := func(config *tls.Config) (int64, error) {
		config.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", listener.Addr().String(), config)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if n, err := serial(&tls.Config{}); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := serial(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is let in")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Get("https://" + listener.Addr().String())
	if err != nil || res.Header.Get("Strict-Transport-Security") == "" {
		t.Error(err, res)
	}
	certificate(t, dir, 2)
	for i := 0; ; i++ {
		n, err := serial(&tls.Config{})
		if n == 2 {
			break
		}
		if i == 100 {
			t.Fatal(n, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	client.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := New(Options{TLSCert: cert}); err == nil {
		t.Error("a certificate without key is taken")
	}
}

func TestStarting(t *testing.T) {
	var l Later
	handler := server(t, Options{}).wrap(&l)
	if w := ask(handler, "GET", "127.0.0.1:1"); w.Code != 503 || !strings.Contains(w.Body.String(), "starting") {
		t.Error(w.Code, w.Body)
	}
	l.Set(http.NotFoundHandler())
	if w := ask(handler, "GET", "127.0.0.1:1"); w.Code != 404 {
		t.Error(w.Code)
	}
}

// What is under way is finished, streams are told, nothing new is taken.
func TestDrain(t *testing.T) {
	s := server(t, Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan bool, 2)
	mux := http.NewServeMux()
	mux.HandleFunc("/work", func(w http.ResponseWriter, _ *http.Request) {
		began <- true
		<-s.Draining()
		time.Sleep(100 * time.Millisecond)
		io.WriteString(w, "done") //nolint:errcheck // read below
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener, mux) }()
	answered := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + listener.Addr().String() + "/work")
		if err == nil {
			var body []byte
			if body, err = io.ReadAll(res.Body); err == nil && string(body) != "done" {
				err = errors.New(string(body))
			}
		}
		answered <- err
	}()
	<-began
	stop()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + listener.Addr().String() + "/work"); err == nil {
		t.Error("still serving")
	}
}

// A page elsewhere whose name leads to this machine, and a proxy that nobody told
// us of, get nothing where this machine alone is served.
func TestSecurityPrivate(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	private, public := server(t, Options{Private: true}).wrap(ok), server(t, Options{}).wrap(ok)
	for host, code := range map[string]int{"127.0.0.1:8080": 200, "localhost:8080": 200, "[::1]:8080": 200, "[::1]": 200, "localhost": 200,
		"evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:8080": 421, "0.0.0.0:8080": 421, "": 421} {
		r := httptest.NewRequest("POST", "/demo", nil)
		r.Host = host
		w := httptest.NewRecorder()
		private.ServeHTTP(w, r)
		if w.Code != code {
			t.Errorf("%q: %d", host, w.Code)
		}
	}
	for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.Header.Set(header, "203.0.113.7")
		w := httptest.NewRecorder()
		private.ServeHTTP(w, r)
		if w.Code != 421 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if w := ask(public, "GET", "127.0.0.1:1"); w.Code != 200 {
		t.Error("where others are served:", w.Code)
	}
}

// A proxy that speaks TLS in our place passes on that nothing else is to be spoken.
func TestSecurityStrictTransport(t *testing.T) {
	handler := server(t, Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}).wrap(http.NotFoundHandler())
	for from, want := range map[string]string{"10.0.0.1:1": "max-age=63072000; includeSubDomains", "203.0.113.7:1": ""} {
		if got := ask(handler, "GET", from).Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q", from, got)
		}
	}
}

// Who holds connections and says nothing keeps nobody else out.
func TestSecurityCrowd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := &crowd{Listener: listener, most: 2, exempt: func(netip.Addr) bool { return false }, held: map[string]int{}}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	accept := func() net.Conn {
		conn, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	dial()
	first := accept()
	dial()
	second := accept()
	refused := dial()
	taken := make(chan net.Conn)
	go func() { taken <- accept() }()
	if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many: %v", err)
	}
	for range 2 { // twice closed is given back once
		first.Close() //nolint:errcheck // the second time it is closed
	}
	dial()
	third := <-taken
	if c.held["127.0.0.1"] != 2 {
		t.Error(c.held)
	}
	second.Close() //nolint:errcheck // the test is over
	third.Close()  //nolint:errcheck // likewise
	if len(c.held) != 0 {
		t.Error(c.held)
	}
}

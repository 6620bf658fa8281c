package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
)

// running is one socho run in this process.
type running struct {
	at     string
	stop   context.CancelFunc
	code   chan int
	client *http.Client
	log    *output
}

// output may be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs socho run until its test ends, and waits until it serves.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r, err := launch(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

func launch(args ...string) (*running, error) {
	ctx, stop := context.WithCancel(context.Background())
	var out, log output
	r := &running{log: &log, stop: stop, code: make(chan int, 1), client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	go func() {
		r.code <- (&Main{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &log}).Run(ctx)
	}()
	for until := time.Now().Add(4 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, rest, ok := strings.Cut(out.String(), "ready "); ok && strings.Contains(rest, "\n") {
			r.at, _, _ = strings.Cut(rest, "\n")
			return r, nil
		}
		select {
		case code := <-r.code:
			stop()
			return nil, fmt.Errorf("socho run ended with %d: %s%s", code, out.String(), log.String())
		default:
		}
		if time.Now().After(until) {
			stop()
			return nil, fmt.Errorf("socho run was never ready: %s%s", out.String(), log.String())
		}
	}
}

func (r *running) ask(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.at+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(r.at, "https") && res.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	return res.StatusCode, string(text)
}

// command runs another command, and returns its exit code and what it printed.
func command(t *testing.T, args ...string) (code int, out, log string) {
	t.Helper()
	var stdout, stderr output
	code = (&Main{Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr}).Run(t.Context())
	return code, stdout.String(), stderr.String()
}

func keyPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// The whole service over TLS: a token made by a command publishes and reads
// within its rights, this machine scrapes, and an end is a clean one. Beyond this
// machine it is not served before there is an administrator.
func TestServeOverTLS(t *testing.T) {
	data := testdb.Dir(t)
	cert, key := keyPair(t)
	r := start(t, "--data", data, "run", "--addr", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(r.at, "https://") {
		t.Fatal(r.at)
	}
	const org = "hg-cho-dong-van"
	code, out, log := command(t, "--data", data, "--json", "token", "create", "books", "--right", "publish.events@"+org, "--right", "see.events@"+org, "--right", "see.figures@"+org)
	var made struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 {
		t.Fatal(code, err, log)
	}
	paid := `{"specversion":"1.0","id":"s1","source":"urn:test","type":"vn.socho.organization.registered.v1","subject":"` + org + `","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","kind":"market","name":"Chợ","unit":"00721"}}`
	for _, c := range []struct {
		method, path, token, body string
		code                      int
		text                      string
	}{
		{"GET", "/healthz", "", "", 200, "ok"},
		{"GET", "/readyz", "", "", 200, "ready"},
		{"GET", "/metrics", "", "", 200, "socho_shard_lag_records"},
		{"GET", "/openapi.json", "", "", 200, `"openapi":"3.1.0"`},
		{"GET", "/api/v1/outcomes", "", "", 401, "not_signed_in"},
		{"GET", "/api/v1/outcomes", "socho_wrong", "", 401, "token_unknown"},
		{"POST", "/api/v1/events?wait=true", made.Secret, paid, 200, `"status":"recorded"`},
		{"POST", "/api/v1/events?wait=true", made.Secret, strings.Replace(paid, org, "hg-cho-khac", 1), 403, "not_allowed"},
		{"GET", "/api/v1/outcomes?organization=" + org, made.Secret, "", 200, `"event_id":"s1"`},
		{"GET", "/api/v1/organizations", made.Secret, "", 403, "see.board"},
		{"GET", "/api/v1/shards", made.Secret, "", 200, `"state":"running"`},
	} {
		if code, text := r.ask(t, c.method, c.path, c.token, c.body); code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s %s: %d %s", c.method, c.path, code, text)
		}
	}
	live, err := http.NewRequestWithContext(t.Context(), "GET", r.at+"/api/v1/adoption/live?domain=fees", nil)
	if err != nil {
		t.Fatal(err)
	}
	live.Header.Set("Authorization", "Bearer "+made.Secret)
	stream, err := r.client.Do(live)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	first := make([]byte, 14)
	if _, err := io.ReadFull(stream.Body, first); err != nil || string(first) != "event: figures" {
		t.Errorf("%q %v", first, err)
	}
	if _, text := r.ask(t, "GET", "/metrics", "", ""); !strings.Contains(text, `socho_outcomes_total{status="recorded",type="organization.registered"} 1`) {
		t.Error("the event is not counted")
	}
	r.stop() // the stream is still open: it ends as well
	if code := <-r.code; code != 0 {
		t.Errorf("ended with %d", code)
	}
	if code, _, log := command(t, "--data", data, "run", "--addr", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key); code != 2 || !strings.Contains(log, "no administrator yet") {
		t.Errorf("beyond this machine: %d %s", code, log)
	}
}

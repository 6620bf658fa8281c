package logpublisher

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socho/ledger/proof"
)

func witness(t *testing.T, p *Publisher, state string) *Witness {
	t.Helper()
	line, err := proof.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{3}, 32)), "witness.example/w1", true)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseSigner(line, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.Keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	return &Witness{Key: key, Log: keys, State: state}
}

// look calls a witness on a log of one shard, which is number 2 in these tests.
func (w *Witness) lookAt(t *testing.T, read proof.Read) (*proof.Signed, error) {
	t.Helper()
	known, err := proof.ParseKeys(w.Log.String() + w.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return w.look(2, read, known)
}

func TestWitness(t *testing.T) {
	data := t.TempDir()
	b := &book{size: 300}
	p := publisher(t, data, b)
	round(t, p)
	w := witness(t, p, filepath.Join(t.TempDir(), "state"))

	server := httptest.NewServer(http.StripPrefix("/log", Handler(p.Dir)))
	defer server.Close()
	remote := NewSource(server.URL + "/log/")
	for _, read := range []proof.Read{Reader(p.Dir, 2), remote.Read(t.Context(), 2)} {
		for range 2 {
			if signed, err := w.lookAt(t, read); err != nil || len(signed.Note.Sigs) != 2 {
				t.Fatal(err)
			}
		}
		b.size += 500
		round(t, p)
	}
	signed, err := w.lookAt(t, Reader(p.Dir, 2))
	if err != nil {
		t.Fatal(err)
	}
	// The operator takes it in: only of a witness that is listed.
	keys, err := p.Keys.Known()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Cosign(p.Dir, keys, signed.Text()); err == nil || !strings.Contains(err.Error(), "keys/witnesses") {
		t.Errorf("a stranger's signature: %v", err)
	}
	if err := os.WriteFile(filepath.Join(p.Keys.Dir, "witnesses"), []byte(w.Key.Public()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if keys, err = p.Keys.Known(); err != nil {
		t.Fatal(err)
	}
	if _, err := Cosign(p.Dir, keys, signed.Text()); err != nil {
		t.Fatal(err)
	}
	round(t, p)
	if c, err := Checkpoint(Reader(p.Dir, 2), keys); err != nil || len(c.Note.Sigs) != 2 {
		t.Errorf("the published checkpoint: %v, %v", c, err)
	}
	sound(t, p, b.size)
	b.size += 10
	round(t, p)
	sound(t, p, b.size)
	if c, err := Cosigned(Reader(p.Dir, 2), keys); err != nil || c.Size != b.size-10 {
		t.Errorf("the cosigned checkpoint: %v, %v", c, err)
	}

	// Another history, or an older checkpoint, is not signed.
	other := publisher(t, t.TempDir(), &book{size: 2000, another: 200})
	round(t, other)
	var fork *proof.ForkError
	if _, err := w.lookAt(t, Reader(other.Dir, 2)); !errors.As(err, &fork) {
		t.Errorf("a second history is signed: %v", err)
	}
	older := publisher(t, t.TempDir(), &book{size: 100})
	round(t, older)
	if _, err := w.lookAt(t, Reader(older.Dir, 2)); err == nil || !strings.Contains(err.Error(), "went back") {
		t.Errorf("a log that went back is signed: %v", err)
	}
	if _, err := w.Look(t.Context(), NewSource(t.TempDir())); err == nil || !strings.Contains(err.Error(), "no published log") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestHandler(t *testing.T) {
	data := t.TempDir()
	p := publisher(t, data, &book{size: 300})
	round(t, p)
	if err := os.WriteFile(filepath.Join(p.Dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := Handler(p.Dir)
	for _, c := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/2/checkpoint", 200, "text/plain; charset=utf-8", "max-age=1"},
		{"GET", "/2/tile/0/000", 200, "application/octet-stream", "immutable"},
		{"HEAD", "/2/tile/entries/000", 200, "application/octet-stream", "immutable"},
		{"GET", "/2/tile/0/001.p/44", 200, "application/octet-stream", "max-age=3600"},
		{"GET", "/2/records/000", 200, "application/octet-stream", "immutable"},
		{"GET", "/2/tile/0/002", 404, "", ""},
		{"GET", "/02/checkpoint", 404, "", ""},
		{"GET", "/2/../secret", 404, "", ""},
		{"GET", "/2/tile/0/", 404, "", ""},
		{"GET", "/2/stopped", 404, "", ""},
		{"GET", "/secret", 404, "", ""},
		{"GET", "/", 404, "", ""},
		{"POST", "/2/checkpoint", 405, "", ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, "http://x"+c.path, nil))
		if w.Code != c.status || c.status == 200 && (w.Header().Get("Content-Type") != c.kind || !strings.Contains(w.Header().Get("Cache-Control"), c.cache)) {
			t.Errorf("%s %s: %d %v", c.method, c.path, w.Code, w.Header())
		}
	}
}

package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"

	"socho/internal/identity"
)

// What a form sends is bounded by its route, and a file comes whole.
func TestFiles(t *testing.T) {
	from := sources(t, newFake())
	s := &site{Sources: from, languages: map[string]*language{}}
	var err error
	if s.languages, err = loadLanguages(); err != nil {
		t.Fatal(err)
	}
	if s.assets, err = loadAssets(); err != nil {
		t.Fatal(err)
	}
	for _, l := range s.languages {
		if l.pages, err = s.parse(l); err != nil {
			t.Fatal(err)
		}
	}
	h := s.page(&route{open: true, upload: 100_000, show: func(r *request) (*view, error) {
		name, content, err := r.uploaded("file")
		if err != nil || r.FormValue("word") != "có" {
			return nil, errBad
		}
		return &view{file: &file{name: name, kind: "text/csv; charset=utf-8", content: bytes.ToUpper(content)}}, nil
	}})
	send := func(size int) *httptest.ResponseRecorder {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		if err := form.WriteField("word", "có"); err != nil {
			t.Fatal(err)
		}
		part, err := form.CreateFormFile("file", "a b.csv")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(bytes.Repeat([]byte("x"), size)) //nolint:errcheck // a buffer
		form.Close()                                //nolint:errcheck // a buffer
		r := httptest.NewRequest(http.MethodPost, "/", &body)
		r.Header.Set("Content-Type", form.FormDataContentType())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(identity.With(r.Context(), identity.CLI())))
		return w
	}
	w := send(90_000)
	if w.Code != http.StatusOK || w.Body.Len() != 90_000 || w.Body.Bytes()[0] != 'X' {
		t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
	}
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="a b.csv"` {
		t.Error(got)
	}
	if w := send(300_000); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d for a file above the bound", w.Code)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
)

// pages are the pages as somebody uses them: by a browser, or without one as a
// reader without scripts would.
type pages interface {
	open(address string)
	source() string // of the page
	// send finds the first form whose fields hold what has says, by name and in their
	// order ("@" is the end of where it goes, "!" its method), fills some in and
	// presses its button.
	// What begins with @ is a file by its path.
	send(has, fill map[string][]string)
}

// byHand is pages without a browser.
type byHand struct {
	*testing.T
	client *http.Client
	at     *url.URL
	body   string
}

func newByHand(t *testing.T, r *running) *byHand {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(r.at)
	if err != nil {
		t.Fatal(err)
	}
	return &byHand{t, &http.Client{Jar: jar}, at, ""}
}

func (h *byHand) source() string { return h.body }

func (h *byHand) open(address string) {
	h.Helper()
	to, err := h.at.Parse(address)
	if err != nil {
		h.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.Context(), http.MethodGet, to.String(), nil)
	if err != nil {
		h.Fatal(err)
	}
	h.ask(req)
}

func (h *byHand) ask(req *http.Request) {
	h.Helper()
	res, err := h.client.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	h.at, h.body = res.Request.URL, string(text)
	if res.StatusCode >= 400 {
		h.Fatalf("%s %s: %d %s", req.Method, h.at.Path, res.StatusCode, inMain(h.body))
	}
}

// inMain is what a page says, for a person who reads why a test failed.
func inMain(source string) string {
	if _, rest, ok := strings.Cut(source, "<main"); ok {
		source = rest
	}
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			b.Write(z.Text())
			b.WriteByte(' ')
		}
	}
}

// webForm is a form of a page.
type webForm struct {
	action, method string
	multipart      bool
	fields         [][2]string // in their order
}

func (f *webForm) values(name string) (all []string) {
	for _, field := range f.fields {
		if field[0] == name {
			all = append(all, field[1])
		}
	}
	return all
}

func attribute(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// formsOf reads the forms of a page with what they would send.
func formsOf(source string) (all []*webForm, err error) {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return nil, err
	}
	var f *webForm
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name, _ := attribute(n, "name")
		value, _ := attribute(n, "value")
		switch n.Data {
		case "form":
			kind, _ := attribute(n, "enctype")
			action, _ := attribute(n, "action")
			method, _ := attribute(n, "method")
			f = &webForm{action: action, method: method, multipart: kind == "multipart/form-data"}
			all = append(all, f)
		case "input":
			kind, _ := attribute(n, "type")
			_, checked := attribute(n, "checked")
			_, off := attribute(n, "disabled")
			if f != nil && name != "" && !off && (checked || kind != "checkbox" && kind != "radio") {
				f.fields = append(f.fields, [2]string{name, value})
			}
		case "select":
			chosen, first := "", true
			for o := range n.Descendants() {
				if o.Type != html.ElementNode || o.Data != "option" {
					continue
				}
				if _, selected := attribute(o, "selected"); selected || first {
					chosen, _ = attribute(o, "value")
				}
				first = false
			}
			if f != nil {
				f.fields = append(f.fields, [2]string{name, chosen})
			}
		}
	}
	return all, nil
}

func (h *byHand) send(has, fill map[string][]string) {
	h.Helper()
	forms, err := formsOf(h.body)
	if err != nil {
		h.Fatal(err)
	}
	i := slices.IndexFunc(forms, func(f *webForm) bool {
		for name, want := range has {
			switch name {
			case "@":
				if !strings.HasSuffix(f.action, want[0]) {
					return false
				}
			case "!":
				if f.method != want[0] {
					return false
				}
			default:
				if !slices.Equal(f.values(name), want) {
					return false
				}
			}
		}
		return true
	})
	if i < 0 {
		h.Fatalf("no form with %v at %s: %s", has, h.at, inMain(h.body))
	}
	f := forms[i]
	values, files := url.Values{}, map[string]string{}
	seen := map[string]int{}
	for _, field := range f.fields {
		name, value := field[0], field[1]
		if n := seen[name]; n < len(fill[name]) {
			value = fill[name][n]
		}
		seen[name]++
		if path, ok := strings.CutPrefix(value, "@"); ok {
			files[name] = path
			continue
		}
		values.Add(name, value)
	}
	for name, some := range fill {
		if seen[name] == 0 { // a box that was not ticked
			values[name] = some
		}
	}
	to, err := h.at.Parse(f.action)
	if err != nil {
		h.Fatal(err)
	}
	if f.method != "post" {
		to.RawQuery = values.Encode()
		h.open(to.String())
		return
	}
	var body bytes.Buffer
	kind := "application/x-www-form-urlencoded"
	if f.multipart {
		kind = h.parts(&body, values, files)
	} else {
		body.WriteString(values.Encode())
	}
	req, err := http.NewRequestWithContext(h.Context(), http.MethodPost, to.String(), &body)
	if err != nil {
		h.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	h.ask(req)
}

func (h *byHand) parts(body *bytes.Buffer, values url.Values, files map[string]string) (kind string) {
	h.Helper()
	w := multipart.NewWriter(body)
	for name, some := range values {
		for _, value := range some {
			if err := w.WriteField(name, value); err != nil {
				h.Fatal(err)
			}
		}
	}
	for name, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			h.Fatal(err)
		}
		part, err := w.CreateFormFile(name, filepath.Base(path))
		if err != nil {
			h.Fatal(err)
		}
		part.Write(content) //nolint:errcheck // a buffer
	}
	w.Close() //nolint:errcheck // a buffer
	return w.FormDataContentType()
}

// byBrowser is pages in a browser.
type byBrowser struct{ *desk }

// source waits where the page is just looking again by itself.
func (d byBrowser) source() string {
	d.t.Helper()
	for tries := 0; ; tries++ {
		text, err := chromedp.Run(d, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
		if err == nil && strings.Contains(text, "</main>") {
			return text
		}
		if tries == 50 {
			d.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (d byBrowser) send(has, fill map[string][]string) {
	d.t.Helper()
	text, err := json.Marshal([]any{has, fill})
	if err != nil {
		d.t.Fatal(err)
	}
	d.mark()
	// The form is found and filled in as byHand does; a file is chosen, and the button
	// clicked, as a person does.
	found := d.run(fmt.Sprintf(`(() => {
		const [has, fill] = %s;
		const of = (f, name) => [...f.elements].filter(e => e.name === name);
		const form = [...document.forms].find(f => Object.entries(has).every(([name, want]) => name === "@" ? (f.getAttribute("action") ?? "").endsWith(want[0]) : name === "!" ? f.method === want[0] :
			JSON.stringify(of(f, name).map(e => e.value)) === JSON.stringify(want)));
		if (!form) return "none";
		form.dataset.chosen = "yes";
		for (const [name, values] of Object.entries(fill ?? {})) {
			of(form, name).forEach((e, i) => {
				if (i >= values.length || values[i].startsWith("@")) return;
				if (e.type === "checkbox") e.checked = true; else e.value = values[i];
			});
		}
		return "";
	})()`, text))
	if found != "" {
		d.t.Fatalf("no form with %v at %s: %s", has, d.address(), d.text())
	}
	for name, values := range fill {
		if path, ok := strings.CutPrefix(values[0], "@"); ok {
			d.do(chromedp.SetUploadFiles(chromedp.CSS(fmt.Sprintf("form[data-chosen] [name=%q]", name)), []string{path}))
		}
	}
	d.run(`(() => { document.querySelector("form[data-chosen] button").click(); return ""; })()`)
	d.turned()
}

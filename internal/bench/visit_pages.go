package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/html"
)

// link is one way on from a page. All links of a kind are as likely together as
// those of another: a list of a hundred bills is one thing to click on.
type link struct{ kind, path string }

// next chooses where to go: on by a link of the page, or back to the beginning.
func (p *person) next() string {
	if len(p.links) == 0 || p.random.IntN(8) == 0 {
		return p.Starts[p.random.IntN(len(p.Starts))]
	}
	var kinds []string
	for _, l := range p.links {
		if !slices.Contains(kinds, l.kind) {
			kinds = append(kinds, l.kind)
		}
	}
	kind := kinds[p.random.IntN(len(kinds))]
	some := slices.DeleteFunc(slices.Clone(p.links), func(l link) bool { return l.kind != kind })
	return some[p.random.IntN(len(some))].path
}

// visit looks at a page, as a browser does: with what it is sent on to, and with
// the files that it has not kept from before.
func (p *person) visit(ctx context.Context, path string) {
	for range redirectsMost {
		res, text := p.measured(ctx, http.MethodGet, path, nil, "")
		if res == nil {
			p.links = nil
			return
		}
		if res.StatusCode == http.StatusSeeOther {
			if path = res.Header.Get("Location"); strings.HasPrefix(path, "/step-up") {
				p.stepUp(ctx, path)
				path = next(path)
			}
			continue
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			p.look(ctx, string(text))
		}
		return
	}
}

// next is where a door leads on to.
func next(path string) string {
	_, query, _ := strings.Cut(path, "?")
	q, err := url.ParseQuery(query)
	if to := q.Get("next"); err == nil && to != "" {
		return to
	}
	return "/work"
}

// stepUp shows again who the person is.
func (p *person) stepUp(ctx context.Context, path string) {
	if res, _ := p.measured(ctx, http.MethodGet, path, nil, ""); res == nil {
		return
	}
	form := url.Values{"secret": {p.Password}, "next": {next(path)}}
	p.measured(ctx, http.MethodPost, "/step-up", strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
}

// look finds the ways on from a page and fetches its files.
func (p *person) look(ctx context.Context, page string) {
	var files []string
	p.links, files = p.waysOn(page)
	for _, file := range files {
		if !p.kept[file] {
			p.kept[file] = true
			p.measured(ctx, http.MethodGet, file, nil, "")
		}
	}
}

// waysOn reads a page: its links and filters, and its files. Doors, other
// languages and colours are left alone.
func (p *person) waysOn(page string) (links []link, files []string) {
	z := html.NewTokenizer(strings.NewReader(page))
	var action, chosen string // the filter being read, and its field
	var fields url.Values
	var options []string
	choose := func() {
		if len(options) > 0 {
			fields.Set(chosen, options[p.random.IntN(len(options))])
		}
		options = nil
	}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return links, files
		}
		name, more := z.TagName()
		if kind == html.EndTagToken {
			switch string(name) {
			case "select":
				choose()
			case "form":
				if action != "" {
					links = append(links, link{"filter of " + action, action + "?" + fields.Encode()})
				}
				action = ""
			}
			continue
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		of := map[string]string{}
		for more {
			var key, value []byte
			key, value, more = z.TagAttr()
			of[string(key)] = string(value)
		}
		switch string(name) {
		case "a":
			if to := of["href"]; p.goes(to) {
				links = append(links, link{p.pattern(http.MethodGet, to), to})
			}
		case "link", "script", "img":
			for _, to := range []string{of["href"], of["src"]} {
				if strings.HasPrefix(to, "/assets/") {
					files = append(files, to)
				}
			}
		case "form":
			if action = ""; of["method"] == "get" {
				action, fields = of["action"], url.Values{}
			}
		case "input":
			switch value := of["value"]; {
			case action == "" || of["name"] == "":
			case of["name"] == "q":
				fields.Set("q", p.crowd.Events[p.random.IntN(len(p.crowd.Events))])
			case value != "":
				fields.Set(of["name"], value)
			}
		case "select":
			chosen = of["name"]
		case "option":
			if action != "" && of["value"] != "" {
				options = append(options, of["value"])
			}
		}
	}
}

func (p *person) goes(to string) bool {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "/sign-in") || strings.HasPrefix(to, "/card?") {
		return false
	}
	return !strings.Contains(to, "lang=") && !strings.Contains(to, "theme=")
}

// ask is what a program does: it goes through lists, and some hand payments in.
func (p *person) ask(ctx context.Context) {
	if p.Pays != "" && p.random.IntN(2) == 0 {
		p.pay(ctx)
		return
	}
	path := p.next()
	_, text := p.measured(ctx, http.MethodGet, path, nil, "")
	p.links = nil
	var list struct {
		Next string `json:"next"`
	}
	if json.Unmarshal(text, &list) == nil && list.Next != "" {
		at, query, _ := strings.Cut(path, "?")
		q, _ := url.ParseQuery(query)
		q.Set("cursor", list.Next)
		p.links = []link{{at, at + "?" + q.Encode()}}
	}
}

// pay hands in a payment in cash of a bill that is nobody's, and waits until it
// is decided.
func (p *person) pay(ctx context.Context) {
	p.paid++
	event := map[string]any{"specversion": "1.0", "id": fmt.Sprintf("visit-%d-%d", p.random.Uint64(), p.paid), "source": "https://pos.example/visit",
		"type": "vn.socho.market.payment_received.v1", "subject": p.Pays, "time": "2026-09-03T08:15:00+07:00",
		"data": map[string]any{"effective_on": "2026-09-03", "bill": "visit-" + strconv.Itoa(p.paid), "amount": "5000", "currency": "VND", "method": "cash", "collector": "nv-01"}}
	text, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts always marshal
	}
	p.measured(ctx, http.MethodPost, "/api/v1/events?wait=true", strings.NewReader(string(text)), "application/json")
}

// Streams is what became of live figures.
type Streams struct {
	Opened   int   `json:"opened"`
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"` // of messages
	Cut      int   `json:"cut"`   // ended, or never began, before the measurement did
}

// listen follows live figures until the end.
func (p *person) listen(ctx context.Context, path string) {
	failure := p.follow(ctx, path)
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	p.crowd.streams.Opened++
	if failure != "" && ctx.Err() == nil {
		p.crowd.streams.Cut++
		if len(p.crowd.failures) < failuresMost {
			p.crowd.failures = append(p.crowd.failures, "a live stream: "+failure)
		}
	}
}

// liveStreams are the figures that listeners follow.
var liveStreams = []string{"/api/v1/adoption/live?domain=fees", "/api/v1/adoption/live?domain=benefits", "/api/v1/adoption/live?domain=fees&by=count&unit=08"}

func (p *person) follow(ctx context.Context, path string) string {
	own := *p.client
	own.Transport = transport(new(atomic.Int64))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.crowd.Address+path, nil)
	if err != nil {
		return err.Error()
	}
	p.introduce(r)
	began := time.Now()
	res, err := own.Do(r)
	if err != nil {
		return reason(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return res.Status
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for first := true; lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data:") {
			if first {
				p.crowd.took("GET /api/v1/adoption/live, first figures", time.Since(began), 0, "")
				first = false
			}
			p.crowd.mu.Lock()
			p.crowd.streams.Messages++
			p.crowd.streams.Bytes += int64(len(lines.Text()))
			p.crowd.mu.Unlock()
		}
	}
	return "ended"
}

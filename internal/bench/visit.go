package bench

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// visits is the visiting process's first line of input.
type visits struct {
	Address   string    `json:"address"` // http://127.0.0.1:…
	Seed      uint64    `json:"seed"`
	Think     int64     `json:"think_ns"` // mean time between an answer and the next request
	People    []visitor `json:"people"`
	Events    []string  `json:"events"` // ids that people search for
	Listeners int       `json:"listeners"`
	Patterns  []string  `json:"patterns"` // of the routes, by which requests are told apart
}

// visitor is one who comes, and what they come in with.
type visitor struct {
	Role     string   `json:"role"` // of identity, or nobody, or program
	Name     string   `json:"name,omitempty"`
	Password string   `json:"password,omitempty"`
	Card     string   `json:"card,omitempty"`
	PIN      string   `json:"pin,omitempty"`
	Token    string   `json:"token,omitempty"` // of a program
	Starts   []string `json:"starts"`          // where they go without a link
	Pays     string   `json:"pays,omitempty"`  // organization whose payments a program hands in
	Listens  bool     `json:"listens"`         // they may see figures
}

// visitTask is each further line: sign in, or go about for so long. It is
// answered with one line.
type visitTask struct {
	For int64 `json:"for_ns"` // 0: sign in
}

// visited is what became of it.
type visited struct {
	Error    string   `json:"error,omitempty"`
	Routes   []*route `json:"routes,omitempty"`
	Failures []string `json:"failures,omitempty"`
	Streams  Streams  `json:"streams"`
}

// route is the requests of one route.
type route struct {
	Route  string          `json:"route"`
	Took   []time.Duration `json:"took"`
	Bytes  int64           `json:"bytes"` // on the wire, head included
	Errors int             `json:"errors"`
}

// Bounds of a visit.
const (
	answerMost    = time.Minute
	pageMost      = 8 << 20
	failuresMost  = 20
	redirectsMost = 5
)

// Visit is the visiting process: it takes its people and then tasks from in and
// answers them on out until in ends. Errors: those of its own lines.
func Visit(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	next := func(to any) (bool, error) {
		if !lines.Scan() {
			return false, lines.Err()
		}
		return true, json.Unmarshal(lines.Bytes(), to)
	}
	var v visits
	if more, err := next(&v); err != nil || !more {
		return errors.Join(errors.New("visits: no people"), err)
	}
	c := newCrowd(v)
	write := json.NewEncoder(out)
	for {
		var t visitTask
		if more, err := next(&t); err != nil || !more {
			return err
		}
		var done visited
		var err error
		if t.For == 0 {
			err = c.signIn(ctx)
		} else {
			done = c.goAbout(ctx, time.Duration(t.For))
		}
		if err != nil {
			done.Error = err.Error()
		}
		if err := write.Encode(done); err != nil {
			return err
		}
	}
}

// crowd is everybody who comes.
type crowd struct {
	visits
	people []*person
	routes *http.ServeMux

	mu       sync.Mutex
	seen     map[string]*route
	failures []string
	streams  Streams
}

func newCrowd(v visits) *crowd {
	c := &crowd{visits: v, routes: http.NewServeMux(), seen: map[string]*route{}}
	for _, pattern := range v.Patterns {
		c.routes.Handle(pattern, http.NotFoundHandler())
	}
	for i, who := range v.People {
		c.people = append(c.people, newPerson(c, who, rand.New(rand.NewPCG(v.Seed, uint64(i))))) //nolint:gosec // a load, no secret
	}
	return c
}

// signIn lets everybody in by the door, one after the other: each costs the
// service 19 MiB and some 30 ms of a core.
func (c *crowd) signIn(ctx context.Context) error {
	for _, p := range c.people {
		if err := p.enter(ctx); err != nil {
			return fmt.Errorf("a %s cannot sign in: %w", p.Role, err)
		}
	}
	return nil
}

// goAbout lets everybody come and go for a while, and those listen who do.
func (c *crowd) goAbout(ctx context.Context, d time.Duration) visited {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range c.people {
		all.Go(func() { p.goAbout(ctx) })
	}
	opened := 0
	for opened < c.Listeners {
		before := opened
		for _, p := range c.people {
			if p.Listens && opened < c.Listeners {
				path := liveStreams[opened%len(liveStreams)]
				all.Go(func() { p.listen(ctx, path) })
				opened++
			}
		}
		if opened == before {
			break
		}
	}
	all.Wait()
	done := visited{Failures: c.failures, Streams: c.streams}
	for _, r := range c.seen {
		done.Routes = append(done.Routes, r)
	}
	return done
}

// took notes a request; a failure says what was not as it should be.
func (c *crowd) took(pattern string, d time.Duration, bytes int64, failure string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.seen[pattern]
	if r == nil {
		r = &route{Route: pattern}
		c.seen[pattern] = r
	}
	r.Took = append(r.Took, d)
	r.Bytes += bytes
	if failure != "" {
		r.Errors++
		if len(c.failures) < failuresMost {
			c.failures = append(c.failures, pattern+": "+failure)
		}
	}
}

// person is one visitor at their browser, or a program.
type person struct {
	visitor
	crowd  *crowd
	random *rand.Rand
	client *http.Client
	read   atomic.Int64 // bytes off the wire
	kept   map[string]bool
	links  []link // of the page before them
	paid   int
}

func newPerson(c *crowd, who visitor, random *rand.Rand) *person {
	p := &person{visitor: who, crowd: c, random: random, kept: map[string]bool{}}
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no way to fail
	}
	p.client = &http.Client{Jar: jar, Transport: transport(&p.read),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p
}

// transport keeps one connection of the person's own, so that what comes over it
// while a request is under way is that request's answer.
func transport(read *atomic.Int64) *http.Transport {
	dial := &net.Dialer{}
	return &http.Transport{DisableCompression: true, MaxConnsPerHost: 1, ResponseHeaderTimeout: answerMost,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial.DialContext(ctx, network, address)
			return &countedConn{conn, read}, err
		}}
}

type countedConn struct {
	net.Conn
	read *atomic.Int64
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// enter signs the person in.
func (p *person) enter(ctx context.Context) error {
	var form url.Values
	door := "/sign-in"
	switch {
	case p.Card != "":
		door = "/card"
		if _, err := p.plain(ctx, http.MethodGet, "/card?card="+url.QueryEscape(p.Card), nil, http.StatusSeeOther); err != nil {
			return err
		}
		form = url.Values{"pin": {p.PIN}}
	case p.Name != "":
		form = url.Values{"name": {p.Name}, "password": {p.Password}}
	default:
		return nil
	}
	_, err := p.plain(ctx, http.MethodPost, door, form, http.StatusSeeOther)
	return err
}

// plain makes a request that is not measured.
func (p *person) plain(ctx context.Context, method, path string, form url.Values, want int) (string, error) {
	res, err := p.send(ctx, method, path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%s %s: %s", method, door(path), res.Status)
	}
	return res.Header.Get("Location"), err
}

// door is an address without what may be secret in it.
func door(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

func (p *person) send(ctx context.Context, method, path string, body io.Reader, kind string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.crowd.Address+path, body)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
	} else {
		r.Body, r.ContentLength = nil, 0
	}
	r.Header.Set("Accept-Encoding", "gzip")
	p.introduce(r)
	return p.client.Do(r)
}

// introduce says who asks, where cookies do not.
func (p *person) introduce(r *http.Request) {
	if p.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.Token)
		return
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "vi")
}

// goAbout asks for one thing after the other, with time to read in between.
func (p *person) goAbout(ctx context.Context) {
	for {
		if sleep(ctx, time.Duration(p.random.ExpFloat64()*float64(p.crowd.Think))) != nil {
			return
		}
		if p.Token != "" {
			p.ask(ctx)
		} else {
			p.visit(ctx, p.next())
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// measured makes a request, reads the whole answer and notes both. A request
// that the end of the measurement cuts off is not noted.
func (p *person) measured(ctx context.Context, method, path string, body io.Reader, kind string) (*http.Response, []byte) {
	pattern := p.pattern(method, path)
	from, began := p.read.Load(), time.Now()
	res, err := p.send(ctx, method, path, body, kind)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(res.Body, pageMost))
		res.Body.Close()
	}
	took, bytes := time.Since(began), p.read.Load()-from
	if ctx.Err() != nil {
		return nil, nil
	}
	failure := ""
	switch {
	case err != nil:
		failure = "no answer: " + reason(err)
	case !usual(pattern, res.StatusCode):
		failure = res.Status
	}
	p.crowd.took(pattern, took, bytes, failure)
	if failure != "" {
		return nil, nil
	}
	if res.Header.Get("Content-Encoding") == "gzip" {
		if z, err := gzip.NewReader(strings.NewReader(string(text))); err == nil {
			text, _ = io.ReadAll(io.LimitReader(z, pageMost))
		}
	}
	return res, text
}

// reason is an error without the address that was asked for.
func reason(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return err.Error()
}

// usual says that an answer is one that people get who do nothing wrong. A figure
// names the events behind it to everybody, but not everybody may open them; and
// the proof of a record that was just decided is signed a moment later.
func usual(pattern string, status int) bool {
	switch status {
	case http.StatusOK, http.StatusSeeOther:
		return true
	case http.StatusForbidden:
		return pattern == "GET /events/{shard}/{offset}" || strings.HasSuffix(pattern, "/receipt")
	case http.StatusConflict:
		return strings.HasSuffix(pattern, "/receipt")
	}
	return false
}

// pattern names the route that a request takes.
func (p *person) pattern(method, path string) string {
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		return method + " elsewhere"
	}
	_, pattern := p.crowd.routes.Handler(r)
	if pattern == "" {
		return method + " elsewhere"
	}
	return pattern
}

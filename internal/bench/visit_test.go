package bench

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestWaysOn: people follow links and filters, and leave doors, languages and
// other sites alone.
func TestWaysOn(t *testing.T) {
	c := newCrowd(visits{Events: []string{"e-1"}, Patterns: []string{"GET /bills/{org}/{bill}", "GET /assets/{sum}/{name}"}})
	p := newPerson(c, visitor{}, rand.New(rand.NewPCG(1, 2)))
	links, files := p.waysOn(`<link href="/assets/1/a.css"><img src="/assets/1/b.svg"><a href="/bills/o/b&amp;1?x=1">a</a><a href="/?lang=en">b</a>
		<a href="https://other.example/">c</a><a href="/sign-in">d</a><a href="/card?card=x">e</a><a href="#here">f</a>
		<form method="get" action="/figures"><input type="hidden" name="by" value="count"><select name="unit"><option value="08">g</select></form>
		<form method="post" action="/sign-out"><input name="x" value="y"><select name="z"><option value="1"></select></form>
		<form method="get" action="/events"><input name="q"></form>`)
	want := []link{{"GET /bills/{org}/{bill}", "/bills/o/b&1?x=1"}, {"filter of /figures", "/figures?by=count&unit=08"}, {"filter of /events", "/events?q=e-1"}}
	if !slices.Equal(links, want) {
		t.Errorf("links %q, want %q", links, want)
	}
	if want := []string{"/assets/1/a.css", "/assets/1/b.svg"}; !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	if got := next("/step-up?next=%2Fpeople"); got != "/people" {
		t.Error(got)
	}
}

// TestUsual: every answer that is not what somebody gets who does nothing wrong
// is a failure, and is counted with its route.
func TestUsual(t *testing.T) {
	for _, c := range []struct {
		pattern string
		status  int
		want    bool
	}{
		{"GET /work", http.StatusOK, true},
		{"GET /work", http.StatusSeeOther, true},
		{"GET /work", http.StatusNotFound, false},
		{"GET /work", http.StatusTooManyRequests, false},
		{"GET /work", http.StatusServiceUnavailable, false},
		{"GET /api/v1/events/{shard}/{offset}/receipt", http.StatusConflict, true},
		{"GET /api/v1/outcomes", http.StatusConflict, false},
	} {
		if got := usual(c.pattern, c.status); got != c.want {
			t.Errorf("%s %d: %v", c.pattern, c.status, got)
		}
	}
	c := newCrowd(visits{})
	c.took("b", time.Millisecond, 1000, "")
	c.took("b", 3*time.Millisecond, 3000, "500 Internal Server Error")
	c.took("a", 2*time.Millisecond, 500, "")
	var r PagesReport
	done := visited{Failures: c.failures, Streams: Streams{Opened: 2, Cut: 1}}
	for _, one := range c.seen {
		done.Routes = append(done.Routes, one)
	}
	r.add(done, time.Second)
	if r.Requests != 3 || r.Failed != 2 || len(r.Failures) != 1 || len(r.Routes) != 2 || r.Routes[0].Route != "b" || *r.Routes[0].Bytes != 2000 || r.Routes[0].Errors != 1 || *r.AllMS.Max != 3 {
		t.Errorf("%+v", r)
	}
}

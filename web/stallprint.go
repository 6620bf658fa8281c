package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Printing a market takes a while, so it is done behind the pages: whoever asked
// sees how far it is, and takes the file when it is done. Jobs live in this
// process: where it ends, or where the next request comes to another one, printing
// is begun again, and every card keeps its serial.

// Bounds of printing.
const (
	printsAtOnce = 2                // documents are drawn at once; each keeps a processor busy
	printsKept   = 12               // jobs remembered, with their files
	printTime    = 10 * time.Minute // for one
	printKeep    = time.Hour        // from when it was done until its file is forgotten
)

// printings are the jobs of this process.
type printings struct {
	mu   sync.Mutex
	jobs map[string]*printJob
}

// printJob is one printing. Its fields are read and written under the lock.
type printJob struct {
	organization, actor string
	cards               string // what it prints, for the name of the file
	done, of            int
	document            []byte
	problem             string // key of the words; empty while all is well
	finished            time.Time
}

// begin notes a job; not ok where as many as may are under way. A job that is
// known already is the same one: the form was sent twice.
func (p *printings) begin(id string, job *printJob) (fresh, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs == nil {
		p.jobs = map[string]*printJob{}
	}
	if have := p.jobs[id]; have != nil {
		return false, have.organization == job.organization
	}
	running, oldest := 0, ""
	for id, j := range p.jobs {
		switch {
		case j.finished.IsZero():
			running++
		case time.Since(j.finished) > printKeep:
			delete(p.jobs, id)
		case oldest == "" || j.finished.Before(p.jobs[oldest].finished):
			oldest = id
		}
	}
	if running >= printsAtOnce {
		return false, false
	}
	if len(p.jobs) >= printsKept && oldest != "" {
		delete(p.jobs, oldest)
	}
	p.jobs[id] = job
	return true, true
}

// of returns a job as it stands; not ok where it is not known, or another
// organization's.
func (p *printings) of(id, organization string) (printJob, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	job := p.jobs[id]
	if job == nil || job.organization != organization {
		return printJob{}, false
	}
	return *job, true
}

func (p *printings) set(job *printJob, change func(*printJob)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(job)
}

// printAll begins printing every stall's card.
func (s *site) printAll(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	return s.startPrint(r, CardOrder{Organization: o.Organization, Single: r.PostFormValue("layout") == "card", Actor: actor(r.who), ID: r.PostFormValue("id")})
}

// startPrint begins a job and leads to where one sees how far it is.
func (s *site) startPrint(r *request, order CardOrder) (*view, error) {
	if id, err := uuid.Parse(order.ID); err != nil || id.Version() != 7 {
		return nil, errBad
	}
	job := &printJob{organization: order.Organization, actor: order.Actor, cards: strings.Join(order.Stalls, "-")}
	fresh, ok := s.prints.begin(order.ID, job)
	if !ok {
		return nil, errTooOften
	}
	if fresh {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), printTime)
		go func() {
			defer cancel()
			s.runPrint(ctx, order, job)
		}()
	}
	return see("/markets/"+order.Organization+"/prints/"+order.ID, ""), nil
}

func (s *site) runPrint(ctx context.Context, order CardOrder, job *printJob) {
	problem := "fault" // also where it panics
	var document []byte
	defer func() {
		if p := recover(); p != nil {
			s.Log.ErrorContext(ctx, "printing failed", "organization", order.Organization, "panic", p)
		}
		s.prints.set(job, func(j *printJob) { j.document, j.problem, j.finished = document, problem, time.Now() })
	}()
	made, err := s.Cards.Print(ctx, order, func(done, of int) { s.prints.set(job, func(j *printJob) { j.done, j.of = done, of }) })
	var known *CardProblem
	switch {
	case errors.As(err, &known):
		problem = known.Key
	case err != nil:
		s.Log.ErrorContext(ctx, "printing failed", "organization", order.Organization, "error", err)
	default:
		document, problem = made, ""
	}
}

type printPage struct {
	Organization string
	Done, Of     int
	Finished     bool
	Problem      string // key
	File         string
	Bytes        int64
}

// printing shows how far a job is. It comes again by itself, without scripts.
func (s *site) printing(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	job, ok := s.prints.of(r.PathValue("print"), o.Organization)
	if !ok {
		return nil, &failure{http.StatusNotFound, "print"}
	}
	page := printPage{Organization: o.Organization, Done: job.done, Of: job.of, Finished: !job.finished.IsZero(), Problem: job.problem, Bytes: int64(len(job.document))}
	v := &view{template: "stallprint", title: r.language.say("stallprint.title"), section: "market",
		crumbs: append(r.crumbs(o), crumb{r.language.say("stallcards.link"), "/markets/" + o.Organization + "/cards"}), data: &page}
	if page.Finished && page.Problem == "" {
		page.File = r.URL.Path + "/file"
	} else if !page.Finished {
		v.again = 2 * time.Second
	}
	return v, nil
}

// printed hands the file over.
func (s *site) printed(r *request) (*view, error) {
	job, ok := s.prints.of(r.PathValue("print"), r.PathValue("org"))
	if !ok || job.document == nil {
		return nil, &failure{http.StatusNotFound, "print"}
	}
	name := "the-" + job.organization
	if job.cards != "" {
		name += "-" + job.cards
	}
	return &view{file: &file{name: name + ".pdf", kind: "application/pdf", content: job.document}}, nil
}

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/sync/singleflight"

	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/internal/service"
	"socho/projections"
)

const followAdoption = "follow-adoption"

// Bounds of live streams.
const (
	maxStreams  = 1024             // in this process
	ownStreams  = 8                // of one principal
	pulse       = time.Second      // between looks for new records
	heartbeat   = 15 * time.Second // after which a silent stream says something
	sendTime    = 10 * time.Second // for one message to be taken
	longestTime = time.Hour        // after which the client comes again, and is asked for its right anew
)

// live shares what streams ask, so that many who watch the same figures cost as
// much as one.
type live struct {
	service *service.Service
	answers *readmodel.Live
	asked   singleflight.Group

	mu     sync.Mutex
	open   map[string]int // by principal
	all    int
	at     map[int]int64 // how far adoption facts are folded
	looked time.Time
	shown  map[string]told // by question: the last answer
}

// told is an answer as it is sent, as of which position, and when.
type told struct {
	as   string
	at   time.Time
	text []byte
}

func newLive(s *service.Service, answers *readmodel.Live) *live {
	return &live{service: s, answers: answers, open: map[string]int{}, shown: map[string]told{}}
}

func (l *live) enter(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxStreams || l.open[who] >= ownStreams {
		return false
	}
	l.all++
	l.open[who]++
	return true
}

func (l *live) leave(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[who]--; l.open[who] == 0 {
		delete(l.open, who)
	}
}

// position is how far figures have come, asked for at most once a pulse.
func (l *live) position(ctx context.Context) (map[int]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.looked) < pulse/2 {
		return l.at, nil
	}
	all, err := l.service.Read.Positions(ctx)
	if err != nil {
		return nil, err
	}
	l.at, l.looked = all["adoption"], time.Now()
	return l.at, nil
}

// figures works a question out once for all who ask it at one position. What
// takes long is as of a position before; see readmodel.Live.
func (l *live) figures(ctx context.Context, q projections.Query, at string) (told, error) {
	key := fmt.Sprint(q.Domain, "|", q.By, "|", q.Period, "|", q.Unit)
	l.mu.Lock()
	last := l.shown[key]
	l.mu.Unlock()
	if last.as == at || time.Since(last.at) < pulse/2 {
		return last, nil
	}
	found, err, _ := l.asked.Do(key, func() (any, error) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		all, err := l.answers.Figures(asking, q)
		if err != nil {
			return told{}, err
		}
		figures := figuresOf(all)
		now := told{as: at, at: time.Now()}
		if len(figures.Items) > 0 {
			now.as = fmt.Sprint(figures.Items[0].Position)
		}
		if now.text, err = json.Marshal(figures); err != nil {
			return told{}, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.shown) >= maxStreams {
			clear(l.shown)
		}
		l.shown[key] = now
		return now, nil
	})
	if err != nil {
		return told{}, err
	}
	return found.(told), nil
}

// Progress says how far the figures have come.
type Progress struct {
	Position map[int]int64 `json:"position" doc:"Offset, by shard, up to which facts are folded."`
}

func describeLive(op *huma.Operation) {
	op.Responses = map[string]*huma.Response{"200": {Description: "A stream of server-sent events: figures, whose data is as that of get-adoption, and position, whose data is {\"position\":{…}}.",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeObject, Description: "One event.", Required: []string{"event", "data"},
			Properties: map[string]*huma.Schema{"event": {Type: huma.TypeString, Enum: []any{"figures", "position"}}, "data": {Type: huma.TypeString, Description: "JSON."}}}}}}}
}

// follow answers with the figures, and again whenever they may have changed,
// until the client leaves, the server ends, or the client has to show its right
// anew.
func (a *API) follow(ctx context.Context, in *FigureQuery) (*huma.StreamResponse, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	who := identity.From(ctx).ID
	if !a.live.enter(who) {
		busy := problem(http.StatusTooManyRequests, "too_many_streams", "Too many live streams are open.")
		busy.retryAfter = "30"
		return nil, busy
	}
	ended := a.Observer.Stream()
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer a.live.leave(who)
		defer ended()
		_, w := humago.Unwrap(c)
		until, cancel := context.WithTimeout(c.Context(), longestTime)
		defer cancel()
		s := stream{w, http.NewResponseController(w)}
		if err := s.begin(); err == nil {
			err = a.feed(until, s, q)
			if err != nil && until.Err() == nil {
				a.Log.DebugContext(ctx, "stream ended", "reason", err)
			}
		}
	}}, nil
}

func (a *API) feed(ctx context.Context, s stream, q projections.Query) error {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	var shown string
	said := time.Now()
	for {
		at, err := a.live.position(ctx)
		if err != nil {
			return err
		}
		if now := fmt.Sprint(at); now != shown {
			figures, err := a.live.figures(ctx, q, now)
			if err != nil {
				return err
			}
			if figures.as != shown {
				if err := s.send("figures", figures.text); err != nil {
					return err
				}
				shown, said = figures.as, time.Now()
			}
		}
		if time.Since(said) >= heartbeat {
			text, err := json.Marshal(Progress{at})
			if err == nil {
				err = s.send("position", text)
			}
			if err != nil {
				return err
			}
			said = time.Now()
		}
		select {
		case <-tick.C:
		case <-a.Draining:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stream writes server-sent events (WHATWG HTML, 9.2).
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// begin takes the bounds of ordinary requests off and sends the head.
func (s stream) begin() error {
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// send writes one message. Between messages there is no deadline: over HTTP/2
// one that passes ends the stream.
func (s stream) send(event string, text []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	return s.control.SetWriteDeadline(time.Time{})
}

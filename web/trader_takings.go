package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// Bounds of the page of takings and of its stream.
const (
	takingsShown   = 100              // of a day, on the page
	takingsAtATime = 100              // read for one message after the other
	takingsSilent  = 15 * time.Second // after which a stream says that it lives, and looks by itself
	takingsTime    = 10 * time.Minute // after which the telephone comes again, and is asked for its right anew
	takingsSend    = 10 * time.Second // for one message to be taken
)

// shownSale is a sale as the page and its stream show it.
type shownSale struct {
	ID      string `json:"id"` // of the event
	At      int64  `json:"at"` // offset of what changed it last
	On      string `json:"on"`
	Clock   string `json:"clock"`
	Amount  string `json:"amount"`
	How     string `json:"how"`
	Method  string `json:"method"`
	Undone  bool   `json:"undone"`
	MayUndo bool   `json:"-"`
	UndoID  string `json:"-"` // of the fact that takes it back
	Source  string `json:"-"`
}

func (l *language) sale(s *projections.Sale) shownSale {
	return shownSale{ID: s.EventID, At: s.Changed, On: string(s.EffectiveOn), Clock: s.SaidAt.In(vietnam).Format("15:04"), Amount: l.minor(s.Amount, s.Currency),
		How: l.word("sale", s.Method), Method: s.Method, Undone: s.UndoneOn != "", Source: s.Source}
}

type takingsPage struct {
	Base      string
	Stream    string
	Today     events.Date
	Sum       money.Total
	Cash      money.Total
	Count     int64
	After     int64 // what is shown is as of this offset
	Sales     []shownSale
	More      bool
	Connected bool
	Asked     bool
}

// takings shows what came in today, the latest on top; a script of ours keeps it
// up to date, with a sound. Without it, the page is loaded again.
func (s *site) takings(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	page := takingsPage{Base: traderBase(r.who), Today: today()}
	page.Stream = page.Base + "/takings/stream"
	// The sum first: what comes between the two is told again by the stream, and a
	// row that is there already is not added twice.
	sum, err := s.Traders.Sales.SumOfDay(r.Context(), t, page.Today)
	if err != nil {
		return nil, err
	}
	page.Sum, page.Cash, page.Count, page.After = sum.Sum, sum.Cash, sum.Count, sum.At
	list, err := s.Traders.Sales.SalesOfDay(r.Context(), t, page.Today, takingsShown+1)
	if err != nil {
		return nil, err
	}
	page.More = len(list) > takingsShown
	for i := range list[:min(len(list), takingsShown)] {
		one := r.language.sale(&list[i])
		one.MayUndo, one.UndoID = list[i].Method == "cash" && list[i].UndoneOn == "" && list[i].Source == source, newID()
		page.Sales = append(page.Sales, one)
	}
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	account := ofAccount(now)
	page.Connected, page.Asked = account != nil, account != nil && account.State != accountProved
	return &view{template: "takings", title: r.language.say("takings.title"), section: "takings", data: page}, nil
}

// takingsStream is the one address that answers for longer than a page may take: a
// stream of server-sent events (WHATWG HTML, 9.2). Each carries the offset that it is
// as of; a telephone that was away comes back with the last one it saw, and is told
// what has changed since, no more and no less.
func (s *site) takingsStream() http.Handler {
	to := route{pattern: "GET /trader/{org}/{stall}/takings/stream", rights: rights{identity.KeepSales}, where: inPath}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visit := &request{r, identity.From(r.Context()), s.choose(w, r), "", r.URL.Query(), nil}
		t, err := s.admitStream(visit, &to)
		if err != nil {
			plain(w, asFailure(err).status, "no stream\n") // a page's script asks again later
			return
		}
		after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			after, err = strconv.ParseInt(last, 10, 64)
		}
		if err != nil || after < -1 {
			plain(w, http.StatusBadRequest, "no stream\n")
			return
		}
		changed, leave, ok := s.Traders.Takings.Watch(t)
		if !ok {
			w.Header().Set("Retry-After", "30")
			plain(w, http.StatusTooManyRequests, "too many streams\n")
			return
		}
		defer leave()
		ctx, cancel := context.WithTimeout(r.Context(), takingsTime)
		defer cancel()
		feed := &takingsFeed{site: s, language: visit.language, trader: t, after: after, w: w, control: http.NewResponseController(w)}
		if err := feed.run(ctx, changed); err != nil && ctx.Err() == nil {
			s.Log.DebugContext(ctx, "a stream of takings ended", "reason", err)
		}
	})
}

// admitStream asks what every page asks before it shows anything.
func (s *site) admitStream(r *request, to *route) (readmodel.Trader, error) {
	if len(r.RequestURI) > maxRawURL || !legible(r.URL.Path) {
		return readmodel.Trader{}, errBad
	}
	if err := s.admit(r, to); errors.Is(err, identity.ErrNotSignedIn) {
		return readmodel.Trader{}, &failure{http.StatusUnauthorized, "forbidden"}
	} else if err != nil {
		return readmodel.Trader{}, err
	}
	t, _, err := s.trader(r)
	return t, err
}

// takingsFeed is one stream.
type takingsFeed struct {
	*site
	language *language
	trader   readmodel.Trader
	after    int64
	w        http.ResponseWriter
	control  *http.ResponseController
}

func (f *takingsFeed) run(ctx context.Context, changed <-chan struct{}) error {
	if err := f.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	h := f.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	f.w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(takingsSilent)
	defer beat.Stop()
	if err := f.send(fmt.Appendf(nil, "retry: 3000\n\n")); err != nil {
		return err
	}
	for {
		if err := f.tell(ctx); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-beat.C: // looks by itself as well, should a word have been lost
			if err := f.send([]byte(": here\n\n")); err != nil {
				return err
			}
		case <-f.Traders.Draining:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell sends what has changed since, and then the day's sum as of that. All of it is
// one piece: where it does not arrive whole, the telephone asks again from before.
func (f *takingsFeed) tell(ctx context.Context) error {
	for {
		list, err := f.Traders.Sales.SalesAfter(ctx, f.trader, f.after, takingsAtATime)
		if err != nil || len(list) == 0 {
			return err
		}
		var text []byte
		for i := range list {
			if text, err = message(text, "sale", list[i].Changed, f.language.sale(&list[i])); err != nil {
				return err
			}
		}
		on := today()
		sum, err := f.Traders.Sales.SumOfDay(ctx, f.trader, on)
		if err != nil {
			return err
		}
		f.after = list[len(list)-1].Changed
		if text, err = message(text, "sum", f.after, map[string]any{"on": on, "sum": f.language.total(sum.Sum, money.VND), "cash": f.language.total(sum.Cash, money.VND),
			"count": f.language.say("takings.count", "n", f.language.number(sum.Count))}); err != nil {
			return err
		}
		if err := f.send(text); err != nil {
			return err
		}
		if len(list) < takingsAtATime {
			return nil
		}
	}
}

// message adds one event to a stream.
func message(to []byte, event string, id int64, data any) ([]byte, error) {
	b, err := json.Marshal(data)
	return fmt.Appendf(to, "id: %d\nevent: %s\ndata: %s\n\n", id, event, b), err
}

// send writes messages. Between them there is no deadline: over HTTP/2 one that
// passes ends the stream.
func (f *takingsFeed) send(text []byte) error {
	deadline := func(t time.Time) error {
		if err := f.control.SetWriteDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
	if err := deadline(time.Now().Add(takingsSend)); err != nil {
		return err
	}
	if _, err := f.w.Write(text); err != nil {
		return err
	}
	if err := f.control.Flush(); err != nil {
		return err
	}
	return deadline(time.Time{})
}

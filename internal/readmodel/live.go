package readmodel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/singleflight"

	"socho/projections"
)

// Live answers for figures as they stand, for many who ask at once. What is asked
// for by the hundred must not read a year's facts each time, and a year's payments
// must not be in memory together, so Live keeps what payments come to and, by
// domain, whether anything has been said since: of the facts that are new it
// reads each once. An answer is given again while nothing of its domain is new;
// one that took long to work out also for a while after that, and it says as of
// which position it holds.
//
// The zero value is of no use; see NewLive.
type Live struct {
	db      *DB
	working chan struct{} // as many as may work an answer out side by side
	asked   singleflight.Group

	refreshing sync.Mutex
	changes    int64 // that were seen

	mu      sync.Mutex
	known   *known
	looked  time.Time
	answers map[string]*given
}

// LiveAge is how old what Live knows may be when it is used.
const LiveAge = 20 * time.Millisecond

// Bounds of what Live keeps and does.
const (
	maxAnswers   = 512
	worksAtOnce  = 2
	longAnswer   = 100 * time.Millisecond // an answer that took less is always worked out anew
	answerShare  = 10                     // one that took longer is given for so many times as long
	workTime     = 30 * time.Second
	lookTime     = 10 * time.Minute // the first look reads all there is
	digestMemory = "32MB"           // for PostgreSQL to put a figure's payments in order
)

// NewLive answers from the tables that db reads.
func NewLive(db *DB) *Live {
	return &Live{db: db, working: make(chan struct{}, worksAtOnce), answers: map[string]*given{}}
}

// given is an answer with what it rests on.
type given struct {
	figures []projections.Figure
	total   int
	version int64
	took    time.Duration
	at      time.Time
}

// LatestPeriod is DB.LatestPeriod. Errors: ErrNotFound.
func (l *Live) LatestPeriod(ctx context.Context, domain string) (month string, err error) {
	err = l.look(ctx, func(k *known) error {
		month = projections.LatestComplete(k.greatest[domain])
		return nil
	})
	if err == nil && month == "" {
		err = ErrNotFound
	}
	return month, err
}

// Figures is DB.Figures without the events.
func (l *Live) Figures(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	if len(q.AsOf.Next) > 0 || !q.AsOf.RecordedAt.IsZero() {
		figures, err := l.db.Figures(ctx, q)
		cutEvents(figures, 0, 0)
		return figures, err
	}
	figures, _, err := l.Behind(ctx, q, 0, 0)
	return figures, err
}

// Behind is Figures with a part of the events behind the figures, from a place on
// in the order of the log, and how many there are in all. A place beyond the last
// is the first. Events are those of the query's By, which it has to name for that.
func (l *Live) Behind(ctx context.Context, q projections.Query, from, limit int) ([]projections.Figure, int, error) {
	by := q.By
	if q.Domain == projections.Fees {
		q.By = "" // all kinds of rate have the same payments behind them
	}
	figures, total, err := l.answer(ctx, "figures", q, fmt.Sprint(from, " ", limit), func(ctx context.Context) ([]projections.Figure, int, error) {
		if q.Domain == projections.Fees {
			return l.payments(ctx, q, from, limit)
		}
		return l.db.Behind(ctx, q, from, limit)
	})
	if err == nil && q.By != by {
		figures, err = projections.OfUnits(figures, projections.Query{Domain: q.Domain, By: by})
	}
	return figures, total, err
}

// Behind is Figures with a part of the events; see Live.Behind.
func (db *DB) Behind(ctx context.Context, q projections.Query, from, limit int) ([]projections.Figure, int, error) {
	figures, err := db.Figures(ctx, q)
	return figures, cutEvents(figures, from, limit), err
}

// cutEvents leaves a part of the events with figures and returns how many there
// were of the last one.
func cutEvents(figures []projections.Figure, from, limit int) (total int) {
	for i := range figures {
		f := &figures[i]
		total = len(f.Events)
		at := from
		if at >= total {
			at = 0
		}
		f.Events = slices.Clone(f.Events[at:min(at+limit, total)])
	}
	return total
}

// Trend is DB.Trend without digests.
func (l *Live) Trend(ctx context.Context, q projections.Query, months int) ([]projections.Figure, error) {
	var sums []projections.FeeSum
	var all []string
	var at map[int]int64
	err := l.look(ctx, func(k *known) error {
		if q = k.named(q); q.Period == "" {
			return nil
		}
		of, err := projections.Months(q.Period)
		if err != nil {
			return err
		}
		all, at = projections.MonthsBefore(of[len(of)-1], min(max(months, 1), MaxMonths)), k.at
		if q.Domain == projections.Fees {
			sums = k.sums()
		}
		return nil
	})
	var figures []projections.Figure
	for _, month := range all {
		q.Period = month
		var some []projections.Figure
		if err == nil && q.Domain == projections.Fees {
			some, err = projections.EvaluateFees(sums, q)
			say(some, at)
		} else if err == nil {
			some, err = l.summed(ctx, q)
		}
		if err != nil {
			return nil, err
		}
		figures = append(figures, some...)
	}
	return figures, err
}

// Breakdown is DB.Breakdown without digests.
func (l *Live) Breakdown(ctx context.Context, q projections.Query) (figures []projections.Figure, err error) {
	err = l.look(ctx, func(k *known) (err error) {
		if q = k.named(q); q.Domain == projections.Fees {
			figures, err = projections.EvaluateFeeUnits(k.sums(), q)
			say(figures, k.at)
		}
		return err
	})
	if err != nil || q.Domain == projections.Fees {
		return figures, err
	}
	if figures, err = l.units(ctx, q); err != nil {
		return nil, err
	}
	return projections.OfUnits(figures, q)
}

// summed is Figures for a period that is named, without digests.
func (l *Live) summed(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	units, err := l.units(ctx, q)
	if err != nil {
		return nil, err
	}
	figures, err := projections.Sum(units, q)
	if len(units) > 0 {
		say(figures, units[0].Position)
	} else {
		err = errors.Join(err, l.look(ctx, func(k *known) error { say(figures, k.at); return nil }))
	}
	return figures, err
}

// units is all that a period's figures of a domain are added up from: one for
// each unit and kind of rate.
func (l *Live) units(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	q = projections.Query{Domain: q.Domain, Period: q.Period}
	figures, _, err := l.answer(ctx, "units", q, "", func(ctx context.Context) ([]projections.Figure, int, error) {
		figures, err := l.db.Breakdown(ctx, q)
		for i := range figures {
			figures[i].Digest = ""
		}
		return figures, 0, err
	})
	return figures, err
}

// answer gives an answer again, or works it out, once for all who ask meanwhile.
func (l *Live) answer(ctx context.Context, what string, q projections.Query, more string, work func(context.Context) ([]projections.Figure, int, error)) ([]projections.Figure, int, error) {
	var k known
	if err := l.look(ctx, func(now *known) error {
		k = known{at: now.at, version: maps.Clone(now.version)}
		return nil
	}); err != nil {
		return nil, 0, err
	}
	key := strings.Join([]string{what, q.Domain, q.By, q.Period, q.Unit, strings.Join(q.Units, ","), more}, "|")
	l.mu.Lock()
	before := l.answers[key]
	l.mu.Unlock()
	if before != nil && before.version == k.version[q.Domain] {
		figures := slices.Clone(before.figures)
		say(figures, k.at)
		return figures, before.total, nil
	}
	if before != nil && before.took > longAnswer && time.Since(before.at) < answerShare*before.took {
		return slices.Clone(before.figures), before.total, nil
	}
	done := l.asked.DoChan(key, func() (any, error) {
		// Whoever asked first may leave; others wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTime)
		defer cancel()
		select {
		case l.working <- struct{}{}:
			defer func() { <-l.working }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		began := time.Now()
		figures, total, err := work(ctx)
		if err != nil {
			return nil, err
		}
		now := &given{figures, total, k.version[q.Domain], time.Since(began), time.Now()}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.answers) >= maxAnswers {
			clear(l.answers)
		}
		l.answers[key] = now
		return now, nil
	})
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return nil, 0, r.Err
		}
		now := r.Val.(*given)
		return slices.Clone(now.figures), now.total, nil
	}
}

// look lets f use what is known, which is LiveAge old at most.
func (l *Live) look(ctx context.Context, f func(*known) error) error {
	if used, err := l.use(LiveAge, f); used {
		return err
	}
	for {
		// Whoever comes while somebody looks takes what that one sees.
		done := l.asked.DoChan("look", func() (any, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
			defer cancel()
			return nil, l.state(ctx, nil, nil)
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-done:
			if r.Err != nil {
				return r.Err
			}
		}
		if used, err := l.use(lookTime, f); used {
			return err
		} // else the next one has begun to look
	}
}

// use lets f have what is known, if it was looked so lately and nobody is looking
// just now; f is not to keep any of it but positions.
func (l *Live) use(age time.Duration, f func(*known) error) (used bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || time.Since(l.looked) >= age {
		return false, nil
	}
	return true, f(l.known)
}

// state brings what is known up to date, lets f use it, and lets then read on in
// the same state of the tables; both may be nil. One at a time does the first, so
// that nobody's state is older than what is known already.
func (l *Live) state(ctx context.Context, f func(*known) error, then func(pgx.Tx) error) error {
	l.refreshing.Lock()
	leave := sync.OnceFunc(l.refreshing.Unlock)
	defer leave()
	return l.db.reading(ctx, func(tx pgx.Tx) error {
		if err := l.refresh(ctx, tx); err != nil {
			return err
		}
		if f != nil {
			if _, err := l.use(lookTime, f); err != nil {
				return err
			}
		}
		leave()
		if then == nil {
			return nil
		}
		return then(tx)
	})
}

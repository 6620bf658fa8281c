// Package verification runs audits of the whole ledger for people at pages: in
// the background, one at a time whichever process runs it, with a way to end it
// and a history of what came of each.
//
// It must never know what is examined, nor who may ask: the caller has checked
// the right.
//
//	v := verification.New(pool, work, people.Record, log)
//	err := v.Start(ctx, false)       // the principal of ctx
//	runs, err := v.Runs(ctx, 20)     // the latest first; runs[0].State == verification.Running
//	defer v.Close()
package verification

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/identity"
)

// Errors, to be compared with errors.Is.
var (
	// ErrUnderWay: one runs already.
	ErrUnderWay = errors.New("verification: one is under way; wait for it or end it")
	// ErrNone: none is under way.
	ErrNone = errors.New("verification: none is under way")
)

// State is where a run stands.
type State string

// The states.
const (
	Running   State = "running"
	OK        State = "ok"
	Problems  State = "problems"
	Cancelled State = "cancelled"
	Failed    State = "failed" // a fault kept it from coming to a result
)

// Bounds of a run, and of what is kept of it.
const (
	most         = 12 * time.Hour
	beat         = 2 * time.Second // between two signs of life
	silent       = time.Minute     // after which a run's process counts as dead
	problemsMost = 100
	problemChars = 500
)

// Run is one verification.
type Run struct {
	ID          int64
	Actor       string
	Replay      bool // rebuilt from the log, not only compared with it
	State       State
	StartedAt   time.Time
	EndedAt     *time.Time
	CancelledBy string
	Done, Whole int64 // records
	Transfers   int64
	Position    map[int]int64 // next offset by shard
	Problems    []string      // the first of them
	Found       int64         // how many there are
}

// Result is what an audit has found.
type Result struct {
	Transfers int64
	Position  map[int]int64
	Problems  []string // none: every row is as it was recorded
}

// Work is an audit. progress may be called from one goroutine at a time.
type Work func(ctx context.Context, replay bool, progress func(done, of int64)) (Result, error)

// Verifier starts, ends and lists verifications. Close it.
type Verifier struct {
	pool  *pgxpool.Pool
	work  Work
	trail func(context.Context, identity.Entry) error
	log   *slog.Logger
	beat  time.Duration

	running sync.WaitGroup
	ctx     context.Context
	stop    context.CancelFunc
}

// New returns a verifier over the service's pool; trail is told who started and
// ended what.
func New(pool *pgxpool.Pool, work Work, trail func(context.Context, identity.Entry) error, log *slog.Logger) *Verifier {
	v := &Verifier{pool: pool, work: work, trail: trail, log: log, beat: beat}
	v.ctx, v.stop = context.WithCancel(context.Background())
	return v
}

// Close ends a run of this process and waits for it.
func (v *Verifier) Close() {
	v.stop()
	v.running.Wait()
}

// Start begins a run for the principal of the context and returns at once.
// A crash while it runs leaves a row that the next start takes for what it is.
// Errors: ErrUnderWay; those of the database.
func (v *Verifier) Start(ctx context.Context, replay bool) error {
	actor := identity.From(ctx).Actor()
	if _, err := v.pool.Exec(ctx, `UPDATE app.verifications SET state = 'failed', ended_at = now() WHERE state = 'running' AND seen_at < now() - $1::interval`, silent); err != nil {
		return err
	}
	var id int64
	err := v.pool.QueryRow(ctx, `INSERT INTO app.verifications (actor, replay) VALUES ($1, $2) RETURNING id`, actor, replay).Scan(&id)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "23505" {
		return ErrUnderWay
	}
	if err != nil {
		return err
	}
	detail := "log"
	if replay {
		detail = "replay"
	}
	if err := v.trail(ctx, identity.Entry{Action: "verify_start", Object: fmt.Sprint(id), Detail: detail, Outcome: identity.OK}); err != nil {
		v.log.WarnContext(ctx, "a verification is not in the trail", "error", err) // its own row says who began it
	}
	v.running.Go(func() { v.run(id, actor, replay) })
	return nil
}

// Cancel asks the run under way, in whichever process, to end.
// Errors: ErrNone; those of the database.
func (v *Verifier) Cancel(ctx context.Context) error {
	var id int64
	err := v.pool.QueryRow(ctx, `UPDATE app.verifications SET cancelled_by = $1 WHERE state = 'running' RETURNING id`, identity.From(ctx).Actor()).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNone
	}
	if err != nil {
		return err
	}
	return v.trail(ctx, identity.Entry{Action: "verify_cancel", Object: fmt.Sprint(id), Outcome: identity.OK})
}

// Runs lists runs, the latest first, at most limit.
func (v *Verifier) Runs(ctx context.Context, limit int) ([]Run, error) {
	rows, err := v.pool.Query(ctx, `SELECT id, actor, replay,
		CASE WHEN state = 'running' AND seen_at < now() - $2::interval THEN 'failed' ELSE state END,
		started_at, ended_at, cancelled_by, done, whole, transfers, position, problems, found
		FROM app.verifications ORDER BY id DESC LIMIT $1`, limit, silent)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Run])
}

// run does the work, says how far it is, and writes down what came of it.
func (v *Verifier) run(id int64, actor string, replay bool) {
	ctx, cancel := context.WithTimeout(v.ctx, most)
	defer cancel()
	var done, whole atomic.Int64
	var beating sync.WaitGroup
	beating.Go(func() { v.live(ctx, cancel, id, &done, &whole) })
	result, err := v.guarded(ctx, replay, func(n, of int64) { done.Store(n); whole.Store(of) })
	cancelled := ctx.Err() != nil
	cancel()
	beating.Wait()

	state, problems := OK, result.Problems
	switch {
	case cancelled:
		state, problems = Cancelled, nil
	case err != nil:
		state, problems = Failed, nil
		v.log.Error("a verification came to no result", "error", err)
	case len(problems) > 0:
		state = Problems
	}
	found := len(problems)
	kept := make([]string, min(found, problemsMost))
	for i := range kept {
		kept[i] = shorten(problems[i])
	}
	if result.Position == nil {
		result.Position = map[int]int64{}
	}
	// What was found must not get lost because the program ends just now.
	ending, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), 10*time.Second)
	defer cancel()
	_, err = v.pool.Exec(ending, `UPDATE app.verifications SET state = $2, ended_at = now(), done = $3, whole = $4, transfers = $5, position = $6, problems = $7, found = $8
		WHERE id = $1 AND state = 'running'`, id, string(state), done.Load(), whole.Load(), result.Transfers, result.Position, kept, found)
	entry := identity.Entry{Actor: actor, Action: "verify", Object: fmt.Sprint(id), Detail: string(state), Outcome: identity.OK}
	if state != OK {
		entry.Outcome = identity.Failed
	}
	if err := errors.Join(err, v.trail(ending, entry)); err != nil {
		v.log.Error("what a verification found cannot be written down", "state", state, "problems", found, "error", err)
	}
}

// guarded keeps a fault of the audit from ending the program.
func (v *Verifier) guarded(ctx context.Context, replay bool, progress func(done, of int64)) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return v.work(ctx, replay, progress)
}

// live says now and then that the run goes on, and ends it when somebody asked.
func (v *Verifier) live(ctx context.Context, cancel context.CancelFunc, id int64, done, whole *atomic.Int64) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(v.beat):
		}
		var by string
		err := v.pool.QueryRow(ctx, `UPDATE app.verifications SET seen_at = now(), done = $2, whole = $3 WHERE id = $1 AND state = 'running' RETURNING cancelled_by`,
			id, done.Load(), whole.Load()).Scan(&by)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && by != "" { // taken for dead, or told to end
			cancel()
			return
		}
	}
}

func shorten(text string) string {
	if r := []rune(text); len(r) > problemChars {
		return string(r[:problemChars]) + "…"
	}
	return text
}

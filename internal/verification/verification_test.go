package verification_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/internal/verification"
)

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db, err := postgres.Open(t.Context(), testdb.Database(t, "verification", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "app", postgres.AppMigrations())
	}), "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db.Pool
}

// trail keeps what was said to it.
type trail struct {
	sync.Mutex
	said []string
}

func (l *trail) record(ctx context.Context, e identity.Entry) error {
	l.Lock()
	defer l.Unlock()
	if e.Actor == "" {
		e.Actor = identity.From(ctx).Actor()
	}
	l.said = append(l.said, strings.Join([]string{e.Actor, e.Action, e.Detail, e.Outcome}, " "))
	return nil
}

func verifier(t *testing.T, pool *pgxpool.Pool, l *trail, work verification.Work) *verification.Verifier {
	v := verification.New(pool, work, l.record, slog.New(slog.NewTextHandler(t.Output(), nil))).WithBeat(10 * time.Millisecond)
	t.Cleanup(v.Close)
	return v
}

func as(t *testing.T, who string) context.Context {
	return identity.With(t.Context(), &identity.Principal{ID: who})
}

// until waits for the latest run to be as it should.
func until(t *testing.T, v *verification.Verifier, what string, is func(verification.Run) bool) verification.Run {
	t.Helper()
	for range 500 {
		runs, err := v.Runs(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) > 0 && is(runs[0]) {
			return runs[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never %s", what)
	return verification.Run{}
}

func ended(r verification.Run) bool { return r.State != verification.Running }

// One run at a time whichever process has it, its progress in sight, ended from
// another, and what each came to kept.
func TestRuns(t *testing.T) {
	pool, l := database(t), &trail{}
	goOn := make(chan error)
	work := func(ctx context.Context, replay bool, progress func(done, of int64)) (verification.Result, error) {
		progress(3, 7)
		result := verification.Result{Transfers: 12, Position: map[int]int64{0: 7, 1: 0}}
		select {
		case err := <-goOn:
			if replay {
				for i := range 150 {
					result.Problems = append(result.Problems, fmt.Sprint(i, strings.Repeat("ố", 600)))
				}
			}
			return result, err
		case <-ctx.Done():
			return result, ctx.Err()
		}
	}
	here, elsewhere := verifier(t, pool, l, work), verifier(t, pool, l, work)
	if err := here.Cancel(as(t, "u-a")); !errors.Is(err, verification.ErrNone) {
		t.Errorf("nothing to end: %v", err)
	}
	begin := func(replay bool) {
		t.Helper()
		if err := here.Start(as(t, "u-a"), replay); err != nil {
			t.Fatal(err)
		}
	}
	begin(false)
	if err := elsewhere.Start(as(t, "u-b"), false); !errors.Is(err, verification.ErrUnderWay) {
		t.Errorf("a second one: %v", err)
	}
	until(t, elsewhere, "under way", func(r verification.Run) bool {
		return r.State == verification.Running && r.Done == 3 && r.Whole == 7 && r.Actor == "u-a"
	})
	goOn <- nil
	if r := until(t, here, "over", ended); r.State != verification.OK || r.Transfers != 12 || r.Position[0] != 7 || r.EndedAt == nil || len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
	begin(true)
	goOn <- nil
	if r := until(t, here, "over", ended); r.State != verification.Problems || !r.Replay || r.Found != 150 || len(r.Problems) != 100 || len([]rune(r.Problems[0])) != 501 {
		t.Errorf("%v, %d found, %d kept", r.State, r.Found, len(r.Problems))
	}
	begin(false)
	if err := elsewhere.Cancel(as(t, "u-b")); err != nil {
		t.Fatal(err)
	}
	if r := until(t, here, "over", ended); r.State != verification.Cancelled || r.CancelledBy != "u-b" {
		t.Errorf("%+v", r)
	}
	begin(false)
	goOn <- errors.New("no database")
	if r := until(t, here, "over", ended); r.State != verification.Failed {
		t.Errorf("%+v", r)
	}
	begin(false)
	here.Close() // as the program ends
	if r := until(t, elsewhere, "over", ended); r.State != verification.Cancelled || r.CancelledBy != "" {
		t.Errorf("%+v", r)
	}
	l.Lock()
	defer l.Unlock()
	for _, want := range []string{"u-a verify_start log ok", "u-a verify_start replay ok", "u-a verify ok ok", "u-a verify problems failed", "u-b verify_cancel  ok", "u-a verify cancelled failed", "u-a verify failed failed"} {
		if !slices.Contains(l.said, want) {
			t.Errorf("the trail does not say %q: %q", want, l.said)
		}
	}
}

// A run whose process died keeps nobody from the next, and a panic is a fault of
// that run alone.
func TestDead(t *testing.T) {
	pool, l := database(t), &trail{}
	if _, err := pool.Exec(t.Context(), `INSERT INTO app.verifications (actor, replay, seen_at) VALUES ('u-a', false, now() - interval '2 minutes')`); err != nil {
		t.Fatal(err)
	}
	v := verifier(t, pool, l, func(context.Context, bool, func(done, of int64)) (verification.Result, error) { panic("at the disco") })
	until(t, v, "taken for dead", func(r verification.Run) bool { return r.State == verification.Failed })
	if err := v.Start(as(t, "u-b"), false); err != nil {
		t.Fatal(err)
	}
	if r := until(t, v, "over", ended); r.State != verification.Failed || r.Actor != "u-b" {
		t.Errorf("%+v", r)
	}
}

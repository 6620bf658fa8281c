package chores_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"socho/internal/chores"
	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
)

func open(t *testing.T, db *postgres.DB) *chores.Chores {
	t.Helper()
	c, err := chores.New(db.Pool, bytes.Repeat([]byte{7}, 32), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func until(t *testing.T, c *chores.Chores, owner, id string, state chores.State) chores.Chore {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		found, err := c.Find(t.Context(), owner, id)
		if err != nil {
			t.Fatal(err)
		}
		if found.State == state {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, want %s", found, state)
		}
	}
}

// TestChores: a file lies sealed until it was taken, nobody else finds it, and work
// that was ended is begun again.
func TestChores(t *testing.T) {
	ctx := identity.With(t.Context(), &identity.Principal{ID: "u-lan", Kind: identity.Person})
	db, err := postgres.Open(ctx, testdb.Database(t, "chores", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "app", postgres.AppMigrations())
	}), "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	c := open(t, db)
	file := bytes.Repeat([]byte("002001000001;Vàng Thị Mẫu\n"), 100_000)
	order := chores.Order{Kind: "list", Owner: "person:u-lan", Organization: "hg-quy", About: map[string]string{"period": "2026-10"}, File: file}
	id, err := c.Keep(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find(ctx, "person:u-hoa", id); !errors.Is(err, chores.ErrNone) {
		t.Errorf("somebody else finds it: %v", err)
	}
	if err := c.Start(ctx, "person:u-hoa", id, true, nil); !errors.Is(err, chores.ErrNone) {
		t.Errorf("somebody else starts it: %v", err)
	}
	var sealed []byte
	if err := db.QueryRow(ctx, `SELECT string_agg(sealed, '' ORDER BY part) FROM app.chore_parts WHERE chore = $1`, id).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if len(sealed) <= len(file) || bytes.Contains(sealed, []byte("002001000001")) {
		t.Error("the file lies there in clear")
	}

	// The first process is ended at its work; the second one does it.
	begun := make(chan struct{})
	wait := func(ctx context.Context, job *chores.Job) (any, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := c.Start(ctx, "person:u-lan", id, true, wait); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := c.Start(ctx, "person:u-lan", id, true, wait); !errors.Is(err, chores.ErrUnderWay) {
		t.Errorf("begun twice: %v", err)
	}
	c.Close()
	if _, err := db.Exec(ctx, `UPDATE app.chores SET seen_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	c = open(t, db)
	until(t, c, "person:u-lan", id, chores.Interrupted)
	read := func(ctx context.Context, job *chores.Job) (any, error) {
		if identity.From(ctx).Actor() != "u-lan" {
			return nil, errors.New("the work is nobody's")
		}
		content, err := job.File(ctx)
		job.Progress(1, 2)
		if err != nil || !bytes.Equal(content, file) {
			return nil, errors.New("another file")
		}
		return map[string]int{"lines": 100_000}, nil
	}
	for range 2 { // the file is kept between the preview and the word to go on
		if err := c.Start(ctx, "person:u-lan", id, true, read); err != nil {
			t.Fatal(err)
		}
		if done := until(t, c, "person:u-lan", id, chores.Done); string(done.Result) != `{"lines": 100000}` || done.Part != 1 || done.Whole != 2 {
			t.Errorf("%+v %s", done, done.Result)
		}
	}
	if err := c.Start(ctx, "person:u-lan", id, false, read); err != nil {
		t.Fatal(err)
	}
	until(t, c, "person:u-lan", id, chores.Done)
	var left int
	if err := db.QueryRow(ctx, `SELECT count(*) FROM app.chore_parts`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d parts are left of a file that was taken, %v", left, err)
	}

	// What is wrong is said; a fault of ours is not, and ends nothing else.
	for _, work := range []chores.Work{
		func(context.Context, *chores.Job) (any, error) { return nil, &chores.Problem{Text: "dòng 3"} },
		func(context.Context, *chores.Job) (any, error) { panic("fault") },
	} {
		id, err := c.Keep(ctx, order)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(ctx, "person:u-lan", id, true, work); err != nil {
			t.Fatal(err)
		}
		if failed := until(t, c, "person:u-lan", id, chores.Failed); failed.Problem != "dòng 3" && failed.Problem != "" {
			t.Errorf("%+v", failed)
		}
	}
	if err := c.Drop(ctx, "person:u-lan", id); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find(ctx, "person:u-lan", id); !errors.Is(err, chores.ErrNone) {
		t.Errorf("dropped, and there: %v", err)
	}

	// One person's files are few, however many are sent; a large one is none.
	for range 9 {
		if _, err := c.Keep(ctx, chores.Order{Kind: "list", Owner: "person:u-lan", Organization: "hg-quy", File: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.QueryRow(ctx, `SELECT count(*) FROM app.chores WHERE bytes > 0`).Scan(&left); err != nil || left != 6 {
		t.Errorf("%d files of one person, %v", left, err)
	}
	if _, err := c.Keep(ctx, chores.Order{Owner: "person:u-lan", File: make([]byte, chores.MaxFile+1)}); !errors.Is(err, chores.ErrLarge) {
		t.Errorf("a large file: %v", err)
	}
	if _, err := db.Exec(ctx, `UPDATE app.chores SET expires_at = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Keep(ctx, chores.Order{Kind: "list", Owner: "person:u-hoa", Organization: "hg-quy"}); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(ctx, `SELECT count(*) FROM app.chores`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d chores whose time is over are still there, %v", left-1, err)
	}
}

// Package chores does long work that somebody asked for at a page: a list of two
// hundred thousand lines is read, compared and published while the page says how
// far it is, and what came of it is there when the visitor looks again, also
// through another process that serves pages.
//
// A chore may work on a file. Between the preview that a person reads and the word
// to go on, the file stays here rather than being sent a second time: a form cannot
// send a file again by itself, and a person who has to choose it anew may choose
// another one than they have read about. It is sealed under a key derived from the
// master key and bound to its chore and owner; nobody else finds it; what lies here
// is bounded for each person and in all; and it is gone once it was taken, or two
// hours after it was last used.
//
// The package must never know what the work is, nor who may ask for it.
//
//	c, err := chores.New(pool, key, log)
//	id, err := c.Keep(ctx, chores.Order{Kind: "payout_list", Owner: "person:u-…", Organization: "hg-quy", About: month, File: content})
//	err = c.Start(ctx, "person:u-…", id, true, func(ctx context.Context, job *chores.Job) (any, error) { … })
//	chore, err := c.Find(ctx, "person:u-…", id)       // chore.State, chore.Part of chore.Whole
//	defer c.Close()
package chores

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/identity"
)

// Errors, to be compared with errors.Is.
var (
	// ErrNone: there is no such chore of this owner, or its time is over.
	ErrNone = errors.New("chores: there is none, or its time is over")
	// ErrUnderWay: it is being worked on.
	ErrUnderWay = errors.New("chores: it is under way")
	// ErrLarge: the file is larger than MaxFile.
	ErrLarge = errors.New("chores: the file is too large")
	// ErrFull: too much lies here already; it has to be tried again later.
	ErrFull = errors.New("chores: too many files are kept at present")
)

// Bounds of what is kept, and of work.
const (
	MaxFile  = 48 << 20  // bytes of one file
	maxKept  = 384 << 20 // of all files
	maxOwn   = 6         // files of one person; the oldest give way
	kept     = 2 * time.Hour
	most     = 3 * time.Hour
	atOnce   = 2 // chores that one process works on; others wait
	beat     = time.Second
	silent   = 30 * time.Second // after which the process that worked counts as dead
	partSize = 1 << 20
)

// State is where a chore stands.
type State string

// The states.
const (
	Kept        State = "kept" // nobody works on it
	Working     State = "working"
	Done        State = "done"
	Failed      State = "failed"
	Interrupted State = "interrupted" // the process that worked on it has gone; it may be started again
)

// Chore is one piece of work.
type Chore struct {
	ID, Kind, Owner, Organization string
	About                         json.RawMessage
	State                         State
	Part, Whole                   int64
	Result                        json.RawMessage // where Done
	Problem                       string          // where Failed, for the visitor; empty where it is a fault of ours
	Bytes                         int64           // of its file
}

// Order is a chore that is asked for. About and what the work returns are kept in
// clear: nothing personal may stand there.
type Order struct {
	Kind, Owner, Organization string
	About                     any
	File                      []byte
}

// Problem is a reason to fail that the visitor is told. It repeats nothing
// personal.
type Problem struct{ Text string }

func (p *Problem) Error() string { return p.Text }

// Job is a chore while it is worked on.
type Job struct {
	Chore
	store       *Chores
	held        []byte // its file, where there is no store
	part, whole atomic.Int64
}

// File opens the chore's file. Errors: ErrNone.
func (j *Job) File(ctx context.Context) ([]byte, error) {
	if j.store == nil {
		return j.held, nil
	}
	return j.store.file(ctx, &j.Chore)
}

// Progress says how far the work is.
func (j *Job) Progress(part, whole int64) { j.part.Store(part); j.whole.Store(whole) }

// Work is what a chore does. It may be ended at any point and be started again.
type Work func(ctx context.Context, job *Job) (result any, err error)

// Chores keeps and does them. Close it.
type Chores struct {
	pool *pgxpool.Pool
	seal cipher.AEAD
	log  *slog.Logger

	running sync.WaitGroup
	turns   chan struct{}
	ctx     context.Context
	stop    context.CancelFunc
}

// New returns the chores of a service; key is 32 bytes that files are sealed under.
func New(pool *pgxpool.Pool, key []byte, log *slog.Logger) (*Chores, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	c := &Chores{pool: pool, log: log, turns: make(chan struct{}, atOnce)}
	if c.seal, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Close ends what this process works on and waits for it; it may be started again.
func (c *Chores) Close() {
	c.stop()
	c.running.Wait()
}

var ids = base32.StdEncoding.WithPadding(base32.NoPadding)

// Keep keeps an order with its file until it is started or its time is over. What
// had its time goes first. Errors: ErrLarge, ErrFull.
func (c *Chores) Keep(ctx context.Context, o Order) (id string, err error) {
	if len(o.File) > MaxFile {
		return "", ErrLarge
	}
	about, err := json.Marshal(o.About)
	if err != nil {
		return "", err
	}
	random := make([]byte, 16)
	rand.Read(random) // never fails
	id = strings.ToLower(ids.EncodeToString(random))
	// One transaction: a crash leaves all of it or nothing.
	return id, pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM app.chores WHERE expires_at < now() AND NOT (state = 'working' AND seen_at > now() - $1::interval)`, silent); err != nil {
			return err
		}
		if len(o.File) > 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM app.chores WHERE id IN (
				SELECT id FROM app.chores WHERE owner = $1 AND bytes > 0 AND state <> 'working' ORDER BY expires_at DESC OFFSET $2)`, o.Owner, maxOwn-1); err != nil {
				return err
			}
			var bytes int64
			if err := tx.QueryRow(ctx, `SELECT coalesce(sum(bytes), 0) FROM app.chores`).Scan(&bytes); err != nil {
				return err
			}
			if bytes+int64(len(o.File)) > maxKept {
				return ErrFull
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO app.chores (id, kind, owner, organization, about, bytes, expires_at) VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)`,
			id, o.Kind, o.Owner, o.Organization, about, len(o.File), kept); err != nil {
			return err
		}
		for part := 0; part*partSize < len(o.File); part++ {
			clear := o.File[part*partSize : min((part+1)*partSize, len(o.File))]
			nonce := make([]byte, c.seal.NonceSize())
			rand.Read(nonce) // never fails
			if _, err := tx.Exec(ctx, `INSERT INTO app.chore_parts (chore, part, sealed) VALUES ($1, $2, $3)`,
				id, part, c.seal.Seal(nonce, nonce, clear, place(id, o.Owner, o.Organization, part))); err != nil {
				return err
			}
		}
		return nil
	})
}

// place binds a sealed part to where it lies and whose it is.
func place(id, owner, organization string, part int) []byte {
	return fmt.Appendf(nil, "socho.chore.v1 %q %q %q %d", id, owner, organization, part)
}

// file opens the file of a chore.
func (c *Chores) file(ctx context.Context, of *Chore) ([]byte, error) {
	rows, err := c.pool.Query(ctx, `SELECT part, sealed FROM app.chore_parts WHERE chore = $1 ORDER BY part`, of.ID)
	if err != nil {
		return nil, err
	}
	clear := make([]byte, 0, of.Bytes)
	var part int
	var sealed []byte
	next := 0
	if _, err := pgx.ForEachRow(rows, []any{&part, &sealed}, func() error {
		n := c.seal.NonceSize()
		if part != next || len(sealed) < n {
			return fmt.Errorf("part %d is missing", next)
		}
		next++
		clear, err = c.seal.Open(clear, sealed[:n], sealed[n:], place(of.ID, of.Owner, of.Organization, part))
		return err
	}); err != nil {
		return nil, fmt.Errorf("the file of a chore does not open: %w", err)
	}
	if int64(len(clear)) != of.Bytes {
		return nil, ErrNone
	}
	return clear, nil
}

const selectChores = `
	SELECT id, kind, owner, organization, about, CASE WHEN state = 'working' AND seen_at < now() - $1::interval THEN 'interrupted' ELSE state END,
		part, whole, coalesce(result, 'null'), problem, bytes FROM app.chores WHERE expires_at > now() `

// Find finds a chore of an owner. Errors: ErrNone.
func (c *Chores) Find(ctx context.Context, owner, id string) (Chore, error) {
	return c.one(ctx, `AND id = $2 AND owner = $3`, id, owner)
}

// Latest finds the last chore of a kind that an owner began in an organization and
// that was about the same. Errors: ErrNone.
func (c *Chores) Latest(ctx context.Context, owner, organization, kind string, about any) (Chore, error) {
	text, err := json.Marshal(about)
	if err != nil {
		return Chore{}, err
	}
	return c.one(ctx, `AND owner = $2 AND organization = $3 AND kind = $4 AND about = $5 ORDER BY expires_at DESC LIMIT 1`, owner, organization, kind, text)
}

func (c *Chores) one(ctx context.Context, where string, args ...any) (Chore, error) {
	rows, err := c.pool.Query(ctx, selectChores+where, append([]any{silent}, args...)...)
	if err != nil {
		return Chore{}, err
	}
	found, err := pgx.CollectOneRow(rows, pgx.RowToStructByPos[Chore])
	if errors.Is(err, pgx.ErrNoRows) {
		return found, ErrNone
	}
	return found, err
}

// Drop forgets a chore and its file. Errors: ErrNone; ErrUnderWay.
func (c *Chores) Drop(ctx context.Context, owner, id string) error {
	found, err := c.Find(ctx, owner, id)
	switch {
	case err != nil:
		return err
	case found.State == Working:
		return ErrUnderWay
	}
	_, err = c.pool.Exec(ctx, `DELETE FROM app.chores WHERE id = $1 AND owner = $2`, id, owner)
	return err
}

// Start works on a chore in the background, as often as it is asked for; the
// principal of the context goes along. keep says that its file is needed again
// afterwards. A crash while it works leaves a row that Find calls interrupted.
// Errors: ErrNone, ErrUnderWay.
func (c *Chores) Start(ctx context.Context, owner, id string, keep bool, work Work) error {
	found, err := c.Find(ctx, owner, id)
	if err != nil {
		return err
	}
	taken, err := c.pool.Exec(ctx, `
		UPDATE app.chores SET state = 'working', part = 0, whole = 0, result = NULL, problem = '', seen_at = now(), expires_at = now() + $3::interval
		WHERE id = $1 AND (state <> 'working' OR seen_at < now() - $2::interval)`, id, silent, kept)
	if err != nil {
		return err
	}
	if taken.RowsAffected() == 0 {
		return ErrUnderWay
	}
	who := identity.From(ctx)
	c.running.Go(func() { c.run(who, found, keep, work) })
	return nil
}

// run does the work, says how far it is, and keeps what came of it.
func (c *Chores) run(who *identity.Principal, chore Chore, keep bool, work Work) {
	ctx, cancel := context.WithTimeout(identity.With(c.ctx, who), most)
	defer cancel()
	job := &Job{Chore: chore, store: c}
	var beating sync.WaitGroup
	beating.Go(func() { c.live(ctx, job) })
	var result any
	var err error
	select {
	case c.turns <- struct{}{}:
		result, err = guarded(ctx, job, work)
		<-c.turns
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancel()
	beating.Wait()
	if c.ctx.Err() != nil {
		return // the process ends; it is found interrupted
	}
	var problem *Problem
	state, said := Done, ""
	var text []byte
	switch {
	case errors.As(err, &problem):
		state, said = Failed, problem.Text
	case err != nil:
		state = Failed
		c.log.Error("a chore came to nothing", "kind", chore.Kind, "organization", chore.Organization, "error", err)
	default:
		if text, err = json.Marshal(result); err != nil {
			state = Failed
			c.log.Error("what a chore came to cannot be kept", "kind", chore.Kind, "error", err)
		}
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 10*time.Second)
	defer cancel()
	err = pgx.BeginFunc(ending, c.pool, func(tx pgx.Tx) error {
		if state == Done && !keep {
			if _, err := tx.Exec(ending, `DELETE FROM app.chore_parts WHERE chore = $1`, chore.ID); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ending, `
			UPDATE app.chores SET state = $2, result = $3, problem = $4, part = $5, whole = $6, seen_at = now(), expires_at = now() + $7::interval,
				bytes = CASE WHEN $8 THEN bytes ELSE 0 END WHERE id = $1`,
			chore.ID, string(state), text, said, job.part.Load(), job.whole.Load(), kept, keep || state != Done)
		return err
	})
	if err != nil {
		c.log.Error("what a chore came to cannot be kept", "kind", chore.Kind, "error", err) // it is found interrupted
	}
}

// guarded keeps a fault of the work from ending the program.
func guarded(ctx context.Context, job *Job, work Work) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work(ctx, job)
}

// live says now and then that the work goes on.
func (c *Chores) live(ctx context.Context, job *Job) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(beat):
		}
		if _, err := c.pool.Exec(ctx, `UPDATE app.chores SET seen_at = now(), part = $2, whole = $3 WHERE id = $1`, job.ID, job.part.Load(), job.whole.Load()); err != nil && ctx.Err() == nil {
			c.log.Warn("a chore cannot say how far it is", "kind", job.Kind, "error", err)
		}
	}
}

// NewJob is a chore at work without a store, for tests of what does the work.
func NewJob(c Chore, file []byte) *Job { return &Job{Chore: c, held: file} }

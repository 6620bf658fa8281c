// Package logpublisher writes what package proof reads: for each shard of the
// ledger a folder of tiles, entry bundles, record bundles and a signed
// checkpoint, which anybody may copy, serve, check and keep as an archive.
//
//	<data>/log/<shard>/checkpoint, tile/…, records/…     see package proof
//	<data>/log/<shard>/stopped                           why the shard is not published, if so
//	<data>/keys/signer, verifiers, witnesses, signed/…   see Keys
//
// It works behind the ledger and never holds it up: what is decided is read back
// from the tables and from the broker, or taken from memory where the ledger
// still has it, a bundle at a time; a checkpoint is signed once a second at most.
// A crash at any point, kill -9 included, is continued from the last
// signed checkpoint by the same code that starts a new log.
//
// It knows no database and no broker: Ledger gives it what they hold.
package logpublisher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"socho/ledger"
	"socho/ledger/proof"
)

// Entry is one offset of a shard: what was decided, and the record as the
// broker holds it.
type Entry struct {
	Leaf   proof.Leaf
	Record proof.Archived
}

// Ledger is what is published.
type Ledger interface {
	// Heads returns where every shard stands.
	Heads(ctx context.Context) (map[int]ledger.Head, error)
	// Entries returns what follows from an offset on, in order and without a
	// hole: at least one, none at or beyond to. Errors: *Error where leaf, tables
	// and broker contradict each other; faults of database and broker.
	Entries(ctx context.Context, shard int, from, to int64) ([]Entry, error)
}

// Error stops a shard's publishing until a person has looked. Everything else is
// tried again.
type Error struct {
	Code string
	Text string // what, where, what to do
}

func (e *Error) Error() string { return e.Code + ": " + e.Text }

// The codes of an Error.
const (
	CodeForked     = "log_forked"     // the ledger is not the one that was published
	CodeAltered    = "log_altered"    // a published file holds something else
	CodeKey        = "log_key"        // keys are missing, open to others, or another ledger's
	CodeLedgerOdd  = "ledger_damaged" // tables and broker contradict each other
	stoppedFile    = "stopped"
	roundsPause    = time.Second
	entriesAtOnce  = 16384
	shardsAtOnce   = 8
	recordPartials = 2 // widths of an unfinished record bundle that are kept
)

// Publisher publishes every shard of one ledger into one folder.
type Publisher struct {
	Dir    string // <data>/log
	Keys   Keys
	Ledger Ledger
	Log    *slog.Logger
	Every  time.Duration // between rounds; 1 s unless said otherwise
	// Ahead asks, between two rounds, for full pieces to be written while what
	// they hold is still at hand. Nothing is signed then. It may be nil.
	Ahead <-chan struct{}

	mu     sync.Mutex
	shards map[int]*shard
	fail   func(step string) error // tests interrupt here
}

// Run publishes until the context ends. It waits where another process publishes
// into the same folder.
func (p *Publisher) Run(ctx context.Context) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	every := p.Every
	if every <= 0 {
		every = roundsPause
	}
	lock := p.lock(ctx, every)
	if lock == nil {
		return
	}
	defer lock.Close()
	said := ""
	for ctx.Err() == nil {
		if err := p.Round(ctx); err == nil {
			said = ""
		} else if ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			p.Log.Warn("the log is not published; trying again", "reason", err)
		}
		p.between(ctx, every)
	}
}

// between waits for the next round.
func (p *Publisher) between(ctx context.Context, every time.Duration) {
	for next := time.After(every); ; {
		select {
		case <-ctx.Done():
			return
		case <-next:
			return
		case <-p.Ahead:
			// What goes wrong goes wrong again in the round, which says so.
			_ = p.each(ctx, (*shard).ahead)
		}
	}
}

// Round publishes what every shard has decided by now. Shards that stand still
// are passed over; faults of the others are returned when all have had their
// turn.
func (p *Publisher) Round(ctx context.Context) error { return p.each(ctx, (*shard).publish) }

func (p *Publisher) each(ctx context.Context, do func(*shard, context.Context, ledger.Head) error) error {
	heads, err := p.Ledger.Heads(ctx)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	var faults []error
	group := errgroup.Group{}
	group.SetLimit(shardsAtOnce)
	for number, head := range heads {
		s := p.shard(number)
		if s.stopped {
			continue
		}
		group.Go(func() error {
			err := do(s, ctx, head)
			if err == nil {
				return nil
			}
			s.edge = nil // what is on disk counts, not what was meant to be there
			lock.Lock()
			defer lock.Unlock()
			faults = append(faults, fmt.Errorf("shard %d: %w", number, p.stop(s, err)))
			return nil
		})
	}
	group.Wait() //nolint:errcheck // faults are kept above
	return errors.Join(faults...)
}

// stop marks a shard that no retry can help, and says so beside its files, where
// other processes look.
func (p *Publisher) stop(s *shard, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	s.stopped = true
	if p.Log != nil {
		p.Log.Error("shard is not published any more", "shard", s.number, "code", e.Code, "reason", e.Text)
	}
	return errors.Join(err, s.write(stoppedFile, []byte(e.Error()+"\n")))
}

func (p *Publisher) shard(number int) *shard {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shards == nil {
		p.shards = map[int]*shard{}
	}
	s := p.shards[number]
	if s == nil {
		s = &shard{Publisher: p, number: number, files: files{dir: ShardDir(p.Dir, number), fail: p.fail}}
		p.shards[number] = s
	}
	return s
}

// ShardDir is where a shard's files stand below the published log.
func ShardDir(dir string, shard int) string { return filepath.Join(dir, strconv.Itoa(shard)) }

// Stopped says why a shard is not published any more, "" where it is.
func Stopped(dir string, shard int) string {
	b, err := os.ReadFile(filepath.Join(ShardDir(dir, shard), stoppedFile))
	if err != nil {
		return ""
	}
	return string(b)
}

// Checkpoint reads a shard's published checkpoint. Errors: fs.ErrNotExist where
// nothing is published yet; *proof.DamagedError where it is not signed by a
// listed key.
func Checkpoint(read proof.Read, keys *proof.Keys) (*proof.Signed, error) {
	text, err := read(proof.CheckpointPath)
	if err != nil {
		return nil, err
	}
	signed, err := proof.Open(text, keys)
	if err != nil {
		return nil, &proof.DamagedError{Path: proof.CheckpointPath, What: err.Error()}
	}
	return signed, nil
}

// open is Checkpoint for a file that may not be there.
func open(text []byte, err error, keys *proof.Keys) (*proof.Signed, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return proof.Open(text, keys)
}

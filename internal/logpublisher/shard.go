package logpublisher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"socho/ledger"
	"socho/ledger/proof"
)

// shard publishes one shard, by one goroutine at a time. edge is nil until load
// has read what is on disk, and again after every fault.
type shard struct {
	*Publisher
	files
	number  int
	stopped bool

	last *proof.Signed // the largest checkpoint ever signed; nil before the first
	edge *proof.Edge   // what the files on disk end with
	tail []Entry       // of the bundle that is not full
	full []string      // pieces filled since last, whose partial ones may go

	adopted string // witnesses' checkpoint that has been looked at
}

func (s *shard) fatal(code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

func (s *shard) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// publish brings the published log up to a position of the ledger.
//
// The order is: bundles and tiles, then the signature, then the checkpoint. A
// crash before the signature leaves files that no checkpoint speaks of: they are
// found and compared when the same leaves are published again. A crash between
// signature and checkpoint leaves keys/signed ahead: load writes the checkpoint
// then. A crash behind it leaves nothing to do.
func (s *shard) publish(ctx context.Context, head ledger.Head) error {
	if head.NextOffset == 0 {
		return nil
	}
	signers, keys, err := s.Keys.Load(head.Ledger)
	if err != nil {
		return err
	}
	if s.edge == nil {
		if ready, err := s.load(ctx, head, keys); err != nil || !ready {
			return err
		}
	}
	if s.last != nil {
		if head.NextOffset < s.last.Size {
			return nil // being rebuilt; it comes back to where it was
		}
		if head.NextOffset == s.last.Size && s.edge.Size == s.last.Size && s.last.SignedBy(signers[0]) {
			return s.adopt(keys) // no news of the ledger's
		}
	}
	if head.NextOffset < s.edge.Size {
		return nil // likewise, and it was ahead of the checkpoint
	}
	if err := s.reach(ctx, head.NextOffset); err != nil {
		return err
	}
	if err := s.partial(); err != nil {
		return err
	}
	c := proof.Checkpoint{Origin: proof.Origin(head.Ledger, s.number), Size: s.edge.Size, Root: s.edge.Root()}
	if err := s.mayBeSigned(c, head); err != nil {
		return err
	}
	return s.sign(c, signers)
}

// ahead writes what is full by now, of which no checkpoint speaks yet. A crash
// leaves it as one within publish does.
func (s *shard) ahead(ctx context.Context, head ledger.Head) error {
	if s.edge == nil {
		return nil
	}
	return s.reach(ctx, head.NextOffset)
}

// reach takes in what the ledger has decided before an offset.
func (s *shard) reach(ctx context.Context, offset int64) error {
	for s.edge.Size < offset {
		entries, err := s.Ledger.Entries(ctx, s.number, s.edge.Size, min(offset, s.edge.Size+entriesAtOnce))
		if err != nil {
			return err
		}
		for i := range entries {
			if err := s.append(&entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// load reads how far the log is published and makes ready to go on. It is not
// ready while the ledger is behind what has been published.
func (s *shard) load(ctx context.Context, head ledger.Head, keys *proof.Keys) (ready bool, err error) {
	if err := s.clear(); err != nil {
		return false, err
	}
	if err := s.newest(keys); err != nil {
		return false, err
	}
	edge, tail := &proof.Edge{}, []Entry(nil)
	if s.last != nil {
		if want := proof.Origin(head.Ledger, s.number); s.last.Origin != want {
			return false, s.fatal(CodeForked, "%s holds the log of %s, this ledger's is %s. Move the folder away, or use the ledger that it belongs to", s.dir, s.last.Origin, want)
		}
		if head.NextOffset < s.last.Size {
			return false, nil
		}
		var damage *proof.DamagedError
		if edge, err = proof.LoadEdge(s.last.Checkpoint, s.read); errors.As(err, &damage) {
			s.say("published files are damaged or missing; publishing the shard from its beginning", "shard", s.number, "reason", err)
			edge, err = &proof.Edge{}, nil
		}
		if err != nil {
			return false, err
		}
		for from := edge.Size &^ (proof.Width - 1); from+int64(len(tail)) < edge.Size; {
			more, err := s.Ledger.Entries(ctx, s.number, from+int64(len(tail)), edge.Size)
			if err != nil {
				return false, err
			}
			tail = append(tail, more...)
		}
		if err := s.continues(edge, tail); err != nil {
			return false, err
		}
	}
	if edge.Size > 0 { // the checkpoint may be missing behind its signature
		if err := errors.Join(s.replace(proof.CheckpointPath, s.last.Text()), s.sync()); err != nil {
			return false, err
		}
	}
	s.edge, s.tail, s.full = edge, tail, nil
	return true, s.remove(stoppedFile)
}

// newest finds the largest checkpoint that was ever signed, in keys/signed or
// among the published files, whichever has survived.
func (s *shard) newest(keys *proof.Keys) error {
	text, err := s.read(proof.CheckpointPath)
	published, err := open(text, err, keys)
	if err != nil {
		return s.fatal(CodeKey, "%s %v. Put the file keys/verifiers back that lists the key, or move the folder %s away to publish anew", s.path(proof.CheckpointPath), err, s.dir)
	}
	text, err = s.Keys.signed(s.number)
	signed, err := open(text, err, keys)
	if err != nil {
		return s.fatal(CodeKey, "%s %v. It is what keeps this ledger from ever signing two histories: put it back from a backup of keys/", s.Keys.signedPath(s.number), err)
	}
	s.last = signed
	if signed == nil || published != nil && published.Size > signed.Size {
		s.last = published
	}
	if signed == nil || published == nil {
		return nil
	}
	older, newer := published, signed
	if older.Size > newer.Size {
		older, newer = newer, older
	}
	if older.Size < newer.Size {
		return nil // the tiles of newer will tell, before anything is signed
	}
	return s.forked(proof.CheckConsistency(older.Checkpoint, newer.Checkpoint, s.read))
}

// continues shows that the ledger still has the leaves that the published log
// ends with.
func (s *shard) continues(edge *proof.Edge, tail []Entry) error {
	if len(tail) == 0 {
		return nil
	}
	again := &proof.Edge{}
	for i := range tail {
		again.Append(tail[i].Leaf.Hash())
	}
	for i, file := range edge.Partial() {
		if mine := again.Partial(); i == 0 && !bytes.Equal(mine[0].Bytes, file.Bytes) {
			return s.fatal(CodeForked, "the ledger's last records before %d are not those that were published. Nothing more is signed. Compare with a copy of the published log: socho log verify, socho verify --replay", edge.Size)
		}
	}
	return nil
}

// append takes one leaf in and, with the 256th, writes what is full.
func (s *shard) append(e *Entry) error {
	first := s.edge.Size &^ (proof.Width - 1)
	s.tail = append(s.tail, *e)
	tiles := s.edge.Append(e.Leaf.Hash())
	if len(s.tail) < proof.Width {
		return nil
	}
	bundles, err := s.bundles(first)
	if err != nil {
		return err
	}
	clear(s.tail)
	s.tail = s.tail[:0]
	for _, file := range append(bundles, tiles...) {
		if err := s.final(file.Path, file.Bytes); err != nil {
			return err
		}
		s.full = append(s.full, file.Path)
	}
	return s.step("full")
}

// bundles encodes the leaves of the tail and their records.
func (s *shard) bundles(first int64) ([]proof.File, error) {
	all := make([]proof.Archived, len(s.tail))
	var entries []byte
	var err error
	for i := range s.tail {
		all[i] = s.tail[i].Record
		if entries, err = proof.AppendEntry(entries, s.tail[i].Leaf.Bytes()); err != nil {
			return nil, err
		}
	}
	records, err := proof.EncodeRecords(proof.RecordsHeader{Shard: s.number, First: first}, all)
	n := first / proof.Width
	return []proof.File{{Path: proof.RecordsPath(n, len(all)), Bytes: records}, {Path: proof.EntriesPath(n, len(all)), Bytes: entries}}, err
}

// partial writes the end of the log, and makes everything durable.
func (s *shard) partial() error {
	list := s.edge.Partial()
	if len(s.tail) > 0 {
		bundles, err := s.bundles(s.edge.Size &^ (proof.Width - 1))
		if err != nil {
			return err
		}
		list = append(bundles, list...)
	}
	for _, file := range list {
		if err := s.renew(file.Path, file.Bytes); err != nil {
			return err
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	// A crash up to here loses files of this round at most; none is spoken of.
	if err := s.sync(); err != nil {
		return err
	}
	// What is full replaces its beginnings, also for those who still hold an older
	// checkpoint. A crash in between leaves some for the next round.
	for _, path := range s.full {
		if err := os.RemoveAll(s.path(path) + ".p"); err != nil {
			return err
		}
	}
	s.full = nil
	return s.step("durable")
}

// mayBeSigned holds a checkpoint against the ledger's own root and against the
// last one that was signed, from the files as they are on disk.
func (s *shard) mayBeSigned(c proof.Checkpoint, head ledger.Head) error {
	if c.Size != head.NextOffset || c.Root != head.Frontier.Root() {
		return s.fatal(CodeLedgerOdd, "the leaves up to %d do not give the root that the ledger's position holds. Nothing is signed; run: socho verify", c.Size)
	}
	if s.last == nil {
		return nil
	}
	var damage *proof.DamagedError
	err := proof.CheckConsistency(s.last.Checkpoint, c, s.read)
	if errors.As(err, &damage) {
		return s.fatal(CodeAltered, "%s %s. Move it away and start again to have it written anew", s.path(damage.Path), damage.What)
	}
	return s.forked(err)
}

func (s *shard) forked(err error) error {
	var fork *proof.ForkError
	if errors.As(err, &fork) {
		return s.fatal(CodeForked, "%v. Nothing more is signed", fork)
	}
	if err != nil {
		return s.fatal(CodeAltered, "the files in %s do not belong to the checkpoint: %v. Run socho verify, which names the file; move it away and start again to have it written anew", s.dir, err)
	}
	return nil
}

// sign signs with the first key, and with the one before it until each shard has
// a checkpoint that both have signed; then it publishes the checkpoint.
func (s *shard) sign(c proof.Checkpoint, signers []*proof.Signer) error {
	by := signers[:1]
	if s.last != nil && !s.last.SignedBy(signers[0]) {
		by = signers
	}
	signed, err := proof.Sign(c, by...)
	if err != nil {
		return err
	}
	// First where it is remembered, then where others read it: whatever is lost,
	// no second history can be signed.
	if err := s.Keys.saveSigned(s.number, signed.Text(), s.files.fail); err != nil {
		return err
	}
	if err := s.step("signed"); err != nil {
		return err
	}
	if err := s.replace(proof.CheckpointPath, signed.Text()); err != nil {
		return err
	}
	if err := s.sync(); err != nil {
		return err
	}
	s.last = signed
	if err := s.step("published"); err != nil {
		return err
	}
	return s.narrow()
}

// narrow removes the narrower copies of the unfinished record bundle: raw
// records are too large to keep each width as tiles are kept. A reader that has
// just read the checkpoint before this one still finds its own.
func (s *shard) narrow() error {
	width := int(s.edge.Size % proof.Width)
	if width == 0 {
		return nil
	}
	folder := filepath.Dir(s.path(proof.RecordsPath(s.edge.Size/proof.Width, width)))
	list, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var widths []int
	for _, entry := range list {
		if n, err := strconv.Atoi(entry.Name()); err == nil && n < width {
			widths = append(widths, n)
		}
	}
	for len(widths) >= recordPartials {
		least := 0
		for i, n := range widths {
			if n < widths[least] {
				least = i
			}
		}
		if err := os.Remove(filepath.Join(folder, strconv.Itoa(widths[least]))); err != nil {
			return err
		}
		widths = append(widths[:least], widths[least+1:]...)
	}
	return nil
}

func (s *shard) say(text string, args ...any) {
	if s.Log != nil {
		s.Log.Warn(text, args...)
	}
}

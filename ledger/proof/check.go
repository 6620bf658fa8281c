package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// CosignedPath is where a shard's newest checkpoint with witnesses' signatures
// stands, if there is one.
const CosignedPath = "cosigned"

// Checker examines a shard's published log as a whole: every tile, bundle,
// record and checkpoint. All but Read and Keys may be left out.
type Checker struct {
	Read Read
	Keys *Keys
	// Origin is what the log must call itself.
	Origin string
	// Files lists the paths of every file there is, so that pieces which wider
	// ones have replaced are looked at too.
	Files []string
	// Each sees every leaf in order, with its record where that is undamaged.
	// Its error ends the run.
	Each func(Leaf, *Archived) error
	// Problem is told of each damaged file: a *DamagedError or *ForkError.
	Problem func(error)
	// Progress is told how many of how many leaves have been looked at.
	Progress func(done, of int64)
}

// check is one run.
type check struct {
	*Checker
	signed *Signed
	tail   map[string][]byte // partial pieces, read before a wider one could replace them
	stale  map[string][]int  // by full piece's path: widths of partial ones that are there
	edge   Edge
	sound  bool
}

// Run examines the log and returns its checkpoint, nil where that cannot be
// trusted. What is damaged goes to Problem; ok says that there was none. Errors:
// files that cannot be read, Each's, the context's.
func (c *Checker) Run(ctx context.Context) (signed *Signed, ok bool, err error) {
	r := &check{Checker: c, sound: true}
	if err := r.open(); err != nil {
		return nil, false, r.problem(err)
	}
	r.index()
	for n := int64(0); n<<Height < r.signed.Size; n++ {
		if err := ctx.Err(); err != nil {
			return r.signed, false, err
		}
		goOn, err := r.bundle(n)
		if err != nil || !goOn {
			return r.signed, false, err
		}
		if c.Progress != nil {
			c.Progress(r.edge.Size, r.signed.Size)
		}
	}
	for _, file := range r.edge.Partial() {
		if err := r.same(file); err != nil {
			return r.signed, false, err
		}
	}
	if r.edge.Root() != r.signed.Root {
		r.blame(CheckpointPath, "its root is not that of the leaves that are published")
	}
	return r.signed, r.sound, r.cosigned()
}

// problem reports damage; every other error is returned.
func (r *check) problem(err error) error {
	var d *DamagedError
	var f *ForkError
	if !errors.As(err, &d) && !errors.As(err, &f) {
		return err
	}
	r.sound = false
	if r.Problem != nil {
		r.Problem(err)
	}
	return nil
}

func (r *check) blame(path, format string, args ...any) {
	r.problem(damaged(path, format, args...)) //nolint:errcheck // damage is reported, not returned
}

// open reads the checkpoint and then, at once, the pieces at the end of the log
// that a publisher at work may replace. Where one has just been replaced, the
// newer checkpoint is taken.
func (r *check) open() error {
	for tries := 0; ; tries++ {
		text, err := r.Read(CheckpointPath)
		if err != nil {
			return notThere(err, CheckpointPath)
		}
		if r.signed, err = Open(text, r.Keys); err != nil {
			return damaged(CheckpointPath, "%v", err)
		}
		if r.Origin != "" && r.signed.Origin != r.Origin {
			return damaged(CheckpointPath, "is of %s instead of %s", r.signed.Origin, r.Origin)
		}
		missing := false
		r.tail = map[string][]byte{}
		if width := int(r.signed.Size % Width); width > 0 {
			n := r.signed.Size >> Height
			for _, path := range []string{RecordsPath(n, width), EntriesPath(n, width), TilePath(0, n, width)} {
				b, err := r.Read(path)
				if missing = missing || err != nil; err == nil {
					r.tail[path] = b
				}
			}
		}
		if !missing || tries == 3 {
			return nil
		}
	}
}

// index notes which partial pieces are there.
func (r *check) index() {
	r.stale = map[string][]int{}
	for _, path := range r.Files {
		full, width, partial := strings.Cut(path, ".p/")
		n := 0
		if _, err := fmt.Sscanf(width, "%d", &n); partial && err == nil && PathValid(path) {
			r.stale[full] = append(r.stale[full], n)
		}
	}
}

// read reads a piece, or the full one that has replaced it.
func (r *check) read(path func(width int) string, width int) ([]byte, string, error) {
	if b, ok := r.tail[path(width)]; ok {
		return b, path(width), nil
	}
	return readPiece(r.Read, path, width)
}

// bundle examines the n-th 256 leaves: tile, entries and records against each
// other and, through the tiles above, against the checkpoint. goOn is false
// where nothing can be said of what follows.
func (r *check) bundle(n int64) (goOn bool, err error) {
	width := int(min(Width, r.signed.Size-n<<Height))
	tile, tileAt, err := r.tile(n, width)
	if err = r.problem(err); err != nil {
		return false, err
	}
	leaves, entriesAt, err := r.entries(n, width)
	if err = r.problem(err); err != nil {
		return false, err
	}
	archived, err := r.records(n, width)
	if err = r.problem(err); err != nil {
		return false, err
	}
	hashes := r.judge(n, tile, leaves, tileAt, entriesAt)
	if hashes == nil {
		return false, nil
	}
	for i, hash := range hashes {
		for _, full := range r.edge.Append(hash) {
			if strings.HasPrefix(full.Path, "tile/0/") {
				continue
			}
			if err := r.same(full); err != nil {
				return false, err
			}
		}
		if leaves == nil {
			continue
		}
		var a *Archived
		if archived != nil {
			a = &archived[i]
		}
		if err := r.leaf(n<<Height+int64(i), leaves[i], a, entriesAt, RecordsPath(n, width)); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *check) tile(n int64, width int) (hashes []tlog.Hash, at string, err error) {
	b, at, err := r.read(func(w int) string { return TilePath(0, n, w) }, width)
	if err != nil {
		return nil, at, err
	}
	if len(b)%tlog.HashSize != 0 || len(b) < width*tlog.HashSize || !Partial(at) && len(b) != Width*tlog.HashSize {
		return nil, at, damaged(at, "holds %d bytes instead of %d", len(b), width*tlog.HashSize)
	}
	hashes = hashesOf(b[:width*tlog.HashSize])
	return hashes, at, r.replaced(TilePath(0, n, Width), width, func(old []byte, w int) bool {
		return len(old) == w*tlog.HashSize && bytes.HasPrefix(b, old)
	})
}

func (r *check) entries(n int64, width int) (leaves [][]byte, at string, err error) {
	b, at, err := r.read(func(w int) string { return EntriesPath(n, w) }, width)
	if err != nil {
		return nil, at, err
	}
	if leaves, err = ParseEntries(b); err != nil {
		return nil, at, damaged(at, "%v", err)
	}
	if len(leaves) < width || Partial(at) && len(leaves) != width || len(leaves) > Width {
		return nil, at, damaged(at, "holds %d entries instead of %d", len(leaves), width)
	}
	leaves = leaves[:width]
	return leaves, at, r.replaced(EntriesPath(n, Width), width, func(old []byte, w int) bool {
		list, err := ParseEntries(old)
		return err == nil && len(list) == w && bytes.HasPrefix(b, old)
	})
}

func (r *check) records(n int64, width int) ([]Archived, error) {
	b, at, err := r.read(func(w int) string { return RecordsPath(n, w) }, width)
	if err != nil {
		return nil, err
	}
	head, all, err := ParseRecords(b)
	if err != nil {
		return nil, damaged(at, "%v", err)
	}
	_, shard, _ := ParseOrigin(r.signed.Origin)
	if len(all) < width || Partial(at) && len(all) != width || head.First != n<<Height || head.Shard != shard {
		return nil, damaged(at, "holds %d records from %d:%d on instead of %d from %d:%d on", len(all), head.Shard, head.First, width, shard, n<<Height)
	}
	all = all[:width]
	return all, r.replaced(RecordsPath(n, Width), width, func(old []byte, w int) bool {
		again, err := EncodeRecords(head, all[:min(w, len(all))])
		return err == nil && bytes.Equal(again, old)
	})
}

// replaced looks at the narrower pieces that are still there: each must be the
// beginning of the wider.
func (r *check) replaced(full string, width int, begins func(old []byte, width int) bool) error {
	for _, w := range r.stale[full] {
		if w >= width {
			continue // the piece itself, or one that no checkpoint vouches for yet
		}
		path := fmt.Sprintf("%s.p/%d", full, w)
		old, err := r.Read(path)
		if err != nil {
			continue // removed in the meantime
		}
		if !begins(old, w) {
			r.blame(path, "is not the beginning of the piece that has replaced it")
		}
	}
	return nil
}

// judge finds out which of tile and entries is damaged where they differ, and
// returns the hashes to go on with; nil where neither can be believed.
func (r *check) judge(n int64, tile []tlog.Hash, leaves [][]byte, tileAt, entriesAt string) []tlog.Hash {
	var hashes []tlog.Hash
	for _, leaf := range leaves {
		hashes = append(hashes, tlog.RecordHash(leaf))
	}
	switch {
	case tile == nil:
		return hashes
	case hashes == nil, slices.Equal(tile, hashes):
		return tile
	case r.belongs(n, tile):
		r.blame(entriesAt, "holds other leaves than those that its tile has the hashes of")
		return tile
	case r.belongs(n, hashes):
		r.blame(tileAt, "holds other hashes than those of its entries")
		return hashes
	}
	r.blame(tileAt, "and %s contradict each other, and neither belongs to the checkpoint", entriesAt)
	return nil
}

// belongs reports whether the tile above holds the hash of these 256, or
// whether these, the last ones, give the checkpoint's root.
func (r *check) belongs(n int64, hashes []tlog.Hash) bool {
	if len(hashes) < Width {
		edge := r.edge.Clone()
		for _, h := range hashes {
			edge.Append(h)
		}
		return edge.Root() == r.signed.Root
	}
	width := int(min(Width, r.signed.Size>>Height-n>>Height<<Height))
	b, _, err := r.read(func(w int) string { return TilePath(1, n>>Height, w) }, width)
	at := int(n%Width) * tlog.HashSize
	return err == nil && len(b) >= at+tlog.HashSize && tlog.Hash(b[at:at+tlog.HashSize]) == subtree(hashes)
}

// same compares a tile above the lowest level with what is published.
func (r *check) same(want File) error {
	path := func(int) string { return want.Path }
	b, at, err := r.read(path, Width)
	if Partial(want.Path) {
		full, _, _ := strings.Cut(want.Path, ".p/")
		b, at, err = r.read(func(w int) string {
			if w == Width {
				return full
			}
			return want.Path
		}, len(want.Bytes)/tlog.HashSize)
	}
	if err != nil {
		return r.problem(err)
	}
	if !bytes.Equal(b, want.Bytes) && !(at != want.Path && bytes.HasPrefix(b, want.Bytes)) {
		r.blame(at, "holds other hashes than those of the tiles below it")
	}
	full, _, _ := strings.Cut(want.Path, ".p/")
	return r.replaced(full, len(want.Bytes)/tlog.HashSize, func(old []byte, w int) bool {
		return len(old) == w*tlog.HashSize && bytes.HasPrefix(want.Bytes, old)
	})
}

// leaf holds a leaf against its place and its record.
func (r *check) leaf(offset int64, b []byte, a *Archived, entriesAt, recordsAt string) error {
	l, err := ParseLeaf(b)
	if err != nil {
		r.blame(entriesAt, "entry %d %v", offset%Width, err)
		return nil
	}
	if _, shard, _ := ParseOrigin(r.signed.Origin); l.Offset != offset || l.Shard != shard {
		r.blame(entriesAt, "entry %d is the leaf of %d:%d instead of %d:%d", offset%Width, l.Shard, l.Offset, shard, offset)
		return nil
	}
	if a != nil && a.Hash() != l.RecordHash {
		r.blame(recordsAt, "record %d:%d is not the one that was decided", l.Shard, offset)
		a = nil
	}
	if r.Each == nil {
		return nil
	}
	return r.Each(l, a)
}

// cosigned holds the witnesses' checkpoint against ours.
func (r *check) cosigned() error {
	text, err := r.Read(CosignedPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	older, err := Open(text, r.Keys)
	if err != nil {
		r.blame(CosignedPath, "%v", err)
		return nil
	}
	if older.Origin != r.signed.Origin {
		r.blame(CosignedPath, "is of %s, the log of %s", older.Origin, r.signed.Origin)
		return nil
	}
	now := r.signed
	if older.Size > now.Size {
		// A newer checkpoint may have come while we looked.
		text, err := r.Read(CheckpointPath)
		if err != nil {
			return err
		}
		if now, err = Open(text, r.Keys); err != nil {
			r.blame(CheckpointPath, "%v", err)
			return nil
		}
	}
	if older.Size > now.Size {
		r.blame(CheckpointPath, "went back: it speaks of %d records, witnesses have signed %d", now.Size, older.Size)
		return nil
	}
	return r.problem(CheckConsistency(older.Checkpoint, now.Checkpoint, r.Read))
}

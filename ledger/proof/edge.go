package proof

import (
	"golang.org/x/mod/sumdb/tlog"
)

// Edge is the right edge of a shard's log in tiles: of each level, the hashes of
// the tile that is not full yet. It is all that appending needs. The zero value
// is the empty log.
type Edge struct {
	Size   int64
	levels [][]tlog.Hash // each shorter than Width; none but the last may be empty for good
}

// File is a file of the log, to be written.
type File struct {
	Path  string
	Bytes []byte
}

// Append adds a leaf and returns the tiles that it filled, the lowest first.
func (e *Edge) Append(leaf tlog.Hash) (full []File) {
	e.Size++
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, nil)
		}
		e.levels[level] = append(e.levels[level], leaf)
		if len(e.levels[level]) < Width {
			return full
		}
		n := e.Size>>(Height*(level+1)) - 1
		full = append(full, File{TilePath(level, n, Width), tileBytes(e.levels[level])})
		leaf = subtree(e.levels[level])
		e.levels[level] = nil
	}
}

// Partial returns the tiles of the edge that are not full, the lowest first.
func (e *Edge) Partial() (files []File) {
	for level, hashes := range e.levels {
		if len(hashes) > 0 {
			files = append(files, File{e.path(level), tileBytes(hashes)})
		}
	}
	return files
}

// path names the level's tile that is not full.
func (e *Edge) path(level int) string {
	return TilePath(level, e.Size>>(Height*(level+1)), len(e.levels[level]))
}

// Root is the RFC 6962 hash of the whole log.
func (e *Edge) Root() tlog.Hash {
	if e.Size == 0 {
		root, _ := tlog.TreeHash(0, nil) // of nothing: reads nothing, never fails
		return root
	}
	var root tlog.Hash
	begun := false
	for _, hashes := range e.levels { // from the right end of the log to the left
		for len(hashes) > 0 {
			// The last complete subtree within the tile: the lowest bit of its width.
			n := len(hashes) & -len(hashes)
			left := subtree(hashes[len(hashes)-n:])
			hashes = hashes[:len(hashes)-n]
			if begun {
				root = tlog.NodeHash(left, root)
			} else {
				root, begun = left, true
			}
		}
	}
	return root
}

// Clone returns an edge that shares nothing with e.
func (e *Edge) Clone() *Edge {
	c := &Edge{Size: e.Size, levels: make([][]tlog.Hash, len(e.levels))}
	for i, hashes := range e.levels {
		c.levels[i] = append([]tlog.Hash(nil), hashes...)
	}
	return c
}

// LoadEdge reads the edge that a checkpoint stands for, from its partial tiles,
// and checks it against the root. Errors: *DamagedError where a tile is missing
// or they do not give the root; those of read.
func LoadEdge(c Checkpoint, read Read) (*Edge, error) {
	e := &Edge{Size: c.Size}
	for level := 0; c.Size>>(Height*level) > 0; level++ {
		width := int(c.Size >> (Height * level) % Width)
		e.levels = append(e.levels, nil)
		if width == 0 {
			continue
		}
		n := c.Size >> (Height * (level + 1))
		b, at, err := readPiece(read, func(w int) string { return TilePath(level, n, w) }, width)
		if err != nil {
			return nil, err
		}
		if len(b)%tlog.HashSize != 0 || len(b) < width*tlog.HashSize {
			return nil, damaged(at, "holds %d bytes instead of %d", len(b), width*tlog.HashSize)
		}
		e.levels[level] = hashesOf(b[:width*tlog.HashSize])
	}
	if e.Root() != c.Root {
		return nil, damaged(CheckpointPath, "the tiles at the end of the log do not give its root")
	}
	return e, nil
}

func tileBytes(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}

func hashesOf(tile []byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(tile)/tlog.HashSize)
	for i := range hashes {
		hashes[i] = tlog.Hash(tile[i*tlog.HashSize : (i+1)*tlog.HashSize])
	}
	return hashes
}

// subtree is the hash of a complete subtree: hashes are a power of two.
func subtree(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

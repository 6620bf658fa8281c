package proof

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Height is that of a tile; Width the hashes, entries or records in a full one
// (https://c2sp.org/tlog-tiles).
const (
	Height = 8
	Width  = 1 << Height
)

// CheckpointPath is where a shard's signed checkpoint stands.
const CheckpointPath = "checkpoint"

// A kind of file that is cut into pieces of Width.
const (
	tiles   = "tile/"
	entries = "tile/entries/"
	records = Records
)

// Records is the folder of the record bundles: they tell what all else only proves.
const Records = "records/"

// TilePath names the tile n of a level that holds width hashes, 1 to Width.
func TilePath(level int, n int64, width int) string {
	return tiles + strconv.Itoa(level) + "/" + piece(n, width)
}

// EntriesPath names the entry bundle n that holds width leaves, 1 to Width.
func EntriesPath(n int64, width int) string { return entries + piece(n, width) }

// RecordsPath names the record bundle n that holds width records, 1 to Width.
func RecordsPath(n int64, width int) string { return records + piece(n, width) }

// piece writes a number in groups of three digits, all but the last marked with
// x, and the width of a partial piece behind it.
func piece(n int64, width int) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	if width != Width {
		text += ".p/" + strconv.Itoa(width)
	}
	return text
}

// Partial reports whether a path names a piece that a wider one will replace.
func Partial(path string) bool { return strings.Contains(path, ".p/") }

// PathValid reports whether a path names a file that a shard's log may hold.
func PathValid(path string) bool {
	if path == CheckpointPath {
		return true
	}
	rest, isTile := "", false
	switch {
	case strings.HasPrefix(path, entries):
		rest = path[len(entries):]
	case strings.HasPrefix(path, records):
		rest = path[len(records):]
	default:
		rest, isTile = strings.CutPrefix(path, tiles)
		level, after, found := strings.Cut(rest, "/")
		n, err := strconv.Atoi(level)
		if !isTile || !found || err != nil || n < 0 || n > 63 || strconv.Itoa(n) != level {
			return false
		}
		rest = after
	}
	width := Width
	if number, w, partial := strings.Cut(rest, ".p/"); partial {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 || n >= Width {
			return false
		}
		rest, width = number, n
	}
	n := int64(0)
	for part := range strings.SplitSeq(rest, "/") {
		digits, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 16)
		if err != nil || digits > 999 || n > 1<<50 {
			return false
		}
		n = n*1000 + int64(digits)
	}
	full, _, _ := strings.Cut(piece(n, width), ".p/")
	return full == rest && strings.HasSuffix(path, piece(n, width))
}

// Read returns a file of a shard's published log by its path. Errors:
// fs.ErrNotExist where there is none; whatever keeps it from being read.
type Read func(path string) ([]byte, error)

// DamagedError names a file of the log that does not hold what it must.
type DamagedError struct {
	Path string
	What string // in words
}

func (e *DamagedError) Error() string { return e.Path + ": " + e.What }

func damaged(path, format string, args ...any) error {
	return &DamagedError{path, fmt.Sprintf(format, args...)}
}

// readPiece reads a piece of at least width; where the partial one has been
// replaced by the full one, that is read (as https://c2sp.org/tlog-tiles lets
// clients do). It returns the path that was read.
func readPiece(read Read, path func(width int) string, width int) ([]byte, string, error) {
	at := path(width)
	b, err := read(at)
	if errors.Is(err, fs.ErrNotExist) && width < Width {
		if full, again := read(path(Width)); again == nil {
			return full, path(Width), nil
		}
	}
	return b, at, notThere(err, at)
}

// notThere makes a missing file a damaged one.
func notThere(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return damaged(path, "is missing")
	}
	return err
}

// tileReader feeds golang.org/x/mod/sumdb/tlog from files.
type tileReader struct{ read Read }

var _ tlog.TileReader = tileReader{}

func (r tileReader) Height() int { return Height }

func (r tileReader) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, t := range wanted {
		b, at, err := readPiece(r.read, func(w int) string { return TilePath(t.L, t.N, w) }, t.W)
		if err != nil {
			return nil, err
		}
		if len(b)%tlog.HashSize != 0 || len(b) < t.W*tlog.HashSize {
			return nil, damaged(at, "holds %d bytes instead of %d", len(b), t.W*tlog.HashSize)
		}
		found[i] = b[:t.W*tlog.HashSize]
	}
	return found, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// Hashes reads the hashes of the tree that a checkpoint stands for. What it
// returns has been checked against the checkpoint's root.
func Hashes(c Checkpoint, read Read) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{read})
}

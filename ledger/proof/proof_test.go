package proof_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
	"socho/ledger/proof"
)

const ledgerName = "socho-TESTTESTTESTTESTTESTTESTTE"

// log is a published log in memory.
type log struct {
	files  map[string][]byte
	edge   proof.Edge
	leaves []proof.Leaf
	all    []proof.Archived
	signer *proof.Signer
	keys   *proof.Keys
}

func seeded(n byte) *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte{n}, 64)) }

func signer(t testing.TB, n byte, name string, witness bool) *proof.Signer {
	t.Helper()
	line, err := proof.GenerateKey(seeded(n), name, witness)
	if err != nil {
		t.Fatal(err)
	}
	s, err := proof.ParseSigner(line, func() time.Time { return time.Unix(1790000000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keysOf(t testing.TB, signers ...*proof.Signer) *proof.Keys {
	t.Helper()
	text := "# test\n\n"
	for _, s := range signers {
		text += s.Public() + "\n"
	}
	keys, err := proof.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newLog(t testing.TB) *log {
	l := &log{files: map[string][]byte{}, signer: signer(t, 1, ledgerName, false)}
	l.keys = keysOf(t, l.signer)
	return l
}

func (l *log) read(path string) ([]byte, error) {
	if b, ok := l.files[path]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (l *log) reader() proof.Read { return l.read }

// event is the record at an offset: every seventh offset holds none.
func event(n int) proof.Archived {
	if n%7 == 6 {
		return proof.Archived{Void: true}
	}
	return proof.Archived{
		Time: 1790000000000 + int64(n), Key: []byte("hg-cho-dong-van"),
		Headers: []events.Header{{Name: events.HeaderContentType, Value: []byte(events.ContentType)},
			{Name: events.HeaderRecordedAt, Value: []byte("2026-09-01T01:02:03.000004Z")}, {Name: events.HeaderActor, Value: []byte("cli")}},
		Value: fmt.Appendf(nil, `{"data":{"amount":"61000","bill":"b-2609-A%d","currency":"VND","effective_on":"2026-09-12","method":"qr"},"id":"019990a0-0005-7000-8000-%012x","source":"https://cho-dong-van.example/so","specversion":"1.0","subject":"hg-cho-dong-van","time":"2026-09-12T06:40:12+07:00","type":"vn.socho.market.payment_received.v1"}`, n, n),
	}
}

func leafOf(n int, a *proof.Archived) proof.Leaf {
	return proof.Leaf{Shard: 3, Offset: int64(n), RecordedAt: time.Date(2026, 9, 1, 1, 2, 3, 4000, time.UTC), RecordHash: a.Hash(),
		RuleSet: 1, Status: ledger.Posted, Transfers: ledger.TransfersHash(nil)}
}

// grow appends up to a size and publishes, as a publisher would.
func (l *log) grow(t testing.TB, size int) {
	t.Helper()
	for n := len(l.leaves); n < size; n++ {
		a := event(n)
		l.all, l.leaves = append(l.all, a), append(l.leaves, leafOf(n, &a))
		for _, f := range l.edge.Append(l.leaves[n].Hash()) {
			l.files[f.Path] = f.Bytes
		}
		if (n+1)%proof.Width == 0 || n+1 == size {
			l.bundle(t, n/proof.Width)
		}
	}
	for _, f := range l.edge.Partial() {
		l.files[f.Path] = f.Bytes
	}
	c, err := proof.Sign(proof.Checkpoint{Origin: proof.Origin(ledgerName, 3), Size: l.edge.Size, Root: l.edge.Root()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	l.files[proof.CheckpointPath] = c.Text()
}

func (l *log) bundle(t testing.TB, n int) {
	t.Helper()
	first := n * proof.Width
	part := l.all[first:min(first+proof.Width, len(l.all))]
	records, err := proof.EncodeRecords(proof.RecordsHeader{Shard: 3, First: int64(first)}, part)
	if err != nil {
		t.Fatal(err)
	}
	var entries []byte
	for i := range part {
		if entries, err = proof.AppendEntry(entries, l.leaves[first+i].Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	l.files[proof.RecordsPath(int64(n), len(part))] = records
	l.files[proof.EntriesPath(int64(n), len(part))] = entries
}

func (l *log) checkpoint(t testing.TB) *proof.Signed {
	t.Helper()
	c, err := proof.Open(l.files[proof.CheckpointPath], l.keys)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (l *log) check(t testing.TB) (problems []string, ok bool) {
	t.Helper()
	files := slices.Sorted(maps.Keys(l.files))
	c := &proof.Checker{Read: l.read, Keys: l.keys, Origin: proof.Origin(ledgerName, 3), Files: files,
		Problem: func(err error) { problems = append(problems, err.Error()) }}
	_, ok, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return problems, ok
}

// TestEdge compares roots and tiles with golang.org/x/mod/sumdb/tlog.
func TestEdge(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			found[i] = stored[at]
		}
		return found, nil
	})
	files := map[string][]byte{}
	var edge proof.Edge
	const size = 1<<16 + 700
	for n := range int64(size) {
		leaf := tlog.RecordHash(fmt.Append(nil, n))
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		for _, f := range edge.Append(leaf) {
			if files[f.Path] != nil {
				t.Fatalf("%s is full twice", f.Path)
			}
			files[f.Path] = f.Bytes
		}
		if n%911 != 0 && n < size-2 {
			continue
		}
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || edge.Root() != root {
			t.Fatalf("size %d: another root, %v", n+1, err)
		}
		for _, f := range edge.Partial() {
			files[f.Path] = f.Bytes
		}
		c := proof.Checkpoint{Origin: "x/shard/0", Size: n + 1, Root: root}
		read := func(path string) ([]byte, error) { return found(files, path) }
		again, err := proof.LoadEdge(c, read)
		if err != nil || again.Root() != root || again.Size != n+1 {
			t.Fatalf("size %d: not read back: %v", n+1, err)
		}
		for _, tile := range tlog.NewTiles(proof.Height, n, n+1) {
			want, err := tlog.ReadTileData(tile, reader)
			if path := proof.TilePath(tile.L, tile.N, tile.W); err != nil || !bytes.Equal(files[path], want) {
				t.Fatalf("size %d: %s differs, %v", n+1, path, err)
			}
		}
	}
}

func found(files map[string][]byte, path string) ([]byte, error) {
	if b, ok := files[path]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{proof.TilePath(0, 1234067, 256), "tile/0/x001/x234/067"},
		{proof.TilePath(2, 0, 112), "tile/2/000.p/112"},
		{proof.EntriesPath(1000, 7), "tile/entries/x001/000.p/7"},
		{proof.RecordsPath(999, 256), "records/999"},
	} {
		if c.got != c.want || !proof.PathValid(c.got) {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	for _, bad := range []string{"", "../checkpoint", "tile/64/000", "tile/00/000", "tile/0/0", "tile/0/001/002", "tile/0/x000/001", "tile/0/000.p/0",
		"tile/0/000.p/256", "tile/0/000.p/01", "records/", "records/0a0", "tile/entries/-01", "tile/0/x001/x/001", "records/000/", "keys/signer", "records/+01"} {
		if proof.PathValid(bad) {
			t.Errorf("%q is taken for a file of the log", bad)
		}
	}
}

func TestConsistency(t *testing.T) {
	l := newLog(t)
	var seen []proof.Checkpoint
	for _, size := range []int{1, 2, 7, 255, 256, 257, 600, 1024, 1500} {
		l.grow(t, size)
		now := l.checkpoint(t).Checkpoint
		for _, older := range append(seen, proof.Checkpoint{Origin: now.Origin, Root: (&proof.Edge{}).Root()}) {
			if err := proof.CheckConsistency(older, now, l.reader()); err != nil {
				t.Errorf("%d to %d: %v", older.Size, now.Size, err)
			}
			forged := older
			forged.Root[3] ^= 1
			if err := proof.CheckConsistency(forged, now, l.reader()); err == nil {
				t.Errorf("%d to %d: another history passes", older.Size, now.Size)
			}
		}
		seen = append(seen, now)
	}
	if err := proof.CheckConsistency(seen[3], seen[2], l.reader()); err == nil {
		t.Error("a log went back")
	}
}

// TestCheckNamesTheDamagedFile alters every file of a log in several places.
func TestCheckNamesTheDamagedFile(t *testing.T) {
	l := newLog(t)
	for _, size := range []int{3, 200, 256, 300, 700} { // leaves partial pieces behind
		l.grow(t, size)
	}
	if problems, ok := l.check(t); !ok || len(problems) > 0 {
		t.Fatalf("an undamaged log: %v", problems)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, path := range slices.Sorted(maps.Keys(l.files)) {
		whole := l.files[path]
		places := 12
		if testing.Short() {
			places = 2
		}
		for range places {
			b := bytes.Clone(whole)
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			l.files[path] = b
			if problems, ok := l.check(t); ok || !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, path) }) {
				t.Errorf("%s altered: ok=%v %v", path, ok, problems)
			}
		}
		for what, b := range map[string][]byte{"cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0), "emptied": {}} {
			l.files[path] = b
			if problems, ok := l.check(t); ok || !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, path) }) {
				t.Errorf("%s %s: ok=%v %v", path, what, ok, problems)
			}
		}
		l.files[path] = whole
	}
	// Missing: only what nothing has replaced.
	for _, path := range []string{proof.CheckpointPath, "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001", "records/002.p/188", "records/000"} {
		whole, there := l.files[path]
		if !there {
			t.Fatalf("no %s", path)
		}
		delete(l.files, path)
		if problems, ok := l.check(t); ok || !strings.Contains(strings.Join(problems, "\n"), path+": is missing") {
			t.Errorf("%s missing: ok=%v %v", path, ok, problems)
		}
		l.files[path] = whole
	}
}
